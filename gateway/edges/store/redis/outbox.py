"""What partners and tools must still be told, and what they were told, in Redis; the book's commits write it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from gateway.edges.store.instant import instant, micros
from gateway.edges.store.outbox import ended, waiting
from gateway.edges.store.redis.pack import PREFIX
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.tables import columns, named, number_of, of_partner, streamed, text_key, time_of, when
from gateway.flow.back_ports import Note

_PAGE = 500


class RedisOutbox:
    """`back_ports.Outbox`: a note waits until its partner has acknowledged, and is a receipt from then on (R-FR-35)."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def pending(self, partner: str = "") -> Sequence[Note]:
        """See `back_ports.Outbox`; in the order in which they were recorded."""
        found: list[Note] = []
        for one in await self._partners(partner):
            after = 0
            while numbers := await self._reads.plain(
                "ZRANGEBYSCORE", of_partner("outbox", one), f"({after}", "+inf", "LIMIT", 0, _PAGE
            ):
                found.extend(map(_waiting, await named(self._reads, "outbox", numbers)))
                after = int(numbers[-1])
                await asyncio.sleep(0)
        return sorted(found, key=attrgetter("id"))

    async def due(self, now: datetime, limit: int) -> Sequence[Note]:
        """See `back_ports.Outbox`; in the order in which they came due."""
        last = b"(" + when(micros(now) + 1)
        members = await self._reads.plain("ZRANGEBYLEX", f"{PREFIX}outbox:due", "-", last, "LIMIT", 0, limit)
        notes = map(_waiting, await named(self._reads, "outbox", [number_of(member) for member in members]))
        return [one for one in notes if one.due_at is not None and one.due_at <= now]

    async def next_due(self) -> datetime | None:
        """See `back_ports.Outbox`."""
        found = await self._reads.plain("ZRANGEBYLEX", f"{PREFIX}outbox:due", "-", "+", "LIMIT", 0, 1)
        return instant(time_of(found[0])) if found else None

    async def receipts(self, since: datetime, partner: str = "") -> Sequence[Note]:
        """See `back_ports.Outbox`; given up ones too."""
        found: list[Note] = []
        for one in await self._partners(partner):
            async for page in streamed(self._reads, of_partner("told", one), str(max(micros(since) // 1000, 0))):
                notes = [_ended(raw) for _, raw in page]
                found.extend(note for note in notes if note.told_at is not None and note.told_at >= since)
        return sorted(found, key=attrgetter("told_at", "id"))

    async def _partners(self, partner: str) -> list[bytes]:
        return [text_key(partner)] if partner else list(await self._reads.plain("SMEMBERS", f"{PREFIX}partners"))


def _waiting(raw: bytes) -> Note:
    return waiting(columns(raw, 2, 11, 12)[:12])


def _ended(raw: bytes) -> Note:
    return ended(columns(raw, 2))
