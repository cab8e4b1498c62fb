"""Whether this machine has worked on a shared store since a file was its store: such a file does not know who opposed there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw

from gateway.edges.store.connection import Refused
from gateway.edges.store.lineage import held

NODE_JOURNAL = "node.db"
_REMEMBERED = "SELECT name, value FROM mark WHERE name IN ('epoch', 'seen')"
_HELD = "SELECT name, at FROM mark WHERE name = 'stand' OR name GLOB 'epoch:*' ORDER BY name"


def refuse_if_left_behind(database: Path) -> None:
    """Refuse a file, or a place where there is none yet, that does not hold the shared store as far as this machine last saw it."""
    notes = database.with_name(NODE_JOURNAL)
    if not notes.exists():
        return
    remembered = _marks(notes, _REMEMBERED)
    reached = _held(_marks(database, _HELD) if database.exists() else {}, remembered.get("epoch"))
    if int(remembered.get("seen", 0)) > reached:
        raise Refused(
            f"this machine has worked on a shared store since, and {database.name} does not know who opposed there: copy that store"
            f" back into an empty place (gateway store copy), or remove {notes} where it never counted"
        )


def _held(marks: Mapping[str, str | int], epoch: str | int | None) -> int:
    """Up to which stand the file holds that epoch, which a copy brings along: until the next one began. -1 where it has none of it.

    The stand of a file that never went through it says nothing: it counts other commits.
    """
    stand = int(marks.get("stand", 0))
    lineage = [(name.split(":", 2)[2], int(began)) for name, began in marks.items() if name != "stand"]
    current = {name: stand for name, _ in lineage[-1:]}
    return stand if epoch is None else (held(lineage) | current).get(str(epoch), -1)


def _marks(path: Path, sql: str) -> dict[str, str | int]:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(5_000)
            found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
            return dict(found)
        finally:
            connection.close()
    except apsw.Error as error:
        raise Refused(f"{path.name} cannot be read: {type(error).__name__}") from error
