"""The words of a message of any bytes: its subject, and its best readable part as text, quotation marked with `>`.

For reading what people answer, never for deciding what may be sent: it takes what it can get, never raises or refuses (R-STD-69).
Opens no attachment and no enclosed message; sizes, parts and depth are bounded.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.core import html_text
from gateway.core.charset import Family, charset
from gateway.core.content import content_type, disposition, transfer_encoding
from gateway.core.subject import decoded

MOST = 65536
"""Characters of text that are read."""

_MOST_HEADER = 65536
_MOST_FIELD = 4096
_MOST_PARTS = 60
_DEEPEST = 8
_MOST_HTML = 262_144
_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_FOLD = re.compile(rb"\r?\n[ \t]|\r(?!\n)[ \t]?")
_FIELD = re.compile(rb"[!-9;-~]{1,80}[ \t]{0,9}:")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class MailText:
    """What a message says, as far as a person would read it; `truncated` where that was more than is read here."""

    subject: str
    text: str
    language: str = ""
    truncated: bool = False


class _Leaf(NamedTuple):
    """One part without parts: its header, its undecoded content, whether it is shown within the message."""

    header: dict[str, bytes]
    kind: str
    content: bytes
    shown: bool


def text_of(data: bytes) -> MailText:
    """The subject, the text a person would read, and the first declared language (RFC 3282); text/plain before text/html."""
    header, body = _split(data)
    subject = _sound(decoded(header.get("subject", b"")))
    leaves = [leaf for leaf in _leaves(header, body, _DEEPEST, [_MOST_PARTS]) if leaf.shown]
    text, whole = _plain([leaf for leaf in leaves if leaf.kind == "text/plain"])
    if not text.strip():
        page = next((leaf for leaf in leaves if leaf.kind in ("text/html", "application/xhtml+xml") and leaf.content.strip()), None)
        if page:
            text, whole = _from_html(page)
    return MailText(subject, _sound(text), _language(header, leaves), not whole)


def _split(entity: bytes) -> tuple[dict[str, bytes], bytes]:
    """The first field of each name, unfolded, and the body; bytes that begin with no field are all body."""
    start = entity[:_MOST_HEADER].lstrip(b"\r\n")
    if _FIELD.match(start) is None and not start.startswith(b"From "):
        return {}, entity
    offset = len(entity[:_MOST_HEADER]) - len(start)
    blank = _BLANK_LINE.search(entity, offset, offset + _MOST_HEADER)
    block, body = (entity[offset : blank.start()], entity[blank.end() :]) if blank else (start, entity[offset + _MOST_HEADER :])
    header: dict[str, bytes] = {}
    for line in _FOLD.sub(b" ", block).split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            header.setdefault(name.strip().lower().decode("latin-1"), value[:_MOST_FIELD].strip())
    return header, body


def _leaves(header: dict[str, bytes], body: bytes, depth: int, left: list[int]) -> Iterator[_Leaf]:
    """The parts that have no parts, in order, as far as the bounds allow."""
    kind = content_type(b"Content-Type: " + header.get("content-type", b"text/plain"))
    shown, named = (
        disposition(b"Content-Disposition: " + header["content-disposition"]) if "content-disposition" in header else ("", False)
    )
    if kind.kind.startswith("multipart/") and depth:
        pieces = _parts(body, kind.param("boundary").encode("latin-1", "replace"), left)
        for piece in pieces:
            yield from _leaves(*_split(piece if piece[:1] not in b"\r\n" else b"\n" + piece), depth - 1, left)
        if pieces:
            return
        yield _Leaf({}, "text/plain", body, True)
        return
    known = kind.kind.startswith("text/") or kind.kind == "application/xhtml+xml"
    unlabelled = not known and not kind.param("name") and depth == _DEEPEST and kind.kind == "application/octet-stream"
    attached = shown == "attachment" or (named and shown != "inline") or bool(kind.param("name") and shown != "inline")
    yield _Leaf(header, "text/plain" if unlabelled else kind.kind, body, not attached)


def _parts(body: bytes, boundary: bytes, left: list[int]) -> list[bytes]:
    """What lies between the delimiter lines of a container."""
    found: list[bytes] = []
    if not boundary:
        return found
    mark, opened, at = b"--" + boundary, -1, 0
    while left[0] > 0 and (at := body.find(mark, at)) >= 0:
        if at and body[at - 1] not in b"\r\n":
            at += len(mark)
            continue
        if opened >= 0:
            found.append(body[opened:at].removesuffix(b"\n").removesuffix(b"\r"))
        closes = body.startswith(b"--", at + len(mark))
        line_end = body.find(b"\n", at)
        if closes or line_end < 0:
            return found
        left[0] -= 1
        opened = at = line_end + 1
    if opened >= 0 and left[0] > 0:
        found.append(body[opened:])
    return found


def _plain(leaves: list[_Leaf]) -> tuple[str, bool]:
    """The text of the plain parts that are shown, one after the other."""
    texts: list[str] = []
    room = MOST
    for leaf in leaves:
        octets, whole = _decoded(leaf, 4 * MOST)
        text = _characters(octets, leaf)
        kind = content_type(b"Content-Type: " + leaf.header.get("content-type", b"text/plain"))
        if kind.param("format").lower() == "flowed":
            text = _unflowed(text, kind.param("delsp").lower() == "yes")
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip("\n")
        if text.strip():
            texts.append(text[:room])
        if not whole or len(text) > room:
            return "\n\n".join(texts), False
        room -= len(text)
    return "\n\n".join(texts), True


def _from_html(leaf: _Leaf) -> tuple[str, bool]:
    octets, whole = _decoded(leaf, _MOST_HTML)
    text, all_read = html_text.text(_characters(octets, leaf), MOST)
    return text, whole and all_read


def _decoded(leaf: _Leaf, most: int) -> tuple[bytes, bool]:
    """The octets a part carries, transfer encoding undone as far as it goes, and whether that is all of them."""
    content = leaf.content[: 3 * most]
    match transfer_encoding(leaf.header.get("content-transfer-encoding", b"")[:80]):
        case "quoted-printable":
            content = binascii.a2b_qp(content)
        case "base64":
            letters = _NO_BASE64.sub(b"", content.partition(b"=")[0] if b"=" in content[-4:] else content)
            letters = letters[: len(letters) - (len(letters) % 4 == 1)]
            content = binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    return content[:most], len(content) <= most and len(leaf.content) <= 3 * most


def _characters(octets: bytes, leaf: _Leaf) -> str:
    """The text in the declared charset, else in UTF-8 or the West European one that is most often left undeclared."""
    declared = content_type(b"Content-Type: " + leaf.header.get("content-type", b"text/plain")).param("charset")
    family, codec = charset(declared[:60])
    tries = [codec] if family is not Family.UNKNOWN and codec not in ("ascii", "latin_1", "iso8859_1") else []
    for name in (*tries, "utf-8", "cp1252"):
        try:
            return octets.decode(name).removeprefix("\ufeff")
        except UnicodeError:
            continue
    return octets.decode(codec if family is Family.STATEFUL else "latin-1", "replace").removeprefix("\ufeff")


def _unflowed(text: str, tight: bool) -> str:
    """Lines that were broken only to fit, joined again within one depth of quoting (RFC 3676 4)."""
    joined: list[str] = []
    open_depth = -1
    pending: list[str] = []
    for line in text.splitlines():
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        if pending and (depth != open_depth or words == "-- "):
            joined.append("".join(pending))
            pending = []
        flowing = words.endswith(" ") and words != "-- "
        piece = words[:-1] if flowing and tight else words
        pending.append(piece if pending else f"{'>' * depth}{' ' * bool(depth)}{piece}")
        open_depth = depth
        if not flowing:
            joined.append("".join(pending))
            pending = []
    return "\n".join([*joined, "".join(pending)])


def _language(header: dict[str, bytes], leaves: list[_Leaf]) -> str:
    """The first language tag declared by the message or by one of its parts, lower case."""
    for fields in (header, *(leaf.header for leaf in leaves)):
        told = fields.get("content-language", b"")[:80].decode("latin-1").lower().strip()
        if found := _LANGUAGE.match(told):
            return found[0]
    return ""


def _sound(text: str) -> str:
    """Text without half characters, which no store and no log could hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
