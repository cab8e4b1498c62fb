"""SparkPost's event webhooks: a list of wrapped events a call, proven by the user and password given to it; nothing is signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.core.signal import Told
from gateway.edges.providers.proofs import basic
from gateway.edges.providers.reading import Malformed, batch, decode, digest, occurrence, opened, rows, status, table, text, tokens
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

_TOLD = {
    "bounce": Told.BOUNCE,
    "out_of_band": Told.BOUNCE,
    "delivery": Told.DELIVERED,
    "delay": Told.DELAYED,
    "spam_complaint": Told.COMPLAINT,
    "list_unsubscribe": Told.OPT_OUT,
    "link_unsubscribe": Told.OPT_OUT,
}
_CLASSES: Mapping[str, tuple[Told, bool | None]] = {
    "10": (Told.BOUNCE, True),  # invalid recipient
    "30": (Told.BOUNCE, True),  # no recipient
    **dict.fromkeys(("20", "21", "22", "24", "40", "70"), (Told.BOUNCE, False)),
    "60": (Told.AUTO_REPLY, None),
    "80": (Told.AUTO_REPLY, None),
    "90": (Told.OPT_OUT, None),
    "100": (Told.CHALLENGE_RESPONSE, None),
}
"""Its classes of bounces; those of blocks, spam and content (23, 25, 50 to 54) say nothing of the mailbox."""

_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "virus"})


class SparkPost:
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
    """The events of a call; Malformed where it is no list. An empty wrapper is the provider's own test of the URL."""
    call = decode(body)
    if not isinstance(call, list):
        raise Malformed
    return batch(_event(table(inner)) for row in rows(call) for inner in table(row, "msys").values())


def _event(event: Mapping[str, object]) -> Occurrence | None:
    kind = text(event, "type")
    known = _known(event, kind)
    if known is None:
        return None
    told, hard = known
    return occurrence(
        text(event, "event_id") or digest(event),
        told,
        text(event, "raw_rcpt_to") or text(event, "rcpt_to"),
        f"sparkpost {kind}",
        status=status("", text(event, "raw_reason")) if told is Told.BOUNCE and hard is not None else "",
        hard=hard,
        found=tokens([*table(event, "rcpt_meta").values(), event.get("rcpt_tags")]),
        provider="sparkpost",
    )


def _known(event: Mapping[str, object], kind: str) -> tuple[Told, bool | None] | None:
    told = _TOLD.get(kind)
    if told is Told.BOUNCE:
        return _CLASSES.get(text(event, "bounce_class"), (Told.BOUNCE, None))
    if told is Told.COMPLAINT and text(event, "fbtype").lower() in _NO_COMPLAINT:
        return None
    return (told, None) if told else None
