"""An archive in a local folder (or one that is mounted): temporary file, fsync, a name of its own, fsync of the folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import ENOTDIR
from pathlib import Path
from typing import TypeVar

from gateway.edges.archive.shelf import MOST, Span, Taken
from gateway.flow.archive_ports import Damaged
from gateway.flow.ports import Unavailable

T = TypeVar("T")
_TEMPORARY = ".unfinished"


class Folder:
    """`Shelf` in the file system; each call is one visit to a thread. Files are their owner's alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, content: bytes) -> None:
        """See `Shelf`; what a run left unfinished under this name goes."""
        await self._away(name, lambda path: _put(path, content))

    async def get(self, name: str) -> bytes:
        """See `Shelf`."""
        return await self._away(name, _get)

    async def parts(self, name: str, spans: Sequence[Span]) -> Sequence[bytes]:
        """See `Shelf`."""
        found = await self._away(name, lambda path: _parts(path, spans))
        if [len(part) for part in found] != [end - start for start, end in spans]:
            raise Damaged(f"archive: {name} is cut")
        return found

    async def names(self, prefix: str) -> Sequence[str]:
        """See `Shelf`."""
        return await self._away(prefix, lambda path: _names(path, self._root))

    async def remove(self, name: str) -> None:
        """See `Shelf`."""
        with suppress(Unavailable):
            await self._away(name, lambda path: path.unlink(missing_ok=True))

    async def _away(self, name: str, act: Callable[[Path], T]) -> T:
        try:
            return await asyncio.to_thread(act, self._root / name)
        except FileExistsError:
            raise Taken from None
        except FileNotFoundError:
            raise Damaged(f"archive: {name} is missing") from None
        except PermissionError:
            raise Unavailable(f"archive: {name} may not be read or written") from None
        except OSError as error:
            raise Unavailable(f"archive: {error.strerror}") from error


def _put(path: Path, content: bytes) -> None:
    missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    for folder in (*reversed(missing), path.parent):
        _make(folder)
    temporary = path.with_name(path.name + _TEMPORARY)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _settle(temporary, path)
    for folder in {path.parent, *(one.parent for one in missing)}:
        _sync(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)  # one by one: for parents made on the way, the mode would not count
    except FileExistsError:
        raise NotADirectoryError(ENOTDIR, "a file is where its folder should be") from None


def _settle(temporary: Path, path: Path) -> None:
    """Give the file its name, unless there is one of that name."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        temporary.unlink()
        raise
    except OSError:  # a file system without hard links: two runs at once are kept apart by their lease alone
        if path.exists():
            temporary.unlink()
            raise FileExistsError from None
        temporary.rename(path)
    else:
        temporary.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _get(path: Path) -> bytes:
    if path.stat().st_size > MOST:
        raise OSError(0, "an object is too large to be one of ours")
    return path.read_bytes()


def _parts(path: Path, spans: Sequence[Span]) -> list[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return [os.pread(descriptor, end - start, start) for start, end in spans]
    finally:
        os.close(descriptor)


def _names(path: Path, root: Path) -> list[str]:
    if not path.is_dir():
        return []
    return sorted(one.relative_to(root).as_posix() for one in path.iterdir() if one.is_file() and one.suffix != _TEMPORARY)
