"""The end of data and nothing but it: message bytes as they come off the wire, in chunks of any size.

Linear in the input and free of per-line work. Only CRLF.CRLF ends DATA (RFC 5321 4.1.1.4); a bare CR, a bare LF or a NUL anywhere
spoils the message but never moves its end (R-STD-03, reliability 3.1). Must not know commands, replies or sockets.
"""

from __future__ import annotations

from enum import Enum
from io import BytesIO, IncrementalNewlineDecoder

_END = b"\r\n.\r\n"


class Spoiled(Enum):
    """Why a message can no longer be accepted; the first cause found stays."""

    BARE_NEWLINE = "bare CR, LF or NUL"
    TOO_BIG = "over the size limit"
    LONG_LINE = "a line over the limit"
    NO_ROOM = "no memory for it"


class Body:
    """One message as it grows, checked as it comes; a spoiled body forgets its bytes at once and goes on counting them."""

    __slots__ = ("_kept", "_limit", "_line_limit", "_newlines", "size", "spoiled")

    def __init__(self, limit: int, line_limit: int) -> None:
        self.size = 0
        self.spoiled: Spoiled | None = None
        self._limit = limit
        self._line_limit = line_limit
        # Grows in steps and hands its buffer out uncopied: no join at the end that would hold up the loop.
        self._kept = BytesIO()
        # The standard library's newline decoder notes, in one pass of C over any chunking, which of CR, LF and CRLF it met.
        self._newlines = IncrementalNewlineDecoder(None, translate=False)

    def add(self, piece: bytes) -> None:
        """Take the next bytes of the message, transparency dots already removed."""
        self.size += len(piece)
        if self.spoiled is not None:
            return
        self._newlines.decode(piece.decode("latin-1"))
        if b"\0" in piece or self._newlines.newlines not in (None, "\r\n"):
            self.spoil(Spoiled.BARE_NEWLINE)
        elif self.size > self._limit:
            self.spoil(Spoiled.TOO_BIG)
        else:
            self._kept.write(piece)

    def spoil(self, cause: Spoiled) -> None:
        """Give the message up and free what was kept of it."""
        if self.spoiled is None:
            self.spoiled = cause
        self._kept = BytesIO()

    def finish(self) -> bytes | Spoiled:
        """The whole message, ending with CRLF, or why there is none; nothing is kept afterwards."""
        self._newlines.decode("", final=True)
        if self._newlines.newlines not in (None, "\r\n"):
            self.spoil(Spoiled.BARE_NEWLINE)
        if self.spoiled is not None:
            return self.spoiled
        data = self._kept.getvalue()
        self._kept = BytesIO()
        if not data.endswith(b"\r\n"):
            data += b"\r\n"  # BDAT need not end a line (RFC 3030 2), and an empty message has none
        return data if lines_fit(data, self._line_limit) else Spoiled.LONG_LINE


def lines_fit(data: bytes, limit: int) -> bool:
    """Whether no line, CRLF included, is longer than `limit`; looks at about one line per `limit` octets."""
    start = 0
    while len(data) - start > limit:
        newline = data.rfind(b"\n", start, start + limit)
        if newline < 0:
            return False
        start = newline + 1
    return True


class DotReader:
    """Reads DATA: finds the one true end and takes the transparency dots away (RFC 5321 4.5.2)."""

    __slots__ = ("_begun", "_body", "_held")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._begun = False
        self._held = b"\r\n"  # the line end of the DATA command: `.CRLF` as the first line is an end

    def feed(self, chunk: bytes) -> bytes | None:
        """Take a chunk; at the end of data return what came after it, else None."""
        data = self._held + chunk if self._held else chunk
        dot = data.find(b".")  # most of a large message has none: one memchr settles both questions
        stuffed = data.find(b"\r\n.", max(0, dot - 2)) if dot >= 0 else -1
        end = data.find(_END, stuffed) if stuffed >= 0 else -1
        keep = end + 2 if end >= 0 else len(data) - _beginning_of_end(data)
        piece = data[:keep]
        if 0 <= stuffed != end:
            piece = piece.replace(b"\r\n.", b"\r\n")
        self._add(piece)
        if end >= 0:
            return data[end + len(_END) :]
        self._held = data[keep:]
        return None

    def _add(self, piece: bytes) -> None:
        if piece and not self._begun:
            self._begun = True
            piece = piece[2:]
        if piece:
            self._body.add(piece)


def _beginning_of_end(data: bytes) -> int:
    """How many last octets of `data` may be the beginning of the end of data."""
    return next((length for length in (4, 3, 2, 1) if data.endswith(_END[:length])), 0)


class CountReader:
    """Reads one BDAT chunk of a known size (RFC 3030): no end mark, no dots."""

    __slots__ = ("_body", "_left")

    def __init__(self, body: Body, size: int) -> None:
        self._body = body
        self._left = size

    def feed(self, chunk: bytes) -> bytes | None:
        """Take a chunk; when the size is reached return what came after it, else None."""
        if len(chunk) < self._left:
            self._left -= len(chunk)
            self._body.add(chunk)
            return None
        piece, rest = chunk[: self._left], chunk[self._left :]
        self._left = 0
        if piece:
            self._body.add(piece)
        return rest
