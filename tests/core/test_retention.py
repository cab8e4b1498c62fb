"""How long records are kept: each term on both sides of its end, months of unequal length and clocks of unequal offset included."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.lapse import lapsed
from gateway.core.policy import Policy
from gateway.core.record import Block, Consent, Facts, NoticeGiven, NoticeKind, Relation, RelationKind
from gateway.core.retention import Step, due, may_be_due, standing, until
from gateway.edges.files import read_policy
from tests.support.people import consent, opposition, person

WHO = person(1)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
PARIS_SUMMER, HAWAII = timezone(timedelta(hours=2)), timezone(timedelta(hours=-10))


def _pack() -> Policy:
    pack = read_policy("fr")
    assert isinstance(pack, Policy)
    return pack


FR = _pack()


def at(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def record(**different: object) -> Consent:
    return consent(WHO, **{"collected_at": at("2023-03-01T09:00"), **different})


def stay(text: str) -> NoticeGiven:
    return NoticeGiven(WHO, "acme", "", at(text), "ab" * 8, NoticeKind.STAY)


TERMS = [
    pytest.param(record(), "2026-03-01T09:00", "R-FR-80", id="prospect"),
    pytest.param(record(collected_at=at("2020-02-29T12:00")), "2023-02-28T12:00", "R-FR-80", id="29 February"),
    pytest.param(record(collected_at=at("2021-02-28T12:00")), "2024-02-28T12:00", "R-FR-80", id="before a leap day"),
    pytest.param(
        record(collected_at=at("2023-07-31T00:30").replace(tzinfo=PARIS_SUMMER)), "2026-07-30T22:30", "R-FR-80", id="Paris"
    ),
    pytest.param(record(collected_at=at("2023-12-31T20:00").replace(tzinfo=HAWAII)), "2027-01-01T06:00", "R-FR-80", id="Hawaii"),
    pytest.param(record(confirmed_at=at("2023-05-05T00:00")), "2026-05-05T00:00", "R-FR-80", id="confirmed later"),
    pytest.param(record(acquired_at=at("2023-06-06T00:00")), "2026-03-01T09:00", "R-FR-80", id="reached us later"),
    pytest.param(record(collected_at=None, recorded_at=at("2024-01-31T08:00")), "2027-01-31T08:00", "R-FR-80", id="undated"),
    pytest.param(
        record(relation=Relation(RelationKind.PURCHASE, at("2024-02-29T10:00"))), "2027-02-28T10:00", "R-FR-80", id="bought once"
    ),
    pytest.param(
        record(relation=Relation(RelationKind.CONTRACT, at("2020-01-01"), ended_at=at("2023-08-31T18:00"))),
        "2026-08-31T18:00",
        "R-FR-83",
        id="contract ended",
    ),
    pytest.param(
        record(relation=Relation(RelationKind.INQUIRY, at("2023-04-01T00:00"))), "2026-04-01T00:00", "R-FR-80", id="asked"
    ),
    pytest.param(record(withdrawn_at=at("2024-02-29T10:00")), "2029-02-28T10:00", "R-FR-85", id="withdrawn"),
]


@pytest.mark.parametrize(("one", "end", "rule"), TERMS)
def test_each_term_ends_to_the_instant_by_the_calendar(one: Consent, end: str, rule: str) -> None:
    """R-FR-80, R-FR-83, R-FR-85."""
    found = until(FR, one)
    assert (found.at, found.rule) == (at(end), rule)
    for early, step in ((DAY, False), (timedelta(), False), (-TICK, True), (-DAY, True)):
        now = at(end) - early
        assert found.over(now) is step
        assert (due(FR, Facts((one,)), now).step is not Step.KEEP) is step
        assert may_be_due(FR, (one,), now) is step


@pytest.mark.parametrize("kind", [RelationKind.CONTRACT, RelationKind.MEMBERSHIP])
def test_a_relation_that_lasts_has_no_end(kind: RelationKind) -> None:
    """R-FR-83."""
    one = record(relation=Relation(kind, at("1990-01-01")))
    assert until(FR, one).at is None
    assert due(FR, Facts((one, record())), at("2200-01-01")).step is Step.KEEP


def test_an_act_of_the_person_begins_the_term_anew() -> None:
    """R-FR-80, R-FR-81."""
    facts = Facts((record(),), last_act=at("2025-10-10T10:00"))
    assert due(FR, facts, at("2028-10-10T10:00")).step is Step.KEEP
    assert due(FR, facts, at("2028-10-10T10:01")).step is Step.ASK


def test_the_longest_lived_record_keeps_the_person() -> None:
    older, newer = record(collected_at=at("2020-01-01")), record(purpose="events", collected_at=at("2024-06-30"))
    found = standing(FR, (older, newer))
    assert found is not None
    assert found.at == at("2027-06-30")


QUESTION = Facts((record(),), notices=(stay("2026-03-02T06:00"),))


@pytest.mark.parametrize(
    ("now", "step"),
    [
        ("2026-02-28T09:00", Step.KEEP),
        ("2026-03-31T06:00", Step.WAIT),
        ("2026-04-01T06:00", Step.WAIT),
        ("2026-04-01T06:00:01", Step.FORGET),
        ("2026-04-02T06:00", Step.FORGET),
    ],
)
def test_silence_for_thirty_days_after_the_question_is_no_yes(now: str, step: Step) -> None:
    """R-FR-82."""
    assert due(FR, QUESTION, at(now)).step is step


def test_a_yes_keeps_the_person_and_the_next_term_asks_again() -> None:
    """R-FR-82."""
    said_yes = replace(QUESTION, last_act=at("2026-03-05T10:00"))
    assert due(FR, said_yes, at("2029-03-05T10:00")).step is Step.KEEP
    assert due(FR, said_yes, at("2029-03-05T10:01")).step is Step.ASK


@pytest.mark.parametrize("block", [Block.OPPOSED, Block.COMPLAINED, Block.BOUNCED])
def test_who_opposed_or_is_dead_is_forgotten_without_a_question(block: Block) -> None:
    """R-FR-82, R-FR-84."""
    facts = Facts((record(),), (opposition(WHO, block=block),))
    assert due(FR, facts, at("2026-02-28T09:00")).step is Step.KEEP
    assert due(FR, facts, at("2026-03-02T09:00")).step is Step.FORGET


def test_an_unproven_record_is_not_asked_about_and_goes_at_its_end() -> None:
    """R-FR-04, R-FR-80, R-FR-82."""
    facts = Facts((record(missing=("wording",)),))
    assert due(FR, facts, at("2026-03-02T09:00")).step is Step.FORGET


def test_a_restricted_file_is_left_alone() -> None:
    """R-DP-15: GDPR 18 asks that data be kept while their processing is restricted."""
    facts = Facts((record(), record(withdrawn_at=at("2001-01-01"))), (opposition(WHO, block=Block.RESTRICTED),))
    assert due(FR, facts, at("2100-01-01")).step is Step.HOLD


def test_a_withdrawn_proof_goes_alone_and_before_those_still_needed() -> None:
    """R-FR-85."""
    old, young = record(withdrawn_at=at("2019-05-31T10:00")), record(withdrawn_at=at("2023-01-01"))
    fresh = record(collected_at=at("2024-01-01"))
    duty = due(FR, Facts((old, young, fresh)), at("2024-05-31T10:01"))
    assert (duty.step, duty.proof_over, duty.proof_kept) == (Step.KEEP, (old,), (young,))
    assert duty.forget_before == at("2019-05-31T10:00:00.000001")
    assert due(FR, Facts((old, young, fresh)), at("2024-05-31T10:00")).proof_over == ()


def test_when_the_last_proof_is_over_the_whole_file_goes() -> None:
    """R-FR-85."""
    one = record(withdrawn_at=at("2021-05-31T10:00"))
    assert due(FR, Facts((one,)), at("2026-05-31T10:00")).step is Step.KEEP
    assert due(FR, Facts((one,)), at("2026-06-01T10:00")).step is Step.FORGET


MOMENTS = st.datetimes(
    datetime(1950, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, PARIS_SUMMER, HAWAII]),
)
RELATIONS = st.builds(Relation, st.sampled_from(RelationKind), st.none() | MOMENTS, ended_at=st.none() | MOMENTS)


@given(collected=MOMENTS, withdrawn=st.none() | MOMENTS, act=st.none() | MOMENTS, now=MOMENTS, later=MOMENTS)
def test_what_is_over_stays_over(
    collected: datetime, withdrawn: datetime | None, act: datetime | None, now: datetime, later: datetime
) -> None:
    now, later = sorted((now, later))
    facts = Facts((record(collected_at=collected, withdrawn_at=withdrawn),), last_act=act)
    first, second = due(FR, facts, now), due(FR, facts, later)
    assert first.step is Step.KEEP or second.step is not Step.KEEP
    assert may_be_due(FR, facts.consents, now) or first.step is Step.KEEP


@given(
    collected=st.lists(MOMENTS, min_size=1, max_size=3),
    relation=st.none() | RELATIONS,
    confirmed=st.none() | MOMENTS,
    act=st.none() | MOMENTS,
    now=MOMENTS,
)
def test_nobody_is_asked_or_forgotten_who_may_still_be_written_to(
    collected: list[datetime], relation: Relation | None, confirmed: datetime | None, act: datetime | None, now: datetime
) -> None:
    """R-FR-80, R-FR-83: the daily job and the decision read the same terms."""
    records = [record(collected_at=one) for one in collected]
    records[0] = replace(records[0], relation=relation, confirmed_at=confirmed)
    late, _ = lapsed(FR, records, act, now)
    assert (due(FR, Facts(tuple(records), last_act=act), now).step is not Step.KEEP) is late
