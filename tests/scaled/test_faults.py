"""The shared store fails in every way it can, under load: nobody opposed is mailed, nothing acknowledged is lost, and all goes on.

Two gateways behind a balancer; each fault is injected again and again into one estate that never stops sending and opting out, and
is checked at the end by one program (reliability 4.1, 4.4).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.edges.sink import Sink
from tests.scaled.conftest import one_loop
from tests.scaled.table import ROWS, Row
from tests.scaled.watch import RECOVERS_WITHIN, recovered
from tests.support.estate import Estate, estate
from tests.support.haproxy import needs_haproxy
from tests.support.load import Load
from tests.support.process import Nursery
from tests.support.redis_servers import RedisServer, needs_redis, running_redis
from tests.support.sentinel import Watched, running_sentinels
from tests.support.slow_link import SlowLink, slow_link

pytestmark = [needs_redis, needs_haproxy, pytest.mark.slow, pytest.mark.xdist_group("scaled"), one_loop]
FULL = 10
SESSIONS = 4
REPLICATED = "[redis]\nreplicas = 1"
DELIVERY = 'retry = ["300ms"]\nbudget = "10s"'

Fault = Callable[[RedisServer, random.Random], Awaitable[None]]


async def killed(redis: RedisServer, dice: random.Random) -> None:
    """SIGKILL, and nobody starts it again for a while."""
    await redis.kill()
    await asyncio.sleep(dice.uniform(0.2, 2.0))
    await redis.start()


async def restarted(redis: RedisServer, dice: random.Random) -> None:
    """Stopped and started as an administrator does."""
    await redis.stop()
    await asyncio.sleep(dice.uniform(0.0, 1.0))
    await redis.start()


async def frozen(redis: RedisServer, dice: random.Random) -> None:
    """SIGSTOP: connections stay, answers do not come."""
    redis.freeze()
    await asyncio.sleep(dice.uniform(2.0, 5.0))
    redis.thaw()


async def full(redis: RedisServer, dice: random.Random) -> None:
    """No memory left: writes are refused, reads go on."""
    await redis.config("maxmemory", "1mb")
    await asyncio.sleep(dice.uniform(1.0, 3.0))
    await redis.config("maxmemory", "0")


async def wrong_password(redis: RedisServer, dice: random.Random) -> None:
    """Somebody changed the password, and everybody must log in again."""
    known = redis.password
    await redis.change_password("another")
    await redis.command("CLIENT", "KILL", "TYPE", "normal")
    await asyncio.sleep(dice.uniform(1.0, 3.0))
    await redis.change_password(known)
    await redis.command("CLIENT", "KILL", "TYPE", "normal")


@asynccontextmanager
async def sending(load: Load) -> AsyncIterator[None]:
    """Mail is sent and opt-outs are pressed while the block runs."""
    async with asyncio.TaskGroup() as group:
        group.create_task(load.send(SESSIONS))
        group.create_task(load.press(0.25))
        try:
            yield
        finally:
            load.stop()


def times(share: float) -> int:
    """How often, one time at least."""
    return max(1, math.ceil(FULL * share))


async def endure(one: Estate, name: str, runs: int, fault: Callable[[], Awaitable[None]]) -> None:
    """Let the fault happen so often under load, wait each time until all is well, and check everything."""
    slowest = []
    async with sending(one.load):
        await recovered(one)
        for _ in range(runs):
            await one.load.reach(one.load.acknowledged + 21)
            await asyncio.sleep(0.5)
            await fault()
            slowest.append(await recovered(one))
        await one.load.reach(0, opted_out=1)
        await asyncio.sleep(0.5)
    found = await one.found()
    ROWS.append(Row(name, runs, tuple(slowest), found))
    print(name, found)
    assert not found.violations, found
    assert found.counts["acknowledged"] > 20 * runs
    assert found.counts["opt_outs"] > 0
    assert max(slowest) <= RECOVERS_WITHIN


@pytest.mark.parametrize("fault", [killed, restarted, frozen, full, wrong_password], ids=lambda one: one.__name__)
async def test_a_store_that_fails_costs_time_and_nothing_else(fault: Fault, share: float, starter: Nursery, tmp_path: Path) -> None:
    dice = random.Random(fault.__name__)
    secret = tmp_path / "password"
    secret.write_text("a-password-for-this-test")
    secret.chmod(0o600)
    login = f'[redis]\npassword_file = "{secret}"'
    async with (
        running_redis(tmp_path / "redis", password=secret.read_text()) as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 1, gateway=login, delivery=DELIVERY) as one,
    ):
        await endure(one, fault.__name__.replace("_", " "), times(share), lambda: fault(redis, dice))


async def test_a_store_that_answers_late_is_waited_for_or_refused(share: float, starter: Nursery, tmp_path: Path) -> None:
    async with (
        running_redis(tmp_path / "redis") as redis,
        slow_link("127.0.0.1", redis.port) as link,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), f"redis://127.0.0.1:{link.port}", 2, delivery=DELIVERY) as one,
    ):
        await endure(one, "slow 3 s", times(share), lambda: slowed(link))


async def slowed(link: SlowLink) -> None:
    """Each answer is three seconds under way, for a while."""
    link.back = 3.0
    await asyncio.sleep(5)
    link.heal()


async def test_a_failover_loses_no_opposition(share: float, starter: Nursery, tmp_path: Path) -> None:
    """The replica has everything that was acknowledged, or its gateways bring it back before marketing flows."""
    async with (
        running_sentinels(tmp_path / "redis") as watched,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), watched.url, 3, gateway=REPLICATED, delivery=DELIVERY) as one,
    ):
        await endure(one, "failed over", times(share), lambda: failed_over(watched))


async def failed_over(watched: Watched) -> None:
    """The primary dies, the replica takes over, the dead one comes back as its replica."""
    await watched.fail_over()
    await watched.rejoin()
