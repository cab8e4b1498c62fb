"""Opens one SQLite connection the way every store of ours needs it: WAL, FULL, private files, patience when another process writes.

Knows nothing of tables. All of apsw's errors stay inside this folder; `Refused` says why a file was not opened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from gateway.flow.ports import Unavailable

WRITE_PATIENCE = 5.0
READ_PATIENCE = 0.05
"""Seconds to wait for another process; a read runs on the event loop, so it gives up soon."""

_PAGES_CACHED_KIB = 8192
_MAPPED_BYTES = 64 * 1024 * 1024


class Refused(Unavailable):
    """The file must not be used: `what` is a sentence for the person who starts the gateway."""


def connect(path: Path, patience: float) -> apsw.Connection:
    """A connection in WAL mode that waits up to `patience` seconds for a lock; the caller closes it."""
    private_file(path)
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200)
        connection.set_busy_handler(_waiter(patience))
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=0",
            "secure_delete=ON",
            "foreign_keys=OFF",
            "temp_store=MEMORY",
            f"cache_size=-{_PAGES_CACHED_KIB}",
            f"mmap_size={_MAPPED_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except apsw.Error as error:
        raise Refused(f"{path.name} cannot be opened: {type(error).__name__}") from error
    return connection


def raise_schema(connection: apsw.Connection, path: Path, steps: Sequence[str]) -> None:
    """Bring the file's schema to version `len(steps)`, each step once; a newer schema than ours refuses to open."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        version = int(str(connection.pragma("user_version")))
        if version <= len(steps):
            for step in steps[version:]:
                connection.execute(step).fetchall()
            connection.pragma("user_version", len(steps))
        connection.execute("COMMIT")
    except apsw.Error as error:
        raise Refused(f"{path.name} cannot be prepared: {type(error).__name__}") from error
    if version > len(steps):
        raise Refused(f"{path.name} has schema {version}, this gateway knows {len(steps)}: it was written by a newer gateway")


def private_file(path: Path) -> None:
    """Create the file (0600) and its folder (0700) when absent; SQLite gives -wal and -shm the file's own mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Refused(f"{path.name} cannot be created: {error.strerror}") from error


def _waiter(patience: float) -> Callable[[int], bool]:
    """A busy handler with short, uneven sleeps: SQLite's own waits up to 100 ms where a commit takes one."""
    deadline = 0.0

    def wait(tries: int) -> bool:
        nonlocal deadline
        now = time.monotonic()
        if tries == 0:
            deadline = now + patience
        if now >= deadline:
            return False
        time.sleep(0.0002 * (1 + tries % 5))
        return True

    return wait
