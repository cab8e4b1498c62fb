"""`NAME.protected.db` beside a database: what protects people, on disk before the database has it, and kept for ever.

An old copy that is put back learns from it what it lacks, before anybody reads from it. Written by the database's own writer, under
its lock and inside its commit; a commit that protects nobody costs nothing. Which notes a copy lacks follows from its eras: an era
is a line of stands that one file went through beside the same notes, and each putting back begins another (decision 0030).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw

from gateway.core.change import Change, Forget, ForgetWithdrawn, Lift, Oppose, Tell, Withdraw
from gateway.core.evidence import Event, Kind
from gateway.edges.store.beside import NotesFile
from gateway.edges.store.changes import job
from gateway.edges.store.connection import Refused
from gateway.edges.store.instant import micros
from gateway.edges.store.journal import prepare
from gateway.edges.store.lineage import held
from gateway.edges.store.protecting import Protecting, parse_protecting, protecting_text
from gateway.edges.store.writer import Extending, Job
from gateway.flow.ports import Unavailable

_AT_ONCE = 1_000

# `stand` of `era` is the commit that has the change. `batch` is a commit that was begun; the database knows the last that ended.
_STEPS = (
    """
    CREATE TABLE era (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL) STRICT;
    CREATE TABLE note (
        id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, era INTEGER NOT NULL, stand INTEGER NOT NULL, lifts INTEGER NOT NULL,
        payload TEXT NOT NULL
    ) STRICT;
    CREATE INDEX note_held ON note (era, stand);
    CREATE INDEX note_batch ON note (batch);
    """,
    # Which file these notes were in when they last began an era: a copy of them is another.
    "CREATE TABLE place (inode TEXT NOT NULL) STRICT",
)

_ERA = "INSERT INTO era (name, seen) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seen = max(seen, ?2) RETURNING number"
_SAW = "UPDATE era SET seen = max(seen, ?) WHERE name = ?"
_NOTE = "INSERT INTO note (batch, era, stand, lifts, payload) VALUES (?, ?, ?, ?, ?)"
_VOID = "DELETE FROM note WHERE batch = ? AND era = (SELECT number FROM era WHERE name = ?)"
_LAST_BATCH = "SELECT coalesce(max(batch), 0) FROM note"
_LACKING = "SELECT id, batch, lifts, payload FROM note WHERE era = ? AND stand > ? AND lifts <= ?"
_PLACE = "INSERT INTO place SELECT ? WHERE NOT EXISTS (SELECT 1 FROM place)"
_MOVED = "UPDATE note SET era = ?, stand = ?, batch = ? WHERE id = ?"

_EPOCHS = "SELECT name, at FROM mark WHERE name GLOB 'epoch:*' ORDER BY name"
_LAST_EPOCH = "SELECT name FROM mark WHERE name GLOB 'epoch:*' ORDER BY name DESC LIMIT 1"
_STAND = "SELECT at FROM mark WHERE name = 'stand'"
_NOTED = "SELECT at FROM mark WHERE name = 'noted'"
_MARK = "REPLACE INTO mark VALUES (?, ?)"

_KINDS = {Lift: Kind.LIFT, Withdraw: Kind.WITHDRAWAL, Forget: Kind.ERASURE, ForgetWithdrawn: Kind.ERASURE, Tell: Kind.PROPAGATION}

Pending = tuple[str, int, int, str]
"""Era, stand, whether it lifts, the change."""


class Protected:
    """The notes of one database; used by whoever holds the database's write lock."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.stem}.protected.db")
        self._file: NotesFile | None = None
        self._pending: list[Pending] = []
        self._batch = 0
        self._void = 0
        self._era = ""

    def attach(self, connection: apsw.Connection) -> None:
        """From now on the connection's commits are noted first, and undone where that fails.

        Without notes the file is in a new era: it may have come from a machine that has some, and be taken back there.
        """
        try:
            if self._file is None:
                connection.execute("BEGIN IMMEDIATE").fetchall()
                _new_era(connection)
                connection.execute("COMMIT").fetchall()
        except apsw.Error as error:
            raise Refused(f"the database cannot be prepared: {type(error).__name__}") from error
        connection.set_commit_hook(self._before_commit)
        connection.set_rollback_hook(self._pending.clear)

    def noted(self, changes: Sequence[Change], writing: Job) -> Job:
        """What writes the changes, and has those that protect somebody noted before its commit ends."""
        some = [one for one in changes if isinstance(one, Protecting)]
        if not some:
            return writing

        def write(connection: apsw.Connection) -> None:
            writing(connection)
            self._expect(connection, [(int(isinstance(one, Lift)), protecting_text(one)) for one in some])

        return write

    def catch_up(self, connection: apsw.Connection, chain: Extending) -> int:
        """Tell the database what it lacks, on record; how much that was. Raises Refused where the notes cannot be read."""
        if not self._path.exists():
            return 0
        try:
            connection.execute("BEGIN IMMEDIATE")
            restored = self._restore(connection, chain)
            connection.execute("COMMIT")
        except (apsw.Error, Unavailable) as error:
            raise Refused(f"{self._path.name} cannot be read, so nobody knows who opposed since: {type(error).__name__}") from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return restored

    def close(self, stand: int) -> None:
        """Let go of the file; the database has come that far, which a copy of it is compared with."""
        if self._file is not None:
            with suppress(Unavailable), self._file.writing() as run:
                run(_SAW, (stand, self._era))
            self._file.close()

    def _expect(self, connection: apsw.Connection, told: Sequence[tuple[int, str]]) -> None:
        """Inside the commit, behind its changes: which notes it needs before it may end."""
        stand, self._era = _number(connection, _STAND), _era(connection)
        if not self._pending:
            last, ended = self._open().rows(_LAST_BATCH)[0][0], _number(connection, _NOTED)
            # The batch before this one was noted, but its commit failed. A database that remembers none came from elsewhere.
            self._batch, self._void = last + 1, last if 0 < ended < last else 0
        connection.execute(_MARK, ("noted", self._batch))
        self._pending.extend((self._era, stand, lifts, payload) for lifts, payload in told)

    def _before_commit(self) -> bool:
        """Whether the commit must be undone: what it needs is not on disk."""
        if not self._pending:
            return False
        pending, batch = list(self._pending), self._batch
        self._pending.clear()
        try:
            with self._open().writing(durable=True) as run:
                run(_PLACE, (self._open().inode,))
                run(_VOID, (self._void, self._era))
                eras = {era: _first(run(_ERA, (era, stand))) for era, stand, _, _ in pending}
                for era, stand, lifts, payload in pending:
                    run(_NOTE, (batch, eras[era], stand, lifts, payload))
        except Unavailable:
            return True
        return False

    def _restore(self, connection: apsw.Connection, chain: Extending) -> int:
        lineage = [(name.split(":", 2)[2], at) for name, at in connection.execute(_EPOCHS)]
        stand, self._era = _number(connection, _STAND), lineage[-1][0] if lineage else ""
        lacking = sorted(self._lacking(lineage, stand))
        if not lacking and self._is_ours(stand):
            return 0
        self._era, batch = _new_era(connection), self._open().rows(_LAST_BATCH)[0][0] + 1
        # Whoever asked for a lift in the very last commit may never have been told that it was made.
        unsure = [one for one in lacking if one[2] and one[1] == batch - 1]
        told = [one for one in lacking if one not in unsure]
        for start in range(0, len(told), _AT_ONCE):
            changes = [parse_protecting(payload) for _, _, _, payload in told[start : start + _AT_ONCE]]
            job(changes, micros(datetime.now(UTC)))(connection)
            chain.extend(connection, prepare([_evidence(one) for one in changes]))
        if told:
            event = Event(datetime.now(UTC), Kind.STORE, "settled", detail=f"restored={len(told)}")
            chain.extend(connection, prepare([event]))
        connection.execute(_MARK, ("noted", batch))
        reached = _number(connection, _STAND)
        with self._open().writing(durable=True) as run:
            number = _first(run(_ERA, (self._era, reached)))
            run("DELETE FROM place")
            run(_PLACE, (self._open().inode,))
            for note, *_ in unsure:
                run("DELETE FROM note WHERE id = ?", (note,))
            for note, *_ in told:
                run(_MOVED, (number, reached, batch, note))
        return len(told)

    def _lacking(self, lineage: Sequence[tuple[str, int]], stand: int) -> Iterator[tuple[int, int, int, str]]:
        """The notes that a database of these eras, at this stand, does not hold; of an era it never went through it holds none.

        Lifts are left alone unless they are of the era it is in: somebody may have opposed since.
        """
        ends = held(lineage) | {self._era: stand}
        for number, name in self._open().rows("SELECT number, name FROM era"):
            yield from self._open().rows(_LACKING, (number, ends.get(name, -1), int(name == self._era)))

    def _is_ours(self, stand: int) -> bool:
        """Whether the database went on beside these notes, and not elsewhere or beside a copy of them, and is no older copy."""
        seen = self._open().rows("SELECT seen FROM era WHERE name = ?", (self._era,))
        here = self._open().rows("SELECT 1 FROM place WHERE inode = ?", (self._open().inode,))
        return bool(here and seen) and seen[0][0] <= stand

    def _open(self) -> NotesFile:
        if self._file is None:
            self._file = NotesFile(self._path, _STEPS)
        return self._file


