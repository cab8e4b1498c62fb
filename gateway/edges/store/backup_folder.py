"""A folder of backups, each named by the second in which it was begun: which is the newest of ours, and which are too many.

What bears such a name and belongs to other keys, or was never proven, is nobody's here: it is neither counted nor removed.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.edges.store.backup_proof import FORM, Proof, Unreadable, read_proof, whole
from gateway.edges.store.copy_sqlite import drop
from gateway.edges.store.copying import Digest
from gateway.flow.backups import Made
from gateway.flow.ports import Unavailable

_NAME = re.compile(r"gateway-\d{8}T\d{6}Z\.db")
_LEFT_BEHIND = 86_400.0
"""Seconds after which a draft belongs to nobody who still works on it."""

Still = Callable[[], None]
"""Called now and then by work in a thread; raises where it is no longer wanted."""
Making = Callable[[Path, datetime, Still], Mapping[str, Digest]]
"""Puts a proven copy of the store at a path: what it holds."""


class Unwanted(Unavailable):
    """Whoever asked for the work has gone."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One of ours."""

    path: Path
    proof: Proof


def name_of(begun: datetime) -> str:
    """The name of a backup that was begun then (UTC)."""
    return f"gateway-{begun:%Y%m%dT%H%M%SZ}.db"


class BackupFolder:
    """`flow.backups.Shelf` over a folder; `keys` is the fingerprint of the keys that our backups belong to."""

    def __init__(self, folder: Path, keys: bytes, making: Making) -> None:
        self._folder = folder
        self._keys = keys
        self._making = making

    async def newest(self) -> datetime | None:
        """See `Shelf`; one that another release made does not count, as nobody could prove it."""
        found = await asyncio.to_thread(lambda: next(self._ours(), None))
        return found.proof.begun if found and found.proof.form == FORM else None

    async def make(self, at: datetime) -> Made:
        """See `Shelf`."""
        unwanted = threading.Event()

        def still() -> None:
            if unwanted.is_set():
                raise Unwanted("the backup")

        try:
            return await asyncio.to_thread(self._make, at, still)
        except OSError as error:
            raise Unavailable(f"the folder of backups: {error.strerror}") from error
        finally:
            unwanted.set()

    async def thin(self, keep: int) -> int:
        """See `Shelf`."""
        return await asyncio.to_thread(self._thin, keep)

    def last(self) -> Backup | Path | None:
        """The newest of ours; the path alone of one that may be ours, is as new, and cannot be read."""
        for path in self._named():
            try:
                proof = read_proof(path)
            except Unreadable:
                return path
            if proof and proof.keys == self._keys:
                return Backup(path, proof)
        return None

    def _make(self, at: datetime, still: Still) -> Made:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        found = self._making(self._folder / name_of(at), at, still)
        return Made(sum(one.rows for one in found.values()), whole(found))

    def _thin(self, keep: int) -> int:
        gone = list(self._ours())[keep:]
        for one in gone:
            with suppress(OSError):
                drop(one.path)
        return len(gone)

    def _sweep(self) -> None:
        """Drafts that a process left behind which was killed."""
        for draft in self._folder.glob("gateway-*Z.db.part"):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > _LEFT_BEHIND:
                    drop(draft)

    def _ours(self) -> Iterator[Backup]:
        """The newest first."""
        for path in self._named():
            with suppress(Unreadable):
                proof = read_proof(path)
                if proof and proof.keys == self._keys:
                    yield Backup(path, proof)

    def _named(self) -> list[Path]:
        try:
            names = [one.name for one in self._folder.iterdir() if _NAME.fullmatch(one.name)]
        except OSError:
            return []
        return [self._folder / name for name in sorted(names, reverse=True)]
