"""One SQLite file: reads on the event loop, writes through one thread that commits many waiting jobs at once.

A write is acknowledged only when its transaction is on disk (`synchronous=FULL`). A job that fails is undone alone; a commit that
fails is undone for everybody in it. After an I/O error the file is not written again until it is opened anew (reliability 1.4).
What a commit's writes add to the chain is added in one go, after all of its jobs: one head read, one head written.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

import apsw

from gateway.edges.store.connection import READ_PATIENCE, WRITE_PATIENCE, connect, raise_schema
from gateway.edges.store.wal import Log
from gateway.flow.ports import Unavailable

T = TypeVar("T")
Row = tuple[Any, ...]
Job = Callable[[apsw.Connection], Any]
Entries = Sequence[Any]
Waiting = tuple[Job | None, Entries | None, "asyncio.Future[Any]"]
Ended = tuple[Any, Exception | None]

BATCH = 64
QUEUE = 10_000
WRITE_TIMEOUT = 10.0
"""Seconds until a write that nobody answered counts as failed: twice the patience with another process's lock."""

_IDLE_SECONDS = 0.1
_IDLE_PAGES = 1_000
_FORCE_PAGES = 4_000
"""WAL pages after which a checkpoint runs when nothing waits, and at which it runs whatever waits (16 MB)."""

_OUTSIDE = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.InterruptError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
_BREAKING = (apsw.CorruptError, apsw.IOError, apsw.NotADBError)


class Unanswered(Unavailable):
    """The write got no answer in time; it may still happen."""


class Extending(Protocol):
    """What numbers and inserts the entries of a commit."""

    def check(self, connection: apsw.Connection) -> None:
        """Refuse the file when it is not as it was left."""

    def extend(self, connection: apsw.Connection, entries: Entries) -> Sequence[Any]:
        """Insert the entries; a value for each, in order."""