def _evidence(change: Protecting) -> Event:
    """What is on record of a change that was put back: the entry it came with may be gone with the commit that had it (R-FR-90)."""
    now = datetime.now(UTC)
    if not isinstance(change, Oppose):
        return Event(now, _KINDS[type(change)], "restored", person=change.person.hex())
    one = change.opposition
    return Event(
        now,
        Kind.OPPOSITION,
        one.block.value,
        stream=one.stream,
        advertiser=one.advertiser,
        person=one.person.hex(),
        door=one.door.value,
        detail=f"restored; scope={one.scope.value}; at={one.at.isoformat()}",
    )


def _era(connection: apsw.Connection) -> str:
    """The era that the database is in."""
    ((name,),) = connection.execute(_LAST_EPOCH).fetchall()
    return str(name).split(":", 2)[2]


def _new_era(connection: apsw.Connection) -> str:
    name, place = secrets.token_hex(8), len(connection.execute(_EPOCHS).fetchall())
    connection.execute(_MARK, (f"epoch:{place:06d}:{name}", _number(connection, _STAND)))
    return name


def _number(connection: apsw.Connection, sql: str) -> int:
    return _first(connection.execute(sql))


def _first(found: apsw.Cursor) -> int:
    rows: list[tuple[Any, ...]] = found.fetchall()
    return int(rows[0][0]) if rows else 0
