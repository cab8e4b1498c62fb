"""The words are read in each displayed part, once, and every other byte is as it came."""

from __future__ import annotations

import base64
import binascii
import email
from email.message import Message as Mail

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.mime import Message, parse
from gateway.core.notice import Words
from gateway.core.rewrite import CannotCarry, Obstacle, Rewritten, own_unsubscribe, rewrite
from tests.support.letters import HEAD, MARK, edit, leaves, sent, words

ASCII = Words("Plain words\n  indented\nFrom here\n> quote\n", "<p>Plain words</p>\n", "0" * 16)
FRENCH = Words("Désinscription d’été\n", "<p>Désinscription d’été</p>\n", "0" * 16)


def part(head: str, body: bytes) -> bytes:
    return head.encode() + b"\r\n\r\n" + body


def many(kind: str, *parts: bytes, mark: str = "b1") -> bytes:
    body = b"".join(b"--" + mark.encode() + b"\r\n" + one + b"\r\n" for one in parts)
    return part(f'Content-Type: multipart/{kind}; boundary="{mark}"', b"preamble\r\n" + body + f"--{mark}--\r\nepilogue".encode())


TEXT = part("Content-Type: text/plain; charset=utf-8", b"hello")
PAGE = part("Content-Type: text/html; charset=utf-8", b"<body>hello</body>")
IMAGE = part("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i>", b"iVBORw0KGgo=")
NOTE = part("Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename=n.txt", b"not to be read")
INLINE_FILE = part('Content-Type: text/html\r\nContent-Disposition: inline; filename="page.html"', b"<body>a file</body>")
CALENDAR = part("Content-Type: text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR")
AMP = part("Content-Type: text/x-amp-html", b"<!doctype html><html amp4email><body>amp</body></html>")
ENCLOSED = part("Content-Type: message/rfc822", b"From: x@example.com\r\nContent-Type: text/plain\r\n\r\nenclosed")
RICH = many("related", PAGE, IMAGE, mark="b3")
SIGNED = many("signed; protocol=x", TEXT, part("Content-Type: application/pgp-signature", b"sig"), mark="s1")


def texts(raw: bytes) -> list[Mail]:
    return [one for one in email.message_from_bytes(raw).walk() if one.get_content_maintype() == "text"]


def carrying(raw: bytes) -> list[str]:
    """The types of the parts that show the words, in order."""
    return [one.get_content_type() for one in texts(raw) if MARK.encode() in (one.get_payload(decode=True) or b"")]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (TEXT, ["text/plain"]),
        (PAGE, ["text/html"]),
        (many("alternative", TEXT, PAGE), ["text/plain", "text/html"]),
        (many("alternative", TEXT, AMP, PAGE), ["text/plain", "text/html"]),
        (many("alternative", TEXT, PAGE, CALENDAR), ["text/plain", "text/html"]),
        (many("related", PAGE, IMAGE), ["text/html"]),
        (many('related; start="<i>"', PAGE, part("Content-Type: text/html\r\nContent-ID: <i>", b"<p>root")), ["text/html"]),
        (many("mixed", TEXT, NOTE), ["text/plain"]),
        (many("mixed", NOTE, TEXT), ["text/plain"]),
        (many("mixed", INLINE_FILE, PAGE), ["text/html"]),
        (many("mixed", ENCLOSED, TEXT), ["text/plain"]),
        (many("mixed", PAGE, IMAGE, PAGE), ["text/html"]),
        (many("mixed", many("alternative", TEXT, RICH, mark="b2"), NOTE), ["text/plain", "text/html"]),
        (many("related", many("alternative", TEXT, PAGE, mark="b2"), IMAGE), ["text/plain", "text/html"]),
        (many("alternative", TEXT, many("mixed", PAGE, NOTE, mark="b2")), ["text/plain", "text/html"]),
        (many("strange", TEXT, TEXT), ["text/plain"]),
    ],
)  # fmt: skip
def test_each_displayed_alternative_shows_the_words_once(entity: bytes, expected: list[str]) -> None:
    raw = HEAD + entity + b"\r\n"
    out = leaves(raw)
    assert carrying(out) == expected
    before, after = (list(email.message_from_bytes(one).walk()) for one in (raw, out))
    assert [one.get_content_type() for one in before] == [one.get_content_type() for one in after]
    for one in (IMAGE, NOTE, CALENDAR, AMP, ENCLOSED, INLINE_FILE):
        assert raw.count(one) == out.count(one)
    if entity.startswith(b"Content-Type: multipart"):
        assert b"\r\n\r\npreamble\r\n--b1\r\n" in out
        assert out.endswith(b"--b1--\r\nepilogue\r\n")


