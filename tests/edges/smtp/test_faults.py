"""What happens when something goes wrong: desks that fail or fall silent, clients that leave, a gateway that stops."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.core.reply import INTERNAL, NO_SPACE, SHUTTING_DOWN, TIMED_OUT, TOO_EARLY, Reply
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.terms import Kind
from gateway.flow.ports import Unavailable
from tests.support.desk import ScriptedDesk
from tests.support.smtp import Client, Door, door, until

MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


def is_(answer: str, reply: Reply) -> bool:
    return answer.encode() + b"\r\n" == reply.line()


@pytest.mark.parametrize("fault", [RuntimeError("ann@customer.example secret"), Unavailable("book"), ValueError("é\r\n250 OK")])
async def test_a_fault_of_ours_is_a_451_without_its_text(fault: Exception) -> None:
    async with door() as house:
        client = await house.logged_in()
        house.desk.raises = fault
        assert is_(await client.ask("MAIL FROM:<tool@acme.example>"), INTERNAL)
        house.desk.raises = None
        await client.ask("MAIL FROM:<tool@acme.example>")
        house.desk.raises = fault
        assert is_(await client.ask("RCPT TO:<ann@customer.example>"), INTERNAL)
        house.desk.raises = None
        await client.ask("RCPT TO:<ann@customer.example>")
        await client.ask("DATA")
        house.desk.raises = fault
        assert is_(await client.ask(MESSAGE + b".\r\n"), INTERNAL)
        assert [said for said in house.log.said if said[0] == "desk-fault"] == [
            ("desk-fault", {"listener": "submission", "fault": type(fault).__name__})
        ] * 3
        house.desk.raises = None
        await client.envelope()
        assert (await client.ask(MESSAGE + b".\r\n")).startswith("250")
        client.close()


async def test_a_silent_desk_is_a_451_and_the_session_goes_on() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk, Limits(answer=0.2)) as house:
        client = await house.logged_in()
        await client.envelope()
        assert is_(await client.ask(MESSAGE + b".\r\n"), INTERNAL)
        assert ("desk-silent", {"listener": "submission"}) in house.log.said
        assert (await client.ask("NOOP")).startswith("250")
        client.close()


async def test_idle_timer_stands_still_while_the_desk_judges() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk, Limits(idle=0.2, command=0.2, data=0.2)) as house:
        client = await house.logged_in()
        await client.envelope()
        client.send(MESSAGE + b".\r\n")
        await until(lambda: desk.sending)
        await asyncio.sleep(0.5)
        assert desk.hold is not None
        desk.hold.set()
        assert (await client.reply()).startswith("250")
        client.close()


async def test_a_421_of_the_desk_closes_the_session() -> None:
    async with door(ScriptedDesk(answer=Reply(421, "4.3.2", "next-hop: busy"))) as house:
        client = await house.logged_in()
        await client.envelope()
        client.send(MESSAGE + b".\r\nNOOP\r\n")
        assert [answer[:3] for answer in await client.rest()] == ["421"]


async def test_foreign_text_in_a_reply_cannot_add_a_line() -> None:
    async with door(ScriptedDesk(answer=Reply(550, "5.1.1", "café\r\n250 OK\0" + "x" * 900))) as house:
        client = await house.logged_in()
        await client.envelope()
        assert (await client.ask(MESSAGE + b".\r\n")).startswith("550 5.1.1 caf")
        assert (await client.ask("NOOP")) == "250 2.0.0 OK"
        client.close()


async def leave(client: Client, how: str) -> None:
    sock = client.writer.get_extra_info("socket")
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.writer.transport.abort()
    elif how == "half-close":
        client.writer.write_eof()
    else:
        client.close()


WAYS = ["close", "reset", "half-close"]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("stage", ["greeting", "ehlo", "command", "mail", "rcpt", "data", "body", "dot", "bdat"])
async def test_client_gone_before_the_end_sends_nothing(stage: str, how: str) -> None:
    async with door() as house:
        client = (
            await house.logged_in()
            if stage not in ("greeting", "ehlo")
            else await house.ready("" if stage == "greeting" else "EHLO c")
        )
        match stage:
            case "command":
                client.send(b"MAIL FR")
            case "mail":
                await client.ask("MAIL FROM:<tool@acme.example>")
            case "rcpt" | "bdat":
                await client.ask("MAIL FROM:<tool@acme.example>")
                await client.ask("RCPT TO:<ann@customer.example>")
                client.send(b"BDAT 100 LAST\r\nabc" if stage == "bdat" else b"")
            case "data" | "body" | "dot":
                await client.envelope()
                client.send({"data": b"", "body": MESSAGE + b"hal", "dot": MESSAGE + b".\r"}[stage])
        await leave(client, how)
        await until(lambda: house.listener.sessions == 0)
        assert house.desk.sent == []
        assert house.desk.sending == 0


@pytest.mark.parametrize("how", WAYS)
async def test_client_gone_after_the_end_does_not_stop_the_desk(how: str) -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk) as house:
        client = await house.logged_in()
        await client.envelope()
        client.send(MESSAGE + b".\r\n")
        await until(lambda: desk.sending)
        await leave(client, how)
        assert desk.hold is not None
        desk.hold.set()
        await until(lambda: house.listener.sessions == 0)
        assert [letter.data for letter in desk.sent] == [MESSAGE]


async def test_commands_before_a_half_close_are_answered() -> None:
    async with door() as house:
        client = await house.ready("")
        client.send(b"NOOP\r\nVRFY x\r\nQUIT\r\n")
        client.writer.write_eof()
        assert [answer[:3] for answer in await client.rest()] == ["250", "252", "221"]


async def test_who_speaks_before_the_greeting_is_sent_away() -> None:
    async with door(limits=Limits(greeting_delay=0.3)) as house:
        client = await house.client()
        client.send(b"EHLO client.example\r\n")
        assert is_((await client.rest())[0], TOO_EARLY)
        patient = await house.client()
        assert (await patient.reply()).startswith("220")
        patient.close()


async def test_last_word_is_heard_although_the_client_goes_on_talking() -> None:
    async with door() as house:
        client = await house.ready("")
        client.send(b"GET / HTTP/1.1\r\n" + b"x" * 500_000)
        assert [answer[:3] for answer in await client.rest()] == ["521"]


async def test_closing_listener_sends_the_idle_home_and_finishes_messages() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk) as house:
        idle, between, sending, receiving = [await house.logged_in() for _ in range(4)]
        await between.ask("MAIL FROM:<tool@acme.example>")
        await sending.envelope()
        sending.send(MESSAGE + b".\r\n")
        await receiving.envelope()
        await until(lambda: desk.sending)
        closing = asyncio.ensure_future(house.listener.close(5))
        assert is_((await idle.rest())[0], SHUTTING_DOWN)
        assert is_((await between.rest())[0], SHUTTING_DOWN)
        with pytest.raises(ConnectionError):
            await house.client()
        assert desk.hold is not None
        desk.hold.set()
        for client in (sending, receiving):
            if client is receiving:
                client.send(MESSAGE + b".\r\n")
            assert (await client.reply()).startswith("250")
            assert is_((await client.rest())[0], SHUTTING_DOWN)
        await closing
        assert len(desk.sent) == 2


async def test_closing_listener_does_not_wait_beyond_its_grace() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk) as house:
        client = await house.logged_in()
        await client.envelope()
        client.send(MESSAGE + b".\r\n")
        await until(lambda: desk.sending)
        async with asyncio.timeout(3):
            await house.listener.close(0.2)
        assert await client.rest() == []
        assert desk.hold is not None
        desk.hold.set()
        await until(lambda: desk.sent)


LARGE = b"x" * 70 + b"\r\n"


async def send_large(house: Door, lines: int) -> Client:
    client = await house.logged_in()
    await client.envelope()
    client.send(LARGE * lines + b".\r\n")
    return client


async def test_large_messages_wait_in_line_for_a_slot_and_small_ones_pass() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk, Limits(large=10_000, large_slots=2)) as house:
        clients = [await send_large(house, 1_000) for _ in range(5)]
        await until(lambda: desk.sending == 2)
        small = await house.logged_in()
        await small.envelope()
        small.send(MESSAGE + b".\r\n")
        await until(lambda: desk.sending == 3)
        assert desk.hold is not None
        desk.hold.set()
        assert all([(await client.reply()).startswith("250") for client in [*clients, small]])
        assert len(desk.sent) == 6


async def test_large_message_that_finds_no_room_is_put_off_and_the_session_stays_in_step() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk, Limits(large=10_000, large_slots=1, large_wait=0.2)) as house:
        first = await send_large(house, 1_000)
        await until(lambda: desk.sending == 1)
        second = await send_large(house, 5_000)
        assert is_(await second.reply(), NO_SPACE)
        assert (await second.ask("NOOP")).startswith("250")
        assert desk.hold is not None
        desk.hold.set()
        assert (await first.reply()).startswith("250")
        await second.envelope()
        second.send(LARGE * 1_000 + b".\r\n")
        assert (await second.reply()).startswith("250")


@pytest.mark.parametrize("command", [b"RSET\r\n", b"EHLO again.example\r\n", b"QUIT\r\n", b""])
async def test_slot_of_an_abandoned_message_is_given_back(command: bytes) -> None:
    async with door(limits=Limits(large=1_000, large_slots=1)) as house:
        client = await house.logged_in()
        await client.ask("MAIL FROM:<tool@acme.example>")
        await client.ask("RCPT TO:<ann@customer.example>")
        assert (await client.ask(b"BDAT 7200\r\n" + LARGE * 100)).startswith("250")
        client.send(command)
        if command:
            await client.reply()
        else:
            client.close()
        assert (await (await send_large(house, 100)).reply()).startswith("250")


async def test_waiting_for_a_slot_does_not_count_against_the_client() -> None:
    desk = ScriptedDesk(hold=asyncio.Event())
    async with door(desk, Limits(large=1_000, large_slots=1, data=0.3, data_grace=0.3)) as house:
        first = await send_large(house, 100)
        await until(lambda: desk.sending == 1)
        second = await house.logged_in()
        await second.envelope()
        second.send(LARGE * 100)
        await asyncio.sleep(0.6)
        assert desk.hold is not None
        desk.hold.set()
        assert (await first.reply()).startswith("250")
        assert (await second.ask(b".\r\n")).startswith("250")


async def test_a_session_cut_is_told_in_the_log_without_naming_anybody() -> None:
    async with door(kind=Kind.INBOUND, limits=Limits(idle=0.1)) as house:
        client = await house.ready()
        assert is_((await client.rest())[0], TIMED_OUT)
        assert house.log.said == [("smtp-cut", {"listener": "inbound", "code": 421, "why": TIMED_OUT.when})]
