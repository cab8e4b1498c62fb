"""A store that is restored from a file that was copied at night: nobody who opposed since may be mailed, and nothing is made up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.core.evidence import Kind, parse_event
from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import copy
from gateway.edges.store.redis.copy_target import RedisTarget
from gateway.edges.store.redis.copying import RedisSource
from gateway.edges.store.redis.store import RedisStore
from tests.support.machine import lift, machine, oppose, opposed, whole
from tests.support.peer import until
from tests.support.people import person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access

pytestmark = needs_redis


def put_aside(server: RedisServer, path: Path) -> None:
    """What `gateway store backup` does of a shared store."""
    source = RedisSource(access(server.url), FINGERPRINT)
    assert copy(source, SqliteTarget(path)).differing == ()
    source.close()


async def restore(server: RedisServer, path: Path) -> None:
    """Empty the server and copy the file into it."""
    await server.command("FLUSHALL")
    source = SqliteSource(path)
    assert copy(source, RedisTarget(access(server.url), FINGERPRINT)).differing == ()
    source.close()


async def who_is_opposed(store: RedisStore) -> list[int]:
    return [number for number in range(1, 10) if await opposed(store, person(number))]


async def put_back(store: RedisStore) -> list[str]:
    """What the evidence says of things put back."""
    events = [parse_event(entry.body) async for entry in store.journal.entries()]
    return [one.detail for one in events if one and one.kind is Kind.STORE and one.outcome == "settled"]


async def test_the_copy_of_last_night_resurrects_no_permission(redis_server: RedisServer, tmp_path: Path) -> None:
    """Oppositions and lifts through two nodes since: all of them are told again, in their order, and nothing from before."""
    night = tmp_path / "night.db"
    async with machine(redis_server.url, tmp_path / "a", "a") as one, machine(redis_server.url, tmp_path / "b", "b") as other:
        for number in (1, 2, 9):
            await oppose(one, person(number))
        await lift(other, person(9))
        put_aside(redis_server, night)
        await oppose(one, person(3))
        await oppose(other, person(4))
        await lift(one, person(2))
        await oppose(other, person(5))
        await lift(one, person(5))
        await oppose(other, person(5))
        await lift(one, person(4))
    await restore(redis_server, night)
    async with machine(redis_server.url, tmp_path / "a", "a") as one, machine(redis_server.url, tmp_path / "b", "b") as other:
        await whole(one)
        assert await who_is_opposed(one) == [1, 3, 5]
        await whole(other)
        assert await who_is_opposed(other) == [1, 3, 5]

        async def told() -> bool:
            return bool(await put_back(one))

        await until(told, "the evidence of it", pause=0.02)
        assert await put_back(one) == ["restored=7"]


async def test_marketing_waits_for_every_node_that_the_copy_knows(redis_server: RedisServer, tmp_path: Path) -> None:
    """Even where the first machine to come up is new, and has never heard of the others."""
    night = tmp_path / "night.db"
    async with machine(redis_server.url, tmp_path / "a", "a") as one, machine(redis_server.url, tmp_path / "b", "b") as other:
        await oppose(one, person(1))
        put_aside(redis_server, night)
        await oppose(other, person(2))
    await restore(redis_server, night)
    async with machine(redis_server.url, tmp_path / "c", "c") as new:
        assert not new.settled

        async def waits() -> bool:
            return set(new.standing.awaited) == {"a", "b"}

        await until(waits, "it waits for both", pause=0.02)
        async with machine(redis_server.url, tmp_path / "b", "b"), machine(redis_server.url, tmp_path / "a", "a"):
            await whole(new)
            assert await who_is_opposed(new) == [1, 2]


async def copied_while(server: RedisServer, night: Path, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """A copy of the store into that file; `meanwhile` happens when its people have been read."""
    source, target = RedisSource(access(server.url), FINGERPRINT), SqliteTarget(night)
    happened = False
    for table, rows in source.batches():
        if table == "tool" and not happened:
            happened = True
            await meanwhile()
        target.put(table, rows)
    assert happened
    assert list(target.written())
    target.finish()
    source.close()


async def test_what_was_recorded_while_the_copy_was_made_is_not_lost_between(redis_server: RedisServer, tmp_path: Path) -> None:
    """A copy is read over a time: what came behind the reader's back is told again, as the copy only vouches for its beginning."""
    night = tmp_path / "night.db"
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        await oppose(store, person(2))

        async def others_go_on() -> None:
            await oppose(store, person(3))
            await lift(store, person(2))
            await oppose(store, person(2))

        await copied_while(redis_server, night, others_go_on)
    await restore(redis_server, night)
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await whole(store)
        assert await who_is_opposed(store) == [1, 2, 3]


async def test_a_copy_made_while_the_server_restarted_vouches_for_no_more_than_its_beginning(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    night = tmp_path / "night.db"
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))

        async def an_epoch_ends() -> None:
            await oppose(store, person(2))
            await redis_server.restart()
            await whole(store)

        await copied_while(redis_server, night, an_epoch_ends)
    await restore(redis_server, night)
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await whole(store)
        assert await who_is_opposed(store) == [1, 2]


async def test_a_second_life_of_the_same_copy_is_made_whole_as_well(redis_server: RedisServer, tmp_path: Path) -> None:
    """Restored, used, and restored again from the same file: what the life between recorded is not in it either."""
    night = tmp_path / "night.db"
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        put_aside(redis_server, night)
        await oppose(store, person(2))
    for number in (3, 4):
        await restore(redis_server, night)
        async with machine(redis_server.url, tmp_path / "a", "a") as store:
            await whole(store)
            await oppose(store, person(number))
    await restore(redis_server, night)
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await whole(store)
        assert await who_is_opposed(store) == [1, 2, 3, 4]
