"""Everything in the store is gone at once, under load: nothing is concluded from that, and a copy put back makes it whole again.

The gateways put it back by themselves, from the newest backup; or a person does, where none is configured. What was on record
between the copy and the loss is lost with the store; the test reads it in the same step in which it destroys it, so that the
checker can tell what was lost from what never was, and that no reference is ever given twice.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from gateway.core.address import Identity
from gateway.core.change import Learn
from gateway.core.evidence import parse_event
from gateway.edges.sink import Sink
from gateway.edges.store.backup_folder import name_of
from gateway.edges.store.copying import copy
from gateway.flow.ports import Entry
from gateway.settings import Settings
from gateway.store_rooms import command_writer, open_keys, open_onlooker, open_source, open_target, open_truth, put_aside
from tests.scaled.test_faults import DELIVERY, endure, pytestmark, times
from tests.scaled.watch import RECOVERS_WITHIN, recovered, works
from tests.support.estate import Estate, Node, estate
from tests.support.gateway import person
from tests.support.load import Try
from tests.support.peer import until
from tests.support.people import consent
from tests.support.people import person as somebody
from tests.support.process import Nursery
from tests.support.redis_servers import RedisServer, running_redis

__all__ = ["pytestmark"]
CROWD = 4_000
SAMPLE = consent(somebody(1), advertiser="maison")
_DESTROY = """
local found = {}
for _, writer in ipairs(redis.call('HKEYS', '{gw}heads')) do
  found[#found + 1] = {writer, redis.call('XRANGE', '{gw}j:' .. writer, '-', '+')}
end
redis.call('FLUSHALL')
return found
"""


async def test_a_flushed_store_is_filled_again_without_a_hand(share: float, starter: Nursery, tmp_path: Path) -> None:
    nights = tmp_path / "nights"
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 4, gateway=backups(nights), delivery=DELIVERY) as one,
    ):
        await endure(one, "flushed", times(share), lambda: flushed(one, redis, nights))
        assert len(await restorations(one)) == times(share), "one gateway alone, each time"


async def test_whoever_restores_is_killed_and_another_does_it(share: float, starter: Nursery, tmp_path: Path) -> None:
    nights = tmp_path / "nights"
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 5, 3, gateway=backups(nights), delivery=DELIVERY) as one,
    ):
        await asyncio.to_thread(asyncio.run, crowd(one.nodes[0].settings))
        halves: list[bool] = []
        starts: list[asyncio.Task[None]] = []

        async def fault() -> None:
            await flushed(one, redis, nights)
            node = await restorer(one, redis)
            await node.life.kill()
            halves.append(await redis.command("HGET", "{gw}m", "restoring") is not None)
            starts.append(asyncio.create_task(node.life.start()))  # recovery counts from the kill

        await endure(one, "flushed, who restores killed", times(share), fault)
        await asyncio.gather(*starts)
        assert all(halves), "each was killed half way"
        assert len(await restorations(one)) == times(share)


async def test_gateways_that_start_on_a_flushed_store_fill_it(starter: Nursery, tmp_path: Path) -> None:
    nights = tmp_path / "nights"
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 6, gateway=backups(nights), delivery=DELIVERY) as one,
    ):
        await put_backup_aside(one, nights)
        for node in one.nodes:
            await node.life.terminate()
        one.lost += await destroyed(redis)
        for node in one.nodes:
            await node.life.start()  # it greets tools once the store is there
        assert await recovered(one) < RECOVERS_WITHIN
        assert not (await one.found()).violations


async def test_gateways_that_all_died_half_way_begin_anew_when_they_start(starter: Nursery, tmp_path: Path) -> None:
    """Nobody has the store open then, and none can settle with half a copy."""
    nights = tmp_path / "nights"
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 8, gateway=backups(nights), delivery=DELIVERY) as one,
    ):
        await asyncio.to_thread(asyncio.run, crowd(one.nodes[0].settings))
        await put_backup_aside(one, nights)
        one.lost += await destroyed(redis)
        await restorer(one, redis)
        for node in one.nodes:
            await node.life.kill()
        assert await redis.command("HGET", "{gw}m", "restoring")
        for node in one.nodes:
            await node.life.start()
        assert await recovered(one) < RECOVERS_WITHIN
        assert len(await restorations(one)) == 1
        assert not (await one.found()).violations


async def test_without_a_backup_it_stays_refused_and_says_why(starter: Nursery, tmp_path: Path) -> None:
    nights = tmp_path / "nights"
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 7, gateway=backups(nights), delivery=DELIVERY) as one,
    ):
        one.lost += await destroyed(redis)

        async def told() -> bool:
            said = await asyncio.gather(*map(unready, one.nodes))
            return all("no backup that belongs to these keys" in why and "gateway store copy" in why for why in said)

        await until(told, "each says what is missing", pause=0.1)
        assert not await works(one, one.nodes[0])


async def unready(node: Node) -> str:
    """What `/readyz` says of the store."""
    async with httpx.AsyncClient(timeout=10) as browser:
        answer = (await browser.get(f"http://127.0.0.1:{node.life.ports.web}/readyz")).json()
    return next((one["why"] for one in answer["missing"] if one["what"] == "store"), "")


def backups(folder: Path) -> str:
    """Lines of the configuration: one folder for all."""
    return f'[backup]\nfolder = "{folder}"'


async def put_backup_aside(one: Estate, nights: Path) -> None:
    """What `gateway store backup` does, and the keeper by itself."""
    begun = datetime.now(UTC)
    await asyncio.to_thread(put_aside, one.nodes[0].settings, nights / name_of(begun), begun)


async def flushed(one: Estate, redis: RedisServer, nights: Path) -> None:
    """A night passes, somebody opposes, FLUSHALL; nothing else."""
    await put_backup_aside(one, nights)
    pressed = sum(press.acked_at > 0 for press in one.load.diary.presses)
    await until(lambda: _pressed(one, pressed), "somebody opposes since", pause=0.02)
    one.lost += await destroyed(redis)


async def _pressed(one: Estate, before: int) -> bool:
    return sum(press.acked_at > 0 for press in one.load.diary.presses) > before


async def restorer(one: Estate, redis: RedisServer) -> Node:
    """Who is putting it back now."""
    found: list[bytes] = []

    async def at_it() -> bool:
        holder = await redis.command("GET", "{gw}restoring")
        found[:] = [holder] if isinstance(holder, bytes) else []
        return bool(found)

    await until(at_it, "somebody puts it back", pause=0.001)
    (node,) = [node for node in one.nodes if node.folder.name == found[0].decode().partition(":")[0]]
    return node


async def crowd(settings: Settings) -> None:
    """So many people that a copy takes a while."""
    ring = open_keys(settings, may_create=False)
    store, identity = open_truth(settings, ring, command_writer(settings, "import")), Identity(ring.pepper)
    try:
        for first in range(0, CROWD, 500):
            some = [identity.person(person(f"crowd{number}@example.org")) for number in range(first, first + 500)]
            await store.book.commit((), [Learn(replace(SAMPLE, person=one), b"sealed") for one in some])
    finally:
        await store.close()


async def restorations(one: Estate) -> list[str]:
    """What is on record of copies that gateways put back."""
    settings = one.nodes[0].settings

    async def read() -> list[str]:
        store = open_onlooker(settings, open_keys(settings, may_create=False), "reader")
        try:
            events = [parse_event(entry.body) async for entry in store.journal.entries()]
        finally:
            await store.close()
        return [event.detail for event in events if event and event.outcome == "restored-from-backup"]

    return await asyncio.to_thread(asyncio.run, read())


async def test_a_flushed_store_takes_oppositions_only_until_a_copy_is_back(share: float, starter: Nursery, tmp_path: Path) -> None:
    """Where no backup is configured a person puts the copy back."""
    files = (tmp_path / f"backup{number}.db" for number in count())
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 4, delivery=DELIVERY) as one,
    ):
        await endure(one, "flushed, copy put back by hand", times(share), lambda: put_back(one, redis, next(files)))


async def put_back(one: Estate, redis: RedisServer, backup: Path) -> None:
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
