"""Leases in SQLite: one row each, which is never deleted, so that its number only grows; and the fence that commits ask.

Time is the machine's wall clock, read inside the transaction: all who share the file share it. A clock that was set back leaves
ends far ahead, so a lease that began later than now has ended too. Two who think they hold it do no harm: one has the number.
"""

from __future__ import annotations

from functools import partial
from time import time_ns

import apsw

from gateway.edges.store.database import Database, Row
from gateway.edges.store.writer import Job
from gateway.flow.lease_ports import Lease, Overtaken

_SECOND = 1_000_000

_HELD = "SELECT number, owner, begun, ends FROM lease WHERE name = ?"
_GIVE = "REPLACE INTO lease VALUES (?, ?, ?, ?, ?)"
_END = "UPDATE lease SET owner = '', ends = 0 WHERE name = ? AND number = ? AND owner = ?"
_NUMBER = "SELECT number FROM lease WHERE name = ?"


class SqliteLeases:
    """`lease_ports.Leases` over the file that the book writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
        """See `Leases`; what another holds is only read, and costs no write to disk."""
        return await self._database.write(partial(_take, name=name, owner=owner, seconds=seconds))

    async def release(self, lease: Lease, owner: str) -> None:
        """See `Leases`."""
        await self._database.write(partial(_release, lease=lease, owner=owner))


def fenced(lease: Lease, job: Job | None = None) -> Job:
    """The job, refused inside its own transaction where the lease has another number by now."""

    def write(connection: apsw.Connection) -> None:
        refuse_overtaken(connection, lease)
        if job is not None:
            job(connection)

    return write


def refuse_overtaken(connection: apsw.Connection, lease: Lease) -> None:
    """Raise Overtaken where the lease has another number by now, and by that undo the transaction."""
    found: list[Row] = connection.execute(_NUMBER, (lease.name,)).fetchall()
    if found != [(lease.number,)]:
        raise Overtaken(lease.name)


def _take(connection: apsw.Connection, name: str, owner: str, seconds: float) -> Lease | None:
    now = time_ns() // 1000
    held: list[Row] = connection.execute(_HELD, (name,)).fetchall()
    number, holder, begun, ends = held[0] if held else (0, "", 0, 0)
    if holder != owner:
        if begun <= now < ends and not _succeeds(owner, holder):
            return None
        number += 1
    connection.execute(_GIVE, (name, number, owner, now, now + int(seconds * _SECOND)))
    return Lease(name, number)


def _succeeds(owner: str, holder: str) -> bool:
    """Whether the owner is a later run of the holder's place, of which only one at a time lives."""
    place, _, run = owner.rpartition("/")
    before, _, its_run = holder.rpartition("/")
    return place != "" and place == before and run > its_run


def _release(connection: apsw.Connection, lease: Lease, owner: str) -> None:
    connection.execute(_END, (lease.name, lease.number, owner))
