"""The sink tells the truth about what reached it, to any client."""

from __future__ import annotations

import asyncio
import smtplib
import ssl

import pytest
import trustme

from tests.support.sink import Offer, running_sink

MESSAGE = b"Subject: x\r\n\r\n.leading dot\r\n..\r\nend\r\n"


async def talk(port: int, script: bytes) -> list[bytes]:
    """Send a whole session in one write and return every line answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(script)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer.split(b"\r\n")


async def test_what_smtplib_sends_is_kept_byte_for_byte() -> None:
    async with running_sink() as (sink, port):

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.sendmail("a@example.com", ["b@example.org"], MESSAGE, ["BODY=8BITMIME"], ["NOTIFY=NEVER"])

        await asyncio.to_thread(send)
        (got,) = await sink.wait_for(1)
    assert (got.sender, got.recipient, got.data) == ("a@example.com", "b@example.org", MESSAGE)
    assert got.mail_parameters["BODY"] == "8BITMIME"
    assert got.rcpt_parameters[0] == {"NOTIFY": "NEVER"}
    assert (got.tls, got.login) == (False, "")


async def test_a_pipelined_session_is_answered_in_order() -> None:
    async with running_sink() as (sink, port):
        lines = await talk(
            port,
            b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<permerror@x.example>\r\nRCPT TO:<451@x.example>\r\nRCPT TO:<b@x.example>\r\n"
            b"DATA\r\n.first\r\n.\r\nQUIT\r\n",
        )
        assert [line[:3] for line in lines if line and line[3:4] != b"-"] == [
            b"220",
            b"250",
            b"250",
            b"550",
            b"451",
            b"250",
            b"354",
            b"250",
            b"221",
        ]
        assert sink.messages[0].recipients == ("b@x.example",)
        assert sink.messages[0].sender == ""


@pytest.mark.parametrize(("local", "code"), [("550-data", b"550"), ("list+temperror-data", b"451"), ("b550", b"250")])
async def test_reserved_names_are_answered_at_the_end_of_data(local: str, code: bytes) -> None:
    async with running_sink() as (sink, port):
        rcpt = f"RCPT TO:<{local}@x.example>\r\n".encode()
        lines = await talk(port, b"EHLO x\r\nMAIL FROM:<>\r\n" + rcpt + b"DATA\r\nx\r\n.\r\nQUIT\r\n")
        assert lines[-3][:3] == code
        assert sink.count == (code == b"250")


async def test_memory_is_bounded_and_the_count_is_not() -> None:
    async with running_sink(keep=2) as (sink, port):
        one = b"MAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n%d\r\n.\r\n"
        await talk(port, b"EHLO x\r\n" + b"".join(one % n for n in range(5)) + b"QUIT\r\n")
        assert [m.data for m in await sink.wait_for(5)] == [b"3\r\n", b"4\r\n"]


async def test_a_message_beyond_the_announced_size_is_refused() -> None:
    async with running_sink(offer=Offer(size=1000)) as (sink, port):
        big = b"MAIL FROM:<>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n" + b"x" * 3_000_000 + b"\r\n.\r\nQUIT\r\n"
        lines = await talk(port, b"EHLO x\r\n" + big)
        assert lines[-3][:3] == b"552"
        assert sink.count == 0


async def test_login_and_starttls_are_honoured() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    async with running_sink(offer=Offer(tls=context, login=("user", "secret"))) as (sink, port):

        def send(password: str) -> None:
            with smtplib.SMTP("localhost", port) as client:
                client.starttls(context=trusted)
                client.login("user", password)
                client.sendmail("a@example.com", ["b@example.org"], MESSAGE)

        with pytest.raises(smtplib.SMTPAuthenticationError):
            await asyncio.to_thread(send, "wrong")
        await asyncio.to_thread(send, "secret")
        (got,) = await sink.wait_for(1)
    assert (got.tls, got.login) == (True, "user")


async def test_waiting_for_mail_that_does_not_come_ends() -> None:
    async with running_sink() as (sink, _):
        with pytest.raises(TimeoutError):
            await sink.wait_for(1, timeout=0.05)
