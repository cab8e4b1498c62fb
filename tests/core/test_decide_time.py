"""The rules of time at their bounds: a day before, the very instant, a day after; leap days and month ends included."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.core.record import Basis, Consent, Relation, RelationKind
from gateway.core.verdict import Allow, Due, Reason, Refuse
from tests.support.deciding import BOUGHT, BUYER, CUSTOMER, GIVEN, NOW, ask, pack_with, permission, refusal

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("collected", "last"),
    [
        ("2023-11-21T09:00", "2026-11-21T09:00"),
        ("2024-02-29T12:00", "2027-02-28T12:00"),
        ("2025-02-28T12:00", "2028-02-28T12:00"),
        ("2023-12-31T23:59", "2026-12-31T23:59"),
    ],
)
def test_three_years_after_the_last_act_nobody_is_written_to(collected: str, last: str) -> None:
    """R-FR-80: at the bound mail may still go, an instant later not."""
    consent, end = replace(GIVEN, collected_at=at(collected)), at(last)
    for now in (end - DAY, end - TICK, end):
        assert isinstance(ask(consent, now=now), Allow)
    for now in (end + TICK, end + DAY):
        verdict = ask(consent, now=now)
        assert refusal(verdict) is Reason.INACTIVE
        assert verdict.rules == ("R-FR-01", "R-FR-80")


OLD = replace(GIVEN, collected_at=NOW - 2000 * DAY)
RECENT = NOW - 1000 * DAY


@pytest.mark.parametrize(
    "acts",
    [
        ((replace(OLD, confirmed_at=RECENT),), None),
        ((replace(OLD, relation=Relation(RelationKind.PURCHASE, RECENT)),), None),
        ((OLD, replace(OLD, purpose="survey", collected_at=RECENT)), None),
        ((OLD, replace(OLD, purpose="survey", collected_at=RECENT, withdrawn_at=NOW)), None),
        ((OLD,), RECENT),
    ],
    ids=["confirmed", "bought", "another consent", "a consent withdrawn since", "click, reply or order"],
)
def test_every_act_of_the_person_counts(acts: tuple[tuple[Consent, ...], datetime | None]) -> None:
    """R-FR-80, R-FR-81: an opening is none and never gets here."""
    consents, last_act = acts
    assert refusal(ask(OLD)) is Reason.INACTIVE
    assert isinstance(ask(*consents, last_act=last_act), Allow)


def test_another_advertisers_record_is_no_act_towards_this_one() -> None:
    assert refusal(ask(OLD, replace(OLD, advertiser="other", collected_at=NOW))) is Reason.INACTIVE


def test_what_has_no_day_counts_from_when_it_was_filed() -> None:
    """R-FR-80: the address was collected before that."""
    lax = pack_with(**{"R-FR-04": {"enabled": False}})
    undated = replace(GIVEN, collected_at=None, recorded_at=NOW - 1000 * DAY)
    assert isinstance(ask(undated, policy=lax), Allow)
    assert refusal(ask(replace(undated, recorded_at=NOW - 1100 * DAY), policy=lax)) is Reason.INACTIVE


FORMER = replace(CUSTOMER, collected_at=NOW - 4000 * DAY, relation=Relation(RelationKind.CONTRACT, NOW - 4000 * DAY))


def ended(moment: datetime) -> Consent:
    return replace(FORMER, relation=Relation(RelationKind.CONTRACT, NOW - 4000 * DAY, ended_at=moment))


def test_three_years_after_the_end_of_the_relation_no_former_customer_is_written_to() -> None:
    """R-FR-83."""
    consent, end = ended(at("2024-02-29T08:00")), at("2027-02-28T08:00")
    for now in (end - DAY, end):
        assert permission(ask(consent, now=now))[0] is Basis.EXISTING_CUSTOMER
    for now in (end + TICK, end + DAY):
        verdict = ask(consent, now=now)
        assert refusal(verdict) is Reason.INACTIVE
        assert "R-FR-83" in verdict.rules


def test_a_customer_whose_relation_lasts_is_no_prospect() -> None:
    """R-FR-83: another company's customer is."""
    assert isinstance(ask(FORMER), Allow)
    assert isinstance(ask(replace(GIVEN, collected_at=FORMER.collected_at, relation=FORMER.relation)), Allow)
    other = replace(OLD, relation=Relation(RelationKind.CONTRACT, by="Holding"))
    assert refusal(ask(other)) is Reason.INACTIVE
    assert refusal(ask(replace(OLD, relation=Relation(RelationKind.PURCHASE)))) is Reason.INACTIVE


