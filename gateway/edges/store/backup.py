"""A copy of the embedded store's file while gateways write to it: page by page, of one moment, proven before it gets its name.

What it holds of people is what the database holds: it belongs apart from the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import apsw

from gateway.edges.store.connection import Refused, private_file
from gateway.edges.store.copy_sqlite import SqliteSource, drop, outside, refuse_taken, settle
from gateway.edges.store.copying import Digest, digest, looking

_PAGES = 4_000

Proving = Callable[[Path, Mapping[str, Digest]], None]
"""Told of a file that has no name yet, and of what was read back from it."""


def back_up(
    source: SqliteSource, path: Path, told: Callable[[], None] = lambda: None, proving: Proving = lambda _path, _found: None
) -> Mapping[str, Digest]:
    """Write the moment that the source shows into a new file, and what is in it; `told` is called now and then, and may raise.

    Raises `Refused` where something is at the path, or where what was written is not what was read.
    """
    refuse_taken(path)
    draft = path.with_name(path.name + ".part")
    drop(draft)
    try:
        private_file(draft)
        _copy_pages(source.connection, draft, told)
        found = _proven(source, draft, told)
        proving(draft, found)
        settle(draft, path)
    except BaseException:
        drop(draft)
        raise
    return found


def _copy_pages(connection: apsw.Connection, draft: Path, told: Callable[[], None]) -> None:
    with outside():
        into = apsw.Connection(str(draft))
        try:
            with into.backup("main", connection, "main") as pages:
                while not pages.done:
                    pages.step(_PAGES)
                    told()
        finally:
            into.close()


def _proven(source: SqliteSource, draft: Path, told: Callable[[], None]) -> Mapping[str, Digest]:
    copied = SqliteSource(draft)
    try:
        with outside():
            sound = copied.connection.execute("PRAGMA integrity_check").fetchall()
        found = digest(looking(copied.batches(), told))
    finally:
        copied.close()
    if sound != [("ok",)] or found != digest(looking(source.batches(), told)):
        raise Refused(f"{draft.name}: what was written is not what was read")
    return found