@pytest.mark.parametrize(
    ("entity", "why"),
    [
        (SIGNED, Obstacle.SIGNED),
        (many("encrypted; protocol=x", NOTE), Obstacle.SIGNED),
        (part("Content-Type: application/pkcs7-mime; smime-type=signed-data", b"MIAG"), Obstacle.SIGNED),
        (many("mixed", SIGNED, TEXT), Obstacle.SIGNED),
        (many("alternative", TEXT, SIGNED), Obstacle.SIGNED),
        (IMAGE, Obstacle.NO_TEXT),
        (NOTE, Obstacle.NO_TEXT),
        (ENCLOSED, Obstacle.NO_TEXT),
        (CALENDAR, Obstacle.NO_TEXT),
        (many("digest", ENCLOSED), Obstacle.NO_TEXT),
        (many("mixed", IMAGE, NOTE), Obstacle.NO_TEXT),
        (part("Content-Type: multipart/mixed", b"no boundary"), Obstacle.NO_TEXT),
        (part("Content-Transfer-Encoding: x-uuencode", b"begin 644 x"), Obstacle.NO_TEXT),
        (part("Content-Transfer-Encoding: base64", b"QUI=\r\nfooter"), Obstacle.NO_TEXT),
    ],
)
def test_what_cannot_show_the_words_is_refused_and_untouched_where_none_are_due(entity: bytes, why: Obstacle) -> None:
    raw = HEAD + entity + b"\r\n"
    assert sent(raw) == CannotCarry(why)
    message = parse(raw)
    assert isinstance(message, Message)
    result = rewrite(message, edit(None))
    assert isinstance(result, Rewritten)
    assert b"".join(result.chunks[1:]) == raw[message.root.body :]


def test_a_text_after_a_signed_attachment_still_carries_the_words() -> None:
    signature = part("Content-Type: application/pkcs7-signature\r\nContent-Disposition: attachment", b"MIAG")
    assert carrying(leaves(HEAD + many("mixed", TEXT, signature) + b"\r\n")) == ["text/plain"]


CODECS = [
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
    "utf-8",
    "iso-8859-2",
    "koi8-r",
    "shift_jis",
    "iso-2022-jp",
    "gb18030",
    "utf-16",
    "utf-7",
    "x-odd",
    "",
]


@pytest.mark.parametrize("some", [ASCII, FRENCH, words()])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64", ""])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_words_are_readable_in_any_charset_and_transfer_encoding(kind: str, codec: str, encoding: str, some: Words) -> None:
    hello = {
        "koi8-r": "Привет\r\n",
        "shift_jis": "日本語\r\n",
        "iso-2022-jp": "日本語\r\n",
        "us-ascii": "hello\r\n",
        "": "hello\r\n",
    }
    text = hello.get(codec, "hi\r\n" if codec == "iso-8859-2" else "été\r\n")
    content = text.encode("latin-1" if codec == "x-odd" else codec or "ascii")
    plain_wire = encoding in ("7bit", "8bit", "")
    if plain_wire and b"\0" in content:
        return
    body = {"quoted-printable": binascii.b2a_qp(content, istext=False), "base64": base64.encodebytes(content)}.get(
        encoding, content
    )
    declared = f"; charset={codec}" if codec else ""
    label = f"\r\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    raw = HEAD + part(f"Content-Type: text/{kind}{declared}{label}", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    for eight_bit in (True, False):
        out = leaves(raw, some, eight_bit)
        assert eight_bit or out.isascii()
        mail = email.message_from_bytes(out)
        payload = mail.get_payload(decode=True)
        assert isinstance(payload, bytes)
        shown = payload.decode("latin-1" if codec == "x-odd" else mail.get_content_charset() or "ascii")
        assert text.strip() in shown
        if kind == "html":
            assert some.html.encode("ascii", "xmlcharrefreplace").decode().strip() in shown.replace("\r\n", "\n")
            assert mail.get_content_charset() == (codec or None)
        elif codec != "x-odd":
            assert some.text.strip() in shown.replace("\r\n", "\n").replace("\r", "")


def test_words_that_fit_keep_charset_and_encoding_and_every_original_line() -> None:
    for encoding, body in (("quoted-printable", b"a=E9b=\r\nc =\r\n"), ("8bit", b"caf\xe9\r\n"), ("base64", b"Y2Fm6Q0K\r\n")):
        raw = HEAD + part(f"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: {encoding}", body)
        out = leaves(raw, Words("été\n", "", ""))
        message = parse(out)
        assert isinstance(message, Message)
        assert out[message.root.body :].startswith(body.removesuffix(b"\r\n"))
        assert b"charset=iso-8859-1\r\nContent-Transfer-Encoding: " + encoding.encode() in out


