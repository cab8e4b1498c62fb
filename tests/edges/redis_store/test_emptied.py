"""A store that lost everything: what is missing proves nothing, what protects people goes on, no reference comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.core.change import Enlist, Learn
from gateway.core.evidence import Event, Kind, parse_event, verify
from gateway.core.model import Ref, Tool
from gateway.core.record import Who
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import Batch, copy
from gateway.edges.store.redis.copy_target import RedisTarget
from gateway.edges.store.redis.copying import RedisSource
from gateway.edges.store.redis.store import RedisStore
from gateway.flow.ports import Unavailable
from tests.support.machine import Lines, machine, oppose, opposed, reachable, whole
from tests.support.peer import until
from tests.support.people import NOON, consent, person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access, shared_store

pytestmark = needs_redis
TOOL = Tool("mautic", sha256(b"secret").digest(), ("news",), None, NOON)


async def attempt(store: RedisStore) -> Ref:
    """A reference given out for an event that changes nothing."""
    (ref,) = await store.book.commit([Event(NOON, Kind.ATTEMPT, "begun")])
    return ref


async def journal_of(store: RedisStore) -> dict[str, bytes]:
    """The hash of each entry by its reference; the chains are sound."""
    entries = [one async for one in store.journal.entries()]
    assert verify(entries) == []
    return {f"{one.writer}-{one.seq}": one.hash for one in entries}


def backup(server: RedisServer, path: Path) -> None:
    """Put a copy aside while gateways serve."""
    source = RedisSource(access(server.url), FINGERPRINT)
    assert copy(source, SqliteTarget(path)).differing == ()
    source.close()


def put_back(server: RedisServer, path: Path) -> None:
    """Copy it into the emptied store while gateways serve."""
    source = SqliteSource(path)
    assert copy(source, RedisTarget(access(server.url), FINGERPRINT)).differing == ()
    source.close()


async def test_emptied_store_answers_nothing_that_a_verdict_or_a_login_rests_on(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await store.book.commit((), [Enlist(TOOL), Learn(consent(person(1)), b"sealed")])
        await redis_server.command("FLUSHALL")
        for ask in (
            store.book.tool("mautic"),
            store.book.tool("unknown"),
            store.book.tools(),
            store.book.api_key("partner"),
            store.book.api_keys(),
            store.book.arrangements(),
            store.book.rulings(),
            store.book.enrolment(b"digest"),
            store.book.facts("acme", [Who(person(1))]),
            store.book.stand(),
            store.book.stand_at(NOON),
            store.book.has_hashes(),
            store.book.consents(),
            store.book.consents(person(1)),
            store.book.dossier(person(1)),
            store.book.commit((), [Enlist(TOOL)]),
        ):
            with pytest.raises(Unavailable):
                await ask
        assert not store.settled
        assert "gateway store copy" in store.why


async def test_emptied_store_takes_oppositions_that_stay_when_the_copy_is_back(redis_server: RedisServer, tmp_path: Path) -> None:
    log = Lines()
    async with (
        machine(redis_server.url, tmp_path / "a", "a", log=log) as one,
        machine(redis_server.url, tmp_path / "b", "b") as other,
    ):
        await one.book.commit((), [Enlist(TOOL), Learn(consent(person(1)), b"sealed"), Learn(consent(person(2)), b"sealed")])
        await oppose(one, person(3))
        backup(redis_server, tmp_path / "night.db")
        await oppose(other, person(4))
        await redis_server.command("FLUSHALL")
        await oppose(other, person(1))
        await whole(one)
        assert [number for number in (1, 2, 3, 4) if await opposed(one, person(number))] == [1, 3, 4]
        await until(lambda: _said(log, "store-emptied"), "it is said")
        put_back(redis_server, tmp_path / "night.db")
        await whole(one)
        await whole(other)
        facts = await one.book.facts("acme", [Who(person(number)) for number in (1, 2, 3, 4)])
        assert [bool(found.oppositions) for found in facts] == [True, False, True, True]
        assert [len(found.consents) for found in facts] == [1, 1, 0, 0]
        assert await other.book.tool("mautic") == TOOL
        await until(lambda: _said(log, "store-filled"), "it is said")
        assert (one.settled, one.why) == (True, "")


async def _said(log: Lines, what: str) -> bool:
    return what in log.names()


async def test_evidence_of_the_time_of_the_loss_stays_and_no_reference_comes_twice(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await attempt(store)
        backup(redis_server, tmp_path / "night.db")
        given = {str(await attempt(store)) for _ in range(3)}
        before = await journal_of(store)
        await redis_server.command("FLUSHALL")
        await oppose(store, person(1))
        meanwhile = {str(await attempt(store)) for _ in range(2)}
        put_back(redis_server, tmp_path / "night.db")
        await whole(store)
        after = {str(await attempt(store)) for _ in range(2)}
        assert not (given | set(before)) & meanwhile
        assert not (given | set(before) | meanwhile) & after
        kept = await journal_of(store)
        assert meanwhile | after <= set(kept)
        assert all(kept[ref] == before[ref] for ref in set(kept) & set(before))
        assert await store.journal.of_person(person(1))


@pytest.mark.parametrize("clean", [True, False])
async def test_process_that_comes_after_a_loss_gives_no_number_of_the_one_before(
    redis_server: RedisServer, tmp_path: Path, clean: bool
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await attempt(store)
        backup(redis_server, tmp_path / "night.db")
        given = {str(await attempt(store)) for _ in range(3)}
        if not clean:
            memory = _lives(tmp_path)
    if not clean:
        _as_killed(tmp_path, memory)
    await redis_server.command("FLUSHALL")
    put_back(redis_server, tmp_path / "night.db")
    async with machine(redis_server.url, tmp_path, "a") as store:
        assert str(await attempt(store)) not in given
        await journal_of(store)


def _lives(folder: Path) -> dict[str, bytes]:
    """The node's file as it is while the process is at work."""
    return {path.name: path.read_bytes() for path in folder.glob("node.db*") if not path.name.endswith("-shm")}


