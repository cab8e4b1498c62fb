"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class StillClock:
    """Implements `ports.Clock`: wall time and monotonic time move together, and only by `advance`."""

    def __init__(self, at: datetime = START) -> None:
        self._start = at
        self._gone = timedelta()

    def now(self) -> datetime:
        """The instant the test is at."""
        return self._start + self._gone

    def monotonic(self) -> float:
        """Seconds advanced since the test began."""
        return self._gone.total_seconds()

    def advance(self, seconds: float = 0, days: float = 0) -> None:
        """Let time pass."""
        self._gone += timedelta(days=days, seconds=seconds)
