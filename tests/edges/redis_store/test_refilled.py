"""A store that was emptied is filled again by one of its machines: whoever opposed stays opposed, nothing is put back blindly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.change import Enlist, Learn
from gateway.core.evidence import Event, Kind, parse_event, verify
from gateway.core.record import Who
from gateway.edges.clock import SystemClock
from gateway.edges.store.backup_folder import BackupFolder, name_of
from gateway.edges.store.backup_proof import ProvenTarget
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource
from gateway.edges.store.copying import copy
from gateway.edges.store.redis.copy_target import Begun, RedisTarget
from gateway.edges.store.redis.copying import RedisSource
from gateway.edges.store.redis.restoring import Patience, Place, Restoring
from gateway.edges.store.redis.store import RedisStore
from gateway.flow.ports import Unavailable
from tests.edges.redis_store.test_emptied import TOOL, journal_of, put_back
from tests.support.machine import Lines, machine, oppose, opposed, whole
from tests.support.peer import until
from tests.support.people import NOON, consent, person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access

pytestmark = needs_redis
SOON = Patience(counts=2_000, waits=300, lasts=1_000)
BEGUN = NOON.replace(microsecond=0)


def backup(server: RedisServer, folder: Path, begun: datetime = BEGUN, keys: bytes = FINGERPRINT) -> Path:
    """What the keeper puts aside."""
    source, path = RedisSource(access(server.url), FINGERPRINT), folder / name_of(begun)
    assert copy(source, ProvenTarget(path, keys, begun)).differing == ()
    source.close()
    return path


class Machine:
    """One of them: its store, its part in filling it, and what it says."""

    def __init__(self, store: RedisStore, restoring: Restoring, log: Lines) -> None:
        self.store, self.restoring, self.log = store, restoring, log

    async def filled(self) -> None:
        """Wait until everything is there."""

        async def so() -> bool:
            with suppress(Unavailable):
                return (await self.store.reads.rows([])).settled
            return False

        await until(so, "the store is filled again", pause=0.02)

    async def refuses(self, why: str) -> None:
        """Wait until it says why it does nothing."""

        async def so() -> bool:
            return why in self.restoring.why

        await until(so, f"it says: {why}", pause=0.02)

    def restored(self) -> int:
        return self.log.names().count("store-restored")


@asynccontextmanager
async def refilling(
    server: RedisServer, folder: Path, node: str, nights: Path, patience: Patience = SOON
) -> AsyncIterator[Machine]:
    """A machine that fills its store by itself from that folder."""
    log = Lines()
    async with machine(server.url, folder / node, node, log=log) as store:
        restoring = helper(server, folder / node, node, nights, log, patience)
        filling = asyncio.create_task(restoring.run(lambda: store.standing.emptied or not store.standing.epoch))
        try:
            yield Machine(store, restoring, log)
        finally:
            filling.cancel()
            with suppress(asyncio.CancelledError):
                await filling


def helper(server: RedisServer, folder: Path, node: str, nights: Path, log: Lines, patience: Patience = SOON) -> Restoring:
    place = Place(access(server.url), FINGERPRINT)
    shelf = BackupFolder(nights, FINGERPRINT, lambda *_: {})
    return Restoring(place, node, shelf, folder / "restore.db", SystemClock(), log, patience)


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    folder = tmp_path / "nights"
    folder.mkdir()
    return folder


def private(folder: Path) -> list[Path]:
    return [*folder.glob("*/restore.db*")]


async def found(store: RedisStore, numbers: range) -> list[tuple[bool, int]]:
    """Of each: whether they oppose, and how many consents are on file."""
    facts = await store.book.facts("acme", [Who(person(number)) for number in numbers])
    return [(bool(one.oppositions), len(one.consents)) for one in facts]


async def events(store: RedisStore, outcome: str) -> list[str]:
    entries = [entry async for entry in store.journal.entries()]
    assert verify(entries) == []
    return [one.detail for entry in entries if (one := parse_event(entry.body)) and one.outcome == outcome]


async def test_one_of_two_fills_it_and_nobody_who_opposed_since_is_forgotten(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    async with refilling(redis_server, tmp_path, "a", nights) as one, refilling(redis_server, tmp_path, "b", nights) as other:
        await one.store.book.commit((), [Enlist(TOOL), *(Learn(consent(person(number)), b"sealed") for number in (1, 2, 3))])
        await oppose(one.store, person(4))
        backup(redis_server, nights)
        await oppose(other.store, person(1))  # since the backup: on the other's disk
        await other.store.book.commit((), [Learn(consent(person(5)), b"sealed")])  # since the backup: lost
        await redis_server.command("FLUSHALL")
        await oppose(one.store, person(2))  # while everything is gone
        await asyncio.gather(one.filled(), other.filled())
        assert await found(one.store, range(1, 6)) == [(True, 1), (True, 1), (False, 1), (True, 0), (False, 0)]
        assert await other.store.book.tool("mautic") == TOOL
        assert (one.store.settled, one.store.why) == (True, "")
        assert one.restored() + other.restored() == 1
        (detail,) = await events(one.store, "restored-from-backup")
        assert detail.startswith(f"backup={BEGUN.isoformat()}; node=")

        async def gone() -> bool:
            return private(tmp_path) == []

        await until(gone, "the copies that were proven go when they have served")
    assert await redis_server.command("KEYS", "{gw}restoring") == []
    assert await redis_server.command("HMGET", "{gw}m", "copier", "restoring", "aside") == [None, None, None]


async def test_a_copy_that_a_killed_machine_left_goes_when_it_starts_again(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    left = tmp_path / "a" / "restore.db"
    left.parent.mkdir()
    left.write_bytes(b"half a copy")
    async with refilling(redis_server, tmp_path, "a", nights):

        async def gone() -> bool:
            return private(tmp_path) == []

        await until(gone, "the copy goes")


async def test_a_second_loss_before_the_next_backup_is_made_good_as_the_first(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    async with refilling(redis_server, tmp_path, "a", nights) as one:
        await one.store.book.commit((), [Enlist(TOOL), *(Learn(consent(person(number)), b"sealed") for number in (1, 2, 3))])
        backup(redis_server, nights)
        for number in (1, 2):
            await oppose(one.store, person(number))
            await redis_server.command("FLUSHALL")
            with pytest.raises(Unavailable):
                await one.store.book.tool("mautic")
            await one.filled()
        assert await found(one.store, range(1, 4)) == [(True, 1), (True, 1), (False, 1)]
        assert one.restored() == 2


async def test_the_newest_backup_of_all_machines_is_put_back(redis_server: RedisServer, tmp_path: Path) -> None:
    """Each has a folder of its own; the older one is looked at sooner."""
    older, newer = tmp_path / "older", tmp_path / "newer"
    older.mkdir()
    newer.mkdir()
    slow = replace(SOON, waits=2_000)
    async with (
        refilling(redis_server, tmp_path, "a", older, slow) as one,
        refilling(redis_server, tmp_path, "b", newer, slow) as other,
    ):
        backup(redis_server, older)
        await one.store.book.commit((), [Learn(consent(person(1)), b"sealed")])
        backup(redis_server, newer, BEGUN + timedelta(days=1))
        await redis_server.command("FLUSHALL")
        await one.filled()
        assert await found(one.store, range(1, 2)) == [(False, 1)]
        assert (one.restored(), other.restored()) == (0, 1)


async def test_a_machine_without_a_backup_leaves_it_to_the_others(redis_server: RedisServer, tmp_path: Path, nights: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    async with refilling(redis_server, tmp_path, "a", empty) as one, refilling(redis_server, tmp_path, "b", nights) as other:
        await one.store.book.commit((), [Enlist(TOOL)])
        backup(redis_server, nights)
        await redis_server.command("FLUSHALL")
        await one.filled()
        assert other.restored() == 1


async def test_without_a_backup_nothing_is_concluded_and_oppositions_are_taken(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    async with refilling(redis_server, tmp_path, "a", nights) as one:
        await one.store.book.commit((), [Enlist(TOOL)])
        backup(redis_server, nights, keys=b"\x01" * 32)  # another gateway's
        await redis_server.command("FLUSHALL")
        await one.refuses("no backup that belongs to these keys")
        with pytest.raises(Unavailable):
            await one.store.book.tool("mautic")
        await oppose(one.store, person(1))
        assert await opposed(one.store, person(1))
        assert one.log.names().count("store-not-restored") == 1
        put_back(redis_server, nights / name_of(BEGUN))  # a person knows better
        await one.filled()


@pytest.mark.parametrize("how", ["changed", "cut short", "scribbled over"])
async def test_a_damaged_backup_is_not_put_back_and_neither_is_an_older_one(
    redis_server: RedisServer, tmp_path: Path, nights: Path, how: str
) -> None:
    async with refilling(redis_server, tmp_path, "a", nights) as one:
        await one.store.book.commit((), [Enlist(TOOL), Learn(consent(person(1)), b"sealed as it is")])
        backup(redis_server, nights)
        path = backup(redis_server, nights, BEGUN + timedelta(days=1))
        octets = path.read_bytes()
        match how:
            case "changed":
                path.write_bytes(octets.replace(b"sealed as it is", b"sealed as it was"[:15]))
            case "cut short":
                path.write_bytes(octets[: len(octets) // 2])
            case _:
                path.write_bytes(octets[:8192] + bytes(8192) + octets[16384:])
        await redis_server.command("FLUSHALL")
        await one.refuses("cannot be put back: it does not hold what was read back" if how == "changed" else "the newest backup")
        with pytest.raises(Unavailable):
            await one.store.book.tool("mautic")
        assert one.restored() == 0


async def test_something_that_is_left_is_for_a_person_to_judge(redis_server: RedisServer, tmp_path: Path, nights: Path) -> None:
    """Only the marks were removed: a copy would take away what is there."""
    async with refilling(redis_server, tmp_path, "a", nights) as one:
        await one.store.book.commit((), [Enlist(TOOL)])
        backup(redis_server, nights)
        await one.store.book.commit((), [Learn(consent(person(1)), b"sealed")])
        await redis_server.command("DEL", "{gw}m")
        await one.refuses("not everything is gone")
        assert one.store.why
        assert await redis_server.command("EXISTS", "{gw}b:c") == 1


async def test_an_older_stand_is_told_by_the_nodes_and_not_replaced(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    async with refilling(redis_server, tmp_path, "a", nights) as one:
        await oppose(one.store, person(1))
        path = backup(redis_server, nights)
        await oppose(one.store, person(2))
        await redis_server.command("FLUSHALL")
        put_back(redis_server, path)
        await whole(one.store)
        assert [await opposed(one.store, person(number)) for number in (1, 2)] == [True, True]
        assert one.restored() == 0


async def test_a_copy_that_a_person_makes_is_left_alone(redis_server: RedisServer, tmp_path: Path, nights: Path) -> None:
    async with refilling(redis_server, tmp_path, "a", nights, replace(SOON, waits=1_500)) as one:
        path = backup(redis_server, nights)
        await redis_server.command("FLUSHALL")
        source, target = SqliteSource(path), RedisTarget(access(redis_server.url), FINGERPRINT)
        await one.refuses("by hand")
        for table, rows in source.batches():
            target.put(table, rows)
        list(target.written())
        target.finish()
        source.close()
        await one.filled()
        assert one.restored() == 0


async def _half(server: RedisServer, path: Path, node: str, patience: Patience) -> RedisTarget:
    """Begin as a machine does, put some of it, and say nothing more: as one that was killed, or stopped for a while."""
    begun: list[Begun] = []

    class Caught(Restoring):
        def _copied(self, one: Begun) -> None:  # type: ignore[override]
            begun.append(one)
            raise Unavailable("caught")

    shelf = BackupFolder(path.parent, FINGERPRINT, lambda *_: {})
    place = Place(access(server.url), FINGERPRINT)
    scratch = path.parent.parent / "half.db"
    restoring = Caught(place, node, shelf, scratch, SystemClock(), Lines(), replace(patience, waits=0))
    await restoring.step()
    target = RedisTarget(access(server.url), FINGERPRINT, begun=replace(begun[0], still=lambda: None))
    source = SqliteSource(path)
    for table, rows in source.batches():
        target.put(table, rows)
        if table == "entry":
            break
    source.close()
    return target


async def test_another_takes_over_from_who_was_killed_and_throws_the_half_away(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await store.book.commit((), [Enlist(TOOL), Learn(consent(person(1)), b"sealed")])
        await oppose(store, person(2))
        path = backup(redis_server, nights)
        await redis_server.command("FLUSHALL")
        await oppose(store, person(1))
        before = await journal_of(store)
    await _half(redis_server, path, "b", SOON)
    with pytest.raises(Refused):
        async with machine(redis_server.url, tmp_path / "a", "a"):
            pass
    log = Lines()
    restoring = helper(redis_server, tmp_path / "a", "a", nights, log)
    await restoring.step()
    assert restoring.why == "another gateway is putting a backup back"

    async def done() -> bool:
        await restoring.step()
        return "store-restored" in log.names()

    await until(done, "the other takes over", pause=0.1)
    assert ("store-restoring", {"backup": BEGUN.isoformat(), "again": True}) in log.said
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await whole(store)
        assert await found(store, range(1, 3)) == [(True, 1), (True, 0)]
        assert (await journal_of(store)).items() >= before.items(), "the evidence of the time between survives two attempts"
        assert len(await events(store, "restored-from-backup")) == 1


async def test_who_was_followed_and_wakes_up_spoils_nothing(redis_server: RedisServer, tmp_path: Path, nights: Path) -> None:
    async with refilling(redis_server, tmp_path, "a", nights) as one:
        await one.store.book.commit((), [Enlist(TOOL), Learn(consent(person(1)), b"sealed")])
        path = backup(redis_server, nights)
        await redis_server.command("FLUSHALL")

        async def emptied() -> bool:
            return one.store.standing.emptied

        await until(emptied, "it is noticed")
        sleeper = await _half(redis_server, path, "b", SOON)
        await one.filled()
        before = await redis_server.command("HGETALL", "{gw}m")
        for act in (lambda: sleeper.put("accepted", [(b"x" * 32, 1)]), lambda: list(sleeper.written()), sleeper.finish):
            with pytest.raises(Unavailable):
                act()
        sleeper.abandon()
        assert await redis_server.command("HGETALL", "{gw}m") == before
        assert await found(one.store, range(1, 2)) == [(False, 1)]


async def test_an_attempt_before_everything_was_laid_aside_loses_no_evidence(
    redis_server: RedisServer, tmp_path: Path, nights: Path
) -> None:
    """Killed right after it began: the chains of the time between are still where they were."""
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        path = backup(redis_server, nights)
        await redis_server.command("FLUSHALL")
        await store.book.commit([Event(NOON, Kind.ATTEMPT, "begun")])
        before = await journal_of(store)
    await redis_server.commands(("DEL", "{gw}m"), ("HSET", "{gw}m", "keys", "copying", "copier", "b:1", "restoring", "1"))
    log = Lines()
    restoring = helper(redis_server, tmp_path / "a", "a", nights, log)

    async def done() -> bool:
        await restoring.step()
        return "store-restored" in log.names()

    await until(done, "it is filled", pause=0.1)
    assert path.exists()
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        assert (await journal_of(store)).items() >= before.items()
