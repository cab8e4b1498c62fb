"""Writes the changes of the way back: notes to be told, tasks, routes, runs of failures, what was done once, cursors.

Runs inside the commit that also holds the journal's events. Decides nothing; what is too old goes with what comes, without a timer.
"""

from __future__ import annotations

from typing import assert_never
from zlib import crc32

import apsw

from gateway.core.change import (
    Alarmed,
    Discard,
    Errand,
    KeepRoutes,
    MoveCursor,
    NoteDone,
    NoteSoft,
    OpenTask,
    Remember,
    Tell,
    TryAgain,
)
from gateway.edges.store import office
from gateway.edges.store.database import Row
from gateway.edges.store.instant import micros
from gateway.edges.store.marks import ERASED, count, erased

Back = Tell | NoteDone | TryAgain | Alarmed | OpenTask | KeepRoutes | NoteSoft | Remember | MoveCursor | Discard

_DAY = 24 * 3600 * 1_000_000
REMEMBERED_FOR = 100 * _DAY
ROUTES_FOR = 60 * _DAY

# A note that waits already stays as it is, but for an address that was not known then.
_TELL = """
    INSERT INTO outbox (partner, person, advertiser, scope, at, errand, sealed_address, attempts, due_at, said, alarmed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce((
        SELECT sealed_address FROM consent WHERE person = ?2 AND sealed_address != x'' ORDER BY id DESC LIMIT 1
    ), x''), 0, ?5, '', 0)
    ON CONFLICT DO UPDATE SET sealed_address = excluded.sealed_address WHERE sealed_address = x''
"""
_END = """
    INSERT INTO told SELECT id, partner, person, advertiser, scope, at, errand, attempts, said, alarmed, ?2, ?3, ?4
    FROM outbox WHERE id = ?1
"""
_ENDED = "DELETE FROM outbox WHERE id = ? RETURNING person, partner, errand, sealed_address"
_FIRED = "DELETE FROM own_unsubscribe WHERE person = ? AND stream = ?"
_TRY_AGAIN = "UPDATE outbox SET attempts = attempts + 1, due_at = ?2, said = ?3 WHERE id = ?1"
_ALARMED = "UPDATE outbox SET alarmed = max(alarmed, ?2) WHERE id = ?1"

# The text of a task whose person was forgotten meanwhile goes when the task is closed, whatever the closer still holds.
_TASK = """
    INSERT INTO task (
        id, kind, person, advertiser, stream, asks, note, opened_at, due_at, reminded_at, told_at, closed_at, closed_by, outcome,
        forgotten, sealed
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
    ON CONFLICT (id) DO UPDATE SET
        kind = excluded.kind, person = excluded.person, advertiser = excluded.advertiser, stream = excluded.stream,
        asks = excluded.asks, note = excluded.note, opened_at = excluded.opened_at, due_at = excluded.due_at,
        reminded_at = excluded.reminded_at, told_at = excluded.told_at, closed_at = excluded.closed_at,
        closed_by = excluded.closed_by, outcome = excluded.outcome,
        sealed = iif(forgotten AND excluded.closed_at IS NOT NULL, x'', excluded.sealed)
    RETURNING forgotten AND closed_at IS NOT NULL
"""

_ROUTES = """
    INSERT INTO routes VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET sealed = excluded.sealed, at = excluded.at WHERE excluded.at >= at
"""
_SOFT = "REPLACE INTO soft_run VALUES (?, ?, ?, ?, ?)"
_SOFT_OVER = "DELETE FROM soft_run WHERE person = ? AND advertiser = ?"
_REMEMBER = "INSERT INTO remembered VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
_CURSOR = "REPLACE INTO cursor VALUES (?, ?)"
_DISCARD = "DELETE FROM kept WHERE id = ?"

# As for accepted keys: sixteen at one of eight that come. Keys may be any bytes, so their checksum says which is the eighth. What
# goes by age are digests and the sender's own addresses, encrypted: no table is compacted for them.
_OLD_ROUTES = "DELETE FROM routes WHERE (person, stream) IN (SELECT person, stream FROM routes WHERE at < ? ORDER BY at LIMIT 16)"
_OLD_REMEMBERED = "DELETE FROM remembered WHERE key IN (SELECT key FROM remembered WHERE at < ? ORDER BY at LIMIT 16)"


def write(connection: apsw.Connection, change: Back) -> None:
    """One change into its table."""
    match change:
        case KeepRoutes(person, stream, sealed, at):
            connection.execute(_ROUTES, (person, stream, sealed, micros(at)))
            if eighth(person):
                connection.execute(_OLD_ROUTES, (micros(at) - ROUTES_FOR,))
        case Remember(key, at):
            connection.execute(_REMEMBER, (key, micros(at)))
            if eighth(key):
                connection.execute(_OLD_REMEMBERED, (micros(at) - REMEMBERED_FOR,))
        case Tell(partner, person, advertiser, scope, at, errand):
            connection.execute(_TELL, (partner, person, advertiser, scope.value, micros(at), errand.value))
        case NoteDone():
            _end(connection, change)
        case TryAgain(note, due, said):
            connection.execute(_TRY_AGAIN, (note, micros(due), said))
        case Alarmed(note, hours):
            connection.execute(_ALARMED, (note, hours))
        case OpenTask(task):
            if connection.execute(_TASK, office.task_row(task)).fetchall()[0][0]:
                count(connection, ERASED + "task")
        case NoteSoft():
            _soft(connection, change)
        case MoveCursor(name, value):
            connection.execute(_CURSOR, (name, value))
        case Discard(kept):
            connection.execute(_DISCARD, (kept,))
            erased(connection, "kept")
        case _:
            assert_never(change)


def _end(connection: apsw.Connection, change: NoteDone) -> None:
    """The note becomes a receipt without the address; a tool's own unsubscribe has served, and comes with its next mail."""
    connection.execute(_END, (change.note, micros(change.at), change.receipt, int(change.done)))
    ended: list[Row] = connection.execute(_ENDED, (change.note,)).fetchall()
    for person, partner, errand, sealed in ended:
        if sealed:
            count(connection, ERASED + "outbox")
        if errand == Errand.TOOL:
            connection.execute(_FIRED, (person, partner))
            erased(connection, "own_unsubscribe")


def _soft(connection: apsw.Connection, change: NoteSoft) -> None:
    run = change.run
    if run is None:
        connection.execute(_SOFT_OVER, (change.person, change.advertiser))
    else:
        connection.execute(_SOFT, (change.person, change.advertiser, run.count, micros(run.first), micros(run.last)))


def eighth(key: bytes) -> bool:
    """Whether it is one of eight, whatever keys look like."""
    return crc32(key) & 7 == 0