def test_a_bare_message_becomes_mime_when_the_words_need_it() -> None:
    head = HEAD.replace(b"MIME-Version: 1.0\r\n", b"")
    out = email.message_from_bytes(leaves(head + b"\r\nhello = you\r\n", FRENCH))
    assert (out["MIME-Version"], out.get_content_charset(), out["Content-Transfer-Encoding"]) == (
        "1.0",
        "utf-8",
        "quoted-printable",
    )
    assert out.get_payload(decode=True) == "hello = you\r\n\r\nDésinscription d’été\r\n".encode()
    plain = leaves(head + b"\r\nhello\r\n", ASCII)
    assert b"MIME-Version" not in plain


def test_flowed_text_gets_stuffed_lines_that_do_not_flow() -> None:
    head = "Content-Type: text/plain; charset=us-ascii; format=flowed"
    out = leaves(HEAD + part(head, b"a paragraph that \r\n"), ASCII)
    assert out.endswith(b"a paragraph that \r\n\r\n\r\nPlain words\r\n   indented\r\n From here\r\n > quote\r\n")


def test_words_stand_below_a_signature_too() -> None:
    out = leaves(HEAD + part("Content-Type: text/plain", b"hello\r\n-- \r\nAnn\r\n"), ASCII)
    assert out.endswith(b"-- \r\nAnn\r\n\r\nPlain words\r\n  indented\r\nFrom here\r\n> quote\r\n")


