"""A message loses its trackers in the same edit that puts the words in; all else leaves as it came, in every encoding (R-FR-75)."""

from __future__ import annotations

import base64
import binascii
import email
import email.policy

import pytest

from gateway.core.mime import Message, parse
from gateway.core.rewrite import Edit, Rewritten, rewrite
from gateway.core.sieve import NOTHING, Sieve
from tests.support.letters import HEAD, MARK, PUT, words

SIEVE = Sieve(True, frozenset(), True, frozenset({"click.example"}))
PIXEL = '<img height="1" width="1" src="https://m.example/email/5f3a9c1b2d4e6.gif" alt="" />'
WIDE = '<img height="1"\r\n  width="1" src="https://m.example/email/5f3a9c1b2d4e6.gif"\r\n  alt="é" />'
LINK = "https://click.example/r?u=https%3A%2F%2Fshop.example%2F%3Fa%3D1"
PAGE = (
    "<html><body>\r\n<p>Bonjour à tous, voici une ligne assez longue pour être coupée par l'encodage. {}</p>\r\n"
    '<p><a href="{}">Voir</a> {}</p>\r\n<p>Fin = 100 %</p>{}</body></html>\r\n'
)
TEXT = "Bonjour à tous,\r\nvoir {} .\r\nFin\r\n"


def page(pixel: str, link: str) -> str:
    return PAGE.format(pixel, link, pixel, pixel)


def coded(content: bytes, encoding: str) -> bytes:
    match encoding:
        case "quoted-printable":
            return binascii.b2a_qp(content, istext=True)
        case "base64":
            return base64.encodebytes(content).replace(b"\n", b"\r\n")
        case _:
            return content


def leaf(kind: str, content: str, encoding: str, charset: str = "utf-8") -> bytes:
    top = f"Content-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return top.encode() + coded(content.encode(charset), encoding)


def alternative(pixel: str, link: str, escaped: str, encoding: str, charset: str = "utf-8") -> bytes:
    parts = (leaf("text/plain", TEXT.format(link), encoding, charset), leaf("text/html", page(pixel, escaped), encoding, charset))
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return HEAD + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n' + body + b"--b--\r\n"


def left(raw: bytes, with_words: bool = True, eight_bit: bool = True, sieve: Sieve | None = SIEVE) -> tuple[bytes, Rewritten]:
    message = parse(raw)
    assert isinstance(message, Message)
    made = rewrite(message, Edit(PUT, frozenset({"list-unsubscribe"}), words() if with_words else None, eight_bit, sieve))
    assert isinstance(made, Rewritten), made
    return b"".join(made.chunks), made


def texts(raw: bytes) -> list[str]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return [part.get_payload(decode=True).decode(part.get_content_charset()) for part in message.walk() if not part.is_multipart()]


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("pixel", [PIXEL, WIDE], ids=["one line", "several lines"])
def test_a_message_reads_as_if_it_had_never_had_a_tracker(encoding: str, pixel: str) -> None:
    tracked, made = left(alternative(pixel, LINK, LINK, encoding))
    clean, none = left(alternative("", "https://shop.example/?a=1", "https://shop.example/?a=1", encoding))
    assert (made.sifted.trackers, made.sifted.clicks, made.sifted.left) == (3, 2, 0)
    assert none.sifted is NOTHING
    assert texts(tracked) == texts(clean)
    assert tracked.count(MARK.encode()) == clean.count(MARK.encode()) or encoding == "base64"
    assert max(map(len, tracked.split(b"\r\n"))) <= 998


def test_in_quoted_printable_only_lines_with_a_cut_are_touched() -> None:
    raw = alternative(PIXEL, LINK, LINK, "quoted-printable")
    tracked, _ = left(raw)
    body, left_over = raw.split(b"\r\n\r\n", 1)[1], tracked.split(b"\r\n\r\n", 1)[1]
    gone = set(body.split(b"\r\n")) - set(left_over.split(b"\r\n"))
    cut_lines = {line for line in body.split(b"\r\n") if set(line) & set(b"<>=") or b"click" in line or b"voir" in line}
    assert gone <= cut_lines
    assert {b"Bonjour =C3=A0 tous,", b"Fin"} <= set(left_over.split(b"\r\n"))
    assert max(map(len, left_over.split(b"\r\n"))) <= 76


def test_every_octet_but_the_cuts_and_the_words_stays_in_plain_encoding() -> None:
    raw = alternative(PIXEL, LINK, LINK, "8bit")
    tracked, _ = left(raw)
    again, _ = left(raw.replace(PIXEL.encode(), b"").replace(LINK.encode(), b"https://shop.example/?a=1"))
    assert tracked == again


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "utf-16", "iso-2022-jp"])
def test_other_charsets_lose_their_trackers_too(charset: str) -> None:
    pixel = PIXEL
    body = page(pixel, LINK).replace("à", "a").replace("ê", "e").replace("é", "e")
    raw = HEAD + leaf("text/html", body, "base64" if charset == "utf-16" else "quoted-printable", charset)
    tracked, made = left(raw)
    assert (made.sifted.trackers, made.sifted.clicks) == (3, 1)
    (text,) = texts(tracked)
    assert "m.example" not in text
    assert "https://shop.example/?a=1" in text


def test_a_page_shown_beside_the_body_is_sifted_too_and_an_attached_one_is_not() -> None:
    second = leaf("text/html", f"<p>x</p>{PIXEL}", "quoted-printable")
    attached = b"Content-Disposition: attachment; filename=a.html\r\n" + leaf("text/html", f"<p>y</p>{PIXEL}", "quoted-printable")
    enclosed = b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\n" + leaf("text/html", PIXEL, "7bit")
    parts = (leaf("text/plain", "Bonjour\r\n", "7bit"), second, attached, enclosed)
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + body + b"--b--\r\n"
    tracked, made = left(raw)
    assert made.sifted.trackers == 1
    assert attached in tracked
    assert enclosed in tracked
    assert second not in tracked


def test_signed_content_is_never_sifted() -> None:
    signed = b"Content-Type: text/html\r\n\r\n" + PIXEL.encode() + b"\r\n"
    raw = HEAD + b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n" + signed + b"--b\r\n\r\nsig\r\n--b--\r\n"
    out, made = left(raw, with_words=False)
    assert signed in out
    assert made.sifted is NOTHING


@pytest.mark.parametrize("eight_bit", [True, False])
def test_a_part_that_must_be_encoded_anew_is_sifted_on_the_way(eight_bit: bool) -> None:
    long = "<p>" + "é" * 1200 + f"</p>{PIXEL}"
    tracked, made = left(HEAD + leaf("text/html", long, "8bit"), eight_bit=eight_bit)
    assert made.sifted.trackers == 1
    (text,) = texts(tracked)
    assert "m.example" not in text
    assert "é" * 1200 in text
    assert max(map(len, tracked.split(b"\r\n"))) <= 998


def test_lines_joined_by_a_cut_never_get_too_long() -> None:
    body = "<p>" + "x" * 700 + WIDE + "y" * 700 + "</p>\r\n"
    tracked, made = left(HEAD + leaf("text/html", body, "8bit"))
    assert made.sifted.trackers == 1
    assert max(map(len, tracked.split(b"\r\n"))) <= 998
    assert "x" * 700 + "y" * 700 in texts(tracked)[0]


def test_without_a_sieve_nothing_is_taken_out() -> None:
    out, made = left(alternative(PIXEL, LINK, LINK, "8bit"), sieve=None)
    assert out.count(PIXEL.encode()) == 3
    assert made.sifted is NOTHING
