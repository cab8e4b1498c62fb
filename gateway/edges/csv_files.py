"""CSV files as other tools export them: any usual encoding and delimiter, read as a stream, hostile lines bounded.

A file is read twice: once for its digest and its encoding, once for its rows. What cannot be read goes to a rejects file, with its
line and reason, so that it can be corrected there and imported again.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

from gateway.flow.intake import Row

MAX_FILE = 1_000_000_000
"""A million rows with their wording fit; nothing of a file stays in memory, so the bound only stops a mistaken one."""

MAX_RECORD = 64 * 1024
MAX_RECORD_LINES = 50
"""One record may hold line breaks inside quotes; more lines than this mean that a quote was never closed."""

REJECT_COLUMNS = ("rejected_line", "rejected_reason")
"""Added to a rejects file; ignored when such a file is imported again."""

_CHUNK = 1024 * 1024
_DELIMITERS = ";,\t"


class Unreadable(Exception):
    """The file cannot be imported at all; the text is a sentence without any of its content."""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """What the first reading told."""

    path: Path
    sha256: str
    encoding: str
    delimiter: str
    lines: int


def examine(path: Path, max_size: int = MAX_FILE) -> CsvFile:
    """Read the file once: its digest, and which encoding and delimiter it was written with."""
    digest, decoder, utf8, size, lines = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), True, 0, 1
    try:
        with path.open("rb") as file:
            first = file.read(_CHUNK)
            chunk = first
            while chunk:
                size += len(chunk)
                lines += chunk.count(b"\n")
                if size > max_size:
                    raise Unreadable(f"{path.name} is larger than {max_size // 1_000_000} MB: split it.")
                digest.update(chunk)
                utf8 = utf8 and _decodes(decoder, chunk)
                chunk = file.read(_CHUNK)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}.") from None
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(f"{path.name} is UTF-16: save it as UTF-8.")
    encoding = "utf-8-sig" if utf8 and _decodes(decoder, b"", final=True) else "cp1252"
    header = first.partition(b"\n")[0].decode(encoding, "replace")
    return CsvFile(path, digest.hexdigest(), encoding, max(_DELIMITERS, key=header.count), lines)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def records(file: CsvFile, after: int = 0) -> Iterator[Row]:
    """The records whose first line comes after line `after`, blank lines left out."""
    with file.path.open(encoding=file.encoding, errors="replace", newline="") as text:
        for record in _assemble(_numbered(text), file.delimiter):
            if record.line > after:
                yield record


def _numbered(text: TextIO) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; of an endless line only the beginning is kept."""
    number = 0
    while line := text.readline(MAX_RECORD + 1):
        number += 1
        rest = line
        while len(rest) > MAX_RECORD and not rest.endswith("\n"):
            rest = text.readline(MAX_RECORD + 1)
        yield number, line


def _assemble(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """Join lines while a quote is open; where it is never closed, only its first line is at fault."""
    ahead: deque[tuple[int, str]] = deque()
    while first := _take(ahead, lines):
        number, text = first
        more: list[tuple[int, str]] = []
        while _open_quote(text) and len(text) <= MAX_RECORD and len(more) < MAX_RECORD_LINES and (following := _take(ahead, lines)):
            more.append(following)
            text += following[1]
        fault = ""
        if more and _open_quote(text):
            ahead.extendleft(reversed(more))
            text = first[1]
        if _open_quote(text):
            fault = "a quote is never closed"
        if record := _record(number, text, delimiter, fault):
            yield record


def _take(ahead: deque[tuple[int, str]], lines: Iterator[tuple[int, str]]) -> tuple[int, str] | None:
    return ahead.popleft() if ahead else next(lines, None)


def _open_quote(text: str) -> bool:
    return text.count('"') % 2 == 1


def _record(number: int, text: str, delimiter: str, fault: str) -> Row | None:
    """The record of this text; None for a blank line."""
    if not text.strip():
        return None
    if len(text) > MAX_RECORD:
        return Row(number, (text[:200],), f"a record is longer than {MAX_RECORD} characters")
    if fault:
        return Row(number, (text.rstrip("\r\n"),), fault)
    csv.field_size_limit(MAX_RECORD)
    try:
        cells = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return Row(number, (text[:200],), "not CSV")
    return Row(number, tuple(cells)) if any(cell and not cell.isspace() for cell in cells) else None


class Rejects:
    """Writes rejected records beside the file that was imported, readable by its owner only; makes no file when there are none."""

    def __init__(self, source: CsvFile, columns: Sequence[str], append: bool) -> None:
        self.path = source.path.with_name(source.path.name + ".rejects.csv")
        self.count = 0
        self._delimiter = source.delimiter
        self._columns = columns
        self._append = append and self.path.exists()
        self._file: TextIO | None = None
        if not append:
            self.path.unlink(missing_ok=True)

    def add(self, line: int, cells: Sequence[str], reason: str) -> None:
        """Keep one record and why it was not imported."""
        if self._file is None:
            self._file = self._open()
        padded = [*cells, *[""] * (len(self._columns) - len(cells))]
        csv.writer(self._file, delimiter=self._delimiter).writerow([*padded, line, reason])
        self.count += 1

    def flush(self) -> None:
        """Put what was rejected so far on disk."""
        if self._file is not None:
            self._file.flush()

    def _open(self) -> TextIO:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        if not self._append:
            csv.writer(file, delimiter=self._delimiter).writerow([*self._columns, *REJECT_COLUMNS])
        return file

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
