"""Postmark's webhooks: one record a call, proven by the user and password in the URL that was given to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.core.signal import Told
from gateway.edges.providers.proofs import basic
from gateway.edges.providers.reading import Malformed, batch, decode, digest, occurrence, opened, status, table, text, tokens
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

_BOUNCES: Mapping[str, tuple[Told, bool | None]] = {
    "HardBounce": (Told.BOUNCE, True),
    "BadEmailAddress": (Told.BOUNCE, True),
    "SoftBounce": (Told.BOUNCE, False),
    "DnsError": (Told.BOUNCE, False),
    "Blocked": (Told.BOUNCE, None),
    "SpamNotification": (Told.BOUNCE, None),
    "VirusNotification": (Told.BOUNCE, None),
    "DMARCPolicy": (Told.BOUNCE, None),
    "Transient": (Told.DELAYED, None),
    "AutoResponder": (Told.AUTO_REPLY, None),
    "AddressChange": (Told.AUTO_REPLY, None),
    "ChallengeVerification": (Told.CHALLENGE_RESPONSE, None),
    "Unsubscribe": (Told.OPT_OUT, None),
    "SpamComplaint": (Told.COMPLAINT, None),
}
_SUPPRESSIONS: Mapping[str, tuple[Told, bool | None]] = {
    "HardBounce": (Told.BOUNCE, True),
    "SpamComplaint": (Told.COMPLAINT, None),
    "ManualSuppression": (Told.OPT_OUT, None),
}


class Postmark:
    """Implements `provider_events.Room`; `secret` is `user:password`."""

    def __init__(self, secret: bytes, compute: Compute) -> None:
        self._secret = secret
        self._compute = compute

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:  # noqa: ARG002  no time is signed
        """See `provider_events.Room`."""
        if not basic(headers, self._secret):
            return Refusal.FORGED
        return await opened(self._compute, body, read)


def read(body: bytes) -> Batch:
    """The record of a call; Malformed where it is none."""
    event = decode(body)
    if not isinstance(event, dict):
        raise Malformed
    return batch([_event(event)])


def _event(event: Mapping[str, object]) -> Occurrence | None:
    record = text(event, "RecordType")
    known = _known(event, record)
    if known is None:
        return None
    told, hard = known
    said = f"{text(event, 'Details')} {text(event, 'Description')}"
    return occurrence(
        f"{record} {text(event, 'ID')}" if text(event, "ID") else digest(event),
        told,
        text(event, "Email") or text(event, "Recipient"),
        f"postmark {record}",
        status=status("", said) if hard is not None else "",  # a refusal of ours carries any number
        hard=hard,
        found=tokens(table(event, "Metadata").values()),
        provider="postmark",
    )


def _known(event: Mapping[str, object], record: str) -> tuple[Told, bool | None] | None:
    match record:
        case "Bounce":
            return _BOUNCES.get(text(event, "Type"))
        case "SpamComplaint":
            return Told.COMPLAINT, None
        case "Delivery":
            return Told.DELIVERED, None
        case "SubscriptionChange" if event.get("SuppressSending") is True:
            return _SUPPRESSIONS.get(text(event, "SuppressionReason"))
        case _:
            return None  # among them a reactivation: nobody but the person lifts an opposition
