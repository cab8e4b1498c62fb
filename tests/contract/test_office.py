"""What every book promises about the papers around the records: rulings, API keys, sign-ups, transfers, tallies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.core.change import Adopt, Count, Disenrol, Enrol, IssueKey, NotePassing, Oppose
from gateway.core.model import PersonKey
from gateway.core.record import ApiKey, Covers, Enrolment, Proof, Ruling, Transfer
from gateway.flow.ports import Book, Tally
from tests.contract.conftest import Opening
from tests.support.people import NOON, PARIS, at, consent, event, opposition, person

ANN, BOB = person(1), person(2)
RULING = Ruling("pack", "fr", "fr@1#ab", '{"rules":"é\\ud800"}', PARIS, "dpo", "first")


def enrolment(who: PersonKey = ANN, digest: bytes = b"d" * 32, **different: object) -> Enrolment:
    """A sign-up for the newsletter and, beside it, for partners."""
    consents = (consent(who, proof=Proof(form="page")), consent(who, covers=Covers.PARTNERS, confirmed_at=PARIS))
    whole = Enrolment(digest, who, "news", consents, b"sealed", NOON, at(60))
    return replace(whole, **different)  # type: ignore[arg-type]


def transfer(who: PersonKey = ANN, partner: str = "friend", minutes: int = 0) -> Transfer:
    return Transfer(who, "acme", partner, "offers", "2026-01", at(minutes))


async def test_a_ruling_is_kept_as_it_was_first_adopted(book: Book) -> None:
    """R-FR-86."""
    assert await book.ruling("fr@1#ab") is None
    stream = replace(RULING, kind="stream", label="news@1")
    await book.commit([event()], [Adopt(RULING), Adopt(stream), Adopt(replace(RULING, text="{}", author="somebody"))])
    assert await book.ruling("fr@1#ab") == RULING
    assert await book.rulings() == [RULING, stream]
    assert await book.rulings("stream") == [stream]
    assert await book.rulings("nothing") == []


async def test_issuing_a_key_again_replaces_its_record(book: Book) -> None:
    key = ApiKey("crm", b"\1" * 32, ("consents", "oppose"), ("acme",), NOON)
    ended = ApiKey("crm", b"\2" * 32, (), (), PARIS, at(5), at(1))
    other = ApiKey("app", b"\3" * 32, ("read",), (), NOON)
    await book.commit([event()], [IssueKey(key), IssueKey(other)])
    assert await book.api_key("crm") == key
    await book.commit([event()], [IssueKey(ended)])
    assert await book.api_key("crm") == ended
    assert {one.name: one for one in await book.api_keys()} == {"crm": ended, "app": other}
    assert await book.api_key("nobody") is None


async def test_a_sign_up_waits_until_it_is_replaced_or_forgotten(book: Book) -> None:
    """R-FR-43: reminding and confirming replace it; expiry forgets it."""
    reminded = enrolment(reminded_at=at(5), confirmed_at=at(6))
    await book.commit([event()], [Enrol(enrolment()), Enrol(enrolment(BOB, b"e" * 32, asked_at=at(-5)))])
    assert await book.enrolment(b"d" * 32) == enrolment()
    assert [one.person for one in await book.enrolments()] == [BOB, ANN]
    await book.commit([event()], [Enrol(reminded), Disenrol(b"e" * 32), Disenrol(b"nobody")])
    assert await book.enrolments() == [reminded] == await book.enrolments(ANN)
    assert await book.enrolments(BOB) == []
    assert await book.enrolment(b"e" * 32) is None


async def test_every_sign_up_is_listed_whatever_their_number(book: Book) -> None:
    many = [enrolment(person(number), b"%032d" % number) for number in range(450)]
    await book.commit([event()], [Enrol(one) for one in many])
    assert {one.id for one in await book.enrolments()} == {one.id for one in many}
    assert len(await book.enrolments()) == 450


async def test_a_transfer_is_registered_once_for_each_time_it_happened(book: Book) -> None:
    """R-FR-23."""
    each = [transfer(), transfer(minutes=5), transfer(partner="other", minutes=6), transfer(BOB, minutes=7)]
    await book.commit([event()], [NotePassing(one) for one in (*each, *each)])
    await book.commit([event()], [NotePassing(each[0])])
    assert await book.transfers() == each
    assert await book.transfers(ANN) == each[:3]
    assert await book.transfers(partner="friend") == [each[0], each[1], each[3]]
    assert await book.transfers(ANN, "other") == [each[2]]
    assert await book.transfers(person(9)) == []


async def test_every_transfer_is_listed_whatever_their_number(book: Book) -> None:
    many = [transfer(person(number)) for number in range(1100)]
    await book.commit([event()], [NotePassing(one) for one in many])
    assert await book.transfers() == many == await book.transfers(partner="friend")


async def test_tallies_add_up_by_hour(book: Book) -> None:
    """R-MBX-10."""
    counted = [
        Count("news", "gmail", what, at(minutes)) for what, minutes in (("delivered", 1), ("delivered", 59), ("complained", 60))
    ]
    await book.commit([event()], [*counted, Count("offers", "gmail", "delivered", at(2))])
    await book.commit([event()], [counted[0]])
    first, second = (NOON + timedelta(hours=hours) for hours in (0, 1))
    assert set(await book.tallies(at(30))) == {
        Tally("news", "gmail", "delivered", first, 3),
        Tally("offers", "gmail", "delivered", first, 1),
        Tally("news", "gmail", "complained", second, 1),
    }
    assert await book.tallies(second) == [Tally("news", "gmail", "complained", second, 1)]
    assert await book.tallies(at(120)) == []


async def test_tallies_of_long_ago_are_dropped(book: Book) -> None:
    await book.commit([event()], [Count("news", "gmail", "delivered", NOON)])
    later = NOON + timedelta(days=101)
    await book.commit([event()], [Count("news", "gmail", "delivered", later)])
    assert [one.hour for one in await book.tallies(NOON)] == [later]


async def test_what_facts_do_not_rest_on_leaves_the_stand_alone(opened: Opening) -> None:
    key = ApiKey("crm", b"\1" * 32, (), (), NOON)
    async with opened() as store:
        await store.book.commit([event()], [Oppose(opposition(ANN))])
        stand = await store.book.stand()
        changes = [Adopt(RULING), IssueKey(key), Enrol(enrolment()), NotePassing(transfer()), Count("n", "p", "delivered", NOON)]
        await store.book.commit([event()], [*changes, Disenrol(b"d" * 32)])
        assert await store.book.stand() == stand
