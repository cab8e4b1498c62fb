"""What every book promises about one person's file: it is told whole, and what must go goes, and only that."""

from __future__ import annotations

from gateway.core.change import (
    Enrol,
    Forget,
    ForgetWithdrawn,
    GiveNotice,
    KeepOwnUnsubscribe,
    Learn,
    Lift,
    NotePassing,
    Oppose,
    Stir,
    Tell,
    Withdraw,
)
from gateway.core.record import Block, Consent, Enrolment, Facts, Scope, Transfer, Who
from gateway.flow.ports import Book, Dossier, Ended
from tests.contract.conftest import Opening
from tests.support.people import NOON, at, consent, event, notice, opposition, person

ANN, BOB = person(1), person(2)
NOTHING = Dossier((), (), (), (), (), (), (), (), (), b"")
PASSED = Transfer(ANN, "acme", "friend", "offers", "2026-01", NOON)


def enrolment(digest: bytes, *consents: Consent) -> Enrolment:
    return Enrolment(digest, ANN, "news", consents, b"sealed", NOON, at(60))


async def filled(book: Book) -> None:
    """Something of Ann in every drawer, in two commits; Bob has one record."""
    changes = [
        Learn(consent(ANN), b"first"),
        Learn(consent(ANN, advertiser="other", purpose="offers"), b"second"),
        Learn(consent(BOB), b"bob"),
        Oppose(opposition(ANN)),
        Oppose(opposition(ANN, block=Block.BOUNCED)),
        GiveNotice(notice(ANN)),
        GiveNotice(notice(ANN, advertiser="other")),
        Enrol(enrolment(b"1", consent(ANN))),
        Enrol(enrolment(b"2", consent(ANN, advertiser="other"))),
        Stir(ANN, "acme", NOON),
        Stir(ANN, "other", at(3)),
        KeepOwnUnsubscribe(ANN, "news", b"sealed", NOON),
        Tell("friend", ANN, "acme", Scope.ADVERTISER, NOON),
        NotePassing(PASSED),
    ]
    await book.commit([event(0)], changes)
    await book.commit(
        [event(4)],
        [
            Withdraw(ANN, "acme", "", at(2)),
            Lift(ANN, Block.BOUNCED, Scope.ADVERTISER, "acme", ""),
            GiveNotice(notice(ANN, at=at(-1))),
            Stir(ANN, "acme", at(1)),
        ],
    )


async def test_a_dossier_holds_all_there_is_about_a_person_and_nothing_about_others(book: Book) -> None:
    """GDPR 15; R-DP-11."""
    await filled(book)
    found = await book.dossier(ANN)
    withdrawn, lifted = consent(ANN, withdrawn_at=at(2)), opposition(ANN, block=Block.BOUNCED)
    assert found.consents == (consent(ANN, advertiser="other", purpose="offers"),)
    assert found.oppositions == (opposition(ANN),)
    assert found.ended == (Ended(withdrawn, at(2)), Ended(lifted, at(4)))
    assert set(found.notices) == {notice(ANN, at=at(-1)), notice(ANN, advertiser="other")}
    assert found.transfers == (PASSED,)
    assert {one.id for one in found.enrolments} == {b"1", b"2"}
    assert set(found.acts) == {("acme", at(1)), ("other", at(3))}
    assert (found.own_unsubscribe, found.untold, found.sealed_address) == (("news",), ("friend",), b"second")


async def test_a_stranger_has_an_empty_dossier(book: Book) -> None:
    await filled(book)
    assert await book.dossier(person(9)) == NOTHING


async def test_who_only_began_to_sign_up_can_still_be_written_to(book: Book) -> None:
    await book.commit([event()], [Enrol(enrolment(b"1", consent(ANN)))])
    assert (await book.dossier(ANN)).sealed_address == b"sealed"


