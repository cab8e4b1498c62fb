"""Mail of others that passes through is told from mail a tool hands in, through however many relays (R-MBX-18)."""

from __future__ import annotations

import json
import re

import pytest

from gateway.core.forwarded import forwarded
from gateway.core.mime import Message, parse
from tests.support.corpora import corpus

RECEIVED = b"Received: from a.example by b.example; Mon, 2 Mar 2026 10:00:00 +0000\r\n"
RESULTS = b"Authentication-Results: mx.example; spf=pass\r\n"
SEAL = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=mx.example; s=x; b=AA\r\n"


def message(top: bytes, author: bytes = b"a@maison.example") -> Message:
    parsed = parse(top + b"From: " + author + b"\r\nSubject: x\r\n\r\nx\r\n")
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(
    ("top", "own", "foreign"),
    [
        (b"", False, False),
        (RECEIVED * 3, False, False),
        (RECEIVED + RESULTS, False, True),
        (RESULTS, False, False),
        (RECEIVED + b"Delivered-To: a@b.example\r\n", False, True),
        (SEAL, False, True),
        (RECEIVED + SEAL + RESULTS, False, True),
        (SEAL + SEAL.replace(b"i=1", b"i=2"), True, True),
        (SEAL.replace(b"i=1", b"i=2"), True, True),
        (b"ARC-Seal: nonsense\r\n", False, False),
    ],
)
def test_traces_of_a_receiving_server_tell(top: bytes, own: bool, foreign: bool) -> None:
    """R-MBX-18."""
    assert forwarded(message(top), ("maison.example",)) == own
    assert forwarded(message(top, b"a@elsewhere.example"), ("maison.example",)) == foreign


def test_received_mail_of_others_is_known_by_its_traces() -> None:
    """The figures of docs/content.md."""
    folder = corpus("mime")
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    read = []
    for row in rows:
        if row.get("role") == "message":
            parsed = parse(re.sub(rb"\r\n|\r|\n", b"\r\n", (folder / row["file"]).read_bytes()).replace(b"\0", b""))
            read += [parsed] if isinstance(parsed, Message) else []
    assert (len(read), sum(one.has("received") for one in read)) == (200, 52)
    assert sum(forwarded(one, ()) for one in read) == 35
    assert not any(forwarded(one, (one.from_domain,)) for one in read)
