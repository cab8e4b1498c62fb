"""`node.db`: what protects people, on this machine's own disk before Redis is told, kept for ever; keys only, never an address.

Beside it what the machine remembers of the shared data: epochs, the highest stand, the other nodes. Used by the commit thread; the
processes of a machine share the file. Decides nothing: which notes the data lack follows from the epochs alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.core.model import PersonKey
from gateway.edges.store.beside import NotesFile
from gateway.edges.store.lineage import Place, before, held
from gateway.edges.store.redis.chains import Written
from gateway.edges.store.redis.pack import person_of, unpacked, words
from gateway.edges.store.redis.standing import Standing
from gateway.flow.ports import Unavailable

FILE = "node.db"
VOID = 0
"""The epoch of notes that are never told again."""

# `stand` is where Redis put the change, in epoch `origin`, in the order of all changes; `after` is the highest stand known when it
# was noted. From stand `held` of `epoch` on the data held it, as they did from the first; without an epoch nobody knows whether
# Redis ever took it. The evidence of one that was told again may be lost: a new one is `owed`.
_STEPS = (
    """
    CREATE TABLE note (
        id INTEGER PRIMARY KEY, writer TEXT NOT NULL, payload BLOB NOT NULL, after INTEGER NOT NULL,
        stand INTEGER, origin INTEGER, epoch INTEGER, held INTEGER, owed INTEGER
    ) STRICT;
    CREATE INDEX note_owed ON note (id) WHERE owed = 1;
    CREATE INDEX note_held ON note (epoch, held);
    CREATE INDEX note_moved ON note (epoch, origin, stand) WHERE origin != epoch;
    CREATE TABLE epoch (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE member (name TEXT PRIMARY KEY, id TEXT NOT NULL, turn INTEGER NOT NULL, retired INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
    CREATE TABLE bygone (name TEXT PRIMARY KEY, stand INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE mark (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE chain (writer TEXT PRIMARY KEY, part INTEGER NOT NULL, epoch TEXT NOT NULL, last INTEGER)
    STRICT, WITHOUT ROWID;
    """,
    # What each epoch began from, and at which stand.
    "ALTER TABLE epoch ADD COLUMN parent INTEGER; ALTER TABLE epoch ADD COLUMN base INTEGER",
)

_KEEP = "INSERT INTO note (writer, payload, after) VALUES (?, ?, ?)"
_RECORDED = "UPDATE note SET stand = ?1, held = ?1, origin = ?2, epoch = ?2 WHERE id = ?3"
_HELD = "UPDATE note SET epoch = ?, held = ?, owed = ? WHERE id = ?"
_NOTE = """
    SELECT id, writer, payload, stand, after, (SELECT name FROM epoch WHERE number = note.origin),
        (SELECT name FROM epoch WHERE number = note.epoch), held
    FROM note
"""
_LACKING = f"{_NOTE} WHERE epoch = ? AND held > ? ORDER BY held LIMIT ?"
# A copy from before a note was told again holds it where it was first.
_FROM_THE_FIRST = """
    UPDATE note INDEXED BY note_moved SET epoch = ?1, held = ?2
    WHERE epoch = ?3 AND held > ?4 AND origin = ?5 AND origin != epoch AND stand <= ?6
"""
_UNTOLD = f"{_NOTE} WHERE epoch IS NULL AND id > ?1 AND ?2 IN ('', writer) ORDER BY id LIMIT ?3"
_PARENT = "UPDATE epoch SET parent = ?1, base = ?2 WHERE number = ?3 AND (parent, base) IS NOT (?1, ?2)"
_SEEN = "UPDATE mark SET value = max(value, ?) WHERE name = 'seen'"
_MEMBER = "REPLACE INTO member VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Note:
    """One change as it is told again: `order` is its place among all changes, and `sure` that Redis had taken it.

    `places` are where it was taken, the first time and the last; both are the same unless it was told again before.
    """

    id: int
    writer: str
    payload: bytes
    order: float
    sure: bool
    places: tuple[Place, ...]

    @property
    def lifts(self) -> bool:
        """Whether it takes a protection away."""
        return bool(unpacked(self.payload)[0][0] == b"lift")

    @property
    def about(self) -> tuple[str, PersonKey]:
        """What it does, and to whom."""
        name, (bucket, field), *_ = unpacked(self.payload)[0]
        return words(name), PersonKey(person_of(int(bucket[-5:], 16), field))


@dataclass(frozen=True, slots=True)
class Member:
    """A node that the data know, or knew: `turn` counts its joinings and retirements."""

    name: str
    id: str
    turn: int
    retired: bool


class NodeJournal:
    """The open file; one per process."""

    def __init__(self, path: Path, standing: Standing) -> None:
        self._standing = standing
        file = NotesFile(path, _STEPS)
        self._connection, self._rows, self._writing = file.connection, file.rows, file.writing
        self._seen = int(self._mark("seen", 0))
        self.id = str(self._mark("id", secrets.token_hex(8)))
        standing.saw(self._seen)

    def keep(self, writer: str, payloads: Sequence[bytes]) -> Sequence[int]:
        """See `commits.Notes`; one commit for all of them."""
        after, numbers = self._standing.seen, []
        with self._writing(durable=True) as run:
            for payload in payloads:
                run(_KEEP, (writer, payload, after))
                numbers.append(self._connection.last_insert_rowid())
        return numbers

    def recorded(self, epoch: str, stands: Sequence[tuple[int, int]]) -> None:
        """See `commits.Notes`."""
        try:
            with self._writing() as run:
                number = self._number(epoch)
                for note, stand in stands:
                    run(_RECORDED, (stand, number, note))
                self._remember_seen()
        except Unavailable:
            return

    def void(self, numbers: Sequence[int]) -> None:
        """See `commits.Notes`."""
        self.held([(note, 0) for note in numbers], "")

    def held(self, notes: Sequence[tuple[int, int]], epoch: str) -> None:
        """From these stands of the epoch on the data hold these notes; without an epoch they are never told again."""
        with self._writing() as run:
            number = self._number(epoch) if epoch else VOID
            for note, stand in notes:
                run(_HELD, (number, stand, 1 if epoch else None, note))

    def owed(self, limit: int) -> list[Note]:
        """Some that were told again and of which that is not on record; `proved` takes them off this list."""
        return [_note(row) for row in self._rows(f"{_NOTE} WHERE owed = 1 ORDER BY id LIMIT ?", (limit,))]

    def proved(self, numbers: Sequence[int]) -> None:
        """It is on record."""
        with self._writing() as run:
            for number in numbers:
                run("UPDATE note SET owed = NULL WHERE id = ?", (number,))

    def lacking(self, lineage: Sequence[tuple[str, int]], limit: int) -> list[Note]:
        """Some notes that data with these epochs, and the stands they began after, do not hold; `held` takes them off this list.

        An epoch's notes are there as far as the next one began after them; an epoch that is not among them is lost whole.
        """
        until = held(lineage)
        current, began = lineage[-1]
        numbers = {name: number for number, name in self._rows("SELECT number, name FROM epoch")}
        for name, number in numbers.items():
            place = (number, until.get(name, -1))
            if name == current or not self._rows(_LACKING, (*place, 1)):
                continue
            with self._writing() as run:
                here = self._number(current)
                for origin, last in until.items():
                    run(_FROM_THE_FIRST, (here, began, *place, numbers.get(origin), last))
            if found := self._rows(_LACKING, (*place, limit)):
                return [_note(row) for row in found]
        return []

    def untold(self, writer: str, behind: int, limit: int) -> list[Note]:
        """Notes behind that one of which nobody knows whether Redis took them; an empty writer means all of this machine's."""
        return [_note(row) for row in self._rows(_UNTOLD, (behind, writer, limit))]

    def came_from(self, lineage: Sequence[Place]) -> None:
        """Remember what each epoch of these data began from."""
        with self._writing() as run:
            numbers = [self._number(name) for name, _ in lineage]
            for (parent, number), (_, base) in zip(pairwise(numbers), lineage[1:], strict=True):
                run(_PARENT, (parent, base, number))

    def before(self, place: Place) -> dict[str, int]:
        """All that came before this place, as far as this machine knows: up to which stand of which epoch."""
        rows = self._rows("SELECT one.name, other.name, one.base FROM epoch one JOIN epoch other ON other.number = one.parent")
        return before(place, {name: (parent, base) for name, parent, base in rows})

    def enters(self, epoch: str) -> bool:
        """Whether no process of this machine has been in this epoch yet; from now on one has."""
        if self._rows("SELECT 1 FROM mark WHERE name = 'epoch' AND value = ?", (epoch,)):
            return False
        with self._writing() as run:
            run("REPLACE INTO mark VALUES ('epoch', ?)", (epoch,))
        return True

    def members(self) -> list[Member]:
        """The nodes as they were last known."""
        rows = self._rows("SELECT name, id, turn, retired FROM member ORDER BY name")
        return [Member(name, number, turn, bool(retired)) for name, number, turn, retired in rows]

    def bygone(self) -> dict[str, int]:
        """Who could not tell again what it brought, and the stand at which the data held all of that, as last known."""
        return dict(self._rows("SELECT name, stand FROM bygone"))

    def remember(self, members: Sequence[Member], bygone: Mapping[str, int]) -> None:
        """The nodes, who is gone, and the highest stand, as they are now; written only where something is new."""
        new, gone = set(members).difference(self.members()), dict(bygone.items() - self.bygone().items())
        if new or gone or self._standing.seen > self._seen:
            with self._writing() as run:
                for one in new:
                    run(_MEMBER, (one.name, one.id, one.turn, one.retired))
                for name, stand in gone.items():
                    run("REPLACE INTO bygone VALUES (?, ?)", (name, stand))
                self._remember_seen()

    def chain(self, writer: str) -> Written | None:
        """See `chains.Memory`."""
        rows = self._rows("SELECT part, epoch, last FROM chain WHERE writer = ?", (writer,))
        return Written(*rows[0]) if rows else None

    def keep_chain(self, writer: str, written: Written) -> None:
        """See `chains.Memory`."""
        with self._writing(durable=True) as run:
            run("REPLACE INTO chain VALUES (?, ?, ?, ?)", (writer, written.part, written.epoch, written.last))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _remember_seen(self) -> None:
        if self._standing.seen > self._seen:
            self._seen = self._standing.seen
            self._connection.execute(_SEEN, (self._seen,))

    def _number(self, epoch: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO epoch (name) VALUES (?)", (epoch,))
        return int(self._rows("SELECT number FROM epoch WHERE name = ?", (epoch,))[0][0])

    def _mark(self, name: str, unless: str | int) -> str | int:
        """A mark's value, which is this one from now on unless it had another."""
        with self._writing(durable=True) as run:
            run("INSERT OR IGNORE INTO mark VALUES (?, ?)", (name, unless))
        value: str | int = self._rows("SELECT value FROM mark WHERE name = ?", (name,))[0][0]
        return value


def _note(row: Sequence[Any]) -> Note:
    number, writer, payload, stand, after, *taken = row
    origin, epoch, kept = taken
    places = tuple(dict.fromkeys(place for place in ((origin, stand), (epoch, kept)) if place[0]))
    return Note(number, writer, payload, after + 0.5 if stand is None else float(stand), stand is not None, places)
