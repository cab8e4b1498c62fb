"""The journal as one: what is archived, then what is live, in order, without a gap or a double where the two meet.

An entry may move from the one to the other while somebody reads: it is in the archive before it leaves the store. So what is asked
for is looked for in the store first, and where a stream of live entries breaks off, the archive is looked at again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.core.evidence import Break, written
from gateway.core.model import PersonKey, Ref
from gateway.flow.archive_ports import Archive, Run
from gateway.flow.ports import Entry, Journal
from gateway.flow.report import Checked, Head, check

Found = Callable[[Break], None]


class WholeJournal:
    """`ports.Journal` over an archive and a store; `since` and `until` leave out archived runs of another time."""

    def __init__(self, live: Journal, archive: Archive, since: datetime | None = None, until: datetime | None = None) -> None:
        self._live = live
        self._archive = archive
        self._since = since
        self._until = until

    async def entries(self, writer: str = "", after: int = 0) -> AsyncIterator[Entry]:
        """See `ports.Journal`."""
        for name in await self._writers(writer):
            async for entry in self._chain(name, after, None):
                yield entry

    async def entry(self, ref: Ref) -> Entry | None:
        """See `ports.Journal`."""
        live = await self._live.entry(ref)
        if live is not None:
            return live
        writer, _, number = ref.rpartition("-")
        if not (number.isascii() and number.isdigit()) or len(number) > 19:
            return None
        seq = int(number)
        run = next((run for run in await self._archive.runs() if run.writer == writer and run.first <= seq <= run.last), None)
        return None if run is None else await self._archive.entry(run, seq)

    async def of_person(self, person: PersonKey) -> Sequence[Entry]:
        """See `ports.Journal`."""
        found = {(entry.writer, entry.seq): entry for entry in await self._live.of_person(person)}
        for entry in await self._archive.of_person(await self._archive.runs(), person):
            found.setdefault((entry.writer, entry.seq), entry)
        return sorted(found.values(), key=lambda entry: (written(entry.body, "at"), entry.writer, entry.seq))

    async def heads(self) -> Sequence[Head]:
        """See `ports.Journal`."""
        return await self._live.heads()

    async def trim(self, writer: str, upto: int) -> None:
        """See `ports.Journal`; of what is live."""
        await self._live.trim(writer, upto)

    async def verify(self, exported: Iterable[Head] = ()) -> Checked:
        """Follow every chain from its first entry to its head, and prove each archived octet on the way (R-DP-21)."""
        faults: list[Break] = []
        heads = tuple(await self.heads())
        checked = await check(self._proven(faults.append), [*heads, *exported], heads)
        return replace(checked, breaks=(*faults, *checked.breaks))

    async def _proven(self, found: Found) -> AsyncIterator[Entry]:
        for name in await self._writers(""):
            async for entry in self._chain(name, 0, found):
                yield entry

    async def _writers(self, only: str) -> Sequence[str]:
        if only:
            return (only,)
        live = [writer for writer, _, _ in await self._live.heads()]
        return sorted({*live, *(run.writer for run in await self._archive.runs())})

    async def _chain(self, writer: str, after: int, found: Found | None) -> AsyncIterator[Entry]:
        """One writer's entries; begins again at the archive when the live ones go on later than they should and it has grown."""
        reached, more = after, True
        while more:
            runs = [run for run in await self._archive.runs() if run.writer == writer and run.last > reached]
            for run in runs:
                async for entry in self._archived(run, reached, found):
                    yield entry
                reached = run.last
            more = False
            async for entry in self._live.entries(writer, reached):
                if entry.seq > reached + 1 and await self._has(writer, reached + 1):
                    more = True
                    break
                yield entry
                reached = entry.seq

    async def _archived(self, run: Run, after: int, found: Found | None) -> AsyncIterator[Entry]:
        if found is not None:
            async for one in self._archive.proven(run):
                if isinstance(one, Break):
                    found(one)
                elif one.seq > after:
                    yield one
        elif (self._since is None or run.latest >= self._since) and (self._until is None or run.earliest < self._until):
            async for entry in self._archive.entries(run, after):
                yield entry

    async def _has(self, writer: str, seq: int) -> bool:
        return any(run.writer == writer and run.first <= seq <= run.last for run in await self._archive.runs())
