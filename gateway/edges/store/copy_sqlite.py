"""The embedded store as rows: read as it stands at one moment while gateways go on, and written into a file that has no name yet.

A copy is read back before the file gets its name, and is on disk then: a copy that was cut short leaves no file that could be taken
for a store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import time_ns
from typing import Any

import apsw

from gateway.core.evidence import written
from gateway.edges.store.connection import Refused, connect, raise_schema
from gateway.edges.store.copying import MARKS, ORIGIN, TABLES, Batch, Row, Standing, at_once
from gateway.edges.store.instant import micros
from gateway.edges.store.journal import Chain
from gateway.edges.store.protected import Protected
from gateway.edges.store.schema import GATEWAY_STEPS
from gateway.flow.ports import Unavailable

_MARKED = ", ".join(f"'{name}'" for name in MARKS)
_WHERE = {
    "mark": f" WHERE name IN ({_MARKED})",
    "stood": " WHERE at != 0 ORDER BY stand",
    "ruling": " ORDER BY id",
    "partner_list": " ORDER BY id",
    "consent": " ORDER BY id",
    "transfer": " ORDER BY id",
    "outbox": " ORDER BY id",
    "told": " ORDER BY told_at, id",
    "entry": " ORDER BY writer, seq",
}
"""A store that keeps things in the order in which they came gets them so. A stand that was reached at no known time has no row."""
_ORIGIN = "SELECT name, at FROM mark WHERE name GLOB 'epoch:*' OR name GLOB 'node:*' ORDER BY name"
_HEADS = "SELECT writer, seq, hash FROM head ORDER BY writer"
_STAND = "SELECT coalesce(max(at), 0) FROM mark WHERE name = 'stand'"
_LEASED = "SELECT 1 FROM lease WHERE owner != '' AND begun <= ?1 AND ends > ?1"

_WORDING = "INSERT INTO wording (sha256, text) VALUES (?, ?) ON CONFLICT DO NOTHING"
_PUT = {
    ORIGIN: "INSERT INTO mark VALUES (?, ?)",
    "ruling": "INSERT INTO ruling VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "consent": """
        INSERT INTO consent (
            person, advertiser, purpose, audience, basis, source, collected_at, action, wording, function, notice_sent_at,
            partner_list_version, product_family, professional_proof, withdrawn_at, missing, recorded_at, covers, acquired_at,
            confirmed_at, relation, traits, proof, sealed_address, id, since, ended
        ) VALUES (
            ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM wording WHERE sha256 = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
        )
    """,
    "entry": "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)",
}
_WORDING_AT = 8
# A note keeps its number when it has been told, so the next one must be above both.
_NEXT_NOTE = """
    INSERT INTO sqlite_sequence SELECT 'outbox', max(id) FROM (SELECT id FROM outbox UNION ALL SELECT id FROM told)
    HAVING max(id) IS NOT NULL
"""
_WAL_PAGES = 16_000


@contextmanager
def outside() -> Iterator[None]:
    """What the file's library raises as `Unavailable`."""
    try:
        yield
    except apsw.Error as error:
        raise Unavailable("store") from error


