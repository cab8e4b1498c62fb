"""Content-Transfer-Encoding: puts bytes into an encoded body without touching the lines before and after.

Quoted-printable and base64 bodies keep every original line the insertion does not fall into. Knows no charset and no header.
"""

from __future__ import annotations

import binascii
import re
from enum import StrEnum

from gateway.core import steps
from gateway.core.steps import STEP

MAX_LINE = 998
_WIDTH = 76
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = bytes(set(range(256)) - set(_ALPHABET))
# Every window of 1,000 octets must hold a line end; the last one in it is where the next window begins.
_SHORT_LINES = re.compile(rb"(?>(?:.{0,999}\n)*)", re.DOTALL)
_TOO_LONG = re.compile(rb"(=(?:20|09))(?=\r\n|\Z)(?<=[^\r\n]{77})")
_QP_ATOM = re.compile(rb"(=\r\n|=\Z)|=[0-9A-Fa-f]{2}|==|[^=]|=", re.DOTALL)


class Encoding(StrEnum):
    """How a body travels: `plain` is 7bit, 8bit, binary or nothing said."""

    PLAIN = "plain"
    QP = "quoted-printable"
    BASE64 = "base64"


_DECLARED = dict.fromkeys(("", "7bit", "8bit", "binary"), Encoding.PLAIN) | {
    "quoted-printable": Encoding.QP,
    "base64": Encoding.BASE64,
}


def encoding(declared: str) -> Encoding | None:
    """The encoding a part declares; None for one nobody here can read."""
    return _DECLARED.get(declared)


def decode(body: bytes, how: Encoding) -> bytes | None:
    """The content a body carries; None when its base64 is broken, or more text follows its end."""
    match how:
        case Encoding.PLAIN:
            return body
        case Encoding.QP:
            if len(body) <= STEP:
                return binascii.a2b_qp(body)
            return b"".join([binascii.a2b_qp(piece) for piece in steps.lines(body)])
        case Encoding.BASE64:
            try:
                return _from_base64(body)
            except binascii.Error:
                return None


def encode(content: bytes, how: Encoding) -> bytes:
    """A whole body anew, lines of at most 76."""
    match how:
        case Encoding.PLAIN:
            return content
        case Encoding.QP:
            return b"".join([quoted(piece) for piece in steps.lines(content)])
        case Encoding.BASE64:
            return _base64(content)


def insert(body: bytes, content: bytes, how: Encoding, at: int, words: bytes, coded: bytes = b"") -> tuple[int, int, bytes]:
    """(start, end, replacement) in the body, which then decodes to `content[:at] + words + content[at:]`.

    `coded` is what `quoted` makes of the words, where the caller has it already.
    """
    match how:
        case Encoding.PLAIN:
            return at, at, words
        case Encoding.QP:
            return _into_qp(body, content, at, coded or quoted(words))
        case Encoding.BASE64:
            return _into_base64(body, content, at, words)


def long_line(raw: bytes, start: int, end: int) -> int:
    """Where a line of more than 998 octets begins in `raw[start:end]`, -1 if none does (RFC 5322 2.1.1).

    Looks for the last line end in each window of 1,000 octets, so most lines are never seen: a hundredth of a full scan.
    """
    at = start
    while end - at > MAX_LINE:
        found = _SHORT_LINES.match(raw, at, min(at + STEP, end))
        if found is None or found.end() == at:
            return at
        at = found.end()
    return -1


def shortened(body: bytes, how: Encoding) -> bytes:
    """An encoded body whose long lines are broken where the encoding allows it, short ones left alone."""
    pieces: list[bytes] = []
    at = 0
    while (long := long_line(body, at, len(body))) >= 0:
        end = body.find(b"\r\n", long)
        end = end if end >= 0 else len(body)
        pieces += (body[at:long], _broken(body[long:end], how))
        at = end
    return b"".join([*pieces, body[at:]])


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
    if len(content) > STEP:
        step = STEP // size * size
        return b"".join([_base64(content[at : at + step]) for at in range(0, len(content), step)])
    return b"".join([binascii.b2a_base64(content[at : at + size], newline=False) + b"\r\n" for at in range(0, len(content), size)])


