"""Adds headers and words to a message that may leave; every byte outside the splices stays as it came.

Sealed parts, attachments, enclosed messages, calendars and AMP are never touched. The result is pieces, not a copy: the header
block is whole in the first chunk, large untouched spans are views on the original.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from gateway.core import transfer
from gateway.core.header import MAX_LINE, Unwritable, refolded, written
from gateway.core.leaf import Change, Obstacle, carriers, carry, convert, relabelled, strain
from gateway.core.mime import Message, Part
from gateway.core.notice import Words
from gateway.core.sieve import NOTHING, Sieve, Sifted, total

__all__ = ["CannotCarry", "Edit", "Obstacle", "Rewritten", "own_unsubscribe", "rewrite"]

_NEVER_LEAVE = frozenset(("bcc", "return-path"))
_TRACE = frozenset(("received", "return-path"))
# The same in every message of a stream: written once.
_LASTING = frozenset(("List-Unsubscribe-Post", "List-Id", "Feedback-ID"))
_PLACE = itemgetter(0, 1)
_kept = lru_cache(maxsize=256)(written)


@dataclass(frozen=True, slots=True)
class Edit:
    """What to change: fields to put on top, fields to take out (lower-case names), words to show, whether 8-bit may leave.

    A field put in replaces the message's own of that name, except Received, which is a trace. `sieve` says what is taken out of
    everything that is displayed.
    """

    put: tuple[tuple[str, bytes], ...]
    drop: frozenset[str]
    words: Words | None
    eight_bit: bool
    sieve: Sieve | None = None


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The message in pieces; `chunks[0]` is the whole header block, blank line included. `carriers` counts the parts with words."""

    chunks: tuple[bytes | memoryview, ...]
    carriers: int
    sifted: Sifted = NOTHING


@dataclass(frozen=True, slots=True)
class CannotCarry:
    """The message cannot leave as it must; `why` says what stands in the way."""

    why: Obstacle


def own_unsubscribe(message: Message) -> bytes:
    """The tool's own List-Unsubscribe, unfolded, several joined by commas; empty where it had none (R-FR-51)."""
    return b", ".join(message.values("list-unsubscribe"))


def rewrite(message: Message, edit: Edit) -> Rewritten | CannotCarry:
    """The message with the edit applied, or what stands in the way."""
    shown: tuple[Part, ...] | Obstacle = carriers(message.raw, message.root) if edit.words else ()
    if isinstance(shown, Obstacle):
        return CannotCarry(shown)
    if edit.words and not shown:
        return CannotCarry(Obstacle.NO_TEXT)
    made = _body_changes(message, edit, shown)
    if isinstance(made, Obstacle):
        return CannotCarry(made)
    changes, sifted = made
    body = message.root.body
    head = _header(message, edit, [change for change in changes if change.start < body])
    if isinstance(head, Obstacle):
        return CannotCarry(head)
    pieces = _pieces(message.raw, body, len(message.raw), [change for change in changes if change.start >= body])
    return Rewritten((head, *pieces), len(shown), sifted)


def _body_changes(message: Message, edit: Edit, shown: tuple[Part, ...]) -> tuple[list[Change], Sifted] | Obstacle:
    """All changes to parts: words first, then whatever else is displayed, or must be re-encoded to be fit for the wire."""
    changes: list[Change] = []
    sifted: list[Sifted] = []
    long = transfer.long_line(message.raw, message.root.body, len(message.raw)) >= 0
    for part in shown:
        carried = carry(message.raw, part, edit.words, edit.eight_bit, long, edit.sieve) if edit.words else None
        if isinstance(carried, Obstacle):
            return carried
        if carried:
            changes += carried.changes
            sifted.append(carried.sifted)
    narrow = not edit.eight_bit and not message.raw.isascii()
    for part in message.root.walk() if narrow or long or (edit.sieve and message.root.children) else ():
        if part in shown:
            continue
        if edit.sieve and _displayed(part):
            strained = strain(message.raw, part, edit.eight_bit, edit.sieve)
            if isinstance(strained, Obstacle):
                return strained
            changes += strained.changes
            sifted.append(strained.sifted)
        elif narrow or long:
            made = _made_fit(message.raw, part, not narrow)
            if isinstance(made, Obstacle):
                return made
            changes += made
    return changes, total(sifted)


