"""The Redis servers the tests use do what the tests believe of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import hiredis
import pytest

from tests.support.cluster import running_cluster, slot_of
from tests.support.peer import free_port
from tests.support.redis_servers import RedisServer, needs_redis, running_pair, running_redis
from tests.support.sentinel import running_sentinels

pytestmark = needs_redis


async def test_server_is_durable_as_the_gateway_asks_for(redis_server: RedisServer) -> None:
    for name, value in (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction"), ("save", "")):
        assert await redis_server.command("CONFIG", "GET", name) == [name.encode(), value.encode()]


async def test_what_was_written_outlives_a_killed_server(redis_server: RedisServer) -> None:
    await redis_server.command("SET", "a", b"\xff")
    port, life = redis_server.port, (await redis_server.info("server"))["run_id"]
    await redis_server.kill()
    with pytest.raises(OSError, match="Connect call failed"):
        await redis_server.command("GET", "a")
    await redis_server.start()
    assert await redis_server.command("GET", "a") == b"\xff"
    assert (redis_server.port, (await redis_server.info("server"))["run_id"] == life) == (port, False)


async def test_frozen_server_is_silent_and_goes_on_when_thawed(redis_server: RedisServer) -> None:
    redis_server.freeze()
    with pytest.raises(TimeoutError):
        await redis_server.command("PING", patience=0.1)
    redis_server.thaw()
    assert await redis_server.command("PING") == b"PONG"
    redis_server.freeze()
    await redis_server.stop()
    assert not redis_server.runs


async def test_changed_option_outlives_a_restart(redis_server: RedisServer) -> None:
    await redis_server.config("appendfsync", "everysec")
    await redis_server.restart()
    assert await redis_server.command("CONFIG", "GET", "appendfsync") == [b"appendfsync", b"everysec"]


@pytest.mark.parametrize("username", ["", "gateway"])
async def test_only_the_right_password_opens(tmp_path: Path, username: str) -> None:
    async with running_redis(tmp_path, username=username, password="secret") as server:
        assert "secret" not in server.url
        server.password = "wrong"
        with pytest.raises(hiredis.ReplyError, match="WRONGPASS"):
            await server.command("PING")
        server.password = ""
        with pytest.raises(hiredis.ReplyError, match="NOAUTH"):
            await server.command("PING")
        server.password = "secret"
        await server.change_password("another")
        await server.restart()
        assert await server.command("PING") == b"PONG"
        assert server.password == "another"


async def test_changed_password_throws_out_who_is_connected(tmp_path: Path) -> None:
    async with running_redis(tmp_path, password="secret") as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(hiredis.pack_command(("AUTH", "secret")))
        assert await reader.readline() == b"+OK\r\n"
        await server.change_password("another")
        assert await reader.read() == b""
        writer.close()


async def test_tls_server_speaks_nothing_else(tmp_path: Path) -> None:
    async with running_redis(tmp_path, tls=True, password="secret") as server:
        assert server.url == f"rediss://127.0.0.1:{server.port}"
        assert await server.command("PING") == b"PONG"
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"PING\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_old_copy_put_back_forgets_what_came_after(redis_server: RedisServer, tmp_path: Path) -> None:
    await redis_server.command("SET", "before", "1")
    redis_server.keep_copy(tmp_path / "copy")
    await redis_server.command("SET", "after", "1")
    await redis_server.stop()
    redis_server.put_back(tmp_path / "copy")
    await redis_server.start()
    assert await redis_server.commands(("GET", "before"), ("GET", "after")) == [b"1", None]


@pytest.mark.parametrize("turn", [1, 2])
async def test_shared_server_is_empty_at_each_start(shared_redis: RedisServer, turn: int) -> None:
    assert await shared_redis.command("DBSIZE") == 0
    await shared_redis.command("SET", "left", turn)


async def test_replica_has_what_the_primary_was_told_and_may_take_its_place(tmp_path: Path) -> None:
    async with running_pair(tmp_path, username="gateway", password="secret") as pair:
        assert await pair.primary.commands(("SET", "a", "b"), ("WAIT", 1, 5000)) == [b"OK", 1]
        assert await pair.replica.command("GET", "a") == b"b"
        with pytest.raises(hiredis.ReplyError, match="READONLY"):
            await pair.replica.command("SET", "a", "c")
        await pair.primary.kill()
        await pair.promote()
        assert await pair.replica.command("SET", "a", "c") == b"OK"


async def test_replica_catches_up_with_a_primary_over_tls(tmp_path: Path) -> None:
    async with running_pair(tmp_path, tls=True) as pair:
        await pair.primary.command("SET", "a", "b")
        await pair.in_step()
        assert await pair.replica.command("GET", "a") == b"b"


async def test_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="appendonly perhaps"):
        async with running_redis(tmp_path, appendonly="perhaps"):
            pass


@pytest.mark.slow
async def test_sentinels_put_the_replica_in_charge_and_the_old_primary_behind_it(tmp_path: Path) -> None:
    async with running_sentinels(tmp_path, username="gateway", password="secret") as watched:
        first, second = watched.primary, watched.replica
        assert watched.url.startswith("redis+sentinel://127.0.0.1:")
        assert watched.url.endswith("/gateway")
        assert await first.commands(("SET", "a", "b"), ("WAIT", 1, 5000)) == [b"OK", 1]
        await watched.fail_over()
        assert (watched.primary, watched.replica) == (second, first)
        assert await second.commands(("GET", "a"), ("SET", "a", "c")) == [b"b", b"OK"]
        await watched.rejoin()
        assert await first.command("GET", "a") == b"c"


@pytest.mark.slow
async def test_sentinels_replace_a_primary_that_only_is_silent(tmp_path: Path) -> None:
    async with running_sentinels(tmp_path) as watched:
        first = watched.primary
        await watched.fail_over(freeze=True)
        await watched.rejoin()
        await watched.fail_over()
        assert watched.primary is first


@pytest.mark.parametrize("tls", [False, True])
async def test_cluster_shares_the_slots_and_keeps_a_hash_tag_together(tmp_path: Path, tls: bool) -> None:
    async with running_cluster(tmp_path, tls=tls, password="secret") as cluster:
        owner = await cluster.owner(b"{gw}")
        assert await owner.command("CLUSTER", "KEYSLOT", "a{gw}b") == slot_of(b"{gw}:other") == slot_of(b"gw")
        assert await owner.command("SET", "{gw}a", "b") == b"OK"
        for other in cluster.servers:
            if other is not owner:
                with pytest.raises(hiredis.ReplyError, match="MOVED"):
                    await other.command("GET", "{gw}a")


@pytest.mark.slow
async def test_replica_takes_the_place_of_a_killed_owner_in_the_cluster(tmp_path: Path) -> None:
    async with running_cluster(tmp_path, replica_for=b"{gw}") as cluster:
        before = await cluster.owner(b"{gw}")
        assert await before.commands(("SET", "{gw}a", "b"), ("WAIT", 1, 5000)) == [b"OK", 1]
        after = await cluster.fail_over(b"{gw}")
        assert after is cluster.servers[3]
        assert await after.command("GET", "{gw}a") == b"b"
        await before.start()
        await cluster.well(known=4)
        assert await cluster.owner(b"{gw}") is after


@pytest.mark.parametrize("key", [b"a", b"{}a", b"{a}{b}", b"x{a}y", b"{a", b"a}b{c}", b"a{b{c}d", b"{{a}}"])
async def test_slot_is_the_one_the_server_says(tmp_path: Path, key: bytes) -> None:
    async with running_redis(tmp_path, cluster_enabled="yes", cluster_port=str(free_port())) as server:
        assert await server.command("CLUSTER", "KEYSLOT", key) == slot_of(key)
