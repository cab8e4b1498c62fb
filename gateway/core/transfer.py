"""Content-Transfer-Encoding: puts bytes into an encoded body without touching the lines before and after.

Quoted-printable and base64 bodies keep every original line the insertion does not fall into. Knows no charset and no header.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from enum import StrEnum

MAX_LINE = 998
_WIDTH = 76
_STEP = 1 << 18
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_QP_ATOM = re.compile(rb"(=\r\n|=\Z)|=[0-9A-Fa-f]{2}|==|[^=]|=", re.DOTALL)


class Encoding(StrEnum):
    """How a body travels: `plain` is 7bit, 8bit, binary or nothing said."""

    PLAIN = "plain"
    QP = "quoted-printable"
    BASE64 = "base64"


def encoding(declared: str) -> Encoding | None:
    """The encoding a part declares; None for one nobody here can read."""
    match declared:
        case "" | "7bit" | "8bit" | "binary":
            return Encoding.PLAIN
        case "quoted-printable":
            return Encoding.QP
        case "base64":
            return Encoding.BASE64
        case _:
            return None


def decode(body: bytes, how: Encoding) -> bytes | None:
    """The content a body carries; None when its base64 is broken, or more text follows its end."""
    match how:
        case Encoding.PLAIN:
            return body
        case Encoding.QP:
            return b"".join([binascii.a2b_qp(piece) for piece in steps(body)])
        case Encoding.BASE64:
            if b"=" in body and body[body.find(b"=") :].translate(None, b"= \t\r\n"):
                return None
            try:
                return binascii.a2b_base64(body)
            except binascii.Error:
                return None


def encode(content: bytes, how: Encoding) -> bytes:
    """A whole body anew, lines of at most 76."""
    match how:
        case Encoding.PLAIN:
            return content
        case Encoding.QP:
            return b"".join([binascii.b2a_qp(piece, istext=True) for piece in steps(content)])
        case Encoding.BASE64:
            return _base64(content)


def steps(content: bytes) -> Iterator[bytes]:
    """The content in pieces of whole lines, because one call holds the interpreter and some calls are slow."""
    at = 0
    while at < len(content):
        end = content.rfind(b"\r\n", at, at + _STEP) + 2 if len(content) - at > _STEP else len(content)
        end = end if end > at + 1 else len(content)
        yield content[at:end]
        at = end


def insert(body: bytes, content: bytes, how: Encoding, at: int, words: bytes) -> tuple[int, int, bytes]:
    """(start, end, replacement) in the body, which then decodes to `content[:at] + words + content[at:]`."""
    match how:
        case Encoding.PLAIN:
            return at, at, words
        case Encoding.QP:
            return _into_qp(body, content, at, words)
        case Encoding.BASE64:
            return _into_base64(body, content, at, words)


def long_line(raw: bytes, start: int, end: int) -> int:
    """Where a line of more than 998 octets begins in `raw[start:end]`, -1 if none does (RFC 5322 2.1.1).

    Looks for the last line end in each window of 1,000 octets, so most lines are never seen: a hundredth of a full scan.
    """
    at = start
    while end - at > MAX_LINE:
        newline = raw.rfind(b"\n", at, min(at + MAX_LINE + 2, end))
        if newline < 0:
            return at
        at = newline + 1
    return -1


def shortened(body: bytes, how: Encoding) -> bytes:
    """An encoded body whose long lines are broken where the encoding allows it, short ones left alone."""
    lines = body.split(b"\r\n")
    broken = [line if len(line) <= MAX_LINE else _broken(line, how) for line in lines]
    return b"\r\n".join(broken)


def _broken(line: bytes, how: Encoding) -> bytes:
    if how is Encoding.BASE64:
        return b"\r\n".join(line[at : at + _WIDTH] for at in range(0, len(line), _WIDTH))
    pieces: list[bytes] = []
    at = 0
    while len(line) - at > _WIDTH:
        cut = at + _WIDTH - 1
        escape = line.rfind(b"=", cut - 2, cut)
        cut = escape if escape > at else cut
        pieces.append(line[at:cut])
        at = cut
    return b"=\r\n".join([*pieces, line[at:]])


def _base64(content: bytes) -> bytes:
    size = _WIDTH // 4 * 3
    return b"".join(binascii.b2a_base64(content[at : at + size], newline=False) + b"\r\n" for at in range(0, len(content), size))


def _into_qp(body: bytes, content: bytes, at: int, words: bytes) -> tuple[int, int, bytes]:
    """Words between two encoded characters; a line cut in two gets a soft break, so nothing else changes (RFC 2045 6.7)."""
    coded = binascii.b2a_qp(words, istext=True)
    if at == len(content):
        return len(body), len(body), (b"\r\n" if body.endswith(b"=") else b"") + coded
    line, left = len(body), len(content) - at
    while left > 0:
        begin = body.rfind(b"\n", 0, line - 1) + 1
        left -= len(binascii.a2b_qp(body[begin:line]))
        line = begin
    place, skip = line, -left
    for atom in _QP_ATOM.finditer(body, line):
        if skip == 0:
            break
        skip -= atom[1] is None
        place = atom.end()
    mid = place > 0 and body[place - 1 : place] != b"\n"
    return place, place, (b"=\r\n" if mid else b"") + coded + (b"" if coded.endswith(b"\n") else b"=\r\n")


def _into_base64(body: bytes, content: bytes, at: int, words: bytes) -> tuple[int, int, bytes]:
    """Words between two encoded bytes: only the quantum they fall into is encoded anew; an unusual layout is encoded as a whole.

    The caller pads the words to a multiple of three where text follows, so the lines after them stay as they are.
    """
    width = body.find(b"\r\n")
    width = len(body) if width < 0 else width
    group = at // 3
    follows = len(content) > 3 * group + 3
    if not _uniform(body, width) or (follows and len(words) % 3):
        return 0, len(body), _base64(content[:at] + words + content[at:])
    place = min(4 * group + 2 * (4 * group // width), len(body))
    rest = place + 4 if len(content) > 3 * group else place
    coded = _base64(content[3 * group : at] + words + content[at : 3 * group + 3])
    lead = b"\r\n" if place and body[place - 1 : place] != b"\n" else b""
    return place, rest, lead + (coded.removesuffix(b"\r\n") if body.startswith(b"\r\n", rest) else coded)


def _uniform(body: bytes, width: int) -> bool:
    """Whether a base64 body is full lines of one width, then a last one, and nothing else: then places can be computed."""
    if not width or width % 4:
        return False
    text = body.rstrip(b"\r\n")
    breaks = text.count(b"\r\n")
    if text[width :: width + 2] != b"\r" * breaks or text[width + 1 :: width + 2] != b"\n" * breaks:
        return False
    return text.translate(None, _ALPHABET) in (b"\r\n" * breaks + padding for padding in (b"", b"=", b"=="))
