"""Complaints are counted by stream and provider; the bounds hold to the last complaint (R-MBX-10, R-MBX-11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.complaint_rate import EVERYBODY, Level, Rate, mitigated_days, rates
from gateway.core.provider_of import provider_of
from gateway.flow.ports import Tally

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def tally(what: str, count: int, provider: str = "google", ago: timedelta = timedelta(0), stream: str = "news") -> Tally:
    hour = (NOW - ago).replace(minute=0)
    return Tally(stream, provider, what, hour, count)


@pytest.mark.parametrize(
    ("complained", "delivered", "level"),
    [
        (999, 1_000_000, Level.FINE),
        (1000, 1_000_000, Level.WARN),
        (1, 1000, Level.WARN),
        (2, 1000, Level.WARN),
        (2999, 1_000_000, Level.WARN),
        (3, 1000, Level.PAUSE),
        (3000, 1_000_000, Level.PAUSE),
        (21, 7000, Level.PAUSE),
        (999, 999, Level.FINE),
        (1000, 1000, Level.PAUSE),
        (0, 5000, Level.FINE),
        (5, 0, Level.FINE),
    ],
)
def test_the_bounds_are_met_exactly_and_few_deliveries_say_nothing(complained: int, delivered: int, level: Level) -> None:
    """R-MBX-10: 0.0999 % is fine, 0.1 % warns, 0.3 % pauses, from the least number of deliveries on."""
    assert Rate("news", "google", complained, delivered).level(0.001, 0.003, 1000) is level


def test_the_window_is_a_day_to_the_hour_above() -> None:
    counted = [
        tally("delivered", 10),
        tally("delivered", 5, ago=24 * HOUR),
        tally("delivered", 7, ago=25 * HOUR),
        tally("complained", 1),
    ]
    assert rates(counted, NOW - 24 * HOUR) == [Rate("news", EVERYBODY, 1, 15), Rate("news", "google", 1, 15)]


def test_a_complaint_of_an_unknown_provider_counts_over_all_of_them() -> None:
    counted = [
        tally("delivered", 100),
        tally("delivered", 50, "orange"),
        tally("complained", 2, "unknown"),
        tally("complained", 1, "orange"),
    ]
    found = {rate.provider: (rate.complained, rate.delivered) for rate in rates(counted, NOW - 24 * HOUR)}
    assert found == {"all": (3, 150), "google": (0, 100), "orange": (1, 50), "unknown": (2, 0)}


def test_what_happened_before_a_resumption_is_forgiven() -> None:
    counted = [
        *(tally("complained", 9, ago=3 * HOUR), tally("complained", 9, ago=2 * HOUR), tally("resumed", 1, "all", ago=2 * HOUR)),
        *(tally("delivered", 50, ago=HOUR), tally("complained", 1, ago=HOUR), tally("complained", 4, ago=3 * HOUR, stream="other")),
    ]
    found = {(rate.stream, rate.provider): rate.complained for rate in rates(counted, NOW - 24 * HOUR)}
    assert found == {("news", "all"): 1, ("news", "google"): 1, ("other", "all"): 4, ("other", "google"): 4}


def test_days_of_good_conduct_are_counted_in_a_row() -> None:
    """R-MBX-11."""
    day = timedelta(days=1)
    good = [tally("delivered", 1000, ago=number * day) for number in range(9)]
    assert mitigated_days(good, "news", "google", NOW) == 7
    assert mitigated_days([*good, tally("complained", 2)], "news", "google", NOW) == 7
    assert mitigated_days([*good, tally("complained", 3)], "news", "google", NOW) == 0
    assert mitigated_days([*good, tally("complained", 3, ago=4 * day)], "news", "google", NOW) == 4
    assert mitigated_days([*good, tally("complained", 9, "orange")], "news", "google", NOW) == 7


@pytest.mark.parametrize(
    ("domain", "provider"),
    [
        *(
            ("gmail.com", "google"),
            ("googlemail.com", "google"),
            ("hotmail.fr", "microsoft"),
            ("outlook.co.uk", "microsoft"),
            ("live.com", "microsoft"),
        ),
        *(("yahoo.com.br", "yahoo"), ("ymail.com", "yahoo"), ("aol.fr", "yahoo"), ("icloud.com", "apple"), ("me.com", "apple")),
        *(
            ("orange.fr", "orange"),
            ("wanadoo.fr", "orange"),
            ("laposte.net", "laposte"),
            ("example.org", "other"),
            ("notgmail.com", "other"),
        ),
        *(("gmail.com.example.org", "other"), ("", "other"), ("mail.yahoo.com", "other")),
    ],
)
def test_a_provider_is_told_by_its_domains_and_all_others_are_one(domain: str, provider: str) -> None:
    assert provider_of(domain) == provider
