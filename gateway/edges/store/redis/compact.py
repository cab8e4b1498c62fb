"""Makes what was erased unreadable in the server's files too (R-DP-10): its log is written anew from what there is.

Frames that nobody quotes any more go before. A replica writes its own log anew as it grows; copies kept elsewhere go by their age.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.exceptions import ResponseError

from gateway.edges.store.redis.client import Blocking, owner
from gateway.edges.store.redis.commits import Commits, Post
from gateway.edges.store.redis.listing import buckets
from gateway.edges.store.redis.pack import MARKS, PREFIX, packed, pairs, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.scripts import QUOTES
from gateway.flow.ports import Unavailable

ERASED = "erased:"
_QUOTED = PREFIX + "quoted"
_PAGE = 500
_PATIENCE = 1800.0
"""Seconds in which the log must have been written anew: tens of gigabytes."""
_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


async def compact(reads: Reads, commits: Commits) -> None:
    """See `ports.Book`; does nothing where nothing was erased since the last time.

    Raises `Unavailable` where the server does not finish; what was erased stays marked then.
    """
    marks = await _marks(reads)
    if not marks:
        return
    if "erased:c" in marks:
        await _drop_frames(reads, commits)
    try:
        async with asyncio.timeout(_PATIENCE):
            await _rewrite(commits)
    except TimeoutError as error:
        raise Unavailable("store") from error
    await _write(commits, [["unmark", name, times] for name, times in marks.items()])


async def _marks(reads: Reads) -> dict[str, int]:
    """How often something was erased, by the mark that counts it."""
    told = pairs(await reads.plain("HGETALL", MARKS))
    return {words(name): int(times) for name, times in told if words(name).startswith(ERASED)}


async def _drop_frames(reads: Reads, commits: Commits) -> None:
    """Those that nobody was found to quote; the script keeps one that somebody quoted since this began."""
    began = (await reads.rows([])).stand
    quoted: set[bytes] = set()
    for numbers in await buckets(reads, "c"):
        quoted.update(await reads.script(QUOTES, [f"{number:05x}" for number in numbers]))
        await asyncio.sleep(0)
    cursor: Any = 0
    while cursor is not None:
        cursor, told = await reads.plain("HSCAN", _QUOTED, cursor, "COUNT", _PAGE)
        if over := [digest for digest, _ in pairs(told) if digest not in quoted]:
            await _write(commits, [["drop_frames", began, *over]])
        cursor = cursor if int(cursor) else None


async def _rewrite(commits: Commits) -> None:
    """One that begins after now, to its end."""
    await _idle(commits)
    await commits.apart(_begin)
    if await _idle(commits) != "ok":
        raise Unavailable("store")


async def _idle(commits: Commits) -> str:
    """Wait until no log is being written; how the last one ended."""
    pause = _PAUSE
    told: dict[str, Any] = {}

    def look(client: Blocking) -> None:
        told.update(owner(client, MARKS).info("persistence"))

    while True:
        await commits.apart(look)
        if not told.get("aof_rewrite_in_progress") and not told.get("aof_rewrite_scheduled"):
            return str(told.get("aof_last_bgrewrite_status"))
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _begin(client: Blocking) -> None:
    try:
        owner(client, MARKS).bgrewriteaof()
    except ResponseError as error:  # another began one right now, maybe too early for us
        raise Unavailable("store") from error


async def _write(commits: Commits, operations: list[list[Any]]) -> None:
    await commits.post(Post(packed(operations), (), None, b"", ()))