async def test_forgetting_a_person_leaves_oppositions_and_transfers(book: Book) -> None:
    """R-DP-13: the refusal stays, or the next import would undo it; partners must still be told."""
    await filled(book)
    await book.commit([event(5)], [Forget(ANN)])
    found = await book.dossier(ANN)
    assert (found.consents, found.notices, found.enrolments, found.acts, found.own_unsubscribe) == ((), (), (), (), ())
    assert (found.oppositions, found.transfers, found.untold) == ((opposition(ANN),), (PASSED,), ("friend",))
    assert [one.record for one in found.ended] == [opposition(ANN, block=Block.BOUNCED)]
    assert found.sealed_address == b""
    assert await book.facts("acme", [Who(ANN), Who(BOB)]) == [Facts((), (opposition(ANN),)), Facts((consent(BOB),))]
    assert [one.person for one, _ in await book.consents()] == [BOB]
    await book.commit([event(6)], [Forget(ANN), Forget(person(9))])
    assert await book.dossier(ANN) == found


async def test_forgetting_for_one_advertiser_leaves_what_others_hold(book: Book) -> None:
    await filled(book)
    await book.commit([event(5)], [Forget(ANN, "acme")])
    found = await book.dossier(ANN)
    assert found.consents == (consent(ANN, advertiser="other", purpose="offers"),)
    assert found.notices == (notice(ANN, advertiser="other"),)
    assert found.acts == (("other", at(3)),)
    assert [one.id for one in found.enrolments] == [b"2"]
    assert found.own_unsubscribe == ()
    assert (await book.facts("other", [Who(ANN)]))[0].last_act == at(3)


async def test_who_was_forgotten_and_comes_again_is_a_new_person_with_the_old_refusal(book: Book) -> None:
    await filled(book)
    await book.commit([event(5)], [Forget(ANN), Learn(consent(ANN), b"again")])
    assert (await book.facts("acme", [Who(ANN)]))[0] == Facts((consent(ANN),), (opposition(ANN),))
    assert await book.facts_at("acme", Who(ANN), await book.stand()) == Facts((consent(ANN),), (opposition(ANN),))


async def test_only_records_that_ended_before_the_day_are_forgotten(book: Book) -> None:
    """R-FR-85: proof outlives the consent for its time, and goes then."""
    kept = consent(ANN, purpose="offers")
    await book.commit([event()], [Learn(consent(ANN), b""), Learn(kept, b""), Withdraw(ANN, "acme", "newsletter", at(5))])
    await book.commit([event()], [ForgetWithdrawn(ANN, at(5)), ForgetWithdrawn(BOB, at(99))])
    assert len(await book.consents(ANN)) == 2
    stand = await book.stand()
    await book.commit([event()], [ForgetWithdrawn(ANN, at(6))])
    assert [one for one, _ in await book.consents(ANN)] == [kept]
    assert await book.facts_at("acme", Who(ANN), stand) is None


async def test_a_withdrawal_is_compared_as_an_instant_whatever_its_offset(book: Book) -> None:
    """R-FR-85: `+01:00` is not later than `+00:00` because it sorts so."""
    paris = at(0).astimezone(consent(ANN).collected_at.tzinfo)  # type: ignore[union-attr]
    await book.commit([event()], [Learn(consent(ANN), b""), Withdraw(ANN, "acme", "", paris), ForgetWithdrawn(ANN, at(1))])
    assert await book.consents(ANN) == []


async def test_compacting_changes_nothing_that_can_be_read(opened: Opening) -> None:
    """R-DP-10."""
    async with opened() as store:
        await filled(store.book)
        await store.book.compact()
        await store.book.commit([event(5)], [Forget(ANN)])
        before = await store.book.dossier(ANN), await store.book.consents(), await store.book.stand()
        await store.book.compact()
        await store.book.compact()
        assert (await store.book.dossier(ANN), await store.book.consents(), await store.book.stand()) == before
        await store.book.commit([event(6)], [Learn(consent(ANN), b"again")])
    async with opened() as store:
        assert [one for one, _ in await store.book.consents(ANN)] == [consent(ANN)]
        assert [entry.seq async for entry in store.journal.entries()] == [1, 2, 3, 4]