def test_a_former_customer_who_acts_again_is_written_to_again() -> None:
    """R-FR-80, R-FR-83: until the later of the two terms is over."""
    assert isinstance(ask(ended(NOW - 1200 * DAY), last_act=NOW - 1000 * DAY), Allow)
    assert refusal(ask(ended(NOW - 1200 * DAY), last_act=NOW - 1190 * DAY)) is Reason.INACTIVE


def test_a_pack_without_the_terms_never_refuses_for_age() -> None:
    off = {"enabled": False}
    without = pack_with(**{"R-FR-80": off, "R-FR-83": off})
    assert isinstance(ask(OLD, policy=without), Allow)
    assert isinstance(ask(OLD, policy=pack_with(**{"R-FR-80": off})), Allow)
    assert refusal(ask(ended(NOW - 2000 * DAY), policy=pack_with(**{"R-FR-80": off}))) is Reason.INACTIVE
    assert refusal(ask(ended(NOW - 100 * DAY), policy=pack_with(**{"R-FR-83": off}))) is Reason.INACTIVE


@pytest.mark.parametrize(
    ("acquired", "last"),
    [
        ("2026-10-21T09:00", "2026-11-21T09:00"),
        ("2026-01-31T09:00", "2026-02-28T09:00"),
        ("2028-01-31T09:00", "2028-02-29T09:00"),
        ("2026-12-31T09:00", "2027-01-31T09:00"),
    ],
)
def test_the_first_contact_notice_is_due_within_a_calendar_month(acquired: str, last: str) -> None:
    """R-FR-32: after it, advertising waits until the person was told by a mail of its own."""
    end = at(last)
    consent = replace(BUYER, source="Annuaire", acquired_at=at(acquired), collected_at=at(acquired) - DAY)
    for now in (end - DAY, end):
        assert permission(ask(consent, now=now)) == (Basis.LEGITIMATE_INTEREST, Due.FULL_NOTICE)
    for now in (end + TICK, end + DAY):
        verdict = ask(consent, now=now)
        assert refusal(verdict) is Reason.NOTICE_OVERDUE
        assert verdict.rules[-2:] == ("R-FR-29", "R-FR-32")
        assert permission(ask(replace(consent, notice_sent_at=end), now=now)) == (Basis.LEGITIMATE_INTEREST, Due.SOURCE_LINE)


def test_a_month_is_one_of_the_place_where_the_address_came_in() -> None:
    """R-FR-32: 31 January in Paris, though 30 January in London."""
    paris = timezone(timedelta(hours=1))
    consent = replace(BUYER, source="Annuaire", acquired_at=datetime(2026, 1, 31, 0, 30, tzinfo=paris), collected_at=None)
    assert isinstance(ask(consent, now=datetime(2026, 2, 28, 0, 30, tzinfo=paris)), Allow)
    assert isinstance(ask(consent, now=datetime(2026, 2, 28, 0, 31, tzinfo=paris)), Refuse)


def test_where_the_day_of_arrival_is_unknown_that_of_filing_counts() -> None:
    """R-FR-32."""
    found = replace(BUYER, source="Annuaire", recorded_at=NOW - 40 * DAY)
    assert refusal(ask(found)) is Reason.NOTICE_OVERDUE
    assert isinstance(ask(replace(found, acquired_at=NOW - 20 * DAY)), Allow)


def test_no_notice_is_overdue_to_whom_none_is_due() -> None:
    """R-FR-32: nor where the pack asks for none."""
    late = NOW - 400 * DAY
    assert isinstance(ask(replace(GIVEN, recorded_at=late, acquired_at=late)), Allow)
    assert isinstance(ask(replace(BUYER, wording="", recorded_at=late)), Allow)
    for rule in ("R-FR-32", "R-FR-29"):
        off = pack_with(**{rule: {"enabled": False}})
        assert isinstance(ask(replace(BOUGHT, acquired_at=NOW - 60 * DAY), policy=off), Allow)
