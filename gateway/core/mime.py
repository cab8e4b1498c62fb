"""Finds everything in a message by its place in the raw bytes: header fields, parts, their headers and bodies.

Reads nothing it need not (attachments are passed over by `bytes.find`), changes nothing, never raises. What two clients could
read differently is refused as `Malformed`. Signed, encrypted and enclosed messages are leaves here: nobody looks inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.core.content import MESSAGE, TEXT_PLAIN, ContentType, content_type, disposition, transfer_encoding
from gateway.core.header import BlockFault, Field, eight_bit_fault, scan, unfold, values
from gateway.core.originator import mailbox
from gateway.core.steps import find

MAX_PARTS = 500
MAX_DEPTH = 50
MAX_RECEIVED = 50
# RFC 2046 says 70; real mail exceeds it. What ends in a blank is read differently by every client.
MAX_BOUNDARY = 200
_MAX_NEAR_MISSES = 10_000

_ONCE_IN_PART = frozenset(("content-type", "content-transfer-encoding", "content-disposition"))
_ONCE = _ONCE_IN_PART | {"from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date"}
_ONCE |= {"message-id", "in-reply-to", "references", "mime-version"}
_SEALED = frozenset(
    ("multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")
)


class Fault(StrEnum):
    """Why a message is refused; LOOP is answered as a loop, everything else as malformed."""

    SYNTAX = "header-syntax"
    SIZE = "header-too-big"
    LINES = "header-too-many-lines"
    FIELD_SIZE = "header-field-too-big"
    CONTROL = "header-control-character"
    EIGHT_BIT = "header-eight-bit"
    DUPLICATE = "header-duplicate"
    FROM = "from-not-one-mailbox"
    SENDER = "sender-not-one-mailbox"
    LOOP = "loop"
    PARTS = "too-many-parts"
    DEPTH = "too-deep"
    PART_HEADER = "part-header-syntax"
    BOUNDARY = "boundary-illegal"


@dataclass(frozen=True, slots=True)
class Malformed:
    """The message must be refused; `field` is the lower-case name of the header at fault where there is one."""

    fault: Fault
    field: str = ""

    @property
    def loop(self) -> bool:
        """Whether the message has been round too often (R-STD-20)."""
        return self.fault is Fault.LOOP


class Part(NamedTuple):
    """One MIME entity: its header is `raw[start:body]`, its content `raw[body:end]` (a delimiter's own CRLF is not content).

    `gap` is what is missing of the blank line between header and body where the part ends first.
    """

    start: int
    body: int
    end: int
    fields: tuple[Field, ...]
    type: ContentType
    encoding: str
    disposition: str
    named: bool
    children: tuple[Part, ...]
    gap: bytes

    @property
    def multipart(self) -> bool:
        """Whether it is a container, with or without children found."""
        return self.type.kind.startswith("multipart/")

    @property
    def sealed(self) -> bool:
        """Signed or encrypted as a whole: one changed byte breaks it (R-STD-35)."""
        return self.type.kind in _SEALED

    @property
    def attached(self) -> bool:
        """Meant to be opened, not read: disposition attachment (or unknown, RFC 2183 2.8), or inline under a file name."""
        return self.named or self.disposition not in ("", "inline")

    def field(self, name: str) -> Field | None:
        """Its first field of that lower-case name."""
        return next((field for field in self.fields if field.name == name), None)

    def walk(self) -> Iterator[Part]:
        """The part and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


class Message(NamedTuple):
    """A message whose header block is proven sound; everything else is spans over `raw`."""

    raw: bytes
    fields: tuple[Field, ...]
    root: Part
    from_address: str
    from_domain: str
    sender_domain: str
    message_id: str

    def values(self, name: str) -> tuple[bytes, ...]:
        """The unfolded values of every field of that lower-case name, in order."""
        return values(self.raw, self.fields, name)

    def has(self, name: str) -> bool:
        """Whether a field of that lower-case name is there."""
        return any(field.name == name for field in self.fields)


def parse(raw: bytes, smtputf8: bool = False) -> Message | Malformed:
    """Read a message whose line ends are proven to be CRLF only (no bare CR, LF or NUL); raw 8-bit headers need `smtputf8`.

    A message that is all header gets its blank line, the one octet pair ever added here.
    """
    body, end, gap = _header_end(raw, 0, len(raw))
    if gap:
        raw += gap
        body = len(raw)
        end = body - 2
    fields = scan(raw, 0, end)
    if isinstance(fields, BlockFault):
        return Malformed(Fault(fields.value))
    if fault := eight_bit_fault(raw[:end], smtputf8) or _counts(fields):
        return fault if isinstance(fault, Malformed) else Malformed(Fault(fault.value))
    first = {field.name: field for field in reversed(fields)}
    author = mailbox(unfold(raw, first["from"])) if "from" in first else None
    if author is None:
        return Malformed(Fault.FROM, "from")
    sender = mailbox(unfold(raw, first["sender"])) if "sender" in first else ("", "")
    if sender is None:
        return Malformed(Fault.SENDER, "sender")
    root = _Reader(raw).part(0, body, len(raw), b"", fields, TEXT_PLAIN, 0)
    if isinstance(root, Fault):
        return Malformed(root)
    own_id = unfold(raw, first["message-id"]).decode("utf-8", "replace") if "message-id" in first else ""
    return Message(raw, fields, root, author[0], author[1], sender[1], own_id)


def _counts(fields: tuple[Field, ...]) -> Malformed | None:
    """Fields that may come once come once; Received comes at most 50 times (RFC 5322 3.6, R-STD-20, R-STD-24)."""
    names = [field[0] for field in fields]
    if len(set(names)) == len(names):
        return None
    seen: set[str] = set()
    for name in names:
        if name in _ONCE:
            if name in seen:
                return Malformed(Fault.DUPLICATE, name)
            seen.add(name)
    return Malformed(Fault.LOOP, "received") if names.count("received") > MAX_RECEIVED else None


def _header_end(raw: bytes, start: int, end: int) -> tuple[int, int, bytes]:
    """(first byte of the body, end of the last field line, what lacks of the blank line) of the entity in `raw[start:end]`.

    A part may end right after its header; then the delimiter's CRLF ends its last line.
    """
    if raw.startswith(b"\r\n", start, end):
        return start + 2, start, b""
    blank = raw.find(b"\r\n\r\n", start, end)
    if blank >= 0:
        return blank + 4, blank + 2, b""
    if raw.endswith(b"\r\n", start, end) or start == end:
        return end, end, b"\r\n"
    return end, min(end + 2, len(raw)), b"\r\n\r\n"


class _Reader:
    """One walk over one message, counting its parts."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._left = MAX_PARTS

    def part(
        self, start: int, body: int, end: int, gap: bytes, fields: tuple[Field, ...], default: ContentType, depth: int
    ) -> Part | Fault:
        """The part at a place whose fields are already read, with its children."""
        raw, kind, encoding, shown, named = self._raw, default, "", "", False
        for field in fields:
            name, begin, after = field
            if name == "content-type":
                kind = content_type(raw[begin:after])
            elif name == "content-transfer-encoding":
                encoding = transfer_encoding(unfold(raw, field))
            elif name == "content-disposition":
                shown, named = disposition(raw[begin:after])
        children = self._children(body, end, kind, depth) if kind.kind.startswith("multipart/") else ()
        if isinstance(children, Fault):
            return children
        return Part(start, body, end, fields, kind, encoding, shown, named, children, gap)

    def _children(self, body: int, end: int, kind: ContentType, depth: int) -> tuple[Part, ...] | Fault:
        """The parts between a container's delimiters, each read in turn; none where it has no boundary or must not be opened."""
        boundary = kind.param("boundary").encode("latin-1")
        if not boundary or kind.kind in _SEALED:
            return ()
        if len(boundary) > MAX_BOUNDARY or boundary[-1:].isspace() or not boundary.isascii():
            return Fault.BOUNDARY
        if depth >= MAX_DEPTH:
            return Fault.DEPTH
        default = MESSAGE if kind.kind == "multipart/digest" else TEXT_PLAIN
        places = self._between(body, end, boundary)
        if isinstance(places, Fault):
            return places
        children: list[Part] = []
        for start, stop in places:
            content, header_end, gap = _header_end(self._raw, start, stop)
            fields = scan(self._raw, start, header_end)
            if isinstance(fields, BlockFault) or _repeats(fields):
                return Fault.PART_HEADER
            child = self.part(start, content, stop, gap, fields, default, depth + 1)
            if isinstance(child, Fault):
                return child
            children.append(child)
        return tuple(children)

    def _between(self, body: int, end: int, boundary: bytes) -> list[tuple[int, int]] | Fault:
        """Where the parts of a container lie; a missing close delimiter leaves the last part open to the container's end."""
        raw = self._raw
        mark = b"--" + boundary
        places: list[tuple[int, int]] = []
        opened = -1
        at, misses = body, 0
        while (at := find(raw, mark, at, end)) >= 0:
            after, closes = _delimiter(raw, at, at + len(mark), body, end)
            if after < 0:
                misses += 1
                if misses > _MAX_NEAR_MISSES:
                    return Fault.PARTS
                at += len(mark)
                continue
            if opened >= 0:
                places.append((opened, max(opened, at - 2)))
            if closes:
                return places
            self._left -= 1
            if self._left < 0:
                return Fault.PARTS
            opened = at = after
        if opened >= 0:
            places.append((opened, end))
        return places


def _delimiter(raw: bytes, at: int, tail: int, body: int, end: int) -> tuple[int, bool]:
    """(start of what follows, whether it closes) if `raw[at:tail]` begins a delimiter line; (-1, False) if it is just text.

    Only blanks may follow on the line: `--abcd` is no delimiter of boundary `abc` (RFC 2046 5.1.1).
    """
    if at != body and not raw.startswith(b"\r\n", at - 2):
        return -1, False
    if raw.startswith(b"\r\n", tail, end):
        return tail + 2, False
    closes = raw.startswith(b"--", tail)
    line_end = raw.find(b"\r\n", tail, tail + 1000)
    if line_end < 0 or line_end > end:
        line_end = end
    if raw[tail + 2 * closes : line_end].strip(b" \t"):
        return -1, False
    return min(line_end + 2, end), closes


def _repeats(fields: tuple[Field, ...]) -> bool:
    """Whether a part says twice what may be said once."""
    names = [field[0] for field in fields]
    return len(set(names)) != len(names) and any(names.count(name) > 1 for name in _ONCE_IN_PART)
