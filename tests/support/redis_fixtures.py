"""Redis servers as fixtures, known to every test through `tests/conftest.py`.

`redis_server` is the test's own, `shared_redis` is emptied for each test; so are `_shared_sentinels` and `_shared_cluster` by who
uses them (`emptied`). Each process of the tests (pytest-xdist) has shared servers of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from tests.support.cluster import Cluster
    from tests.support.redis_servers import RedisServer
    from tests.support.sentinel import Watched

T = TypeVar("T")


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A server that one test may kill, freeze and configure as it likes; it takes 40 ms."""
    _there()
    from tests.support.redis_servers import running_redis

    async with running_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    _there()
    from tests.support.redis_servers import running_redis

    yield from _throughout(running_redis(tmp_path_factory.mktemp("redis")))


@pytest.fixture
async def shared_redis(_shared_redis: RedisServer) -> RedisServer:
    """An empty server for tests that only read and write; none of them may stop it, configure it or change its password."""
    return await emptied(_shared_redis)


@pytest.fixture(scope="session")
def _shared_sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    _there()
    from tests.support.sentinel import running_sentinels

    yield from _throughout(running_sentinels(tmp_path_factory.mktemp("sentinels")))


@pytest.fixture(scope="session")
def _shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    _there()
    from tests.support.cluster import running_cluster

    yield from _throughout(running_cluster(tmp_path_factory.mktemp("cluster")))


async def emptied(server: RedisServer) -> RedisServer:
    """The same, without data and without scripts."""
    await server.commands(("FLUSHALL",), ("SCRIPT", "FLUSH"))
    return server


def _throughout(servers: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What a block gives, until the session ends; in a loop of its own, as the servers are in none."""
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete(servers.__aenter__())
    loop.run_until_complete(servers.__aexit__(None, None, None))
    loop.close()


def _there() -> None:
    """Skip aloud where there is no Redis here, or nothing to talk to it with."""
    pytest.importorskip("hiredis", reason="unproven here: Redis (the extra `redis` is not installed)")
    from tests.support.redis_servers import REDIS

    if not Path(REDIS).exists():
        pytest.skip("unproven here: a real Redis server (no redis-server)")
