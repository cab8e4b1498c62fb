"""Has a proven copy of the store put aside whenever the newest is too old, by one of all processes: the keeper.

A failure is told and tried again at the next look; what was put aside before it stays.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.core.evidence import Event, Kind
from gateway.flow.lease_ports import Overtaken
from gateway.flow.ports import Book, Clock, Log, Unavailable


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: how many rows it has, and what all of them come to."""

    rows: int
    digest: str


class Shelf(Protocol):
    """Where backups of this store are; every method may raise `Unavailable`, with a sentence."""

    async def newest(self) -> datetime | None:
        """When the newest that can be put back was begun."""

    async def make(self, at: datetime) -> Made:
        """Put one aside, read back and compared; nothing is there where it fails, or is cancelled."""

    async def thin(self, keep: int) -> int:
        """Remove all but so many of the newest; how many that were."""


class Meter(Protocol):
    """What is shown of backups."""

    def backed_up(self, newest: datetime | None) -> None:
        """Set when the newest was begun."""

    def backup_failed(self) -> None:
        """Count one that could not be made."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How old the newest may become, and how many are kept."""

    every: timedelta
    keep: int


class Backups:
    """Looks from time to time whether the newest is still young; `book` writes under the keeper's lease."""

    def __init__(self, shelf: Shelf, rhythm: Rhythm, book: Book, clock: Clock, log: Log, meter: Meter) -> None:
        self._shelf = shelf
        self._rhythm = rhythm
        self._book = book
        self._clock = clock
        self._log = log
        self._meter = meter

    async def run(self, after: float, look: float) -> None:
        """Look after so many seconds, and then every `look` seconds, until cancelled."""
        await asyncio.sleep(after)
        while True:
            try:
                await self.once()
            except Overtaken:
                raise
            except Unavailable as failure:
                self._meter.backup_failed()
                self._log.say("backup-failed", outside=failure.what)
            await asyncio.sleep(look)

    async def once(self) -> bool:
        """Make one where it is time, on record, and remove what is too many; whether it was time.

        One that a clock of tomorrow made does not hold up those of today.
        """
        now, newest = self._clock.now(), await self._shelf.newest()
        self._meter.backed_up(newest)
        if newest is not None and abs(now - newest) < self._rhythm.every:
            return False
        made = await self._shelf.make(now)
        self._meter.backed_up(now)
        gone = await self._shelf.thin(self._rhythm.keep)
        self._log.say("backed-up", rows=made.rows, removed=gone)
        detail = f"rows={made.rows}; digest={made.digest}"
        await self._book.commit((Event(now, Kind.STORE, "backed-up", detail=detail),))
        return True
