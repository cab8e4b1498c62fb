"""Where a quoted message begins in the lines of a reply: attributions, header blocks, markers. Decides nothing about what follows.

Every look is over a bounded number of characters, so time is linear in the lines whatever they hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from gateway.core.quote_words import (
    ABOVE_THIS,
    ANNOUNCED,
    COPY,
    DATE,
    FROM,
    JOINED_VERBS,
    LABELS,
    MARKERS,
    OPENERS,
    OURS,
    OURS_BEFORE,
    SUBJECT,
    TO,
    VERBS,
)

_WIDEST = 320  # of one line; an attribution is shorter
_HIGHEST = 7  # lines, blank ones included
_TRIES = 400
_BLOCK = 14


def _any(words: Sequence[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_QUOTED = re.compile(r"[ \t\u200b\ufeff]{0,8}(?:>|＞|&gt;|[A-Z][A-Za-z]{0,2}>)")
_VERB = re.compile(rf"(?<!\w)(?:{_any(VERBS)})(?!\w)|{_any(JOINED_VERBS)}")
_STARTS = re.compile(rf"[\s\-–—*_|\[]{{0,12}}(?:(?:{_any(OPENERS)})\s[^\d]{{0,24}}\d|[^\d\s][^\d]{{0,14}}[\s,.(]\d|\d)")
_OPENED = re.compile(rf"[\s\-–—*_|\[]{{0,12}}(?:{_any(OPENERS)})\s")
_DATED = re.compile(
    r"\d{1,2}\s?[:h.]\s?\d{2}|(?<!\d)(?:19|20)\d{2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|[年월日]"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? [a-z]{3,9}\.? \d"
)
_OURS = re.compile(rf"(?<![\w@.<-])(?:{_any(OURS)})(?![\w@.>-])")
_NEAR = 14
_OURS_BEFORE = re.compile(rf"(?<!\w)(?:{_any(OURS_BEFORE)})\s")
_ADDRESS = re.compile(r"[^\s@<>]@[^\s@<>]")
_ENDS_IN_ADDRESS = re.compile(r"@[^\s@<>]{1,100}\s?[>)\]]{0,3}\s?[:：]\Z")
_PLAIN = {ord("’"): "'", 0xA0: " ", 0x202F: " ", 0x2009: " ", **dict.fromkeys((0x200B, 0x200E, 0x200F, 0x202A, 0x202C, 0xFEFF))}
_GMAIL = re.compile(r"\d{4}-\d\d-\d\d,? \d{1,2}:\d\d gmt")
_RULE = re.compile(r"[-_=~—–#<+]{2}")
_PROSE = re.compile(r"[.!?]\s+[^\W\d]{3}")


class Sort(Enum):
    """What announces a quoted message."""

    SENTENCE = 1
    """"On DATE, NAME wrote:"; what follows may be anybody's."""
    BLOCK = 2
    """A marker or the header fields of the message: what follows is that message."""
    LINE = 3
    """"Please type your reply above this line": counts only where something stands above."""


class Announcement(NamedTuple):
    """The line after an announcement, and what sort it is of."""

    end: int
    sort: Sort


def is_quote(line: str) -> bool:
    """Whether a line is marked as quoted: `>` and its kin, or initials before one."""
    return _QUOTED.match(line) is not None


def folded(line: str) -> str:
    """The beginning of a line made comparable: case, apostrophes, odd blanks, marks of direction."""
    return (line[:_WIDEST] if line.isascii() else line[:_WIDEST].translate(_PLAIN)).casefold().strip()


def beginnings(lines: Sequence[str]) -> dict[int, Announcement]:
    """For each line where a quoted message is announced, how."""
    found: dict[int, Announcement] = {}
    labels = [label(line) for line in lines]  # each is asked for by every header block that may begin above it
    tries = 0
    for at, line in enumerate(lines):
        if len(line) > 2 * _WIDEST or not line:
            continue
        if sort := _marker(line):
            found.setdefault(at, Announcement(at + 1, sort))
        elif end := _header_block(lines, labels, at):
            found.setdefault(at, Announcement(end, Sort.BLOCK))
        elif tries < _TRIES and _may_end(line):
            tries += 1
            start = _attribution(lines, at)
            if start >= 0:
                found[start] = Announcement(at + 1, Sort.SENTENCE)
    return found


def label(line: str) -> str:
    """Which header field a line of a header block shows (`from`, `date`...), empty for none."""
    head, colon, _ = line[:60].replace("：", ":").partition(":")
    if not colon:
        return ""
    name = folded(head).strip(" *_\t>|•-\ufeff\u200b")
    if name.startswith("message du ") and name[11:12].isdigit():
        return DATE
    return LABELS.get(name, "")


