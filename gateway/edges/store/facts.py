"""Everything a verdict rests on in one statement: records, oppositions, the stand and the mark of foreign hashes, of one moment.

One statement is one snapshot and one lock, and gives the interpreter away a few times instead of a few times for each table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TypeVar

from gateway.core.model import PersonKey
from gateway.core.record import Consent, Facts, NoticeGiven, Opposition, Who
from gateway.edges.store.changes import FOREIGN_HASH, STAND
from gateway.edges.store.database import Database, Row
from gateway.edges.store.rows import CONSENT_COLUMNS, NOTICE_COLUMNS, OPPOSITION_COLUMNS, consent, notice, opposition
from gateway.flow.ports import Reading

PEOPLE_AT_ONCE = 128
"""So many people are asked for in one statement."""

_MARKS, _CONSENT, _NOTICE, _OPPOSITION = range(4)
_WIDTH = CONSENT_COLUMNS.count(",") + 2
_NUMBER = itemgetter(-2)

Of = TypeVar("Of", Consent, NoticeGiven, Opposition)


def read(database: Database, advertiser: str, who: Sequence[Who]) -> Reading:
    """What is recorded about each, in order; of many people the first statement's stand counts, so that a change between shows."""
    first = _part(database, advertiser, who[:PEOPLE_AT_ONCE])
    if len(who) <= PEOPLE_AT_ONCE:
        return first
    facts, last = list(first.facts), first
    for start in range(PEOPLE_AT_ONCE, len(who), PEOPLE_AT_ONCE):
        last = _part(database, advertiser, who[start : start + PEOPLE_AT_ONCE])
        facts.extend(last.facts)
    return Reading(facts, first.stand, last.hashes)


def _part(database: Database, advertiser: str, who: Sequence[Who]) -> Reading:
    people = list(dict.fromkeys([one.person for one in who]))
    also = list({key for one in who for key in one.also}.difference(people))
    places, more = _size(len(people)), _size(len(also))
    bindings = (advertiser, *people, *people[:1] * (places - len(people)), *also, *also[:1] * (more - len(also)))
    found: tuple[list[Row], ...] = ([], [], [], [])
    for row in database.rows(_statement(places, more), bindings):
        found[row[-1]].append(row)
    # Sorted here: for a handful of rows SQLite's own sorter costs four times the search.
    found[_CONSENT].sort(key=_NUMBER)
    stand, hashes = found[_MARKS][0][:2]
    facts = _of_one(found) if len(who) == 1 else _of_each(found, who)
    return Reading(facts, stand or 0, hashes is not None)


def _of_one(found: Sequence[list[Row]]) -> list[Facts]:
    consents, notices, oppositions = found[_CONSENT:]
    return [
        Facts(
            tuple([consent(row) for row in consents]),
            tuple([opposition(row) for row in oppositions]),
            tuple([notice(row) for row in notices]),
        )
    ]


def _of_each(found: Sequence[list[Row]], who: Sequence[Who]) -> list[Facts]:
    consents = _by_person(consent(row) for row in found[_CONSENT])
    notices = _by_person(notice(row) for row in found[_NOTICE])
    against = _by_person(opposition(row) for row in found[_OPPOSITION])
    return [
        Facts(
            tuple(consents.get(one.person, ())),
            tuple([filed for key in dict.fromkeys((one.person, *one.also)) for filed in against.get(key, ())]),
            tuple(notices.get(one.person, ())),
        )
        for one in who
    ]


def _size(count: int) -> int:
    """Few sizes, so that SQLite's statement cache knows them all."""
    return 1 << (count - 1).bit_length() if count else 0


@lru_cache(maxsize=128)
def _statement(people: int, also: int) -> str:
    """The statement for so many keys of people and so many others; each part says its kind in the last column."""
    persons = ",".join(f"?{number}" for number in range(2, people + 2))
    keys = ",".join(f"?{number}" for number in range(2, people + also + 2))
    parts = (
        (f"{_mark(STAND)}, {_mark(FOREIGN_HASH)}", 2, _MARKS, ""),
        (CONSENT_COLUMNS + ", id", _WIDTH, _CONSENT, f"FROM consent WHERE person IN ({persons}) AND advertiser = ?1"),
        (NOTICE_COLUMNS, 5, _NOTICE, f"FROM notice WHERE person IN ({persons}) AND advertiser = ?1"),
        (OPPOSITION_COLUMNS, 7, _OPPOSITION, f"FROM opposition WHERE person IN ({keys}) AND (scope = 'all' OR advertiser = ?1)"),
    )
    selects = (f"SELECT {what}{', NULL' * (_WIDTH - width)}, {kind} {where}" for what, width, kind, where in parts)
    return " UNION ALL ".join(selects)


def _mark(name: str) -> str:
    return f"(SELECT at FROM mark WHERE name = '{name}')"  # noqa: S608 our own words


def _by_person(records: Iterable[Of]) -> dict[PersonKey, list[Of]]:
    found: dict[PersonKey, list[Of]] = {}
    for record in records:
        found.setdefault(record.person, []).append(record)
    return found