@pytest.mark.parametrize("ending", [b"=", b"=\r\n", b"x=20\r\n", b"x=0A", b"x"])
def test_a_quoted_printable_text_may_end_anyhow(ending: bytes) -> None:
    leaf = part("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", b"hello" + ending)
    payload = texts(leaves(HEAD + many("mixed", leaf) + b"\r\n", ASCII))[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.startswith(binascii.a2b_qp(b"hello" + ending))
    assert b"\nPlain words\r\n" in payload


def test_empty_and_headerless_parts_carry_the_words_too() -> None:
    for leaf in (
        b"Content-Type: text/plain\r\n",
        b"Content-Type: text/plain",
        b"",
        b"\r\n",
        b"\r\nhello",
        b"Content-Type: text/plain\r\n\r\n",
    ):
        raw = (
            HEAD
            + b'Content-Type: multipart/alternative; boundary="b1"\r\n\r\n--b1\r\n'
            + leaf
            + b"\r\n--b1\r\n"
            + PAGE
            + b"\r\n--b1--\r\n"
        )
        for some in (ASCII, FRENCH, words()):
            out = leaves(raw, some)
            mails = texts(out)
            assert [one.get_content_type() for one in mails] == ["text/plain", "text/html"], leaf
            payload = mails[0].get_payload(decode=True)
            assert isinstance(payload, bytes)
            assert some.text.strip() in payload.decode(mails[0].get_content_charset() or "ascii").replace("\r\n", "\n")


def test_a_message_without_a_blank_line_gets_one() -> None:
    out = leaves(HEAD, ASCII)
    assert out.endswith(b"\r\n\r\nPlain words\r\n  indented\r\nFrom here\r\n> quote\r\n")


def test_a_missing_close_delimiter_stays_missing() -> None:
    raw = HEAD + b'Content-Type: multipart/alternative; boundary="b1"\r\n\r\n--b1\r\n' + TEXT + b"\r\n--b1\r\n" + PAGE + b"\r\n"
    out = leaves(raw)
    assert carrying(out) == ["text/plain", "text/html"]
    assert b"--b1--" not in out


def test_a_longer_line_is_no_delimiter() -> None:
    text = part("Content-Type: text/plain", b"hello\r\n--b12\r\n--b1x--\r\n --b1\r\nend")
    out = leaves(HEAD + many("mixed", text, NOTE) + b"\r\n", ASCII)
    assert b"--b12\r\n--b1x--\r\n --b1\r\nend\r\n\r\nPlain words" in out


def test_long_lines_are_encoded_where_allowed_and_refused_where_not() -> None:
    long = b"x" * 1200
    for entity in (
        part("Content-Type: text/plain", long),
        part("Content-Type: text/html", b"<body>" + long + b"</body>"),
        part("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64", base64.b64encode(long)),
        part("Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable", long),
        many("mixed", TEXT, part("Content-Type: application/x\r\nContent-Transfer-Encoding: 7bit", long)),
        many("mixed", TEXT, part("Content-Type: application/x\r\nContent-Transfer-Encoding: base64", base64.b64encode(long))),
    ):
        raw = HEAD + entity + b"\r\n"
        out = leaves(raw, ASCII)
        assert max(map(len, out.split(b"\r\n"))) <= 998
        assert (
            sum(
                long in (one.get_payload(decode=True) or b"")
                for one in email.message_from_bytes(out).walk()
                if not one.is_multipart()
            )
            == 1
        )
    for entity in (
        many("mixed", TEXT, SIGNED.replace(b"sig", long)),
        many("mixed", TEXT, part("Content-Type: message/rfc822", long)),
    ):
        assert sent(HEAD + entity + b"\r\n", ASCII) == CannotCarry(Obstacle.LONG_LINE)
    assert sent(HEAD + many("mixed", TEXT).replace(b"preamble", long) + b"\r\n", ASCII) == CannotCarry(Obstacle.LONG_LINE)


def test_eight_bit_is_encoded_where_allowed_and_refused_where_not() -> None:
    blob = part("Content-Type: application/x\r\nContent-Transfer-Encoding: 8bit", b"\xff\xfe")
    raw = HEAD + b"Content-Transfer-Encoding: 8bit\r\n" + many("mixed", TEXT, blob) + b"\r\n"
    out = leaves(raw, FRENCH, eight_bit=False)
    assert out.isascii()
    mail = email.message_from_bytes(out)
    assert mail["Content-Transfer-Encoding"] == "7bit"
    assert mail.get_payload(1).get_payload(decode=True) == b"\xff\xfe"  # type: ignore[union-attr]
    sealed = HEAD + many("mixed", TEXT, SIGNED.replace(b"hello", b"h\xc3\xa9llo")) + b"\r\n"
    assert sent(sealed, ASCII, eight_bit=False) == CannotCarry(Obstacle.EIGHT_BIT)
    assert b"h\xc3\xa9llo" in leaves(sealed, ASCII)


def test_the_tools_own_unsubscribe_is_read_for_keeping() -> None:
    message = parse(
        HEAD.replace(b"<https://tool.example/out>", b"<mailto:u@tool.example>,\r\n <https://tool.example/out>") + b"\r\nx\r\n"
    )
    assert isinstance(message, Message)
    assert own_unsubscribe(message) == b"<mailto:u@tool.example>, <https://tool.example/out>"
    none = parse(b"From: a@acme.example\r\n\r\nx\r\n")
    assert isinstance(none, Message)
    assert own_unsubscribe(none) == b""


def test_large_attachments_are_handed_on_as_views_not_copies() -> None:
    attachment = part("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64", b"QUJD\r\n" * 100_000)
    message = parse(HEAD + many("mixed", TEXT, attachment) + b"\r\n")
    assert isinstance(message, Message)
    result = rewrite(message, edit(words()))
    assert isinstance(result, Rewritten)
    assert sum(len(chunk) for chunk in result.chunks if isinstance(chunk, memoryview)) > 600_000
    assert sum(len(chunk) for chunk in result.chunks if isinstance(chunk, bytes)) < 10_000


BODIES = st.lists(
    st.sampled_from(["hello", " ", "\r\n", "é", "=", ".", "--b1x", "From ", "<p>", "</body>", "日", "\t\r\n", "x" * 90]),
    max_size=25,
)


@given(
    BODIES,
    st.sampled_from(["8bit", "quoted-printable", "base64"]),
    st.sampled_from(["plain", "html"]),
    st.booleans(),
    st.sampled_from([ASCII, FRENCH]),
)
@settings(max_examples=600, deadline=None)
def test_outside_the_splice_every_decoded_byte_is_the_same(
    pieces: list[str], encoding: str, kind: str, alone: bool, some: Words
) -> None:
    content = "".join(pieces).encode()
    body = {"quoted-printable": binascii.b2a_qp(content), "base64": base64.encodebytes(content).replace(b"\n", b"\r\n")}.get(
        encoding, content
    )
    leaf = part(f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}", body)
    raw = HEAD + (leaf if alone else many("mixed", leaf, NOTE)) + b"\r\n"
    before, after = (texts(one)[0].get_payload(decode=True) for one in (raw, leaves(raw, some)))
    assert isinstance(before, bytes)
    assert isinstance(after, bytes)
    shown = some.text.encode() if kind == "plain" else some.html.encode("ascii", "xmlcharrefreplace")
    head, middle, tail = after.partition(shown.strip().replace(b"\n", b"\r\n"))
    if not middle:
        head, middle, tail = after.partition(shown.strip())
    assert middle
    assert before.startswith(head.rstrip(b"\r\n"))
    assert before.replace(b"\r\n", b"").replace(b" ", b"") == (head + tail).replace(b"\r\n", b"").replace(b" ", b"")
    assert before.endswith(tail.lstrip(b"\r\n "))
