"""What stands under a reply and is nobody's words: signatures, the phone's line, confidentiality notices.

Over the author's own lines only, after the quotation is gone. When in doubt a line stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.quotation import folded
from gateway.core.signature_words import ALONE, EXCUSES, FIRST_PERSON, GADGETS, SCANNED, SENT_BY, SUBJECTS, TITLES, TONE

_LONGEST = 25  # lines of a signature after "-- ", a notice under it included
_LONGEST_RULED = 12  # after a row of dashes or underscores, which may as well divide a letter
_DELIMITER = re.compile(r"\*?(?:--|—|––|––-|—-|__)\*?[ \t\u00a0]*\Z")
_RULED = re.compile(r"[ \t]*[-_=—–*~]{3,200}[ \t]*\Z")
_LONG = 220
_SENTENCE = re.compile(r"(?:\S{1,40}\s+){5}\S|[!?]\s*\Z")

_DEVICE, _GADGET, _EXCUSE, _SCANNED = (re.compile("|".join(words)) for words in (SENT_BY, GADGETS, EXCUSES, SCANNED))
_MORE = re.compile(r"[.!?;]\s+\S|,\s")
_SUBJECTS = [re.compile(words) for words in SUBJECTS]
_TONE, _ALONE = re.compile("|".join(TONE)), re.compile("|".join(ALONE))
_FIRST_PERSON = re.compile(rf"(?<!\w)(?:j'|m'|(?:{'|'.join(FIRST_PERSON)})(?!\w))")


class Cut(NamedTuple):
    """Lines that are the author's, whether a signature was taken away, and whether it may have been more than one."""

    lines: list[str]
    signature: bool
    unsure: bool


def without_signature(lines: Sequence[str], said: bool) -> Cut:
    """These lines without what signs them; `said` tells that the author's words may all stand elsewhere."""
    kept = [line for line in lines if not is_device_line(line)]
    signed = len(kept) < len(lines)
    at = _delimiter(kept, said)
    doubtful = False
    if at >= 0:
        doubtful = any(_RULED.match(kept[at]) and _talks(line) for line in kept[at + 1 :])
        signed, kept = True, kept[:at]
    kept, cut = _without_notices(kept)
    return Cut(kept, signed or cut, doubtful)


def is_device_line(line: str) -> bool:
    """Whether a line only says by which device or program it was sent."""
    if len(line) > 160:
        return False
    text = folded(line).strip(" *_<>[]()-\t")
    if _SCANNED.match(text):
        return True
    bare = text.partition("<http")[0].partition("http")[0].strip()
    if len(bare) > 100 or _DEVICE.match(bare) is None or (_MORE.search(bare) and not _EXCUSE.search(bare)):
        return False
    return _GADGET.search(bare) is not None


def _delimiter(lines: Sequence[str], said: bool) -> int:
    """Where the signature begins, -1 where there is none: only under words, and never more than a signature's length."""
    spoken, after = said, sum(1 for line in lines if line.strip())
    for at, line in enumerate(lines):
        after -= bool(line.strip())
        if spoken and len(line) < _LONG:
            if after <= _LONGEST and _DELIMITER.match(line.lstrip()):
                return at
            if 0 < after <= _LONGEST_RULED and _RULED.match(line) and _apart(lines, at):
                return at
        spoken = spoken or any(map(str.isalnum, line[:_LONG]))
    return -1


def _apart(lines: Sequence[str], at: int) -> bool:
    """Whether a row of dashes stands apart from a heading above it and a table below."""
    above = lines[at - 1].strip()
    return not above or (len(above) < 40 and above.endswith((",", ".", "!")))


def _talks(line: str) -> bool:
    return _SENTENCE.search(line[:400]) is not None


def _without_notices(lines: list[str]) -> tuple[list[str], bool]:
    """The lines without paragraphs of legal boilerplate; the first paragraph that is none always stays."""
    kept: list[str] = []
    cut = False
    for paragraph in _paragraphs(lines):
        words = folded(" ".join(line.strip() for line in paragraph[:40])[:300])
        if words.strip(" *_:-=#.") in TITLES or _is_notice(words, folded(paragraph[0])):
            cut = True
        else:
            kept += paragraph
    if cut and not any(line.strip() for line in kept):
        return lines, False
    return kept, cut


def _is_notice(words: str, first: str) -> bool:
    """Whether a paragraph is boilerplate from its first line on, in nobody's name."""
    if len(words) < 60 or _FIRST_PERSON.search(words):
        return False
    if _ALONE.search(words):
        return True
    if not any(one.search(first) for one in _SUBJECTS) or _TONE.search(words) is None:
        return False
    return sum(1 for one in _SUBJECTS if one.search(words)) > 1


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    """The lines in groups, each ending with the blank lines after it."""
    groups: list[list[str]] = []
    for line in lines:
        if not groups or (line.strip() and not groups[-1][-1].strip()):
            groups.append([])
        groups[-1].append(line)
    return groups
