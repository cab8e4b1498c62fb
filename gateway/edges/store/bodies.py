"""Large bodies of the spool as files: `tmp/` -> fsync -> `new/` -> fsync of the folder, so that a row never names half a file.

Blocking: the spool calls it in a thread. Every answer of the system counts; a failed fsync is never asked again (reliability 1.4).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from gateway.flow.ports import Unavailable


class Bodies:
    """The folder of one spool's large bodies, one file each."""

    def __init__(self, folder: Path) -> None:
        self._tmp = folder / "tmp"
        self._new = folder / "new"
        for one in (folder, self._tmp, self._new):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, body: bytes) -> str:
        """Write the body durably and return its file's name; nothing is left behind when that fails."""
        name = secrets.token_hex(16)
        draft = self._tmp / name
        try:
            _write(draft, body)
            draft.rename(self._new / name)
            _sync_folder(self._new)
        except OSError as error:
            for path in (draft, self._new / name):
                path.unlink(missing_ok=True)
            raise Unavailable("spool") from error
        return name

    def read(self, name: str) -> bytes | None:
        """The body, or None when the file cannot be read."""
        try:
            return (self._new / name).read_bytes()
        except OSError:
            return None

    def drop(self, names: Iterable[str]) -> None:
        """Remove files; one that is gone already, or cannot go now, is left to the next `sweep`."""
        for name in names:
            try:
                (self._new / name).unlink(missing_ok=True)
            except OSError:
                continue

    def sweep(self, known: Iterable[str]) -> frozenset[str]:
        """Remove the files that no row names, and return the names that have no file."""
        here = {path.name for path in self._new.iterdir()}
        wanted = frozenset(known)
        for path in self._tmp.iterdir():
            path.unlink()
        self.drop(here - wanted)
        return wanted - here


def _write(path: Path, body: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        left = memoryview(body)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
