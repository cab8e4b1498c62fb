"""Whoever of many puts it on record first, the others hear of it without alarm; what none of them can do is said in a sentence."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from gateway.core.evidence import Kind, parse_event
from gateway.edges.store.connection import Refused
from gateway.edges.store.redis.commits import Concluded
from gateway.edges.store.redis.pack import MARKS, PREFIX, packed
from gateway.edges.store.redis.store import RedisStore
from gateway.edges.store.redis.watching import conclusion
from tests.support.machine import Lines, machine, oppose, opposed, whole
from tests.support.peer import until
from tests.support.people import NOON, person
from tests.support.redis_servers import RedisServer, needs_redis

pytestmark = needs_redis


async def _settlings(store: RedisStore) -> list[str]:
    events = [parse_event(entry.body) async for entry in store.journal.entries()]
    return [one.detail for one in events if one and one.kind is Kind.STORE and one.outcome == "settled"]


async def _recorded(store: RedisStore, times: int) -> bool:
    return len(await _settlings(store)) == times


async def test_who_comes_second_is_told_so_and_writes_nothing(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        with pytest.raises(Concluded):
            await store.commits.post(conclusion(store.standing.epoch, 1, NOON))
        assert await _settlings(store) == []
        await oppose(store, person(2))
        assert await opposed(store, person(2))


@pytest.mark.slow
async def test_settling_together_is_no_alarm(redis_server: RedisServer, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        logs = [Lines() for _ in range(4)]
        stores = [
            await stack.enter_async_context(
                machine(redis_server.url, tmp_path / "ab"[number % 2], "ab"[number % 2], worker=number // 2, log=log)
            )
            for number, log in enumerate(logs)
        ]
        for turn in range(1, 5):
            redis_server.keep_copy(tmp_path / f"copy{turn}")
            for number, store in enumerate(stores):
                await oppose(store, person(10 * turn + number))
            await redis_server.kill()
            redis_server.put_back(tmp_path / f"copy{turn}")
            await redis_server.start()
            for store in stores:
                await whole(store)
            await until(partial(_recorded, stores[0], turn), "the evidence of it", pause=0.02)
        assert all([await opposed(stores[0], person(10 * turn + number)) for turn in range(1, 5) for number in range(4)])
    reasons = {facts["why"] for log in logs for what, facts in log.said if what == "store-unavailable"}
    assert "ResponseError" not in reasons


async def test_what_only_a_newer_gateway_can_put_back_is_said_in_a_sentence(redis_server: RedisServer, tmp_path: Path) -> None:
    log = Lines()
    async with machine(redis_server.url, tmp_path / "a", "a", log=log) as store:
        brought = b"z:000000000000001\0" + packed([["of_tomorrow"]])
        await redis_server.command("ZADD", f"{PREFIX}staged", "1", brought)
        await redis_server.command("HSET", MARKS, "unsettled", "1")

        async def said(what: str, times: int) -> bool:
            return log.names().count(what) == times

        await until(lambda: said("store-unavailable", 1), "it is said")
        why = next(str(facts["why"]) for what, facts in log.said if what == "store-unavailable")
        assert "newer gateway" in why
        assert "marketing waits" in why
        assert why in store.why
        with pytest.raises(Refused, match="newer gateway"):
            async with machine(redis_server.url, tmp_path / "b", "b"):
                pass
        await oppose(store, person(1))
        await redis_server.command("ZREM", f"{PREFIX}staged", brought)
        await whole(store)
        await until(lambda: said("store-available", 1), "it is over")
        assert store.why == ""
