"""Copies of the embedded store: exact while gateways write, nothing left behind when cut short, a backup that is a store again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.change import Oppose
from gateway.core.evidence import verify
from gateway.edges.store.backup import back_up
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import NOTHING, TABLES, Digests, Row, copy, digest
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.ports import Unavailable
from tests.support.filled import ANN, fill
from tests.support.people import event, opposition

LEFT_OUT = {"lease", "wording", "sqlite_sequence", "sqlite_stat1"}
"""Tables that no copy has of their own: leases are nobody's state, a wording stands in its records."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store with something everywhere."""
    one = open_store(tmp_path / "gateway.db", "n1w0")
    await fill(one.book)
    yield one
    await one.close()


def of(path: Path) -> dict[str, object]:
    """What is in a file."""
    source = SqliteSource(path)
    found = digest(source.batches())
    source.close()
    return dict(found)


async def test_every_table_of_the_schema_is_copied_and_every_column(store: SqliteStore) -> None:
    """A table that a later schema adds fails here until a copy has it."""
    rows = store.database.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
    assert {name for (name,) in rows} - LEFT_OUT == set(TABLES)
    for name in set(TABLES) - {"consent", "entry", "task", "ruling"}:
        columns = {column for (column,) in store.database.rows("SELECT name FROM pragma_table_info(?)", (name,))}
        assert set(TABLES[name].split(", ")) == columns, name


async def test_the_sample_fills_every_table(store: SqliteStore) -> None:
    found = of(store.database.path)
    assert [name for name in TABLES if found[name] == NOTHING] == []


async def test_a_copy_holds_what_was_there_and_goes_on_from_it(store: SqliteStore, tmp_path: Path) -> None:
    source, path = SqliteSource(store.database.path), tmp_path / "copy.db"
    copied = copy(source, SqliteTarget(path))
    assert copied.differing == ()
    assert of(path) == of(store.database.path) == copied.read
    assert path.stat().st_mode & 0o777 == 0o600
    other = open_store(path, "n1w0")
    before = await other.journal.heads()
    await fill(other.book)
    entries = [one async for one in other.journal.entries()]
    assert verify(entries, before) == []
    assert {one.id for one in await other.outbox.pending()}.isdisjoint({one.id for one in await store.outbox.receipts(event().at)})
    await other.close()


async def test_a_copy_is_of_one_moment_whatever_is_written_meanwhile(store: SqliteStore, tmp_path: Path) -> None:
    source = SqliteSource(store.database.path)
    before = of(store.database.path)
    batches = source.batches()
    first = next(batches)
    await store.book.commit([event()], [Oppose(opposition(ANN, stream="late"))])
    assert digest(iter([first, *batches])) == before
    assert source.standing().stand == await store.book.stand()
    assert copy(source, SqliteTarget(tmp_path / "copy.db")).differing == ()
    assert of(tmp_path / "copy.db") == before
    source.close()


async def test_a_still_source_lets_nobody_write(store: SqliteStore) -> None:
    source = SqliteSource(store.database.path, still=True)
    with pytest.raises(Unavailable):
        await store.book.commit([event()])
    source.close()


async def test_nothing_is_written_where_anything_is(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        SqliteTarget(store.database.path)
    with pytest.raises(Refused):
        back_up(SqliteSource(store.database.path), store.database.path)
    with pytest.raises(Refused):
        SqliteSource(tmp_path / "nowhere.db")
    assert not (tmp_path / "nowhere.db").exists()


class Spoiling(SqliteTarget):
    """A target that loses something, or fails."""

    def __init__(self, path: Path, fails: bool) -> None:
        super().__init__(path)
        self.fails = fails

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Lose a row of oppositions, or fail there."""
        if table == "opposition" and self.fails:
            raise Unavailable("store")
        super().put(table, rows[1:] if table == "opposition" else rows)


async def test_a_copy_that_differs_or_is_cut_short_leaves_no_file(store: SqliteStore, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    copied = copy(SqliteSource(store.database.path), Spoiling(folder / "copy.db", fails=False))
    assert copied.differing == ("opposition",)
    assert list(folder.iterdir()) == []
    with pytest.raises(Unavailable):
        copy(SqliteSource(store.database.path), Spoiling(folder / "copy.db", fails=True))
    assert list(folder.iterdir()) == []


async def test_what_a_crash_left_of_a_copy_is_no_obstacle(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "copy.db.part").write_bytes(b"half")
    assert copy(SqliteSource(store.database.path), SqliteTarget(tmp_path / "copy.db")).differing == ()


async def test_a_backup_is_a_store_of_one_moment(store: SqliteStore, tmp_path: Path) -> None:
    path, before = tmp_path / "backup" / "gateway.db", of(store.database.path)
    path.parent.mkdir()
    source = SqliteSource(store.database.path)
    await store.book.commit([event()], [Oppose(opposition(ANN, stream="late"))])
    assert back_up(source, path) == before
    assert [one.name for one in path.parent.iterdir()] == ["gateway.db"]
    assert path.stat().st_mode & 0o777 == 0o600
    other = open_store(path, "n1w0")
    assert await other.book.stand() == await store.book.stand() - 1
    await other.close()


async def test_a_spoilt_body_is_copied_as_it_is(store: SqliteStore, tmp_path: Path) -> None:
    """What somebody changed is for `journal verify` to find, on both sides."""
    other = apsw.Connection(str(store.database.path))
    other.execute("UPDATE entry SET body = x'00ff' WHERE seq = 3").fetchall()
    other.close()
    assert copy(SqliteSource(store.database.path), SqliteTarget(tmp_path / "copy.db")).differing == ()


cells = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
rows_of = st.lists(st.tuples(cells, cells), max_size=6)


@given(rows_of, rows_of)
def test_a_digest_tells_rows_apart_and_does_not_mind_their_order(some: list[Row], other: list[Row]) -> None:
    def told(*parts: list[Row]) -> object:
        found = Digests()
        for part in parts:
            found.add("act", part)
        return found.told()

    assert told(some, other) == told(other, some) == told([*other, *some]) == told([*some, *other][::-1])
    assert (told(some) == told(other)) == (sorted(map(repr, some)) == sorted(map(repr, other)))
