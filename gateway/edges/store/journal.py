"""The journal in SQLite: each writer's own hash chain, extended inside the commits of the book, read in pages.

Only `Chain` writes, in commit order, in the writer thread. Nothing here updates an entry; only `trim` deletes any, from the front.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import apsw

from gateway.core.evidence import GENESIS, Event, canonical, link
from gateway.core.model import PersonKey, Ref
from gateway.edges.store.connection import Refused
from gateway.edges.store.database import Database
from gateway.edges.store.instant import micros
from gateway.edges.store.leases import refuse_overtaken
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Entry

_PAGE = 500
_LARGEST = 2**63 - 1
_TRIMMED = 500
"""Entries forgotten in one commit, so that no other write waits long."""
_KEPT = 2
"""The last entries of a chain, which are never forgotten: at opening, `Chain.check` follows the last one from the one before."""

Prepared = tuple[bytes, int, bytes | None]
"""An event made ready on the caller's side: its canonical JSON, its instant, and its person's key where it has one."""


def prepare(events: Sequence[Event]) -> list[Prepared]:
    """What of an event needs no knowledge of the chain."""
    return [(canonical(event), micros(event.at), bytes.fromhex(event.person) or None) for event in events]


class Chain:
    """One writer's chain; the head is read inside the transaction, so that an undone commit leaves nothing to undo here."""

    def __init__(self, writer: str) -> None:
        self.writer = writer

    def extend(self, connection: apsw.Connection, prepared: Sequence[Prepared]) -> list[Ref]:
        """Number, link and insert the events in order; returns their references."""
        seq, last = self._head(connection)
        rows = []
        for body, at, person in prepared:
            seq += 1
            last = link(last, self.writer, seq, body)
            rows.append((self.writer, seq, body, last, at, person))
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("REPLACE INTO head VALUES (?, ?, ?)", (self.writer, seq, last))
        return [Ref(f"{self.writer}-{row[1]}") for row in rows]

    def check(self, connection: apsw.Connection) -> None:
        """Refuse to go on from a head that does not fit the last entry: something outside the gateway changed the file."""
        with connection:
            seq, last = self._head(connection)
            tail: list[tuple[Any, ...]] = connection.execute(
                "SELECT seq, hash, body FROM entry WHERE writer = ? ORDER BY seq DESC LIMIT 2",
                (self.writer,),
            ).fetchall()
        found, kept, body = tail[0] if tail else (0, GENESIS, b"")
        if (found, kept) != (seq, last):
            raise Refused(f"journal {self.writer}: its head says entry {seq}, its last entry is {found}")
        before = tail[1][1] if len(tail) > 1 else GENESIS
        if tail and link(before, self.writer, seq, body) != kept:
            raise Refused(f"journal {self.writer}: entry {seq} is not the one that was written")

    def _head(self, connection: apsw.Connection) -> tuple[int, bytes]:
        row = connection.execute("SELECT seq, hash FROM head WHERE writer = ?", (self.writer,)).fetchone()
        return (0, GENESIS) if row is None else row


class SqliteJournal:
    """`ports.Journal` over the entries of every writer of this file; `lease` fences its trims."""

    def __init__(self, database: Database, lease: Lease | None = None) -> None:
        self._database = database
        self._lease = lease

    def under(self, lease: Lease) -> SqliteJournal:
        """The same journal; its trims raise `Overtaken` once the lease has another number."""
        return SqliteJournal(self._database, lease)

    async def entries(self, writer: str = "", after: int = 0) -> AsyncIterator[Entry]:
        """See `ports.Journal`; one page is in memory at a time, and writers go on meanwhile."""
        at_writer, at_seq = writer, after
        while page := self._page(writer, after, at_writer, at_seq):
            for entry in page:
                yield entry
            at_writer, at_seq = page[-1].writer, page[-1].seq
            await asyncio.sleep(0)

    async def entry(self, ref: Ref) -> Entry | None:
        """See `ports.Journal`; text that is no reference names nothing."""
        writer, _, number = ref.rpartition("-")
        if not (number.isascii() and number.isdigit() and len(number) <= 19 and int(number) <= _LARGEST):
            return None
        rows = self._database.rows("SELECT writer, seq, body, hash FROM entry WHERE writer = ? AND seq = ?", (writer, int(number)))
        return Entry(*rows[0]) if rows else None

    async def of_person(self, person: PersonKey) -> Sequence[Entry]:
        """See `ports.Journal`."""
        rows = self._database.rows(
            "SELECT writer, seq, body, hash FROM entry WHERE person = ? ORDER BY at, writer, seq",
            (person,),
        )
        return [Entry(*row) for row in rows]

    async def heads(self) -> Sequence[tuple[str, int, bytes]]:
        """See `ports.Journal`."""
        return [
            (writer, seq, last) for writer, seq, last in self._database.rows("SELECT writer, seq, hash FROM head ORDER BY writer")
        ]

    async def trim(self, writer: str, upto: int) -> None:
        """See `ports.Journal`; the file keeps its size, and new entries take the room."""
        rows = self._database.rows("SELECT seq FROM head WHERE writer = ?", (writer,))
        last = min(upto, rows[0][0] - _KEPT) if rows else 0
        while await self._database.write(partial(_forget, writer=writer, upto=last, lease=self._lease)):
            pass

    def _page(self, writer: str, after: int, at_writer: str, at_seq: int) -> list[Entry]:
        # Two statements: one for both would begin each page of a writer at `after` and pass over all it gave out before.
        if writer:
            of_writer = "SELECT writer, seq, body, hash FROM entry WHERE writer = ? AND seq > ? ORDER BY seq LIMIT ?"
            return [Entry(*row) for row in self._database.rows(of_writer, (writer, at_seq, _PAGE))]
        of_all = "SELECT writer, seq, body, hash FROM entry WHERE (writer, seq) > (?, ?) AND seq > ? ORDER BY writer, seq LIMIT ?"
        return [Entry(*row) for row in self._database.rows(of_all, (at_writer, at_seq, after, _PAGE))]


def _forget(connection: apsw.Connection, writer: str, upto: int, lease: Lease | None) -> bool:
    """Delete the oldest entries up to that number, a batch of them; whether there are more."""
    if lease is not None:
        refuse_overtaken(connection, lease)
    row = connection.execute("SELECT min(seq) FROM entry WHERE writer = ?", (writer,)).fetchone()
    first = upto + 1 if row is None or row[0] is None else row[0]
    end = min(upto, first + _TRIMMED - 1)
    connection.execute("DELETE FROM entry WHERE writer = ? AND seq BETWEEN ? AND ?", (writer, first, end))
    return bool(end < upto)
