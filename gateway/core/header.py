"""The header block as bytes: finds the fields strictly, and writes new ones that can never become two.

Strict on purpose: wherever parsers disagree (colon-less lines, `Name :`, whitespace-only folds, controls) the block is refused,
because what we judge must be what the recipient's client reads. No field is ever re-serialised here.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

MAX_BLOCK = 100_000
MAX_LINES = 1_000
MAX_FIELD = 32_768
MAX_LINE = 998
FOLD_AT = 78

# Atomic groups, (?>(?:...)*), where (?:...)*+ would do: the latter matches wrongly before Python 3.11.5 (gh-106052).
_ONE = rb"(([!-9;-~]++):[^\r]*+(?>(?:\r\n[ \t]++[^\r]++)*)\r\n)"
_FIELD, _FIELDS = re.compile(_ONE), re.compile(b"^" + _ONE, re.MULTILINE)
_NAME = re.compile(r"[!-9;-~]{1,60}")
_LEGAL = bytes([9, 10, 13, *range(32, 127), *range(128, 256)])
_PRINTED = bytes([9, *range(32, 127)])
_BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_RUNS = re.compile(rb"[ \t]{2,}")


_KNOWN = {
    name.encode(): name.lower()
    for name in (
        *("Received", "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
        *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID", "Content-Language"),
        *("DKIM-Signature", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "X-Mailer", "Precedence"),
    )
}


class Field(NamedTuple):
    """One header field: lower-case name, and its span over the message with fold and final CRLF (a tuple: thousands a second)."""

    name: str
    start: int
    end: int


class BlockFault(StrEnum):
    """Why a header block is refused."""

    SYNTAX = "header-syntax"
    SIZE = "header-too-big"
    LINES = "header-too-many-lines"
    FIELD_SIZE = "header-field-too-big"
    CONTROL = "header-control-character"
    EIGHT_BIT = "header-eight-bit"


class Unwritable(StrEnum):
    """Why a value cannot be written as a header field."""

    NAME = "bad-name"
    BREAK = "line-break-or-control"
    ENCODING = "not-utf-8"
    EMPTY = "empty"
    LENGTH = "too-long"


def scan(raw: bytes, start: int, end: int) -> tuple[Field, ...] | BlockFault:
    """The fields of `raw[start:end]`, which must be whole field lines and nothing else (RFC 5322 2.2, reliability 4.3)."""
    if end - start > MAX_BLOCK:
        return BlockFault.SIZE
    if raw.count(b"\r\n", start, end) > MAX_LINES:
        return BlockFault.LINES
    block = raw[start:end]
    if block.translate(None, _LEGAL):
        return BlockFault.CONTROL
    fields: list[Field] = []
    at, known, field = start, _KNOWN, tuple.__new__
    for whole, name in _FIELDS.findall(block):
        if len(whole) > MAX_FIELD:
            return _first_fault(block)
        after = at + len(whole)
        fields.append(field(Field, (known.get(name) or name.lower().decode("ascii"), at, after)))
        at = after
    return tuple(fields) if at == end else _first_fault(block)


def _first_fault(block: bytes) -> BlockFault:
    """What is wrong with a block that does not consist of fields of the right size."""
    at = 0
    while found := _FIELD.match(block, at):
        if found.end() - at > MAX_FIELD:
            return BlockFault.FIELD_SIZE
        at = found.end()
    return BlockFault.SYNTAX


def eight_bit_fault(block: bytes, smtputf8: bool) -> BlockFault | None:
    """Raw 8-bit headers need SMTPUTF8, valid UTF-8 and no exotic line end (RFC 6532 3.2, R-STD-36)."""
    if block.isascii():
        return None
    if not smtputf8:
        return BlockFault.EIGHT_BIT
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return BlockFault.EIGHT_BIT
    return BlockFault.CONTROL if len(text.splitlines()) != block.count(b"\r\n") else None


def unfold(raw: bytes, field: Field) -> bytes:
    """A field's value on one line, outer white space removed."""
    return raw[field.start + len(field.name) + 1 : field.end].replace(b"\r\n", b"").strip(b" \t")


def values(raw: bytes, fields: Iterable[Field], name: str) -> tuple[bytes, ...]:
    """The unfolded values of every field of that (lower-case) name, in order."""
    return tuple(unfold(raw, field) for field in fields if field.name == name)


def written(name: str, value: bytes) -> bytes | Unwritable:
    """One field ready to be spliced in, folded at 78 where the value has blanks; non-ASCII becomes encoded words (RFC 2047).

    The one door for values we add: a fold is undone, any other line break (CR, LF, VT, FF, NEL, U+2028 ...) or control is refused.
    """
    if b"\r\n" in value:
        value = value.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    start = _start(name)
    if not start:
        return Unwritable.NAME
    plain = _ascii(value) if value.isascii() else _encoded(value)
    if isinstance(plain, Unwritable):
        return plain
    return _folded(start + plain, FOLD_AT) if plain else Unwritable.EMPTY


@lru_cache(maxsize=64)
def _start(name: str) -> bytes:
    """How a field of that name begins; empty where no field may be called so."""
    return name.encode("ascii") + b": " if _NAME.fullmatch(name) else b""


def _ascii(value: bytes) -> bytes | Unwritable:
    return Unwritable.BREAK if value.translate(None, _PRINTED) else value.strip(b" \t")


def _encoded(value: bytes) -> bytes | Unwritable:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return Unwritable.ENCODING
    return Unwritable.BREAK if _BREAKS.search(text.replace("\t", " ")) else _encoded_words(text.strip())


def refolded(line: bytes) -> bytes | Unwritable:
    """An existing field brought under 998 octets a line by folding at its own blanks: unfolds to the same value (R-STD-36)."""
    lines: list[bytes] = []
    for piece in line.removesuffix(b"\r\n").split(b"\r\n"):
        folded = _folded(piece, MAX_LINE)
        if isinstance(folded, Unwritable):
            return folded
        lines.append(folded)
    return b"".join(lines)


def _folded(line: bytes, width: int) -> bytes | Unwritable:
    """One logical line cut before single blanks so that each piece fits, or overflows only where it has no blank."""
    if len(line) <= width:
        return line + b"\r\n"
    blanks = _single_blanks(line)
    pieces: list[bytes] = []
    begin, low, end = 0, line.find(b":") + 2, len(line) - 1
    while len(line) - begin > width:
        at = blanks.rfind(b" ", low, min(begin + width + 1, end))
        if at < 0:
            at = blanks.find(b" ", max(low, begin + width + 1), end)
        if at < 0:
            break
        pieces.append(line[begin:at])
        begin, low = at, at + 1
    pieces.append(line[begin:])
    if len(line) > MAX_LINE and max(map(len, pieces)) > MAX_LINE:
        return Unwritable.LENGTH
    return b"\r\n".join(pieces) + b"\r\n"


def _single_blanks(line: bytes) -> bytes:
    """The line, of the same length, with a space where it may be cut and nowhere else: a run of blanks is never cut."""
    if b"\t" not in line and b"  " not in line:
        return line
    return _RUNS.sub(lambda run: b"x" * len(run[0]), line).replace(b"\t", b" ")


def _encoded_words(text: str) -> bytes:
    """UTF-8 base64 words of whole characters, each at most 75 octets (RFC 2047 2 and 5)."""
    words: list[bytes] = []
    chunk = b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > 42:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    words.append(chunk)
    return b" ".join(b"=?utf-8?B?" + base64.b64encode(word) + b"?=" for word in words)
