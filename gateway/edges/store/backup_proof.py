"""What a backup says of itself: whose keys it belongs to, when it was begun, and the digest of all it holds.

One more mark in the file, which is no state: nobody copies it and no digest counts it. It is written once the file has been read
back, so a file without it was never proven, and one that comes to something else has been damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import apsw

from gateway.edges.store.connection import connect
from gateway.edges.store.copy_sqlite import SqliteTarget, outside
from gateway.edges.store.copying import TABLES, Batch, Digest, Digests, looking
from gateway.edges.store.instant import instant, micros

FORM = sha256(repr(sorted(TABLES.items())).encode()).hexdigest()[:8]
"""Of the tables that a digest is of: one of another release's tables cannot be compared."""
_FORGET = "DELETE FROM mark WHERE name GLOB 'backup:*'"
_WRITE = "INSERT INTO mark VALUES (?, ?)"
_READ = "SELECT name, at FROM mark WHERE name GLOB 'backup:*'"


@dataclass(frozen=True, slots=True)
class Proof:
    """The fingerprint of the keys, when it was begun, in which form its digest is, and that."""

    keys: bytes
    begun: datetime
    form: str
    digest: str


def whole(found: Mapping[str, Digest]) -> str:
    """One digest of all tables."""
    return sha256("\n".join(f"{name} {one.rows} {one.sum}" for name, one in sorted(found.items())).encode()).hexdigest()


def prove(connection: apsw.Connection, keys: bytes, begun: datetime, found: Mapping[str, Digest]) -> None:
    """Write into a file what it was found to hold."""
    with outside():
        connection.execute(_FORGET).fetchall()  # of a backup that this store was once put back from
        connection.execute(_WRITE, (f"backup:{FORM}:{keys.hex()}:{whole(found)}", micros(begun))).fetchall()


class Unreadable(Exception):
    """A file that is no database, or one that was damaged."""


def read_proof(path: Path) -> Proof | None:
    """What a file says of itself, read without touching it or anything beside it; None where it says nothing. Raises Unreadable."""
    try:
        connection = apsw.Connection(f"file:{quote(str(path.resolve()))}?immutable=1", flags=_ONLY_READ)
        try:
            rows = connection.execute(_READ).fetchall()
        finally:
            connection.close()
    except (apsw.Error, OSError, ValueError) as error:  # the last where a text is none
        raise Unreadable from error
    return _parsed(rows)


def _parsed(rows: Sequence[tuple[object, ...]]) -> Proof | None:
    try:
        ((name, at),) = rows
        _, form, keys, digest = str(name).split(":")
        return Proof(bytes.fromhex(keys), instant(int(str(at))), form, digest)
    except ValueError:
        return None


_ONLY_READ = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


class ProvenTarget(SqliteTarget):
    """A file that a copy is written into, which says of itself what was read back."""

    def __init__(self, path: Path, keys: bytes, begun: datetime, look: Callable[[], None] = lambda: None) -> None:
        super().__init__(path)
        self._keys = keys
        self._begun = begun
        self._look = look
        self._found = Digests()

    def written(self) -> Iterator[Batch]:
        """See `Target`."""
        for table, rows in looking(super().written(), self._look):
            self._found.add(table, rows)
            yield table, rows

    def finish(self) -> None:
        """See `Target`."""
        prove(self._connection, self._keys, self._begun, self._found.told())
        super().finish()


def prove_file(draft: Path, keys: bytes, begun: datetime, found: Mapping[str, Digest]) -> None:
    """The same for a whole file that has no name yet."""
    connection = connect(draft)
    try:
        prove(connection, keys, begun, found)
    finally:
        connection.close()
