"""Many questions share a round trip to Redis: what becomes of one of them harms no other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.change import Learn
from gateway.core.model import Ref
from gateway.core.record import Who
from gateway.edges.store.redis import frames, listing
from tests.support.machine import machine, oppose, opposed
from tests.support.people import consent, person
from tests.support.redis_servers import RedisServer, needs_redis

pytestmark = needs_redis

_MANY = 60


async def test_name_that_is_no_text_names_nothing_and_spoils_no_round_trip(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        odd = store.journal.entry(Ref("\ud800-1"))
        answers = await asyncio.gather(opposed(store, person(1)), odd, opposed(store, person(1)), opposed(store, person(2)))
        assert answers == [True, None, True, False]


async def test_fault_of_ours_in_one_question_leaves_nobody_else_waiting(redis_server: RedisServer, tmp_path: Path) -> None:
    class Unpackable:
        def __str__(self) -> str:
            raise ZeroDivisionError

    async with machine(redis_server.url, tmp_path, "a") as store:
        questions = [store.reads.plain("GET", "x"), store.reads.plain("GET", Unpackable()), store.reads.plain("GET", "x")]
        async with asyncio.timeout(2.0):
            await asyncio.gather(*questions, return_exceptions=True)
        assert not await opposed(store, person(1))


async def test_who_leaves_takes_no_answer_along_and_gets_nobody_elses(redis_server: RedisServer, tmp_path: Path) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        for number in range(0, _MANY, 2):
            await oppose(store, person(number))
        for turn in range(40):
            asked = [asyncio.create_task(opposed(store, person(number))) for number in range(_MANY)]
            for _ in range(turn % 7):
                await asyncio.sleep(0)
            for one in asked[turn % 3 :: 1 + turn % 5]:
                one.cancel()
            told = await asyncio.gather(*asked, return_exceptions=True)
            wrong = [number for number, one in enumerate(told) if isinstance(one, bool) and one is not (number % 2 == 0)]
            assert wrong == []
            assert {type(one) for one in told} <= {bool, asyncio.CancelledError}


async def test_more_records_than_are_kept_in_memory_are_read_without_a_fault(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_KNOWN", 3)
    people = [person(number) for number in range(20)]
    async with machine(redis_server.url, tmp_path, "a") as store:
        for number, one in enumerate(people):
            await store.book.commit([], [Learn(replace(consent(one), wording=f"wording {number}"), b"")])
        stand = await store.book.stand()
        then = asyncio.gather(*(store.book.facts_at("acme", Who(one), stand) for one in people))
        now = asyncio.gather(*(store.book.facts("acme", [Who(one)]) for one in people))
        assert [facts.consents for facts in await then if facts] == [facts.consents for (facts,) in await now]
        assert [facts.consents[0].wording for (facts,) in await now] == [f"wording {number}" for number in range(20)]


async def test_register_is_read_whole_while_others_need_more_than_is_kept_in_memory(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_KNOWN", 3)
    monkeypatch.setattr(listing, "_AT_ONCE", 1)
    monkeypatch.setattr(listing, "BUCKETS_AT_ONCE", 1000)
    people = [person(number) for number in range(20)]
    async with machine(redis_server.url, tmp_path, "a") as store:
        for number, one in enumerate(people):
            await store.book.commit([], [Learn(replace(consent(one), wording=f"wording {number}"), b"")])
        found = set()
        async for one, _ in store.book.register():
            found.add(one.wording)
            await store.book.facts("acme", [Who(people[len(found) - 1])])
        assert len(found) == len(people)
