"""Small things a store remembers by name: when something last happened, how often, and the stand with the time it was reached."""

from __future__ import annotations

from typing import Any

import apsw

FOREIGN_HASH = "foreign-hash"
PROBE = "probe"
STAND = "stand"
HISTORY = "history"
"""The stand from which on ends are kept: files of an earlier schema did not keep them."""
ERASED = "erased:"
"""Before a table's name: how often something was erased in it since it was last compacted."""

_MARK = "REPLACE INTO mark VALUES (?, ?)"
_COUNT = "INSERT INTO mark VALUES (?, 1) ON CONFLICT DO UPDATE SET at = at + 1"
_UNMARK = "DELETE FROM mark WHERE name = ? AND at = ?"
_ADVANCE = "INSERT INTO mark VALUES (?, 1) ON CONFLICT DO UPDATE SET at = at + 1 RETURNING at"
_STOOD = "INSERT INTO stood VALUES (?1, max(?2, coalesce((SELECT at FROM stood WHERE stand = ?1 - 1), 0)))"


def mark(connection: apsw.Connection, name: str, at: int) -> None:
    """Remember when something last happened."""
    connection.execute(_MARK, (name, at))


def count(connection: apsw.Connection, name: str) -> None:
    """Remember that something happened once more."""
    connection.execute(_COUNT, (name,))


def erased(connection: apsw.Connection, table: str) -> None:
    """Remember that the last statement erased something in this table, if it did."""
    if connection.changes():
        count(connection, ERASED + table)


def unmark(connection: apsw.Connection, name: str, at: int) -> None:
    """Forget that it happened, unless it did again since `at` was read."""
    connection.execute(_UNMARK, (name, at))


def advance(connection: apsw.Connection, at: int) -> int:
    """Count one more commit that facts may read otherwise after, made at `at`; its stand. Times never go back."""
    counted: list[tuple[Any, ...]] = connection.execute(_ADVANCE, (STAND,)).fetchall()
    stand = int(counted[0][0])
    connection.execute(_STOOD, (stand, at))
    return stand
