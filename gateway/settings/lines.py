"""Finds on which line of a TOML text each table and key stands, so that a fault can be shown where it is.

It reads no values: `tomllib` does. Text that `tomllib` refuses may give any answer here, but never an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str, ...]

_SEGMENT = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEYS = rf"{_SEGMENT}(?:[ \t]*\.[ \t]*{_SEGMENT})*"
_HEADER = re.compile(rf"[ \t]*\[\[?[ \t]*({_KEYS})[ \t]*\]\]?[ \t]*(?:#.*)?")
_PAIR = re.compile(rf"[ \t]*({_KEYS})[ \t]*=")
_SKIP = re.compile(r'''"""|\'\'\'|"(?:[^"\\]|\\.)*"|'[^']*'|#|[\[\]{}]''')


def line_numbers(text: str) -> dict[Path, int]:
    """The first line of every table and key, counted from 1, by its path."""
    lines: dict[Path, int] = {}
    table: Path = ()
    inside = _Inside()
    for number, line in enumerate(text.split("\n"), 1):
        if not inside.anything:
            if header := _HEADER.fullmatch(line.rstrip("\r")):
                table = _split(header[1])
                _remember(lines, table, number)
                continue
            if pair := _PAIR.match(line):
                _remember(lines, table + _split(pair[1]), number)
                line = line[pair.end() :]
        inside.read(line)
    return lines


def nearest(lines: Mapping[Path, int], path: Path) -> int:
    """The line of the path, or of the nearest table around it; 1 when nothing is known."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


class _Inside:
    """Whether the next line continues a value: an open bracket, or a string of several lines."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def anything(self) -> bool:
        return bool(self._quote) or self._depth > 0

    def read(self, line: str) -> None:
        at = 0
        while True:
            if self._quote:
                end = line.find(self._quote, at)
                if end < 0:
                    return
                at, self._quote = end + 3, ""
            mark = _SKIP.search(line, at)
            if mark is None or mark[0] == "#":
                return
            at = mark.end()
            if mark[0] in ('"""', "'''"):
                self._quote = mark[0]
            elif mark[0] in "[{":
                self._depth += 1
            elif mark[0] in "]}":
                self._depth = max(0, self._depth - 1)


def _split(keys: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_SEGMENT, keys))


def _remember(lines: dict[Path, int], path: Path, number: int) -> None:
    for end in range(1, len(path) + 1):
        lines.setdefault(path[:end], number)