def _as_killed(folder: Path, files: dict[str, bytes]) -> None:
    """Put it back, as a process leaves it that was killed then."""
    for path in folder.glob("node.db*"):
        path.unlink()
    for name, octets in files.items():
        (folder / name).write_bytes(octets)


async def test_process_goes_on_with_its_chain_where_nothing_is_lost(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await attempt(store)
        await redis_server.restart()
        await reachable(store)
        await attempt(store)
    async with machine(redis_server.url, tmp_path, "a") as store:
        await attempt(store)
        assert set(await journal_of(store)) >= {"aw0-1", "aw0-2", "aw0-3"}
        assert {one.rpartition("-")[0] for one in await journal_of(store)} == {"aw0"}


async def test_stranger_who_comes_first_makes_no_emptied_store_look_begun(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await store.book.commit((), [Enlist(TOOL)])
        await oppose(store, person(1))
    await redis_server.command("FLUSHALL")
    async with machine(redis_server.url, tmp_path / "b", "b"), machine(redis_server.url, tmp_path / "a", "a") as store:
        with pytest.raises(Unavailable):
            await store.book.tool("mautic")
        assert "emptied" in store.why


async def test_begun_anew_is_on_record_and_goes_on_with_what_is_there(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        await redis_server.command("FLUSHALL")
        await whole(store)
        async with shared_store(redis_server.url, tmp_path, "cli.a", node="") as onlooker:
            assert await onlooker.nodes.emptied()
            await onlooker.nodes.begin_anew(NOON)
        assert await store.book.tool("mautic") is None
        assert await opposed(store, person(1))
        await until(lambda: _settled(store), "it is whole")
        assert store.why == ""


async def _settled(store: RedisStore) -> bool:
    await reachable(store)
    return store.settled


async def test_copy_that_is_broken_off_leaves_the_store_emptied_and_its_evidence_there(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await attempt(store)
        backup(redis_server, tmp_path / "night.db")
        await redis_server.command("FLUSHALL")
        await oppose(store, person(1))
        before = await journal_of(store)
        source = SqliteSource(tmp_path / "night.db")
        with pytest.raises(ZeroDivisionError):
            copy(_Broken(source), RedisTarget(access(redis_server.url), FINGERPRINT))  # type: ignore[arg-type]
        source.close()
        await whole(store)
        assert "emptied" in store.why
        assert (await journal_of(store)).items() >= before.items()
        assert await opposed(store, person(1))
        put_back(redis_server, tmp_path / "night.db")
        await whole(store)
        assert (await journal_of(store)).items() >= before.items()
        assert await opposed(store, person(1))


class _Broken:
    """A source that fails half way."""

    def __init__(self, source: SqliteSource) -> None:
        self._source = source
        self.standing = source.standing

    def batches(self) -> Iterator[Batch]:
        """Some batches."""
        yield next(iter(self._source.batches()))
        raise ZeroDivisionError


async def test_what_is_left_of_a_store_is_no_backup(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        await redis_server.command("FLUSHALL")
        await whole(store)
        with pytest.raises(Refused, match="emptied"):
            RedisSource(access(redis_server.url), FINGERPRINT)


async def test_what_a_machine_tells_again_is_on_record_of_its_person(redis_server: RedisServer, tmp_path: Path) -> None:
    """The evidence of a commit is lost with it; whoever was acknowledged must find theirs."""
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        await redis_server.command("FLUSHALL")
        await reachable(store)
        await until(lambda: _restored(store), "it is on record")
        assert [event.detail for event in await _told(store)] == ["oppose node=a"]


async def _restored(store: RedisStore) -> bool:
    return bool(await _told(store))


async def _told(store: RedisStore) -> list[Event]:
    entries = await store.journal.of_person(person(1))
    events = [event for one in entries if (event := parse_event(one.body))]
    return [event for event in events if (event.kind, event.outcome) == (Kind.STORE, "restored")]
