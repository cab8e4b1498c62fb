"""A server that does not prove that it keeps what it says is not used: at start, and from the moment it is noticed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.model import PersonKey
from gateway.edges.store.connection import Refused
from gateway.edges.store.redis import watching
from gateway.edges.store.redis.client import blocking_client
from gateway.edges.store.redis.durability import Finding, look
from gateway.edges.store.redis.store import RedisStore, holds_something, open_redis
from gateway.flow.ports import Unavailable
from tests.support.cluster import running_cluster
from tests.support.machine import Lines, machine, oppose, opposed, reachable, whole
from tests.support.peer import until
from tests.support.people import person
from tests.support.redis_servers import RedisServer, needs_redis, running_pair, running_redis
from tests.support.sentinel import running_sentinels
from tests.support.shared_store import FINGERPRINT, access

pytestmark = needs_redis

UNSAFE = {
    "appendfsync": ("everysec", "appendfsync always"),
    "maxmemory-policy": ("allkeys-lru", "maxmemory-policy noeviction"),
    "no-appendfsync-on-rewrite": ("yes", "no-appendfsync-on-rewrite no"),
    "appendonly": ("no", "appendonly yes"),
}


def _open(server: RedisServer, folder: Path, **different: object) -> None:
    """Open it once; a store that opens fails the test."""
    given = {"node": "a", "folder": folder, "fingerprint": FINGERPRINT} | different
    place = replace(access(server.url), username=server.username, password=server.password)
    with pytest.raises(Refused) as refused:
        open_redis(place, "aw0", **given)  # type: ignore[arg-type]
    raise refused.value


@pytest.mark.parametrize("name", UNSAFE)
async def test_unsafe_server_is_refused_at_start_with_the_line_for_its_configuration(
    redis_server: RedisServer, tmp_path: Path, name: str
) -> None:
    value, line = UNSAFE[name]
    await redis_server.config(name, value)
    with pytest.raises(Refused, match=line):
        _open(redis_server, tmp_path)


async def test_all_that_is_wrong_is_said_at_once(redis_server: RedisServer, tmp_path: Path) -> None:
    for name, (value, _) in UNSAFE.items():
        await redis_server.config(name, value)
    with pytest.raises(Refused) as refused:
        _open(redis_server, tmp_path)
    assert [line for _, line in UNSAFE.values() if line not in refused.value.what] == []


@pytest.mark.parametrize("name", UNSAFE)
async def test_server_that_becomes_unsafe_is_used_no_more_until_it_is_put_right(
    redis_server: RedisServer, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PROVE_EVERY", 0.0)
    value, line = UNSAFE[name]
    log = Lines()
    async with machine(redis_server.url, tmp_path, "a", log=log) as store:
        await redis_server.config(name, value)
        await until(lambda: _unsafe(log), "it is said")
        with pytest.raises(Unavailable):
            await oppose(store, person(1))
        with pytest.raises(Unavailable):
            await opposed(store, person(1))
        assert line in store.why
        assert not store.settled
        await redis_server.config(name, UNSAFE[name][1].split()[1])
        await reachable(store)
        await oppose(store, person(1))
        assert store.why == ""
    assert [facts["why"] for what, facts in log.said if what == "store-unsafe" and line in str(facts["why"])] != []


async def _unsafe(log: Lines) -> bool:
    return "store-unsafe" in log.names()


async def test_declared_replica_that_is_not_there_is_a_fault(redis_server: RedisServer, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="0 of the 1 declared replicas"):
        _open(redis_server, tmp_path, replicas=1)


@pytest.mark.slow
async def test_each_replica_that_may_become_primary_must_be_declared(tmp_path: Path) -> None:
    """A primary that was voted out would else go on with the other replica, and never learn who opposed since."""
    async with running_sentinels(tmp_path / "servers") as watched, running_redis(tmp_path / "second") as second:
        primary = watched.primary
        await second.command("REPLICAOF", primary.host, primary.port)

        async def both() -> bool:
            told = await primary.info("replication")
            return all("state=online" in told.get(name, "") for name in ("slave0", "slave1"))

        await until(both, "both replicas are there")
        with pytest.raises(Refused, match=r"2 replicas may become primary, and 1 must.*\[redis\] replicas = 2"):
            open_redis(access(watched.url), "aw0", node="a", folder=tmp_path, fingerprint=FINGERPRINT, replicas=1)
        async with machine(watched.url, tmp_path, "a", replicas=2) as store:
            await oppose(store, person(1))
            assert await opposed(store, person(1))


async def test_replica_is_refused_as_a_store(tmp_path: Path) -> None:
    async with running_pair(tmp_path / "servers") as pair:
        with pytest.raises(Refused, match="name the primary"):
            _open(pair.replica, tmp_path)


async def test_primary_that_turns_into_a_replica_takes_and_tells_nothing(tmp_path: Path) -> None:
    async with running_pair(tmp_path / "servers") as pair, machine(pair.primary.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        await pair.in_step()
        await pair.promote()
        await pair.primary.command("REPLICAOF", pair.replica.host, pair.replica.port)
        with pytest.raises(Unavailable):
            await oppose(store, person(2))


async def test_settings_that_may_not_be_read_are_a_fault_with_the_line_for_the_account(tmp_path: Path) -> None:
    async with running_redis(tmp_path / "redis", username="gateway", password="secret") as server:
        await server.command("ACL", "SETUSER", "gateway", "-config")
        with pytest.raises(Refused, match="user gateway \\+config\\|get"):
            _open(server, tmp_path)


async def test_least_account_that_is_asked_for_is_enough(tmp_path: Path) -> None:
    async with running_redis(tmp_path / "redis", username="gateway", password="secret") as server:
        admin = ("ACL", "SETUSER", "least", "on", ">secret", "~{gw}*", "+@all", "-@dangerous", "+info", "+config|get")
        await server.command(*admin)
        place = replace(access(server.url), username="least", password="secret")
        async with machine(place, tmp_path, "a") as store:
            await oppose(store, person(1))
            assert await opposed(store, person(1))


async def test_wrong_password_is_refused_without_telling_it(tmp_path: Path) -> None:
    async with running_redis(tmp_path / "redis", password="secret") as server:
        server.password = "wrong"
        with pytest.raises(Refused, match="refuses the password") as refused:
            _open(server, tmp_path)
        assert "wrong" not in refused.value.what


async def test_password_changed_under_a_running_gateway_stops_it_until_it_is_changed_back(tmp_path: Path) -> None:
    async with running_redis(tmp_path / "redis", password="secret") as server:
        place = replace(access(server.url), password="secret")
        async with machine(place, tmp_path, "a") as store:
            await oppose(store, person(1))
            await server.change_password("another")
            with pytest.raises(Unavailable):
                await oppose(store, person(2))
            with pytest.raises(Unavailable):
                await opposed(store, person(1))
            await server.change_password("secret")
            await whole(store)
            assert await opposed(store, person(1))


async def test_certificate_that_is_not_to_be_believed_is_said(tmp_path: Path) -> None:
    async with running_redis(tmp_path / "redis", tls=True) as server, running_redis(tmp_path / "other", tls=True) as other:
        place = replace(access(server.url), ca_file=other.ca_file)
        with pytest.raises(Refused, match=r"certificate .* ca_file"):
            open_redis(place, "aw0", node="a", folder=tmp_path, fingerprint=FINGERPRINT)


async def test_nobody_there_is_said_with_the_place(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    with pytest.raises(Refused, match=f"{server.port} does not answer"):
        _open(server, tmp_path)


async def test_machine_with_other_keys_is_refused(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a"):
        with pytest.raises(Refused, match="copy the folder keys"):
            _open(redis_server, tmp_path / "b", node="b", fingerprint=b"other")


async def test_second_machine_of_one_name_is_refused(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a"):
        with pytest.raises(Refused, match="gateway node retire a"):
            _open(redis_server, tmp_path / "b")


async def test_who_only_looks_on_joins_nobody_and_protects_nobody(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as one:
        await oppose(one, person(1))
        async with machine(redis_server.url, tmp_path / "b", "") as onlooker:
            assert await opposed(onlooker, person(1))
            assert [node.name for node in await onlooker.nodes.known()] == ["a"]
            with pytest.raises(Unavailable):
                await oppose(onlooker, person(2))


async def test_store_that_was_begun_holds_something(redis_server: RedisServer, tmp_path: Path) -> None:
    assert not holds_something(access(redis_server.url))
    async with machine(redis_server.url, tmp_path, "a"):
        assert holds_something(access(redis_server.url))
    await redis_server.stop()
    with pytest.raises(Unavailable):
        holds_something(access(redis_server.url))


async def test_rows_that_would_take_more_memory_are_advised_about_and_not_refused(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    await redis_server.config("hash-max-listpack-value", "64")
    log = Lines()
    async with machine(redis_server.url, tmp_path, "a", log=log):
        await until(lambda: _advised(log), "it is said")


async def _advised(log: Lines) -> bool:
    return ("store-advice", {"why": "people's rows take several times the memory; hash-max-listpack-value 512"}) in log.said


class _Told:
    """A server of another version, as far as INFO and CONFIG GET go."""

    def __init__(self, version: str, **config: str) -> None:
        self._info = {"redis_version": version, "role": "master", "aof_enabled": 1, "aof_last_write_status": "ok", "loading": 0}
        safe = {"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "maxmemory-policy": "noeviction"}
        self._config = safe | config

    def execute_command(self, *words: str) -> object:
        if words[0] == "INFO":
            return self._info
        return {words[1]: self._config[words[1]]} if words[1] in self._config else {}


def _found(version: str, **config: str) -> Finding:
    return look(_Told(version, **config), access("redis://redis.example"), 0)


def test_server_that_syncs_each_second_is_refused_also_where_it_knows_waitaof() -> None:
    assert _found("7.2.4") == Finding(())
    for unsafe in ("everysec", "no"):
        assert [fault.line for fault in _found("7.2.4", appendfsync=unsafe).faults] == ["appendfsync always"]


def test_server_older_than_6_2_is_refused() -> None:
    assert [fault.line for fault in _found("6.0.16").faults] == ["install 6.2 or later"]
    assert _found("6.2.0") == Finding(())


@pytest.mark.slow
async def test_cluster_is_proved_by_the_server_that_owns_our_keys_and_settles_after_it_fails(tmp_path: Path) -> None:
    async with running_cluster(tmp_path / "servers", replica_for=b"{gw}") as cluster:
        async with machine(cluster.url, tmp_path, "a", replicas=1) as store:
            await oppose(store, person(1))
        async with machine(cluster.url, tmp_path, "a") as store:
            owner = await cluster.owner(b"{gw}")
            await owner.config("appendfsync", "everysec")
            with blocking_client(access(cluster.url)) as client:
                found = look(client, access(cluster.url), 0)
            assert [fault.line for fault in found.faults] == ["appendfsync always"]
            await owner.config("appendfsync", "always")
            await cluster.fail_over(b"{gw}")
            await whole(store)
            assert await opposed(store, person(1))
            await oppose(store, person(2))


@pytest.mark.slow
async def test_sentinels_name_the_next_primary_and_the_nodes_make_it_whole(tmp_path: Path) -> None:
    async with running_sentinels(tmp_path / "servers") as watched, machine(watched.url, tmp_path, "a") as store:
        people = [person(number) for number in range(20)]
        for one in people:
            await oppose(store, one)
        await watched.fail_over()
        await whole(store, patience=30.0)
        assert [one for one in people if not await opposed(store, one)] == []


async def test_full_server_takes_nothing_by_halves_and_recovers(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        used = int((await redis_server.info("memory"))["used_memory"])
        await redis_server.config("maxmemory", str(used // 2))
        heads = await store.journal.heads()
        with pytest.raises(Unavailable):
            await oppose(store, person(2))
        assert await opposed(store, person(1))
        assert not await opposed(store, person(2))
        assert await store.journal.heads() == heads
        await redis_server.config("maxmemory", "0")
        await until(lambda: opposed(store, person(2)), "what was refused is told again")
        await oppose(store, person(3))


@pytest.mark.slow
async def test_server_that_answers_late_is_waited_for_and_loses_nothing(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await redis_server.command("CLIENT", "PAUSE", 2000, "ALL")
        await oppose(store, person(1))
        assert await opposed(store, person(1))
        await redis_server.command("CLIENT", "PAUSE", 3500, "ALL")
        with pytest.raises(Unavailable):
            await oppose(store, person(2))
        await until(lambda: _there(store, person(2)), "it is there after all")


async def _there(store: RedisStore, who: PersonKey) -> bool:
    try:
        return await opposed(store, who)
    except Unavailable:
        return False