def _marker(line: str) -> Sort | None:
    """What a line of known words means: between rows of dashes, Apple's own line, or a help desk's."""
    if len(line) > 120:
        return None
    text = folded(line)
    words = text.strip(" -_=*~—–#<>|+.:：")
    if words.startswith(MARKERS):
        return Sort.BLOCK if _RULE.match(text.lstrip("*> ")) else None
    if words in ANNOUNCED:
        return Sort.BLOCK if text.endswith((":", "：")) else None
    return Sort.LINE if words.removeprefix("please ").startswith(ABOVE_THIS) else None


def _header_block(lines: Sequence[str], labels: Sequence[str], at: int) -> int:
    """The line after a header block that begins here (`From:`, `Sent:`, `Subject:` of any client); 0 where none does."""
    first = labels[at]
    if not first or first in (COPY, TO):
        return 0
    kinds, address, end, strange = {first}, "@" in lines[at], at + 1, 0
    for number in range(at + 1, min(at + _BLOCK, len(lines))):
        kind = labels[number]
        strange = 0 if kind else strange + 1
        if strange > 2 or (kind and kind in kinds and kind == FROM):
            break
        if kind:
            kinds.add(kind)
            end = number + 1
            address = address or "@" in lines[number]
    marked = at > 0 and bool(_rule_above(lines, at))
    if FROM not in kinds or len(kinds) < 2 or not (DATE in kinds or address):
        return 0
    sure = SUBJECT in kinds or address or marked or (TO in kinds and any(_DATED.search(folded(line)) for line in lines[at:end]))
    return end if sure else 0


def _rule_above(lines: Sequence[str], at: int) -> bool:
    above = lines[at - 1].strip() or (lines[at - 2].strip() if at > 1 else "")
    return len(above) > 3 and not any(letter.isalnum() for letter in above[:80])


def _may_end(line: str) -> bool:
    text = line[-80:].rstrip(" \t\u00a0*_")
    return text.endswith((":", "：", "--")) or _VERB.search(folded(text[-24:])) is not None


def _attribution(lines: Sequence[str], last: int) -> int:
    """The first line of an attribution that ends with this line; -1 where it is none."""
    text = ""
    for first in range(last, max(-1, last - _HIGHEST), -1):
        line = folded(lines[first])
        if first < last and is_quote(lines[first]) and not is_quote(lines[last]):
            return -1
        if first < last and line.endswith((":", "：")):
            return -1
        text = f"{line} {text}".strip()
        if len(text) > 2 * _WIDEST:
            return -1
        if _says_so(text, line, lines, last):
            return first if not _earlier(lines, first) else first - 1
    return -1


def _earlier(lines: Sequence[str], first: int) -> bool:
    """Whether the sentence began on the line before: "On Mon, Jan 5, 2015 at 10:00, somebody"."""
    if first == 0:
        return False
    above = folded(lines[first - 1])
    return bool(_OPENED.match(above) and _STARTS.match(above) and _DATED.search(above)) and not above.endswith((":", ".", "!", "?"))


def _says_so(text: str, line: str, lines: Sequence[str], last: int) -> bool:
    """Whether this text, which begins with this line, is an attribution as a client writes it."""
    text = text.rstrip(" *_")
    closed = text.endswith((":", "：", "--"))
    verb = _VERB.search(text)
    if not (closed or (verb and verb.end() > len(text) - 3)) or _DATED.search(text) is None:
        return False
    address = _ADDRESS.search(text) is not None
    starts = _STARTS.match(line) is not None
    if not closed and not (starts and verb and _quote_follows(lines, last)):
        return False
    if verb is None:
        return bool(_GMAIL.match(text)) or (starts and _ENDS_IN_ADDRESS.search(text) is not None and not _PROSE.search(text))
    return (starts or address) and not _ours(text, verb)


def _ours(text: str, verb: re.Match[str]) -> bool:
    """Whether it is the writer or the reader of this letter who "wrote"."""
    opened = _OPENED.match(text)
    begin = max(opened.end() if opened else 0, verb.start() - _NEAR)
    after = _OURS.search(text, begin)
    return (after is not None and after.start() < verb.end() + _NEAR // 2) or _OURS_BEFORE.search(
        text, begin, verb.start()
    ) is not None


def _quote_follows(lines: Sequence[str], last: int) -> bool:
    after = next((line for line in lines[last + 1 : last + 4] if line.strip()), "")
    return is_quote(after)
