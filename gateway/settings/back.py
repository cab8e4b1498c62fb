"""Settings of the way back: what providers report, when a mailbox counts as dead, how partners and tools are asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.settings.table import Table
from gateway.settings.values import CalendarSpan, Count, Duration, FromFolder, Line, Name, Port


class Outward(Table):
    """How partners, tools and providers are asked over https; addresses inside a network are never asked (T17)."""

    ports: tuple[Port, ...] = Field(default=(), description="Ports that may be asked besides 443.")
    ca_file: FromFolder | None = Field(default=None, description="PEM file of the authorities to trust. Empty: the system's.")


class Bounces(Table):
    """When temporary failures mean that nobody reads a mailbox any more (R-MBX-15); permanent ones mean it at once."""

    soft_count: Count = Field(default=5, description="So many temporary failures at least,")
    soft_span: CalendarSpan = Field(default="P15D", description="over so long at least, with no delivery reported between them;")
    soft_lapse: CalendarSpan = Field(default="P60D", description="after so long without one, counting begins anew.")


class Replies(Table):
    """How answers of people are dealt with; requests about their rights have the month the law gives (GDPR 12(3))."""

    unclear_within: CalendarSpan = Field(
        default="P3D",
        description="By when somebody should have read an answer that may be a refusal; nothing is sent until then (R-FR-58).",
    )


class ProviderEvents(Table):
    """A provider that reports bounces, complaints and opt-outs to `POST /events/NAME`; see docs/provider-events.md."""

    kind: Literal["ses", "sendgrid", "postmark", "mailgun", "brevo", "sparkpost", "standard"] = Field(
        description='"ses" (by SNS), "sendgrid", "postmark", "mailgun", "brevo", "sparkpost", or "standard" (Standard Webhooks).'
    )
    secret_file: FromFolder | None = Field(
        default=None,
        description="File of what proves its calls, mode 0600; or `GATEWAY_PROVIDER_<NAME>_SECRET`. Not for ses and sendgrid.",
    )
    verification: Line = Field(default="", description="SendGrid: the verification key that its settings show, which is public.")
    topic: Line = Field(default="", description="SES: the ARN of the SNS topic; no other is believed or confirmed.")
    advertisers: tuple[Name, ...] = Field(
        default=(), description="Advertisers that mail through it, whom its reports concern. Empty: every one."
    )
    window: Duration | None = Field(
        default=None,
        description="How old a call that bears a time may be. Empty: as long as the provider tries again; see the page on events.",
    )
