"""The journal in Redis: a stream a writer, its entry `seq-0`; each person's references beside it. Commits write it.

Nothing here changes an entry; `trim` forgets what the archive holds.
"""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator, Sequence
from operator import itemgetter
from typing import Any

from gateway.core.evidence import parse_event
from gateway.core.model import PersonKey, Ref
from gateway.edges.store.redis.commits import Commits, Post, fence_of
from gateway.edges.store.redis.pack import PREFIX, packed, pairs, place, unpacked, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.scripts import ENTRIES
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Entry

_PAGE = 500
_LARGEST = 2**53
_KEPT = 2
"""So many entries of a chain are never trimmed: what the next one follows can be proven from them."""
_REFERENCE = struct.Struct(">H6s")
_AT = re.compile(rb'"at":"([^"]*)"')


class RedisJournal:
    """`ports.Journal` over the streams of every writer; `fence` is the lease that its trims are made under."""

    def __init__(self, reads: Reads, commits: Commits, fence: Lease | None = None) -> None:
        self._reads = reads
        self._commits = commits
        self._fence = fence_of(fence)

    def under(self, lease: Lease) -> RedisJournal:
        """The same journal; its trims raise `Overtaken` once the lease has another number."""
        return RedisJournal(self._reads, self._commits, lease)

    async def entries(self, writer: str = "", after: int = 0) -> AsyncIterator[Entry]:
        """See `ports.Journal`; one page is in memory at a time."""
        for one in [writer] if writer else [name for name, _, _ in await self.heads()]:
            async for page in self._pages(one, after, _LARGEST):
                for entry in page:
                    yield entry

    async def entry(self, ref: Ref) -> Entry | None:
        """See `ports.Journal`; text that is no reference names nothing."""
        writer, _, number = ref.rpartition("-")
        if not (number.isascii() and number.isdigit() and len(number) <= 16 and 0 < int(number) <= _LARGEST):
            return None
        found = await self._reads.plain("XRANGE", _stream(writer), f"{int(number)}-0", f"{int(number)}-0")
        return _entry(writer, found[0]) if found else None

    async def of_person(self, person: PersonKey) -> Sequence[Entry]:
        """See `ports.Journal`."""
        raw = await self._reads.plain("HGET", *place("p", person))
        names = await self._writers() if raw else {}
        told = [(names[number], int.from_bytes(seq, "big")) for number, seq in _REFERENCE.iter_unpack(raw or b"")]
        found: list[tuple[bytes, str, int, Entry]] = []
        for start in range(0, len(told), _PAGE):
            some = told[start : start + _PAGE]
            answers = await self._reads.script(ENTRIES, [part for one in some for part in one])
            entries = (_entry(name, one) for (name, _), one in zip(some, answers, strict=True) if one is not None)
            found.extend((_when(one), one.writer, one.seq, one) for one in entries)
        return [one for *_, one in sorted(found, key=itemgetter(0, 1, 2))]

    async def heads(self) -> Sequence[tuple[str, int, bytes]]:
        """See `ports.Journal`; by writer."""
        found = pairs(await self._reads.plain("HGETALL", f"{PREFIX}heads"))
        heads = [(words(writer), *unpacked(head)) for writer, head in found]
        return sorted(heads)

    async def trim(self, writer: str, upto: int) -> None:
        """See `ports.Journal`; page by page, so that no commit waits long."""
        last = {name: seq for name, seq, _ in await self.heads()}.get(writer, 0)
        upto = min(upto, last - _KEPT)
        async for page in self._pages(writer, 0, upto):
            people = {bytes.fromhex(event.person) for one in page if (event := parse_event(one.body)) and event.person}
            forget = ["trim", writer, page[-1].seq, [list(place("p", person)) for person in sorted(people)]]
            await self._commits.post(Post(packed([forget]), (), None, self._fence, ()))

    async def _pages(self, writer: str, after: int, upto: int) -> AsyncIterator[list[Entry]]:
        """Entries behind `after` up to `upto`, some hundreds at a time."""
        while page := [one for one in await self._page(writer, after) if one.seq <= upto]:
            yield page
            after = page[-1].seq

    async def _page(self, writer: str, after: int) -> list[Entry]:
        found = await self._reads.plain("XRANGE", _stream(writer), f"{after + 1}-0", "+", "COUNT", _PAGE)
        return [_entry(writer, one) for one in found]

    async def _writers(self) -> dict[int, str]:
        found = pairs(await self._reads.plain("HGETALL", f"{PREFIX}writers"))
        return {int(number): words(name) for name, number in found}


def _stream(writer: str) -> str:
    return f"{PREFIX}j:{writer}"


def _entry(writer: str, found: Any) -> Entry:
    number, told = found
    told = dict(pairs(told))
    return Entry(writer, int(number.split(b"-")[0]), told[b"b"], told[b"h"])


def _when(entry: Entry) -> bytes:
    """The instant as a body says it, whose texts sort as instants do; read without the rest, as a person may have many entries."""
    said = _AT.search(entry.body)
    return said[1] if said else b""
