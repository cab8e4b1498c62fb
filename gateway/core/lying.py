"""Mail that lies in somebody's own mailbox, among all their other mail: whether it answers mail of ours, and whose.

Nothing in it was addressed by us, so tokens are looked for in what it quotes and encloses. They are texts here, unverified; an
author is whoever From claims. Reading never fails (R-STD-69).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from gateway.core.answered import Answer, read_answer
from gateway.core.returned import tokens_in
from gateway.core.unpack import MOST_CODED, RETURNED, Mail, Part, first, unpack

_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_LISTS = ("list-id", "list-unsubscribe", "list-post")


@dataclass(frozen=True, slots=True)
class Lying:
    """One such mail: texts in it shaped like tokens of ours, addresses first; `sender` is its Return-Path, None without one.

    `circular` is mail to many, of a list or in bulk: nobody's answer to us, whatever it quotes (R-FR-62).
    """

    answer: Answer
    tokens: tuple[str, ...]
    sender: str | None
    circular: bool


def read_lying(data: bytes) -> Lying:
    """Take a mail apart as far as it must be known whom it is about."""
    mail = unpack(data)
    answer = read_answer(data)
    return Lying(answer, tokens_in(_places(mail)), sender := _sender(answer), _circular(mail, sender))


def _circular(mail: Mail, sender: str | None) -> bool:
    """A report may call itself bulk too, and comes from nobody."""
    if any(first(mail.fields, name) for name in _LISTS):
        return True
    bulk = first(mail.fields, "precedence").strip().lower() in ("bulk", "list", "junk")
    return bulk and sender != "" and mail.kind != "multipart/report"


def _places(mail: Mail) -> Iterator[str]:
    """Where tokens of ours may stand: addresses it went to, words it quotes, mail it encloses; never its own way out."""
    for name in _TO:
        yield from (value for known, value in mail.fields if known == name)
    for part in mail.parts:
        if not part.attached or part.kind in RETURNED:
            yield from _words(part)


def _words(part: Part) -> Iterator[str]:
    """A part as it is and, since some mail clients wrap links into links of their own, with escapes undone."""
    if part.kind.startswith(("text/", "message/")):
        text = part.content[:MOST_CODED].decode("latin-1")
        yield text
        if "%" in text:
            yield unquote(text, "latin-1")


def _sender(answer: Answer) -> str | None:
    """What the server that delivered it wrote on top (RFC 5321 4.4); a claim where it wrote nothing."""
    paths = answer.values("return-path")
    return paths[0].strip().removeprefix(b"<").removesuffix(b">").decode("utf-8", "replace") if paths else None
