"""One file, one writer thread: neighbours in a commit do not hurt each other, and no failure is ever acknowledged."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import apsw
import pytest

from gateway.core.change import Oppose
from gateway.edges.store import connection as opening
from gateway.edges.store import database as module
from gateway.edges.store.connection import Refused
from gateway.edges.store.database import Database, Unanswered
from gateway.edges.store.sqlite import open_store
from gateway.edges.store.writer import BATCH
from gateway.flow.ports import Unavailable
from tests.support.people import event, opposition, person

STEPS = ("CREATE TABLE thing (name TEXT PRIMARY KEY, body BLOB) STRICT",)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(tmp_path / "things.db", STEPS, "things")
    yield one
    await one.close()


def put(name: str, size: int = 0) -> Callable[[apsw.Connection], str]:
    def job(connection: apsw.Connection) -> str:
        connection.execute("INSERT INTO thing VALUES (?, ?)", (name, b"x" * size))
        return name

    return job


def names(database: Database) -> list[str]:
    return [row[0] for row in database.rows("SELECT name FROM thing ORDER BY name")]


class Held:
    """A job that stops the writer thread until released, so that others gather behind it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()

    def __call__(self, connection: apsw.Connection) -> None:
        self.begun.set()
        self.release.wait(30)


async def behind_each_other(database: Database, *jobs: Callable[[apsw.Connection], object]) -> list[object]:
    """The jobs' ends when they all wait at once, and so share a commit."""
    held = Held()
    first = asyncio.ensure_future(database.write(held))
    await asyncio.to_thread(held.begun.wait, 30)
    rest = asyncio.gather(*(database.write(job) for job in jobs), return_exceptions=True)
    await asyncio.sleep(0)
    held.release.set()
    await first
    return list(await rest)


async def test_a_failing_job_leaves_its_neighbours_alone(database: Database) -> None:
    def stumble(connection: apsw.Connection) -> None:
        put("half")(connection)
        raise ValueError("mine")

    ends = await behind_each_other(database, put("a"), stumble, put("a"), put("b"))
    assert ends[0] == "a"
    assert isinstance(ends[1], ValueError)
    assert isinstance(ends[2], Unavailable)
    assert ends[3] == "b"
    assert names(database) == ["a", "b"]


async def test_what_waits_together_is_committed_together(database: Database) -> None:
    commits = 0

    def count() -> bool:
        nonlocal commits
        commits += 1
        return False

    await database.write(lambda connection: connection.set_commit_hook(count))
    commits = 0
    await behind_each_other(database, *(put(f"{number:03}") for number in range(2 * BATCH)))
    assert len(names(database)) == 2 * BATCH
    assert commits == 3


async def test_the_write_of_a_cancelled_waiter_still_happens(database: Database) -> None:
    held = Held()
    first = asyncio.ensure_future(database.write(held))
    await asyncio.to_thread(held.begun.wait, 30)
    waiter = asyncio.ensure_future(database.write(put("kept")))
    await asyncio.sleep(0)
    waiter.cancel()
    held.release.set()
    await first
    await database.write(put("later"))
    assert waiter.cancelled()
    assert names(database) == ["kept", "later"]


async def test_a_full_queue_refuses_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE", 2)
    held = Held()
    first = asyncio.ensure_future(database.write(held))
    await asyncio.to_thread(held.begun.wait, 30)
    waiting = [asyncio.ensure_future(database.write(put(name))) for name in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="things"):
        await database.write(put("c"))
    held.release.set()
    await asyncio.gather(first, *waiting)
    assert names(database) == ["a", "b"]


async def test_a_write_that_nobody_answers_in_time_counts_as_failed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_TIMEOUT", 0.05)
    held = Held()
    with pytest.raises(Unanswered):
        await database.write(held)
    held.release.set()
    await database.write(put("a"))
    held = Held()
    late = [asyncio.ensure_future(database.write(job)) for job in (held, put("b"))]
    assert [type(end) for end in await asyncio.gather(*late, return_exceptions=True)] == [Unanswered, Unanswered]
    held.release.set()
    await database.write(put("c"))
    assert names(database) == ["a", "b", "c"]


async def test_a_job_that_stumbles_costs_its_neighbours_nothing_but_a_second_run(database: Database) -> None:
    begun: list[str] = []

    def noted(name: str) -> Callable[[apsw.Connection], str]:
        def job(connection: apsw.Connection) -> str:
            begun.append(name)
            return put(name)(connection)

        return job

    ends = await behind_each_other(database, noted("a"), noted("b"), noted("a"))
    assert ends[:2] == ["a", "b"]
    assert isinstance(ends[2], Unavailable)
    assert begun == ["a", "b", "a", "a", "b", "a"]
    assert names(database) == ["a", "b"]


