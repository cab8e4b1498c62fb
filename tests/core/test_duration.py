"""Calendar durations: month ends, leap years, the edges of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.duration import Duration, parse_duration


@pytest.mark.parametrize(
    ("text", "months", "days"),
    [("P3Y", 36, 0), ("P1M", 1, 0), ("P30D", 0, 30), ("P2W", 0, 14), ("P1Y6M", 18, 0), ("P0D", 0, 0), ("P2Y3M1W2D", 27, 9)],
)
def test_calendar_spans_are_read(text: str, months: int, days: int) -> None:
    assert parse_duration(text) == Duration(months, days)


@pytest.mark.parametrize(
    "text", ["", "P", "3Y", "P3", "PT1H", "P1DT2H", "P-1Y", "p1y", "P1.5Y", "P1M1Y", "P99999Y", " P1Y", "P1Y\n", "P١Y"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        ("P1M", "2026-01-31", "2026-02-28"),
        ("P1M", "2028-01-31", "2028-02-29"),
        ("P1Y", "2028-02-29", "2029-02-28"),
        ("P3Y", "2023-11-21", "2026-11-21"),
        ("P1M", "2026-12-31", "2027-01-31"),
        ("P1M1D", "2026-01-31", "2026-03-01"),
        ("P2W", "2026-02-20", "2026-03-06"),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last_one(span: str, start: str, end: str) -> None:
    duration = parse_duration(span)
    assert duration is not None
    assert duration.after(datetime.fromisoformat(start)) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [("P1M", "2026-03-31", "2026-02-28"), ("P3Y", "2026-11-21", "2023-11-21"), ("P1Y", "2028-02-29", "2027-02-28")],
)
def test_a_month_earlier_is_the_same_day_or_the_last_one(span: str, start: str, end: str) -> None:
    duration = parse_duration(span)
    assert duration is not None
    assert duration.before(datetime.fromisoformat(start)) == datetime.fromisoformat(end)


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.builds(Duration, st.integers(0, 130_000), st.integers(0, 1_100_000)),
)
def test_any_span_stays_inside_the_calendar_and_moves_the_right_way(moment: datetime, span: Duration) -> None:
    assert span.after(moment) >= moment >= span.before(moment)