class Database:
    """The file, its schema brought up to date; belongs to one event loop. `chain` takes the entries of the commits."""

    def __init__(self, path: Path, steps: Sequence[str], what: str, chain: Extending | None = None) -> None:
        self.path = path
        self._what = what
        self._chain = chain
        self._writer = connect(path, WRITE_PATIENCE)
        self._prepare(steps)
        self._reader = connect(path, READ_PATIENCE)
        self._reader.execute("PRAGMA query_only=1").fetchall()
        self._cursor = self._reader.cursor()
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._watched: asyncio.AbstractEventLoop | None = None
        self._closing = False
        self._broken = False
        self._wal_pages = 0
        self._log = Log(self._writer.filename_wal)
        self._writer.set_wal_hook(self._note_wal)
        self._thread = threading.Thread(target=self._run, name=f"write-{path.name}", daemon=True)
        self._thread.start()

    def rows(self, sql: str, bindings: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement, read now, on the loop: for statements that take microseconds."""
        try:
            return self._cursor.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise Unavailable(self._what) from error

    async def write(self, job: Callable[[apsw.Connection], T]) -> T:
        """Run the job in the next commit; returns its value once that is on disk, raises what the job raised.

        A waiter that is cancelled leaves its job in the queue: the write still happens. A job runs again, from the start, when it
        or a neighbour in its commit failed: it must not keep anything outside the connection.
        """
        value: T = await self._post(job, None)
        return value

    def append(self, entries: Entries, job: Job | None = None) -> asyncio.Future[Any]:
        """Put entries behind the chain's end in the next commit, with what the job writes; what `extend` says of them comes later.

        Writes take effect in the order of the calls. A failure that nobody fetches is not reported as forgotten.
        """
        return self._post(job, entries)

    async def close(self) -> None:
        """Write what waits, then close the file; later writes are refused."""
        self._closing = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._reader.close()

    def _post(self, job: Job | None, entries: Entries | None) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self._closing or self._broken or self._queue.qsize() >= QUEUE:
            _fail(future, Unavailable(self._what))
            return future
        self._queue.put((job, entries, future))
        self._waiting.append((loop.time() + WRITE_TIMEOUT, future))
        if self._watched is not loop:
            self._watch(loop)
        return future

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up what waited too long; one timer for the oldest write stands in for one timer a write."""
        now = loop.time()
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][1].done()):
            _fail(self._waiting.popleft()[1], Unanswered(self._what))
        self._watched = loop if self._waiting else None
        if self._waiting:
            loop.call_at(self._waiting[0][0], self._watch, loop)

    def _prepare(self, steps: Sequence[str]) -> None:
        try:
            raise_schema(self._writer, self.path, steps)
            if self._chain is not None:
                self._chain.check(self._writer)
        except Unavailable:
            self._writer.close()
            raise

    def _run(self) -> None:
        try:
            while batch := self._gather():
                self._answer(batch, self._commit(batch))
        finally:
            self._closing = True
            self._writer.close()

    def _gather(self) -> list[Waiting]:
        """Whatever waits, at least one; nothing when the file is to be closed."""
        batch: list[Waiting] = []
        one = self._first()
        while one is not None:
            batch.append(one)
            if len(batch) == BATCH:
                break
            try:
                one = self._queue.get_nowait()
            except Empty:
                break
        if one is None and batch:
            self._queue.put(None)
        return batch

    def _first(self) -> Waiting | None:
        if self._wal_pages < _IDLE_PAGES:
            return self._queue.get()
        if self._wal_pages < _FORCE_PAGES:
            with suppress(Empty):
                return self._queue.get(timeout=_IDLE_SECONDS)
        self._checkpoint()
        return self._queue.get()

    def _commit(self, batch: Sequence[Waiting]) -> list[Ended]:
        if self._broken:
            return [(None, Unavailable(self._what)) for _ in batch]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            self._log.make_room(self._wal_pages)
            ended = self._together([job for job, _, _ in batch])
            self._extend(batch, ended)
            self._writer.execute("COMMIT")
        except apsw.Error as error:
            self._undo(error)
            return [(None, self._unavailable(error)) for _ in batch]
        return ended

    def _together(self, jobs: Sequence[Job | None]) -> list[Ended]:
        """All jobs without a savepoint each, as failures are rare; where one stumbles, all begin again, each in its own."""
        try:
            return [(job and job(self._writer), None) for job in jobs]
        except _OUTSIDE:
            raise
        except Exception:  # noqa: BLE001 it comes again below, and is handed to the waiter whose job it is
            self._writer.execute("ROLLBACK")
            self._writer.execute("BEGIN IMMEDIATE")
            return [self._attempt(job) for job in jobs]

    def _attempt(self, job: Job | None) -> Ended:
        """One job inside a savepoint; what is the job's own fault goes to its own waiter."""
        if job is None:
            return None, None
        self._writer.execute("SAVEPOINT job")
        try:
            value = job(self._writer)
        except _OUTSIDE:
            raise
        except Exception as error:  # noqa: BLE001 handed to the waiter whose job it is
            self._writer.execute("ROLLBACK TO job")
            self._writer.execute("RELEASE job")
            return None, self._unavailable(error) if isinstance(error, apsw.Error) else error
        self._writer.execute("RELEASE job")
        return value, None

    def _extend(self, batch: Sequence[Waiting], ended: list[Ended]) -> None:
        """The entries of all writes whose jobs succeeded, in order; what became of them is those writes' value."""
        asked = [
            (number, entries)
            for number, ((_, entries, _), (_, error)) in enumerate(zip(batch, ended, strict=True))
            if entries is not None and error is None
        ]
        every = [entry for _, entries in asked for entry in entries]
        values = self._chain.extend(self._writer, every) if every and self._chain is not None else []
        begun = 0
        for number, entries in asked:
            ended[number] = values[begun : begun + len(entries)], None
            begun += len(entries)

    def _unavailable(self, error: apsw.Error) -> Unavailable:
        failure = Unavailable(self._what)
        failure.__cause__ = error
        return failure

    def _undo(self, error: apsw.Error) -> None:
        # What a failed fsync left on disk is unknown, and asking again would lie: stop writing (reliability 1.4).
        self._broken = self._broken or isinstance(error, _BREAKING)
        if self._writer.in_transaction:
            try:
                self._writer.execute("ROLLBACK")
            except apsw.Error:
                self._broken = True

    def _answer(self, batch: Sequence[Waiting], ended: Sequence[Ended]) -> None:
        futures = [future for _, _, future in batch]
        # A closed loop has nobody waiting any more; the commit stands.
        with suppress(RuntimeError):
            futures[0].get_loop().call_soon_threadsafe(self._release, futures, ended)

    def _release(self, futures: Sequence[asyncio.Future[Any]], ended: Sequence[Ended]) -> None:
        for future, (value, error) in zip(futures, ended, strict=True):
            if error is not None:
                _fail(future, error)
            elif not future.done():
                future.set_result(value)
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()

    def _note_wal(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        # Passive: it waits for nobody, and what readers or the other process hold back comes with the next one.
        try:
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self._broken = self._broken or isinstance(error, _BREAKING)
        self._wal_pages = 0


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # fetched once, so that asyncio does not report a failure that its poster never awaits
