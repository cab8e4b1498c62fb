"""Gateways die under load: the others go on, and what a dead one owned is delivered when it is back."""

from __future__ import annotations

import asyncio
import math
import random
from pathlib import Path

import pytest

from gateway.edges.sink import Sink
from tests.scaled.conftest import one_loop
from tests.scaled.table import ROWS, Row
from tests.scaled.test_faults import DELIVERY, sending
from tests.scaled.watch import recovered, works
from tests.support.estate import estate
from tests.support.haproxy import needs_haproxy
from tests.support.process import Nursery
from tests.support.redis_servers import needs_redis, running_redis

pytestmark = [needs_redis, needs_haproxy, pytest.mark.slow, pytest.mark.xdist_group("scaled"), one_loop]
KILLS = 50


async def test_a_killed_gateway_loses_nothing_and_the_others_never_stop(share: float, starter: Nursery, tmp_path: Path) -> None:
    """I1 to I6 of reliability 4.1; the spool of the killed one is resumed when it starts again."""
    dice, kills, away = random.Random(50), max(5, math.ceil(KILLS * share)), []
    async with (
        running_redis(tmp_path / "redis") as redis,
        estate(tmp_path / "e", starter, Sink(keep=1_000_000), redis.url, 50, count=3, delivery=DELIVERY) as one,
    ):
        async with sending(one.load):
            for number in range(kills):
                dead = one.nodes[number % len(one.nodes)]
                await one.load.reach(one.load.acknowledged + dice.randint(11, 30))
                await asyncio.sleep(dice.uniform(0.0, 0.5))
                await dead.life.kill()
                assert all([await works(one, node) for node in one.nodes if node is not dead])
                await dead.life.start()
                away.append(await recovered(one, [dead]))
            await one.load.reach(0, opted_out=4)
        found = await one.found()
    ROWS.append(Row("gateway killed", kills, tuple(away), found))
    print(found)
    assert not found.violations, found
    assert found.counts["acknowledged"] > 10 * kills
    assert found.counts["opt_outs"] > 3
