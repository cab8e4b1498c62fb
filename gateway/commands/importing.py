"""How any import runs: examined first, a bar while it goes, bad rows beside the file, a mark to resume from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.commands.console import progress, say, stop
from gateway.edges.csv_files import REJECT_COLUMNS, CsvFile, Rejects, Unreadable, examine, records
from gateway.flow.intake import Reader, Row, Scanned, Tally, take_in
from gateway.flow.ports import Book, Clock


@dataclass(frozen=True, slots=True)
class Source:
    """An examined file and the cells of its first record."""

    file: CsvFile
    first: tuple[str, ...]


def examine_source(path: Path) -> Source:
    """Look at the file before anything is opened; one that cannot be read is misuse."""
    try:
        file = examine(path)
        first = next(records(file), None)
    except Unreadable as error:
        stop(str(error), 2)
    if first is None:
        stop(f"{path.name} is empty.", 2)
    if any("\0" in cell for cell in first.cells):
        stop(f"{path.name} is no text file, or UTF-16: save it as UTF-8.", 2)
    return Source(file, first.cells)


def columns_of(source: Source) -> tuple[str, ...]:
    """The header's names; what a rejects file added to them is left out."""
    return tuple(name for name in (cell.strip().lower() for cell in source.first) if name not in REJECT_COLUMNS)


async def import_rows(
    source: Source, header: bool, resume: bool, book: Book, clock: Clock, reader: Reader[Scanned], width: int | None = None
) -> Tally:
    """Take the file in, from where an earlier import stopped if asked; returns what became of its rows."""
    columns = source.first[:width] if header else [f"column{number}" for number, _ in enumerate(source.first, 1)]
    mark = _Mark(source.file)
    start = mark.resumed() if resume else int(header)
    total = Tally()
    with Rejects(source.file, columns, append=resume) as rejects, progress(reader.what, source.file.lines) as bar:

        def reject(row: Row, why: str) -> None:
            rejects.add(row.line, row.cells[:width], why)

        rows = _cut(records(source.file, start), width)
        async for total in take_in(book, clock, reader, rows, source.file.sha256, reject):
            rejects.flush()
            mark.set(total.line)
            bar(total.line)
    mark.clear()
    _tell(total, rejects)
    return total


def _cut(rows: Iterator[Row], width: int | None) -> Iterator[Row]:
    """The rows without what a rejects file added to them."""
    return (Row(row.line, row.cells[:width], row.fault) for row in rows) if width else rows


class _Mark:
    """A small file beside the source: how far an import came, for `--resume`."""

    def __init__(self, file: CsvFile) -> None:
        self._sha256 = file.sha256
        self._path = file.path.with_name(file.path.name + ".progress")
        self._fresh = file.path.with_name(file.path.name + ".progress.new")

    def resumed(self) -> int:
        """The line after which to go on; misuse where there is nothing to resume, or the file is not the same."""
        try:
            told = json.loads(self._path.read_text())
        except (OSError, ValueError):
            stop(f"There is no import to resume: {self._path.name} is not there.", 2)
        if told.get("sha256") != self._sha256:
            stop("The file has changed since its import stopped: import it from its start.", 2)
        return int(told["line"])

    def set(self, line: int) -> None:
        """Remember the last line that is durably done; killed meanwhile, what was remembered before still stands."""
        self._fresh.write_text(json.dumps({"sha256": self._sha256, "line": line}))
        self._fresh.replace(self._path)

    def clear(self) -> None:
        """The import came to its end."""
        self._fresh.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


def _tell(total: Tally, rejects: Rejects) -> None:
    say(f"{total.rows} rows: {total.recorded} recorded, {total.known} known already, {total.rejected} rejected.")
    if total.unproven:
        say(f"{total.unproven} lack proof: kept as unproven, not usable for sending (R-FR-04).")
    if total.opposed:
        lines = ", ".join(map(str, total.opposed_lines)) + (", ..." if total.opposed > len(total.opposed_lines) else "")
        say(f"{total.opposed} are of people who opposed and stay opposed (R-FR-64): line {lines}.")
    if rejects.count:
        say(f"Rejected rows, with line and reason: {rejects.path}")


@contextmanager
def writing_csv(columns: Sequence[str]) -> Iterator[Callable[[Sequence[str]], object]]:
    """A CSV on stdout."""
    import csv
    import sys

    # CRLF as RFC 4180 says; a wording that holds a bare CR is quoted only then, on Python before 3.13
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(columns)
    yield writer.writerow
