"""What every store promises of leases: one holder at a time, and nothing written by those before it once somebody followed."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.change import MoveCursor, Oppose
from gateway.flow.lease_ports import Lease, LeasedBook, Leases, Overtaken
from gateway.flow.ports import Unavailable
from tests.contract.conftest import Opening, Store
from tests.support.people import event, opposition, person

ANN = person(1)
ONE, TWO, THREE = "a0/1", "b0/2", "c0/3"
LONG, SHORT = 30.0, 0.05


@pytest.fixture
def leases(store: Store) -> Leases:
    """The leases of the store under test."""
    return store.leases


async def held(leases: Leases, owner: str, seconds: float = LONG, name: str = "keeper") -> Lease:
    """Taken, for sure."""
    lease = await leases.take(name, owner, seconds)
    assert lease is not None
    return lease


async def follow(leases: Leases, owner: str, name: str = "keeper") -> Lease:
    """Taken as soon as whoever holds it lets it run out."""
    async with asyncio.timeout(10):
        while (lease := await leases.take(name, owner, LONG)) is None:  # noqa: ASYNC110 the store's own clock decides
            await asyncio.sleep(0.01)
    return lease


async def entries(store: Store) -> int:
    return len([one async for one in store.journal.entries()])


async def test_one_of_two_has_the_lease_and_renewing_keeps_its_number(leases: Leases) -> None:
    first = await held(leases, ONE)
    assert first.name == "keeper"
    assert await leases.take("keeper", TWO, LONG) is None
    assert await leases.take("keeper", ONE, LONG) == first
    assert await leases.take("keeper", TWO, LONG) is None


async def test_of_many_who_come_at_once_one_has_it(opened: Opening) -> None:
    async with opened("n1w1") as here, opened("n1w2") as there:
        came = await asyncio.gather(*(store.leases.take("keeper", f"n{n}w0/1", LONG) for n in range(10) for store in (here, there)))
        # Each owner asks twice: the one that has it renews it.
        assert {lease for lease in came if lease is not None} == {Lease("keeper", 1)}


async def test_leases_of_other_names_are_others(leases: Leases) -> None:
    await held(leases, ONE)
    daily = await held(leases, TWO, name="daily")
    assert daily.name == "daily"


async def test_a_lease_that_ran_out_goes_to_the_next_under_a_greater_number(leases: Leases) -> None:
    first = await held(leases, ONE, SHORT)
    second = await follow(leases, TWO)
    assert second.number > first.number
    assert await leases.take("keeper", ONE, LONG) is None


async def test_who_was_late_and_alone_goes_on_under_its_number(leases: Leases) -> None:
    first = await held(leases, ONE, 0.0)
    assert await leases.take("keeper", ONE, LONG) == first


async def test_a_released_lease_is_free_at_once_and_its_number_never_comes_back(leases: Leases) -> None:
    first = await held(leases, ONE)
    await leases.release(first, ONE)
    second = await held(leases, TWO)
    assert second.number > first.number
    await leases.release(second, TWO)
    third = await held(leases, ONE)
    assert third.number > second.number
    await leases.release(third, ONE)
    assert (await held(leases, ONE)).number > third.number


async def test_the_journal_forgets_nothing_under_a_lease_that_another_has(store: Store) -> None:
    await store.book.commit([event(number) for number in range(1, 8)])
    first = await held(store.leases, ONE, SHORT)
    own = store.under(first).journal
    await own.trim("n1w0", 2)
    second = await follow(store.leases, TWO)
    with pytest.raises(Overtaken):
        await own.trim("n1w0", 4)
    assert await entries(store) == 5
    await store.under(second).journal.trim("n1w0", 4)
    assert await entries(store) == 3


async def test_who_no_longer_holds_a_lease_releases_nothing(leases: Leases) -> None:
    first = await held(leases, ONE)
    await leases.release(first, ONE)
    second = await held(leases, TWO)
    for lease, owner in ((first, ONE), (second, ONE), (first, TWO), (Lease("keeper", 99), TWO), (Lease("never", 1), TWO)):
        await leases.release(lease, owner)
    assert await leases.take("keeper", THREE, LONG) is None


async def test_a_later_run_of_a_place_follows_the_one_before_it_at_once(leases: Leases) -> None:
    first = await held(leases, "n1w0/2026-11-21T09")
    second = await held(leases, "n1w0/2026-11-21T10")
    assert second.number > first.number
    for other in ("n1w00/2026-12", "n1w/0/2026-12", "2026-12", "/2026-12", "w0/2026-12", "n1w0/2026-12/"):
        assert await leases.take("keeper", other, LONG) is None


async def test_an_earlier_run_of_a_place_never_takes_the_lease_back(leases: Leases) -> None:
    """A process that was stopped, replaced and goes on is nobody's successor."""
    await held(leases, "n1w0/2026-11-21T09")
    second = await held(leases, "n1w0/2026-11-21T10")
    assert await leases.take("keeper", "n1w0/2026-11-21T09", LONG) is None
    assert await leases.take("keeper", "n1w0/2026-11-21T10", LONG) == second


