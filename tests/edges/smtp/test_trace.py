"""What the desk learns of the connection, for Received: the `with` keyword, the client's name, DSN wishes as given."""

from __future__ import annotations

import pytest

from gateway.edges.smtp.terms import Kind
from gateway.flow.desk import MailFrom, RcptTo
from tests.support.smtp import door


@pytest.mark.parametrize(
    ("hello", "parameters", "protocol"),
    [
        ("HELO client.example", "", "SMTP"),
        ("EHLO client.example", "", "ESMTP"),
        ("EHLO client.example", " SMTPUTF8", "UTF8SMTP"),
    ],
)
async def test_protocol_keyword_in_clear(hello: str, parameters: str, protocol: str) -> None:
    async with door(kind=Kind.INBOUND) as house:
        client = await house.ready(hello)
        await client.ask(f"MAIL FROM:<>{parameters}")
        assert house.desk.letters[0].peer.protocol == protocol
        assert house.desk.letters[0].peer.tls == ""
        assert house.desk.letters[0].login is None
        client.close()


async def test_protocol_keyword_after_login() -> None:
    async with door() as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example> SMTPUTF8")
        assert house.desk.letters[0].peer.protocol == "UTF8SMTPA"
        assert house.desk.letters[0].login is not None
        client.close()


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("client.example", "client.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("my_host (x) from evil; by me", "my_host??x??from?evil??by?me"),
        ("café", "caf??"),
        ("x" * 300, "x" * 255),
    ],
)
async def test_client_name_is_fit_for_a_header(name: str, clean: str) -> None:
    async with door(kind=Kind.INBOUND) as house:
        client = await house.ready(f"EHLO {name}")
        await client.ask("MAIL FROM:<>")
        assert house.desk.letters[0].peer.helo == clean
        client.close()


async def test_dsn_wishes_and_size_reach_the_desk() -> None:
    async with door() as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example> SIZE=123 BODY=8BITMIME RET=HDRS ENVID=Ab+2Bc")
        await client.ask("RCPT TO:<Ann@Customer.example> NOTIFY=success,DELAY ORCPT=rfc822;Ann@Customer.example")
        assert house.desk.letters[0].mail == MailFrom("tool@acme.example", 123, eight_bit=True, ret="HDRS", envid="Ab+2Bc")
        assert house.desk.letters[0].to == [RcptTo("Ann@Customer.example", "SUCCESS,DELAY", "rfc822;Ann@Customer.example")]
        client.close()
