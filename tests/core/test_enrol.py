"""What a sign-up is: words shown, records made, mail bounded, oppositions narrowed; by examples and at the bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.change import Lift, Oppose
from gateway.core.enrol import (
    BETWEEN_MAILS,
    MAILS_A_DAY,
    Form,
    Offer,
    confirmed,
    consents,
    enough,
    narrowed,
    offer,
    slot,
    superseded,
    waiting,
)
from gateway.core.model import PersonKey
from gateway.core.record import Block, Covers, Door, Enrolment, Opposition, PartnerList, Scope
from tests.support.clock import START
from tests.support.signup import ELSEWHERE, FORM, LETTER, LIST, OFFERS, WORDS

PERSON = PersonKey(b"p" * 16)
CURRENT = PartnerList("maison", "7", START, LIST)
HOUR = timedelta(hours=1)
ALL_STREAMS = (LETTER, OFFERS, ELSEWHERE)


def shown(current: PartnerList | None = CURRENT, form: Form = FORM, language: str = "fr") -> Offer:
    return offer(form, language, current)


def test_each_box_has_words_of_its_own() -> None:
    """R-FR-21: own and partners are asked for apart; R-FR-76: so is tracking."""
    assert list(shown().boxes) == [Covers.OWN, Covers.PARTNERS, Covers.TRACKING]
    assert len(set(shown().boxes.values())) == 3


@pytest.mark.parametrize("current", [None, replace(CURRENT, partners=())])
def test_partners_are_not_offered_without_a_list_that_names_any(current: PartnerList | None) -> None:
    """R-FR-26."""
    assert Covers.PARTNERS not in shown(current).boxes
    assert shown(current).partners is None


def test_partners_are_not_offered_where_no_words_ask_for_them() -> None:
    silent = replace(FORM, words={"fr": replace(WORDS["fr"], partners="")})
    assert shown(form=silent).partners is None


def test_the_mark_changes_with_everything_that_is_shown() -> None:
    others = [
        shown(replace(CURRENT, version="8")),
        shown(None),
        shown(language="en"),
        shown(form=replace(FORM, words={"fr": replace(WORDS["fr"], own="Oui.")})),
        shown(form=replace(FORM, words={"fr": replace(WORDS["fr"], purposes=("autre",))})),
    ]
    assert len({one.mark for one in (shown(), *others)}) == 6
    assert shown().mark == shown().mark


def test_a_record_is_made_for_each_tick_with_its_whole_proof() -> None:
    """R-FR-40: wording as shown, its id, form, act, dates, writer, language, list version and how the list was shown."""
    made = consents(shown(), {Covers.PARTNERS, Covers.OWN}, PERSON, "https://optout.example/s/news", START)
    own, partners = made
    assert (own.covers, own.wording, own.partner_list_version) == (Covers.OWN, WORDS["fr"].own, "")
    assert (partners.covers, partners.wording, partners.partner_list_version) == (Covers.PARTNERS, WORDS["fr"].partners, "7")
    assert (own.proof.presentation, partners.proof.presentation) == ("", "full")
    for one in made:
        assert (one.action, one.source, one.missing, one.confirmed_at) == ("checkbox-ticked", "direct", (), None)
        assert (one.proof.wording_id, one.proof.form, one.proof.writer) == ("2026-03", "https://optout.example/s/news", "form")
        assert (one.proof.language, one.proof.asked_at) == ("fr", START)


def test_a_box_that_was_not_shown_makes_no_record() -> None:
    assert [one.covers for one in consents(shown(None), set(Covers), PERSON, "", START)] == [Covers.OWN, Covers.TRACKING]


def test_a_wording_without_a_name_of_its_own_is_named_by_its_hash() -> None:
    one = shown(form=replace(FORM, wording_id=""))
    assert one.wording_id == one.mark


@pytest.mark.parametrize(
    ("ticked", "answer"),
    [((), False), ((Covers.TRACKING,), False), ((Covers.OWN,), True), ((Covers.PARTNERS,), True), (tuple(Covers), True)],
)
def test_to_be_measured_alone_is_nothing_to_sign_up_for(ticked: tuple[Covers, ...], answer: bool) -> None:
    assert enough(ticked) is answer


def test_confirming_keeps_the_act_asked_for_and_dates_a_direct_consent_anew() -> None:
    """R-FR-42, R-FR-44: a fresh act, later than any opposition before it."""
    (asked,) = consents(shown(), {Covers.OWN}, PERSON, "", START)
    later = START + timedelta(days=3)
    done = confirmed(asked, later)
    assert (done.action, done.collected_at, done.confirmed_at, done.recorded_at) == ("doi-confirmed", later, later, later)
    assert done.proof.asked_at == START
    assert done.wording == asked.wording


def test_confirming_what_a_partner_collected_keeps_when_it_was_collected() -> None:
    """R-FR-23: consent to be passed on comes before the passing on, and no later click moves it."""
    (asked,) = consents(shown(), {Covers.OWN}, PERSON, "", START)
    theirs = replace(asked, source="voisin", proof=replace(asked.proof, asked_at=None))
    done = confirmed(theirs, START + HOUR)
    assert (done.collected_at, done.confirmed_at, done.proof.asked_at) == (START, START + HOUR, START)


def opposition(scope: Scope, stream: str = "", person: PersonKey = PERSON) -> Opposition:
    advertiser = "" if scope is Scope.ALL else "maison"
    return Opposition(person, Block.OPPOSED, scope, advertiser, stream, Door.LINK, START)


def kept(one: Opposition) -> set[tuple[Scope, str, str]]:
    """What still stands: (scope, advertiser, stream)."""
    lift, *rest = narrowed(one, LETTER, ALL_STREAMS, PERSON)
    assert lift == Lift(one.person, one.block, one.scope, one.advertiser, one.stream)
    found = set()
    for change in rest:
        assert isinstance(change, Oppose)
        assert (change.opposition.at, change.opposition.door) == (one.at, one.door)
        found.add((change.opposition.scope, change.opposition.advertiser, change.opposition.stream))
    return found


def test_an_opposition_to_one_list_ends_with_a_sign_up_to_it() -> None:
    """R-FR-44."""
    assert kept(opposition(Scope.STREAM, "news")) == set()


def test_an_opposition_to_everything_stands_for_every_list_that_was_not_signed_up_for() -> None:
    """R-FR-44, R-FR-63: the fresh act is about one list."""
    assert kept(opposition(Scope.ADVERTISER)) == {(Scope.STREAM, "maison", "offers")}
    assert kept(opposition(Scope.ALL)) == {(Scope.STREAM, "maison", "offers"), (Scope.ADVERTISER, "autre", "")}


def test_what_was_filed_under_a_foreign_hash_stays_found_there() -> None:
    hashed = opposition(Scope.ADVERTISER, person=PersonKey(b"h" * 16))
    (again,) = [change for change in narrowed(hashed, LETTER, ALL_STREAMS, PERSON) if isinstance(change, Oppose)]
    assert again.foreign_hash


MOMENTS = st.lists(st.integers(0, 48 * 60), max_size=8).map(lambda ago: [START - timedelta(minutes=one) for one in ago])


@given(MOMENTS)
def test_nobody_is_asked_twice_within_an_hour_or_more_than_three_times_a_day(asked: list[datetime]) -> None:
    """R-FR-43: a form that anybody can fill in must not become a way to flood a mailbox."""
    recent = [one for one in asked if one > START - timedelta(days=1)]
    due = slot(asked, START)
    if due is None:
        assert len(recent) >= MAILS_A_DAY
    else:
        assert due >= START
        assert all(due - one >= BETWEEN_MAILS for one in recent)
        assert due <= START + MAILS_A_DAY * HOUR


def test_questions_about_several_lists_leave_one_an_hour() -> None:
    minute = timedelta(minutes=1)
    assert slot([], START) == START
    assert slot([START], START + minute) == START + HOUR
    assert slot([START, START + minute], START + 2 * minute) == START + 2 * HOUR
    assert slot([START, START + minute, START + 2 * minute], START + 3 * minute) is None


def enrolment(number: int, asked: datetime, **changed: object) -> Enrolment:
    records = consents(shown(), {Covers.OWN}, PERSON, "", asked)
    one = Enrolment(bytes([number]) * 32, PERSON, "news", records, b"sealed", asked, asked + timedelta(days=30))
    return replace(one, **changed)  # type: ignore[arg-type]


def test_a_sign_up_waits_until_its_last_moment() -> None:
    one = enrolment(1, START)
    assert waiting(one, one.expires_at - timedelta(microseconds=1))
    assert not waiting(one, one.expires_at)
    assert not waiting(replace(one, confirmed_at=START), START)


def test_only_the_latest_sign_up_is_reminded_of() -> None:
    first, second = enrolment(1, START), enrolment(2, START + HOUR)
    assert superseded(first, [first, second])
    assert not superseded(second, [first, second])
    assert superseded(second, [replace(first, confirmed_at=START + 2 * HOUR), second])
    assert not superseded(first, [first, replace(second, consents=())])
