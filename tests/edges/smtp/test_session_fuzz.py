"""Random lines and random chunkings: every reply is one, no fault of ours is a 5xx, and time of arrival changes nothing."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.reply import ALL
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.terms import Kind
from tests.support.desk import ScriptedDesk
from tests.support.smtp import PLAIN, REPLY_LINE, door, pieces

LIMITS = Limits(
    size=5_000, body_line=500, errors=100, unknown_commands=100, linger=0.05, auth_failures=100, auth_failures_per_minute=10**6
)
RELAXED = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])

lines = st.sampled_from(
    [
        b"EHLO client.example\r\n",
        b"HELO client.example\r\n",
        b"MAIL FROM:<tool@acme.example>\r\n",
        b"MAIL FROM:<tool@acme.example> SIZE=10 SMTPUTF8\r\n",
        b"MAIL FROM:<> RET=FULL\r\n",
        b"RCPT TO:<ann@customer.example>\r\n",
        b"RCPT TO:<refused@customer.example>\r\n",
        b"RCPT TO:<later@customer.example>\r\n",
        b"RCPT TO:<\xc3\xa9@customer.example>\r\n",
        b"DATA\r\n",
        b"DATA\r\nSubject: x\r\n\r\n.\r\n",
        b"BDAT 3\r\nabc",
        b"BDAT 2 LAST\r\n\r\n",
        b"BDAT 0 LAST\r\n",
        b"BDAT\r\n",
        b"AUTH PLAIN " + PLAIN.encode() + b"\r\n",
        b"AUTH PLAIN AHgAeA==\r\n",
        b"AUTH LOGIN\r\nx\r\n",
        b"AUTH\r\n",
        b"STARTTLS\r\n",
        b"RSET\r\n",
        b"NOOP\r\n",
        b"VRFY x\r\n",
        b"HELP\r\n",
        b"EXPN x\r\n",
        b"QUIT\r\n",
        b"XYZZY\r\n",
        b".\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"x" * 600 + b"\r\n",
        b"GET / HTTP/1.1\r\n",
    ]
)
noise = st.binary(max_size=30)
sessions = st.lists(st.one_of(lines, lines, lines, noise), max_size=25)


async def overhear(octets: list[bytes], kind: Kind, desk: ScriptedDesk) -> bytes:
    """All that the server says to these writes; the client hangs up its side at the end."""
    async with door(desk, LIMITS, kind=kind) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        try:
            for part in octets:
                writer.write(part)
                await asyncio.sleep(0)
            writer.write_eof()
            async with asyncio.timeout(10):
                return await reader.read()
        except OSError:  # the server hung up first
            return b""
        finally:
            writer.close()


@RELAXED
@given(sessions, st.sampled_from([Kind.SUBMISSION, Kind.INBOUND]))
def test_whatever_is_said_every_reply_is_one(said: list[bytes], kind: Kind) -> None:
    heard = asyncio.run(overhear(said, kind, ScriptedDesk()))
    for line in heard.splitlines(keepends=True):
        assert REPLY_LINE.fullmatch(line), line
        assert len(line) <= 512


@RELAXED
@given(sessions, st.sampled_from([Kind.SUBMISSION, Kind.INBOUND]))
def test_a_failing_desk_is_never_a_5xx(said: list[bytes], kind: Kind) -> None:
    heard = asyncio.run(overhear(said, kind, ScriptedDesk(raises=RuntimeError("boom"))))
    known = {reply.line() for reply in ALL if reply.code >= 500}
    assert b"boom" not in heard
    assert all(line in known for line in heard.splitlines(keepends=True) if line.startswith(b"5"))


messages = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r\n.\r\n", b"\n", b"\r", b"\0", b"line\r\n"]), max_size=30).map(
    b"".join
)


async def outcome(message: bytes, cuts: list[int]) -> tuple[list[str], list[bytes | None]]:
    async with door(limits=LIMITS, kind=Kind.INBOUND) as house:
        client = await house.ready()
        await client.envelope()
        for part in pieces(message + b"\r\n.\r\n", cuts):
            client.send(part)
            await asyncio.sleep(0)
        client.writer.write_eof()
        return await client.rest(), [letter.data for letter in house.desk.sent]


@RELAXED
@given(messages, st.lists(st.integers(0, 60), max_size=8))
def test_any_chunking_of_a_message_has_the_same_outcome(message: bytes, cuts: list[int]) -> None:
    whole, cut = asyncio.run(outcome(message, [])), asyncio.run(outcome(message, cuts))
    assert whole[1] == cut[1]
    assert whole[0][0] == cut[0][0]


GROUP = (
    b"MAIL FROM:<tool@acme.example>\r\nRCPT TO:<ann@customer.example>\r\nRCPT TO:<refused@customer.example>\r\n"
    b"BDAT 5\r\nhello" + b"BDAT 2 LAST\r\n\r\n" + b"RSET\r\nVRFY x\r\nFOO\r\nNOOP\r\nQUIT\r\n"
)


async def conversation(parts: list[bytes]) -> list[str]:
    async with door(kind=Kind.INBOUND) as house:
        client = await house.ready()
        for part in parts:
            client.send(part)
            await asyncio.sleep(0)
        replies = await client.rest()
        assert [letter.data for letter in house.desk.sent] == [b"hello\r\n"]
        return replies


@RELAXED
@given(st.lists(st.integers(0, len(GROUP)), max_size=10))
def test_any_chunking_of_pipelined_commands_has_the_same_outcome(cuts: list[int]) -> None:
    replies = asyncio.run(conversation(pieces(GROUP, cuts)))
    assert [reply[:3] for reply in replies] == ["250", "250", "550", "250", "250", "250", "252", "500", "250", "221"]


@pytest.mark.slow
async def test_pipelined_group_is_answered_whole_at_every_single_cut() -> None:
    for cut in range(1, len(GROUP), 7):
        assert len(await conversation([GROUP[a:b] for a, b in pairwise([0, cut, len(GROUP)])])) == 10
