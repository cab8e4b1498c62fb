"""The HTTP listener inside our loop."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.edges.web.server import Web
from gateway.flow.ports import Unavailable
from tests.support.doors import listening


async def hello(_: Request) -> Response:
    return PlainTextResponse("hello")


ROUTES = [Route("/hello", hello)]


async def test_who_comes_before_run_waits_and_is_served() -> None:
    web = Web(ROUTES, "127.0.0.1", 0)
    async with httpx.AsyncClient() as client, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(client.get(f"http://127.0.0.1:{web.port}/hello"))
        tasks.create_task(web.run())
        assert (await asked).text == "hello"
        web.stop()


async def test_stop_lets_a_running_request_finish() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await leave.wait()
        return PlainTextResponse("recorded")

    web = Web([Route("/slow", slow)], "127.0.0.1", 0)
    async with httpx.AsyncClient() as client, asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(web.run())
        asked = tasks.create_task(client.get(f"http://127.0.0.1:{web.port}/slow"))
        await entered.wait()
        web.stop()
        leave.set()
        assert (await asked).text == "recorded"
        await running


async def test_no_path_is_redirected() -> None:
    async with listening(ROUTES) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/hello/")).status_code == 404
        assert (await client.get("//hello")).status_code == 404


async def test_two_processes_may_share_a_port_only_when_told_so() -> None:
    first = Web(ROUTES, "127.0.0.1", 0, reuse_port=True)
    second = Web(ROUTES, "127.0.0.1", first.port, reuse_port=True)
    assert second.port == first.port
    with pytest.raises(Unavailable, match="in use"):
        Web(ROUTES, "127.0.0.1", first.port)
    for web in (first, second):
        web.stop()
        await web.run()
