"""Exported journals (JSON lines) and heads: what a third party needs to follow the chain without the store.

The event's canonical JSON is kept as a string, so that exactly the bytes that were hashed can be hashed again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.flow.ports import Entry

Head = tuple[str, int, bytes]
MAX_LINE = 1 << 20


class Malformed(Exception):
    """The file is no export of ours; the text names the line."""


def entry_line(entry: Entry) -> str:
    """One entry as a line of JSON."""
    fields = {
        "writer": entry.writer,
        "seq": entry.seq,
        "hash": entry.hash.hex(),
        "body": entry.body.decode("utf-8", "backslashreplace"),
    }
    return json.dumps(fields, ensure_ascii=False)


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of an exported journal, streamed."""
    for number, line in _lines(path):
        try:
            told = json.loads(line)
            yield Entry(str(told["writer"]), int(told["seq"]), str(told["body"]).encode(), bytes.fromhex(told["hash"]))
        except (ValueError, KeyError, TypeError):
            raise Malformed(f"{path}:{number}: not an entry of an exported journal.") from None


def write_heads(path: Path, heads: Iterable[Head]) -> None:
    """Write the heads, one JSON line a chain, and have them on disk."""
    with path.open("w", encoding="utf-8") as file:
        for writer, seq, last in heads:
            file.write(json.dumps({"writer": writer, "seq": seq, "hash": last.hex()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_heads(path: Path) -> list[Head]:
    """Heads exported earlier; files of several days may be joined."""
    heads: list[Head] = []
    for number, line in _lines(path):
        try:
            told = json.loads(line)
            heads.append((str(told["writer"]), int(told["seq"]), bytes.fromhex(told["hash"])))
        except (ValueError, KeyError, TypeError):
            raise Malformed(f"{path}:{number}: not a head.") from None
    return heads


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            number = 0
            while line := file.readline(MAX_LINE):
                number += 1
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError):
        raise Malformed(f"{path}: cannot be read as UTF-8 text.") from None
