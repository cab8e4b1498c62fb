"""Reads a Subject as a client shows it: whether it says anything, pretends to answer, or bears the mark of advertising.

R-FR-72, R-FR-74. It changes no message: `labelled` gives the value that another room puts in.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from gateway.core.charset import charset

_WORD = re.compile(rb"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(rb"(?<=\?=)[ \t]+(?==\?)")
_MESSAGE_ID = re.compile(rb"<[^<>\s@]+@[^<>\s@]+>")
# Letters that look like Latin ones: `Re:` spelled with a Cyrillic e pretends no less.
_TWINS = str.maketrans("асеһіјорѕхуԝκορετν", "acehijopsxywkopetv")

REPLIES = (
    *(
        "re",
        "ré",
        "rép",
        "rep",
        "réf",
        "r",
        "ref",
        "aw",
        "antw",
        "antwort",
        "sv",
        "svar",
        "vs",
        "vá",
        "válasz",
        "odp",
        "ynt",
        "yanıt",
    ),
    *(
        "res",
        "resp",
        "rif",
        "bls",
        "balas",
        "atb",
        "απ",
        "απάντηση",
        "отв",
        "ответ",
        "відп",
        "回复",
        "回覆",
        "答复",
        "答覆",
        "返信",
    ),
    *("답장", "회신", "رد", "השב", "תשובה", "תגובה"),
)
FORWARDS = (
    *(
        "fw",
        "fwd",
        "tr",
        "wg",
        "wtr",
        "vb",
        "vl",
        "vbs",
        "doorst",
        "rv",
        "enc",
        "i",
        "inoltro",
        "pd",
        "ilt",
        "i̇lt",
        "trs",
        "terusan",
    ),
    *(
        "továbbítás",
        "továbbítás",
        "yml",
        "πρθ",
        "σχετ",
        "пересл",
        "пер",
        "转发",
        "轉寄",
        "转寄",
        "轉發",
        "転送",
        "전달",
        "إعادة توجيه",
        "הועבר",
    ),
)
_MARKS = "|".join(sorted({re.escape(unicodedata.normalize("NFKC", word).casefold()) for word in REPLIES + FORWARDS}, key=len)[::-1])
_PRETENDS = re.compile(rf"(?:\[[^\]]{{0,60}}\]\s*){{0,3}}(?:{_MARKS})(?:\s?[\[(*^]?\d{{1,3}}[\])]?)?\s?[:∶꞉︰]")


class SubjectFault(StrEnum):
    """What is wrong with a subject."""

    EMPTY = "empty"
    PRETENDS = "pretends-to-answer"


@lru_cache(maxsize=256)
def fault(subject: bytes, answers: bytes) -> SubjectFault | None:
    """What is wrong with an unfolded Subject (empty where there is none); `answers` are In-Reply-To and References (R-FR-72).

    A thread counts as known where one of them names a message at all: the gateway keeps no mail it could look one up in.
    """
    text = folded(decoded(subject))
    if not text:
        return SubjectFault.EMPTY
    if _MESSAGE_ID.search(answers):
        return None
    pretends = _PRETENDS.match(text) or _PRETENDS.match(text.translate(_TWINS))
    return SubjectFault.PRETENDS if pretends else None


def decoded(value: bytes) -> str:
    """An unfolded header value as text, encoded words read (RFC 2047); what cannot be read is shown as question marks."""
    if b"=?" not in value:
        return value.decode("utf-8", "replace")
    pieces: list[str] = []
    at = 0
    value = _BETWEEN.sub(b"", value)
    for word in _WORD.finditer(value):
        pieces += (value[at : word.start()].decode("utf-8", "replace"), _read(word[1], word[2], word[3]))
        at = word.end()
    return "".join([*pieces, value[at:].decode("utf-8", "replace")])


def _read(name: bytes, how: bytes, coded: bytes) -> str:
    """One encoded word (RFC 2047 4; a language may follow the charset, RFC 2231 5)."""
    _, codec = charset(name.partition(b"*")[0].decode("ascii", "replace"))
    if how in b"qQ":
        octets = binascii.a2b_qp(coded, header=True)
    else:
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", coded)
        letters = letters[:-1] if len(letters) % 4 == 1 else letters
        octets = base64.b64decode(letters + b"=" * (-len(letters) % 4))
    return octets.decode(codec, "replace")


def folded(text: str) -> str:
    """Text made comparable: compatibility forms and case folded, unseen characters gone, blanks joined."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(
            [letter for letter in text if unicodedata.category(letter) not in ("Cf", "Cc", "Mn") or letter in "\t\u0301\u0307"]
        )
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.casefold().split())


def labelled(subject: bytes, label: str, instead: str = "") -> bytes:
    """The Subject's value with the label in front, the original octets kept; the same value where it has it already (R-FR-74).

    `instead` is what follows the label where the subject is empty. The result is UTF-8 for `header.written`.
    """
    if not subject.isascii():
        text = decoded(subject)
        return subject if _has(text, label) else f"{label} {text}".encode()
    if not subject.strip():
        return f"{label} {instead}".strip().encode()
    if _has(decoded(subject), label):
        return subject
    # Clients drop the blank between two encoded words, so there it must stand inside the first (RFC 2047 6.2).
    return _coded(label, inside=subject.startswith(b"=?")) + b" " + subject


def _has(text: str, label: str) -> bool:
    return folded(text).startswith(folded(label))


@lru_cache(maxsize=64)
def _coded(label: str, inside: bool) -> bytes:
    if label.isascii():
        return label.encode()
    words: list[bytes] = []
    chunk = ""
    for letter in label + " " * inside:
        if len((chunk + letter).encode()) > 42:
            words.append(chunk.encode())
            chunk = ""
        chunk += letter
    words.append(chunk.encode())
    return b" ".join([b"=?utf-8?B?" + base64.b64encode(word) + b"?=" for word in words])
