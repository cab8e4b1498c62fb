"""`Archive` on a shelf: writes runs and manifests, reads single blocks, and proves whole objects.

Unpacking and following a chain is done in threads. Nothing is ever written over; what is found to be there already counts only
where it is the same, octet for octet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from gateway.core.evidence import Break, written
from gateway.core.model import PersonKey
from gateway.edges.archive import block, index, manifest
from gateway.edges.archive.block import Unfit
from gateway.edges.archive.manifest import Manifest
from gateway.edges.archive.parcel import Examination, Parcel, extent, recognise
from gateway.edges.archive.shelf import Shelf, Taken
from gateway.flow.archive_ports import Damaged, Run, Sealing
from gateway.flow.ports import Entry, Unavailable

T = TypeVar("T")
AT_ONCE = 16
"""Runs looked into at once for a person: as many requests are under way to a bucket."""
STRETCH = 32
"""Blocks fetched at once when reading on: about a megabyte."""
KEPT_MANIFESTS = 5
_BUSY = "archive: another run has written a manifest meanwhile; nothing was lost, run it again"


class Sealed:
    """`Sealing` that packs in a thread."""

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel

    @property
    def entries(self) -> int:
        """See `Sealing`."""
        return self.parcel.entries

    async def add(self, entries: Sequence[Entry]) -> None:
        """See `Sealing`."""
        await self._apart(partial(self.parcel.add, entries))

    async def close(self) -> Run:
        """The run, whole."""
        return await self._apart(self.parcel.close)

    async def _apart(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except Unfit as fault:
            raise Unavailable(f"archive: {self.parcel.writer} has an entry that is no event of ours: {fault}") from None


class ShelvedArchive:
    """`archive_ports.Archive`; the newest manifest is kept in mind and read again when there is a newer one."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._manifest = Manifest()

    # What there is

    async def runs(self) -> Sequence[Run]:
        """See `Archive`."""
        return (await self._newest()).runs

    async def found(self, writer: str, first: int) -> Sequence[Run]:
        """See `Archive`."""
        named = {manifest.content_name(run.writer, run.first, run.last) for run in self._manifest.runs}
        names = [name for name in await self._shelf.names(manifest.folder_of(writer)) if name not in named]
        ends = sorted({found[1:] for name in names if (found := manifest.ends_of(name)) and found[:2] == (writer, first)})
        runs = [await self._recognised(writer, one) for one in reversed(ends)]
        return [run for run in runs if run is not None]

    async def _recognised(self, writer: str, ends: tuple[int, int]) -> Run | None:
        """The run that lies under this name; None where its index was not written, or something else is there."""
        try:
            content = await self._shelf.get(manifest.content_name(writer, *ends))
            told = await self._shelf.get(manifest.index_name(writer, *ends))
            return await asyncio.to_thread(recognise, writer, ends, content, told)
        except (Damaged, Unfit):
            return None

    async def _newest(self) -> Manifest:
        number = manifest.newest(await self._shelf.names(manifest.FOLDER))
        if number != self._manifest.number:
            name = Manifest(number).name()
            try:
                self._manifest = manifest.read(await self._shelf.get(name), number) if number else Manifest()
            except Unfit as fault:
                raise Damaged(f"archive: {name} is damaged: {fault}") from None
        return self._manifest

    # Writing

    def begin(self, writer: str, first: int, before: bytes) -> Sealed:
        """See `Archive`."""
        return Sealed(Parcel(writer, first, before))

    async def keep(self, sealing: Sealing) -> Run:
        """See `Archive`."""
        if not isinstance(sealing, Sealed):
            raise TypeError
        parcel, run = sealing.parcel, await sealing.close()
        content, told = _names(run)
        await self._put(content, parcel.content)
        await self._put(told, parcel.index)
        try:
            read = await self._shelf.get(content), await self._shelf.get(told)
            again = await asyncio.to_thread(recognise, run.writer, (run.first, run.last), *read)
        except Unfit:
            again = None
        if again != run:
            raise Damaged(f"archive: {content} cannot be read back as it was written")
        return run

    async def name(self, run: Run) -> None:
        """See `Archive`."""
        try:
            following, text = (await self._newest()).with_run(run)
        except Unfit:
            raise Unavailable(_BUSY) from None
        try:
            await self._put(following.name(), text)
        except Damaged:
            raise Unavailable(_BUSY) from None
        if run not in (await self._newest()).runs:
            raise Unavailable(_BUSY)
        for number in manifest.numbers(await self._shelf.names(manifest.FOLDER)):
            if number <= self._manifest.number - KEPT_MANIFESTS:
                await self._shelf.remove(Manifest(number).name())

    async def _put(self, name: str, content: bytes) -> None:
        """Write it, or find it written: by a run that was interrupted, or by a request whose answer was lost."""
        try:
            await self._shelf.put(name, content)
        except Taken:
            if await self._shelf.get(name) != content:
                raise Damaged(f"archive: {name} is there already, and is something else") from None

    # Reading

    async def entries(self, run: Run, after: int = 0) -> AsyncIterator[Entry]:
        """See `Archive`."""
        start = max(0, after + 1 - run.first) // run.block
        for first in range(start, run.blocks, STRETCH):
            for entry in await self._blocks(run, range(first, min(run.blocks, first + STRETCH))):
                if entry.seq > after:
                    yield entry

    async def entry(self, run: Run, number: int) -> Entry:
        """See `Archive`."""
        at = (number - run.first) // run.block
        return next(entry for entry in await self._blocks(run, range(at, at + 1)) if entry.seq == number)

    async def of_person(self, runs: Sequence[Run], person: PersonKey) -> Sequence[Entry]:
        """See `Archive`."""
        found: list[Entry] = []
        for first in range(0, len(runs), AT_ONCE):
            asked = (self._of_person(run, person) for run in runs[first : first + AT_ONCE])
            for entries in await asyncio.gather(*asked):
                found += entries
        return found

    async def _of_person(self, run: Run, person: PersonKey) -> list[Entry]:
        name = _names(run)[1]
        try:
            (record,) = await self._shelf.parts(name, [index.bucket_span(person, run.blocks, run.buckets)])
            span, check = index.read_bucket(record, run.blocks, run.buckets)
            (bucket,) = await self._shelf.parts(name, [_within(span, run.index_size)]) if span[0] < span[1] else (b"",)
            numbers = index.find(bucket, check, person, run.buckets)
        except Unfit as fault:
            raise Damaged(f"archive: {name} is damaged: {fault}") from None
        key, found = person.hex().encode(), list[Entry]()
        for first in range(0, len(numbers), STRETCH):  # a mailbox of ours may be in every block
            entries = await self._blocks(run, numbers[first : first + STRETCH])
            found += [entry for entry in entries if written(entry.body, "person") == key]
        return found

    async def _blocks(self, run: Run, numbers: Sequence[int]) -> list[Entry]:
        """The entries of these blocks: one look into the index, one into the content."""
        if not numbers:
            return []
        content, told = _names(run)
        try:
            records = await self._shelf.parts(told, [_within(index.block_span(number), run.index_size) for number in numbers])
            places = [index.read_blocks(record, number)[0] for record, number in zip(records, numbers, strict=True)]
            packed = await self._shelf.parts(content, [_within((place.start, place.end), run.size) for place in places])
            return await asyncio.to_thread(_unpacked, run, numbers, places, packed)
        except Unfit as fault:
            raise Damaged(f"archive: {content} is damaged: {fault}") from None

    async def proven(self, run: Run) -> AsyncIterator[Entry | Break]:
        """See `Archive`."""
        content, told = _names(run)
        try:
            parts = await self._shelf.get(content), await self._shelf.get(told)
            examination = Examination(run.writer, (run.first, run.last), *parts, run.block)
            blocks = examination.blocks()
            while (entries := await asyncio.to_thread(next, blocks, None)) is not None:
                for entry in entries:
                    yield entry
            if await asyncio.to_thread(examination.run) != run:
                raise Unfit("other octets than the manifest names")
        except Damaged as fault:
            yield Break(run.writer, run.first, fault.what)
        except Unfit as fault:
            yield Break(run.writer, run.first, f"archive: {content} is damaged: {fault}")


def _names(run: Run) -> tuple[str, str]:
    return manifest.content_name(run.writer, run.first, run.last), manifest.index_name(run.writer, run.first, run.last)


def _within(span: tuple[int, int], size: int) -> tuple[int, int]:
    """The span, where it lies in an object of that size."""
    if not 0 <= span[0] < span[1] <= size:
        raise Unfit("it points outside")
    return span


def _unpacked(run: Run, numbers: Sequence[int], places: Sequence[index.Place], packed: Sequence[bytes]) -> list[Entry]:
    entries: list[Entry] = []
    for number, place, part in zip(numbers, places, packed, strict=True):
        first, count = extent((run.first, run.last), run.block, number)
        if count < 1:
            raise Unfit("a block that is not there")
        entries += block.unpack(part, run.writer, first, count, place.before, place.last)
    return entries
