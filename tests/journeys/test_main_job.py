"""The main job, end to end: a tool's mail goes in, only mail that may leave comes out, and the opt-out stops it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from pathlib import Path

import dkim
import httpx
import pytest

from gateway.core.sign import public_record
from gateway.edges.keys import load_dkim
from gateway.edges.sink import Sink
from tests.support.gateway import Running, company, letter, running
from tests.support.sink import running_sink


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Running, Sink]]:
    async with running_sink() as (sink, port), running(company(tmp_path, port)) as gateway:
        yield gateway, sink


def valid_dkim(raw: bytes, folder: Path) -> bool:
    records = {
        f"{selector}._domainkey.maison.example.": public_record(load_dkim(folder / file, "maison.example", selector))
        for selector, file in (("s1", "dkim.pem"), ("e1", "dkim-ed25519.pem"))
    }
    return all(dkim.DKIM(raw).verify(index, dnsfunc=lambda name, timeout=5: records[name.decode()].encode()) for index in (0, 1))


async def test_consented_person_gets_the_mail_with_opt_out_notice_and_valid_signature(
    house: tuple[Running, Sink], tmp_path: Path
) -> None:
    gateway, sink = house
    await gateway.consent("claire@example.org")
    assert await gateway.send("claire@example.org") == {}
    (received,) = await sink.wait_for(1)
    assert received.recipients == ("claire@example.org",)
    assert valid_dkim(received.data, tmp_path)
    parsed = message_from_bytes(received.data, policy=policy.default)
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(
        r"<http://127\.0\.0\.1:\d+/u/[a-z2-7]{56}>, <mailto:u-[a-z2-7]{56}@back\.example\.com\?subject=unsubscribe>",
        parsed["List-Unsubscribe"].replace("\r\n", ""),
    )
    for kind in ("plain", "html"):
        content = parsed.get_body((kind,)).get_content()
        assert "Bonjour" in content
        assert "Maison Exemple SAS" in content
        assert "/u/" in content


async def test_opposed_person_is_never_mailed_again(house: tuple[Running, Sink]) -> None:
    gateway, sink = house
    await gateway.consent("claire@example.org")
    message = letter("claire@example.org").as_bytes(policy=policy.SMTP)
    await gateway.send("claire@example.org", message=message)
    (received,) = await sink.wait_for(1)
    url = re.search(r"<(http://[^>]+)>", message_from_bytes(received.data, policy=policy.default)["List-Unsubscribe"])
    assert url is not None
    async with httpx.AsyncClient() as browser:
        for _ in range(3):
            assert (await browser.get(url[1])).status_code == 200
        assert await gateway.send("claire@example.org", message=message) == {}  # a resend: already accepted, not mailed twice
        answer = await browser.post(url[1], data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    refused = await gateway.send("Claire@EXAMPLE.org")
    assert refused["Claire@EXAMPLE.org"].startswith("550 5.7.1 [OPPOSED]")
    assert sink.count == 1
    assert ("opposition", "opposed") in await gateway.events()


async def test_each_refusal_names_its_reason_and_a_reference(house: tuple[Running, Sink]) -> None:
    gateway, sink = house
    await gateway.oppose("marc@example.org")
    refused = await gateway.send(["marc@example.org", "nobody@example.org"])
    assert re.fullmatch(r"550 5\.7\.1 \[OPPOSED\] .* ref=gw0-\d+", refused["marc@example.org"])
    assert re.fullmatch(r"550 5\.7\.1 \[UNKNOWN-RECIPIENT\] .* ref=gw0-\d+", refused["nobody@example.org"])
    assert sink.count == 0
