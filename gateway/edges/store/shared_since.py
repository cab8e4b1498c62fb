"""Whether this machine has worked on a shared store since a file was its store: such a file does not know who opposed there."""

from __future__ import annotations

from pathlib import Path

import apsw

from gateway.edges.store.connection import Refused

NODE_JOURNAL = "node.db"
_SEEN = "SELECT value FROM mark WHERE name = 'seen'"
_STAND = "SELECT at FROM mark WHERE name = 'stand'"


def refuse_if_left_behind(database: Path) -> None:
    """Refuse a file, or a place where there is none yet, that has not come as far as the shared store this machine last saw."""
    notes = database.with_name(NODE_JOURNAL)
    if not notes.exists():
        return
    if _number(notes, _SEEN) > (_number(database, _STAND) if database.exists() else 0):
        raise Refused(
            f"this machine has worked on a shared store since, and {database.name} does not know who opposed there: copy that store"
            f" back into an empty place (gateway store copy), or remove {notes} where it never counted"
        )


def _number(path: Path, sql: str) -> int:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(5_000)
            found = connection.execute(sql).fetchone()
        finally:
            connection.close()
    except apsw.Error as error:
        raise Refused(f"{path.name} cannot be read: {type(error).__name__}") from error
    return int(found[0]) if found else 0
