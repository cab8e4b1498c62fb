"""One archive object in the making, and taken apart again: blocks, their index, and the run they are.

All of it computes and reads nothing; whoever calls keeps it off the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from gateway.core.evidence import written
from gateway.edges.archive import block, index
from gateway.edges.archive.block import Unfit
from gateway.flow.archive_ports import Run
from gateway.flow.ports import Entry


class _Notes:
    """What an index and a manifest say of entries: who is in which block, the first time and the last."""

    def __init__(self) -> None:
        self.people: dict[bytes, list[int]] = {}
        self._earliest = self._latest = b""

    def take(self, entries: Sequence[Entry], number: int) -> None:
        """Note a block; times are in UTC to the microsecond, so they sort as text."""
        for entry in entries:
            at, person = written(entry.body, "at"), written(entry.body, "person")
            self._earliest = min(at, self._earliest or at)
            self._latest = max(at, self._latest)
            if person:
                blocks = self.people.setdefault(_key(person), [])
                if not blocks or blocks[-1] != number:
                    blocks.append(number)

    def times(self) -> tuple[datetime, datetime]:
        """The first and the last; raises `Unfit` where an entry has none."""
        try:
            return datetime.fromisoformat(self._earliest.decode()), datetime.fromisoformat(self._latest.decode())
        except ValueError:
            raise Unfit("an entry without a time") from None


def _key(person: bytes) -> bytes:
    try:
        return bytes.fromhex(person.decode())
    except ValueError:
        raise Unfit("a person that is no key") from None


class Parcel:
    """Takes a run's entries in order; `content` and `index` are complete after `close`."""

    def __init__(self, writer: str, first: int, before: bytes) -> None:
        self.writer = writer
        self.first = first
        self.before = before
        self.entries = 0
        self.content = b""
        self.index = b""
        self._packed: list[bytes] = []
        self._waiting: list[Entry] = []
        self._ends: list[tuple[int, bytes]] = [(0, before)]
        self._notes = _Notes()

    def add(self, entries: Sequence[Entry]) -> None:
        """Put these behind the others; whole blocks are packed at once. Raises `Unfit` for what is no event of ours."""
        self.entries += len(entries)
        self._waiting += entries
        while len(self._waiting) >= block.ENTRIES:
            self._pack(self._waiting[: block.ENTRIES])
            del self._waiting[: block.ENTRIES]

    def close(self) -> Run:
        """Pack what waits; the run this is."""
        if self._waiting:
            self._pack(self._waiting)
            self._waiting = []
        self.content = b"".join(self._packed)
        self.index = index.build(self._ends, self._notes.people)
        last = self.first + self.entries - 1
        return _run(self.writer, (self.first, last), block.ENTRIES, self._ends, self._notes, self.content, self.index)

    def _pack(self, entries: Sequence[Entry]) -> None:
        packed = block.pack(entries)
        self._notes.take(entries, len(self._packed))
        self._packed.append(packed)
        self._ends.append((self._ends[-1][0] + len(packed), entries[-1].hash))


class Examination:
    """Takes an object apart whose every octet is in doubt; `Unfit` tells that it is none, or not whole."""

    def __init__(
        self, writer: str, ends: tuple[int, int], content: bytes, written_index: bytes, per_block: int = block.ENTRIES
    ) -> None:
        self._writer = writer
        self._first, self._last = ends
        self._content = content
        self._index = written_index
        self._per_block = per_block
        self._notes = _Notes()
        self._places: list[index.Place] = []

    def blocks(self) -> Iterator[list[Entry]]:
        """Its entries, block by block, each followed from the hash before it to the one behind it."""
        many = -(-(self._last - self._first + 1) // self._per_block)
        self._places = index.read_blocks(self._index[slice(*index.block_span(0, many))], 0)
        if len(self._places) != many:
            raise Unfit("cut")
        for number, place in enumerate(self._places):
            first, count = extent((self._first, self._last), self._per_block, number)
            packed = self._content[place.start : place.end]
            entries = block.unpack(packed, self._writer, first, count, place.before, place.last)
            self._notes.take(entries, number)
            yield entries

    def run(self) -> Run:
        """The run that it is, once all blocks were taken; the index must say exactly what the content does."""
        ends = [(place.start, place.before) for place in self._places]
        ends.append((self._places[-1].end, self._places[-1].last))
        if ends[0][0] != 0 or ends[-1][0] != len(self._content) or index.build(ends, self._notes.people) != self._index:
            raise Unfit("the index tells something else")
        span = (self._first, self._last)
        return _run(self._writer, span, self._per_block, ends, self._notes, self._content, self._index)


def recognise(writer: str, ends: tuple[int, int], content: bytes, written_index: bytes) -> Run:
    """The run that these bytes are; raises `Unfit`."""
    examination = Examination(writer, ends, content, written_index)
    for _ in examination.blocks():
        pass
    return examination.run()


def extent(ends: tuple[int, int], per_block: int, number: int) -> tuple[int, int]:
    """The number of a block's first entry, and how many entries it has."""
    first = ends[0] + number * per_block
    return first, min(per_block, ends[1] - first + 1)


def _run(
    writer: str,
    span: tuple[int, int],
    per_block: int,
    ends: Sequence[tuple[int, bytes]],
    notes: _Notes,
    content: bytes,
    written_index: bytes,
) -> Run:
    earliest, latest = notes.times()
    return Run(
        writer=writer,
        first=span[0],
        last=span[1],
        before=ends[0][1],
        hash=ends[-1][1],
        earliest=earliest,
        latest=latest,
        size=len(content),
        digest=sha256(content).digest(),
        index_size=len(written_index),
        index_digest=sha256(written_index).digest(),
        block=per_block,
        blocks=len(ends) - 1,
        buckets=index.buckets_for(len(notes.people)),
    )
