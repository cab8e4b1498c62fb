"""The spool of one worker in SQLite: mail that was answered 250 and has not reached its end, durable before that answer.

The only place with addresses in clear, because mail must carry them; its files are private to the gateway's user. A lease lives in
memory: it dies with the process, and the row is due again.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import apsw

from gateway.core.model import Ref
from gateway.edges.store.bodies import Bodies
from gateway.edges.store.database import Database, Row, Unanswered
from gateway.edges.store.instant import instant, micros
from gateway.edges.store.schema import SPOOL_STEPS
from gateway.flow.ports import Addressee, Envelope, Parcel, Unavailable

IN_ROW = 256 * 1024
"""Bodies above this many bytes are files."""

_ROOM_FOR = 1.0

_MESSAGE = "INSERT INTO message VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PARCEL = """
    INSERT INTO parcel (message_id, address, notify, orcpt, decision, attempts, due_at) VALUES (?, ?, ?, ?, ?, 0, ?)
"""
_DUE = "SELECT id, message_id, address, notify, orcpt, decision, attempts FROM parcel WHERE due_at <= ? ORDER BY due_at, id LIMIT ?"
_READ = """
    SELECT tool, stream, sender, smtputf8, eight_bit, ret, envid, slip, accepted_at, expires_at, sha256, file, body
    FROM message WHERE id = ?
