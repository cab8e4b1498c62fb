"""Imports of many rows: in batches of one commit each, resumable, and never lifting what a person said.

Rows that are recorded already change nothing, so a file may be imported again from its start at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Protocol, TypeVar

from gateway.core.change import Change
from gateway.core.evidence import Event, Kind
from gateway.flow.ports import Book, Clock

BATCH = 1000
_BREATH = 4
"""Rows after which the event loop gets its turn: who waits for it may have to wait for three such steps."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file: the number of its first line, its cells, and why it cannot be read (empty when it can)."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows so far; `line` is the last one durably done, `opposed_lines` some rows of people who stay opposed.

    `combined` are rows whose one box stood for us and for partners: kept for us alone (R-FR-21).
    """

    rows: int = 0
    recorded: int = 0
    known: int = 0
    rejected: int = 0
    unproven: int = 0
    opposed: int = 0
    opposed_lines: tuple[int, ...] = ()
    line: int = 0
    combined: int = 0

    def plus(self, other: Tally) -> Tally:
        """Both together, as far as the later one."""
        return Tally(
            self.rows + other.rows,
            self.recorded + other.recorded,
            self.known + other.known,
            self.rejected + other.rejected,
            self.unproven + other.unproven,
            self.opposed + other.opposed,
            (self.opposed_lines + other.opposed_lines)[:SHOWN],
            max(self.line, other.line),
            self.combined + other.combined,
        )


SHOWN = 20
"""How many lines of opposed people a tally names."""

Rejecting = Callable[[Row, str], None]
"""Told about each row that cannot be recorded, and why, in words without its content."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a group of rows comes to."""

    events: Sequence[Event]
    changes: Sequence[Change]
    tally: Tally
    after: Callable[[], Awaitable[None]] | None = None
    """What is to be done once it is written."""


Scanned = TypeVar("Scanned")


class Reader(Protocol[Scanned]):
    """Turns rows into what they change: one for consents, one for oppositions."""

    what: str

    async def scan(self, rows: Sequence[Row], now: datetime) -> Scanned:
        """Read these rows without a look at what is on record: done while the rows before them are being written."""

    async def weigh(self, scanned: Scanned, reject: Rejecting) -> Batch:
        """What they come to beside what is on record; a row that cannot be recorded is rejected, and counted so."""


async def take_in(
    book: Book, clock: Clock, reader: Reader[Scanned], rows: Iterable[Row], sha256: str, reject: Rejecting
) -> AsyncIterator[Tally]:
    """Record the rows of the file with this digest; yields the tally after each durable commit.

    Each batch's own event names file and line: the evidence says how far an import came (R-FR-40).
    """
    total, source = Tally(), iter(rows)
    writing: Awaitable[object] | None = None
    batch: Batch | None = None
    while group := list(islice(source, BATCH)):
        now = clock.now()
        scanned = await reader.scan(group, now)
        if writing is not None and batch is not None:
            await _written(writing, batch)
            yield total
        batch = await reader.weigh(scanned, reject)
        total = total.plus(replace(batch.tally, rows=len(group), line=group[-1].line))
        writing = book.post([*batch.events, _progress(now, reader.what, sha256, total)], batch.changes)
    if writing is not None and batch is not None:
        await _written(writing, batch)
        yield total


async def _written(writing: Awaitable[object], batch: Batch) -> None:
    await writing
    if batch.after is not None:
        await batch.after()


def _progress(now: datetime, what: str, sha256: str, total: Tally) -> Event:
    detail = f"file={sha256}; line={total.line}; recorded={total.recorded}; known={total.known}; rejected={total.rejected}"
    return Event(at=now, kind=Kind.IMPORT, outcome=what, detail=detail)


async def breathe(number: int) -> None:
    """Let the loop go on from time to time in the middle of a batch."""
    if number % _BREATH == 0:
        await asyncio.sleep(0)
