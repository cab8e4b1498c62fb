"""Redis servers as fixtures, known to every test through `tests/conftest.py`.

`redis_server` is the test's own, `shared_redis` is emptied for each test. Each process of the tests (pytest-xdist) has a shared
server of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.redis_servers import RedisServer


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
    from tests.support.redis_servers import RedisServer

    server, loop = RedisServer(tmp_path_factory.mktemp("redis")), asyncio.new_event_loop()
    loop.run_until_complete(server.start())
    yield server
    loop.run_until_complete(server.kill())
    loop.close()


@pytest.fixture
async def shared_redis(_shared_redis: RedisServer) -> RedisServer:
    """An empty server for tests that only read and write; none of them may stop it, configure it or change its password."""
    await _shared_redis.commands(("FLUSHALL",), ("SCRIPT", "FLUSH"))
    return _shared_redis


def _there() -> None:
    """Skip aloud where there is no Redis here, or nothing to talk to it with."""
    pytest.importorskip("hiredis", reason="unproven here: Redis (the extra `redis` is not installed)")
    from tests.support.redis_servers import REDIS

    if not Path(REDIS).exists():
        pytest.skip("unproven here: a real Redis server (no redis-server)")
