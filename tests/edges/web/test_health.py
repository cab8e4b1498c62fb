"""Alive, ready, figures."""

from __future__ import annotations

import asyncio

import httpx

from gateway.edges.metrics import Metrics
from gateway.edges.web.health import Health
from gateway.flow.ports import Unavailable
from tests.support.doors import listening


async def fine() -> str:
    return ""


async def absent() -> str:
    return "key file cannot be read"


async def broken() -> str:
    raise Unavailable("book")


async def test_ready_when_nothing_is_missing() -> None:
    async with listening(Health({"store": fine}, Metrics().figures).routes()) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/healthz")).json() == {"alive": True}
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": []})
        figures = await client.get("/metrics")
        assert figures.headers["content-type"].startswith("text/plain")
        assert "gateway_spool_depth" in figures.text


async def test_not_ready_says_everything_that_is_missing() -> None:
    health = Health({"store": broken, "keys": absent, "disk": fine}, Metrics().figures)
    async with listening(health.routes()) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["missing"] == [
            {"what": "store", "why": "book is unavailable"},
            {"what": "keys", "why": "key file cannot be read"},
        ]
        assert (await client.get("/healthz")).status_code == 200


async def test_a_check_that_hangs_does_not_hang_the_answer() -> None:
    async def hanging() -> str:
        await asyncio.Event().wait()
        return ""

    health = Health({"upstream": hanging}, Metrics().figures)
    async with asyncio.timeout(5):
        assert await health.missing() == {"upstream": "does not answer"}