def _from_base64(body: bytes) -> bytes | None:
    """The content; in a large body each step is decoded at whole quanta, without what is no letter and says nothing."""
    padding = body.find(b"=")
    end = padding if padding >= 0 else len(body)
    for at in range(end, len(body), STEP):
        if body[at : at + STEP].translate(None, b"= \t\r\n"):
            return None
    if len(body) <= STEP:
        return binascii.a2b_base64(body)
    pieces: list[bytes] = []
    left = b""
    for at in range(0, end, STEP):
        letters = left + body[at : min(at + STEP, end)].translate(None, _FOREIGN)
        whole = len(letters) // 4 * 4
        pieces.append(binascii.a2b_base64(letters[:whole]))
        left = letters[whole:]
    pads = (padding >= 0) + (padding >= 0 and body.find(b"=", padding + 1) >= 0)
    return b"".join([*pieces, binascii.a2b_base64(left + b"=" * pads)])


def quoted(content: bytes) -> bytes:
    """Some whole lines in quoted-printable. The encoder ends soft lines as it finds the first line ended: hence a CRLF before."""
    if len(content) <= 2 * STEP:
        return _coded(content)
    pieces: list[bytes] = []
    at = 0
    while len(content) - at > STEP:
        coded = _coded(content[at : at + STEP])
        # At a soft break nothing is carried over; those of the last lines could still be others with the rest in sight.
        whole = coded[: coded.rfind(b"=\r\n", 0, len(coded) - 3 * _WIDTH) + 3]
        pieces.append(whole)
        at += len(binascii.a2b_qp(whole))
    return b"".join([*pieces, _coded(content[at:])])


def _coded(content: bytes) -> bytes:
    """The library's encoding; it lets a line that ends in a blank grow past 76, as it escapes the blank after it has counted."""
    return _TOO_LONG.sub(rb"=\r\n\1", binascii.b2a_qp(b"\r\n" + content, istext=True)[2:])


def _into_qp(body: bytes, content: bytes, at: int, coded: bytes) -> tuple[int, int, bytes]:
    """Words between two encoded characters; a line cut in two gets a soft break, so nothing else changes (RFC 2045 6.7)."""
    if at == len(content):
        return len(body), len(body), (b"\r\n" if body.endswith(b"=") else b"") + coded
    place = _place_of_tag(body, content, at)
    if place < 0:
        place = _place(body, len(content) - at)
    lead = b""
    if place > 0 and body[place - 1 : place] != b"\n":
        lead = b"3D=\r\n" if _dangling(body, place) else b"=\r\n"
    return place, place, lead + coded + (b"" if coded.endswith(b"\n") else b"=\r\n")


def _place_of_tag(body: bytes, content: bytes, at: int) -> int:
    """The same place where a tag begins there that stands in the body as it is, which `</body>` nearly always does; else -1."""
    tag = content[at : at + 7]
    place = body.rfind(tag) if tag.startswith(b"<") else -1
    near = place >= 0 and len(body) - place <= STEP
    return place if near and len(binascii.a2b_qp(body[place:])) == len(content) - at else -1


def _place(body: bytes, left: int) -> int:
    """Where the last `left` octets of the content begin: by large pieces, by small ones, by lines, then by characters."""
    line = len(body)
    for reach in (STEP, 4096, 0):
        while left > 0:
            begin = body.rfind(b"\n", 0, max(line - 1 - reach, 0)) + 1
            size = len(binascii.a2b_qp(body[begin:line]))
            if reach and size >= left:
                break
            left -= size
            line = begin
    place, skip = line, -left
    for atom in _QP_ATOM.finditer(body, line):
        if skip == 0:
            break
        skip -= atom[1] is None
        place = atom.end()
    return place


def _dangling(body: bytes, place: int) -> bool:
    """Whether a `=` that escapes nothing stands before: it would escape our soft break, so it must be completed."""
    line = body[body.rfind(b"\n", 0, place) + 1 : place]
    return (len(line) - len(line.rstrip(b"="))) % 2 == 1


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
    text = body[: steps.end_of(body, b"\r\n")]
    breaks = steps.count(text, b"\r\n")
    if text[width :: width + 2] != b"\r" * breaks or text[width + 1 :: width + 2] != b"\n" * breaks:
        return False
    return steps.without(text, _ALPHABET) in (b"\r\n" * breaks + padding for padding in (b"", b"=", b"=="))
