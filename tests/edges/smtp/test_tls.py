"""STARTTLS and implicit TLS: nothing said in clear survives, nothing old is spoken, nobody is kept waiting."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.listener import Listener, server_context
from gateway.edges.smtp.terms import Kind
from tests.support.desk import Lines, ScriptedDesk
from tests.support.smtp import PLAIN, Client, door, until

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    CERTIFICATE.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(blob.bytes() for blob in CERTIFICATE.cert_chain_pems))
    return server_context(certificate, key)


@pytest.fixture
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def upgrade(client: Client, context: ssl.SSLContext) -> None:
    async with asyncio.timeout(10):
        await client.writer.start_tls(context, server_hostname="localhost")


async def test_starttls_then_auth_then_mail(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server, clear_auth=False) as house:
        client = await house.ready()
        assert "STARTTLS" in client.heard[-1]
        assert "AUTH" not in client.heard[-1]
        assert (await client.ask("STARTTLS")).startswith("220 2.0.0")
        await upgrade(client, trusting)
        assert (await client.ask("MAIL FROM:<tool@acme.example>")).startswith("530 5.7.0 [AUTH-REQUIRED]")
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("503")  # state is forgotten: EHLO again
        hello = await client.ask("EHLO client.example")
        assert "AUTH PLAIN LOGIN" in hello
        assert "STARTTLS" not in hello
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        await client.envelope()
        assert (await client.ask(b"Subject: x\r\n\r\n.\r\n")).startswith("250")
        peer = house.desk.sent[0].peer
        assert (peer.protocol, peer.helo) == ("ESMTPSA", "client.example")
        assert peer.tls.startswith("TLSv1.3 TLS_")
        client.close()


async def test_implicit_tls_is_recognised_as_tls(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server, kind=Kind.SUBMISSIONS, clear_auth=False) as house:
        client = await house.client(trusting)
        assert (await client.reply()).startswith("220")
        hello = await client.ask("EHLO client.example")
        assert "AUTH PLAIN LOGIN" in hello
        assert "STARTTLS" not in hello
        assert (await client.ask("STARTTLS")).startswith("503")
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        await client.envelope()
        big = b"".join(b"%070d\r\n" % n for n in range(20_000))
        assert (await client.ask(big + b".\r\n")).startswith("250")
        assert house.desk.sent[0].data == big
        assert house.desk.sent[0].peer.protocol == "ESMTPSA"
        assert (await client.ask("QUIT")).startswith("221")
        assert await client.rest() == []


async def test_good_and_bad_passwords_hear_the_same_in_clear(server: ssl.SSLContext) -> None:
    async with door(tls=server, clear_auth=False) as house:
        client = await house.ready()
        answers = {await client.ask(f"AUTH PLAIN {PLAIN}"), await client.ask("AUTH PLAIN AHgAeA=="), await client.ask("AUTH LOGIN")}
        answers.add(await client.ask("MAIL FROM:<tool@acme.example>"))
        assert {answer.split("]")[0] for answer in answers} == {"530 5.7.0 [TLS-REQUIRED"}
        assert house.desk.guesses == []
        client.close()


@pytest.mark.parametrize(
    "injected", [b"NOOP\r\n", b"EHLO evil.example\r\nMAIL FROM:<>\r\n", b"RSET\r\n" * 50, b"x", b"\r\n", b"AUTH PLAIN AHgAeA==\r\n"]
)
async def test_plaintext_behind_starttls_is_never_obeyed(injected: bytes, server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server, clear_auth=False) as house:
        client = await house.ready()
        assert (await client.ask(b"STARTTLS\r\n" + injected)).startswith("220")
        await upgrade(client, trusting)
        assert (await client.ask("NOOP")) == "250 2.0.0 OK"
        assert (await client.ask("EHLO client.example")).startswith("250-gateway.example")
        assert house.desk.guesses == []
        client.close()


async def test_second_starttls_is_503_and_harmless(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server) as house:
        client = await house.ready()
        await client.ask("STARTTLS")
        await upgrade(client, trusting)
        assert (await client.ask("STARTTLS")).startswith("503")
        assert (await client.ask("NOOP")).startswith("250")
        client.close()


async def test_login_and_transaction_are_forgotten(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server) as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example>")
        await client.ask("STARTTLS")
        await upgrade(client, trusting)
        assert (await client.ask("RCPT TO:<ann@customer.example>")).startswith("530")
        client.close()


async def test_starttls_where_there_is_none() -> None:
    async with door() as house:
        client = await house.ready()
        assert "STARTTLS" not in client.heard[-1]
        assert (await client.ask("STARTTLS")).startswith("502")
        assert (await client.ask("STARTTLS now")).startswith("501")
        client.close()


async def test_garbage_instead_of_a_handshake_ends_the_connection(server: ssl.SSLContext) -> None:
    async with door(tls=server) as house:
        client = await house.ready()
        await client.ask("STARTTLS")
        client.send(b"MAIL FROM:<tool@acme.example>\r\n" * 10)
        async with asyncio.timeout(5):
            assert b"250" not in await client.reader.read()
        await until(lambda: house.listener.sessions == 0)
        assert house.desk.letters == []


@pytest.mark.parametrize("kind", [Kind.SUBMISSION, Kind.SUBMISSIONS])
async def test_handshake_has_a_deadline(kind: Kind, server: ssl.SSLContext) -> None:
    async with door(tls=server, kind=kind, limits=Limits(tls_handshake=0.3, linger=0.1)) as house:
        client = await house.client()
        if kind is Kind.SUBMISSION:
            await client.reply()
            await client.ask("STARTTLS")
        async with asyncio.timeout(5):
            await client.reader.read()
        await until(lambda: house.listener.sessions == 0)


async def test_tls_1_1_is_not_spoken(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    trusting.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        trusting.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        trusting.maximum_version = ssl.TLSVersion.TLSv1_1
    async with door(tls=server, kind=Kind.SUBMISSIONS) as house:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await house.client(trusting)


async def test_tls_1_2_is_spoken(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    async with door(tls=server, kind=Kind.SUBMISSIONS) as house:
        client = await house.client(trusting)
        assert (await client.reply()).startswith("220")
        client.close()


async def test_a_listener_nobody_could_use_safely_is_not_made(server: ssl.SSLContext) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    for kind, tls in ((Kind.SUBMISSION, None), (Kind.SUBMISSIONS, None), (Kind.SUBMISSION, old)):
        with pytest.raises(ValueError):
            Listener(kind, ScriptedDesk(), Limits(), Lines(), tls, "gateway.example", spawn=asyncio.create_task)


async def test_cap_under_implicit_tls_is_told_under_tls(server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with door(tls=server, kind=Kind.SUBMISSIONS, limits=Limits(connections=0)) as house:
        client = await house.client(trusting)
        assert [answer[:3] for answer in await client.rest()] == ["421"]
