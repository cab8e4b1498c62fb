"""Writes the tables anew in which something was erased, so that none of it is left in the files (R-DP-10).

SQLite zeroes what is deleted where it stands, and each page that becomes free (`secure_delete`); but where rows move to another
page, copies of them stay in the unused part of the old one. Emptying the table frees every page it has, and so zeroes all of them.
The journal, by far the largest table, holds nothing to erase and is left alone: other writes wait for one table at a time.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import apsw

from gateway.edges.store.database import Database
from gateway.edges.store.erase import drop_orphans
from gateway.edges.store.marks import ERASED, unmark
from gateway.flow.ports import Unavailable

_ERASED_IN = "SELECT name, at FROM mark WHERE name GLOB ? ORDER BY name"
_ASIDE = "CREATE TEMP TABLE aside AS SELECT * FROM main.{}"
_EMPTY = "DELETE FROM main.{}"
_BACK = "INSERT INTO main.{} SELECT * FROM aside"


async def compact(database: Database) -> None:
    """See `ports.Book`; does nothing where nothing was erased since the last time.

    Raises `Unavailable` where somebody reads from the log all the while; the tables stay marked then.
    """
    if _marks(database, "consent"):
        await database.write(drop_orphans)
    for name, times in _marks(database, "*"):
        if not await database.alone(partial(_rewritten, name, times, database.path.parent)):
            raise Unavailable("store")


def _marks(database: Database, table: str) -> list[tuple[str, int]]:
    return [(name, times) for name, times in database.rows(_ERASED_IN, (ERASED + table,))]


def _rewritten(name: str, times: int, folder: Path, connection: apsw.Connection) -> bool:
    """Rewrite a table and forget its mark: in one job, which comes to its end when nobody waits for it any more."""
    if not _rewrite(name.removeprefix(ERASED), folder, connection):
        return False
    unmark(connection, name, times)
    return True


def _rewrite(table: str, folder: Path, connection: apsw.Connection) -> bool:
    """Take the rows out and put them back, in one commit, and empty the log; whether the log could be emptied."""
    # What is put aside is as large as the table: beside the file, not in memory.
    connection.pragma("temp_store_directory", str(folder))
    connection.execute("PRAGMA temp_store=FILE").fetchall()
    try:
        connection.execute("BEGIN IMMEDIATE").fetchall()
        for statement in (_ASIDE, _EMPTY, _BACK, "DROP TABLE temp.aside", "COMMIT"):
            connection.execute(statement.format(table)).fetchall()
    except apsw.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK").fetchall()
        raise
    finally:
        connection.execute("PRAGMA temp_store=MEMORY").fetchall()
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    return not busy
