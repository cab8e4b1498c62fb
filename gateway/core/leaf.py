"""One text part: which parts are read, how words get in, how a part is made fit for the wire. Yields changes, applies none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from gateway.core import cut, steps, transfer
from gateway.core.charset import Family, charset, decoded, encoded, utf_8
from gateway.core.cut import Cut
from gateway.core.header import values
from gateway.core.html import insertion_point
from gateway.core.mime import Part
from gateway.core.notice import Words
from gateway.core.plain import Addition, added
from gateway.core.sieve import NOTHING, Sieve, Sifted, sift
from gateway.core.transfer import Encoding


class Obstacle(StrEnum):
    """Why a message cannot leave as it must."""

    SIGNED = "signed"
    """Words are due and what is displayed is signed or encrypted (R-STD-35)."""
    NO_TEXT = "no-text"
    """Words are due and no displayed text part can take them."""
    LONG_LINE = "long-line"
    """A line over 998 octets where nothing may be re-encoded (R-STD-36)."""
    EIGHT_BIT = "eight-bit"
    """8-bit octets that the next hop does not take, where nothing may be re-encoded (R-STD-16)."""
    HEADER = "header"
    """A field to put in cannot be written safely (R-STD-37)."""


class Change(NamedTuple):
    """Put `new` in the place of `raw[start:end]`."""

    start: int
    end: int
    new: bytes


def carriers(raw: bytes, part: Part) -> tuple[Part, ...] | Obstacle:
    """The text parts in which words are read: each displayed alternative once.

    Of a mixed message the first readable child is the body: later inline texts are shown as attachments by some clients, so only
    words in the first are seen everywhere.
    """
    if part.sealed:
        return Obstacle.SIGNED
    match part.type.kind:
        case "text/plain" | "text/html" if not part.attached:
            return (part,)
        case "multipart/alternative":
            return _of_all(raw, part)
        case "multipart/related" if part.children:
            start = part.type.param("start").encode("latin-1")
            named = (child for child in part.children if start and start in values(raw, child.fields, "content-id"))
            return carriers(raw, next(named, part.children[0]))
        case _:
            found = (carriers(raw, child) for child in part.children)
            return next((one for one in found if one), ())


def _of_all(raw: bytes, part: Part) -> tuple[Part, ...] | Obstacle:
    every: list[Part] = []
    for child in part.children:
        found = carriers(raw, child)
        if isinstance(found, Obstacle):
            return found
        every += found
    return tuple(every)


class Carried(NamedTuple):
    """What is to change in one text part, and what was taken out of it."""

    changes: list[Change]
    sifted: Sifted = NOTHING


def carry(
    raw: bytes, part: Part, words: Words, eight_bit: bool, may_be_long: bool, sieve: Sieve | None = None
) -> Carried | Obstacle:
    """The changes that make a text part show the words, sifted; unless `may_be_long` the message has no line over 998 octets."""
    body = raw[part.body : part.end]
    how = transfer.encoding(part.encoding)
    content = transfer.decode(body, how) if how else None
    if how is None or content is None:
        return Obstacle.NO_TEXT
    declared, is_page = part.type.param("charset"), part.type.kind == "text/html"
    content, sifted = _sifted(content, is_page, declared, sieve)
    left = cut.applied(content, sifted.cuts) if sifted.cuts else content
    if is_page:
        at, addition = _into_page(content, declared, words, how)
    else:
        at = len(content)
        flowed = part.type.param("format").lower() == "flowed"
        addition = added(left, declared, flowed, words.text, _newline(content, how))
    if at < 0:
        return Obstacle.NO_TEXT
    too_long = may_be_long and transfer.long_line(body, 0, len(body)) >= 0
    if addition.whole is None and not too_long and _fits_as_is(body, content, how, addition.tail, eight_bit):
        cuts = _in_place(body, how, sifted, left)
        if cuts is not None:
            start, end, new = transfer.insert(body, content, how, at, addition.tail, addition.coded)
            inserted = _placed(part, Change(part.body + start, part.body + end, new), addition.charset, "")
            return Carried([*_moved(cuts, part.body), *inserted], sifted)
    if addition.whole is not None:
        return Carried(_anew(raw, part, addition.whole, how, addition.charset), sifted)
    tail = addition.tail or transfer.decode(addition.coded, Encoding.QP) or b""
    at = cut.shifted(at, sifted.cuts)
    return Carried(_anew(raw, part, left[:at] + tail + left[at:], how, addition.charset), sifted)


def strain(raw: bytes, part: Part, eight_bit: bool, sieve: Sieve) -> Carried | Obstacle:
    """The changes that sift a text part no words go into, and make it fit for the wire as `convert` does."""
    body = raw[part.body : part.end]
    how = transfer.encoding(part.encoding)
    content = transfer.decode(body, how) if how else None
    if how is not None and content is not None:
        kept, sifted = _sifted(content, part.type.kind == "text/html", part.type.param("charset"), sieve)
        left = cut.applied(kept, sifted.cuts)
        if left != content:
            fit = (eight_bit or body.isascii()) and transfer.long_line(body, 0, len(body)) < 0
            cuts = _in_place(body, how, sifted, left) if fit and kept is content else None
            return Carried(_anew(raw, part, left, how, "") if cuts is None else _moved(cuts, part.body), sifted)
        changes = convert(raw, part, eight_bit)
        return changes if isinstance(changes, Obstacle) else Carried(changes, sifted)
    changes = convert(raw, part, eight_bit)
    return changes if isinstance(changes, Obstacle) else Carried(changes)


def _sifted(content: bytes, is_page: bool, declared: str, sieve: Sieve | None) -> tuple[bytes, Sifted]:
    """The content and what is to be cut out of it; a page in a stateful charset comes back with its cuts made."""
    if sieve is None:
        return content, NOTHING
    family, codec = charset(declared)
    if family is not Family.STATEFUL:
        return content, sift(content, is_page, sieve)
    text = decoded(content, codec) if is_page else None
    if text is None:
        return content, NOTHING
    page = utf_8(text)
    found = sift(page, True, sieve)
    whole = encoded(cut.applied(page, found.cuts).decode(), codec) if found.cuts else None
    return whole or content, replace(found, cuts=()) if whole or not found.cuts else NOTHING


def _in_place(body: bytes, how: Encoding, sifted: Sifted, left: bytes) -> list[Cut] | None:
    """The cuts on the body as it is encoded; None where it must be encoded anew, of which `left` is the content then."""
    if not sifted.cuts:
        return []
    # In base64 every later octet would move; in plain text a tag of several lines may leave one that is too long.
    if how is Encoding.BASE64 or (how is Encoding.PLAIN and transfer.long_line(left, 0, len(left)) >= 0):
        return None
    return cut.in_body(body, how, sifted.cuts)


def _moved(cuts: list[Cut], by: int) -> list[Change]:
    return [Change(start + by, end + by, new) for start, end, new in cuts]


def convert(raw: bytes, part: Part, eight_bit: bool) -> list[Change] | Obstacle:
    """The changes that give a leaf short lines, and 7 bits where 8 may not leave; none where it is fit as it is."""
    too_long = transfer.long_line(raw, part.body, part.end) >= 0
    body = raw[part.body : part.end] if too_long or not eight_bit else b""
    too_wide = not eight_bit and not body.isascii()
    if not too_long and not too_wide:
        return []
    how = transfer.encoding(part.encoding)
    if how is None or part.sealed or part.multipart or part.type.kind.startswith("message/"):
        return Obstacle.LONG_LINE if too_long else Obstacle.EIGHT_BIT
    if how is not Encoding.PLAIN and not too_wide:
        return [Change(part.body, part.end, transfer.shortened(body, how))]
    content = transfer.decode(body, how)
    return Obstacle.EIGHT_BIT if content is None else _anew(raw, part, content, how, "")


def relabelled(part: Part, new_charset: str, encoding: str) -> tuple[list[Change], bytes]:
    """(changes inside existing fields, new field lines) that declare a charset and a transfer encoding; empty means unchanged."""
    changes: list[Change] = []
    lines = b""
    if new_charset:
        field = part.field("content-type")
        value = new_charset.encode("ascii")
        if field is None or part.type.kind_end < 0:
            lines += b"Content-Type: text/plain; charset=" + value + b"\r\n"
        elif part.type.charset_start >= 0:
            changes.append(Change(field.start + part.type.charset_start, field.start + part.type.charset_end, value))
        else:
            place = field.start + part.type.kind_end
            changes.append(Change(place, place, b"; charset=" + value))
    if encoding:
        field = part.field("content-transfer-encoding")
        value = encoding.encode("ascii")
        if field is None:
            lines += b"Content-Transfer-Encoding: " + value + b"\r\n"
        else:
            changes.append(Change(field.start + len(field.name) + 1, field.end - 2, b" " + value))
    if part.start == 0 and (changes or lines) and part.field("mime-version") is None:
        lines = b"MIME-Version: 1.0\r\n" + lines
    return changes, lines


def _into_page(content: bytes, declared: str, shown: Words, how: Encoding) -> tuple[int, Addition]:
    """Where in a page the words go and as which bytes; (-1, ...) for a page nobody can read.

    Words travel as ASCII with character references: they fit every charset and every encoding.
    """
    lines = shown.lines or ("", shown.html.strip("\n") + "\n")
    family, codec = charset(declared)
    if family is not Family.STATEFUL and how is Encoding.QP:
        return insertion_point(content), Addition(b"", coded=b"\r\n" + _joined(lines, _kept_quoted, _quoted))
    words = b"\r\n" + _joined(lines, _kept_ascii, _ascii)
    if how is Encoding.BASE64:
        words += b" " * (-len(words) % 3)
    if family is not Family.STATEFUL:
        return insertion_point(content), Addition(words)
    text = decoded(content, codec)
    if text is None:
        return -1, Addition(b"")
    page = utf_8(text)
    cut = len(page[: insertion_point(page)].decode())
    return 0, Addition(b"", encoded(text[:cut] + words.decode("ascii") + text[cut:], codec))


def _joined(lines: tuple[str, ...], same: Callable[[str], bytes], own: Callable[[str], bytes]) -> bytes:
    """Lines made into bytes: those that are the same for everybody in one way, each person's own in another."""
    return b"".join([own(piece) if number % 2 else same(piece) for number, piece in enumerate(lines)])


