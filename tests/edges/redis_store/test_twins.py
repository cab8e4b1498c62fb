"""A data folder that was copied makes no second machine of one name: the first goes on, the other is refused (decision 0033)."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from gateway.edges.store.connection import Refused
from gateway.edges.store.redis import settle, store
from gateway.edges.store.redis.store import RedisStore, open_redis
from gateway.flow.ports import Unavailable
from tests.support.machine import Lines, machine, oppose, opposed
from tests.support.peer import until
from tests.support.people import person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access

pytestmark = needs_redis
KEY = "{gw}runs:a"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine is heard of for two seconds."""
    for module in (settle, store):
        monkeypatch.setattr(module, "HEARD", 2.0)


async def _heard(opened: RedisStore) -> bool:
    return [node.heard for node in await opened.nodes.known()] == [True]


async def test_copy_of_a_running_machines_folder_is_refused_and_the_first_goes_on(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path / "one", "a", run="first") as first:
        await oppose(first, person(1))
        await until(lambda: _heard(first), "it is heard of")
        shutil.copytree(tmp_path / "one", tmp_path / "other")
        given = {"node": "a", "folder": tmp_path / "other", "fingerprint": FINGERPRINT, "machine": "second"}
        with pytest.raises(Refused, match="a copy of this data folder"):
            await asyncio.to_thread(open_redis, access(redis_server.url), "aw0", **given)  # it waits for the first to go
        await oppose(first, person(2))
        async with machine(redis_server.url, tmp_path / "one", "a", worker=1, run="first") as beside:
            assert await opposed(beside, person(2))


async def test_disk_of_a_dead_machine_goes_on_elsewhere_after_some_seconds(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a", run="first") as first:
        await oppose(first, person(1))
        await until(lambda: _heard(first), "it is heard of")
    began = time.monotonic()
    async with machine(redis_server.url, tmp_path, "a", run="second") as second:
        assert time.monotonic() - began > 0.5
        await oppose(second, person(2))
        assert await opposed(second, person(1))


async def test_machine_that_finds_another_in_its_place_does_nothing_until_that_one_is_gone(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    log = Lines()
    async with machine(redis_server.url, tmp_path, "a", log=log, run="first") as first:
        await oppose(first, person(1))
        await until(lambda: _heard(first), "it is heard of")
        await redis_server.command("SET", KEY, "second", "PX", 60_000)

        async def refused() -> bool:
            return "a copy of this data folder" in first.why

        await until(refused, "it is noticed and said")
        with pytest.raises(Unavailable):
            await opposed(first, person(1))
        with pytest.raises(Unavailable):
            await oppose(first, person(2))
        assert "store-unavailable" in log.names()
        await redis_server.command("DEL", KEY)
        await until(lambda: opposed(first, person(1)), "it goes on")
        await oppose(first, person(2))


async def test_machine_that_cannot_tell_itself_from_others_is_believed(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a", run="") as one:
        await oppose(one, person(1))
        assert await redis_server.command("EXISTS", KEY) == 0


async def test_machine_that_is_off_is_told_from_one_that_runs(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "b", "b") as other:
        async with machine(redis_server.url, tmp_path / "a", "a") as one:

            async def told(first: bool) -> bool:
                return [(node.name, node.heard) for node in await other.nodes.known()] == [("a", first), ("b", True)]

            await until(lambda: told(True), "both run")
            assert one.settled
        await until(lambda: told(False), "one is off")
        assert [node.there for node in await other.nodes.known()] == [True, True]
