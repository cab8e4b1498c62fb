"""Everybody's records, bucket by bucket in the order of keys, in pages so small that neither the server nor the loop is held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from itertools import islice
from operator import itemgetter

from gateway.core.model import PersonKey
from gateway.core.record import Consent, Opposition
from gateway.edges.store.redis import people
from gateway.edges.store.redis.facts import framed
from gateway.edges.store.redis.frames import Frame, Frames
from gateway.edges.store.redis.pack import pairs, person_of
from gateway.edges.store.redis.people import File
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.scripts import LIST

BUCKETS_AT_ONCE = 16
_AT_ONCE = 500

Row = tuple[PersonKey, bytes]
Filed = tuple[PersonKey, File]


async def buckets(reads: Reads, family: str) -> Iterator[list[int]]:
    """The buckets of a family that may hold anybody, in order, so many together as are asked for at once."""
    bits: bytes = await reads.script(LIST, [family])
    numbers = (8 * at + bit for at, octet in enumerate(bits) if octet for bit in range(8) if octet & 0x80 >> bit)
    return iter(lambda: list(islice(numbers, BUCKETS_AT_ONCE)), [])


async def page(reads: Reads, family: str, numbers: Sequence[int]) -> list[Row]:
    """The raw rows of these buckets, by person."""
    told = await reads.script(LIST, [family, *(f"{number:05x}" for number in numbers)])
    return [
        (PersonKey(person_of(number, field)), raw)
        for number, found in zip(numbers, told, strict=True)
        for field, raw in sorted(pairs(found))
    ]


async def oppositions(reads: Reads) -> list[Opposition]:
    """Everyone's that stand, by person."""
    found: list[Opposition] = []
    for numbers in await buckets(reads, "o"):
        for at, (person, raw) in enumerate(await page(reads, "o", numbers)):
            found.extend(people.oppositions(person, raw))
            if at % _AT_ONCE == 0:
                await asyncio.sleep(0)
    return found


async def consents(reads: Reads, frames: Frames, advertiser: str) -> list[tuple[Consent, bytes]]:
    """Everyone's, in the order in which they were filed."""
    pages = [sorted(one, key=itemgetter(0)) async for one in _records(reads, frames, advertiser)]
    found: list[tuple[Consent, bytes]] = []
    for _, one, sealed in merge(*pages, key=itemgetter(0)):
        found.append((one, sealed))
        if len(found) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


async def register(reads: Reads, frames: Frames, advertiser: str) -> AsyncIterator[tuple[Consent, bytes]]:
    """Everyone's by person; a record filed meanwhile may or may not come."""
    async for some in _records(reads, frames, advertiser):
        for _, one, sealed in some:
            yield one, sealed


async def _records(reads: Reads, frames: Frames, advertiser: str) -> AsyncIterator[list[tuple[int, Consent, bytes]]]:
    """Pages of (number, record, sealed address), by person."""
    for numbers in await buckets(reads, "c"):
        filed, known = await framed(frames, partial(_files, reads, numbers), lambda some: [one for _, one in some])
        for start in range(0, len(filed), _AT_ONCE):
            yield _whole(filed[start : start + _AT_ONCE], advertiser, known)
            await asyncio.sleep(0)


async def _files(reads: Reads, numbers: Sequence[int]) -> list[Filed]:
    return [(person, people.file(raw)) for person, raw in await page(reads, "c", numbers)]


def _whole(some: Sequence[Filed], advertiser: str, known: Mapping[bytes, Frame]) -> list[tuple[int, Consent, bytes]]:
    found = (one for person, file in some for one in people.whole_consents(person, file, known))
    return [one for one in found if not advertiser or one[1].advertiser == advertiser]
