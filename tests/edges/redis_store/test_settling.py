"""What becomes of the shared store when its server is killed, emptied, put back or replaced: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.core.change import Forget, Learn, Oppose, Tell, Withdraw
from gateway.core.evidence import Kind, parse_event
from gateway.core.model import PersonKey
from gateway.core.record import Scope
from gateway.edges.store.redis.store import RedisStore
from gateway.flow.ports import Unavailable
from tests.support.machine import Lines, commit, knows, lift, machine, oppose, opposed, reachable, whole
from tests.support.peer import until
from tests.support.people import NOON, consent, opposition, person
from tests.support.redis_servers import RedisServer, needs_redis, running_pair

pytestmark = needs_redis


async def _restored(store: RedisStore) -> list[str]:
    """What the evidence says of things put back."""
    events = [parse_event(entry.body) async for entry in store.journal.entries()]
    return [one.detail for one in events if one and one.kind is Kind.STORE and one.outcome == "settled"]


async def test_first_start_is_whole_at_once(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        assert store.settled
        assert store.why == ""
        assert await store.book.stand() == 0


async def test_nothing_is_lost_when_the_server_is_killed_and_it_settles_by_itself(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    log = Lines()
    async with machine(redis_server.url, tmp_path / "a", "a", log=log) as store:
        await oppose(store, person(1))
        before = await store.book.stand()
        await redis_server.kill()
        await until(lambda: _said(log, "store-unavailable", 1), "it is said")
        with pytest.raises(Unavailable):
            await oppose(store, person(2))
        with pytest.raises(Unavailable):
            await store.book.stand()
        await redis_server.start()
        await whole(store)
        assert await opposed(store, person(1))
        assert await store.book.stand() > before


async def test_what_was_never_answered_is_put_back_too(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await redis_server.kill()
        with pytest.raises(Unavailable):
            await oppose(store, person(2))
        await redis_server.start()
        await whole(store)
        assert await opposed(store, person(2))
        assert await _restored(store) == ["restored=1"]


async def test_lift_that_was_never_acknowledged_is_not_made_up_later(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        await redis_server.kill()
        with pytest.raises(Unavailable):
            await lift(store, person(1))
        await redis_server.start()
        await whole(store)
        assert await opposed(store, person(1))


async def test_flushed_store_gets_every_opposition_back_before_it_counts_as_whole(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as one, machine(redis_server.url, tmp_path / "b", "b") as other:
        for number in range(0, 40, 2):
            await oppose(one, person(number))
            await oppose(other, person(number + 1))
        await lift(other, person(0))
        await knows(one, "b")
        await knows(other, "a")
        await redis_server.command("FLUSHALL")
        await whole(one)
        assert not await opposed(one, person(0))
        assert all([await opposed(one, person(number)) for number in range(1, 40)])
        await until(lambda: _told(one), "the evidence of it", pause=0.02)
        assert await _restored(one) == ["restored=41"]


async def _told(store: RedisStore) -> bool:
    return bool(await _restored(store))


@pytest.mark.slow
async def test_flushed_under_load_no_acknowledged_opposition_is_missing(redis_server: RedisServer, tmp_path: Path) -> None:
    acknowledged: list[PersonKey] = []

    async def load(store: RedisStore, first: int) -> None:
        for number in range(first, first + 300):
            try:
                await oppose(store, person(number))
            except Unavailable:
                continue
            acknowledged.append(person(number))

    async with machine(redis_server.url, tmp_path / "a", "a") as one, machine(redis_server.url, tmp_path / "b", "b") as other:
        await knows(one, "b")
        await knows(other, "a")
        async with asyncio.TaskGroup() as group:
            for first in range(0, 3000, 300):
                group.create_task(load(one if first % 600 else other, first))
            for _ in range(3):
                known = len(acknowledged)
                await until(lambda known=known: _grown(acknowledged, known + 300), "load goes on")  # type: ignore[misc]
                await redis_server.command("FLUSHALL")
        await whole(one)
        assert len(acknowledged) > 1000
        assert [who for who in acknowledged if not await opposed(one, who)] == []


async def _grown(some: list[PersonKey], to: int) -> bool:
    return len(some) >= to


async def test_restored_old_copy_resurrects_no_permission(redis_server: RedisServer, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with machine(redis_server.url, tmp_path / "a", "a") as one, machine(redis_server.url, tmp_path / "b", "b") as other:
        await oppose(one, person(1))
        await oppose(other, person(2))
        redis_server.keep_copy(copy)
        await oppose(one, person(3))
        await oppose(other, person(4))
        await lift(one, person(2))
        await oppose(other, person(5))
        await lift(one, person(5))
        await oppose(other, person(5))
        await lift(other, person(4))
        await oppose(one, person(4))
        await lift(other, person(4))
        await redis_server.stop()
        redis_server.put_back(copy)
        await redis_server.start()
        await whole(other)
        found = [number for number in range(1, 6) if await opposed(other, person(number))]
        assert found == [1, 3, 5]


async def test_old_copy_put_into_a_running_server_is_noticed_by_its_stand(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        keys = await redis_server.command("KEYS", "*")
        assert isinstance(keys, list)
        dumps = await redis_server.commands(*(("DUMP", key) for key in keys))
        await oppose(store, person(2))
        back = [("RESTORE", key, 0, dump) for key, dump in zip(keys, dumps, strict=True)]
        await redis_server.commands(("MULTI",), ("FLUSHALL",), *back, ("EXEC",))  # type: ignore[arg-type]
        await whole(store)
        assert [number for number in (1, 2) if await opposed(store, person(number))] == [1, 2]


async def test_copy_from_before_several_restarts_is_made_whole_too(redis_server: RedisServer, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        redis_server.keep_copy(copy)
        for number in range(2, 5):
            await oppose(store, person(number))
            await redis_server.restart()
            await whole(store)
        await lift(store, person(2))
        await redis_server.stop()
        redis_server.put_back(copy)
        await redis_server.start()
        await whole(store)
        assert [number for number in range(1, 5) if await opposed(store, person(number))] == [1, 3, 4]
        await oppose(store, person(2))
        await redis_server.restart()
        await whole(store)
        assert [number for number in range(1, 5) if await opposed(store, person(number))] == [1, 2, 3, 4]


async def test_what_is_recorded_while_something_is_missing_outranks_what_comes_back(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(machine(redis_server.url, tmp_path / "a", "a"))
        async with machine(redis_server.url, tmp_path / "b", "b") as other:
            await oppose(other, person(1))
            await lift(other, person(1))
            await oppose(other, person(2))
        await knows(one, "b")
        await redis_server.command("FLUSHALL")
        await reachable(one)
        assert not one.settled
        await oppose(one, person(1))
        await lift(one, person(2))
        async with machine(redis_server.url, tmp_path / "b", "b"):
            await whole(one)
        assert await opposed(one, person(1))
        assert not await opposed(one, person(2))


async def test_node_that_is_down_holds_marketing_until_it_is_back(redis_server: RedisServer, tmp_path: Path) -> None:
    log = Lines()
    async with machine(redis_server.url, tmp_path / "a", "a", log=log) as one:
        async with machine(redis_server.url, tmp_path / "b", "b") as other:
            await oppose(other, person(1))
        await knows(one, "b")
        await redis_server.command("FLUSHALL")
        await reachable(one)
        await until(lambda: _waits_for(one, "b"), "the other node is waited for", pause=0.02)
        assert not await opposed(one, person(1))
        assert not one.settled
        assert "b" in one.why
        await oppose(one, person(2))
        async with machine(redis_server.url, tmp_path / "b", "b"):
            await whole(one)
            assert await opposed(one, person(1))
            assert await opposed(one, person(2))
            await until(lambda: _said(log, "store-settled", 2), "it is said")
    assert log.names() == ["store-settled", "store-emptied", "store-unsettled", "store-settled"]


async def _waits_for(store: RedisStore, node: str) -> bool:
    return node in store.standing.awaited and len(store.standing.awaited) == 1


async def _said(log: Lines, what: str, times: int) -> bool:
    return log.names().count(what) == times


async def test_node_that_never_comes_back_is_retired_by_hand(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as one:
        async with machine(redis_server.url, tmp_path / "b", "b") as other:
            await oppose(other, person(1))
        await redis_server.restart()
        await reachable(one)
        await until(lambda: _waits_for(one, "b"), "the other node is waited for", pause=0.02)
        await one.nodes.retire("b", NOON)
        await whole(one)
        assert [(node.name, node.gone) for node in await one.nodes.known()] == [("a", False), ("b", True)]
        await redis_server.restart()
        await whole(one)


async def test_emptied_store_waits_for_a_person_where_a_node_was_retired_that_had_filled_it(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as one:
        async with machine(redis_server.url, tmp_path / "b", "b") as other:
            await oppose(other, person(1))
        await one.nodes.retire("b", NOON)
        await redis_server.restart()
        await whole(one)
        await redis_server.command("FLUSHALL")
        await until(lambda: _waits_for(one, "b"), "the retired node is waited for", pause=0.02)
        assert [(node.name, node.gone, node.there) for node in await one.nodes.known()] == [("a", False, True), ("b", True, False)]
        await one.nodes.retire("b", NOON)
        await whole(one)


async def test_emptied_store_waits_for_a_person_where_it_had_begun_as_a_copy(redis_server: RedisServer, tmp_path: Path) -> None:
    await redis_server.command("HSET", "{gw}m", "stand", 5)
    await redis_server.command("HSET", "{gw}bygone", "copied:1", 5)
    async with machine(redis_server.url, tmp_path / "a", "a") as one:
        await whole(one)
        await oppose(one, person(1))
        await redis_server.command("FLUSHALL")
        await until(lambda: _waits_for(one, "copied"), "the copy is waited for", pause=0.02)
        await one.nodes.retire("copied", NOON)
        await whole(one)
        assert await opposed(one, person(1))


async def test_new_disk_under_an_old_name_does_not_answer_for_the_old_one(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "b", "b"):
        async with machine(redis_server.url, tmp_path / "a", "a") as old:
            await oppose(old, person(1))
        async with machine(redis_server.url, tmp_path / "c", "") as onlooker:
            await onlooker.nodes.retire("a", NOON)
        async with machine(redis_server.url, tmp_path / "new", "a") as new:
            await whole(new)
            await redis_server.command("FLUSHALL")
            await until(lambda: _waits_for(new, "a"), "the old disk is waited for", pause=0.02)


async def test_retired_node_that_comes_back_brings_its_oppositions_and_lifts_nothing(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as one:
        async with machine(redis_server.url, tmp_path / "b", "b") as other:
            await oppose(one, person(1))
            await lift(other, person(1))
            await oppose(other, person(2))
        await oppose(one, person(1))
        await knows(one, "b")
        await redis_server.command("FLUSHALL")
        await reachable(one)
        await one.nodes.retire("b", NOON)
        await whole(one)
        assert await opposed(one, person(1))
        async with machine(redis_server.url, tmp_path / "b", "b") as other:
            await whole(other)
            assert await opposed(one, person(1))
            assert await opposed(one, person(2))
            assert ("b", False) in [(node.name, node.gone) for node in await one.nodes.known()]


async def test_both_processes_of_one_machine_settle_and_count_as_one_node(redis_server: RedisServer, tmp_path: Path) -> None:
    async with (
        machine(redis_server.url, tmp_path / "a", "a") as one,
        machine(redis_server.url, tmp_path / "a", "a", worker=1) as other,
    ):
        await oppose(one, person(1))
        await oppose(other, person(2))
        await redis_server.command("FLUSHALL")
        await whole(one)
        await whole(other)
        assert [node.name for node in await one.nodes.known()] == ["a"]
        assert [number for number in (1, 2) if await opposed(one, person(number))] == [1, 2]
        assert await _restored(one) == ["restored=2"]


async def test_what_a_dead_process_was_not_answered_for_is_told_by_its_neighbour(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as one:
        async with machine(redis_server.url, tmp_path / "a", "a", worker=1) as other:
            await redis_server.kill()
            with pytest.raises(Unavailable):
                await oppose(other, person(1))
        await redis_server.start()
        await whole(one)
        assert await opposed(one, person(1))


@pytest.mark.slow
async def test_frozen_server_is_refused_and_served_again_when_it_thaws(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        redis_server.freeze()
        with pytest.raises(Unavailable):
            await oppose(store, person(2))
        with pytest.raises(Unavailable):
            await opposed(store, person(1))
        redis_server.thaw()
        await whole(store)
        assert await opposed(store, person(1))
        await oppose(store, person(3))
        await until(lambda: opposed(store, person(2)), "what went unanswered is there too")


async def test_replica_that_lagged_and_is_promoted_gets_from_the_nodes_what_it_lacks(tmp_path: Path) -> None:
    async with running_pair(tmp_path / "servers") as pair:
        door = pair.primary
        async with machine(door.url, tmp_path / "a", "a") as store:
            await oppose(store, person(1))
            await pair.in_step()
            pair.replica.freeze()
            for number in range(2, 30):
                await oppose(store, person(number))
        await door.kill()
        pair.replica.thaw()
        await pair.promote()
        async with machine(pair.replica.url, tmp_path / "a", "a") as store:
            await whole(store)
            assert all([await opposed(store, person(number)) for number in range(1, 30)])


async def test_with_a_declared_replica_nothing_is_acknowledged_that_it_does_not_have(tmp_path: Path) -> None:
    async with running_pair(tmp_path / "servers") as pair:
        await until(lambda: _online(pair.primary), "the primary hears of its replica")
        async with machine(pair.primary.url, tmp_path / "a", "a", replicas=1) as store:
            await oppose(store, person(1))
            pair.replica.freeze()
            with pytest.raises(Unavailable):
                await oppose(store, person(2))
            pair.replica.thaw()
            await whole(store)
            await until(lambda: opposed(store, person(2)), "it is told again")


async def _online(server: RedisServer) -> bool:
    return "state=online" in (await server.info("replication")).get("slave0", "")


async def test_partners_are_still_told_of_an_opposition_that_came_back(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        tell = Tell("friend", person(1), "acme", Scope.ADVERTISER, NOON)
        await commit(store, person(1), [Oppose(opposition(person(1))), tell])
        await redis_server.command("FLUSHALL")
        await whole(store)
        assert [note.person for note in await store.outbox.pending("friend")] == [person(1)]


async def test_erasure_and_withdrawal_stay_true_on_an_old_copy(redis_server: RedisServer, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        for number in (1, 2):
            await commit(store, person(number), [Learn(consent(person(number)), b"sealed")])
        redis_server.keep_copy(copy)
        await commit(store, person(1), [Withdraw(person(1), "acme", "", NOON)])
        await commit(store, person(2), [Forget(person(2))])
        await redis_server.stop()
        redis_server.put_back(copy)
        await redis_server.start()
        await whole(store)
        withdrawn, forgotten = [await store.book.consents(person(number)) for number in (1, 2)]
        assert [one.withdrawn_at for one, _ in withdrawn] == [NOON]
        assert forgotten == []
