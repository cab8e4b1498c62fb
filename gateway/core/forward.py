"""Passes a person's mail on to the people of the advertiser: a new header of ours, the content as it came, byte for byte.

DMARC-safe: From is the advertiser's own address with the author's name, Reply-To the author, the signature ours. Threads hold,
because References names what the author's own client knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from gateway.core.address import Address
from gateway.core.answered import PASSED_ON, Answer
from gateway.core.compose import STAMP, Draft, Letterhead
from gateway.core.header import Unwritable, refolded, written
from gateway.core.notice import NoticeFault, clean
from gateway.core.sign import prepare

_CONTENT = ("mime-version", "content-")
_MOST_TRACE = 50


def draft_forward(head: Letterhead, answer: Answer, to: Address, now: datetime, word: str) -> Draft | NoticeFault:
    """The whole message but its signatures; `word` makes its Message-ID: the same mail passed on again is the same message."""
    sender = head.stream.advertiser.sender
    keys = head.dkim.get(sender.rpartition("@")[2])
    if not keys:
        return NoticeFault("no key signs for the sender's domain", ("sender",))
    block: list[bytes] = []
    for name, value in _fields(head, answer, to, now, word):
        line = written(name, value)
        if not isinstance(line, Unwritable):
            block.append(line)
    block += _kept(answer)
    body = memoryview(answer.data)[answer.body :]
    chunks: tuple[bytes | memoryview, ...] = (b"".join(block) + b"\r\n", body)
    return Draft(chunks, prepare(chunks, keys, int(now.timestamp()), head.unsigned), "", b"")


def _fields(head: Letterhead, answer: Answer, to: Address, now: datetime, word: str) -> list[tuple[str, bytes]]:
    advertiser = head.stream.advertiser
    firm = clean(advertiser.legal_name or advertiser.name)
    name = clean(answer.author_name) or answer.author.rpartition("@")[0]
    put = [
        ("Received", f"by {head.hostname} ({STAMP}) id {word}; {format_datetime(now)}".encode("ascii", "replace")),
        *(("Received", value) for value in answer.values("received")[:_MOST_TRACE]),
        ("From", _mailbox(f"{name} via {firm}" if name else firm, advertiser.sender)),
        ("To", to.wire.encode()),
        ("Subject", _subject(answer)),
        ("Date", answer.value("date") or format_datetime(now).encode()),
        ("Message-ID", f"<{word}@{head.hostname}>".encode()),
        (PASSED_ON, head.hostname.encode("ascii", "replace")),
    ]
    if answer.answer_to.isascii() and answer.answer_to:
        put.append(("Reply-To", _mailbox(clean(answer.author_name), answer.answer_to)))
    if answer.thread:
        put += [("In-Reply-To", answer.message_id), ("References", answer.thread)]
    return put


def _kept(answer: Answer) -> Sequence[bytes]:
    """The fields that say how the content is to be read, as they came; a line no server would take is folded."""
    kept: list[bytes] = []
    for name, raw in answer.fields:
        if name.startswith(_CONTENT):
            line = refolded(raw)
            kept.append(raw if isinstance(line, Unwritable) else line)
    return kept


def _subject(answer: Answer) -> bytes:
    value = answer.value("subject")
    return value if value.isascii() else value.decode("utf-8", "replace").encode()


def _mailbox(name: str, address: str) -> bytes:
    if name.isascii():
        return formataddr((name, address)).encode()
    return f"{Header(name, 'utf-8', header_name='Reply-To').encode(linesep=chr(13) + chr(10))} <{address}>".encode("ascii")