def _displayed(part: Part) -> bool:
    """Whether a client shows this text without being asked."""
    return part.type.kind in ("text/html", "text/plain") and not part.attached


def _made_fit(raw: bytes, part: Part, eight_bit: bool) -> list[Change] | Obstacle:
    """One part's changes for the wire: a leaf is re-encoded, a container's own lines must already be fit."""
    if not part.children:
        return convert(raw, part, eight_bit)
    at = part.body
    for child in part.children:
        if fault := _unfit(raw, at, child.body, eight_bit):
            return fault
        at = child.end
    if fault := _unfit(raw, at, part.end, eight_bit):
        return fault
    return relabelled(part, "", "" if eight_bit or part.encoding not in ("8bit", "binary") else "7bit")[0]


def _unfit(raw: bytes, start: int, end: int, eight_bit: bool) -> Obstacle | None:
    if transfer.long_line(raw, start, end) >= 0:
        return Obstacle.LONG_LINE
    return None if eight_bit or raw[start:end].isascii() else Obstacle.EIGHT_BIT


def _header(message: Message, edit: Edit, changes: list[Change]) -> bytes | Obstacle:
    """The whole new header block: our trace on top, then the message's traces, our fields, and its own but for those dropped."""
    top, ours = b"", b""
    gone = {*edit.drop, *_NEVER_LEAVE}
    for name, value in edit.put:
        line = _kept(name, value) if name in _LASTING else written(name, value)
        if isinstance(line, Unwritable):
            return Obstacle.HEADER
        if (key := name.lower()) in _TRACE:
            top += line
        else:
            ours += line
            gone.add(key)
    traces = 0
    for field in message.fields:
        if field[0] not in _TRACE:
            break
        traces = field.end
    refolds = _refolds(message, gone, changes)
    if isinstance(refolds, Obstacle):
        return refolds
    every = [Change(0, 0, top), Change(traces, traces, ours), *refolds, *changes]
    every += [Change(start, end, b"") for name, start, end in message.fields if name in gone]
    return _spliced(message.raw[: message.root.body], every)


def _refolds(message: Message, gone: Set[str], changes: Sequence[Change]) -> list[Change] | Obstacle:
    """Header lines over 998 octets folded at their own blanks."""
    raw = message.raw
    refolds: list[Change] = []
    if transfer.long_line(raw, 0, message.root.body) < 0:
        return refolds
    for field in message.fields:
        if field.end - field.start <= MAX_LINE or field.name in gone or transfer.long_line(raw, field.start, field.end) < 0:
            continue
        line = refolded(raw[field.start : field.end])
        if isinstance(line, Unwritable) or any(field.start <= change.start < field.end for change in changes):
            return Obstacle.LONG_LINE
        refolds.append(Change(field.start, field.end, line))
    return refolds


def _spliced(head: bytes, changes: list[Change]) -> bytes:
    """A header block with the changes applied."""
    pieces: list[bytes] = []
    at = 0
    for start, end, new in sorted(changes, key=_PLACE):
        pieces += (head[at:start], new)
        at = end
    return b"".join([*pieces, head[at:]])


def _pieces(raw: bytes, start: int, end: int, changes: list[Change]) -> Iterator[bytes | memoryview]:
    """`raw[start:end]` with the changes applied, untouched spans as views."""
    view = memoryview(raw)
    at = start
    for change in sorted(changes, key=_PLACE):
        if change.start > at:
            yield view[at : change.start]
        if change.new:
            yield change.new
        at = change.end
    if at < end:
        yield view[at:end]
