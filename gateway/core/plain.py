"""Words at the end of a plain text: line ends, format=flowed and charset respected. Knows no MIME structure.

At the very end, below a `-- ` signature too: that is where people look for a way out, and the one place that is never quoted text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from gateway.core.charset import UTF_8, Family, charset, decoded, encoded, utf_8
from gateway.core.steps import end_of

_TO_STUFF = re.compile(r"^(?=[ >]|From )", re.MULTILINE)
_ASCII_TWINS = str.maketrans(dict(zip("’‘“”«»–—", '\'\'""""--', strict=True)) | {"…": "...", "€": "EUR", "œ": "oe", "Œ": "Oe"})


class Addition(NamedTuple):
    """What to do to a text: add `tail` at its end; or, where its charset must change, put `whole` in its place.

    `charset` names the new charset, empty where the declared one stays true. A tail may be given as `coded`, in quoted-printable.
    """

    tail: bytes
    whole: bytes | None = None
    charset: str = ""
    coded: bytes = b""


def added(content: bytes, declared: str, flowed: bool, words: str, newline: str) -> Addition:
    """The words in the text's own charset where they fit, else in UTF-8, else (unreadable text) spelled in ASCII."""
    family, codec = charset(declared)
    lines = _TO_STUFF.sub(" ", words.strip("\n")) if flowed else words.strip("\n")
    if family is Family.ASCII_LIKE:
        tail = _after(content, lines, flowed, newline)
        if (fits := encoded(tail, codec)) is not None:
            return Addition(fits)
        if content.isascii() or (codec == "ascii" and decoded(content, UTF_8) is not None):
            return Addition(tail.encode(), charset=UTF_8)
    text = decoded(content, codec) if family is not Family.UNKNOWN else None
    if text is None:
        plain = unicodedata.normalize("NFKD", lines.translate(_ASCII_TWINS)).encode("ascii", "ignore").decode("ascii")
        return Addition(_after(content, plain, flowed, newline).encode("ascii"))
    tail = _after(utf_8(text), lines, flowed, newline)
    return _same_charset(content, text, tail, codec) or Addition(b"", utf_8(text + tail), UTF_8)


def _same_charset(content: bytes, text: str, tail: str, codec: str) -> Addition | None:
    """The whole text in its stateful charset, if that can say the words and spells the rest exactly as it was."""
    whole = encoded(text + tail, codec) if encoded(tail, codec) is not None else None
    same = whole is not None and encoded(text, codec) is not None and whole.startswith(content[: end_of(content, b"\x00\r\n")])
    return Addition(b"", whole) if same else None


def _after(content: bytes, lines: str, flowed: bool, newline: str) -> str:
    """The lines set off by one blank line, the last one ended."""
    lead = ""
    if content:
        ended = content.endswith(b"\n")
        paragraph_open = flowed and content.endswith(b" ", 0, end_of(content, b"\r\n"))
        lead = newline * (1 + (not ended) + paragraph_open)
    return lead + lines.replace("\n", newline) + newline
