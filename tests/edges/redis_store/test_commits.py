"""The thread that writes to Redis: what it does when answers get lost, one of many posts is refused, or the server hangs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.core.change import Accept, Oppose, Sweep
from gateway.core.evidence import GENESIS, Event, Kind, link, parse_event
from gateway.edges.store.instant import micros
from gateway.edges.store.redis import commits
from gateway.edges.store.redis.client import Access, Blocking, blocking_client
from gateway.edges.store.redis.commits import Post
from gateway.edges.store.redis.pack import packed
from gateway.edges.store.redis.scripts import WHEN
from gateway.edges.store.redis.store import RedisStore
from gateway.flow.lease_ports import Lease, Overtaken
from gateway.flow.ports import Unavailable
from tests.support.machine import machine, oppose, opposed, whole
from tests.support.peer import until
from tests.support.people import NOON, opposition, person
from tests.support.redis_servers import RedisServer, needs_redis, running_pair

pytestmark = needs_redis


def _event(number: int) -> Event:
    return Event(NOON, Kind.LOOK, "seen", detail=str(number))


async def _chained(store: RedisStore) -> list[str]:
    """What the events of the one writer say, its chain followed from the first."""
    last, said = GENESIS, []
    async for entry in store.journal.entries("aw0"):
        last = link(last, entry.writer, entry.seq, entry.body)
        assert entry.hash == last
        event = parse_event(entry.body)
        assert event is not None
        said.append(event.detail)
    return said


async def _ends(posts: Sequence[Any]) -> list[Any]:
    return list(await asyncio.gather(*posts, return_exceptions=True))


async def test_post_that_is_refused_leaves_no_gap_between_its_neighbours(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        before = [store.book.post([_event(number)]) for number in range(10)]
        refused = store.commits.post(Post(packed([["no such thing"]]), (), None, b"", ()))
        after = [store.book.post([_event(number)]) for number in range(10, 30)]
        *ends, end = await _ends([*before, *after, refused])
        assert isinstance(end, Unavailable)
        assert ends == [[f"aw0-{number}"] for number in range(1, 31)]
        assert await _chained(store) == [str(number) for number in range(30)]


async def test_two_processes_of_one_name_break_no_chain_and_share_no_reference(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as one, machine(redis_server.url, tmp_path, "a") as other:
        ends = await _ends([(one, other)[number % 2].book.post([_event(number)]) for number in range(200)])
        refs = [end[0] for end in ends if not isinstance(end, Exception)]
        assert len(refs) == len(set(refs)) > 0
        assert {type(end) for end in ends if isinstance(end, Exception)} <= {Unavailable}
        assert len(await _chained(one)) == len(refs)


async def test_fault_of_ours_reaches_who_waits_for_it_and_ends_nothing(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        with pytest.raises(ZeroDivisionError):
            await store.commits.apart(lambda _: 1 / 0)
        async with asyncio.timeout(5.0):
            await oppose(store, person(1))


async def test_stands_that_an_epoch_left_out_get_the_time_before_them_at_little_cost(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        await redis_server.restart()
        await whole(store)
        await redis_server.command("CONFIG", "RESETSTAT")
        await oppose(store, person(2))
        stand, stats = await store.book.stand(), await redis_server.info("commandstats")
        assert int(stats["cmdstat_setrange"].partition("calls=")[2].partition(",")[0]) < 10
        told = await store.reads.script(WHEN, ["of", *range(stand + 2)])
        assert (told[0], told[-1]) == (0, 0)
        assert {*told[1:-1]} == {micros(NOON)}


async def test_what_a_campaign_left_behind_is_swept_without_holding_up_the_server(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        keys = [sha256(str(number).encode()).digest() for number in range(12_000)]
        for start in range(0, len(keys), 1000):
            await store.book.commit([], [Accept(one, NOON) for one in keys[start : start + 1000]])
        await store.book.commit([], [Accept(b"today", NOON + timedelta(days=1))])
        await redis_server.command("CONFIG", "RESETSTAT")
        await store.book.commit([], [Sweep(NOON + timedelta(hours=1), NOON)])
        assert await store.book.accepted([*keys, b"today"], NOON - timedelta(days=1)) == {b"today"}
        stats = await redis_server.info("commandstats")
        assert int(stats["cmdstat_zremrangebyrank"].partition("calls=")[2].partition(",")[0]) == 3


async def test_what_was_taken_is_told_so_when_the_server_leaves_before_its_neighbours_second_try(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [99]

    def leaving(place: Access) -> Blocking:
        """A client whose server answers so many batches more, and then no others."""
        client = blocking_client(place)
        connection = client.connection_pool.get_connection()
        send = connection.send_packed_command

        def send_packed_command(batch: Sequence[bytes], check_health: bool = True) -> None:
            left[0] -= not check_health  # a batch; the library's own commands look first
            if left[0] < 0:
                raise ConnectionError
            send(batch, check_health)

        connection.send_packed_command = send_packed_command
        client.connection_pool.release(connection)
        return client

    monkeypatch.setattr("gateway.edges.store.redis.store.blocking_client", leaving)
    async with machine(redis_server.url, tmp_path, "a") as store:
        await store.book.commit([_event(0)])  # the server knows the script
        busy = threading.Event()
        store.commits.apart(lambda _: busy.wait(5.0))
        taken = store.book.post([_event(1)], [Oppose(opposition(person(1)))])
        overtaken = store.book.under(Lease("daily", 1)).post([_event(2)])
        behind = store.book.post([_event(3)])  # its place in the chain was behind the one that is refused
        left[0] = 1
        busy.set()
        ends = await _ends([taken, overtaken, behind])
        assert ends[0] == ["aw0-2"]
        assert [type(end) for end in ends[1:]] == [Overtaken, commits.Unanswered]
        left[0] = 99
        assert await opposed(store, person(1))
        assert await _chained(store) == ["0", "1"]


@pytest.mark.slow
async def test_nobody_waits_long_behind_a_server_that_hangs(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "PATIENCE", 4.0)
    async with machine(redis_server.url, tmp_path, "a") as store:
        redis_server.freeze()
        began = time.monotonic()
        ends = await _ends([store.book.post([_event(number)]) for number in range(1000)])
        redis_server.thaw()
        assert {type(end) for end in ends} <= {Unavailable, commits.Unanswered}
        # two batches at three seconds each were under way, and some settling; had all 16 waited in turn: 48
        assert time.monotonic() - began < 20.0
        await whole(store)
        async with asyncio.timeout(5.0):
            await oppose(store, person(1))


@pytest.mark.slow
async def test_what_a_missing_replica_kept_from_being_acknowledged_is_there_once(tmp_path: Path) -> None:
    async with running_pair(tmp_path / "servers") as pair, machine(pair.primary.url, tmp_path, "a", replicas=1) as store:
        pair.replica.freeze()
        people = [person(number) for number in range(100)]
        ends = await _ends([store.book.post([_event(n)], [Oppose(opposition(one))]) for n, one in enumerate(people)])
        assert {type(end) for end in ends} <= {Unavailable, commits.Unanswered}
        pair.replica.thaw()
        sent = [one for one, end in zip(people, ends, strict=True) if isinstance(end, commits.Unanswered)]
        assert len(sent) > 0
        said: list[str] = []

        async def there() -> bool:
            with suppress(Unavailable):
                said[:] = [one for one in await _chained(store) if one.isdigit()]
                return all([await opposed(store, one) for one in sent])
            return False

        await until(there, "what may have been taken is there, or was told again")
        assert len(said) == len(set(said))
