"""Rows of the small tables, and the order they come in: members of a sorted set that sort as bytes do and begin with a time.

A page begins after the last member of the one before it, so none is missed or told twice whatever is written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from gateway.edges.store.database import Row
from gateway.edges.store.redis.pack import PREFIX, Packed, unpacked, words
from gateway.edges.store.redis.reads import Reads

_BIAS = 1 << 63
_TIME = 8
_PAGE = 500


def when(at: int) -> bytes:
    """The beginning of a member: a number that sorts as bytes do."""
    return (at + _BIAS).to_bytes(_TIME, "big")


def text_key(text: str) -> bytes:
    """A text as names in Redis have it, whatever it holds."""
    return text.encode("utf-8", "surrogatepass")


def time_of(member: bytes) -> int:
    """What `when` put there."""
    return int.from_bytes(member[:_TIME], "big") - _BIAS


def rest_of(member: bytes) -> bytes:
    """What follows the time."""
    return member[_TIME:]


def number_of(member: bytes) -> int:
    """What follows the time, where it is a number."""
    return int.from_bytes(member[_TIME:], "big")


async def members(reads: Reads, index: str, page: int) -> AsyncIterator[list[bytes]]:
    """All members of an index, in order, page by page."""
    after = "-"
    while found := await reads.plain("ZRANGEBYLEX", PREFIX + index, after, "+", "LIMIT", 0, page):
        yield found
        after = b"(" + found[-1]
        await asyncio.sleep(0)


async def named(reads: Reads, key: str, names: Sequence[Any]) -> list[bytes]:
    """The raw rows of these names, in their order; those that went meanwhile left out."""
    if not names:
        return []
    return [raw for raw in await reads.plain("HMGET", PREFIX + key, *names) if raw is not None]


async def streamed(reads: Reads, stream: bytes, first: str = "-") -> AsyncIterator[list[tuple[int, bytes]]]:
    """The raw rows of a stream with their numbers, from one on, page by page."""
    while found := await reads.plain("XRANGE", stream, first, "+", "COUNT", _PAGE):
        page = [entry(one) for one in found]
        yield page
        first = f"({page[-1][0]}-0"
        await asyncio.sleep(0)


def of_partner(table: str, partner: bytes) -> bytes:
    """The key of a partner's part of a table."""
    return f"{PREFIX}{table}:".encode() + partner


def entry(found: Any) -> tuple[int, bytes]:
    """A stream's entry of one field; the library makes a dict of it where it knows the command."""
    number, told = found
    return int(number.split(b"-")[0]), told[b"r"] if isinstance(told, dict) else told[1]


def columns(raw: bytes, *blobs: int) -> Row:
    """A row as the embedded store gives it: text as text but for these columns, absent as None."""
    return tuple(
        None if one is False else words(one) if isinstance(one, bytes) and at not in blobs else one
        for at, one in enumerate(unpacked(raw))
    )


def absent(row: Row) -> list[Packed]:
    """The columns as `columns` reads them: what is not there is False."""
    return [False if one is None else one for one in row]
