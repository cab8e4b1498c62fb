"""Everything in the store is gone at once, under load: nothing is concluded from that, and a copy put back makes it whole again.

What was on record between the copy and the loss is lost with the store; the test reads it in the same step in which it destroys it,
so that the checker can tell what was lost from what never was, and that no reference is ever given twice.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from gateway.edges.sink import Sink
from gateway.edges.store.copying import copy
from gateway.flow.ports import Entry
from gateway.settings import Settings
from gateway.store_rooms import open_source, open_target
from tests.scaled.test_faults import DELIVERY, endure, pytestmark, times
from tests.support.estate import Estate, estate
from tests.support.load import Try
from tests.support.peer import until
from tests.support.process import Nursery
from tests.support.redis_servers import RedisServer, running_redis

__all__ = ["pytestmark"]
_DESTROY = """
local found = {}
for _, writer in ipairs(redis.call('HKEYS', '{gw}heads')) do
  found[#found + 1] = {writer, redis.call('XRANGE', '{gw}j:' .. writer, '-', '+')}
end
redis.call('FLUSHALL')
return found
"""


async def test_a_flushed_store_takes_oppositions_only_until_a_copy_is_back(share: float, starter: Nursery, tmp_path: Path) -> None:
    backups = (tmp_path / f"backup{number}.db" for number in count())
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 4, delivery=DELIVERY) as one,
    ):
        await endure(one, "flushed, copy put back", times(share), lambda: flushed(one, redis, next(backups)))


async def flushed(one: Estate, redis: RedisServer, backup: Path) -> None:
    """FLUSHALL, some time for everybody to be sorry, then the copy of before."""
    settings = one.nodes[0].settings
    await asyncio.to_thread(moved, settings, settings.gateway.store, str(backup))
    one.lost += await destroyed(redis)
    begun, replies = len(one.load.diary.tries), len(one.load.diary.replies)
    pressed = [press for press in one.load.diary.presses if press.acked_at]
    await until(lambda: _more(one, len(pressed), replies), "opt-outs are recorded and tools are told to wait", pause=0.05)
    tried = one.load.diary.tries[begun:]
    await asyncio.to_thread(moved, settings, str(backup), settings.gateway.store)
    assert all(map(refused_for_now, tried)), [one for one in tried if not refused_for_now(one)]


def moved(settings: Settings, source: str, target: str) -> None:
    """What `gateway store copy --live` does."""
    with closing(open_source(settings, source)) as opened:
        assert copy(opened, open_target(settings, target)).differing == ()


async def destroyed(redis: RedisServer) -> list[Entry]:
    """Empty the server: the evidence that it held at that moment."""
    found: Any = await redis.command("EVAL", _DESTROY, 0)
    return [_entry(writer, number, told) for writer, entries in found for number, told in entries]


def _entry(writer: bytes, number: bytes, told: list[bytes]) -> Entry:
    fields = dict(zip(told[::2], told[1::2], strict=True))
    return Entry(writer.decode(), int(number.partition(b"-")[0]), fields[b"b"], fields[b"h"])


async def _more(one: Estate, pressed: int, replies: int) -> bool:
    """Whether somebody's opt-out was acknowledged, and many tools were told to come again, since then."""
    told = sum(line.startswith((b"451", b"454")) for line in one.load.diary.replies[replies:])
    return sum(press.acked_at > 0 for press in one.load.diary.presses) > pressed + 1 and told > 20


def refused_for_now(attempt: Try) -> bool:
    """Whether nothing was promised and nothing refused for good."""
    return all(answer.startswith("4") for answer in (*attempt.answers.values(), attempt.final) if answer)
