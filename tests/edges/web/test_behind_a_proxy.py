"""Behind a listed proxy the visitor counts that it names; from anybody else such a claim is nothing."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.edges.web.server import Web
from gateway.edges.web.signup import POSTS_A_MINUTE
from tests.support.doors import Doors, listening
from tests.support.signup import signing_up

PROXY = (ip_network("127.0.0.1/32"), ip_network("2001:db8:7::/48"))
ELSEWHERE = (ip_network("192.0.2.0/24"),)


async def seen(request: Request) -> Response:
    return JSONResponse([request.client.host if request.client else "", request.url.scheme])


ROUTES = [Route("/seen", seen)]


def forwarded(*clients: str) -> list[tuple[str, str]]:
    return [("X-Forwarded-For", client) for client in clients]


@pytest.mark.parametrize(
    ("said", "client"),
    [
        (forwarded("198.51.100.7"), "198.51.100.7"),
        (forwarded("2001:db8::7"), "2001:db8::7"),
        (forwarded("198.51.100.7:41000"), "198.51.100.7"),
        (forwarded("[2001:db8::7]:41000"), "2001:db8::7"),
        (forwarded("203.0.113.1, 198.51.100.7"), "198.51.100.7"),  # what the visitor itself said comes first and is not believed
        (forwarded("203.0.113.1", "198.51.100.7"), "198.51.100.7"),
        (forwarded("203.0.113.1, 198.51.100.7, 2001:db8:7::1"), "198.51.100.7"),  # two proxies in a row
        (forwarded(""), "127.0.0.1"),
        ([("X-Real-IP", "198.51.100.7"), ("Forwarded", "for=198.51.100.7")], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
async def test_a_listed_proxy_names_the_visitor(said: list[tuple[str, str]], client: str) -> None:
    async with listening(ROUTES, PROXY) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/seen", headers=[*said, ("X-Forwarded-Proto", "https")])).json() == [client, "https"]


@pytest.mark.parametrize("proxy_from", [(), ELSEWHERE])
async def test_from_anybody_else_the_headers_are_nothing(proxy_from: tuple[()]) -> None:
    said = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    async with listening(ROUTES, proxy_from) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/seen", headers=said)).json() == ["127.0.0.1", "http"]


async def test_no_environment_variable_makes_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    for proxy_from in ((), ELSEWHERE):
        async with listening(ROUTES, proxy_from) as url, httpx.AsyncClient(base_url=url) as http:
            assert (await http.get("/seen", headers={"X-Forwarded-For": "198.51.100.7"})).json()[0] == "127.0.0.1"


async def test_a_listener_of_both_families_knows_its_ipv4_proxy() -> None:
    web = Web(ROUTES, "::ffff:127.0.0.1", 0, proxy_from=PROXY)
    async with httpx.AsyncClient() as http, asyncio.TaskGroup() as tasks:
        tasks.create_task(web.run())
        answer = await http.get(f"http://127.0.0.1:{web.port}/seen", headers={"X-Forwarded-For": "198.51.100.7"})
        web.stop()
        assert answer.json()[0] == "198.51.100.7"


@pytest.mark.parametrize(("proxy_from", "others"), [(PROXY, 404), ((), 429)])
async def test_guessing_at_links_is_counted_by_visitor(proxy_from: tuple[()], others: int) -> None:
    async with listening(Doors().routes(), proxy_from) as url, httpx.AsyncClient(base_url=url) as http:
        for client, expected in (("198.51.100.7", 429), ("198.51.100.8", others)):
            for _ in range(31):
                answer = await http.get("/u/nonsense", headers={"X-Forwarded-For": f"203.0.113.9, {client}"})
                if client.endswith("8"):
                    break
            assert answer.status_code == expected


async def test_sign_ups_are_counted_by_visitor(tmp_path: Path) -> None:
    async with signing_up(tmp_path) as house, listening(house.routes(), PROXY) as url, httpx.AsyncClient(base_url=url) as http:
        for client, expected in (("198.51.100.7", 429), ("198.51.100.8", 422)):
            for _ in range(POSTS_A_MINUTE + 1 if expected == 429 else 1):
                answer = await http.post("/s/news", data={"email": "no address"}, headers={"X-Forwarded-For": client})
            assert answer.status_code == expected
