"""A file of the embedded store that served on several machines: whoever opposed on one is opposed, whatever comes back to it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edges.store.backup import back_up
from gateway.edges.store.copy_sqlite import SqliteSource
from gateway.edges.store.sqlite import SqliteStore
from tests.support.embedded import DATABASE, lift, opened, oppose, opposed

NOTES = "gateway.protected.db"
Last = dict[int, tuple[int, bool]]
"""Of each person when they last opposed, or were lifted, and whether they opposed then."""


def machine(folder: Path) -> Path:
    folder.mkdir()
    return folder


def taken(source: Path, target: Path) -> None:
    """The file alone, as it is carried from one place to another; nobody serves from either."""
    target.unlink(missing_ok=True)
    shutil.copy(source, target)


def eras(folder: Path) -> int:
    connection = apsw.Connection(str(folder / DATABASE))
    try:
        return len(connection.execute("SELECT 1 FROM mark WHERE name GLOB 'epoch:*'").fetchall())
    finally:
        connection.close()


async def test_a_backup_that_served_on_a_spare_machine_hides_no_opposition_at_home(tmp_path: Path) -> None:
    home, spare = machine(tmp_path / "home"), machine(tmp_path / "spare")
    async with opened(home) as store:
        await oppose(store, 1)
    taken(home / DATABASE, spare / DATABASE)
    async with opened(home) as store:
        await oppose(store, 2)
    async with opened(spare) as store:
        await oppose(store, 3, 4, 5)
    taken(spare / DATABASE, home / DATABASE)
    async with opened(home) as store:
        assert await opposed(store) == [1, 2, 3, 4, 5]


async def test_a_file_that_goes_to_and_fro_hides_no_opposition(tmp_path: Path) -> None:
    """Both machines have notes; each of them serves on from the same copy."""
    home, spare = machine(tmp_path / "home"), machine(tmp_path / "spare")
    async with opened(home) as store:
        await oppose(store, 1)
    taken(home / DATABASE, spare / DATABASE)
    async with opened(spare) as store:
        await oppose(store, 2)
    taken(spare / DATABASE, home / DATABASE)
    async with opened(home) as store:
        await oppose(store, 3)
    async with opened(spare) as store:
        await oppose(store, 4)
    taken(spare / DATABASE, home / DATABASE)
    async with opened(home) as store:
        assert await opposed(store) == [1, 2, 3, 4]


async def test_old_notes_that_were_taken_along_hide_no_opposition(tmp_path: Path) -> None:
    home, spare = machine(tmp_path / "home"), machine(tmp_path / "spare")
    async with opened(home) as store:
        await oppose(store, 1)
    taken(home / DATABASE, spare / DATABASE)
    taken(home / NOTES, spare / NOTES)
    async with opened(home) as store:
        await oppose(store, 2)
    async with opened(spare) as store:
        await oppose(store, 3, 4)
    taken(spare / DATABASE, home / DATABASE)
    async with opened(home) as store:
        assert await opposed(store) == [1, 2, 3, 4]


async def test_a_lift_at_home_takes_nothing_from_who_opposed_on_the_spare_machine(tmp_path: Path) -> None:
    """Nobody knows which was later."""
    home, spare = machine(tmp_path / "home"), machine(tmp_path / "spare")
    async with opened(home) as store:
        await oppose(store, 1)
    taken(home / DATABASE, spare / DATABASE)
    async with opened(home) as store:
        await lift(store, 1, 2)
        await oppose(store, 3)
    async with opened(spare) as store:
        await oppose(store, 1, 2)
    taken(spare / DATABASE, home / DATABASE)
    async with opened(home) as store:
        assert await opposed(store) == [1, 2, 3]


async def test_a_file_that_stays_where_it_is_stays_in_its_era(tmp_path: Path) -> None:
    for number in range(3):
        async with opened(tmp_path) as store:
            await oppose(store, number)
    before = eras(tmp_path)
    for number in range(3):
        async with opened(tmp_path) as store:
            await oppose(store, number)
        async with opened(tmp_path), opened(tmp_path):
            pass
    assert eras(tmp_path) == before


async def test_a_backup_that_is_read_stays_as_it_is(tmp_path: Path) -> None:
    backup = machine(tmp_path / "backup") / DATABASE
    async with opened(tmp_path) as store:
        await oppose(store, 1)
        source = SqliteSource(tmp_path / DATABASE)
        back_up(source, backup)
        source.close()
    before = eras(backup.parent)
    SqliteSource(backup).close()
    assert eras(backup.parent) == before


acts = st.tuples(
    st.sampled_from(["oppose", "oppose", "oppose", "lift", "carry", "carry", "aside", "back"]),
    st.integers(0, 1),
    st.integers(0, 4),
)


@pytest.mark.slow
@given(st.booleans(), st.lists(acts, max_size=20))
@settings(max_examples=60, deadline=None)
def test_wherever_a_file_served_whoever_last_opposed_is_opposed(notes_as_well: bool, steps: Sequence[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_lives(Path(folder), notes_as_well, steps))


@dataclass
class Place:
    """A folder with a file in it, or a copy of one; who opposed is known to the file that holds it, and to the notes."""

    folder: Path
    file: Last = field(default_factory=dict)
    notes: Last = field(default_factory=dict)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[SqliteStore]:
        """Open; whoever opposed last, as file and notes know it, is opposed."""
        async with opened(self.folder) as store:
            self.file = {who: max(last.get(who, (-2, False)) for last in (self.file, self.notes)) for who in range(5)}
            assert {who for who, (_, stands) in self.file.items() if stands} <= set(await opposed(store))
            yield store

    def take(self, other: Place) -> None:
        """The other's file alone."""
        if (other.folder / DATABASE).exists():
            taken(other.folder / DATABASE, self.folder / DATABASE)
            self.file = dict(other.file)

    async def do(self, now: int, what: str, who: int) -> None:
        """Oppose or lift, at that time."""
        async with self.served() as store:
            await (oppose if what == "oppose" else lift)(store, who)
        self.file[who] = self.notes[who] = now, what == "oppose"


async def _lives(folder: Path, notes_as_well: bool, steps: Sequence[tuple[str, int, int]]) -> None:
    first, second, copy = (Place(machine(folder / name)) for name in ("first", "second", "copy"))
    await first.do(-1, "oppose", 0)
    second.take(first)
    if notes_as_well:
        taken(first.folder / NOTES, second.folder / NOTES)
        second.notes = dict(first.notes)
    for now, (what, number, who) in enumerate(steps):
        here, there = (first, second) if number else (second, first)
        match what:
            case "carry":
                here.take(there)
            case "aside":
                copy.take(here)
            case "back":
                here.take(copy)
            case _:
                await here.do(now, what, who)
    for one in (first, second):
        async with one.served():
            pass
