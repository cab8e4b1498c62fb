"""The node's own journal: on disk before anything is sent, and exact about what the shared data lack."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edges.store.redis.notes import FILE, Member, NodeJournal
from gateway.edges.store.redis.pack import packed
from gateway.edges.store.redis.standing import Standing
from gateway.flow.ports import Unavailable
from tests.support.machine import machine, oppose, opposed, whole
from tests.support.people import person
from tests.support.redis_servers import RedisServer, needs_redis

OPPOSE, LIFT = packed([["oppose"]]), packed([["lift"]])


@contextmanager
def journal(folder: Path, standing: Standing | None = None) -> Iterator[NodeJournal]:
    """The file in that folder, open."""
    one = NodeJournal(folder / FILE, standing or Standing())
    try:
        yield one
    finally:
        one.close()


def _payloads(folder: Path) -> list[bytes]:
    """What is on the disk, read by somebody else."""
    connection = apsw.Connection(str(folder / FILE), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [payload for (payload,) in connection.execute("SELECT payload FROM note ORDER BY id")]
    finally:
        connection.close()


@needs_redis
async def test_opposition_is_on_the_nodes_disk_before_redis_hears_of_it(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await redis_server.kill()
        with pytest.raises(Unavailable):
            await oppose(store, person(1))
    (payload,) = _payloads(tmp_path)
    assert person(1)[2:] in payload


@needs_redis
async def test_no_address_and_no_event_is_kept_on_the_node(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
    (payload,) = _payloads(tmp_path)
    assert b"recorded" not in payload
    assert len(payload) < 100


@needs_redis
@pytest.mark.slow
async def test_opposition_is_not_acknowledged_while_the_nodes_file_is_locked(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        other = apsw.Connection(str(tmp_path / FILE))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await oppose(store, person(1))
        other.execute("ROLLBACK")
        other.close()
        assert not await opposed(store, person(1))
        await oppose(store, person(1))
        assert await opposed(store, person(1))


@needs_redis
async def test_opposition_is_not_acknowledged_where_the_nodes_file_is_gone(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        (tmp_path / FILE).rename(tmp_path / "elsewhere.db")
        with pytest.raises(Unavailable):
            await oppose(store, person(2))
        (tmp_path / "elsewhere.db").rename(tmp_path / FILE)
        await oppose(store, person(2))


async def test_opposition_is_not_acknowledged_where_the_nodes_disk_is_full(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        with _full_disk((tmp_path / f"{FILE}-wal").stat().st_size + 100), pytest.raises(Unavailable):
            await oppose(store, person(2))
        assert not await opposed(store, person(2))
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(2))
        await redis_server.command("FLUSHALL")
        await whole(store)
        assert [number for number in (1, 2) if await opposed(store, person(number))] == [1, 2]


@contextmanager
def _full_disk(size: int) -> Iterator[None]:
    """No file of this process grows beyond this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_highest_stand_and_the_other_nodes_outlive_the_process(tmp_path: Path) -> None:
    members = [Member("a", "1", 1, retired=False), Member("b", "2", 4, retired=True)]
    with journal(tmp_path, standing := Standing()) as one:
        known = one.id
        standing.saw(77)
        one.remember(members, {"c:3": 7})
    with journal(tmp_path, standing := Standing()) as one:
        assert (one.id, standing.seen, one.members(), one.bygone()) == (known, 77, members, {"c:3": 7})


def test_highest_stand_of_two_processes_is_kept(tmp_path: Path) -> None:
    with journal(tmp_path, high := Standing()) as one, journal(tmp_path, low := Standing()) as other:
        high.saw(9)
        one.remember((), {})
        low.saw(5)
        other.remember((), {})
    with journal(tmp_path, standing := Standing()):
        assert standing.seen == 9


def test_processes_of_one_machine_share_the_file_without_losing_a_note(tmp_path: Path) -> None:
    def work(writer: str) -> None:
        with journal(tmp_path) as one:
            for _ in range(50):
                one.recorded("e1", [(number, 1) for number in one.keep(writer, [OPPOSE, OPPOSE])])

    with journal(tmp_path):
        threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert len(_payloads(tmp_path)) == 400
    with journal(tmp_path) as one:
        assert one.untold("", 0, 10) == []
        assert len(one.lacking([("e2", 0)], 1000)) == 400


