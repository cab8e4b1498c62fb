"""The smtp-malformed corpus, played as its README says: inside each vector's bounds, never two messages from one DATA."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.terms import Kind
from tests.support.corpora import ROOT, corpus
from tests.support.smtp import Client, Door, door

SIZE_LIMIT = 200_000
LIMITS = Limits(size=SIZE_LIMIT, greeting_delay=0.05)


def vectors() -> list[dict[str, Any]]:
    folder = ROOT.parent / "shared" / "corpora" / "smtp-malformed"
    try:
        folder = corpus("smtp-malformed")
    except pytest.skip.Exception:
        return []
    return [json.loads(line) for line in (folder / "vectors.jsonl").read_text(encoding="utf-8").splitlines() if line.strip()]


VECTORS = vectors()


def test_corpus_is_here() -> None:
    corpus("smtp-malformed")
    assert len(VECTORS) > 40


def spelled_out(text: str) -> bytes:
    """The octets of one write, repetitions done."""

    def repeat(found: re.Match[str]) -> str:
        count = SIZE_LIMIT // len(found[1]) + 100 if found[2] == "SIZE_LIMIT" else int(found[2])
        return found[1] * count

    text = re.sub(r"@REPEAT\{(.*?)\}\{(\w+)\}", repeat, text, flags=re.DOTALL)
    text = re.sub(r"@REPEAT_RCPT\{(\d+)\}", lambda m: "".join(f"RCPT TO:<r{n}@rcpt.test>\r\n" for n in range(int(m[1]))), text)
    text = re.sub(r"@MIME_NEST\{(\d+)\}", lambda m: "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * int(m[1]), text)
    return text.encode("latin-1")


async def play(house: Door, session: list[str]) -> tuple[list[str], bool]:
    """Every reply heard, and whether the session was still there at the end; a client that hears nothing goes on after a moment."""
    client: Client = await house.client()
    if "@BEFORE_BANNER" not in session:
        await client.reply()
    replies: list[str] = []
    in_data = False
    for step in session:
        if step in ("@BEFORE_BANNER", "@TLS"):
            continue
        if step == "@CLOSE":
            client.close()
            return replies, False
        octets = spelled_out(re.sub(r"^@SLOW\{.*?\}", "", step))
        client.send(octets)
        waits = not in_data or octets.endswith(b"\n")
        expected = octets.count(b"RCPT TO:<r") or 1
        for _ in range(expected if waits else 0):
            try:
                async with asyncio.timeout(0.5):
                    reply = await client.reply()
            except TimeoutError:
                break
            if not reply:
                return replies, False
            replies.append(reply)
            in_data = reply.startswith("354")
    return replies, not client.reader.at_eof()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
async def test_vector_stays_inside_its_bounds(vector: dict[str, Any]) -> None:
    expect = vector["expect"]
    kind = Kind.SUBMISSION if vector["id"].startswith("auth") else Kind.INBOUND
    async with door(kind=kind, limits=LIMITS) as house:
        replies, alive = await play(house, vector["session"])
        sent = house.desk.sent
        another = await house.ready()  # whatever happened, others are served
        another.close()
    datas = sum(1 for reply in replies if reply.startswith("354"))
    assert len(sent) <= datas
    assert len(sent) <= expect.get("messages_accepted_max", 10)
    assert len(sent) == expect.get("messages_accepted_exact", len(sent))
    if expect.get("inner_message_delivered") is False:
        assert not any((letter.data or b"").lstrip().startswith(b"Subject: INNER") for letter in sent)
        assert len(sent) <= 1
    for letter in sent:
        data = letter.data or b""
        assert b"\0" not in data
        assert b"\r" not in data.replace(b"\r\n", b"")
        assert b"\n" not in data.replace(b"\r\n", b"")
    codes = [reply[:3] for reply in replies]
    if "reply" in expect:
        assert str(expect["reply"]) in codes
    if expect.get("reply_class") == 5 and vector["category"] != "content":
        assert any(code.startswith("5") for code in codes)
    if expect.get("session_usable_after") or expect.get("session_in_sync_after"):
        assert alive or codes[-1] == "221" or "disconnect" in expect.get("allowed", ())
    if "recipients_exact" in expect:
        assert [to.recipient for letter in sent for to in letter.to] == expect["recipients_exact"]
    if "reply_after_limit_in" in expect:
        assert codes.count("250") >= 100
        assert int(codes[-1]) in expect["reply_after_limit_in"]
    if vector["id"] == "auth-many":
        assert not alive
    if vector["id"] == "dot-stuff-in":
        assert (sent[0].data or b"").split(b"\r\n")[-5:-1] == [b".one", b"..two", b"x", b"."]


def test_directives_are_understood() -> None:
    assert spelled_out("a@REPEAT{bc}{3}d") == b"abcbcbcd"
    assert len(spelled_out("@REPEAT{xx}{SIZE_LIMIT}")) > SIZE_LIMIT
