"""What the author of a reply wrote: without the message quoted, the signature, the phone's line and the legal notice (R-FR-57).

The original of a campaign says "unsubscribe" by itself, so none of its lines may be taken for the answer; an answer typed under or
between quoted lines stays. Understands no meaning. Bounded: what is read is cut at 64 KB and some thousand lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.quotation import Announcement, Sort, beginnings, folded, is_quote
from gateway.core.quote_words import ELSEWHERE
from gateway.core.signature import without_signature

MOST = 65536
_MOST_LINES = 4000
_WIDTH = 72  # where programs that lose a quote mark break a line
_ELSEWHERE = re.compile(rf"(?<!\w)(?:{'|'.join(ELSEWHERE)})(?!\w)")


@dataclass(frozen=True, slots=True)
class OwnWords:
    """The author's own lines, in order; `quoted` and `signature` tell what was taken away.

    `unsure`: the answer stands under or between quotes, or where it ends could not be told; a person looks when in doubt.
    """

    text: str
    quoted: bool = False
    unsure: bool = False
    signature: bool = False


def own_words(text: str) -> OwnWords:
    """The author's own words of a reply's text, as `mail_text` gives it (quoted HTML arrives marked with `>`)."""
    lines = text[:MOST].splitlines()
    cut_short = len(text) > MOST or len(lines) > _MOST_LINES
    split = _Split(lines[:_MOST_LINES])
    pieces: list[str] = []
    signature, unsure, said = False, split.unsure or cut_short, False
    for number, piece in enumerate(split.pieces):
        left = without_signature(piece, said)
        says = any(line.strip() for line in left.lines)
        signature, unsure = signature or left.signature, unsure or left.unsure or (says and number >= split.before)
        said = said or says
        pieces += left.lines
    kept = _trimmed(pieces)
    if split.hidden and any(_ELSEWHERE.search(folded(line)) for line in kept[:50]):
        unsure = True
    return OwnWords("\n".join(kept), split.quoted, unsure, signature)


class _Split:
    """One walk over the lines of a reply: `pieces` are the author's, one list for each stretch between quotes.

    The first `before` of them stand above every quote.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.pieces: list[list[str]] = [[]]
        self.before = 1
        self.quoted = self.unsure = self.hidden = False
        self._walk(beginnings(lines))

    def _walk(self, announced: Mapping[int, Announcement]) -> None:
        at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if is_quote(line) or self._leftover(at):
                self._quote()
            elif at in announced and not (announced[at].sort is Sort.LINE and not self._said()):
                at = self._announced(announced, at)
                continue
            else:
                self.pieces[-1].append(line)
            at += 1

    def _announced(self, announced: Mapping[int, Announcement], at: int) -> int:
        """Where to go on after an announcement: behind it when its quote is marked, at the end when it is not."""
        end, sort = announced[at]
        size = len(self._lines)
        first = self._next(end)
        while first in announced and announced[first].sort is Sort.BLOCK:
            end, sort = announced[first]
            first = self._next(end)
        said = self._said()
        self._quote()
        if first < size and is_quote(self._lines[first]):
            return first
        if said:
            self.hidden = True
            self.unsure = self.unsure or any(map(is_quote, self._lines[first:]))
            return size
        self.unsure = True
        if sort is Sort.SENTENCE and self._lines[at][:1].strip() and not any(after >= end for after in announced):
            return end  # an answer under the sentence, of which the quote was deleted
        return size

    def _next(self, at: int) -> int:
        """The next line that is not blank."""
        return next((number for number in range(at, len(self._lines)) if self._lines[number].strip()), len(self._lines))

    def _said(self) -> bool:
        return any(any(letter.isalnum() for letter in line) for piece in self.pieces for line in piece)

    def _quote(self) -> None:
        if not self.quoted:
            self.before = len(self.pieces)
            self.quoted = True
        if self.pieces[-1] or len(self.pieces) == self.before:
            self.pieces.append([])

    def _leftover(self, at: int) -> bool:
        """Whether a line is the rest of a quoted one that was broken: no blank line around, and the mark comes back after it."""
        if at == 0 or at + 1 >= len(self._lines) or not self._lines[at][:1].islower() or not is_quote(self._lines[at - 1]):
            return False
        before = self._lines[at - 1].rstrip()
        word = self._lines[at][:40].split(None, 1)[0]
        if len(before) < _WIDTH - 12 or len(before) + 1 + len(word) < _WIDTH or not is_quote(self._lines[at + 1]):
            return False
        self.unsure = True
        return True


def _trimmed(lines: Sequence[str]) -> list[str]:
    """The lines without blank and merely decorative ones at either end."""
    first, last = 0, len(lines)
    while first < last and _decorative(lines[first]):
        first += 1
    while last > first and _decorative(lines[last - 1]):
        last -= 1
    return [line.rstrip() for line in lines[first:last]]


def _decorative(line: str) -> bool:
    """Whether a line without letters says nothing; `?`, `!` and pictures do say something."""
    return not line.strip(" \t-_=*~#+|.—–ᐧ\u200b\ufeff\u00a0\u200c\u200d<>")
