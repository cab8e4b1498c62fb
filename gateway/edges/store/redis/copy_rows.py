"""Rows of a copy as they stand in Redis, and back: `copying.TABLES` tells the one side, the parts of `lua/` the other.

Pure but for the frames, which whoever reads has fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway.core.model import PersonKey
from gateway.core.record_json import parse_consents, proof_text, relation_text, traits_text, words_text
from gateway.edges.store.copying import Cell, Row
from gateway.edges.store.instant import text
from gateway.edges.store.redis import people
from gateway.edges.store.redis.codes import BLOCK, DOOR, NOTICE, SCOPE
from gateway.edges.store.redis.frames import Frame
from gateway.edges.store.redis.operations_facts import consent_row
from gateway.edges.store.redis.pack import Packed, unpacked, words
from gateway.edges.store.redis.tables import columns, when
from gateway.edges.store.rows import sound, whole_consent

Cells = tuple[Any, ...]
"""A row of `copying`, its cells known to be what the table's columns are."""
Filing = Callable[[Cells], tuple[bytes, Packed]]
"""A row's person, and what is filed about them."""
Telling = Callable[[bytes, Packed], Row]

_CONSENT = 25
"""Columns of a consent up to its number."""
_TASK_BLOBS = (2, 9, 16)


def _opposition(row: Cells) -> tuple[bytes, Packed]:
    person, block, scope, advertiser, stream, door, *rest = row
    return person, [BLOCK.code(block), SCOPE.code(scope), advertiser, stream, DOOR.code(door), *rest]


def _opposed(person: bytes, row: Packed) -> Row:
    block, scope, advertiser, stream, door, *rest = row
    return person, BLOCK.word(block), SCOPE.word(scope), words(advertiser), words(stream), DOOR.word(door), *rest


def _notice(row: Cells) -> tuple[bytes, Packed]:
    person, advertiser, kind, *rest = row
    return person, [advertiser, NOTICE.code(kind), *rest]


def _noticed(person: bytes, row: Packed) -> Row:
    advertiser, kind, source, at, template, *rest = row
    return person, words(advertiser), NOTICE.word(kind), words(source), at, words(template), *rest


def _plainly(row: Cells) -> tuple[bytes, Packed]:
    return row[0], list(row[1:])


def _named(person: bytes, row: Packed) -> Row:
    return person, words(row[0]), *row[1:]


def _consent(row: Cells) -> tuple[bytes, Packed]:
    record, sealed = whole_consent(row[:_CONSENT])
    filed = consent_row(record, sealed)
    number, since, ended = row[_CONSENT - 1 :]
    filed[0], filed[-2:] = number, [since, False if ended is None else ended]
    return record.person, filed


FILED: Mapping[str, tuple[str, str, Filing]] = {
    "opposition": ("o", "", _opposition),
    "opposition_past": ("c", "O", _opposition),
    "consent": ("c", "c", _consent),
    "notice": ("c", "n", _notice),
    "notice_past": ("c", "N", _notice),
    "act": ("c", "a", _plainly),
    "act_past": ("c", "A", _plainly),
    "erased": ("c", "x", _plainly),
    "own_unsubscribe": ("s", "U", _plainly),
    "routes": ("s", "R", _plainly),
    "soft_run": ("s", "S", _plainly),
}
"""Of tables that lie among a person's rows: the family, the letter in it ('' where the family has one list), and how."""

TOLD: Mapping[str, Sequence[tuple[str, str, Telling]]] = {
    "o": (("opposition", "", _opposed),),
    "c": (
        ("opposition_past", "O", _opposed),
        ("notice", "n", _noticed),
        ("notice_past", "N", _noticed),
        ("act", "a", _named),
        ("act_past", "A", _named),
        ("erased", "x", _named),
    ),
    "s": (("own_unsubscribe", "U", _named), ("routes", "R", _named), ("soft_run", "S", _named)),
}
"""The same from the side of a family; records come with their frames, see `consents`."""


def consents(person: bytes, file: people.File, frames: Mapping[bytes, Frame]) -> Iterator[Row]:
    """A person's records."""
    for row, (number, one, sealed) in zip(file.get(b"c", ()), people.whole_consents(PersonKey(person), file, frames), strict=True):
        since, ended = row[-2:]
        yield (
            person,
            one.advertiser,
            one.purpose,
            one.audience.value,
            one.basis.value,
            one.source,
            text(one.collected_at),
            one.action,
            one.wording,
            one.function,
            text(one.notice_sent_at),
            one.partner_list_version,
            one.product_family,
            one.professional_proof,
            text(one.withdrawn_at),
            words_text(one.missing),
            text(one.recorded_at),
            one.covers.value,
            text(one.acquired_at),
            text(one.confirmed_at),
            relation_text(one.relation),
            traits_text(one.traits),
            proof_text(one.proof),
            sealed,
            number,
            since,
            None if ended is False else ended,
        )


def absent(row: Sequence[Cell]) -> list[Packed]:
    """The cells with False for what is not there."""
    return [False if one is None else one for one in row]


def enrolment_row(row: Cells) -> tuple[list[Packed], bytes]:
    """A sign-up as it is kept, and its place in the order of asking."""
    asked = when(row[5]) + row[0]
    advertisers = sorted({one.advertiser for one in sound(parse_consents(row[3]))})
    return [*absent(row), advertisers, asked], asked


def enrolment(raw: bytes) -> Row:
    """What `enrolment_row` made."""
    return columns(raw, 0, 1, 4, 10)[:9]


def task_row(row: Cells) -> list[Packed]:
    """A task as it is kept, with its place in the order of dates at the end."""
    *names, opened, due, reminded, told, closed, closed_by, outcome, forgotten, sealed = row
    times = (opened, due, reminded, told, closed)
    return [*absent((*names, closed_by, outcome, sealed, *times)), forgotten, when(due) + str(row[0]).encode()]


def task(raw: bytes) -> Row:
    """What `task_row` made."""
    *names, closed_by, outcome, sealed, opened, due, reminded, told, closed, forgotten, _ = columns(raw, *_TASK_BLOBS)
    return (*names, opened, due, reminded, told, closed, closed_by, outcome, forgotten, sealed)


def note(raw: bytes) -> Row:
    """A note that waits."""
    return columns(raw, 2, 11, 12)[:12]


def receipt(raw: bytes) -> Row:
    """A note that has ended."""
    return columns(raw, 2)


def published(raw: bytes) -> Row:
    """A partner list: the number comes last in Redis."""
    *row, number = columns(raw)
    return (number, *row)


def tallied(hour: int, what: bytes, count: bytes) -> Row:
    """One count."""
    stream, provider, of = unpacked(what)
    return hour, words(stream), words(provider), words(of), int(count)
