"""What the mail of ours that a report returns still tells: tokens, Message-ID, whom it was for (R-STD-63, R-STD-65).

Fields only, never the words of the body: those may quote somebody else's link. Nothing is verified here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from gateway.core.unpack import MOST_TEXT, RETURNED, Mail, first, head_of

MOST_TOKENS = 16

_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z2-7]{56}(?![A-Za-z0-9])")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_TRUSTED = ("list-unsubscribe", "return-path", "reply-to", "cfbl-feedback-id", "x-envelope-from", "errors-to", "sender")
"""Where tokens of ours stand in mail of ours, the most trustworthy place first."""

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """The head of a returned message; empty where a report returns none."""

    fields: Fields = ()

    @property
    def message_id(self) -> str:
        """Its Message-ID with angle brackets."""
        found = _MESSAGE_ID.search(first(self.fields, "message-id"))
        return found[0] if found else ""

    @property
    def tokens(self) -> tuple[str, ...]:
        """Texts in its fields shaped like tokens of ours."""
        places = [value for name in _TRUSTED for known, value in self.fields if known == name]
        return tokens_in((*places, *(value for name, value in self.fields if name not in _TRUSTED)))


def tokens_in(places: Iterable[str]) -> tuple[str, ...]:
    """Every text of 56 base32 letters in these places, in lower case, in their order, each once."""
    found = dict.fromkeys(token[0].lower() for place in places for token in _TOKEN.finditer(place))
    return tuple(found)[:MOST_TOKENS]


def returned(mail: Mail) -> Returned:
    """The message a report returns: its last part of that kind, else what follows the notice in the last part."""
    for part in reversed(mail.parts):
        if part.kind in RETURNED:
            return Returned(_head(part.content))
    for part in reversed(mail.parts):
        if len(mail.parts) > 1 and len(fields := _head(part.content)) > 3 and first(fields, "message-id"):
            return Returned(fields)
    return Returned(_inline(mail.parts[-1].content) if mail.parts else ())


def _head(content: bytes) -> Fields:
    block = content.replace(b"\r\n", b"\n").lstrip(b"\n \t")
    if block.startswith((b"From ", b">From ")):
        block = block.partition(b"\n")[2]
    return head_of(block)[0]


_COPY = re.compile(rb"\n(?=(?:Return-Path|Received|Message-ID|DKIM-Signature|From|Date|Subject|X-[A-Za-z-]{1,40}):)", re.IGNORECASE)


def _inline(content: bytes) -> Fields:
    """The first run of fields in a notice that quotes the message after its own words."""
    block = b"\n" + content[:MOST_TEXT].replace(b"\r\n", b"\n")
    for place in islice(_COPY.finditer(block), 40):
        fields, _ = head_of(block[place.end() :])
        if len(fields) > 3 and (first(fields, "message-id") or first(fields, "received")):
            return fields
    return ()


def encloses_message(mail: Mail) -> bool:
    """Whether a part is a returned message, or its head."""
    return any(part.kind in RETURNED for part in mail.parts)
