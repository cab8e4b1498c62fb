"""One SQLite file: reads on the event loop, writes through one thread that commits many waiting jobs at once.

A write is acknowledged only when its transaction is on disk (`synchronous=FULL`). A job that fails is undone alone; a commit that
fails is undone for everybody in it. After an I/O error the file is not written again until it is opened anew (reliability 1.4).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw

from gateway.edges.store.connection import READ_PATIENCE, WRITE_PATIENCE, connect, raise_schema
from gateway.edges.store.writer import Alone, Ended, Entries, Extending, Job, Writer
from gateway.flow.ports import Unavailable

T = TypeVar("T")
Row = tuple[Any, ...]

QUEUE = 10_000
WRITE_TIMEOUT = 10.0
"""Seconds until a write that nobody answered counts as failed: twice the patience with another process's lock."""


class Unanswered(Unavailable):
    """The write got no answer in time; it may still happen."""


class Beside(Protocol):
    """What is kept beside a file, so that an old copy of it that is put back is made whole."""

    def catch_up(self, connection: apsw.Connection, chain: Extending) -> int:
        """Tell the file what it lacks."""

    def attach(self, connection: apsw.Connection) -> None:
        """Be told of this connection's commits from now on."""


class Database:
    """The file, its schema brought up to date; belongs to one event loop. `chain` takes the entries of the commits.

    `beside` tells it first what it lacks, and is told of each commit before it ends.
    """

    def __init__(
        self, path: Path, steps: Sequence[str], what: str, chain: Extending | None = None, beside: Beside | None = None
    ) -> None:
        self.path = path
        self._what = what
        connection = connect(path, WRITE_PATIENCE)
        _prepare(connection, path, steps, chain, beside)
        self._reader = connect(path, READ_PATIENCE)
        self._reader.execute("PRAGMA query_only=1").fetchall()
        self._cursor = self._reader.cursor()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._watched: asyncio.AbstractEventLoop | None = None
        self._writer = Writer(connection, what, chain, self._answer)

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

    async def alone(self, job: Callable[[apsw.Connection], T]) -> T:
        """Run the job outside of any transaction and by itself; its value, however long it takes.

        Other writes wait meanwhile and may go unanswered.
        """
        if self._writer.refuses:
            raise Unavailable(self._what)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.put(Alone(job), None, future)
        return await future

    async def close(self) -> None:
        """Write what waits, then close the file; later writes are refused."""
        self._writer.end()
        await asyncio.to_thread(self._writer.join)
        self._reader.close()

    def _post(self, job: Job | None, entries: Entries | None) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self._writer.refuses or self._writer.waiting() >= QUEUE:
            _fail(future, Unavailable(self._what))
            return future
        self._writer.put(job, entries, future)
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

    def _answer(self, futures: Sequence[asyncio.Future[Any]], ended: Sequence[Ended]) -> None:
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


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # fetched once, so that asyncio does not report a failure that its poster never awaits


def _prepare(connection: apsw.Connection, path: Path, steps: Sequence[str], chain: Extending | None, beside: Beside | None) -> None:
    try:
        raise_schema(connection, path, steps)
        if chain is not None:
            chain.check(connection)
            if beside is not None:
                beside.catch_up(connection, chain)
                beside.attach(connection)
    except Unavailable:
        connection.close()
        raise
