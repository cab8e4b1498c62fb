"""Calendar durations as policy packs write them (`P3Y`, `P1M`, `P30D`): added to and taken from instants.

The law counts in calendar months and years, not in days: one month after 31 January is the last day of February.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta

_SHAPE = re.compile(r"P(?=[0-9])(?:([0-9]{1,4})Y)?(?:([0-9]{1,5})M)?(?:([0-9]{1,5})W)?(?:([0-9]{1,6})D)?")


@dataclass(frozen=True, slots=True)
class Duration:
    """A calendar span (ISO 8601 without a time part); weeks are kept as days."""

    months: int
    days: int

    def __str__(self) -> str:
        """As a pack writes it, in its largest units: `P3Y`, `P730D`."""
        years, months = divmod(self.months, 12)
        parts = ((years, "Y"), (months, "M"), (self.days, "D"))
        return "P" + ("".join(f"{many}{unit}" for many, unit in parts if many) or "0D")

    def after(self, moment: datetime) -> datetime:
        """The moment this span later; a day the month lacks becomes its last; clamped to the calendar's end."""
        return _move(moment, self.months, self.days)

    def before(self, moment: datetime) -> datetime:
        """The moment this span earlier, by the same rules."""
        return _move(moment, -self.months, -self.days)


def parse_duration(text: str) -> Duration | None:
    """Read `PnYnMnWnD`; None for anything else, times of day included."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    return Duration(years * 12 + months, weeks * 7 + days)


def _move(moment: datetime, months: int, days: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        return _edge(moment, months > 0)
    last = calendar.monthrange(year, month + 1)[1]
    moved = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    try:
        return moved + timedelta(days=days)
    except OverflowError:
        return _edge(moment, days > 0)


def _edge(moment: datetime, late: bool) -> datetime:
    return datetime.max.replace(tzinfo=moment.tzinfo) if late else datetime.min.replace(tzinfo=moment.tzinfo)