async def test_a_full_disk_fails_the_commit_whole_and_the_next_one_may_succeed(database: Database) -> None:
    await database.write(lambda connection: connection.pragma("max_page_count", 40))
    ends = await behind_each_other(database, put("small"), put("large", 400_000))
    assert all(isinstance(end, Unavailable) for end in ends)
    assert names(database) == []
    await database.write(put("small"))
    assert names(database) == ["small"]


async def test_a_full_disk_leaves_no_part_of_an_opposition(tmp_path: Path) -> None:
    store = open_store(tmp_path / "gateway.db", "n1w0")
    pages = store.database.rows("PRAGMA page_count")[0][0]
    await store.database.write(lambda connection: connection.pragma("max_page_count", pages))
    changes = [Oppose(opposition(person(number))) for number in range(2000)]
    with pytest.raises(Unavailable, match="store"):
        await store.book.commit([event()], changes)
    assert (await store.book.oppositions(), await store.journal.heads()) == ([], [])
    await store.close()


async def test_after_an_io_error_nothing_is_written_until_the_file_is_opened_again(database: Database) -> None:
    def fail(connection: apsw.Connection) -> None:
        put("lost")(connection)
        raise apsw.IOError("as the disk would")

    await database.write(put("before"))
    ends = await behind_each_other(database, put("neighbour"), fail)
    assert all(isinstance(end, Unavailable) for end in ends)
    with pytest.raises(Unavailable):
        await database.write(put("after"))
    assert names(database) == ["before"]
    again = Database(database.path, STEPS, "things")
    await again.write(put("again"))
    assert names(again) == ["again", "before"]
    await again.close()


async def test_a_lock_held_by_another_process_is_waited_for_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITE_PATIENCE", 0.3)
    database = Database(tmp_path / "things.db", STEPS, "things")
    other = apsw.Connection(str(database.path))
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        await database.write(put("refused"))
    assert 0.3 <= time.monotonic() - begun < 3
    assert names(database) == []
    waiting = asyncio.ensure_future(database.write(put("patient")))
    await asyncio.sleep(0.05)
    other.execute("COMMIT")
    assert await waiting == "patient"
    other.close()
    await database.close()


async def test_a_read_only_file_is_unavailable_for_writing_and_readable(database: Database) -> None:
    await database.write(put("a"))
    await database.write(lambda connection: connection.execute("PRAGMA query_only=1").fetchall())
    with pytest.raises(Unavailable):
        await database.write(put("b"))
    assert names(database) == ["a"]


async def test_a_closed_database_refuses_and_keeps_what_waited(tmp_path: Path) -> None:
    database = Database(tmp_path / "things.db", STEPS, "things")
    waiting = [asyncio.ensure_future(database.write(put(f"{number:03}"))) for number in range(100)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*waiting)) == 100
    with pytest.raises(Unavailable):
        await database.write(put("late"))


async def test_reading_a_broken_statement_or_a_closed_file_is_unavailable(tmp_path: Path) -> None:
    database = Database(tmp_path / "things.db", STEPS, "things")
    await database.close()
    with pytest.raises(Unavailable):
        database.rows("SELECT 1")


async def test_the_wal_is_folded_back_while_nothing_waits(database: Database) -> None:
    await database.write(put("large", 8_000_000))
    while database.path.stat().st_size < 8_000_000:  # noqa: ASYNC110 the writer thread tells nobody
        await asyncio.sleep(0.01)
    await database.write(put("after"))
    assert names(database) == ["after", "large"]


async def test_a_file_of_a_newer_gateway_is_not_opened(tmp_path: Path) -> None:
    await open_store(tmp_path / "gateway.db", "n1w0").close()
    file = apsw.Connection(str(tmp_path / "gateway.db"))
    file.pragma("user_version", 99)
    file.close()
    with pytest.raises(Refused, match="newer gateway"):
        open_store(tmp_path / "gateway.db", "n1w0")


def test_a_file_that_is_no_database_is_refused_without_a_traceback_of_sqlite(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Refused, match="cannot be opened"):
        open_store(tmp_path / "gateway.db", "n1w0")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where a folder should be")
    with pytest.raises(Refused, match="cannot be created"):
        open_store(tmp_path / "var" / "gateway.db", "n1w0")


async def test_the_files_belong_to_the_gateway_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(tmp_path / "var" / "gateway.db", "n1w0")
        await store.book.commit([event()])
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
        assert modes == {"gateway.db": 0o600, "gateway.db-wal": 0o600, "gateway.db-shm": 0o600}
        assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700
        await store.close()
    finally:
        os.umask(before)


def test_an_old_file_is_brought_up_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "things.db"
    one = opening.connect(path, 1)
    opening.raise_schema(one, path, STEPS)
    opening.raise_schema(one, path, (*STEPS, "ALTER TABLE thing ADD COLUMN colour TEXT"))
    opening.raise_schema(one, path, (*STEPS, "ALTER TABLE thing ADD COLUMN colour TEXT"))
    one.execute("INSERT INTO thing (name, colour) VALUES ('a', 'red')")
    assert one.pragma("user_version") == 2
    one.close()
