"""Events in our own plain words, signed as Standard Webhooks wants it: for any other provider, by a few lines of one's own.

`{"events": [{"id", "type": "bounce|delivered|complaint|opt_out|delayed", "recipient", "status", "hard", "token"}]}`, or one event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from gateway.core.bouncing import sound_status
from gateway.core.signal import Told
from gateway.core.standard_webhook import ID, genuine, read_secrets
from gateway.edges.providers.proofs import BadKey
from gateway.edges.providers.reading import Malformed, batch, decode, occurrence, opened, rows, text, tokens
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

_TOLD = {one.value: one for one in (Told.BOUNCE, Told.DELIVERED, Told.COMPLAINT, Told.OPT_OUT, Told.DELAYED)}


class Standard:
    """Implements `provider_events.Room`; `secret` as `core.standard_webhook.read_secrets` takes it. BadKey where it does not."""

    def __init__(self, secret: bytes, compute: Compute) -> None:
        keys = read_secrets(secret)
        if not keys:
            raise BadKey("not a secret of Standard Webhooks")
        self._keys = keys
        self._compute = compute

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:
        """See `provider_events.Room`."""
        if not genuine(self._keys, headers, body, now):
            return Refusal.FORGED
        return await opened(self._compute, body, partial(read, number=headers.get(ID, "")))


def read(body: bytes, number: str) -> Batch:
    """The events of a call; Malformed where there are none."""
    call = decode(body)
    if not isinstance(call, dict):
        raise Malformed
    events = call.get("events", [call])
    if not isinstance(events, list):
        raise Malformed
    return batch(_event(event, f"{number} {place}") for place, event in enumerate(rows(events)))


def _event(event: Mapping[str, object], number: str) -> Occurrence | None:
    told, hard = _TOLD.get(text(event, "type")), event.get("hard")
    if told is None:
        return None
    return occurrence(
        text(event, "id") or number,
        told,
        text(event, "recipient"),
        f"standard {told.value}",
        status=sound_status(text(event, "status")),
        hard=hard if isinstance(hard, bool) else None,
        found=tokens([event.get("token")]),
        provider="standard",
    )
