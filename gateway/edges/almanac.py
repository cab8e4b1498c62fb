"""Which day's work was done, in one small file beside the database, so that of several workers one does it, once a day.

A lock on the file keeps the others away while it runs, and dies with the process; the date is written when the work is done, so a
run cut short is done again. `gateway daily` holds the same lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

NAME = "daily.lock"


class Almanac:
    """The file `daily.lock` of a data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    @contextmanager
    def turn(self, today: date) -> Iterator[bool]:
        """Whether the work of this day is ours to do now; where it is and the block ends well, the day is done."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            ours = _locked(descriptor) and _done(descriptor) < today.isoformat()
            yield ours
            if ours:
                os.pwrite(descriptor, today.isoformat().encode(), 0)
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _done(descriptor: int) -> str:
    """The last day done, as ISO text sorts; empty before the first."""
    return os.pread(descriptor, len("2026-11-21"), 0).decode("ascii", "replace")
