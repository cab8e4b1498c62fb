"""Passes over large byte strings in steps: one call of C holds the interpreter, and everybody else waits meanwhile.

Each gives exactly what the one call on the whole would. Knows no format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

STEP = 1 << 18


def lines(content: bytes) -> Iterator[bytes]:
    """The content in pieces of whole lines, each about STEP long; a line longer than that is a piece of its own."""
    at, size = 0, len(content)
    while at < size:
        end = size
        if size - at > STEP:
            end = content.rfind(b"\r\n", at, at + STEP) + 2
            end = end if end > at + 1 else content.find(b"\r\n", at + STEP - 1) + 2
            end = end if end > at + 1 else size
        yield content[at:end]
        at = end


def count(content: bytes, what: bytes) -> int:
    """`content.count` of something that cannot overlap itself."""
    reach = STEP + len(what) - 1
    return sum(content.count(what, at, at + reach) for at in range(0, len(content), STEP))


def find(content: bytes, what: bytes, start: int, end: int) -> int:
    """`content.find` between two places."""
    if end - start <= STEP:
        return content.find(what, start, end)
    at = start
    while at < end:
        found = content.find(what, at, min(at + STEP + len(what) - 1, end))
        if found >= 0:
            return found
        at += STEP
    return -1


def lower(content: bytes) -> bytes:
    """`content.lower`."""
    if len(content) <= STEP:
        return content.lower()
    return b"".join([content[at : at + STEP].lower() for at in range(0, len(content), STEP)])


def matches(pattern: re.Pattern[bytes], content: bytes, reach: int) -> Iterator[re.Match[bytes]]:
    """`pattern.finditer`, for a pattern that never takes more than `reach` octets and looks at none beside them."""
    size, free = len(content), 0
    for at in range(0, size, STEP):
        for found in pattern.finditer(content, max(at, free), min(at + STEP + reach, size)):
            if found.start() >= at + STEP:
                break
            free = found.end()
            yield found


def without(content: bytes, octets: bytes) -> bytes:
    """`content.translate`, which takes those octets out."""
    if len(content) <= STEP:
        return content.translate(None, octets)
    return b"".join([content[at : at + STEP].translate(None, octets) for at in range(0, len(content), STEP)])


def end_of(content: bytes, octets: bytes) -> int:
    """How much `content.rstrip` of those octets would leave."""
    end = len(content)
    while end:
        begin = max(0, end - STEP)
        kept = len(content[begin:end].rstrip(octets))
        if kept:
            return begin + kept
        end = begin
    return 0