"""
_LAST = "DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM parcel WHERE message_id = ?1) RETURNING file"
_POSTPONE = "UPDATE parcel SET attempts = attempts + 1, due_at = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class _Message:
    envelope: Envelope
    accepted_at: datetime
    expires_at: datetime
    body: bytes


class SqliteSpool:
    """`ports.Spool` over one file and one folder; exactly one process has it open.

    `orphans` are the numbers of messages whose body is gone or damaged: their parcels stay, are never due, and need a person.
    """

    def __init__(
        self, database: Database, bodies: Bodies, now: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._bodies = bodies
        self._now = now
        self._monotonic = monotonic
        self._room: tuple[float, int] | None = None
        self._leased: set[int] = set()
        self.orphans: set[int] = set()

    async def keep(
        self, envelope: Envelope, message: bytes, to: Sequence[tuple[Addressee, Ref]], due: datetime, expires: datetime
    ) -> None:
        """See `ports.Spool`."""
        file, digest = await asyncio.to_thread(self._put, message) if len(message) > IN_ROW else (None, sha256(message).digest())
        row = (
            *(envelope.tool, envelope.stream, envelope.sender, int(envelope.smtputf8), int(envelope.eight_bit)),
            *(envelope.ret, envelope.envid, micros(self._now()), micros(expires)),
            *(digest, file, message if file is None else None, envelope.slip),
        )
        at = micros(due)
        try:
            await self._database.write(lambda connection: _insert(connection, row, to, at))
        except Unanswered:
            raise
        except Unavailable:
            if file is not None:
                await asyncio.to_thread(self._bodies.drop, [file])
            raise

    async def due(self, now: datetime, limit: int) -> Sequence[Parcel]:
        """See `ports.Spool`; parcels of one message share one copy of its bytes."""
        rows = self._database.rows(_DUE, (micros(now), limit + len(self._leased)))
        rows = [row for row in rows if row[0] not in self._leased][:limit]
        self._leased.update(row[0] for row in rows)
        read: dict[int, _Message | None] = {}
        try:
            for number in dict.fromkeys(row[1] for row in rows):
                read[number] = await self._read(number)
        except BaseException:
            self._leased.difference_update(row[0] for row in rows)
            raise
        return [_parcel(row, message) for row in rows if (message := read[row[1]]) is not None]

    async def settle(self, parcel: Parcel) -> None:
        """See `ports.Spool`."""
        files = await self._database.write(lambda connection: _delete(connection, parcel))
        self._leased.discard(parcel.id)
        if files:
            await asyncio.to_thread(self._bodies.drop, files)

    async def postpone(self, parcel: Parcel, due: datetime) -> None:
        """See `ports.Spool`."""
        at = micros(due)
        await self._database.write(lambda connection: connection.execute(_POSTPONE, (at, parcel.id)).fetchall())
        self._leased.discard(parcel.id)

    async def depth(self) -> int:
        """See `ports.Spool`; leased rows count."""
        return int(self._database.rows("SELECT count(*) FROM parcel")[0][0])

    async def next_due(self) -> datetime | None:
        """See `ports.Spool`."""
        rows = self._database.rows("SELECT due_at, id FROM parcel ORDER BY due_at, id LIMIT ?", (len(self._leased) + 1,))
        return next((instant(at) for at, number in rows if number not in self._leased), None)

    def free_bytes(self) -> int:
        """See `ports.Spool`; looked up once a second."""
        now = self._monotonic()
        if self._room is not None and now - self._room[0] < _ROOM_FOR:
            return self._room[1]
        try:
            disk = os.statvfs(self._database.path.parent)
        except OSError as error:
            raise Unavailable("spool") from error
        self._room = now, disk.f_bavail * disk.f_frsize
        return self._room[1]

    async def close(self) -> None:
        """Write what waits and close the file; every lease ends."""
        await self._database.close()

    def set_aside(self, files: Iterable[str]) -> None:
        """Take the messages of these files out of what can be due."""
        for file in files:
            for (number,) in self._database.rows("SELECT id FROM message WHERE file = ?", (file,)):
                self._orphan(number)

    async def _read(self, number: int) -> _Message | None:
        """One message with its body, proven to be the one that was kept; else it becomes an orphan."""
        await asyncio.sleep(0)
        *envelope, accepted, expires, digest, file, body = self._database.rows(_READ, (number,))[0]
        found, now = (body, sha256(body).digest()) if file is None else await asyncio.to_thread(self._get, file)
        if found is None or now != digest:
            self._orphan(number)
            return None
        tool, stream, sender, smtputf8, eight_bit, ret, envid, slip = envelope
        kept = Envelope(tool, stream, sender, bool(smtputf8), bool(eight_bit), ret, envid, slip)
        return _Message(kept, instant(accepted), instant(expires), found)

    def _put(self, message: bytes) -> tuple[str, bytes]:
        return self._bodies.put(message), sha256(message).digest()

    def _get(self, file: str) -> tuple[bytes | None, bytes]:
        found = self._bodies.read(file)
        return found, sha256(found or b"").digest()

    def _orphan(self, number: int) -> None:
        self.orphans.add(number)
        self._leased.update(row[0] for row in self._database.rows("SELECT id FROM parcel WHERE message_id = ?", (number,)))


def open_spool(
    path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC), monotonic: Callable[[], float] = time.monotonic
) -> SqliteSpool:
    """Open or create the spool file at `path`, its bodies beside it in `<name>.bodies`; no row is leased.

    Files without a row are removed; rows without a file are in `orphans`. Raises `Refused` like `open_store`.
    """
    database = Database(path, SPOOL_STEPS, "spool")
    bodies = Bodies(path.with_suffix(".bodies"))
    spool = SqliteSpool(database, bodies, now, monotonic)
    spool.set_aside(bodies.sweep(row[0] for row in database.rows("SELECT file FROM message WHERE file IS NOT NULL")))
    return spool


def _insert(connection: apsw.Connection, message: Row, to: Sequence[tuple[Addressee, Ref]], due: int) -> None:
    connection.execute(_MESSAGE, message)
    number = connection.last_insert_rowid()
    for one, decision in to:
        connection.execute(_PARCEL, (number, one.address, one.notify, one.orcpt, decision, due))


def _delete(connection: apsw.Connection, parcel: Parcel) -> list[str]:
    """Delete the row, and with the last row its message; the files that are now nobody's."""
    connection.execute("DELETE FROM parcel WHERE id = ?", (parcel.id,))
    return [file for (file,) in connection.execute(_LAST, (parcel.message_id,)) if isinstance(file, str)]


def _parcel(row: Row, message: _Message) -> Parcel:
    number, message_id, address, notify, orcpt, decision, attempts = row
    return Parcel(
        id=number,
        message_id=message_id,
        envelope=message.envelope,
        addressee=Addressee(address, notify, orcpt),
        message=message.body,
        attempts=attempts,
        accepted_at=message.accepted_at,
        expires_at=message.expires_at,
        decision=Ref(decision),
    )
