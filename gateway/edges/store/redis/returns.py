"""What came back and what waits because of it, read from Redis; the book's commits write it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.core.model import PersonKey
from gateway.core.task import Kept, SoftRun, Task
from gateway.edges.store.instant import instant
from gateway.edges.store.redis import office
from gateway.edges.store.redis.pack import PREFIX, unpacked, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.tables import members, number_of, rest_of, text_key

_PAGE = 16
"""Of rows that may hold a whole mail each."""


class RedisReturns:
    """`back_ports.Returns` over the server that the book writes."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def tasks(self, *, closed: bool = False) -> Sequence[Task]:
        """See `back_ports.Returns`; page by page, as each may hold a mail."""
        found: list[Task] = []
        async for page in members(self._reads, "task:all" if closed else "task:open", _PAGE):
            raw = await self._reads.plain("HMGET", f"{PREFIX}task", *map(rest_of, page))
            found.extend(one for one in map(office.task, raw) if closed or one.open)
        return found

    async def task(self, task: str) -> Task | None:
        """See `back_ports.Returns`."""
        raw = await self._reads.plain("HGET", f"{PREFIX}task", text_key(task))
        return office.task(raw) if raw else None

    async def routes(self, person: PersonKey, stream: str) -> bytes | None:
        """See `back_ports.Returns`."""
        return office.latest(await office.side(self._reads, person), b"R", stream)

    async def soft_run(self, person: PersonKey, advertiser: str) -> SoftRun | None:
        """See `back_ports.Returns`."""
        runs = (await office.side(self._reads, person)).get(b"S", [])
        found = [SoftRun(count, instant(first), instant(last)) for of, count, first, last in runs if words(of) == advertiser]
        return found[0] if found else None

    async def remembered(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `back_ports.Returns`."""
        return await office.since(self._reads, "remembered", keys, since)

    async def cursor(self, name: str) -> str:
        """See `back_ports.Returns`."""
        found = await self._reads.plain("HGET", f"{PREFIX}cursor", text_key(name))
        return words(found) if found else ""

    async def kept(self, mailbox: str = "") -> Sequence[Kept]:
        """See `back_ports.Returns`; page by page."""
        found: list[Kept] = []
        async for page in members(self._reads, "kept:at", _PAGE):
            numbers = [number_of(member) for member in page]
            raw = await self._reads.plain("HMGET", f"{PREFIX}kept", *numbers)
            found.extend(_kept(number, row) for number, row in zip(numbers, raw, strict=True) if row is not None)
        return sorted((one for one in found if mailbox in ("", one.mailbox)), key=lambda one: one.id)


def _kept(number: int, raw: bytes) -> Kept:
    mailbox, sealed, at, _ = unpacked(raw)
    return Kept(number, words(mailbox), sealed, instant(at))
