"""Clients people use hold whole sessions: smtplib and aiosmtplib, with AUTH, STARTTLS, a refusal, and mail after it."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
import trustme

from gateway.edges.smtp.listener import server_context
from gateway.edges.smtp.terms import Kind
from tests.support.desk import LOGIN, SECRET
from tests.support.smtp import door

AUTHORITY = trustme.CA()


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    issued = AUTHORITY.issue_cert("localhost")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    return server_context(certificate, key)


@pytest.fixture
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def letter(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tool@acme.example", to, "Été"
    message.set_content("Bonjour,\n.\nune ligne à point\n..\n" * 2_000)
    return message


def with_smtplib(port: int, trusting: ssl.SSLContext, implicit: bool) -> list[object]:
    client = (
        smtplib.SMTP_SSL("localhost", port, context=trusting, timeout=10)
        if implicit
        else smtplib.SMTP("localhost", port, timeout=10)
    )
    with client:
        if not implicit:
            client.starttls(context=trusting)
        client.login(LOGIN, SECRET.decode())
        heard: list[object] = [client.send_message(letter("ann@customer.example"))]
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("tool@acme.example", ["refused@customer.example"], b"Subject: x\r\n\r\n")
        heard += [refused.value.recipients["refused@customer.example"][0]]
        heard += [client.sendmail("tool@acme.example", ["bob@customer.example", "refused@customer.example"], b"Subject: y\r\n\r\n")]
    return heard


@pytest.mark.parametrize("implicit", [False, True])
async def test_smtplib_holds_a_whole_session(implicit: bool, server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    kind = Kind.SUBMISSIONS if implicit else Kind.SUBMISSION
    async with door(kind=kind, tls=server, clear_auth=False) as house:
        heard = await asyncio.to_thread(with_smtplib, house.port, trusting, implicit)
        assert heard[:2] == [{}, 550]
        assert isinstance(heard[2], dict)
        assert list(heard[2]) == ["refused@customer.example"]
        assert [one.to[0].recipient for one in house.desk.sent] == ["ann@customer.example", "bob@customer.example"]
        assert house.desk.sent[0].data == letter("ann@customer.example").as_bytes(
            policy=letter("x@y.example").policy.clone(linesep="\r\n")
        )


@pytest.mark.parametrize("implicit", [False, True])
async def test_aiosmtplib_holds_a_whole_session(implicit: bool, server: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    kind = Kind.SUBMISSIONS if implicit else Kind.SUBMISSION
    async with door(kind=kind, tls=server, clear_auth=False) as house:
        client = aiosmtplib.SMTP(
            hostname="localhost", port=house.port, use_tls=implicit, start_tls=not implicit, tls_context=trusting, timeout=10
        )
        async with client:
            await client.login(LOGIN, SECRET.decode())
            await client.send_message(letter("ann@customer.example"))
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await client.sendmail("tool@acme.example", ["refused@customer.example"], b"Subject: x\r\n\r\n")
            await client.sendmail("tool@acme.example", ["bob@customer.example"], b"Subject: y\r\n\r\n")
        assert [one.to[0].recipient for one in house.desk.sent] == ["ann@customer.example", "bob@customer.example"]


async def test_a_wrong_password_is_an_authentication_error_to_both() -> None:
    async with door() as house:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=house.port, start_tls=False, timeout=10)
        await client.connect()
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await client.login(LOGIN, "wrong")
        client.close()

        def guess() -> None:
            with smtplib.SMTP("127.0.0.1", house.port, timeout=10) as other, pytest.raises(smtplib.SMTPAuthenticationError):
                other.login(LOGIN, "wrong")

        await asyncio.to_thread(guess)
