"""Backups that a gateway makes by itself: whenever the newest is too old, proven, on record, and no more of them than wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from gateway.core.evidence import parse_event
from gateway.edges.keys import KeyRing
from gateway.edges.store.backup_folder import BackupFolder
from gateway.edges.store.backup_proof import FORM, Proof, Unreadable, read_proof, whole
from gateway.edges.store.copy_sqlite import SqliteSource
from gateway.edges.store.copying import digest
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.backups import Backups, Rhythm
from gateway.flow.lease_ports import Lease, Overtaken
from gateway.flow.ports import Unavailable
from gateway.settings import Settings, load
from gateway.store_rooms import DATABASE, KEYS, backups_of, fingerprint, put_aside
from tests.support.clock import StillClock
from tests.support.desk import Lines
from tests.support.filled import fill
from tests.support.people import NOON

DAY = timedelta(days=1)


class Shown:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.newest: datetime | None = None
        self.failed = 0

    def backed_up(self, newest: datetime | None) -> None:
        self.newest = newest

    def backup_failed(self) -> None:
        self.failed += 1


class House:
    """A store with something everywhere, a folder for its backups, and the job."""

    def __init__(self, folder: Path, store: SqliteStore) -> None:
        (folder / "gateway.toml").write_text('[backup]\nfolder = "night"\nkeep = 2\n')
        self.settings: Settings = load(folder / "gateway.toml", {})
        self.ring = KeyRing.open(self.settings.gateway.data_dir / KEYS, may_create=False)
        self.store, self.clock, self.log, self.shown = store, StillClock(NOON), Lines(), Shown()
        self.nights = folder / "night"
        shelf = backups_of(self.settings, self.ring)
        assert shelf is not None
        self.shelf: BackupFolder = shelf
        self.jobs = Backups(shelf, Rhythm(DAY, 2), store.book, self.clock, self.log, self.shown)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.nights.iterdir())

    async def told(self) -> list[str]:
        events = [parse_event(entry.body) async for entry in self.store.journal.entries()]
        return [event.detail for event in events if event and event.outcome == "backed-up"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    KeyRing.open(tmp_path / "var" / KEYS, may_create=True)
    store = open_store(tmp_path / "var" / DATABASE, "n1w0")
    await fill(store.book)
    yield House(tmp_path, store)
    await store.close()


async def test_one_is_made_when_there_is_none_and_again_when_it_is_too_old(house: House) -> None:
    assert await house.jobs.once()
    assert not await house.jobs.once()
    house.clock.advance(DAY.total_seconds() - 1)
    assert not await house.jobs.once()
    house.clock.advance(1)
    assert await house.jobs.once()
    assert house.names() == [f"gateway-{at:%Y%m%dT%H%M%SZ}.db" for at in (NOON, NOON + DAY)]
    assert house.shown.newest == NOON + DAY
    assert len(await house.told()) == 2


async def test_it_holds_what_the_store_held_privately_and_says_so_of_itself(house: House) -> None:
    source = SqliteSource(house.settings.gateway.data_dir / DATABASE)
    before = digest(source.batches())
    source.close()
    await house.jobs.once()
    (path,) = house.nights.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert house.nights.stat().st_mode & 0o777 == 0o700
    proof = read_proof(path)
    assert proof == Proof(fingerprint(house.ring), NOON, FORM, whole(before))
    assert house.names() == [path.name], "reading the proof leaves nothing beside it"
    assert await house.told() == [f"rows={sum(one.rows for one in before.values())}; digest={whole(before)}"]


async def test_the_oldest_go_but_nobody_elses(house: House) -> None:
    house.nights.mkdir()
    others = {"gateway-20200101T000000Z.db": b"not a database", "notes.txt": b"x", "gateway-20200101T000000Z.db.bak": b"y"}
    for name, octets in others.items():
        (house.nights / name).write_bytes(octets)
    stranger = house.nights / "gateway-20200202T000000Z.db"
    put_aside(house.settings, stranger, NOON)
    connection = apsw.Connection(str(stranger))
    connection.execute("UPDATE mark SET name = replace(name, ?, ?)", (fingerprint(house.ring).hex(), "00" * 32)).fetchall()
    connection.close()
    for _ in range(4):
        await house.jobs.once()
        house.clock.advance(days=1)
    kept = [f"gateway-{NOON + days * DAY:%Y%m%dT%H%M%SZ}.db" for days in (2, 3)]
    assert house.names() == sorted([*others, stranger.name, *kept])


async def test_a_failure_is_told_and_leaves_no_file_and_no_gap(house: House) -> None:
    await house.jobs.once()
    house.clock.advance(days=1)
    (house.nights / f"gateway-{house.clock.now():%Y%m%dT%H%M%SZ}.db").mkdir()  # something is in its place
    with pytest.raises(Unavailable, match="exists"):
        await house.jobs.once()
    house.clock.advance(1)
    assert await house.jobs.once()
    assert len(await house.told()) == 2


async def test_a_folder_that_cannot_be_written_is_counted_and_tried_again(house: House) -> None:
    house.nights.write_text("a file, where a folder should be")
    with pytest.raises(Unavailable, match="folder of backups"):
        await house.jobs.once()


async def test_one_that_is_called_off_leaves_nothing(house: House) -> None:
    def unwanted() -> None:
        raise Unavailable("called off")

    house.nights.mkdir()
    with pytest.raises(Unavailable, match="called off"):
        put_aside(house.settings, house.nights / "gateway-20260101T000000Z.db", NOON, unwanted)
    assert house.names() == []


async def test_who_is_keeper_no_longer_puts_nothing_on_record(house: House) -> None:
    book = house.store.under(Lease("keeper", 7)).book
    jobs = Backups(house.shelf, Rhythm(DAY, 2), book, house.clock, house.log, house.shown)
    with pytest.raises(Overtaken):
        await jobs.run(0, 0)
    assert await house.told() == []


async def test_a_backup_of_a_store_that_was_put_back_speaks_for_itself_alone(house: House, tmp_path: Path) -> None:
    """One machine's store is put back by renaming the file, which then says of itself what the backup did."""
    await house.jobs.once()
    (path,) = house.nights.iterdir()
    (tmp_path / "again").mkdir()
    path.rename(tmp_path / "again" / DATABASE)
    (house.settings.gateway.data_dir / KEYS).rename(tmp_path / "again" / KEYS)
    (tmp_path / "again.toml").write_text('[gateway]\ndata_dir = "again"\n')
    put_aside(load(tmp_path / "again.toml", {}), tmp_path / "new.db", NOON + DAY)
    proof = read_proof(tmp_path / "new.db")
    assert proof is not None
    assert proof.begun == NOON + DAY


def test_what_says_nothing_of_itself_has_no_proof(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database")
    apsw.Connection(str(tmp_path / "empty.db")).execute("CREATE TABLE mark (name TEXT, at INTEGER)").fetchall()
    assert read_proof(tmp_path / "empty.db") is None
    for name in ("text.db", "none.db"):
        with pytest.raises(Unreadable):
            read_proof(tmp_path / name)
