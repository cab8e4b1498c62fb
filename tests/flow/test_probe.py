"""The opt-out's self-test, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.edges.http import Fetcher
from gateway.flow.probe import Probe
from tests.support.doors import PROBE_TOKEN, Doors, listening


def probe(doors: Doors, url: str, shown: list[bool], every: float = 60) -> Probe:
    return Probe(Fetcher(), url, lambda: PROBE_TOKEN, doors.clock, doors.lines, shown.append, every, every)


async def test_marketing_waits_until_the_opt_out_was_seen_to_work() -> None:
    doors, shown = Doors(), list[bool]()
    async with listening(doors.routes()) as url:
        one = probe(doors, url, shown)
        assert not one.healthy
        doors.clock.advance(5)
        assert await one.once()
        assert one.healthy
        assert one.since == doors.clock.now()
    assert shown == [False, True]
    assert len(doors.book.probes) == 1
    assert await doors.book.oppositions() == []


async def test_two_failures_in_a_row_make_it_unhealthy_and_one_success_heals() -> None:
    doors, shown = Doors(), list[bool]()
    async with listening(doors.routes()) as url:
        one = probe(doors, url + "/", shown)
        await one.once()
        doors.book.read_only = True
        assert not await one.once()
        assert one.healthy
        assert not await one.once()
        assert not one.healthy
        assert one.why == "POST answers 503"
        doors.book.read_only = False
        assert await one.once()
        assert one.healthy
    assert shown == [False, True, False, True]


async def test_an_url_where_nobody_listens_is_unhealthy() -> None:
    doors = Doors()
    async with listening(doors.routes()) as url:
        pass
    one = probe(doors, url, [])
    assert not await one.once()
    assert one.why == "no answer: ConnectError"
    assert PROBE_TOKEN not in str(doors.lines.said)


async def test_somebody_elses_page_does_not_count() -> None:
    async def elsewhere(_: Request) -> Response:
        return PlainTextResponse("Welcome to our shop")

    async with listening([Route("/u/{token}", elsewhere, methods=["GET", "POST"])]) as url:
        one = probe(Doors(), url, [])
        assert not await one.once()
        assert one.why == "GET answers 200 but not with our page"


async def test_a_redirect_does_not_count() -> None:
    async def moved(_: Request) -> Response:
        return Response(status_code=302, headers={"Location": "https://elsewhere.example/"})

    async with listening([Route("/u/{token}", moved, methods=["GET", "POST"])]) as url:
        one = probe(Doors(), url, [])
        assert not await one.once()
        assert one.why == "GET answers 302"


async def test_it_runs_again_and_again() -> None:
    doors, rounds = Doors(), asyncio.Event()
    async with listening(doors.routes()) as url, asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        one = Probe(Fetcher(), url, lambda: PROBE_TOKEN, doors.clock, doors.lines, lambda _: None, every=0.01)
        running = tasks.create_task(one.run())
        while len(doors.book.probes) < 3:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rounds.wait(), 0.01)
        running.cancel()
    assert one.healthy
