"""What every book promises, whatever store is behind it; only ports are spoken to."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta

import pytest

from gateway.core.change import Accept, Enlist, GiveNotice, KeepOwnUnsubscribe, Learn, Lift, Oppose, Withdraw
from gateway.core.evidence import parse_event, verify
from gateway.core.model import PersonKey, RefusalMode, Tool
from gateway.core.record import Basis, Block, Consent, Door, Facts, Scope, Who
from gateway.flow.ports import Book, Unavailable
from tests.contract.conftest import Opening
from tests.support.people import NOON, PARIS, at, consent, event, notice, opposition, person

ANN, BOB, EVE = person(1), person(2), person(3)


async def facts(book: Book, who: PersonKey, *also: PersonKey) -> Facts:
    return (await book.facts("acme", [Who(who, also)]))[0]


async def test_nothing_is_known_of_a_stranger(book: Book) -> None:
    assert await book.facts("acme", [Who(ANN), Who(BOB)]) == [Facts(), Facts()]
    assert await book.facts("acme", []) == []


async def test_facts_come_in_the_order_asked_for(book: Book) -> None:
    await book.commit([], [Learn(consent(ANN), b"a"), Learn(consent(BOB), b"b"), Oppose(opposition(EVE))])
    eve, bob, ann, again = await book.facts("acme", [Who(EVE), Who(BOB), Who(ANN), Who(BOB)])
    assert (ann.consents, bob.consents, eve.consents) == ((consent(ANN),), (consent(BOB),), ())
    assert eve.oppositions == (opposition(EVE),)
    assert again == bob


async def test_a_consent_comes_back_exactly_with_the_offset_it_was_collected_at(book: Book) -> None:
    whole = consent(
        ANN,
        basis=Basis.LEGITIMATE_INTEREST,
        function="procurement",
        notice_sent_at=at(-5),
        partner_list_version="2026-02",
        product_family="shoes",
        professional_proof="company register",
        missing=("wording", "source"),
    )
    await book.commit([], [Learn(whole, b"sealed")])
    ((read, sealed),) = await book.consents(ANN)
    assert (read, sealed) == (whole, b"sealed")
    assert read.collected_at is not None
    assert read.collected_at.isoformat() == PARIS.isoformat()


async def test_a_consent_without_dates_comes_back_without_dates(book: Book) -> None:
    bare = Consent(ANN, "acme", "", consent(ANN).audience, Basis.CONSENT, "", None, "", "")
    await book.commit([], [Learn(bare, b"")])
    assert (await facts(book, ANN)).consents == (bare,)


async def test_consents_for_another_advertiser_are_not_facts_of_this_one(book: Book) -> None:
    await book.commit([], [Learn(consent(ANN, advertiser="other"), b"")])
    assert (await facts(book, ANN)).consents == ()
    assert [one.advertiser for one, _ in await book.consents(ANN)] == ["other"]
    assert await book.consents(ANN, "acme") == []


async def test_learning_the_same_record_again_changes_nothing(book: Book) -> None:
    await book.commit([], [Learn(consent(ANN), b"first")])
    await book.commit([], [Learn(consent(ANN, recorded_at=at(60)), b"second")])
    assert await book.consents() == [(consent(ANN), b"first")]


async def test_a_changed_record_leaves_the_earlier_one_as_history(book: Book) -> None:
    changed = consent(ANN, wording="Yes please")
    await book.commit([], [Learn(consent(ANN), b"1"), Learn(changed, b"2"), Learn(consent(ANN), b"3")])
    assert [one.wording for one, _ in await book.consents(ANN)] == ["Oui, écrivez-moi", "Yes please", "Oui, écrivez-moi"]
    assert len((await facts(book, ANN)).consents) == 3


async def test_importing_a_withdrawn_consent_again_does_not_revive_it(book: Book) -> None:
    await book.commit([], [Learn(consent(ANN), b""), Withdraw(ANN, "acme", "newsletter", at(1))])
    await book.commit([], [Learn(consent(ANN), b"")])
    assert [one.withdrawn_at for one in (await facts(book, ANN)).consents] == [at(1)]


async def test_withdrawing_one_purpose_leaves_the_others(book: Book) -> None:
    await book.commit([], [Learn(consent(ANN), b""), Learn(consent(ANN, purpose="offers"), b"")])
    await book.commit([], [Withdraw(ANN, "acme", "offers", at(1))])
    assert {one.purpose: one.withdrawn_at for one in (await facts(book, ANN)).consents} == {"newsletter": None, "offers": at(1)}


async def test_withdrawing_every_purpose_keeps_the_earlier_ends_and_other_people(book: Book) -> None:
    await book.commit([], [Learn(consent(ANN), b""), Learn(consent(ANN, purpose="offers"), b""), Learn(consent(BOB), b"")])
    await book.commit([], [Withdraw(ANN, "acme", "offers", at(1)), Withdraw(ANN, "acme", "", at(2))])
    assert {one.purpose: one.withdrawn_at for one in (await facts(book, ANN)).consents} == {"newsletter": at(2), "offers": at(1)}
    assert [one.withdrawn_at for one in (await facts(book, BOB)).consents] == [None]


async def test_opposing_again_keeps_the_earliest_date_and_its_door(book: Book) -> None:
    for minutes, door in ((5, Door.API), (1, Door.ONE_CLICK), (9, Door.REPLY)):
        await book.commit([], [Oppose(opposition(ANN, at=at(minutes), door=door))])
    assert await book.oppositions(ANN) == [opposition(ANN, at=at(1), door=Door.ONE_CLICK)]


async def test_oppositions_of_a_domain_or_a_foreign_hash_count(book: Book) -> None:
    domain, foreign = person(100), person(101)
    await book.commit([], [Oppose(opposition(domain)), Oppose(opposition(foreign, block=Block.COMPLAINED), foreign_hash=True)])
    found = (await facts(book, ANN, domain, foreign)).oppositions
    assert {one.person for one in found} == {domain, foreign}
    assert (await facts(book, BOB)).oppositions == ()


async def test_an_opposition_reaches_its_advertiser_or_everyone(book: Book) -> None:
    theirs = opposition(ANN, advertiser="other")
    everyone = opposition(ANN, scope=Scope.ALL, advertiser="")
    stream = opposition(ANN, scope=Scope.STREAM, stream="newsletter")
    await book.commit([], [Oppose(theirs), Oppose(everyone), Oppose(stream)])
    assert set((await facts(book, ANN)).oppositions) == {everyone, stream}
    assert set(await book.oppositions(ANN)) == {theirs, everyone, stream}


async def test_lifting_removes_exactly_one_opposition(book: Book) -> None:
    complained = opposition(ANN, block=Block.COMPLAINED)
    await book.commit([], [Oppose(opposition(ANN)), Oppose(complained)])
    await book.commit([], [Lift(ANN, Block.OPPOSED, Scope.ADVERTISER, "acme", "")])
    await book.commit([], [Lift(ANN, Block.BOUNCED, Scope.ADVERTISER, "acme", "")])
    assert await book.oppositions(ANN) == [complained]


async def test_the_earliest_notice_is_remembered(book: Book) -> None:
    await book.commit([], [GiveNotice(notice(ANN, at=at(5))), GiveNotice(notice(ANN)), GiveNotice(notice(ANN, at=at(9)))])
    await book.commit([], [GiveNotice(notice(ANN, source="partner")), GiveNotice(notice(ANN, advertiser="other"))])
    assert set((await facts(book, ANN)).notices) == {notice(ANN), notice(ANN, source="partner")}


async def test_everyones_records_are_listed_whatever_their_number(book: Book) -> None:
    many = [person(number) for number in range(1203)]
    await book.commit([], [Learn(consent(one), b"%d" % number) for number, one in enumerate(many)])
    await book.commit([], [Oppose(opposition(one)) for one in many])
    assert [sealed for _, sealed in await book.consents()] == [b"%d" % number for number in range(1203)]
    assert {one.person for one in await book.oppositions()} == set(many)
    found = await book.facts("acme", [Who(one) for one in many])
    assert [one.consents[0].person for one in found] == many
    assert all(len(one.oppositions) == 1 for one in found)


async def test_an_accepted_key_is_known_for_a_day_and_then_forgotten(book: Book) -> None:
    await book.commit([], [Accept(b"one", NOON)])
    assert await book.accepted([b"one", b"two"], at(-1)) == {b"one"}
    assert await book.accepted([b"one"], at(1)) == frozenset()
    assert await book.accepted([], at(-1)) == frozenset()
    later = NOON + timedelta(hours=25)
    await book.commit([], [Accept(bytes([first]) * 16, later) for first in range(256)])
    assert await book.accepted([b"one", b"\x07" * 16], at(-1)) == {b"\x07" * 16}


async def test_hashes_are_looked_for_once_one_was_filed_even_by_another_process(opened: Opening) -> None:
    async with opened() as one, opened(writer="n1w1") as other:
        await one.book.commit([], [Oppose(opposition(ANN))])
        assert not await one.book.has_hashes()
        await other.book.commit([], [Oppose(opposition(BOB), foreign_hash=True)])
        assert await one.book.has_hashes()
        assert await other.book.has_hashes()


async def test_the_latest_unsubscribe_header_of_a_tool_is_kept(book: Book) -> None:
    assert await book.own_unsubscribe(ANN, "news") is None
    await book.commit([], [KeepOwnUnsubscribe(ANN, "news", b"late", at(5)), KeepOwnUnsubscribe(ANN, "news", b"early", NOON)])
    assert await book.own_unsubscribe(ANN, "news") == b"late"
    assert await book.own_unsubscribe(ANN, "other") is None


async def test_enlisting_a_tool_again_replaces_its_record(book: Book) -> None:
    tool = Tool("crm", b"\1" * 32, ("news", "offers"), RefusalMode.WITHHOLD, NOON)
    revoked = Tool("crm", b"\2" * 32, ("news",), None, NOON, at(1))
    other = Tool("app", b"\3" * 32, ("news",), None, PARIS)
    await book.commit([], [Enlist(tool), Enlist(other)])
    assert await book.tool("crm") == tool
    await book.commit([], [Enlist(revoked)])
    assert await book.tool("crm") == revoked
    assert {one.name: one for one in await book.tools()} == {"crm": revoked, "app": other}
    assert await book.tool("nobody") is None


async def test_what_was_committed_is_there_for_the_next_opening(opened: Opening) -> None:
    async with opened() as store:
        await store.book.commit([event()], [Oppose(opposition(ANN)), Learn(consent(ANN), b"sealed")])
        await store.book.touch_probe(NOON)
    async with opened() as store:
        assert (await facts(store.book, ANN)).oppositions == (opposition(ANN),)
        assert await store.book.consents(ANN) == [(consent(ANN), b"sealed")]


async def test_a_commit_that_cannot_be_written_whole_is_not_written_at_all(opened: Opening) -> None:
    async with opened() as store:
        broken = Oppose(opposition(BOB, door=None))
        (failure,) = await asyncio.gather(
            store.book.commit([event()], [Oppose(opposition(ANN)), broken]),
            return_exceptions=True,
        )
        assert isinstance(failure, Exception)
        assert await store.book.oppositions() == []
        assert await store.journal.heads() == []


async def test_the_stand_moves_with_every_change_of_facts_whoever_makes_it(opened: Opening) -> None:
    factual = (
        Learn(consent(ANN), b"a"),
        Oppose(opposition(ANN)),
        GiveNotice(notice(ANN)),
        Withdraw(ANN, "acme", "", at(1)),
        Lift(ANN, Block.OPPOSED, opposition(ANN).scope, opposition(ANN).advertiser, opposition(ANN).stream),
    )
    async with opened() as here, opened(writer="n1w1") as elsewhere:
        seen = [await here.book.stand()]
        for change in factual:
            await elsewhere.book.commit([event(0, ANN)], [change])
            seen.append(await here.book.stand())
        assert len(set(seen)) == len(factual) + 1
        await here.book.commit([event(1, ANN)], [Accept(b"k" * 16, at(1))])
        assert await here.book.stand() == seen[-1]


async def test_a_reading_tells_the_stand_and_the_hashes_its_facts_were_read_with(opened: Opening) -> None:
    async with opened() as here, opened(writer="n1w1") as elsewhere:
        empty = await here.book.read("acme", [Who(ANN)])
        assert (empty.facts, empty.stand, empty.hashes) == ([Facts()], await here.book.stand(), False)
        await elsewhere.book.commit([], [Oppose(opposition(BOB), foreign_hash=True)])
        assert await here.book.stand() != empty.stand
        found = await here.book.read("acme", [Who(ANN, (BOB,))])
        assert (found.facts, found.stand, found.hashes) == ([Facts((), (opposition(BOB),))], await here.book.stand(), True)


async def test_a_reading_of_nobody_still_tells_the_stand(book: Book) -> None:
    await book.commit([], [Oppose(opposition(ANN))])
    found = await book.read("acme", [])
    assert (found.facts, found.stand) == ([], await book.stand())


async def test_keys_of_one_person_that_are_another_person_count_for_both(book: Book) -> None:
    await book.commit([], [Oppose(opposition(BOB)), Learn(consent(BOB), b"")])
    ann, bob, eve = await book.facts("acme", [Who(ANN, (BOB, BOB)), Who(BOB, (BOB,)), Who(EVE)])
    assert (ann.oppositions, ann.consents) == ((opposition(BOB),), ())
    assert (bob.oppositions, bob.consents) == ((opposition(BOB),), (consent(BOB),))
    assert eve == Facts()
    assert await book.facts("acme", [Who(ANN, (BOB, BOB))]) == [ann]


async def test_posts_take_effect_in_their_order_and_can_be_awaited_later(opened: Opening) -> None:
    async with opened() as store:
        first = store.book.post([event(1)], [Oppose(opposition(ANN))])
        second = store.book.post([event(2), event(3)])
        third = store.book.post([], [Lift(ANN, Block.OPPOSED, Scope.ADVERTISER, "acme", "")])
        assert await third == []
        assert [*await first, *await second] == ["n1w0-1", "n1w0-2", "n1w0-3"]
        assert await store.book.oppositions() == []


async def test_a_post_that_nobody_awaits_happens_all_the_same(opened: Opening) -> None:
    async with opened() as store:
        store.book.post([event()], [Oppose(opposition(ANN))])
    async with opened() as store:
        assert await store.book.oppositions() == [opposition(ANN)]


async def test_the_failure_of_a_post_waits_for_who_awaits_it_and_is_no_complaint_otherwise(opened: Opening) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    async with opened() as store:
        broken = Oppose(opposition(BOB, door=None))
        ends = [store.book.post([event()], [broken]) for _ in range(2)]
        await store.book.commit([event()])
        with pytest.raises(Exception, match="value"):
            await ends[0]
    late = store.book.post([event()])
    with pytest.raises(Unavailable):
        await late
    del ends, late
    gc.collect()
    assert complaints == []


async def test_the_evidence_of_neighbours_stays_one_chain_when_a_change_among_them_fails(opened: Opening) -> None:
    async with opened() as store:
        posted = [
            store.book.post([event(1)], [Oppose(opposition(ANN))]),
            store.book.post([event(2), event(3)], [Oppose(opposition(BOB, door=None))]),
            store.book.post([event(4), event(5)]),
            store.book.post([], [Oppose(opposition(EVE))]),
        ]
        ann, bob, both, eve = await asyncio.gather(*posted, return_exceptions=True)
        assert (ann, both, eve) == (["n1w0-1"], ["n1w0-2", "n1w0-3"], [])
        assert isinstance(bob, Exception)
        assert {one.person for one in await store.book.oppositions()} == {ANN, EVE}
        entries = [one async for one in store.journal.entries()]
        assert [parse_event(one.body) for one in entries] == [event(1), event(4), event(5)]
        assert verify(entries, await store.journal.heads()) == []
