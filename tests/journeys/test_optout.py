"""Every way to say stop works: the client's button, the page's button, a mail - and a person reads what is for a person."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.support.gateway import letter
from tests.support.journey import House, doors, house, mail_back, one_click, text

CLAIRE = "claire@example.org"
APPLE = b"Subject: unsubscribe\r\nAuto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true\r\n\r\nApple Mail wrote this.\r\n"
VACATION = b"Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday.\r\n"


async def mailed(home: House) -> tuple[str, str]:
    """Claire, who wanted the newsletter, got one: her two ways out."""
    await home.gateway.consent(CLAIRE)
    assert await home.gateway.send(CLAIRE) == {}
    return doors((await home.arrived(1))[CLAIRE])


async def stopped(home: House) -> bool:
    """Whether the next message to Claire is refused; she gets it otherwise."""
    count = home.sink.count
    refused = await home.gateway.send(CLAIRE, message=letter(CLAIRE, subject=f"Suite {count}"))
    if refused:
        assert re.fullmatch(r"550 5\.7\.1 \[OPPOSED\] .* ref=gw0-\d+", refused[CLAIRE])
        assert home.sink.count == count
    return bool(refused)


async def through(home: House) -> list[str]:
    """By which doors oppositions came in, by the evidence."""
    return [event.door for event in await home.evidence() if event.kind.value == "opposition"]


async def test_the_button_of_the_mail_client(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await mailed(home)
        assert await one_click((await home.arrived(1))[CLAIRE]) == 200
        assert await stopped(home)
        assert await through(home) == ["one-click"]


async def test_the_button_of_the_page_that_the_link_in_the_text_opens(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await mailed(home)
        link = re.search(r"http://127\.0\.0\.1:\d+/u/[a-z2-7]{56}", text((await home.arrived(1))[CLAIRE]))
        assert link is not None
        async with httpx.AsyncClient() as browser:
            page = await browser.get(link[0])
            assert "Maison Exemple SAS" in page.text
            assert CLAIRE not in page.text
            assert not await stopped(home)  # looking is not asking
            form = re.search(r'<form[^>]*method="post"[^>]*>', page.text)
            assert form is not None
            done = await browser.post(link[0], data={"scope": "advertiser"})
            assert (done.status_code, done.history) == (200, [])
        assert await stopped(home)
        assert await through(home) == ["link"]


@pytest.mark.parametrize("raw", [b"\r\n", b"Subject: unsubscribe\r\n\r\nstop\r\n", APPLE], ids=["empty", "written", "apple"])
async def test_a_mail_to_the_address_in_the_header(tmp_path: Path, raw: bytes) -> None:
    async with house(tmp_path) as home:
        _, address = await mailed(home)
        assert await mail_back(home.gateway, address.upper(), "somebody@elsewhere.example", raw) == {}
        assert await stopped(home)
        assert await through(home) == ["mailto"]


@pytest.mark.parametrize("raw", [VACATION], ids=["vacation"])
async def test_an_automatic_answer_without_sender_is_no_act(tmp_path: Path, raw: bytes) -> None:
    async with house(tmp_path) as home:
        _, address = await mailed(home)
        assert await mail_back(home.gateway, address, "", raw) == {}
        assert not await stopped(home)


async def test_scanners_that_only_look_stop_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        url, _ = await mailed(home)
        async with httpx.AsyncClient() as browser:
            for method in ("GET", "HEAD", "OPTIONS", "GET"):
                assert (await browser.request(method, url)).status_code < 300
        assert not await stopped(home)


async def test_a_forged_way_out_stops_nobody_and_says_so_alike(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        url, address = await mailed(home)
        wrong = url[:-1] + ("a" if url[-1] != "a" else "b")
        async with httpx.AsyncClient() as browser:
            answers = {(await browser.post(forged)).status_code for forged in (wrong, url[:-3], url + "a")}
        assert answers == {404}
        forged = address.replace(address[:4], "u-aa" if address[:4] != "u-aa" else "u-bb", 1)
        refused = await mail_back(home.gateway, forged, "x@example.org")
        assert refused[forged][0] == 550
        assert not await stopped(home)


async def test_saying_it_again_and_again_stays_one_opposition(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        url, address = await mailed(home)
        async with httpx.AsyncClient() as browser:
            for _ in range(3):
                assert (await browser.post(url)).status_code == 200
        assert await mail_back(home.gateway, address, CLAIRE) == {}
        assert await stopped(home)
        assert len(await through(home)) == 1


@pytest.mark.parametrize("to", ["postmaster@maison.example", "Abuse@Maison.Example", "postmaster@back.example.com"])
async def test_mail_for_a_person_is_kept_for_a_person(tmp_path: Path, to: str) -> None:
    async with house(tmp_path) as home:
        assert await mail_back(home.gateway, to, CLAIRE, b"Subject: question\r\n\r\nWho are you?\r\n") == {}
        (kept,) = [event for event in await home.evidence() if event.kind.value == "kept"]
        assert kept.detail == to.lower().partition("@")[0]


@pytest.mark.parametrize("to", ["claire@example.org", "u-@back.example.com", "news@maison.example", "u-x@back.example.com"])
async def test_the_inbound_listener_relays_for_nobody(tmp_path: Path, to: str) -> None:
    async with house(tmp_path) as home:
        assert (await mail_back(home.gateway, to, "x@example.org"))[to][0] == 550
        assert home.sink.count == 0


async def test_a_consent_that_is_imported_again_does_not_undo_an_opposition(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await mailed(home)
        await one_click((await home.arrived(1))[CLAIRE])
        await home.gateway.consent(CLAIRE)
        assert await stopped(home)
