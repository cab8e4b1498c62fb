"""How many of a stream's recipients complain, by mailbox provider, and what that calls for (R-MBX-10, R-MBX-11). Counts come in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

DELIVERED, COMPLAINED, RESUMED = "delivered", "complained", "resumed"
"""What is counted; `resumed` marks the hour in which somebody let a stream go on: what happened up to then is forgiven."""

EVERYBODY = "all"
"""The provider of a rate over all of them: complaints whose provider nobody knows count only here."""

WINDOW = timedelta(hours=24)
MITIGATION = 0.003
MITIGATION_DAYS = 7


class Level(StrEnum):
    """What a rate calls for."""

    FINE = "fine"
    WARN = "warn"
    PAUSE = "pause"


class Counted(Protocol):
    """One hourly count, as `ports.Tally` has it."""

    @property
    def stream(self) -> str:
        """Of which stream."""

    @property
    def provider(self) -> str:
        """At which mailbox provider."""

    @property
    def what(self) -> str:
        """What happened."""

    @property
    def hour(self) -> datetime:
        """In which hour."""

    @property
    def count(self) -> int:
        """How often."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Complaints and deliveries of one stream at one provider."""

    stream: str
    provider: str
    complained: int
    delivered: int

    @property
    def share(self) -> float:
        """Complaints by deliveries; a complaint without any delivery counts whole."""
        return self.complained / self.delivered if self.delivered else float(self.complained > 0)

    def level(self, warn: float, pause: float, least: int) -> Level:
        """What it calls for; nothing while there were fewer than `least` deliveries."""
        if self.delivered < least:
            return Level.FINE
        if self.share >= pause:
            return Level.PAUSE
        return Level.WARN if self.share >= warn else Level.FINE


def rates(tallies: Iterable[Counted], since: datetime) -> list[Rate]:
    """The rates since then, by stream and provider and over all providers; hours up to a stream's last resumption are left out."""
    every = [one for one in tallies if one.hour > since - timedelta(hours=1)]
    resumed = {one.stream: one.hour for one in sorted(every, key=lambda one: one.hour) if one.what == RESUMED}
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in every:
        if one.what != RESUMED and not (one.stream in resumed and one.hour <= resumed[one.stream]):
            for provider in (one.provider, EVERYBODY):
                counts[one.stream, provider][one.what] += one.count
    return [Rate(stream, provider, seen[COMPLAINED], seen[DELIVERED]) for (stream, provider), seen in sorted(counts.items())]


def mitigated_days(tallies: Iterable[Counted], stream: str, provider: str, now: datetime) -> int:
    """For how many days in a row, up to seven, the rate has stayed below 0.3 %: what Gmail wants before it helps (R-MBX-11)."""
    seen: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for one in tallies:
        if (one.stream, one.provider) == (stream, provider):
            seen[(now - one.hour) // timedelta(days=1)][one.what] += one.count
    for day in range(MITIGATION_DAYS):
        complained, delivered = seen[day][COMPLAINED], seen[day][DELIVERED]
        if complained and complained >= MITIGATION * max(delivered, 1):
            return day
    return MITIGATION_DAYS