class SqliteSource:
    """`copying.Source` over a file, as it stands when this is made; `still` also keeps everybody from writing to it meanwhile."""

    def __init__(self, path: Path, *, still: bool = False) -> None:
        if not path.is_file():
            raise Refused(f"{path}: there is no such file")
        self._path = path
        self.connection = connect(path)
        raise_schema(self.connection, path, GATEWAY_STEPS)
        Protected(path).catch_up(self.connection, Chain("store"))
        with outside():
            self.connection.execute("BEGIN IMMEDIATE" if still else "BEGIN")
            self.connection.execute(_STAND).fetchall()

    def count(self) -> int:
        """See `Source`; counting a table is quick."""
        with outside():
            return sum(_number(self.connection, f"SELECT count(*) FROM {name}") for name in TABLES)  # noqa: S608 our own words

    def batches(self) -> Iterator[Batch]:
        """See `Source`."""
        with outside():
            yield ORIGIN, _rows(self.connection, _ORIGIN)
            for name, columns in TABLES.items():
                found = self.connection.execute(f"SELECT {columns} FROM {name}{_WHERE.get(name, '')}")  # noqa: S608 our own words
                size = at_once(name)
                while rows := _some(found, size):
                    yield name, rows

    def standing(self) -> Standing:
        """See `Source`; over a connection of its own, which sees what has been written since."""
        beside = connect(self._path)
        try:
            with outside():
                return standing(beside)
        finally:
            beside.close()

    def served(self) -> bool:
        """Whether a gateway holds a lease in it."""
        with outside():
            return bool(self.connection.execute(_LEASED, (time_ns() // 1000,)).fetchall())

    def close(self) -> None:
        """See `Source`."""
        self.connection.close()


class SqliteTarget:
    """`copying.Target`: a new file; nothing may be at its path."""

    def __init__(self, path: Path) -> None:
        refuse_taken(path)
        self._path = path
        self._draft = path.with_name(path.name + ".part")
        drop(self._draft)
        self._connection = connect(self._draft)
        raise_schema(self._connection, self._draft, GATEWAY_STEPS)
        with outside():
            # What a crash leaves of it is thrown away; it is brought to the disk once, at the end.
            self._connection.execute("PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF").fetchall()
            self._connection.wal_autocheckpoint(_WAL_PAGES)
        self._quoted: set[bytes] = set()

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """See `Target`."""
        statement = _PUT.get(table) or f"INSERT INTO {table} ({TABLES[table]}) VALUES ({_places(table)})"  # noqa: S608 our own words
        with outside(), self._connection:
            match table:
                case "consent":
                    given = self._worded(rows)
                case "entry":
                    given = [_entry(row) for row in rows]
                case _:
                    given = list(rows)
            self._connection.executemany(statement, given)

    def written(self) -> Iterator[Batch]:
        """See `Target`."""
        with outside():
            self._connection.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'").fetchall()
            self._connection.execute(_NEXT_NOTE).fetchall()
        source = SqliteSource(self._draft)
        try:
            yield from source.batches()
        finally:
            source.close()

    def finish(self) -> None:
        """See `Target`; the file is whole and on disk before it gets its name."""
        with outside():
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._connection.close()
        settle(self._draft, self._path)

    def abandon(self) -> None:
        """See `Target`."""
        with suppress(apsw.Error):
            self._connection.close()
        drop(self._draft)

    def _worded(self, rows: Sequence[Row]) -> list[Row]:
        """The records, each quoting its wording by the digest; a wording that a whole list shares is put once."""
        ready = []
        for row in rows:
            words = str(row[_WORDING_AT])
            digest = sha256(words.encode()).digest()
            if digest not in self._quoted:
                self._connection.execute(_WORDING, (digest, words))
                self._quoted = self._quoted if len(self._quoted) < 10_000 else set()
                self._quoted.add(digest)
            ready.append((*row[:_WORDING_AT], digest, *row[_WORDING_AT + 1 :]))
        return ready


def standing(connection: apsw.Connection) -> Standing:
    """How far the file has come."""
    heads = [(writer, seq, last) for writer, seq, last in _rows(connection, _HEADS)]
    return Standing(_number(connection, _STAND), tuple(heads))


def refuse_taken(path: Path) -> None:
    """Refuse a path where there is anything: what is copied never falls together with what was there."""
    for one in (path, Path(f"{path}-wal")):
        if one.exists():
            raise Refused(f"{one} exists: a store is only written where there is none; move it away first")


def settle(draft: Path, path: Path) -> None:
    """Give a whole file its name, durably."""
    _sync(draft)
    draft.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop(draft: Path) -> None:
    """Remove a file that has no name yet, and what is beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)


def _entry(row: Row) -> Row:
    """With what the table tells by itself from the body: when it happened, and the person; a spoilt body says neither."""
    writer, seq, body, last = row
    told = body if isinstance(body, bytes) else b""
    try:
        at = micros(datetime.fromisoformat(written(told, "at").decode()))
        person = bytes.fromhex(written(told, "person").decode())
    except (ValueError, TypeError, OverflowError):
        at, person = 0, b""
    return writer, seq, body, last, at, person or None


def _some(found: apsw.Cursor, size: int) -> list[Row]:
    rows: list[Row] = []
    for row in found:
        rows.append(row)
        if len(rows) == size:
            break
    return rows


def _rows(connection: apsw.Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _number(connection: apsw.Connection, sql: str) -> int:
    return int(_rows(connection, sql)[0][0])


def _places(table: str) -> str:
    return ", ".join("?" * (TABLES[table].count(",") + 1))
