"""Opens `gateway.db`: book, journal, outbox and what came back in one file, so that one commit holds all that belongs together."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.edges.store.book import SqliteBook
from gateway.edges.store.database import Database
from gateway.edges.store.journal import Chain, SqliteJournal
from gateway.edges.store.leases import SqliteLeases
from gateway.edges.store.outbox import SqliteOutbox
from gateway.edges.store.protected import Protected
from gateway.edges.store.returns import SqliteReturns
from gateway.edges.store.schema import GATEWAY_STEPS
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Clock, Log, Unavailable


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """One open `gateway.db`, seen through five ports."""

    book: SqliteBook
    journal: SqliteJournal
    outbox: SqliteOutbox
    returns: SqliteReturns
    leases: SqliteLeases
    database: Database
    protected: Protected

    def under(self, lease: Lease) -> SqliteStore:
        """The same open file, whose book writes and whose journal forgets under the lease."""
        return replace(self, book=self.book.under(lease), journal=self.journal.under(lease))

    @property
    def settled(self) -> bool:
        """See `flow.store.Store`: a file that opens is whole."""
        return True

    @property
    def why(self) -> str:
        """See `flow.store.Store`: a write that fails says so itself."""
        return ""

    async def watch(self, log: Log, clock: Clock) -> None:
        """See `flow.store.Store`: nobody else changes the file."""

    async def close(self) -> None:
        """Write what waits and close the file."""
        stand = 0
        with suppress(Unavailable):
            stand = await self.book.stand()
        await self.database.close()
        self.protected.close(stand)


def open_store(path: Path, writer: str) -> SqliteStore:
    """Open or create the file at `path`; events are chained under `writer`, a name that no other running process uses.

    Raises `Refused` (an `Unavailable`) when the file is newer than this gateway, unreadable, or its journal was tampered with.
    """
    chain, protected = Chain(writer), Protected(path)
    database = Database(path, GATEWAY_STEPS, "store", chain, protected)
    return SqliteStore(
        SqliteBook(database, protected),
        SqliteJournal(database),
        SqliteOutbox(database),
        SqliteReturns(database),
        SqliteLeases(database),
        database,
        protected,
    )
