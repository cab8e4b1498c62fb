"""What every book promises about records: the whole consent comes back, equal ones add nothing, each end is remembered once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.change import GiveNotice, Learn, Pause, Publish, Resume, Stir, TakeBackNotice, Withdraw
from gateway.core.model import PersonKey
from gateway.core.record import (
    NO_ARRANGEMENTS,
    NO_PROOF,
    Consent,
    Covers,
    Entity,
    Facts,
    NamedPartner,
    NoticeKind,
    PartnerList,
    Proof,
    Relation,
    RelationKind,
    Traits,
    Who,
)
from gateway.flow.ports import Book
from tests.contract.conftest import Opening
from tests.support.people import NOON, PARIS, at, consent, event, notice, person

ANN, BOB = person(1), person(2)
PROOF = Proof("w-7", "https://shop.example/join", "crm", "batch-3", "full", "fr", PARIS)
TRAITS = Traits("FR", Entity.SOLE_TRADER, minor=True, parental=True, explicit=True, optout_offered=True, published=True)
RELATION = Relation(RelationKind.PURCHASE, PARIS, "other", at(3))
FRIENDS = (NamedPartner("friend", "Friend SA", "https://friend.example/privacy"),)
PARTNERS = PartnerList("acme", "2026-01", NOON, FRIENDS, "first")


def whole(who: PersonKey = ANN) -> Consent:
    """A record in which every field that issue 3 brought says something."""
    return consent(
        who,
        covers=Covers.PARTNERS,
        acquired_at=PARIS,
        confirmed_at=at(1),
        relation=RELATION,
        traits=TRAITS,
        proof=PROOF,
    )


async def facts(book: Book, who: PersonKey, *also: PersonKey) -> Facts:
    return (await book.facts("acme", [Who(who, also)]))[0]


async def stored(book: Book, who: PersonKey = ANN) -> list[Consent]:
    return [one for one, _ in await book.consents(who)]


async def test_a_whole_record_comes_back_and_facts_leave_out_only_its_proof(book: Book) -> None:
    """R-FR-40: the proof is kept with the record; verdicts do not turn on it."""
    await book.commit([event()], [Learn(whole(), b"sealed")])
    assert await book.consents(ANN) == [(whole(), b"sealed")]
    assert [one async for one in book.register()] == [(whole(), b"sealed")]
    assert (await book.dossier(ANN)).consents == (whole(),)
    assert (await facts(book, ANN)).consents == (replace(whole(), proof=NO_PROOF),)
    ((read, _),) = await book.consents(ANN)
    assert (read.acquired_at.isoformat(), read.relation.at.isoformat()) == (PARIS.isoformat(), PARIS.isoformat())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "different",
    [
        {"traits": Traits("DE")},
        {"relation": None},
        {"relation": replace(RELATION, ended_at=None)},
        {"acquired_at": None},
        {"confirmed_at": at(2)},
        {"covers": Covers.TRACKING},
        {"covers": Covers.OWN},
    ],
)
async def test_a_record_that_a_verdict_may_tell_apart_is_another_record(book: Book, different: dict[str, object]) -> None:
    other = replace(whole(), **different)  # type: ignore[arg-type]
    await book.commit([event()], [Learn(whole(), b"1"), Learn(other, b"2"), Learn(other, b"3")])
    assert await stored(book) == [whole(), other]


async def test_the_same_record_from_another_hand_adds_nothing(book: Book) -> None:
    """R-FR-41: a list imported again, by another tool and in another batch, is still the same proof."""
    again = replace(whole(), proof=replace(PROOF, writer="cli", batch="batch-4"), recorded_at=at(60))
    await book.commit([event()], [Learn(whole(), b"1")])
    await book.commit([event()], [Learn(again, b"2"), Learn(replace(whole(), proof=NO_PROOF), b"3")])
    assert await stored(book) == [whole()]


async def test_a_record_that_brings_a_proof_the_earlier_one_lacked_is_kept(book: Book) -> None:
    """R-FR-40: proof that comes late is not lost."""
    bare, proven = replace(whole(), proof=Proof(writer="crm")), replace(whole(), proof=Proof(form="page 7"))
    await book.commit([event()], [Learn(bare, b"1"), Learn(proven, b"2"), Learn(bare, b"3"), Learn(proven, b"4")])
    assert await stored(book) == [bare, proven]


async def test_a_record_filed_again_with_its_end_ends_the_one_on_file(book: Book) -> None:
    """R-FR-45: a list may say that a consent ended; that is no other consent."""
    await book.commit([event()], [Learn(whole(), b"1")])
    stand = await book.stand()
    await book.commit([event()], [Learn(replace(whole(), withdrawn_at=at(minutes)), b"2") for minutes in (4, 9)])
    assert await stored(book) == [replace(whole(), withdrawn_at=at(4))]
    assert await book.facts_at("acme", Who(ANN), stand) == Facts((replace(whole(), proof=NO_PROOF),))


async def test_withdrawing_ends_the_consent_for_own_mail_partners_and_tracking_alike(book: Book) -> None:
    """R-FR-45: what was given with one purpose ends with it."""
    each = [consent(ANN, covers=covers) for covers in Covers]
    await book.commit([event()], [Learn(one, b"") for one in each])
    await book.commit([event()], [Withdraw(ANN, "acme", "newsletter", at(1))])
    assert [one.withdrawn_at for one in await stored(book)] == [at(1)] * 3


async def test_what_one_record_covers_does_not_replace_what_another_does(book: Book) -> None:
    """R-FR-22: a consent to partners is a record of its own beside the one to own mail."""
    own, partners = consent(ANN), consent(ANN, covers=Covers.PARTNERS)
    await book.commit([event()], [Learn(own, b""), Learn(partners, b""), Learn(own, b""), Learn(partners, b"")])
    assert await stored(book) == [own, partners]


async def test_a_wording_many_share_comes_back_for_each(book: Book) -> None:
    many = [consent(person(number), wording="shared") for number in range(20)]
    await book.commit([event()], [*(Learn(one, b"") for one in many), Learn(consent(ANN, purpose="other", wording=""), b"")])
    assert {one.wording for one in await stored(book)} == {"shared", ""}
    assert [one.consents[0].wording for one in await book.facts("acme", [Who(one.person) for one in many])] == ["shared"] * 20


async def test_notices_of_different_kinds_stand_side_by_side(book: Book) -> None:
    kinds = [notice(ANN, kind=kind) for kind in NoticeKind]
    await book.commit([event()], [GiveNotice(one) for one in kinds])
    assert set((await facts(book, ANN)).notices) == set(kinds)


async def test_the_first_time_a_person_was_told_counts_and_the_last_time_it_was_asked(book: Book) -> None:
    """R-FR-24, R-FR-29: told once is told. R-FR-82: a question put again is waited for again."""
    for kind, counts in ((NoticeKind.FIRST_CONTACT, 1), (NoticeKind.PARTNER_LIST, 1), (NoticeKind.STAY, 9)):
        changes = [GiveNotice(notice(ANN, kind=kind, at=at(minutes))) for minutes in (5, 1, 9, 5)]
        await book.commit([event()], changes)
        assert notice(ANN, kind=kind, at=at(counts)) in (await facts(book, ANN)).notices


async def test_a_notice_that_came_back_was_not_given_and_may_be_given_again(book: Book) -> None:
    """R-FR-31: only the one of that time is taken back, and what was known meanwhile can still be told."""
    given = notice(ANN, at=at(5))
    await book.commit([event()], [GiveNotice(given), GiveNotice(notice(ANN, source="partner"))])
    stood = await book.stand()
    await book.commit([event()], [TakeBackNotice(notice(ANN, at=at(4)))])
    assert given in (await facts(book, ANN)).notices
    await book.commit([event()], [TakeBackNotice(given), TakeBackNotice(given)])
    assert (await facts(book, ANN)).notices == (notice(ANN, source="partner"),)
    await book.commit([event()], [GiveNotice(notice(ANN, at=at(9)))])
    assert notice(ANN, at=at(9)) in (await facts(book, ANN)).notices
    then = await book.facts_at("acme", Who(ANN), stood)
    assert then is not None
    assert given in then.notices


async def test_the_latest_act_of_a_person_is_remembered_by_advertiser(book: Book) -> None:
    """R-FR-80."""
    assert (await facts(book, ANN)).last_act is None
    await book.commit([event()], [Stir(ANN, "acme", at(minutes)) for minutes in (2, 7, 3)])
    await book.commit([event()], [Stir(ANN, "other", at(20)), Stir(BOB, "acme", at(9))])
    assert [one.last_act for one in await book.facts("acme", [Who(BOB), Who(ANN), Who(person(3))])] == [at(9), at(7), None]
    assert (await facts(book, ANN)).last_act == at(7)
    assert (await facts(book, ANN, BOB)).last_act == at(7)


async def test_published_lists_come_oldest_first_and_are_never_changed(book: Book) -> None:
    """R-FR-24: a version shows what it showed."""
    assert await book.arrangements() == NO_ARRANGEMENTS
    earlier = replace(PARTNERS, version="2025-12", at=at(-60), partners=())
    theirs = replace(PARTNERS, collector="friend")
    await book.commit([event()], [Publish(PARTNERS), Publish(theirs), Publish(earlier)])
    await book.commit([event()], [Publish(replace(PARTNERS, partners=(), at=at(9)))])
    found = await book.arrangements()
    assert dict(found.lists) == {"acme": (earlier, PARTNERS), "friend": (theirs,)}
    assert found.current("acme") == PARTNERS


async def test_a_paused_stream_stays_so_until_it_is_resumed(book: Book) -> None:
    """R-MBX-10."""
    await book.commit([event()], [Pause("news", NOON, "complaints"), Pause("news", at(1), "again"), Pause("offers", NOON, "")])
    assert (await book.arrangements()).paused == {"news", "offers"}
    await book.commit([event()], [Resume("news"), Resume("nobody")])
    assert (await book.arrangements()).paused == {"offers"}


async def test_the_register_is_read_by_person_however_long_it_is(book: Book) -> None:
    many = [person(number) for number in range(450)]
    for purpose in ("newsletter", "offers"):
        await book.commit([event()], [Learn(consent(one, purpose=purpose), b"") for one in many])
    await book.commit([event()], [Learn(consent(ANN, advertiser="other"), b"")])
    found = [one async for one, _ in book.register("acme")]
    assert [one.person for one in found[::2]] == [one.person for one in found[1::2]] == sorted(many)
    assert [one.purpose for one in found] == ["newsletter", "offers"] * 450
    assert [one.person async for one, _ in book.register("other")] == [ANN]
    assert len([one async for one in book.register()]) == 901


async def test_everything_is_there_for_the_next_opening(opened: Opening) -> None:
    async with opened() as store:
        await store.book.commit(
            [event()], [Learn(whole(), b"s"), Publish(PARTNERS), Pause("news", NOON, ""), Stir(ANN, "acme", NOON)]
        )
    async with opened() as store:
        assert await store.book.consents(ANN) == [(whole(), b"s")]
        assert await store.book.arrangements() == replace(NO_ARRANGEMENTS, lists={"acme": (PARTNERS,)}, paused=frozenset({"news"}))
        assert (await facts(store.book, ANN)).last_act == NOON