def _ascii(lines: str) -> bytes:
    return lines.replace("\n", "\r\n").encode("ascii", "xmlcharrefreplace")


def _quoted(lines: str) -> bytes:
    return transfer.quoted(_ascii(lines))


_kept_ascii, _kept_quoted = lru_cache(maxsize=1024)(_ascii), lru_cache(maxsize=1024)(_quoted)


def _newline(content: bytes, how: Encoding) -> str:
    """The line end of a text: only base64 can carry a bare LF; anywhere else it would be one on the wire."""
    return "\n" if how is Encoding.BASE64 and b"\n" in content and b"\r\n" not in content else "\r\n"


def _fits_as_is(body: bytes, content: bytes, how: Encoding, words: bytes, eight_bit: bool) -> bool:
    """Whether the words can be spliced into the body as it is encoded, and the body itself may leave so."""
    if not eight_bit and not body.isascii():
        return False
    return how is not Encoding.PLAIN or words.isascii() or (eight_bit and not content.isascii())


def _anew(raw: bytes, part: Part, content: bytes, how: Encoding, new_charset: str) -> list[Change]:
    """A whole body encoded again: quoted-printable for readable text, base64 for the rest and where it was base64."""
    text = part.type.kind.startswith("text/") and _clean_lines(content)
    target = Encoding.QP if text and how is not Encoding.BASE64 else Encoding.BASE64
    if how is Encoding.PLAIN and text and content.isascii() and transfer.long_line(content, 0, len(content)) < 0:
        target = how
    new = transfer.encode(content, target)
    if raw.endswith(b"\r\n", part.body, part.end) and not new.endswith(b"\r\n"):
        new += b"=\r\n" if target is Encoding.QP else b"\r\n"
    return _placed(part, Change(part.body, part.end, new), new_charset, "" if target is how else target.value)


def _clean_lines(content: bytes) -> bool:
    """Whether every line ends in CRLF and nothing is NUL: what quoted-printable can say line by line."""
    pairs = steps.count(content, b"\r\n")
    return b"\x00" not in content and pairs == steps.count(content, b"\n") == steps.count(content, b"\r")


def _placed(part: Part, change: Change, new_charset: str, encoding: str) -> list[Change]:
    """The change of a body with those of its header; a part without a blank line gets it here."""
    if not (new_charset or encoding or part.gap):
        return [change]
    changes, lines = relabelled(part, new_charset, encoding)
    if part.gap:
        return [*changes, Change(change.start, change.end, part.gap[:-2] + lines + b"\r\n" + change.new)]
    if lines:
        place = part.fields[-1].end if part.fields else part.start
        changes.append(Change(place, place, lines))
    return [*changes, change]
