"""Cuts spans out of a text part's content, or puts others in their place, so that every other octet stays as it came.

In a quoted-printable body only the lines a cut falls into are touched. Knows no charset, no markup and no header.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.transfer import Encoding, quoted

_WIDTH = 76
_REACHES = (16_384, 1_024, 0)
_RUN = re.compile(rb"(=\r\n|=\Z)|(=[0-9A-Fa-f]{2}|==|=)|[^=]+", re.DOTALL)


class Cut(NamedTuple):
    """Put `new` in the place of `content[start:end]`."""

    start: int
    end: int
    new: bytes


def applied(content: bytes, cuts: Sequence[Cut]) -> bytes:
    """The content with the cuts made; they are in order and apart."""
    pieces: list[bytes] = []
    at = 0
    for start, end, new in cuts:
        pieces += (content[at:start], new)
        at = end
    return b"".join([*pieces, content[at:]])


def shifted(at: int, cuts: Sequence[Cut]) -> int:
    """Where an offset of the content, in no cut, stands once they are made."""
    return at + sum(len(new) - (end - start) for start, end, new in cuts if end <= at)


def in_body(body: bytes, how: Encoding, cuts: Sequence[Cut]) -> list[Cut]:
    """The same cuts on the body as it is encoded; only for bodies that are not base64, whose every later octet would move."""
    if how is Encoding.QP:
        walk = _Walk(body)
        return [_in_quoted(body, *walk.span(cut.start, cut.end), cut.new) for cut in cuts]
    return [Cut(cut.start, cut.end, cut.new or _not_a_delimiter(body, cut)) for cut in cuts]


def _not_a_delimiter(body: bytes, cut: Cut) -> bytes:
    """A blank where cutting would leave a line that begins with `--`: it could be read as the end of the part."""
    begins = cut.start == 0 or body[cut.start - 1 : cut.start] == b"\n"
    return b" " if begins and body.startswith(b"--", cut.end) else b""


class _Walk:
    """Finds places of the content in its quoted-printable body, walking forward once: `_line` octets spell `_seen`."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._line = self._seen = 0

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The octets of the body that spell `content[start:end]`, without soft line breaks at either side."""
        self._to(start)
        begin = self._place(start, before=True)
        self._to(end)
        after = self._place(end, before=False)
        self._line, self._seen = after, end
        return begin, after

    def _to(self, offset: int) -> None:
        """Go to the last line that begins before an offset of the content."""
        body = self._body
        for reach in _REACHES:
            while after := body.find(b"\n", self._line + reach) + 1:
                size = len(binascii.a2b_qp(body[self._line : after]))
                if self._seen + size >= offset:
                    break
                self._line, self._seen = after, self._seen + size

    def _place(self, offset: int, before: bool) -> int:
        """Where in the body an offset of the content is: after what precedes it, or before what follows."""
        seen, place = self._seen, self._line
        for run in _RUN.finditer(self._body, self._line):
            if seen == offset and not (before and run[1] is not None):
                break
            place = run.end()
            if run[1] is not None:
                continue
            seen += 1 if run[2] is not None else place - run.start()
            if seen > offset:
                return place - (seen - offset)
        return place


def _in_quoted(body: bytes, start: int, end: int, new: bytes) -> Cut:
    """One cut of a quoted-printable body; lines stay within 76 characters and mean what they meant (RFC 2045 6.7)."""
    line = body.rfind(b"\n", 0, start) + 1
    head = body[line:start]
    stop = body.find(b"\n", end) + 1 or len(body)
    rest = stop - end
    # A `=` that escaped nothing would now escape what follows.
    lead = b"3D" if (len(head) - len(head.rstrip(b"="))) % 2 else b""
    ends = rest == 0 or body.startswith(b"\r\n", end)
    soft = b"=\r\n" if head and (new or len(head) + len(lead) + rest > _WIDTH + 2 or (ends and head[-1:] in (b" ", b"\t"))) else b""
    coded = quoted(new) + (b"" if ends else b"=\r\n") if new else b""
    if (soft or not head or coded.endswith(b"=\r\n")) and body.startswith(b"--", end):
        return Cut(start, end + 1, lead + soft + coded + b"=2D")
    return Cut(start, end, lead + soft + coded)
