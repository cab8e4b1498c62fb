"""Import rows: what is read, what is kept unproven, what is refused; no row breaks the reader."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import PersonKey
from gateway.core.policy import Policy
from gateway.core.record import Audience, Basis, Consent
from gateway.core.register import OPTIONAL, REQUIRED, RowFault, RowReason, check_header, read_consent, read_moment
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


def read(**changes: str) -> Consent | RowFault:
    return read_consent(FR, ROW | changes, PERSON, NOW)


def record(**changes: str) -> Consent:
    consent = read(**changes)
    assert isinstance(consent, Consent), consent
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
    assert isinstance(read(action=action, basis="legitimate-interest"), Consent)


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
    consent = read_consent(FR, row, PERSON, NOW)
    if isinstance(consent, Consent):
        assert consent.advertiser
        assert consent.source
        assert consent.collected_at is None or consent.collected_at.tzinfo is UTC
        assert consent.source.isprintable() or max(consent.source) >= "\u00a0"
