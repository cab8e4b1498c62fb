"""A small file of notes beside a store, which stays where it is when the store is put back; knows no table.

What is written durably is on disk under the file's own name when that returns, or it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw

from gateway.edges.store.connection import connect, raise_schema
from gateway.flow.ports import Unavailable

_CHECKPOINT_PAGES = 1_000
_BREAKING = (apsw.CorruptError, apsw.IOError, apsw.NotADBError)


class NotesFile:
    """The open file, made where there is none; raises `Refused` where it cannot be used."""

    def __init__(self, path: Path, steps: Sequence[str]) -> None:
        self._path = path.resolve()
        self._broken = False
        self.connection = connect(path)
        self._opened = self._named()
        raise_schema(self.connection, path, steps)
        self.connection.wal_autocheckpoint(_CHECKPOINT_PAGES)

    @property
    def inode(self) -> str:
        """Tells this file from a copy of it."""
        return str(self._opened[1])

    def rows(self, sql: str, bindings: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        try:
            return self.connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise Unavailable("store") from error

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Callable[..., apsw.Cursor]]:
        """One transaction; one that is not durable is so with the next that is, and may be lost with the machine until then."""
        if self._broken or (durable and self._named() != self._opened):  # SQLite would go on writing to a file that has no name
            raise Unavailable("store")
        try:
            self.connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}").fetchall()
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection.execute
            self.connection.execute("COMMIT")
        except apsw.Error as error:
            # What a failed fsync left on disk is unknown, and asking again would lie (reliability 1.4).
            self._broken = isinstance(error, _BREAKING)
            raise Unavailable("store") from error
        finally:
            self._undo()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def _named(self) -> tuple[int, int]:
        """Which file has our name now."""
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino

    def _undo(self) -> None:
        if self.connection.in_transaction:
            with suppress(apsw.Error):
                self.connection.execute("ROLLBACK")
