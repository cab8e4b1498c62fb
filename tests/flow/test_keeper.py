"""One of all processes does the work, over a real store: taken, renewed, lost and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.core.change import MoveCursor
from gateway.edges.clock import SystemClock
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow import keeper
from gateway.flow.keeper import Keeper, ended
from gateway.flow.lease_ports import Lease, Leases, Overtaken
from gateway.flow.ports import Clock, Unavailable
from tests.support.clock import StillClock
from tests.support.desk import Lines

SOON = 10.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    one = open_store(tmp_path / "gateway.db", "n1w0")
    yield one
    await one.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "EVERY", 0.02)
    monkeypatch.setattr(keeper, "LOOK", 0.02)


class Job:
    """Work that never ends, and says whether it is being done."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = asyncio.Event()
        self.lease: Lease | None = None
        self.terms = 0

    async def work(self, lease: Lease) -> None:
        self.lease = lease
        self.terms += 1
        self.over.clear()
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.begun.clear()
            self.over.set()


def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[Exception | None]:
    return asyncio.get_running_loop().create_task(ended(work))


def process(leases: Leases, owner: str, clock: Clock | None = None) -> Keeper:
    return Keeper(leases, "keeper", owner, start, clock or SystemClock(), Lines())


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(SOON):
        await event.wait()


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_of_two_works_and_the_other_follows_at_once_when_it_stops(store: SqliteStore) -> None:
    first, second = Job(), Job()
    one = asyncio.ensure_future(process(store.leases, "n1w0/1").run(first.work))
    await soon(first.begun)
    two = asyncio.ensure_future(process(store.leases, "n1w1/1").run(second.work))
    await asyncio.sleep(0.2)
    assert not second.begun.is_set()
    await stopped(one)
    assert first.over.is_set()
    await soon(second.begun)
    assert first.lease is not None
    assert second.lease is not None
    assert second.lease.number > first.lease.number
    assert first.terms == second.terms == 1
    await stopped(two)


async def test_a_process_that_stood_still_longer_than_its_lease_stops_first(store: SqliteStore) -> None:
    """Its own clock tells, before it could ask the store."""
    job, clock = Job(), StillClock()
    turn = asyncio.ensure_future(process(store.leases, "n1w0/1", clock).turn(job.work))
    await soon(job.begun)
    clock.advance(seconds=keeper.LENGTH - keeper.MARGIN)
    with pytest.raises(Overtaken):
        await turn
    assert job.over.is_set()


async def test_a_holder_that_was_overtaken_stops_at_its_next_renewal(store: SqliteStore) -> None:
    job = Job()
    turn = asyncio.ensure_future(process(store.leases, "n1w0/1").turn(job.work))
    await soon(job.begun)
    follower = await store.leases.take("keeper", "n1w0/2", keeper.LENGTH)
    with pytest.raises(Overtaken):
        await turn
    assert job.over.is_set()
    assert await store.leases.take("keeper", "n1w0/2", keeper.LENGTH) == follower  # nothing was given back for it


async def test_a_refused_write_ends_the_turn(store: SqliteStore) -> None:

    async def work(lease: Lease) -> None:
        await store.leases.take("keeper", "n1w0/2", keeper.LENGTH)
        await store.under(lease).book.commit([], [MoveCursor("done by", "both")])

    with pytest.raises(Overtaken):
        await process(store.leases, "n1w0/1").turn(work)
    assert await store.returns.cursor("done by") == ""


class Cut:
    """The leases of a store that can become unreachable."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.cut = False
        self.asked = asyncio.Event()

    async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
        self._reach()
        return await self._leases.take(name, owner, seconds)

    async def release(self, lease: Lease, owner: str) -> None:
        self._reach()
        await self._leases.release(lease, owner)

    def _reach(self) -> None:
        if self.cut:
            self.asked.set()
            raise Unavailable("store")


async def test_a_store_that_is_gone_for_a_moment_interrupts_nothing(store: SqliteStore) -> None:
    leases, job = Cut(store.leases), Job()
    run = asyncio.ensure_future(process(leases, "n1w0/1").run(job.work))
    await soon(job.begun)
    leases.cut = True
    await soon(leases.asked)
    leases.cut = False
    await asyncio.sleep(0.2)
    assert job.begun.is_set()
    assert job.terms == 1
    await stopped(run)


async def test_a_store_that_stays_away_stops_the_work_before_the_lease_ends(store: SqliteStore) -> None:
    leases, job, clock = Cut(store.leases), Job(), StillClock()
    run = asyncio.ensure_future(process(leases, "n1w0/1", clock).run(job.work))
    await soon(job.begun)
    leases.cut = True
    await soon(leases.asked)
    clock.advance(seconds=keeper.LENGTH - keeper.MARGIN)
    await soon(job.over)
    leases.cut = False
    await soon(job.begun)
    assert job.terms == 2
    await stopped(run)


async def test_a_store_that_never_answers_stops_the_work_too(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LENGTH", 0.5)
    monkeypatch.setattr(keeper, "MARGIN", 0.1)
    monkeypatch.setattr(keeper, "FAREWELL", 0.1)
    job = Job()

    class Deaf(Cut):
        async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
            if self.cut:
                await asyncio.Event().wait()
            return await super().take(name, owner, seconds)

    leases = Deaf(store.leases)
    turn = asyncio.ensure_future(process(leases, "n1w0/1").turn(job.work))
    await soon(job.begun)
    leases.cut = True
    async with asyncio.timeout(SOON):
        with pytest.raises(Overtaken):
            await turn
    assert job.over.is_set()


async def test_work_with_an_end_gives_the_lease_back(store: SqliteStore) -> None:
    done: list[int] = []

    async def work(lease: Lease) -> None:
        done.append(lease.number)

    for owner in ("n1w0/1", "n1w1/1", "command"):
        assert await process(store.leases, owner).turn(work)
    assert done == [1, 2, 3]


async def test_nothing_is_done_where_another_holds_the_lease(store: SqliteStore) -> None:
    job = Job()
    await store.leases.take("keeper", "n1w1/1", keeper.LENGTH)
    assert not await process(store.leases, "n1w0/1").turn(job.work)
    assert job.terms == 0


async def test_a_fault_of_the_work_is_raised_and_the_lease_given_back(store: SqliteStore) -> None:
    async def work(_: Lease) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await process(store.leases, "n1w0/1").run(work)
    assert await store.leases.take("keeper", "n1w1/1", keeper.LENGTH) is not None


async def test_the_work_has_stopped_before_the_lease_is_asked_for_again(store: SqliteStore) -> None:
    """Work that takes its time to stop is never done twice at once, not even by one process."""
    at_once = most = terms = 0
    again = asyncio.Event()

    async def slow(lease: Lease) -> None:
        nonlocal at_once, most, terms
        at_once, terms = at_once + 1, terms + 1
        most = max(most, at_once)
        try:
            if terms == 2:
                again.set()
            await store.leases.release(lease, "n1w0/1")
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.2)
            at_once -= 1

    run = asyncio.ensure_future(process(store.leases, "n1w0/1").run(slow))
    await soon(again)
    await stopped(run)
    assert (most, at_once) == (1, 0)
