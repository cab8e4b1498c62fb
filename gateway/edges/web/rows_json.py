"""Reads `{"consents": [{...}, ...]}`, or another list of rows, piece by piece, as it comes in.

No step takes longer than one row of bounded size. A whole-body parse would hold the loop for as long as the body is large,
whichever thread it ran in.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable

MAX_ROW = 64 * 1024
PIECE = 8 * 1024
"""Octets that are waited for before another try, so that a trickle costs nothing; and the most to feed in one step."""

_OPENING = r'[ \t\r\n]*\{{[ \t\r\n]*"{member}"[ \t\r\n]*:[ \t\r\n]*\['
_SPACE = re.compile(r"[ \t\r\n]*")
_CLOSING = re.compile(r"[ \t\r\n]*\}[ \t\r\n]*")
_OPENING_MOST = 4096


class Malformed(Exception):
    """The body is not what it should be; `detail` quotes nothing of it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TooMany(Exception):
    """More rows than one call may hold."""


class RowsReader:
    """Takes octets, gives rows; `rows` are whole once `end` has returned."""

    def __init__(self, most: int, member: str = "consents") -> None:
        self.rows: list[dict[str, object]] = []
        self._most = most
        self._member = member
        self._opening = re.compile(_OPENING.format(member=member))
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._parse = json.JSONDecoder().raw_decode
        self._waiting = bytearray()
        self._text = ""
        self._state: Callable[[int, bool], int | None] = self._open

    def feed(self, octets: bytes) -> None:
        """Take some more, `PIECE` at most where somebody waits; raises Malformed or TooMany as soon as that is clear."""
        self._waiting += octets
        if len(self._waiting) >= PIECE:
            self._advance(last=False)

    def end(self) -> None:
        """There is no more."""
        self._advance(last=True)
        if self._state != self._over:
            raise Malformed("The body is cut short.")

    def _advance(self, last: bool) -> None:
        try:
            self._text += self._decoder.decode(bytes(self._waiting), last)
        except UnicodeDecodeError:
            raise Malformed("The body is not UTF-8.") from None
        self._waiting.clear()
        place = 0
        while (then := self._state(place, last)) is not None:
            place = then
        self._text = self._text[place:]

    def _open(self, place: int, last: bool) -> int | None:
        found = self._opening.match(self._text, place)
        if found:
            self._state = self._first
            return found.end()
        if last or len(self._text) > _OPENING_MOST:
            raise Malformed(f'The body is to be {{"{self._member}": [...]}}.')
        return None

    def _first(self, place: int, last: bool) -> int | None:
        """The first row, or an empty list."""
        place = self._skip(place)
        if self._text[place : place + 1] == "]":
            self._state = self._close
            return place + 1
        return self._row(place, last)

    def _row(self, place: int, last: bool) -> int | None:
        start = self._skip(place)
        if start >= len(self._text):
            return start if start > place else None
        if self._text[start] != "{":
            raise Malformed("Each row is to be an object.")
        if len(self.rows) >= self._most:
            raise TooMany
        try:
            row, end = self._parse(self._text, start)
        except (ValueError, RecursionError):
            if last or len(self._text) - start > MAX_ROW:
                raise Malformed(f"Row {len(self.rows) + 1} is not JSON, or longer than {MAX_ROW} characters.") from None
            return None
        if end - start > MAX_ROW:
            raise Malformed(f"Row {len(self.rows) + 1} is longer than {MAX_ROW} characters.")
        self.rows.append(row)
        self._state = self._next
        return end

    def _next(self, place: int, _last: bool) -> int | None:
        start = self._skip(place)
        mark = self._text[start : start + 1]
        if mark not in ("", ",", "]"):
            raise Malformed("Rows are to be separated by commas.")
        if not mark:
            return start if start > place else None
        self._state = self._row if mark == "," else self._close
        return start + 1

    def _close(self, place: int, last: bool) -> int | None:
        found = _CLOSING.fullmatch(self._text, place)
        if found and last:
            self._state = self._over
            return found.end()
        if last or len(self._text) - place > _OPENING_MOST or self._text[place:].strip(" \t\r\n}"):
            raise Malformed(f"The body holds more than `{self._member}`.")
        return None

    def _over(self, _place: int, _last: bool) -> int | None:
        return None

    def _skip(self, place: int) -> int:
        found = _SPACE.match(self._text, place)
        return found.end() if found else place
