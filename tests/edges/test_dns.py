"""Name servers are asked once, believed within bounds, and may fail in every way without raising (R-MBX-06)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.posture import Answer
from gateway.edges.dns import NameServers
from tests.support.dns import Zone, name_server


class Ticks:
    """A monotonic clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_records_come_as_text_long_ones_joined() -> None:
    zone = Zone()
    zone.put("key.maison.test", "TXT", "v=DKIM1; p=" + "A" * 400)
    zone.put("maison.test", "MX", "10 mx.maison.test.", "20 back.maison.test.")
    zone.put("maison.test", "A", "192.0.2.7")
    zone.put("maison.test", "AAAA", "2001:db8::7")
    async with name_server(zone):
        servers = NameServers([zone.address])
        assert await servers.ask("key.maison.test", "TXT") == Answer(("v=DKIM1; p=" + "A" * 400,))
        mx = await servers.ask("maison.test", "MX")
        assert sorted(mx.records) == ["10 mx.maison.test.", "20 back.maison.test."]
        assert (await servers.ask("maison.test", "A")).records == ("192.0.2.7",)
        assert (await servers.ask("maison.test", "AAAA")).records == ("2001:db8::7",)


async def test_a_name_that_is_not_there_differs_from_a_type_that_is_not_there() -> None:
    zone = Zone()
    zone.put("maison.test", "A", "192.0.2.7")
    async with name_server(zone):
        servers = NameServers([zone.address])
        assert await servers.ask("gone.test", "MX") == Answer(exists=False)
        assert await servers.ask("maison.test", "MX") == Answer()


@pytest.mark.parametrize("plan", ["servfail", "silent", "garbage", "wrong-id"])
async def test_a_server_that_fails_is_an_answer_that_says_so(plan: str) -> None:
    zone = Zone(plans={"maison.test": plan})
    async with name_server(zone), asyncio.timeout(5):
        answer = await NameServers([zone.address], patience=0.3).ask("maison.test", "TXT")
    assert answer.failed
    assert "maison" not in answer.failed


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    zone = Zone(plans={"maison.test": "truncated"})
    zone.put("maison.test", "TXT", "v=spf1 -all")
    async with name_server(zone):
        assert (await NameServers([zone.address]).ask("maison.test", "TXT")).records == ("v=spf1 -all",)
    assert zone.over_tcp == 1


async def test_nobody_there_is_an_answer_too() -> None:
    async with name_server(Zone()) as zone:
        pass
    assert (await NameServers([zone.address], patience=0.5).ask("maison.test", "TXT")).failed


@pytest.mark.parametrize(
    "name", ["a" * 64 + ".test", ".".join(["abc"] * 80), "", "..", "x..test", "\udce9.test", "é" * 70 + ".test"]
)
async def test_a_name_that_is_none_is_an_answer_too(name: str) -> None:
    async with name_server(Zone()) as zone:
        answer = await NameServers([zone.address], patience=0.5).ask(name, "A")
    assert answer.failed or not answer.records


async def test_an_answer_is_kept_as_long_as_it_says_within_bounds() -> None:
    clock, zone = Ticks(), Zone(ttl=5)
    zone.put("short.test", "A", "192.0.2.7")
    async with name_server(zone):
        servers = NameServers([zone.address], clock=clock)
        await servers.ask("short.test", "A")
        clock.now = 59
        await servers.ask("SHORT.test.", "A")
        assert len(zone.asked) == 1
        clock.now = 61
        zone.ttl = 1_000_000
        await servers.ask("short.test", "A")
        assert len(zone.asked) == 2
        clock.now = 61 + 3599
        await servers.ask("short.test", "A")
        assert len(zone.asked) == 2
        clock.now = 61 + 3601
        await servers.ask("short.test", "A")
    assert len(zone.asked) == 3


@pytest.mark.parametrize("name", ["maison.example", "_dmarc.example.com", "x.test", "localhost"])
async def test_reserved_names_are_never_asked_of_the_systems_servers(name: str) -> None:
    assert (await NameServers().ask(name, "A")).failed == "the name is reserved for examples"