async def test_owners_without_a_place_do_not_follow_each_other(leases: Leases) -> None:
    await held(leases, "first")
    assert await leases.take("keeper", "second", LONG) is None
    await held(leases, "/first", name="other")
    assert await leases.take("other", "/second", LONG) is None


async def test_a_lease_is_seen_by_every_process_and_outlives_them(opened: Opening) -> None:
    async with opened("n1w1") as here:
        first = await held(here.leases, ONE, LONG)
        async with opened("n1w2") as there:
            assert await there.leases.take("keeper", TWO, LONG) is None
            with pytest.raises(Overtaken):
                await there.book.under(Lease("keeper", first.number + 1)).commit([event()])
    async with opened("n1w1") as again:
        assert await again.leases.take("keeper", TWO, LONG) is None
        await again.book.under(first).commit([event()])


# The fence


@pytest.fixture
async def overtaken(store: Store) -> LeasedBook:
    """A book under a lease that another holder took meanwhile."""
    old = await held(store.leases, ONE, SHORT)
    await follow(store.leases, TWO)
    return store.book.under(old)


async def test_the_holder_writes_as_ever(store: Store) -> None:
    lease = await held(store.leases, ONE)
    book = store.book.under(lease)
    (first,) = await book.commit([event()], [Oppose(opposition(ANN))])
    (second,) = await book.post([event()])
    await book.commit([], [MoveCursor("daily", "2026-11-21")])
    assert first != second
    assert await store.returns.cursor("daily") == "2026-11-21"
    assert len(await store.book.oppositions(ANN)) == 1
    assert await entries(store) == 2


async def test_nothing_of_an_old_holder_is_written(store: Store, overtaken: LeasedBook) -> None:
    stand = await store.book.stand()
    for events, changes in (
        ([event()], []),
        ([], [MoveCursor("daily", "2026-11-21")]),
        ([event()], [Oppose(opposition(ANN))]),
        ([event(), event()], [MoveCursor("a", "b"), Oppose(opposition(ANN))]),
    ):
        with pytest.raises(Overtaken):
            await overtaken.commit(events, changes)
        with pytest.raises(Overtaken):
            await overtaken.post(events, changes)
    assert await entries(store) == 0
    assert len(await store.book.oppositions(ANN)) == 0
    assert await store.returns.cursor("daily") == ""
    assert await store.book.stand() == stand


async def test_an_old_holder_still_reads(store: Store, overtaken: LeasedBook) -> None:
    await store.book.commit([], [Oppose(opposition(ANN))])
    assert len(await overtaken.oppositions(ANN)) == 1


async def test_being_overtaken_is_one_way_of_being_unavailable(overtaken: LeasedBook) -> None:
    """So that a journey that knows nothing of leases stops at it as at any refused write."""
    with pytest.raises(Unavailable) as refused:
        await overtaken.commit([event()])
    assert refused.value.what == "lease keeper"


async def test_the_writes_beside_it_are_written(store: Store, overtaken: LeasedBook) -> None:
    """Commits that go out together: one that is refused takes nobody with it, and leaves no gap in the chain."""
    posted = [store.book.post([event()]), overtaken.post([event()]), store.book.post([event()]), overtaken.post([event()])]
    ends = await asyncio.gather(*posted, return_exceptions=True)
    assert [isinstance(end, Overtaken) for end in ends] == [False, True, False, True]
    assert [one.seq async for one in store.journal.entries()] == [1, 2]


async def test_a_lease_nobody_took_holds_nothing(store: Store) -> None:
    with pytest.raises(Overtaken):
        await store.book.under(Lease("keeper", 1)).commit([event()])


async def test_each_commit_is_asked_about_its_own_lease(store: Store, overtaken: LeasedBook) -> None:
    daily = await held(store.leases, ONE, name="daily")
    await store.book.under(daily).commit([event()])
    with pytest.raises(Overtaken):
        await overtaken.commit([event()])


async def test_a_commit_late_but_before_any_other_holder_counts(store: Store) -> None:
    """Nobody followed, so nobody can have done the same."""
    lease = await held(store.leases, ONE, 0.0)
    await store.book.under(lease).commit([event()])
    assert await entries(store) == 1
