"""The figures of all workers of a machine, whichever of them is asked: each leaves its own in a file for the others to read.

Every line of a worker is marked with its number, so that sums are the reader's own; a worker that left no figures lately has died,
and says nothing any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

EVERY = 5.0
STALE = 30.0
"""Seconds between two writings of a worker's file, and after which an old one no longer counts."""

_NAME = "figures-{}.prom"
_COMMENT, _FAMILY = "# ", "# HELP "

Figures = Callable[[], tuple[str, bytes]]
"""Content type and body of `/metrics`."""


class Together:
    """The figures of the workers that share a data folder; `own` are those of this one."""

    def __init__(self, folder: Path, worker: int, own: Figures) -> None:
        self._folder = folder
        self._worker = worker
        self._own = own

    async def run(self) -> None:
        """Leave our figures for the others, for as long as the process lives."""
        while True:
            with suppress(OSError):  # a full disk is told by what must be written; figures wait
                await asyncio.to_thread(self._leave, self._own()[1])
            await asyncio.sleep(EVERY)

    def figures(self) -> tuple[str, bytes]:
        """Everybody's, ours as they are now."""
        kind, own = self._own()
        return kind, merged({**self._others(), str(self._worker): own.decode()}).encode()

    def _leave(self, own: bytes) -> None:
        path = self._folder / _NAME.format(self._worker)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(own)
        fresh.replace(path)

    def _others(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted(self._folder.glob(_NAME.format("*"))):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime < STALE:
                    found[path.stem.removeprefix("figures-")] = path.read_text()
        return found


def merged(texts: Mapping[str, str]) -> str:
    """Several processes' figures as one text, each family of lines in one place, as the format wants it."""
    families: dict[str, tuple[list[str], list[str]]] = {}
    for worker, text in texts.items():
        name = ""
        for line in text.splitlines():
            if line.startswith(_FAMILY):
                name = line
            about, lines = families.setdefault(name, ([], []))
            if not line.startswith(_COMMENT):
                lines.append(_marked(line, worker))
            elif line not in about:
                about.append(line)
    return "".join(f"{line}\n" for about, lines in families.values() for line in (*about, *lines))


def _marked(line: str, worker: str) -> str:
    """A line with the worker among its labels; no name of a figure holds a brace."""
    name, brace, rest = line.partition("{")
    if brace:
        return f'{name}{{worker="{worker}",{rest}'
    name, _, value = line.partition(" ")
    return f'{name}{{worker="{worker}"}} {value}'
