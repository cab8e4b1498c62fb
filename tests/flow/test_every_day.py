"""The day's work: once a day, by whoever holds its lease, again only where it was not finished (R-DP-10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.core.address import Identity
from gateway.core.change import MoveCursor
from gateway.core.duration import Duration
from gateway.edges.clock import SystemClock
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.daily import Daily, Office
from gateway.flow.every_day import EveryDay, work_of_day
from gateway.flow.keeper import Keeper, ended
from gateway.flow.lease_ports import Lease, Overtaken
from gateway.flow.ports import Unavailable
from tests.support.clock import StillClock
from tests.support.desk import Lines


def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[Exception | None]:
    return asyncio.get_running_loop().create_task(ended(work))


class House:
    """One process over the store; `fails` has its day fail, `did` says on which days it did anything."""

    def __init__(self, folder: Path, store: SqliteStore, clock: StillClock, owner: str) -> None:
        self.store, self.clock = store, clock
        self.ring = KeyRing.open(folder / "keys", may_create=True)
        self.keeper = Keeper(store.leases, "daily", owner, start, SystemClock(), Lines())
        self.days = EveryDay(self.keeper, self.daily, store.book, store.returns, clock, Lines())
        self.fails = False
        self.did: list[str] = []

    def daily(self, lease: Lease) -> Daily:
        place = Office(self.store.under(lease).book, Identity(self.ring.pepper), self.ring.vault, {}, {}, self.clock)
        return Daily(place, Duration(12, 0), None, {"": self.chore})

    async def chore(self, now: datetime, _: bool) -> Mapping[str, int]:
        if self.fails:
            raise Unavailable("something outside")
        self.did.append(now.date().isoformat())
        return {}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    one = open_store(tmp_path / "gateway.db", "n1w0")
    yield one
    await one.close()


@pytest.fixture
def home(tmp_path: Path, store: SqliteStore) -> House:
    return House(tmp_path, store, StillClock(), "n1w0/1")


async def test_a_day_is_done_once_whoever_looks(tmp_path: Path, store: SqliteStore, home: House) -> None:
    other = House(tmp_path, store, home.clock, "n1w1/1")
    for one in (home, other, home, other):
        await one.days.once()
    assert (len(home.did), other.did) == (1, [])
    home.clock.advance(days=1)
    for one in (other, home):
        await one.days.once()
    assert (len(home.did), len(other.did)) == (1, 1)


async def test_a_failed_day_is_tried_again(home: House) -> None:
    home.fails = True
    with pytest.raises(Unavailable):
        await home.days.once()
    home.fails = False
    await home.days.once()
    assert len(home.did) == 1


async def test_a_failed_day_ends_no_looking(home: House) -> None:
    home.fails = True
    looking = asyncio.ensure_future(home.days.run(0, 0.01))
    done, _ = await asyncio.wait({looking}, timeout=0.2)
    assert not done
    home.fails = False
    async with asyncio.timeout(10):
        while not home.did:  # noqa: ASYNC110 it looks by itself
            await asyncio.sleep(0.01)
    looking.cancel()


async def test_a_clock_that_goes_back_repeats_no_day(home: House) -> None:
    await home.days.once()
    home.clock.advance(seconds=-timedelta(days=1).total_seconds())
    await home.days.once()
    assert len(home.did) == 1


async def test_a_day_that_another_is_at_is_left_to_it(store: SqliteStore, home: House) -> None:
    command = await store.leases.take("daily", "a command", 60)
    assert command is not None
    await home.days.once()
    assert await work_of_day(home.keeper, home.daily, store.book) is None
    assert home.did == []
    await store.leases.release(command, "a command")
    await home.days.once()
    assert len(home.did) == 1


async def test_who_is_no_longer_the_keeper_does_not_mark_the_day(store: SqliteStore, home: House) -> None:
    old = await store.leases.take("keeper", "n1w0/1", 60)
    assert old is not None
    assert await store.leases.take("keeper", "n1w0/2", 60) is not None
    days = EveryDay(home.keeper, home.daily, store.book.under(old), store.returns, home.clock, Lines())
    with pytest.raises(Overtaken):
        await days.once()
    assert await store.returns.cursor("daily") == ""
    await store.book.commit((), [MoveCursor("daily", home.clock.now().date().isoformat())])
    await days.once()
    assert len(home.did) == 1
