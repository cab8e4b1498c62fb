"""Whether mail that claims to be a service is one: what it says, and to how many the same template goes (R-FR-16).

Several rooms use its words; the counting is `Hour`, whose time comes in. With several workers each counts for itself.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from gateway.core import transfer
from gateway.core.charset import charset
from gateway.core.mime import Message, Part
from gateway.core.model import Category, Stream
from gateway.core.subject import decoded

TEXT = 16 * 1024
"""How much of each displayed text is read."""
_MOST_TEMPLATES = 10_000
_MINUTES = 60
_PART = re.compile(r"[^\W_]+")
_TAG = re.compile(r"<[^<>]*>")
_QUOTED = re.compile(r"\"[^\"]*\"|«[^»]*»|“[^”]*”|‘[^’]*’")
_PARTICULAR = re.compile(r"[\d@]")
_ENOUGH = 300  # characters of a subject that tell templates apart
_UNSEEN = (("<style", "</style"), ("<script", "</script"), ("<!--", "-->"))


@dataclass(frozen=True, slots=True)
class Guard:
    """One pack's bounds of service mail; its promotional words stand under their first part."""

    recipients_per_hour: int
    words: Mapping[str, tuple[str, ...]]
    then: Literal["reclassify", "refuse"]


def guard(recipients_per_hour: int, promotional: Iterable[str], then: Literal["reclassify", "refuse"]) -> Guard:
    """The bounds, with the words folded as texts are."""
    words: dict[str, tuple[str, ...]] = {}
    for word in sorted({folded(word) for word in promotional}):
        if part := _PART.search(word):
            words[part[0]] = (*words.get(part[0], ()), word)
    return Guard(recipients_per_hour, words, then)


def folded(text: str) -> str:
    """Text without case, accents and doubled blanks."""
    if not text.isascii():
        text = "".join([letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)])
    return " ".join(text.casefold().split())


def promotes(message: Message, bounds: Guard) -> bool:
    """Whether the subject, or the beginning of a displayed text, advertises."""
    if not bounds.words:
        return False
    subject = decoded(b" ".join(message.values("subject")))
    return _holds(folded(subject), bounds) or any(_holds(folded(text), bounds) for text in _texts(message))


def _holds(text: str, bounds: Guard) -> bool:
    """Whether a promotional word stands in a folded text; only those whose first part is in it are looked for."""
    return any(_stands(text, word) for part in set(_PART.findall(text)) & bounds.words.keys() for word in bounds.words[part])


def _stands(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(word) : at + len(word) + 1]
        if not (word[0].isalnum() and before.isalnum()) and not (word[-1].isalnum() and after.isalnum()):
            return True
        at = text.find(word, at + 1)
    return False


def _texts(message: Message) -> Iterator[str]:
    """The beginning of each displayed text as a person reads it."""
    for part in message.root.walk():
        if part.type.kind in ("text/plain", "text/html") and not part.attached:
            yield _beginning(message.raw, part)


def _beginning(raw: bytes, part: Part) -> str:
    how = transfer.encoding(part.encoding)
    body = raw[part.body : min(part.end, part.body + 2 * TEXT)]
    whole = part.body + len(body) == part.end
    content = transfer.decode(body if whole else body[: body.rfind(b"\r\n") + 2], how) if how else None
    text = (content or b"")[:TEXT].decode(charset(part.type.param("charset"))[1], "replace")
    return _read(text) if part.type.kind == "text/html" else text


def _read(page: str) -> str:
    """A page's text, roughly: without style sheets, scripts, comments and tags. Good enough to find words in."""
    low = page.lower() if len(page.lower()) == len(page) else page
    for start, end in _UNSEEN:
        pieces: list[str] = []
        at = 0
        while (opened := low.find(start, at)) >= 0:
            closed = low.find(end, opened)
            pieces.append(page[at:opened])
            at = closed if closed >= 0 else len(page)
        page = "".join([*pieces, page[at:]])
        low = page.lower() if len(page.lower()) == len(page) else page
    return _TAG.sub(" ", page)


def template(tool: str, stream: str, message: Message) -> bytes:
    """What tells the templates of a tool apart: its X-Template-Id, else the subject without what differs from mail to mail.

    Left out of a subject are words with a digit, quoted parts and addresses. Names cannot be told from words: a subject that holds
    one makes a template of its own for each person, and only what such mail says can give it away.
    """
    named = message.values("x-template-id")
    told = named[0] if named and named[0] else _general(decoded(b" ".join(message.values("subject")))).encode()
    key = b"\0".join((tool.encode(), stream.encode(), bytes([bool(named)]), told))
    return hashlib.sha256(key).digest()[:16]


def _general(subject: str) -> str:
    words = _QUOTED.sub(" ", subject[:_ENOUGH]).split()
    return folded(" ".join([word for word in words if not _PARTICULAR.search(word)]))


class Hour:
    """How many recipients each template had within the last hour, to the minute above; the least recently used are forgotten."""

    def __init__(self, most: int = _MOST_TEMPLATES) -> None:
        self._most = most
        self._counts: OrderedDict[bytes, deque[list[int]]] = OrderedDict()

    def add(self, key: bytes, recipients: int, seconds: float) -> int:
        """Count some more at this time; how many there were in the hour up to now."""
        minute = int(seconds // 60)
        kept = self._counts.setdefault(key, deque())
        self._counts.move_to_end(key)
        while kept and kept[0][0] < minute - _MINUTES:
            kept.popleft()
        if kept and kept[-1][0] == minute:
            kept[-1][1] += recipients
        else:
            kept.append([minute, recipients])
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return sum([count for _, count in kept])


@lru_cache(maxsize=256)
def as_marketing(stream: Stream) -> Stream:
    """A service stream as its mail is treated that is none: the same name, number and advertiser, another category."""
    return replace(stream, category=Category.MARKETING)


def doubles(streams: Mapping[str, Stream]) -> dict[str, Stream]:
    """The service streams as marketing, by the names under which such mail of theirs is kept."""
    return {kept_as(stream): as_marketing(stream) for stream in streams.values() if stream.category is Category.TRANSACTIONAL}


def kept_as(stream: Stream) -> str:
    """The name under which mail of a stream treated as marketing is kept, so that it still is when it is tried again."""
    return f"{stream.name}+{Category.MARKETING.value}"