def test_what_was_never_answered_is_told_by_its_own_writer_or_when_all_moved(tmp_path: Path) -> None:
    with journal(tmp_path) as one:
        (mine,), (theirs,) = one.keep("w0", [OPPOSE]), one.keep("w1", [LIFT])
        assert [(note.id, note.sure, note.lifts) for note in one.untold("w0", 0, 9)] == [(mine, False, False)]
        assert [note.id for note in one.untold("", 0, 9)] == [mine, theirs]
        assert one.untold("w1", theirs, 9) == []


def test_what_was_never_answered_comes_right_behind_what_was_known_then(tmp_path: Path) -> None:
    with journal(tmp_path, standing := Standing()) as one:
        standing.saw(7)
        one.keep("w0", [OPPOSE])
        standing.saw(90)
        assert [note.order for note in one.untold("w0", 0, 9)] == [7.5]


def test_note_that_was_refused_for_good_is_never_told(tmp_path: Path) -> None:
    with journal(tmp_path) as one:
        one.void(one.keep("w0", [OPPOSE]))
        assert one.untold("", 0, 9) == []
        assert one.lacking([("e1", 0)], 9) == []


def test_machine_enters_an_epoch_once(tmp_path: Path) -> None:
    with journal(tmp_path) as one, journal(tmp_path) as other:
        assert [one.enters("e1"), other.enters("e1"), other.enters("e2"), one.enters("e2")] == [True, False, True, False]


@dataclass
class _World:
    """A shared store in little, that can be copied, put back and moved on, and what really is in it."""

    lineage: list[tuple[str, int]] = field(default_factory=lambda: [("e0", 0)])
    stand: int = 0
    holds: frozenset[int] = frozenset()

    def copy(self) -> _World:
        return _World([*self.lineage], self.stand, self.holds)

    def put_back(self, copy: _World, epoch: str, top: int) -> None:
        """Become that copy, in a new epoch; stands that anybody saw never come again."""
        self.lineage, self.holds = [*copy.lineage, (epoch, copy.stand)], copy.holds
        self.stand = top + 10


def _record(world: _World, one: NodeJournal) -> int:
    world.stand += 1
    (note,) = one.keep("w0", [OPPOSE])
    one.recorded(world.lineage[-1][0], [(note, world.stand)])
    world.holds |= {note}
    return note


def _heal(world: _World, one: NodeJournal) -> set[int]:
    """Tell all that is lacking: what was told."""
    told: set[int] = set()
    while found := one.lacking(world.lineage, 3):
        world.stand += 1
        one.held([(note.id, world.stand) for note in found], world.lineage[-1][0])
        told.update(note.id for note in found)
    world.holds |= told
    return told


_WORLDS = settings(max_examples=40)


@_WORLDS
@given(st.lists(st.sampled_from(["record", "copy", "restart", "put back", "heal"]), max_size=24), st.randoms())
def test_no_note_that_the_data_lack_is_forgotten(tmp_path_factory: pytest.TempPathFactory, acts: list[str], chance: Random) -> None:
    world, copies, top, noted = _World(), [_World()], 0, set[int]()
    with journal(tmp_path_factory.mktemp("node")) as one:
        for step, act in enumerate([*acts, "heal"]):
            match act:
                case "record":
                    noted.add(_record(world, one))
                case "copy":
                    copies.append(world.copy())
                case "restart":
                    world.put_back(world.copy(), f"e{step + 1}", top)
                case "put back":
                    world.put_back(chance.choice(copies), f"e{step + 1}", top)
                case _:
                    lacking = noted - world.holds
                    assert _heal(world, one) >= lacking
            top = max(top, world.stand)
    assert world.holds == noted


@_WORLDS
@given(st.lists(st.sampled_from(["record", "copy", "restart"]), max_size=24), st.randoms())
def test_nothing_is_told_that_a_copy_already_holds(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], chance: Random
) -> None:
    world, copies, noted = _World(), [_World()], set[int]()
    with journal(tmp_path_factory.mktemp("node")) as one:
        for step, act in enumerate(acts):
            match act:
                case "record":
                    noted.add(_record(world, one))
                case "copy":
                    copies.append(world.copy())
                case _:
                    world.put_back(world.copy(), f"e{step + 1}", world.stand)
        for epoch in ("old", "other"):
            world.put_back(chance.choice(copies), epoch, world.stand)
            lacking = noted - world.holds
            assert _heal(world, one) == lacking
