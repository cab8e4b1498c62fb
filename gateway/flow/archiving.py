"""Takes the older part of each chain from the store into the archive: followed, written, read back, named, and only then trimmed.

Each run of entries goes through all steps before the next begins, so that an interruption costs one run at most: what was written
and not named is found again, what was named and not trimmed is proven anew and trimmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.core.duration import Duration
from gateway.core.evidence import GENESIS, Break, Event, Kind, instant, link, written
from gateway.core.model import Ref
from gateway.flow.archive_ports import Archive, Run, Sealing
from gateway.flow.ports import Book, Clock, Entry, Journal, Log, Unavailable

MOST = 200_000
"""Entries of one run: some 25 MB compressed, and held in memory while they are written."""
PAGE = 500
WORTH = 20_000
"""Entries the daily job waits for, so that a quiet chain does not make an object a day,"""
AT_LATEST = timedelta(days=30)
"""unless the oldest of them has waited for so long."""
STAY = 2
"""The last entries of a chain, which a store keeps whatever it is told."""
ASTRAY = timedelta(days=1)
"""An entry that is further in the future was written by a clock that was wrong, and holds nothing up."""


@dataclass(slots=True)
class Archived:
    """What one run of the journey did, or would do: runs written, entries trimmed, and where a chain does not hold."""

    runs: list[Run] = field(default_factory=list)
    adopted: int = 0
    entries: int = 0
    trimmed: int = 0
    breaks: list[Break] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted: entries before `until`, trimmed afterwards or not, or only counted; runs of `least` entries at least."""

    until: datetime
    trim: bool = True
    dry: bool = False
    least: int = 1
    most: int = MOST


class _Broken(Exception):
    """A chain does not hold: nothing of it is archived from here on."""

    def __init__(self, found: Break) -> None:
        super().__init__(found.why)
        self.found = found


