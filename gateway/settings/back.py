"""Settings of the way back: what providers report, when a mailbox counts as dead, how partners and tools are asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.table import Table
from gateway.settings.values import CalendarSpan, Count, Duration, FromFolder, Line, Link, Name, Port


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
    api_key_file: FromFolder | None = Field(
        default=None,
        description="File of the key that `gateway sync` asks its API with, mode 0600; or `GATEWAY_PROVIDER_<NAME>_API_KEY`."
        " For ses: `ACCESS_KEY_ID:SECRET`.",
    )
    api_url: Link = Field(
        default="", description="Where its API is. Empty: where the provider says, outside any region of its own."
    )
    list_name: Line = Field(
        default="",
        description="What `gateway sync` reads and writes: Mailgun's domain, Postmark's message stream, a SendGrid group's number."
        " Empty: Postmark's \"outbound\", SendGrid's global list.",
    )
    window: Duration | None = Field(
        default=None,
        description="How old a call that bears a time may be. Empty: as long as the provider tries again; see the page on events.",
    )


class Mailbox(Table):
    """A mailbox of an advertiser's own that answers come to, read over IMAP and left as it is; see docs/mailbox.md."""

    host: Line = Field(min_length=1, description="Name or address of its IMAP server.")
    port: Port = Field(default=993, description="Its port.")
    tls: Literal["required", "none"] = Field(
        default="required", description='"required" is TLS from the first octet; "none" is for loopback only.'
    )
    ca_file: FromFolder | None = Field(default=None, description="PEM file of the authorities to trust. Empty: the system's.")
    username: Line = Field(min_length=1, description="Login.")
    password_file: FromFolder | None = Field(
        default=None, description="File of the password, mode 0600; or `GATEWAY_MAILBOX_<NAME>_PASSWORD`."
    )
    folder: Line = Field(default="INBOX", min_length=1, description="The folder that is read; no other one is opened.")
    streams: tuple[Name, ...] = Field(
        min_length=1, description='Streams of one advertiser, with `replies = "mailbox"`, whose answers come here.'
    )
    trusted_authserv: Line = Field(
        default="",
        description="Name under which its own mail server writes Authentication-Results. That server must remove fields of this"
        " name from mail that comes in (RFC 8601). Empty: only tokens say who is meant.",
    )
    every: Duration = Field(
        default=timedelta(minutes=1), description="Longest time between two looks; most servers tell of new mail at once."
    )
    look_back: Duration = Field(
        default=timedelta(days=30),
        description="How old mail may be that is read at the first look, and after the server has numbered its mail anew.",
    )
    keyword: Annotated[str, Field(pattern=r"^(?:\$?[A-Za-z0-9_-]{1,40})?$")] = Field(
        default="",
        description='Keyword put on mail about somebody the gateway knows, such as "$GatewayRead". Empty: nothing is changed.',
    )
    read_size: Annotated[int, Field(strict=True, ge=16 * 1024, le=16 * 1024 * 1024)] = Field(
        default=1024 * 1024, description="Octets of a mail that are read, from its beginning."
    )
