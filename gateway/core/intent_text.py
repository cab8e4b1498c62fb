"""A reply's words in one plain form, bounded: what the rules and the model of `intent` read. Decides nothing.

Everything is cut to its head and tail before any work is done, so that a hostile megabyte costs as much as a page.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain

MOST_READ = 3000
"""Characters of own words that the rules read: the first two thirds and the last third."""

_APART = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "ı": "i", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "\u00a0": " "}
)
_UNSEEN = dict.fromkeys(chain((0xAD, 0xFEFF), range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070)))
_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n(?: ?\n)+")
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
_NOT_LETTERS = re.compile(r"[^a-z]+")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[a-z\u00c0-\u024f]", re.IGNORECASE)


def head_and_tail(text: str, most: int) -> str:
    """At most so many characters: two thirds from the beginning, the rest from the end."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\n\n{text[len(text) - (most - head - 2) :]}"


def folded(text: str) -> str:
    """Lower case without accents, odd apostrophes, invisible characters or runs of blanks; line breaks stay."""
    spread = unicodedata.normalize("NFKD", text.translate(_UNSEEN).casefold().translate(_APART))
    plain = "".join(char for char in spread if not unicodedata.combining(char)).translate(_APART)
    return _BLANKS.sub(" ", _BREAK.sub("\n", plain)).strip()


def flowing(lines: str) -> str:
    """Folded text with wrapped lines joined; only an empty line still breaks."""
    return _EMPTY_LINES.sub("\f", lines).replace("\n", " ").replace("\f", "\n")


def sentences(lines: str) -> list[str]:
    """The sentences of folded text, and its lines where they end without a stop."""
    return [piece for piece in _SENTENCE.split(lines) if piece]


def squeezed(piece: str) -> str:
    """Its Latin letters alone: `S.T.O.P !` is `stop`."""
    return _NOT_LETTERS.sub("", piece)


def is_latin(text: str) -> bool:
    """Whether most of its letters are Latin, as in every language taught; true without any letter."""
    return 2 * len(_LATIN.findall(text)) >= len(_LETTER.findall(text))