class Archiving:
    """The journey; `told` hears of each run that was archived."""

    def __init__(
        self, book: Book, live: Journal, archive: Archive, clock: Clock, told: Callable[[Run], None] = lambda _: None
    ) -> None:
        self._book = book
        self._live = live
        self._archive = archive
        self._clock = clock
        self._told = told

    async def run(self, plan: Plan) -> Archived:
        """Archive what the plan asks for, writer by writer; a chain that does not hold is left alone, and the others go on.

        Raises `Unavailable` where store or archive fail: what was done stays, and the next run goes on from there.
        """
        done = Archived()
        for writer, head, _ in await self._live.heads():
            try:
                await self._writer(writer, head, plan, done)
            except _Broken as broken:
                done.breaks.append(broken.found)
        return done

    async def _writer(self, writer: str, head: int, plan: Plan, done: Archived) -> None:
        runs = [run for run in await self._archive.runs() if run.writer == writer]
        seq, last = (runs[-1].last, runs[-1].hash) if runs else (0, GENESIS)
        if seq > head:
            raise _Broken(Break(writer, head, f"the archive has entries up to {seq}: this store is an older one"))
        first = await self._first(writer)
        if first > seq + 1:
            raise _Broken(Break(writer, first, f"entries {seq + 1} to {first - 1} are neither here nor in the archive"))
        if not plan.dry and plan.trim and first <= min(seq, head - STAY):
            await self._trim_proven([run for run in runs if run.last >= first], done)
        while not plan.dry and (run := await self._left_behind(writer, seq, last, plan)):
            await self._settle(run, plan, done)
            seq, last, done.adopted = run.last, run.hash, done.adopted + 1
        while taken := await self._next(writer, seq, last, plan, done):
            seq, last = taken

    async def _first(self, writer: str) -> int:
        async for entry in self._live.entries(writer):
            return entry.seq
        return 1

    async def _next(self, writer: str, seq: int, last: bytes, plan: Plan, done: Archived) -> tuple[int, bytes] | None:
        """Archive one run behind this entry; the entry it ends with, None where nothing is due any more."""
        sealing = None if plan.dry else self._archive.begin(writer, seq + 1, last)
        count, oldest, last = await self._take(writer, seq, last, plan, sealing)
        if not count or (count < plan.least and oldest > instant(plan.until - AT_LATEST)):
            return None
        if sealing is None:
            done.entries += count
        else:
            await self._settle(await self._archive.keep(sealing), plan, done)
        return seq + count, last

    async def _take(self, writer: str, seq: int, last: bytes, plan: Plan, sealing: Sealing | None) -> tuple[int, bytes, bytes]:
        """Follow the chain up to the first entry that is too young: how many, the time of the oldest, the hash of the last."""
        young, astray = instant(plan.until), instant(self._clock.now() + ASTRAY)
        count, oldest, page = 0, b"", list[Entry]()
        async for entry in self._live.entries(writer, seq):
            at = written(entry.body, "at")
            if count == plan.most or young <= at <= astray:
                break
            last = _followed(entry, seq + count + 1, last)
            count, oldest = count + 1, min(at, oldest or at)
            page.append(entry)
            if len(page) == PAGE:
                await _put(sealing, page)
                page = []
        await _put(sealing, page)
        return count, oldest, last

    async def _left_behind(self, writer: str, seq: int, last: bytes, plan: Plan) -> Run | None:
        """A run that was written and not named, where it is what the store has, and due."""
        for run in await self._archive.found(writer, seq + 1):
            entry = await self._live.entry(Ref(f"{writer}-{run.last}"))
            if run.before == last and entry is not None and entry.hash == run.hash and run.latest < plan.until:
                return run
        return None

    async def _settle(self, run: Run, plan: Plan, done: Archived) -> None:
        """Name a run that was read back, put it on record, and let the store forget it."""
        await self._archive.name(run)
        detail = f"writer={run.writer}; entries={run.first}-{run.last}; sha256={run.digest.hex()}"
        event = Event(self._clock.now(), Kind.RETENTION, "archived", rules=("R-FR-90", "R-DP-21"), detail=detail)
        await self._book.commit([event])
        done.runs.append(run)
        done.entries += run.entries
        if plan.trim:
            await self._trim(run, done)
        self._told(run)

    async def _trim_proven(self, runs: Sequence[Run], done: Archived) -> None:
        """Trim what an earlier run archived: after it was read back and proven once more, as much time may have passed."""
        for run in runs:
            async for one in self._archive.proven(run):
                if isinstance(one, Break):
                    raise _Broken(one)
            await self._trim(run, done)

    async def _trim(self, run: Run, done: Archived) -> None:
        """Forget a run whose last entry here is the archive's."""
        here = await self._live.entry(Ref(f"{run.writer}-{run.last}"))
        if here is not None and here.hash != run.hash:
            raise _Broken(Break(run.writer, run.last, "differs from the archived one"))
        before = await self._first(run.writer)
        await self._live.trim(run.writer, run.last)
        done.trimmed += max(0, await self._first(run.writer) - before)


def _followed(entry: Entry, seq: int, last: bytes) -> bytes:
    """The entry's hash, where it is number `seq` and follows the one before."""
    if entry.seq != seq:
        raise _Broken(Break(entry.writer, entry.seq, f"entries {seq} to {entry.seq - 1} before it are missing"))
    if link(last, entry.writer, seq, entry.body) != entry.hash:
        raise _Broken(Break(entry.writer, seq, "changed, or does not follow the entry before it"))
    return entry.hash


async def _put(sealing: Sealing | None, page: Sequence[Entry]) -> None:
    if sealing is not None and page:
        await sealing.add(page)


class DailyArchiving:
    """The archive's part of the daily job: a failure is counted and told, and keeps nothing else from being done."""

    def __init__(self, archiving: Archiving, keep_live: Duration, log: Log) -> None:
        self._archiving = archiving
        self._keep_live = keep_live
        self._log = log

    async def daily(self, now: datetime, dry: bool) -> Mapping[str, int]:
        """What is due today, by class."""
        try:
            done = await self._archiving.run(Plan(self._keep_live.before(now), dry=dry, least=WORTH))
        except Unavailable as failure:
            self._log.say("journal-not-archived", outside=failure.what)
            return {"not-archived": 1}
        for found in done.breaks:
            self._log.say("journal-broken", writer=found.writer, entry=found.seq, why=found.why)
        return {"archived": done.entries, "trimmed": done.trimmed, "not-archived": len(done.breaks)}
