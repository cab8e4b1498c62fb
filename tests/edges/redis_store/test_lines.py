"""Lines to a real server, of the loop and of the commit thread: each asker gets the own answer, whatever became of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ResponseError

from gateway.edges.store.redis.client import FAILURES, blocking_client
from gateway.edges.store.redis.lines import Held, Line, open_line
from tests.support.peer import until
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import access
from tests.support.slow_link import SlowLink, slow_link

pytestmark = needs_redis


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """An open line, closed at the end."""
    line = open_line(access(url))
    try:
        yield line
    finally:
        await line.close()


@asynccontextmanager
async def through(server: RedisServer) -> AsyncIterator[tuple[SlowLink, Line]]:
    """A line that passes over a link which can be made slow."""
    host, port = server.url.removeprefix("redis://").split(":")
    async with slow_link(host, int(port)) as link, line_to(f"redis://{link.host}:{link.port}") as line:
        yield link, line


async def test_answers_come_in_the_order_of_the_questions_and_errors_are_answers(redis_server: RedisServer) -> None:
    async with line_to(redis_server.url) as line:
        asked = [("SET", "k", "v"), ("GET", "k"), ("LPUSH", "k", "x"), ("NO-SUCH",), ("GET", "other")]
        ok, value, wrong_type, unknown, nothing = await line.exchange(asked)
        assert (ok, value, nothing) == (b"OK", b"v", None)
        assert isinstance(wrong_type, ResponseError)
        assert isinstance(unknown, ResponseError)


async def test_half_a_character_and_a_large_value_go_out_as_they_are(redis_server: RedisServer) -> None:
    large = b"x" * 1_000_000
    asked = [("SET", "large", large), ("GET", "large"), ("SET", "n", 7), ("GET", "n")]
    told = [b"OK", large, b"OK", b"7"]
    async with line_to(redis_server.url) as line:
        assert await line.exchange(asked) == told
        half = [("SET", "half", "a\ud800b"), ("GET", "half")]
        assert await line.exchange([*half, *asked]) == [b"OK", b"a\xed\xa0\x80b", *told]
    with blocking_client(access(redis_server.url)) as client:
        assert Held(client).exchange(asked) == told


async def test_commit_threads_line_is_called_again_where_the_server_hung_up(redis_server: RedisServer) -> None:
    with blocking_client(access(redis_server.url)) as client:
        line = Held(client)
        (mine,) = line.exchange([("CLIENT", "ID")])
        assert line.exchange([("CLIENT", "ID"), ("NO-SUCH",)])[0] == mine
        assert await redis_server.command("CLIENT", "KILL", "ID", mine) == 1

        async def gone() -> bool:
            return not await redis_server.command("CLIENT", "LIST", "ID", mine)

        await until(gone, "the connection is gone")
        (another,) = line.exchange([("CLIENT", "ID")])
        assert another != mine
        await redis_server.kill()
        with pytest.raises(FAILURES):
            line.exchange([("ECHO", "lost")])
        await redis_server.start()
        assert line.exchange([("ECHO", "found")]) == [b"found"]


async def test_answer_that_nobody_waits_for_any_more_is_given_to_nobody_else(redis_server: RedisServer) -> None:
    async with through(redis_server) as (link, line):
        assert await line.exchange([("ECHO", "before")]) == [b"before"]
        link.back = 0.2
        for pause in (0.0, 0.02, 0.1):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(pause):
                    await line.exchange([("ECHO", "left"), ("ECHO", "behind")])
            assert await line.exchange([("ECHO", "mine"), ("ECHO", "too")]) == [b"mine", b"too"]


async def test_server_that_hung_up_between_two_questions_is_called_again(redis_server: RedisServer) -> None:
    async with line_to(redis_server.url) as line:
        (mine,) = await line.exchange([("CLIENT", "ID")])
        assert await redis_server.command("CLIENT", "KILL", "ID", mine) == 1

        async def gone() -> bool:
            return not await redis_server.command("CLIENT", "LIST", "ID", mine)

        await until(gone, "the connection is gone")
        assert await line.exchange([("ECHO", "again")]) == [b"again"]


async def test_link_that_breaks_in_the_middle_is_a_failure_and_the_next_question_is_answered(redis_server: RedisServer) -> None:
    async with through(redis_server) as (link, line):
        link.back = 30.0
        waiting = asyncio.ensure_future(line.exchange([("ECHO", "lost")]))

        async def called() -> bool:
            return link.taken > 0

        await until(called, "the line is up")
        link.cut()
        with pytest.raises(FAILURES):
            await waiting
        link.heal()
        link.back = 0.0
        assert await line.exchange([("ECHO", "found")]) == [b"found"]


@pytest.mark.slow
async def test_server_that_says_nothing_is_a_failure_in_time(redis_server: RedisServer) -> None:
    async with through(redis_server) as (link, line):
        assert await line.exchange([("ECHO", "before")]) == [b"before"]
        link.stall()
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                await line.exchange([("ECHO", "never")])
        link.heal()
        assert await line.exchange([("ECHO", "after")]) == [b"after"]
