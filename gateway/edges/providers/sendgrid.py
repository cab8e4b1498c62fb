"""SendGrid's Event Webhook: a list of events a call, signed with ECDSA over the time and the raw body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from gateway.core.bouncing import Means, means
from gateway.core.signal import Reported, Told
from gateway.edges.providers.proofs import fresh, p256, p256_key
from gateway.edges.providers.reading import Malformed, batch, decode, digest, occurrence, rows, status, text, tokens
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
WINDOW = timedelta(hours=25)
"""It tries again for 24 hours; each event counts once, so that an old call changes nothing."""

_TOLD = {
    "bounce": Told.BOUNCE,
    "delivered": Told.DELIVERED,
    "deferred": Told.DELAYED,
    "spamreport": Told.COMPLAINT,
    "unsubscribe": Told.OPT_OUT,
    "group_unsubscribe": Told.OPT_OUT,
}
_DROPPED = {
    "bounced address": Told.BOUNCE,
    "invalid": Told.BOUNCE,
    "spam reporting address": Told.COMPLAINT,
    "unsubscribed address": Told.OPT_OUT,
}
"""Why it did not even try: what stands in its own lists."""

_DEAD_CLASSES = frozenset({"", "invalid address", "unclassified"})
_FULL = "mailbox unavailable"
_OTHERS_SAY = frozenset({"email", "reason", "response", "url", "useragent", "ip", "smtp-id", "sg_event_id", "sg_message_id"})
"""Fields whose text is not the sender's: no token is looked for there."""


class SendGrid:
    """Implements `provider_events.Room`; `key` is the verification key that its settings page shows."""

    def __init__(self, key: str, compute: Compute, window: timedelta | None = None) -> None:
        self._key = p256_key(key)
        self._compute = compute
        self._window = WINDOW if window is None else window

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:
        """See `provider_events.Room`."""
        stamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not fresh(stamp, now, self._window):
            return Refusal.FORGED
        return await self._compute(len(body), partial(self._opened, stamp, given, body))

    def _opened(self, stamp: str, given: str, body: bytes) -> Batch | Refusal:
        if not p256(self._key, stamp.encode() + body, given):
            return Refusal.FORGED
        try:
            return read(body)
        except Malformed:
            return Refusal.MALFORMED


def read(body: bytes) -> Batch:
    """The events of a call; Malformed where it is no list."""
    events = decode(body)
    if not isinstance(events, list):
        raise Malformed
    return batch(_event(event) for event in rows(events))


def _event(event: Mapping[str, object]) -> Occurrence | None:
    kind, reason = text(event, "event"), text(event, "reason")
    told = _DROPPED.get(reason.strip().lower()) if kind == "dropped" else _TOLD.get(kind)
    if told is None:
        return None
    code, hard = _judged(event, reason) if kind == "bounce" else ("", told is Told.BOUNCE or None)
    return occurrence(
        text(event, "sg_event_id") or digest(event),
        told,
        text(event, "email"),
        f"sendgrid {kind}",
        status=code,
        hard=hard,
        found=tokens(value for name, value in event.items() if name not in _OTHERS_SAY),
        provider="sendgrid",
    )


def _judged(event: Mapping[str, object], reason: str) -> tuple[str, bool | None]:
    """Status and judgement of a bounce; what it calls `blocked` is a refusal of the sender, whatever number stands beside it."""
    code = status(text(event, "status"), reason)
    sort = text(event, "bounce_classification").strip().lower()
    if text(event, "type") == "blocked":
        return ("" if means(Reported("", code)) is Means.DEAD else code), None
    if sort == _FULL:
        return code, False
    return code, True if sort in _DEAD_CLASSES else None
