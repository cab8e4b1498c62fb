"""What every book promises about the past: facts at every earlier stand are told again exactly, or not at all once erased."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.change import (
    Change,
    Forget,
    ForgetWithdrawn,
    GiveNotice,
    Learn,
    Lift,
    Oppose,
    Pause,
    Publish,
    Resume,
    Stir,
    TakeBackNotice,
    Withdraw,
)
from gateway.core.record import (
    NO_ARRANGEMENTS,
    Arrangements,
    Basis,
    Block,
    Covers,
    Door,
    Facts,
    NoticeGiven,
    NoticeKind,
    Opposition,
    PartnerList,
    Scope,
    Traits,
    Who,
)
from gateway.flow.ports import Book
from tests.contract.conftest import STORES, Opening
from tests.support.people import NOON, at, consent, event, opposition, person
from tests.support.redis_servers import needs_redis

ANN, BOB = person(1), person(2)

people = st.integers(0, 2).map(person)
minutes = st.integers(-9, 9).map(at)
advertisers = st.sampled_from(["acme", "other"])
purposes = st.sampled_from(["newsletter", "offers"])
streams = st.sampled_from(["", "news"])
versions = st.sampled_from(["1", "2", "3"])

consents = st.builds(
    consent,
    people,
    advertiser=advertisers,
    purpose=purposes,
    basis=st.sampled_from([Basis.CONSENT, Basis.EXISTING_CUSTOMER]),
    covers=st.sampled_from(Covers),
    wording=st.sampled_from(["yes", "oui"]),
    traits=st.sampled_from([Traits(), Traits("FR")]),
    withdrawn_at=st.none() | minutes,
)
oppositions = st.builds(
    Opposition,
    people,
    st.sampled_from([Block.OPPOSED, Block.BOUNCED]),
    st.sampled_from(Scope),
    advertisers,
    streams,
    st.sampled_from([Door.LINK, Door.API]),
    minutes,
)
lifts = st.builds(Lift, people, st.sampled_from([Block.OPPOSED, Block.BOUNCED]), st.sampled_from(Scope), advertisers, streams)
notices = st.builds(NoticeGiven, people, advertisers, streams, minutes, st.just("t"), st.sampled_from(NoticeKind))
remembered = st.one_of(
    st.builds(Learn, consents, st.just(b"sealed")),
    st.builds(Oppose, oppositions, st.booleans()),
    lifts,
    st.builds(Withdraw, people, advertisers, purposes | st.just(""), minutes),
    st.builds(GiveNotice, notices),
    st.builds(TakeBackNotice, notices),
    st.builds(Stir, people, advertisers, minutes),
    st.builds(Publish, st.builds(PartnerList, advertisers, versions, minutes, st.just(()))),
    st.builds(Pause, streams, minutes, st.just("why")),
    st.builds(Resume, streams),
)
erasures = st.builds(Forget, people, advertisers | st.just("")) | st.builds(ForgetWithdrawn, people, minutes)
commits = st.lists(st.lists(st.one_of(remembered, remembered, lifts, erasures), max_size=5), max_size=12)

WHO = [Who(person(number), (person((number + 1) % 3), person(9))) for number in range(3)]
Told = tuple[list[Facts], list[Facts], Arrangements]


async def told(book: Book) -> Told:
    """Everything facts say now; one by one, where all at once must say the same."""
    each = {}
    for advertiser in ("acme", "other"):
        each[advertiser] = [(await book.facts(advertiser, [one]))[0] for one in WHO]
        assert await book.facts(advertiser, WHO) == each[advertiser]
    return each["acme"], each["other"], await book.arrangements()


def erases(change: Change, advertiser: str, who: Who) -> bool:
    """Whether this change may take away what was known of the person to this advertiser."""
    match change:
        case Forget(one, of):
            return one == who.person and of in ("", advertiser)
        case ForgetWithdrawn(one):
            return one == who.person
        case _:
            return False


@pytest.mark.parametrize("name", ["sqlite", pytest.param("redis", marks=needs_redis)])
@given(wanted=commits)
@settings(max_examples=20, deadline=None)
def test_facts_of_every_earlier_stand_are_told_exactly_or_not_at_all(name: str, wanted: list[list[Change]]) -> None:
    """R-FR-86: a verdict can be had again from what was known when it was made."""
    asyncio.run(retold(name, wanted))


async def retold(name: str, wanted: list[list[Change]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with STORES[name](Path(folder)) as opened, opened() as store:
            seen, stands = {await store.book.stand(): await told(store.book)}, []
            for number, changes in enumerate(wanted):
                await store.book.commit([event(number)], changes)
                stands.append(await store.book.stand())
                seen[stands[-1]] = await told(store.book)
            for stand, then in seen.items():
                after = [change for at, changes in zip(stands, wanted, strict=True) if at > stand for change in changes]
                await compare(store.book, stand, then, after)


async def compare(book: Book, stand: int, then: Told, after: list[Change]) -> None:
    assert await book.arrangements_at(stand) == then[2]
    for advertiser, facts in (("acme", then[0]), ("other", then[1])):
        for one, known in zip(WHO, facts, strict=True):
            again = await book.facts_at(advertiser, one, stand)
            assert again == known or (again is None and any(erases(change, advertiser, one) for change in after))


async def facts(book: Book, advertiser: str = "acme") -> Facts:
    return (await book.facts(advertiser, [Who(ANN)]))[0]


async def at_stands(book: Book, changes: Sequence[Change]) -> list[int]:
    """The stand after each change, one commit each, a minute apart."""
    stands = []
    for number, change in enumerate(changes):
        await book.commit([event(number)], [change])
        stands.append(await book.stand())
    return stands


async def test_what_ended_is_told_for_the_time_it_stood(book: Book) -> None:
    changes = [Learn(consent(ANN), b""), Oppose(opposition(ANN)), Withdraw(ANN, "acme", "", at(1))]
    learnt, opposed, withdrawn, lifted = await at_stands(book, [*changes, Lift(ANN, Block.OPPOSED, Scope.ADVERTISER, "acme", "")])
    assert await book.facts_at("acme", Who(ANN), learnt) == Facts((consent(ANN),))
    assert await book.facts_at("acme", Who(ANN), opposed) == Facts((consent(ANN),), (opposition(ANN),))
    ended = consent(ANN, withdrawn_at=at(1))
    assert await book.facts_at("acme", Who(ANN), withdrawn) == Facts((ended,), (opposition(ANN),))
    assert await book.facts_at("acme", Who(ANN), lifted) == await facts(book) == Facts((ended,))
    assert await book.facts_at("acme", Who(ANN), 0) == Facts()


async def test_a_stand_is_found_by_its_time(book: Book) -> None:
    assert await book.stand_at(NOON) == 0
    stands = await at_stands(book, [Learn(consent(person(number)), b"") for number in range(40)])
    assert await book.stand_at(at(-1)) == 0
    assert [await book.stand_at(at(number)) for number in range(40)] == stands
    assert await book.stand_at(at(1000)) == stands[-1] == await book.stand()


async def test_a_clock_that_went_back_does_not_hide_what_was_known(book: Book) -> None:
    for minutes_ in (5, 2, 6):
        await book.commit([event(minutes_)], [Oppose(opposition(person(minutes_)))])
    assert [await book.stand_at(at(minutes_)) for minutes_ in (4, 5, 6)] == [0, 2, 3]


async def test_a_commit_without_events_stood_when_its_changes_say(book: Book) -> None:
    await book.commit([], [Oppose(opposition(ANN, at=at(3))), Learn(consent(BOB, recorded_at=at(2)), b"")])
    await book.commit([], [Lift(ANN, Block.OPPOSED, Scope.ADVERTISER, "acme", "")])
    assert [await book.stand_at(at(2)), await book.stand_at(at(3))] == [0, 2]


async def test_arrangements_of_an_earlier_stand_are_told(book: Book) -> None:
    first, second = (PartnerList("acme", version, NOON, ()) for version in ("1", "2"))
    stands = await at_stands(book, [Publish(first), Pause("news", NOON, ""), Publish(second), Resume("news")])
    lists = [{"acme": (first,)}, {"acme": (first,)}, {"acme": (first, second)}, {"acme": (first, second)}]
    paused = [frozenset(), frozenset({"news"}), frozenset({"news"}), frozenset()]
    for stand, told_lists, told_paused in zip(stands, lists, paused, strict=True):
        assert await book.arrangements_at(stand) == Arrangements(told_lists, told_paused)
    assert await book.arrangements_at(0) == NO_ARRANGEMENTS


async def test_nothing_is_told_of_a_time_whose_records_were_erased(book: Book) -> None:
    """R-DP-13: an erasure is not undone by looking back, and what cannot be told is not guessed."""
    learnt, opposed, forgotten = await at_stands(book, [Learn(consent(ANN), b""), Oppose(opposition(ANN)), Forget(ANN, "acme")])
    assert [await book.facts_at("acme", Who(ANN), stand) for stand in (learnt, opposed)] == [None, None]
    assert await book.facts_at("acme", Who(ANN), forgotten) == await facts(book) == Facts((), (opposition(ANN),))
    assert await book.facts_at("other", Who(ANN), learnt) == Facts()
    assert await book.facts_at("acme", Who(BOB), learnt) == Facts()


async def test_an_erasure_that_found_nothing_hides_nothing(book: Book) -> None:
    opposed, *_ = await at_stands(book, [Oppose(opposition(ANN)), Forget(ANN), ForgetWithdrawn(ANN, at(9))])
    assert await book.facts_at("acme", Who(ANN), opposed) == Facts((), (opposition(ANN),))


async def test_the_past_is_told_to_whoever_opens_the_store_next(opened: Opening) -> None:
    async with opened() as store:
        stands = await at_stands(store.book, [Oppose(opposition(ANN)), Oppose(opposition(ANN, at=at(-5)))])
    async with opened(writer="n1w1") as store:
        before = [await store.book.facts_at("acme", Who(ANN), stand) for stand in stands]
        assert before == [Facts((), (opposition(ANN),)), Facts((), (opposition(ANN, at=at(-5)),))]
        assert await store.book.stand_at(at(0)) == stands[0]
