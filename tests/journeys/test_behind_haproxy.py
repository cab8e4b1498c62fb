"""A whole gateway behind a real HAProxy, both versions of the header: mail passes, checks are quiet, the real client counts."""

from __future__ import annotations

import re
import smtplib
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.policy import SMTP
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.journeys.test_tls import certified
from tests.support.gateway import SECRET, Running, company, letter, running, threaded
from tests.support.haproxy import Front, needs_haproxy, running_haproxy
from tests.support.journey import House, doors
from tests.support.sink import running_sink

pytestmark = needs_haproxy
CLAIRE = "claire@example.org"
LISTED = 'proxy_from = ["127.0.0.1"]'
MODES = {
    "inbound": "  option smtpchk EHLO balancer.example.com\n",
    "web": "  mode http\n  option forwardfor\n  option httpchk GET /healthz\n",
}


class Told(Front):
    """A front with what its protocol needs beside."""

    def lines(self, port: int) -> str:
        """What haproxy.cfg says."""
        head, *servers = super().lines(port).partition("  server ")
        return "".join([head, MODES.get(self.name, ""), *servers])


def places(gateway: Running) -> dict[str, int]:
    """The gateway's own ports."""
    addresses = gateway.addresses
    assert addresses.submission_tls is not None
    assert addresses.inbound is not None
    return {
        "submission": addresses.submission[1],
        "submission_tls": addresses.submission_tls[1],
        "inbound": addresses.inbound[1],
        "web": addresses.web[1],
    }


@asynccontextmanager
async def balanced(folder: Path, header: str, limits: str = "") -> AsyncIterator[tuple[House, dict[str, int], ssl.SSLContext]]:
    """A gateway that lists its balancer, the balancer's ports, and a client that trusts the gateway."""
    lines, context = certified(folder)
    async with running_sink() as (sink, port):
        settings = company(folder, port, submission=f"{lines}\n{LISTED}\n[submission.limits]\nauth_failures = 9\n{limits}")
        there = {"inbound": settings.inbound, "web": settings.web}
        updated = {name: one.model_copy(update={"proxy_from": settings.submission.proxy_from}) for name, one in there.items()}
        async with running(settings.model_copy(update=updated)) as gateway:
            fronts = [Told(name, (port,), "" if name == "web" else header, checked=True) for name, port in places(gateway).items()]
            async with running_haproxy(folder / "balancer", *fronts) as balancer:
                yield House(gateway, sink), {front.name: balancer.port(front.name) for front in fronts}, context


def session(port: int, context: ssl.SSLContext, client: str = "127.0.0.2", implicit: bool = False) -> smtplib.SMTP:
    """A client at an address of its own, under TLS by either way."""
    if implicit:
        return smtplib.SMTP_SSL("127.0.0.1", port, timeout=15, context=context, source_address=(client, 0))
    one = smtplib.SMTP("127.0.0.1", port, timeout=15, source_address=(client, 0))
    one.starttls(context=context)
    return one


def delivered(port: int, context: ssl.SSLContext, implicit: bool, subject: str) -> dict[str, tuple[int, bytes]]:
    with session(port, context, implicit=implicit) as one:
        one.login("mautic", SECRET)
        return one.sendmail("news@maison.example", [CLAIRE], letter(CLAIRE, subject=subject).as_bytes(policy=SMTP))


def opted_out(port: int, to: str) -> dict[str, tuple[int, bytes]]:
    with smtplib.SMTP("127.0.0.1", port, timeout=15, source_address=("127.0.0.4", 0)) as one:
        return one.sendmail(CLAIRE, [to], b"Subject: unsubscribe\r\n\r\n")


@pytest.mark.parametrize("header", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
async def test_mail_leaves_and_an_opt_out_comes_back_through_a_balancer(tmp_path: Path, header: str) -> None:
    async with balanced(tmp_path, header) as (home, ports, context):
        await home.gateway.consent(CLAIRE)
        for count, (name, implicit) in enumerate((("submission", False), ("submission_tls", True)), 1):
            assert await threaded(partial(delivered, ports[name], context, implicit, f"Nouvelles {count}")) == {}
            mail = (await home.arrived(count))[CLAIRE]
        assert all("127.0.0.2" not in trace for trace in mail.get_all("Received", []))
        assert await threaded(partial(opted_out, ports["inbound"], doors(mail)[1])) == {}
        assert [event.door for event in await home.evidence() if event.kind.value == "opposition"] == ["mailto"]
        assert not re.search("smtp-|fault", home.gateway.log.getvalue())


@pytest.mark.parametrize("header", ["send-proxy", "send-proxy-v2"])
@pytest.mark.parametrize("implicit", [False, True])
async def test_a_client_is_limited_by_its_own_address(tmp_path: Path, header: str, implicit: bool) -> None:
    async with balanced(tmp_path, header, "connections_per_client = 2") as (_, ports, context):
        knock = partial(session, ports["submission_tls" if implicit else "submission"], context, implicit=implicit)
        held = [await threaded(partial(knock, client)) for client in ("127.0.0.2", "127.0.0.2", "127.0.0.3")]
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            await threaded(partial(knock, "127.0.0.2"))
        assert refused.value.smtp_code == 421
        held += [await threaded(partial(knock, "127.0.0.3"))]
        for one in held:
            one.close()


async def test_a_guesser_does_not_lock_out_its_neighbour(tmp_path: Path) -> None:
    async with balanced(tmp_path, "send-proxy-v2") as (_, ports, context):
        port = ports["submission"]
        assert await threaded(partial(logins, port, context, "127.0.0.2", *["wrong"] * 9)) == [535] * 9
        assert await threaded(partial(logins, port, context, "127.0.0.2", "wrong", SECRET)) == [535, 421]
        assert await threaded(partial(logins, port, context, "127.0.0.3", SECRET)) == [235]


def logins(port: int, context: ssl.SSLContext, client: str, *secrets: str) -> list[int]:
    """What each attempt of one connection is answered."""
    one = session(port, context, client)
    one.ehlo()
    codes = [one.docmd("AUTH PLAIN", b64encode(f"\0mautic\0{secret}".encode()).decode())[0] for secret in secrets]
    one.close()
    return codes


async def test_a_visitor_of_the_pages_is_limited_by_its_own_address(tmp_path: Path) -> None:
    async with balanced(tmp_path, "send-proxy") as (_, ports, _):
        for client, expected in (("127.0.0.2", 429), ("127.0.0.3", 404)):
            transport = httpx.AsyncHTTPTransport(local_address=client)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{ports['web']}") as visitor:
                for _ in range(300 if expected == 429 else 1):  # half a minute's worth may come back while one is being used up
                    answer = await visitor.get("/u/nonsense", headers={"X-Forwarded-For": "203.0.113.9"})
                    if answer.status_code == 429:
                        break
                assert answer.status_code == expected
