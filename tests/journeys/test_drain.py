"""Stopping: whoever is being served gets an answer, what was accepted is delivered or waits for the next start (issue 7)."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

import httpx

from tests.support.gateway import company, enlist, letter, running
from tests.support.journey import doors, house
from tests.support.sink import running_sink
from tests.support.smtp import until

CLAIRE, MARC = "claire@example.org", "marc@example.org"


async def test_a_tool_that_waits_for_a_slow_provider_still_gets_its_answer(tmp_path: Path) -> None:
    async with house(tmp_path, plan={"end": ["slow"]}) as home:
        home.sink.slow = 1.0
        await home.gateway.consent(CLAIRE)
        sending = asyncio.create_task(home.gateway.send(CLAIRE))
        await until(lambda: home.sink.seen["end"])
        home.gateway.stop.set()
        assert await sending == {}
        assert home.sink.count == 1
    outcomes = [event.outcome for event in await home.evidence() if event.kind.value == "outcome"]
    assert outcomes == ["delivered"]


async def test_an_idle_session_is_told_to_go_and_nobody_new_is_let_in(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await asyncio.to_thread(home.gateway.client)
        home.gateway.stop.set()
        code, _ = await asyncio.to_thread(read_goodbye, session)
        assert code == 421
        session.close()


def read_goodbye(session: smtplib.SMTP) -> tuple[int, bytes]:
    return session.getreply()


async def test_who_pressed_the_button_while_it_stops_is_answered_and_recorded(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.send(CLAIRE)
        url, _ = doors((await home.arrived(1))[CLAIRE])
        reader, writer = await asyncio.open_connection(*home.gateway.addresses.web)
        path = url[url.index("/u/") :]
        writer.write(f"POST {path} HTTP/1.1\r\nHost: optout.example\r\nContent-Length: 26\r\n\r\n".encode())
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(url)).status_code == 200  # by now the request above has begun
        home.gateway.stop.set()
        await refusing(home.gateway.addresses.web)
        writer.write(b"List-Unsubscribe=One-Click")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert ("opposition", "opposed") in [(event.kind.value, event.outcome) for event in await home.evidence()]


async def refusing(address: tuple[str, int]) -> None:
    """Wait until nobody is let in any more."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(*address)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.02)


async def test_kept_mail_waits_for_the_next_start_and_is_delivered_once(tmp_path: Path) -> None:
    async with running_sink(plan={"mail": ["451"] * 2}) as (sink, port):
        settings = company(tmp_path, port, delivery='retry = ["100ms"]')
        async with running(settings) as gateway:
            for one in (CLAIRE, MARC):
                await gateway.consent(one)
            assert await gateway.send([CLAIRE, MARC]) == {}
            await until(lambda: sink.seen["mail"] >= 1)
        before = sink.count
        await enlist(settings)
        async with running(settings):
            await sink.wait_for(2)
        assert before <= sink.count == 2
        assert sorted(one.recipient for one in sink.messages) == [CLAIRE, MARC]


async def test_an_opposition_that_came_while_it_was_stopped_still_stops_kept_mail(tmp_path: Path) -> None:
    async with running_sink(plan={"mail": ["451"] * 2}) as (sink, port):
        settings = company(tmp_path, port, delivery='retry = ["200ms"]')
        async with running(settings) as gateway:
            for one in (CLAIRE, MARC):
                await gateway.consent(one)
            await gateway.send([CLAIRE, MARC], message=letter(CLAIRE))
            await until(lambda: sink.seen["mail"] >= 2)
            gateway.stop.set()
        assert sink.count == 0
        await gateway.oppose(MARC)
        async with running(settings):
            reached = {one.recipient for one in await sink.wait_for(2)}
        assert reached == {CLAIRE, "news@maison.example"}  # Claire her mail, the tool a report about Marc
