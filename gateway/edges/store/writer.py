"""The one thread that writes a file: gathers what waits, commits it at once, and says what became of each.

Knows no event loop and no table. What a commit's writes add to the chain is added in one go, after all of its jobs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import apsw

from gateway.edges.store.wal import Log
from gateway.flow.ports import Unavailable

Job = Callable[[apsw.Connection], Any]
Entries = Sequence[Any]
Waiting = tuple[Job | None, Entries | None, Any]
"""What to run, what to put behind the chain's end, and who asked."""


class Alone:
    """A job for no transaction and no company, such as rewriting a table."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, connection: apsw.Connection) -> Any:
        """Run it."""
        return self.job(connection)


Ended = tuple[Any, Exception | None]

BATCH = 64

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


class Extending(Protocol):
    """What numbers and inserts the entries of a commit."""

    def check(self, connection: apsw.Connection) -> None:
        """Refuse the file when it is not as it was left."""

    def extend(self, connection: apsw.Connection, entries: Entries) -> Sequence[Any]:
        """Insert the entries; a value for each, in order."""


class Writer:
    """Owns a connection from its first job on; `answer` is called in this thread, with who asked and how each ended."""

    def __init__(
        self,
        connection: apsw.Connection,
        what: str,
        chain: Extending | None,
        answer: Callable[[Sequence[Any], Sequence[Ended]], None],
    ) -> None:
        self._writer = connection
        self._what = what
        self._chain = chain
        self._answer = answer
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._held: Waiting | None = None
        self._closing = False
        self._broken = False
        self._wal_pages = 0
        self._log = Log(connection.filename_wal)
        connection.set_wal_hook(self._note_wal)
        self._thread = threading.Thread(target=self._run, name=f"write-{what}", daemon=True)
        self._thread.start()

    @property
    def refuses(self) -> bool:
        """Whether nothing is written any more: after an I/O error, and once it is to end."""
        return self._closing or self._broken

    def waiting(self) -> int:
        """How many writes are not begun."""
        return self._queue.qsize()

    def put(self, job: Job | None, entries: Entries | None, who: Any) -> None:
        """Have it in the next commit, behind what was put before."""
        self._queue.put((job, entries, who))

    def end(self) -> None:
        """Take nothing more; what waits is still written."""
        self._closing = True
        self._queue.put(None)

    def join(self) -> None:
        """Block until what waited is written and the connection is closed."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while batch := self._gather():
                alone = batch[0][0]
                ended = [self._by_itself(alone)] if isinstance(alone, Alone) else self._commit(batch)
                self._answer([who for _, _, who in batch], ended)
        finally:
            self._closing = True
            self._writer.close()

    def _gather(self) -> list[Waiting]:
        """Whatever waits, at least one; nothing when the file is to be closed."""
        batch: list[Waiting] = []
        one = self._first()
        while one is not None:
            if batch and isinstance(one[0], Alone):
                self._held = one
                break
            batch.append(one)
            if len(batch) == BATCH or isinstance(one[0], Alone):
                break
            try:
                one = self._queue.get_nowait()
            except Empty:
                break
        if one is None and batch:
            self._queue.put(None)
        return batch

    def _first(self) -> Waiting | None:
        if self._held is not None:
            one, self._held = self._held, None
            return one
        if self._wal_pages < _IDLE_PAGES:
            return self._queue.get()
        if self._wal_pages < _FORCE_PAGES:
            with suppress(Empty):
                return self._queue.get(timeout=_IDLE_SECONDS)
        self._checkpoint()
        return self._queue.get()

    def _by_itself(self, job: Job) -> Ended:
        if self._broken:
            return None, Unavailable(self._what)
        try:
            return job(self._writer), None
        except apsw.Error as error:
            self._undo(error)
            return None, self._unavailable(error)
        finally:
            self._log, self._wal_pages = Log(self._writer.filename_wal), 0

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
