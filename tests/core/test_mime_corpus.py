"""Every message of the mime corpus goes through parse and rewrite: it is refused clearly, or leaves with nothing else changed.

The oracle is the standard library's compat32 parser, which shares no code with ours.
"""

from __future__ import annotations

import email
import hashlib
import json
import re
from collections import Counter
from email.message import Message as Mail
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.core.mime import Malformed, Message, parse
from gateway.core.rewrite import CannotCarry, Obstacle, Rewritten, rewrite
from tests.support.corpora import corpus
from tests.support.letters import MARK, edit, words
from tests.support.timing import within

_SEALED = ("multipart/signed", "multipart/encrypted")


def messages() -> list[tuple[str, bytes]]:
    folder = corpus("mime")
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row["file"], as_sent(folder / row["file"])) for row in rows if row["role"] == "message"]


def as_sent(path: Path) -> bytes:
    """What an SMTP client would hand over: CRLF only, no NUL, ended."""
    raw = re.sub(rb"\r\n|\r|\n", b"\r\n", path.read_bytes()).replace(b"\0", b"")
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def mended(raw: bytes) -> bytes:
    """The message with the header block a tool would send, so that as many bodies as possible are really rewritten."""
    raw = re.sub(rb"\A(?:>?From [^\r]*\r\n|\r\n)+", b"", raw)
    head, blank, body = raw.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    seen: set[bytes] = set()
    for field in re.findall(rb"[!-9;-~]+:[^\r]*(?:\r\n[ \t]+[^\r \t][^\r]*)*", head + b"\r\n"):
        name = field.split(b":")[0].lower()
        if name in (b"from", b"sender") or (name in seen and name != b"received"):
            continue
        seen.add(name)
        kept.append(bytes(byte for byte in field if byte in b"\t\r\n" or 32 <= byte < 127))
    return b"\r\n".join([b"From: Acme <news@acme.example>", *kept]) + blank + body


def leaf_digests(mail: Mail) -> list[tuple[str, str]]:
    """(type, digest of the decoded content) of every part that is not a container."""
    found = []
    for part in mail.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            found.append((part.get_content_type(), hashlib.sha256(payload if isinstance(payload, bytes) else b"").hexdigest()))
    return found


def displayed_texts(mail: Mail) -> list[str]:
    """The decoded texts that hold our address."""
    texts = []
    for part in mail.walk():
        if part.get_content_maintype() == "text" and not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            for codec in (part.get_content_charset() or "ascii", "latin-1"):
                try:
                    texts.append(payload.decode(codec))
                    break
                except (LookupError, UnicodeError):
                    continue
    return [text for text in texts if MARK in text]


class _Visible(HTMLParser):
    text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def check(raw: bytes, name: str) -> str:
    """What became of one message, all promises checked."""

    def relay() -> tuple[Message, Rewritten | CannotCarry] | Malformed:
        message = parse(raw)
        return message if isinstance(message, Malformed) else (message, rewrite(message, edit(words())))

    relayed = within(0.5, relay, of=name)
    if isinstance(relayed, Malformed):
        return f"malformed: {relayed.fault}"
    message, result = relayed
    if isinstance(result, CannotCarry):
        return f"cannot carry: {result.why}"
    out = b"".join(result.chunks)
    check_wire(out, name)
    check_untouched(message, result, out, name)
    return "relayed"


def check_wire(out: bytes, name: str) -> None:
    assert max(map(len, out.split(b"\r\n"))) <= 998, name
    assert out.replace(b"\r\n", b"").count(b"\n") == out.replace(b"\r\n", b"").count(b"\r") == 0, name
    again = parse(out)
    assert isinstance(again, Message), name
    assert len(again.values("list-unsubscribe")) == len(again.values("list-unsubscribe-post")) == 1, name


def check_untouched(message: Message, result: Rewritten, out: bytes, name: str) -> None:
    before, after = email.message_from_bytes(message.raw), email.message_from_bytes(out)
    was, now = leaf_digests(before), leaf_digests(after)
    assert len(was) == len(now), name
    assert [kind for kind, _ in was] == [kind for kind, _ in now], name
    changed = sum(one != other for one, other in zip(was, now, strict=True))
    assert changed == result.carriers >= 1, (name, changed, result.carriers)
    shown = displayed_texts(after)
    assert len(shown) == result.carriers, name
    for text in shown:
        assert "CNIL" in text, name
        assert re.search("oppose|object", text), name
    for sealed in (part for part in message.root.walk() if part.type.kind in _SEALED):
        assert message.raw[sealed.start : sealed.end] in out, name
    kept = [(key, value) for key, value in before.items() if key.lower() not in _OURS]
    assert [item for item in after.items() if item[0].lower() not in _OURS] == kept, name


_OURS = frozenset(("list-unsubscribe", "list-unsubscribe-post", "bcc", "return-path", "mime-version"))
_OURS |= {"content-type", "content-transfer-encoding"}


@pytest.mark.usefixtures("undisturbed")
def test_each_corpus_message_as_stored_is_refused_clearly_or_leaves_with_nothing_else_changed() -> None:
    fates = Counter(check(raw, name) for name, raw in messages())
    print(json.dumps(fates, indent=1))
    assert fates["relayed"] > 150


@pytest.mark.usefixtures("undisturbed")
def test_each_corpus_body_under_a_sound_header_is_refused_clearly_or_leaves_with_nothing_else_changed() -> None:
    fates = Counter(check(mended(raw), name) for name, raw in messages())
    print(json.dumps(fates, indent=1))
    assert fates["relayed"] > 250


def test_sealed_corpus_messages_leave_untouched_where_no_words_are_due() -> None:
    count = 0
    for name, raw in messages():
        message = parse(mended(raw))
        if isinstance(message, Message) and message.root.type.kind in _SEALED:
            result = rewrite(message, edit(None))
            assert isinstance(result, Rewritten), name
            assert b"".join(result.chunks[1:]) == message.raw[message.root.body :], name
            assert rewrite(message, edit(words())) == CannotCarry(Obstacle.SIGNED), name
            count += 1
    assert count > 5


@pytest.mark.parametrize("eight_bit", [True, False])
def test_each_corpus_message_leaves_in_seven_bits_where_the_next_hop_takes_no_more(eight_bit: bool) -> None:
    for name, raw in messages():
        message = parse(mended(raw))
        if isinstance(message, Message):
            result = rewrite(message, edit(words(), eight_bit))
            if isinstance(result, Rewritten):
                assert eight_bit or b"".join(result.chunks).isascii(), name
