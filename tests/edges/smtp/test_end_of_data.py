"""The end-of-data vectors of reliability 3.1 over a real socket: only CRLF.CRLF ends a message, nobody smuggles a second one."""

from __future__ import annotations

import pytest

from tests.support.smtp import door

CRLF = b"\r\n"
ENDINGS = {
    "CRLF": CRLF,
    "LF": b"\n",
    "CR": b"\r",
    "LFCR": b"\n\r",
    "CRCRLF": b"\r\r\n",
    "CRLFLF": b"\r\n\n",
    "LFLF": b"\n\n",
    "CRCR": b"\r\r",
    "VT": b"\x0b",
    "FF": b"\x0c",
    "NEL": b"\x85",
    "LS": "\u2028".encode(),
}
DOTS = {"NUL.": b"\0.", ".NUL": b".\0", ".SP": b". ", "SP.": b" .", "..": b".."}
VECTORS = {f"{a} . {b}": before + b"." + after for a, before in ENDINGS.items() for b, after in ENDINGS.items()}
VECTORS |= {f"{a} {dot} {a}": ending + middle + ending for a, ending in ENDINGS.items() for dot, middle in DOTS.items()}
FIRST = b"From: tool@acme.example\r\nSubject: outer\r\n\r\nfirst line"
SECOND = (
    b"MAIL FROM:<ghost@acme.example>\r\nRCPT TO:<victim@customer.example>\r\nDATA\r\n"
    b"From: ghost@acme.example\r\nSubject: INNER\r\n\r\ninner\r\n.\r\n"
)


def test_there_are_as_many_vectors_as_promised() -> None:
    assert len(VECTORS) >= 186


def legal(content: bytes) -> bool:
    return not any(octet in line for line in content.split(CRLF) for octet in (b"\r", b"\n", b"\0"))


@pytest.mark.parametrize("name", VECTORS)
async def test_vector_is_one_message_or_none(name: str) -> None:
    sent = FIRST + VECTORS[name] + SECOND
    content = sent[: sent.index(b"\r\n.\r\n") + 2]
    async with door() as house:
        client = await house.logged_in()
        assert (await client.envelope())[-1].startswith("354")
        answer = await client.ask(sent)
        if legal(content):
            assert answer.startswith("250")
            assert house.desk.sent[0].data == content.replace(b"\r\n.", b"\r\n")
        else:
            assert answer.startswith("554 5.6.0 [BARE-LF]")
            assert await client.rest() == []
            assert house.desk.sent == []
        client.close()
    assert len(house.desk.sent) <= 1
    assert all(b"victim@customer.example" not in one.recipient.encode() for letter in house.desk.sent for one in letter.to)


REAL = b"\r\n.\r\n"
SPLITS = [(REAL[:cut], REAL[cut:]) for cut in range(1, 5)] + [(REAL, b""), (b"", REAL)]


@pytest.mark.parametrize(("head", "tail"), SPLITS)
async def test_the_true_end_may_be_cut_anywhere(head: bytes, tail: bytes) -> None:
    async with door() as house:
        client = await house.logged_in()
        await client.envelope()
        client.send(FIRST + head)
        await client.writer.drain()
        if tail:
            client.send(tail)
        assert (await client.reply()).startswith("250")
        assert (await client.ask("NOOP")).startswith("250")
        assert [letter.data for letter in house.desk.sent] == [FIRST + CRLF]
        client.close()


async def test_a_second_transaction_after_a_true_end_is_a_transaction_of_its_own() -> None:
    async with door() as house:
        client = await house.logged_in()
        await client.envelope()
        first = await client.ask(FIRST + REAL + b"MAIL FROM:<tool@acme.example>\r\nRCPT TO:<bob@customer.example>\r\nDATA\r\n")
        assert first.startswith("250")
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        assert (await client.ask(b"Subject: two" + REAL)).startswith("250")
        assert [letter.to[0].recipient for letter in house.desk.sent] == ["ann@customer.example", "bob@customer.example"]
        client.close()
