"""Mailgun's webhooks: one event a call, with an HMAC over a time and a random token, which does not cover the event.

So a token is good for one body only; whoever keeps the journey sees to it (`Batch.once`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from gateway.core.signal import Told
from gateway.edges.providers.proofs import fresh, hex_hmac
from gateway.edges.providers.reading import Malformed, batch, decode, digest, occurrence, status, table, text, tokens
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

WINDOW = timedelta(hours=9)
"""It tries again for eight hours, with the first time and token."""

_MAX_TOKEN = 200
_REASONS: Mapping[str, tuple[Told, bool | None]] = {
    "bounce": (Told.BOUNCE, True),
    "suppress-bounce": (Told.BOUNCE, True),
    "suppress-complaint": (Told.COMPLAINT, None),
    "suppress-unsubscribe": (Told.OPT_OUT, None),
    "old": (Told.BOUNCE, False),
    "generic": (Told.BOUNCE, False),
}


class Mailgun:
    """Implements `provider_events.Room`; `secret` is the HTTP webhook signing key."""

    def __init__(self, secret: bytes, compute: Compute, window: timedelta | None = None) -> None:
        self._secret = secret
        self._compute = compute
        self._window = WINDOW if window is None else window

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:  # noqa: ARG002  the proof is inside
        """See `provider_events.Room`."""
        try:
            call = await self._compute(len(body), partial(decode, body))
        except Malformed:
            return Refusal.MALFORMED
        if not isinstance(call, dict):
            return Refusal.MALFORMED
        proof = table(call, "signature")
        stamp, token = text(proof, "timestamp"), text(proof, "token")
        if not 0 < len(token) <= _MAX_TOKEN or not fresh(stamp, now, self._window) or not self._signed(proof, stamp, token):
            return Refusal.FORGED
        try:
            return replace(read(call), once=token, body=hashlib.sha256(body).digest())
        except Malformed:
            return Refusal.MALFORMED

    def _signed(self, proof: Mapping[str, object], stamp: str, token: str) -> bool:
        """By this account's key; events of a subaccount bear the main account's proof beside their own."""
        signed = f"{stamp}{token}".encode("utf-8", "surrogatepass")
        return any(hex_hmac(self._secret, signed, _ascii(text(proof, name))) for name in ("signature", "parent-signature"))


def _ascii(given: str) -> str:
    return given if given.isascii() else ""


def read(call: object) -> Batch:
    """The event of a call."""
    return batch([_event(table(call, "event-data"))])


def _event(event: Mapping[str, object]) -> Occurrence | None:
    kind = text(event, "event")
    known = _known(event, kind)
    if known is None:
        return None
    told, hard = known
    delivery = table(event, "delivery-status")
    said = f"{text(delivery, 'message')} {text(delivery, 'description')}"
    number = text(event, "id")
    return occurrence(
        f"{number} {text(event, 'timestamp')}" if number else digest(event),  # unique within a day only
        told,
        text(event, "recipient"),
        f"mailgun {kind}",
        status=status(text(delivery, "enhanced-code"), said) if told is Told.BOUNCE and hard is not None else "",
        hard=hard,
        found=tokens(_own_words(event)),
        provider="mailgun",
    )


def _known(event: Mapping[str, object], kind: str) -> tuple[Told, bool | None] | None:
    match kind:
        case "delivered":
            return Told.DELIVERED, None
        case "complained":
            return Told.COMPLAINT, None
        case "unsubscribed":
            return Told.OPT_OUT, None
        case "failed" if text(event, "severity") == "temporary":
            return Told.DELAYED, None
        case "failed":
            told, hard = _REASONS.get(text(event, "reason"), (Told.BOUNCE, None))
            return told, False if hard and text(event, "delivery-status", "bounce-type") == "soft" else hard
        case _:
            return None


def _own_words(event: Mapping[str, object]) -> Iterator[object]:
    """What the sender put: variables and tags, and the headers that it shows."""
    yield from table(event, "user-variables").values()
    yield event.get("tags")
    yield from table(event, "message", "headers").values()
