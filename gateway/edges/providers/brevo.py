"""Brevo's webhooks, transactional and marketing: an event a call, or a list of them; proven by a token, a password or a header."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.core.signal import Told
from gateway.edges.providers.proofs import basic, bearer, carries
from gateway.edges.providers.reading import Malformed, batch, decode, digest, occurrence, opened, rows, status, text, tokens
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

SECRET_HEADER = "x-webhook-secret"  # noqa: S105  a header's name

_KINDS: Mapping[str, tuple[Told, bool | None]] = {
    "hardbounce": (Told.BOUNCE, True),
    "invalidemail": (Told.BOUNCE, True),
    "invalid": (Told.BOUNCE, True),
    "softbounce": (Told.BOUNCE, False),
    "spam": (Told.COMPLAINT, None),
    "complaint": (Told.COMPLAINT, None),
    "unsubscribe": (Told.OPT_OUT, None),
    "unsubscribed": (Told.OPT_OUT, None),
    "deferred": (Told.DELAYED, None),
    "delivered": (Told.DELIVERED, None),
}
"""By the event's name without its underscores: transactional and marketing events write them differently."""

_OWN = ("X-Mailin-custom", "tags", "tag")


class Brevo:
    """Implements `provider_events.Room`; `secret` is the token, or `user:password`."""

    def __init__(self, secret: bytes, compute: Compute) -> None:
        self._secret = secret
        self._compute = compute

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:  # noqa: ARG002  no time is signed
        """See `provider_events.Room`."""
        proven = bearer(headers, self._secret) or basic(headers, self._secret) or carries(headers, SECRET_HEADER, self._secret)
        if not proven:
            return Refusal.FORGED
        return await opened(self._compute, body, read)


def read(body: bytes) -> Batch:
    """The events of a call; Malformed where there are none."""
    call = decode(body)
    if isinstance(call, dict):
        return batch([_event(call)])
    if isinstance(call, list):
        return batch(_event(event) for event in rows(call))
    raise Malformed


def _event(event: Mapping[str, object]) -> Occurrence | None:
    kind = text(event, "event")
    known = _KINDS.get(kind.replace("_", "").lower())
    if known is None:
        return None
    told, hard = known
    return occurrence(
        digest(event),  # it gives events no name of their own
        told,
        text(event, "email"),
        f"brevo {kind}"[:40],
        status=status("", text(event, "reason")) if told is Told.BOUNCE else "",
        hard=hard,
        found=tokens(event.get(name) for name in _OWN),
        provider="brevo",
    )
