"""Import rows: what is read, what is kept unproven, what is refused; no row breaks the reader."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.columns import OPTIONAL, REQUIRED, RowFault, RowReason, check_header, read_moment
from gateway.core.model import PersonKey
from gateway.core.policy import Policy
from gateway.core.record import (
    NO_PROOF,
    NO_TRAITS,
    Audience,
    Basis,
    Consent,
    Covers,
    Entity,
    Proof,
    Relation,
    RelationKind,
    Traits,
)
from gateway.core.register import BULK, Claim, read_claim
from gateway.core.register_row import as_row
from gateway.edges.files import read_policy

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PERSON = PersonKey(b"p" * 16)
ROW = {
    "address": "camille@example.com",
    "advertiser": "shop",
    "purpose": "newsletter",
    "audience": "consumer",
    "basis": "consent",
    "source": "direct",
    "collected_at": "2026-01-05T10:00:00+01:00",
    "action": "checkbox-ticked",
    "wording": "form v3",
}


def pack() -> Policy:
    policy = read_policy("fr")
    assert isinstance(policy, Policy)
    return policy


FR = pack()


def read(**changes: str) -> Claim | RowFault:
    return read_claim(FR, ROW | changes, PERSON, NOW)


def claim(**changes: str) -> Claim:
    found = read(**changes)
    assert isinstance(found, Claim), found
    return found


def record(**changes: str) -> Consent:
    (consent,) = claim(**changes).consents
    return consent


def test_a_full_row_becomes_a_proven_record() -> None:
    assert record(source=" Direct ", function="achats") == Consent(
        PERSON,
        "shop",
        "newsletter",
        Audience.CONSUMER,
        Basis.CONSENT,
        "direct",
        datetime(2026, 1, 5, 9, tzinfo=UTC),
        "checkbox-ticked",
        "form v3",
        function="achats",
        recorded_at=NOW,
    )


@pytest.mark.parametrize("field", ["purpose", "collected_at", "action", "wording"])
def test_a_consent_without_proof_is_kept_as_unproven(field: str) -> None:
    assert record(**{field: " "}).missing == (field,)


def test_other_bases_need_no_proof_of_consent() -> None:
    assert record(basis="legitimate-interest", audience="professional", action="", wording="", collected_at="").missing == ()


@pytest.mark.parametrize("action", ["prechecked", "Terms_Accepted", "silence", "bundled with prize", "case pré-cochée"])
def test_an_act_that_is_no_consent_is_refused(action: str) -> None:
    assert read(action=action) == RowFault(RowReason.NO_CONSENT_ACT, "action")
    assert isinstance(read(action=action, basis="legitimate-interest"), Claim)


@pytest.mark.parametrize("source", ["", "unknown", "UNKNOWN", "inconnue", " "])
def test_an_address_out_of_nowhere_is_refused(source: str) -> None:
    assert read(source=source) == RowFault(RowReason.SOURCE_MISSING, "source")


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"advertiser": ""}, RowReason.EMPTY, "advertiser"),
        ({"audience": ""}, RowReason.EMPTY, "audience"),
        ({"audience": "everybody"}, RowReason.NOT_A_CHOICE, "audience"),
        ({"basis": "service"}, RowReason.NOT_A_CHOICE, "basis"),
        ({"basis": "legal-person-address"}, RowReason.NOT_A_CHOICE, "basis"),
        ({"collected_at": "yesterday"}, RowReason.BAD_DATE, "collected_at"),
        ({"notice_sent_at": "31/02/2026"}, RowReason.BAD_DATE, "notice_sent_at"),
        ({"purpose": "x" * 201}, RowReason.TOO_LONG, "purpose"),
        ({"wording": "x" * 4001}, RowReason.TOO_LONG, "wording"),
        ({"source": "a\r\nBcc: b"}, RowReason.CHARACTER, "source"),
        ({"source": "a\u202eb"}, RowReason.CHARACTER, "source"),
        ({"function": "a\x00"}, RowReason.CHARACTER, "function"),
    ],
)
def test_a_bad_row_is_refused_with_its_column(changes: dict[str, str], reason: RowReason, field: str) -> None:
    assert read(**changes) == RowFault(reason, field)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ("2026-01-05 10:30", datetime(2026, 1, 5, 10, 30, tzinfo=UTC)),
        ("2026-01-05T10:30:15.5", datetime(2026, 1, 5, 10, 30, 15, 500_000, tzinfo=UTC)),
        ("2026-01-05T10:30:15Z", datetime(2026, 1, 5, 10, 30, 15, tzinfo=UTC)),
        ("2026-01-05T10:30:15+0200", datetime(2026, 1, 5, 8, 30, 15, tzinfo=UTC)),
        ("05/01/2026", datetime(2026, 1, 5, tzinfo=UTC)),
        ("05/01/2026 10:30", datetime(2026, 1, 5, 10, 30, tzinfo=UTC)),
        ("1900-01-01", datetime(1900, 1, 1, tzinfo=UTC)),
        ("2026-11-22T09:00:00Z", datetime(2026, 11, 22, 9, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_tools_write_them(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "1899-12-31", "2026-11-22T09:00:01Z", "2027-06-01", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"),
        *("2026-13-01", "2026-02-30", "30/02/2026", "5/1/2026", "01-05-2026", "20260105", "2026-W01-1", "２０２６-01-05"),
        *("1767603600", "2026-01-05T25:00:00", "2026-01-05T10:00:00+99:00", "2026-01-05\n"),
    ],
)
def test_what_is_no_date_between_1900_and_tomorrow_is_refused(text: str) -> None:
    assert read_moment(text, NOW) is None


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        (REQUIRED, None),
        ((*REQUIRED[::-1], *OPTIONAL), None),
        (REQUIRED[:-1], RowFault(RowReason.MISSING_COLUMN, "wording")),
        ((*REQUIRED, "phone"), RowFault(RowReason.UNKNOWN_COLUMN, "phone")),
        ((*REQUIRED, "ph\x1b[2Jone"), RowFault(RowReason.UNKNOWN_COLUMN, "ph?[2Jone")),
        ((*REQUIRED, "source"), RowFault(RowReason.DUPLICATE_COLUMN, "source")),
        ((), RowFault(RowReason.MISSING_COLUMN, "address")),
    ],
)
def test_a_header_is_refused_before_its_first_row(columns: tuple[str, ...], fault: RowFault | None) -> None:
    assert check_header(columns) == fault


HOSTILE = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["consent", "consumer", "direct", "2026-01-05", "legal-person", "=1+1", "'; DROP", "0001-01-01T00:00:00+14:00"]
    ),
    st.datetimes().map(str),
)


@given(st.dictionaries(st.sampled_from((*REQUIRED, *OPTIONAL)), HOSTILE))
def test_no_row_breaks_the_reader(row: dict[str, Any]) -> None:
    found = read_claim(FR, row, PERSON, NOW)
    if isinstance(found, Claim):
        for consent in found.consents:
            assert consent.advertiser
            assert consent.source
            assert consent.collected_at is None or consent.collected_at.tzinfo is not None
            assert consent.source.isprintable() or max(consent.source) >= "\u00a0"


FULL = {
    "function": "achats",
    "notice_sent_at": "2026-01-06",
    "partner_list_version": "2026-01",
    "product_family": "livres",
    "professional_proof": "carte",
    "acquired_at": "2026-01-07T08:00:00-03:00",
    "confirmed_at": "2026-01-05T10:05:00+01:00",
    "relation": "purchase",
    "relation_at": "2025-12-24",
    "relation_by": "other-shop",
    "relation_ended_at": "2026-02-01",
    "country": "fr",
    "entity": "company",
    "minor": "oui",
    "parental_consent": "1",
    "explicit": "TRUE",
    "optout_offered": "yes",
    "published": "non",
    "wording_id": "w-17",
    "form": "https://shop.example/form",
    "writer": "crm-7",
    "batch": "B-1",
    "presentation": "Full",
    "language": "fr-FR",
    "asked_at": "2026-01-05T10:01:00+01:00",
}


def test_every_field_of_a_record_has_its_column() -> None:
    """R-FR-40: everything that proves a consent can be said in an import."""
    one = record(**FULL)
    assert one.relation == Relation(
        RelationKind.PURCHASE, datetime(2025, 12, 24, tzinfo=UTC), "other-shop", datetime(2026, 2, 1, tzinfo=UTC)
    )
    assert one.traits == Traits("FR", Entity.COMPANY, minor=True, parental=True, explicit=True, optout_offered=True)
    assert one.proof == Proof(
        "w-17", "https://shop.example/form", "crm-7", "B-1", "full", "fr-FR", datetime(2026, 1, 5, 9, 1, tzinfo=UTC)
    )
    assert (one.acquired_at, one.confirmed_at) == (
        datetime(2026, 1, 7, 11, tzinfo=UTC),
        datetime(2026, 1, 5, 9, 5, tzinfo=UTC),
    )


def test_what_a_row_says_not_is_no() -> None:
    one = record()
    assert (one.traits, one.proof, one.relation, one.covers) == (NO_TRAITS, NO_PROOF, None, Covers.OWN)


def test_a_record_written_as_a_row_reads_as_the_same_record() -> None:
    for covers in ("own", "partners", "tracking"):
        one = record(**FULL, covers=covers, withdrawn_at="2026-03-01T00:00:00+02:00", wording=" J'accepte.\n\tOui\r\n ")
        assert read_claim(FR, as_row(one), PERSON, NOW) == Claim((one,))


def test_a_date_keeps_the_offset_it_came_with() -> None:
    """R-FR-40: a date and time with its offset; one without is taken, and kept, as UTC."""
    assert record(collected_at="2026-01-05T10:00:00+05:30").collected_at is not None
    told = [record(collected_at=text).collected_at for text in ("2026-01-05T10:00:00+05:30", "2026-01-05 10:00", "05/01/2026")]
    assert [at.isoformat() for at in told if at] == [
        "2026-01-05T10:00:00+05:30",
        "2026-01-05T10:00:00+00:00",
        "2026-01-05T00:00:00+00:00",
    ]


@pytest.mark.parametrize(
    "basis", ["consent", "existing-customer", "legitimate-interest", "non-profit", "implied-consent", "opt-out"]
)
def test_a_row_may_claim_every_ground_that_is_claimed(basis: str) -> None:
    assert record(basis=basis).basis.value == basis


def test_one_box_for_us_and_partners_is_good_for_us_alone() -> None:
    """R-FR-21."""
    found = claim(covers="combined")
    assert found.combined
    assert [one.covers for one in found.consents] == [Covers.OWN]
    assert found.consents[0].missing == ()


def test_two_boxes_are_two_records() -> None:
    """R-FR-22."""
    found = claim(covers="both", partner_list_version="2026-01", presentation="link")
    assert not found.combined
    assert [(one.covers, one.missing) for one in found.consents] == [(Covers.OWN, ()), (Covers.PARTNERS, ())]


def test_a_consent_for_partners_names_the_list_and_how_it_was_shown() -> None:
    """R-FR-26: without them it is kept as unproven, and says what lacks."""
    assert record(covers="partners").missing == ("partner_list_version", "presentation")
    assert record(covers="partners", partner_list_version="2026-01").missing == ("presentation",)
    assert record(covers="partners", partner_list_version="2026-01", presentation="full").missing == ()
    assert claim(covers="both").consents[0].missing == ()


@pytest.mark.parametrize("action", sorted(BULK))
def test_a_mass_change_without_its_batch_is_unproven(action: str) -> None:
    """R-FR-41."""
    assert record(action=action.upper()).missing == ("batch",)
    assert record(action=action, batch="query 12 of 2026-01-05, 430 rows").missing == ()
    assert record(action=action, basis="legitimate-interest").missing == ()


@pytest.mark.parametrize("action", ["manual", "api", "form", "doi-confirmed"])
def test_other_ways_into_a_tool_need_no_batch(action: str) -> None:
    """R-FR-41."""
    assert record(action=action).missing == ()


@pytest.mark.parametrize("column", ["prechecked", "bundled_with_prize"])
@pytest.mark.parametrize("told", ["true", "YES", "1", "oui"])
def test_a_box_ticked_for_the_person_is_no_consent(column: str, told: str) -> None:
    """R-FR-05."""
    assert read(**{column: told}) == RowFault(RowReason.NO_CONSENT_ACT, column)
    assert isinstance(read(**{column: told}, basis="legitimate-interest"), Claim)


@pytest.mark.parametrize("told", ["false", "No", "0", "non", "", " "])
def test_a_box_that_was_not_ticked_before_does_no_harm(told: str) -> None:
    """R-FR-05."""
    assert isinstance(read(prechecked=told, bundled_with_prize=told), Claim)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"minor": "perhaps"}, RowReason.NOT_YES_OR_NO, "minor"),
        ({"covers": "everybody"}, RowReason.NOT_A_CHOICE, "covers"),
        ({"covers": "tracking", "basis": "legitimate-interest"}, RowReason.CONTRADICTION, "covers"),
        ({"relation": "friendship"}, RowReason.NOT_A_CHOICE, "relation"),
        ({"relation_at": "2026-01-01"}, RowReason.EMPTY, "relation"),
        ({"country": "FRA"}, RowReason.NOT_A_CHOICE, "country"),
        ({"entity": "ghost"}, RowReason.NOT_A_CHOICE, "entity"),
        ({"presentation": "aloud"}, RowReason.NOT_A_CHOICE, "presentation"),
        ({"language": "français"}, RowReason.NOT_A_CHOICE, "language"),
        ({"withdrawn_at": "2025-01-01"}, RowReason.CONTRADICTION, "withdrawn_at"),
        ({"asked_at": "2026-02-01", "confirmed_at": "2026-01-31"}, RowReason.CONTRADICTION, "confirmed_at"),
        (
            {"relation": "contract", "relation_at": "2026-01-02", "relation_ended_at": "2026-01-01"},
            RowReason.CONTRADICTION,
            "relation_ended_at",
        ),
        ({"last_contact_at": "2026-11-23"}, RowReason.BAD_DATE, "last_contact_at"),
        ({"collected_at": "9999-12-31"}, RowReason.BAD_DATE, "collected_at"),
        ({"wording": "\x1b[31mJ'accepte"}, RowReason.CHARACTER, "wording"),
        ({"wording": "J'\u202eaccepte"}, RowReason.CHARACTER, "wording"),
        ({"wording": "J'\x00accepte"}, RowReason.CHARACTER, "wording"),
        ({"wording": "J'accepte\ufffd"}, RowReason.CHARACTER, "wording"),
        ({"wording": "\ud800"}, RowReason.CHARACTER, "wording"),
        ({"form": "a\x9b31m"}, RowReason.CHARACTER, "form"),
        ({"batch": "a\u2066b"}, RowReason.CHARACTER, "batch"),
    ],
)
def test_a_new_column_that_says_nonsense_is_refused_by_name(changes: dict[str, str], reason: RowReason, field: str) -> None:
    fault = read(**changes)
    assert isinstance(fault, RowFault)
    assert (fault.reason, fault.field) == (reason, field)


@pytest.mark.parametrize(
    "wording", ["  J'accepte ", "ligne 1\r\nligne 2\n\tà part", "أوافق\u200f على", "می\u200cخواهم", "👩\u200d💻 = <b>&amp;\"';"]
)
def test_a_wording_is_kept_to_the_character(wording: str) -> None:
    """R-FR-40: its hash is proof."""
    assert record(wording=wording).wording == wording


@given(st.text(max_size=60))
def test_a_wording_is_kept_exactly_or_refused(wording: str) -> None:
    found = read(wording=wording)
    if isinstance(found, Claim):
        assert found.consents[0].wording in (wording, "")
        assert found.consents[0].wording == wording or not wording.strip()


def test_the_last_act_of_the_person_comes_with_the_row() -> None:
    """R-FR-80."""
    assert claim(last_contact_at="2026-10-01").last_act == datetime(2026, 10, 1, tzinfo=UTC)


def test_tools_may_say_method_and_operator() -> None:
    header = [{"action": "method"}.get(name, name) for name in REQUIRED]
    assert check_header((*header, "operator")) is None
    assert check_header((*REQUIRED, "method")) == RowFault(RowReason.DUPLICATE_COLUMN, "action")
