"""A collector and its partner tell each other: an opposition at either door stops both, once, whatever was down meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.cli import build
from gateway.core.change import Errand
from gateway.core.evidence import Kind
from gateway.core.propagation import Notice, write_notice
from gateway.core.record import Door, Scope
from gateway.core.standard_webhook import signed
from gateway.edges.clock import SystemClock
from gateway.flow.back_ports import Note
from tests.support.doors import listening
from tests.support.gateway import letter, threaded
from tests.support.house import until
from tests.support.two_houses import CLAIRE, SHARED, House, Houses, eventually, two_houses

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[Houses]:
    async with two_houses(tmp_path) as both:
        yield both


async def refused_at(house: House) -> None:
    """Wait until a house refuses mail to the person; within the minute that is promised."""
    await eventually(house.oppositions, MINUTE.total_seconds())
    assert await house.refuses()


@pytest.mark.parametrize("first", ["jeux", "maison"])
async def test_an_opposition_at_either_door_stops_both_within_a_minute_and_ends_there(houses: Houses, first: str) -> None:
    """R-FR-35, R-FR-37: each tells the other at most once, and nobody the one who told."""
    async with houses.alive():
        await houses.share()
        here, there = (houses.jeux, houses.maison) if first == "jeux" else (houses.maison, houses.jeux)
        assert not await here.refuses()
        assert not await there.refuses()
        await here.press()
        await refused_at(here)
        await refused_at(there)
        (receipt,) = await here.settled(1)
        assert (receipt.partner, receipt.done) == (there.name, True)
        assert receipt.receipt.startswith("200 rcp_")
        (known,) = await there.oppositions()
        assert (known.door, known.scope, known.advertiser) == (Door.PARTNER, Scope.ADVERTISER, there.name)
        filed = [event for event in await there.events() if event.kind is Kind.OPPOSITION]
        assert [f"from={here.name}; receipt={receipt.receipt.removeprefix('200 ')}" in event.detail for event in filed] == [True]
        assert (await there.notes(), await there.receipts()) == ([], [])


async def test_both_doors_at_once_fall_silent(houses: Houses) -> None:
    """R-FR-35: loops never."""
    async with houses.alive():
        await houses.share()
        await asyncio.gather(houses.jeux.press(), houses.maison.press())
        for house in (houses.jeux, houses.maison):
            assert len(await house.settled(1)) == 1
            assert len(await house.oppositions()) == 1
        for house in (houses.jeux, houses.maison):
            assert (await house.notes(), len(await house.receipts())) == ([], 1)


async def _some(house: House, condition: Callable[[Note], bool]) -> bool:
    return any(condition(note) for note in await house.notes())


@pytest.mark.parametrize("down", ["jeux", "maison"])
async def test_a_house_that_was_down_for_a_day_is_told_when_it_is_back(houses: Houses, down: str) -> None:
    """R-FR-35, R-FR-36: the alarm is on record, the opposition arrives."""
    up, away = (houses.maison, houses.jeux) if down == "jeux" else (houses.jeux, houses.maison)
    async with houses.alive():
        await houses.share()
    async with up.alive():
        await up.press()
        await eventually(lambda: _some(up, lambda note: note.attempts > 0))
        up.days_pass(1)
        await eventually(lambda: _some(up, lambda note: note.alarmed == 24))
        assert "partner-untold" in up.running.log.getvalue()
    async with houses.alive():
        up.days_pass(0)
        await refused_at(away)
        (receipt,) = await up.settled(1)
        assert receipt.attempts >= 2
        assert [event.outcome for event in await up.events() if event.kind is Kind.PROPAGATION] == ["alarm-24h", "acknowledged"]


async def test_the_house_that_tells_may_be_down_as_well(houses: Houses) -> None:
    """R-FR-35: what must be told is written with the opposition, and outlives the process."""
    async with houses.alive():
        await houses.share()
    async with houses.jeux.alive():
        await houses.jeux.press()
    async with houses.maison.alive():
        assert not await houses.maison.refuses()
    async with houses.alive():
        houses.jeux.days_pass(1)
        await refused_at(houses.maison)


async def test_after_three_days_the_officer_has_a_mail_and_the_report_says_so(houses: Houses) -> None:
    """R-FR-36."""
    async with houses.alive():
        await houses.share()
    async with houses.jeux.alive() as jeux:
        await houses.jeux.press()
        await eventually(houses.jeux.notes)
        houses.jeux.days_pass(4)
        await until(lambda: houses.jeux.sink.messages, 30)
        (mail,) = houses.jeux.sink.messages
        assert mail.recipients == ("dpo@jeux.example",)
        assert b"maison" in mail.data
        assert b"claire" not in mail.data
        config = jeux.settings.gateway.data_dir.parent / "gateway.toml"
        told = await threaded(lambda: _report(config))
        assert (told["partner"], told["waiting"], told["alarmed"]) == ("maison", 1, 72)


def _report(config: Path) -> dict[str, object]:
    from typer.testing import CliRunner

    done = CliRunner().invoke(build(), ["report", "partners", "--json", "--config", str(config)])
    assert done.exit_code == 1, done.output
    found: dict[str, object] = json.loads(done.stdout.splitlines()[0])
    return found


async def test_the_same_message_again_is_the_same_receipt(houses: Houses) -> None:
    """R-FR-37."""
    async with houses.alive():
        await houses.share()
        body = write_notice(Notice("opp_1", Scope.ADVERTISER, "Jeux & Loisirs SARL", SystemClock().now(), CLAIRE))
        answers = [await _say(houses.maison, body, SHARED) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        assert len(await houses.maison.oppositions()) == 1
        assert (await _say(houses.maison, body, "another secret, as long as the first")).status_code == 401


async def _say(house: House, body: bytes, secret: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", **signed(secret.encode(), "opp_1", SystemClock().now(), body)}
    async with httpx.AsyncClient() as client:
        return await client.post(f"{house.url}/api/v1/oppositions", content=body, headers=headers)


async def test_with_a_shared_key_no_address_travels_and_both_stop_all_the_same(tmp_path: Path) -> None:
    """R-DP-24: the recipient is recognised by the hash when mail for them comes."""
    async with two_houses(tmp_path, hashed=True) as houses, houses.alive():
        await houses.share()
        await houses.share("paul@example.org")
        await houses.jeux.press()
        await houses.jeux.settled(1)
        assert await houses.maison.refuses()
        assert not await houses.maison.refuses("paul@example.org")
        (filed,) = [event for event in await houses.maison.events() if event.kind is Kind.OPPOSITION]
        assert "of=hash" in filed.detail


async def test_a_command_beside_a_running_gateway_is_told_too(houses: Houses) -> None:
    """R-FR-56: by hand."""
    from typer.testing import CliRunner

    async with houses.alive():
        await houses.share()
        config = str(houses.jeux.settings.gateway.data_dir.parent / "gateway.toml")
        words = ["oppose", "add", CLAIRE, "--door", "phone", "--config", config]
        assert (await threaded(lambda: CliRunner().invoke(build(), words))).exit_code == 0
        await refused_at(houses.maison)
        assert len(await houses.jeux.settled(1)) == 1


async def test_the_tools_own_list_hears_of_an_opposition(houses: Houses) -> None:
    """R-FR-51: its one-click link is taken, server-side, once."""
    heard: list[tuple[str, str, bytes]] = []

    async def tool(request: Request) -> Response:
        heard.append((request.method, request.url.query, await request.body()))
        return Response(status_code=200)

    async with houses.alive(), listening([Route("/out", tool, methods=["GET", "POST"])]) as url:
        await houses.share()
        message = letter(CLAIRE)
        message["List-Unsubscribe"] = f"<{url}/out?u=7>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        assert await houses.jeux.running.send(CLAIRE, message=message) == {}
        (mail,) = houses.jeux.sink.messages
        assert b"/out?u=7" not in mail.data
        assert heard == []
        await houses.jeux.press()
        receipts = await houses.jeux.settled(2)
        assert {(one.errand, one.receipt.split()[0]) for one in receipts} == {(Errand.TOOL, "one-click"), (Errand.PARTNER, "200")}
        assert heard == [("POST", "u=7", b"List-Unsubscribe=One-Click")]


async def test_the_tools_own_mailto_is_taken_by_a_signed_mail(houses: Houses) -> None:
    """R-FR-51."""
    async with houses.alive():
        await houses.share()
        message = letter(CLAIRE)
        message["List-Unsubscribe"] = "<mailto:out@tool.example?subject=leave%20list%207>"
        assert await houses.jeux.running.send(CLAIRE, message=message) == {}
        await houses.jeux.press()
        await houses.jeux.settled(2)
        await until(lambda: len(houses.jeux.sink.messages) == 2, 30)
        mail = houses.jeux.sink.messages[1]
        assert b"Subject: leave list 7\r\n" in mail.data
        assert b"DKIM-Signature:" in mail.data
        assert b"To: out@tool.example\r\n" in mail.data
        assert b"claire" not in mail.data
