"""A provider reports to a running gateway: the next message to that address is refused, and fresh proof opens the way again."""

from __future__ import annotations

import base64
import json
import re
import smtplib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from gateway.flow.canary import address_of
from gateway.rooms import CannotStart
from gateway.settings import ConfigurationError, to_streams
from tests.support import events as calls
from tests.support.gateway import company, running, threaded
from tests.support.sink import FaultySink

PROVIDER = """
[provider.own]
kind = "standard"
secret_file = "own.secret"
advertisers = ["maison"]
"""

PEOPLE = {"gone@example.org": "bounce", "cross@example.org": "complaint", "no@example.org": "opt_out"}


def bring(inbound: tuple[str, int], address: str, data: bytes) -> None:
    """Deliver a message as the provider's own server does."""
    with smtplib.SMTP(*inbound, timeout=10) as session:
        session.sendmail("bounces@provider.example", [address], data)


def secret(folder: Path) -> None:
    file = folder / "own.secret"
    file.write_bytes(b"whsec_" + base64.b64encode(calls.WEBHOOK_KEY))
    file.chmod(0o600)


async def test_what_a_provider_reports_stops_the_next_message(tmp_path: Path) -> None:
    """R-MBX-14, R-FR-56."""
    secret(tmp_path)
    sink = FaultySink()
    _, port = await sink.start()
    try:
        async with running(company(tmp_path, port, stream=PROVIDER)) as gateway:
            host, web = gateway.addresses.web
            for address, event in (
                ("gone@example.org", "bounce"),
                ("cross@example.org", "complaint"),
                ("no@example.org", "opt_out"),
            ):
                await gateway.consent(address)
                assert await gateway.send(address) == {}
                headers, body = calls.standard(
                    {"type": event, "recipient": address, "status": "5.1.1"}, datetime.now(UTC), f"msg_{event}"
                )
                async with httpx.AsyncClient() as client:
                    answer = await client.post(f"http://{host}:{web}/events/own", content=body, headers=headers)
                assert answer.status_code == 200
            said = [
                (await gateway.send(address))[address] for address in ("gone@example.org", "cross@example.org", "no@example.org")
            ]
            assert [text.split("[")[1].split("]")[0] for text in said] == ["BOUNCED", "COMPLAINED", "OPPOSED"]
            await gateway.consent("here@example.org")
            assert await gateway.send("here@example.org") == {}
    finally:
        await sink.close()


async def test_a_provider_without_a_usable_key_refuses_to_start(tmp_path: Path) -> None:
    text = '[provider.grid]\nkind = "sendgrid"\nverification = "bm90IGEga2V5"\n'
    with pytest.raises(ExceptionGroup) as caught:
        async with running(company(tmp_path, 1, stream=text)):
            pass
    assert caught.group_contains(CannotStart)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "ses"', "topic"),
        ('kind = "sendgrid"', "verification"),
        ('kind = "postmark"', "secret_file"),
        ('kind = "ses"\ntopic = "x"\nadvertisers = ["nobody"]', "nobody"),
        ('kind = "pigeon"', "kind"),
        ('kind = "postmark"\nsecret = "in the file"', "secrets never stand in this file"),
    ],
)
def test_a_provider_that_could_prove_nothing_is_a_fault(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        company(tmp_path, 1, stream=f"[provider.one]\n{text}\n")


async def test_a_canary_comes_back_and_tells_whether_our_way_out_survived(tmp_path: Path) -> None:
    """R-STD-31: through a provider that changes nothing, and one that puts its own header."""
    sink = FaultySink()
    _, port = await sink.start()
    try:
        async with running(company(tmp_path, port)) as gateway:
            news = to_streams(gateway.settings)["news"]
            address = address_of(news, gateway.ring.token_keys, "back.example.com")
            await gateway.consent(address)
            assert await gateway.send(address) == {}
            sent = bytes(sink.messages[-1].data)
            assert gateway.addresses.inbound is not None
            for data in (
                sent,
                re.sub(rb"(?m)^List-Unsubscribe: (?:[^\r\n]|\r\n[ \t])*", b"List-Unsubscribe: <https://p.example/x>", sent),
            ):
                await threaded(partial(bring, gateway.addresses.inbound, address, data))
            said = [json.loads(line) for line in gateway.log.getvalue().splitlines()]
            assert [line["seen"] for line in said if line["what"] == "canary"] == ["intact", "replaced"]
    finally:
        await sink.close()
