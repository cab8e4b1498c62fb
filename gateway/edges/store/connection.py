"""Opens one SQLite connection the way every store of ours needs it: WAL, FULL, private files, patience when another process writes.

Knows nothing of tables. All of apsw's errors stay inside this folder; `Refused` says why a file was not opened.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import apsw

from gateway.flow.ports import Unavailable

WRITE_PATIENCE = 5.0
READ_PATIENCE = 0.05
"""Seconds to wait for another process; a read runs on the event loop, so it gives up soon."""

_PRAGMAS = (
    "synchronous=FULL",
    "wal_autocheckpoint=0",
    "secure_delete=ON",
    "foreign_keys=OFF",
    "temp_store=MEMORY",
    f"cache_size=-{8 * 1024}",
    f"mmap_size={64 * 1024 * 1024}",
)


class Refused(Unavailable):
    """The file must not be used: `what` is a sentence for the person who starts the gateway."""


class Filling(Refused):
    """A copy is being put into the store, by hand or by a gateway; until it is whole nobody can use it."""


def connect(path: Path, patience: float = WRITE_PATIENCE) -> apsw.Connection:
    """A connection in WAL mode that waits up to `patience` seconds for another process's lock; the caller closes it."""
    private_file(path)
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=200)
        wait(connection, WRITE_PATIENCE)
        _into_wal(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.create_scalar_function("sha256", _sha256, 1, deterministic=True)
        wait(connection, patience)
    except apsw.Error as error:
        raise Refused(f"{path.name} cannot be opened: {type(error).__name__}") from error
    return connection


def wait(connection: apsw.Connection, patience: float) -> None:
    """Let every statement of this connection wait so many seconds for a lock, in short and uneven sleeps.

    SQLite's own handler sleeps up to 100 ms where a commit takes one.
    """
    deadline = 0.0

    def again(tries: int) -> bool:
        nonlocal deadline
        now = time.monotonic()
        if tries == 0:
            deadline = now + patience
        if now >= deadline:
            return False
        time.sleep(0.0002 * (1 + tries % 5))
        return True

    connection.set_busy_handler(again)


def _sha256(*text: apsw.SQLiteValue) -> bytes:
    """For schema steps: SQLite brings no such function along."""
    return sha256(str(text[0]).encode()).digest()


def _into_wal(connection: apsw.Connection) -> None:
    """Switch to WAL; several processes may do so at once, and SQLite then answers BUSY without asking its handler."""
    deadline = time.monotonic() + WRITE_PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.002)
        else:
            return


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
    """Create the file (0600) and its folder (0700) when absent; SQLite gives -wal and -shm the file's own mode.

    A file that exists is never opened here: closing it again would drop the locks SQLite holds for this whole process.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            path.chmod(0o600)
            return
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Refused(f"{path.name} cannot be created: {error.strerror}") from error
