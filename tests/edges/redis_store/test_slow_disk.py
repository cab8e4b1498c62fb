"""A commit counts when the disk of the server has it, be it slow; what it does not take is told again (decision 0032)."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.flow.ports import Unavailable
from tests.support.machine import machine, oppose, opposed, whole
from tests.support.peer import until
from tests.support.people import person
from tests.support.redis_servers import RedisServer, needs_redis

STRACE = shutil.which("strace")
pytestmark = [needs_redis, pytest.mark.skipif(STRACE is None, reason="unproven here: a server's slow disk (no strace)")]


@asynccontextmanager
async def slow_disk(server: RedisServer, seconds: float) -> AsyncIterator[None]:
    """Each sync of the server takes so long."""
    late = f"inject=fdatasync,fsync:delay_enter={int(seconds * 1_000_000)}"
    words = (str(STRACE), "-f", "-e", "trace=fdatasync,fsync", "-e", late, "-o", "/dev/null", "-p", str(server.pid))
    strace = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.PIPE)
    assert strace.stderr is not None
    if b"attached" not in await strace.stderr.readline():
        pytest.skip("strace may not trace here: a server's slow disk is left unproven")
    try:
        yield
    finally:
        strace.terminate()
        await strace.wait()


async def test_commit_is_acknowledged_when_the_disk_of_the_server_has_it(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store, slow_disk(redis_server, 0.5):
        for number in range(3):
            began = time.monotonic()
            await oppose(store, person(number))
            assert time.monotonic() - began >= 0.5
            assert await opposed(store, person(number))


async def test_what_a_hanging_disk_does_not_take_is_not_acknowledged_and_is_told_again(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        async with slow_disk(redis_server, 4.0):
            with pytest.raises(Unavailable):
                await oppose(store, person(1))
        await until(lambda: opposed(store, person(1)), "it is told again")
        await whole(store)
        await oppose(store, person(2))
