"""Each limit at one less, exactly, and one more; and what a slow client is told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from gateway.core.reply import (
    AUTH_DECODING,
    AUTH_TOO_MANY,
    LINE_TOO_LONG,
    SESSION_OVER,
    TIMED_OUT,
    TOO_BIG,
    TOO_BUSY,
    TOO_MANY_ERRORS,
    TOO_MANY_RECIPIENTS,
    Reply,
)
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.terms import Kind
from tests.support.smtp import Client, Door, door, until


def is_(answer: str, reply: Reply) -> bool:
    return answer.encode() + b"\r\n" == reply.line()


@pytest.mark.parametrize(
    ("verb", "limit"),
    [("NOOP ", 512), ("MAIL FROM:<>", 1552), ("RCPT TO:<a@b.example>", 1552), ("AUTH PLAIN ", 1024 + len("AUTH LOGIN \r\n"))],
)
@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_command_line_limits_count_crlf(verb: str, limit: int, more: int) -> None:
    async with door() as house:
        client = await house.ready()
        answer = await client.ask(verb.ljust(limit + more - 2, "x" if verb.startswith(("NOOP", "AUTH")) else " "))
        assert is_(answer, LINE_TOO_LONG) is (more > 0)
        assert (await client.ask("RSET")).startswith("250")
        client.close()


async def test_endless_line_is_dropped_not_kept() -> None:
    async with door() as house:
        client = await house.ready()
        for _ in range(64):
            client.send(b"x" * 65_536)
            await client.writer.drain()
        assert is_(await client.ask(b"\r\n"), LINE_TOO_LONG)
        assert (await client.ask("NOOP")).startswith("250")
        client.close()


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
async def test_size_of_the_real_message(size: int, fits: bool) -> None:
    async with door(limits=Limits(size=100)) as house:
        client = await house.logged_in()
        await client.envelope()
        answer = await client.ask(b"x" * (size - 2) + b"\r\n.\r\n")
        assert answer.startswith("250") if fits else is_(answer, TOO_BIG)
        assert len(house.desk.sent) == fits
        assert (await client.ask("MAIL FROM:<tool@acme.example>")).startswith("250")
        client.close()


@pytest.mark.parametrize(("length", "fits"), [(63, True), (64, True), (65, False)])
async def test_body_line(length: int, fits: bool) -> None:
    async with door(limits=Limits(body_line=64)) as house:
        client = await house.logged_in()
        await client.envelope()
        assert (await client.ask(b"x" * (length - 2) + b"\r\n.\r\n")).startswith("250" if fits else "550 5.6.0 [MALFORMED]")
        client.close()


async def test_recipients_beyond_the_limit_are_put_off_and_the_others_kept() -> None:
    async with door() as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example>")
        client.send(b"".join(b"RCPT TO:<a%d@customer.example>\r\n" % n for n in range(102)))
        answers = [await client.reply() for _ in range(102)]
        assert all(answer.startswith("250") for answer in answers[:100])
        assert all(is_(answer, TOO_MANY_RECIPIENTS) for answer in answers[100:])
        await client.ask("DATA")
        await client.ask(b"Subject: x\r\n\r\n.\r\n")
        assert len(house.desk.sent[0].to) == 100
        client.close()


async def test_refused_recipients_are_bounded_too() -> None:
    async with door(limits=Limits(recipients_refused=2)) as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example>")
        answers = [await client.ask("RCPT TO:<refused@customer.example>") for _ in range(3)]
        assert [answer[:3] for answer in answers] == ["550", "550", "452"]
        client.close()


async def repeated(client: Client, command: str, times: int) -> list[str]:
    client.send((command + "\r\n").encode() * times)
    return [await client.reply() for _ in range(times)]


async def test_ten_errors_end_the_session_nine_do_not() -> None:
    async with door() as house:
        client = await house.ready()
        assert all(answer.startswith("502") for answer in await repeated(client, "EXPN x", 9))
        assert (await client.ask("NOOP")).startswith("250")
        assert (await client.ask("EXPN x")).startswith("502")
        assert is_((await client.rest())[0], TOO_MANY_ERRORS)


async def test_five_unknown_commands_end_the_session_four_do_not() -> None:
    async with door() as house:
        client = await house.ready()
        assert all(answer.startswith("500") for answer in await repeated(client, "XYZZY", 4))
        assert (await client.ask("NOOP")).startswith("250")
        assert (await client.ask("XYZZY")).startswith("500")
        assert is_((await client.rest())[0], TOO_MANY_ERRORS)


async def test_refused_recipients_are_no_errors() -> None:
    async with door() as house:
        client = await house.logged_in()
        for _ in range(30):
            await client.ask("MAIL FROM:<tool@acme.example>")
            assert (await client.ask("RCPT TO:<refused@customer.example>")).startswith("550")
            assert (await client.ask("RCPT TO:<not an address>")).startswith("501")
            assert (await client.ask("DATA")).startswith("554")
        client.close()


@pytest.mark.parametrize("command", ["NOOP", "RSET", "VRFY x", "HELP"])
async def test_a_hundred_idle_commands_pass_one_more_does_not(command: str) -> None:
    async with door() as house:
        client = await house.ready("")
        assert all(answer.startswith("2") for answer in await repeated(client, command, 100))
        client.send(command.encode() + b"\r\n")
        assert is_((await client.rest())[0], TOO_MANY_ERRORS)


async def test_idle_commands_are_counted_anew_when_mail_moves() -> None:
    async with door(limits=Limits(idle_commands=5)) as house:
        client = await house.logged_in()
        for _ in range(20):
            await client.ask("MAIL FROM:<tool@acme.example>")
            assert (await client.ask("RSET")).startswith("250")
        client.close()


async def test_messages_of_one_session() -> None:
    async with door(limits=Limits(messages=3)) as house:
        client = await house.logged_in()
        for _ in range(3):
            await client.envelope()
            await client.ask(b"Subject: x\r\n\r\n.\r\n")
        client.send(b"MAIL FROM:<tool@acme.example>\r\n")
        assert is_((await client.rest())[0], SESSION_OVER)
        assert len(house.desk.sent) == 3


@pytest.mark.parametrize("caps", [Limits(connections=2), Limits(connections_per_address=2)])
async def test_connections_beyond_the_cap_hear_421_and_room_is_given_back(caps: Limits) -> None:
    async with door(limits=caps) as house:
        first, second = await house.ready(), await house.ready()
        third = await house.client()
        assert is_((await third.rest())[0], TOO_BUSY)
        first.send(b"QUIT\r\n")
        await first.rest()
        first.close()
        await until(lambda: house.listener.sessions == 1)
        assert (await house.ready()).heard[0].startswith("220")
        second.close()


async def test_auth_answers_are_bounded() -> None:
    for length, fits in ((1020, True), (1024, True), (1028, False), (5000, False)):
        async with door() as house:
            client = await house.ready()
            await client.ask("AUTH LOGIN")
            answer = await client.ask(base64.b64encode(b"u" * (length // 4 * 3)).decode())
            assert answer.startswith("334") if fits else is_(answer, AUTH_DECODING)
            client.close()


async def cut(house: Door, client: Client, reply: Reply = TIMED_OUT) -> None:
    assert is_((await client.rest())[0], reply)
    assert house.desk.sent == []


async def test_idle_before_auth_is_short() -> None:
    async with door(limits=Limits(idle_before_auth=0.2)) as house:
        await cut(house, await house.ready())


async def test_idle_after_auth_is_long_but_bounded() -> None:
    async with door(limits=Limits(idle_before_auth=0.2, idle=0.6)) as house:
        client = await house.logged_in()
        start = asyncio.get_running_loop().time()
        await cut(house, client)
        assert 0.4 < asyncio.get_running_loop().time() - start < 3


async def test_a_command_begun_must_be_finished() -> None:
    async with door(limits=Limits(command=0.2, idle=30)) as house:
        client = await house.logged_in()
        client.send(b"MAIL FRO")
        await cut(house, client)


async def drip_noops(client: Client) -> AsyncIterator[str]:
    while True:
        answer = await client.ask("NOOP")
        yield answer
        if not answer.startswith("250"):
            return
        await asyncio.sleep(0.05)


async def test_noop_does_not_prolong_the_session_for_ever() -> None:
    async with door(kind=Kind.INBOUND, limits=Limits(session=0.5, idle=0.3)) as house:
        client = await house.ready("")
        assert is_([answer async for answer in drip_noops(client)][-1], SESSION_OVER)


async def test_message_has_a_deadline() -> None:
    async with door(limits=Limits(data=0.4, data_grace=30, linger=0.1)) as house:
        client = await house.logged_in()
        await client.envelope()
        feeding = asyncio.ensure_future(drip(client, 0.05))
        await cut(house, client)
        feeding.cancel()


async def test_message_slower_than_the_least_rate_is_cut() -> None:
    async with door(limits=Limits(data_grace=0.3, data_rate=500, linger=0.1)) as house:
        client = await house.logged_in()
        await client.envelope()
        feeding = asyncio.ensure_future(drip(client, 0.05))
        await cut(house, client)
        feeding.cancel()


async def test_message_at_the_least_rate_is_taken() -> None:
    async with door(limits=Limits(data_grace=0.2, data_rate=500)) as house:
        client = await house.logged_in()
        await client.envelope()
        for _ in range(8):
            client.send(b"x" * 70 + b"\r\n")
            await asyncio.sleep(0.06)
        assert (await client.ask(b".\r\n")).startswith("250")
        client.close()


async def drip(client: Client, pause: float) -> None:
    while True:
        client.send(b"z")
        await asyncio.sleep(pause)


async def test_unfinished_chunks_do_not_hold_memory_for_ever() -> None:
    async with door(limits=Limits(command=0.2, idle=30)) as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example>")
        await client.ask("RCPT TO:<ann@customer.example>")
        assert (await client.ask(b"BDAT 2\r\nab")).startswith("250")
        await cut(house, client)


async def talk(client: Client, octets: bytes) -> None:
    async with asyncio.timeout(8):
        while True:
            client.writer.write(octets)
            await client.writer.drain()


async def test_client_that_does_not_read_is_cut() -> None:
    async with door(kind=Kind.INBOUND, limits=Limits(command=0.3, idle_commands=10**9)) as house:
        client = await house.ready("")
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(ConnectionError):
            await talk(client, b"NOOP\r\n" * 10_000)
        await until(lambda: house.listener.sessions == 0)


async def test_failed_logins_of_one_connection() -> None:
    async with door() as house:
        client = await house.ready()
        wrong = "AUTH PLAIN " + base64.b64encode(b"\0crm\0wrong").decode()
        assert [(await client.ask(wrong))[:3] for _ in range(3)] == ["535"] * 3
        assert is_((await client.rest())[0], AUTH_TOO_MANY)
