"""Everything a verdict rests on in one statement: records, oppositions, the stand and the mark of foreign hashes, of one moment.

One statement is one snapshot and one lock, and gives the interpreter away a few times instead of a few times for each table.
The same statement over what stood earlier, ended rows included, gives the facts of that time in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TypeVar

from gateway.core.model import PersonKey
from gateway.core.record import Consent, Facts, NoticeGiven, Opposition, Who
from gateway.edges.store.database import Database, Row
from gateway.edges.store.instant import instant
from gateway.edges.store.marks import FOREIGN_HASH, HISTORY, STAND
from gateway.edges.store.rows import CONSENT_COLUMNS, NOTICE_COLUMNS, OPPOSITION_COLUMNS, consent, notice, opposition
from gateway.flow.ports import Reading

PEOPLE_AT_ONCE = 128
"""So many people are asked for in one statement."""

_MARKS, _CONSENT, _NOTICE, _OPPOSITION, _ACT = range(5)
_WIDTH = CONSENT_COLUMNS.count(",") + 2
_NUMBER = itemgetter(-2)
_NOTICE_ID = itemgetter(0, 5, 2)
_OPPOSITION_ID = itemgetter(0, 1, 2, 3, 4)

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


def read_at(database: Database, advertiser: str, who: Who, stand: int) -> Facts | None:
    """What `read` told at that stand; None where it was erased since, or where the file kept no history yet."""
    also = list({key for key in who.also if key != who.person})
    found = _found(database, _statement(1, len(also), past=True), (advertiser, who.person, *also, stand))
    kept_from, erased = found[_MARKS][0][:2]
    if stand < (kept_from or 0) or stand < (erased or 0):
        return None
    return _of_each(found, (who,))[0]


def _part(database: Database, advertiser: str, who: Sequence[Who]) -> Reading:
    people = list(dict.fromkeys([one.person for one in who]))
    also = list({key for one in who for key in one.also}.difference(people))
    places, more = _size(len(people)), _size(len(also))
    bindings = (advertiser, *people, *people[:1] * (places - len(people)), *also, *also[:1] * (more - len(also)))
    found = _found(database, _statement(places, more), bindings)
    stand, hashes = found[_MARKS][0][:2]
    facts = _of_one(found) if len(who) == 1 and not also else _of_each(found, who)
    return Reading(facts, stand or 0, hashes is not None)


def _found(database: Database, sql: str, bindings: Sequence[object]) -> tuple[list[Row], ...]:
    """The rows by their kind, each kind in an order that does not depend on how SQLite went about it.

    Sorted here: for a handful of rows SQLite's own sorter costs four times the search.
    """
    found: tuple[list[Row], ...] = ([], [], [], [], [])
    for row in database.rows(sql, bindings):
        found[row[-1]].append(row)
    found[_CONSENT].sort(key=_NUMBER)
    found[_NOTICE].sort(key=_NOTICE_ID)
    found[_OPPOSITION].sort(key=_OPPOSITION_ID)
    return found


def _of_one(found: Sequence[list[Row]]) -> list[Facts]:
    _, consents, notices, oppositions, acts = found
    return [
        Facts(
            tuple([consent(row) for row in consents]),
            tuple([opposition(row) for row in oppositions]),
            tuple([notice(row) for row in notices]),
            instant(acts[0][1]) if acts else None,
        )
    ]


def _of_each(found: Sequence[list[Row]], who: Sequence[Who]) -> list[Facts]:
    consents = _by_person(consent(row) for row in found[_CONSENT])
    notices = _by_person(notice(row) for row in found[_NOTICE])
    against = _by_person(opposition(row) for row in found[_OPPOSITION])
    acts = {row[0]: instant(row[1]) for row in found[_ACT]}
    return [
        Facts(
            tuple(consents.get(one.person, ())),
            tuple([filed for key in dict.fromkeys((one.person, *one.also)) for filed in against.get(key, ())]),
            tuple(notices.get(one.person, ())),
            acts.get(one.person),
        )
        for one in who
    ]


def _size(count: int) -> int:
    """Few sizes, so that SQLite's statement cache knows them all."""
    return 1 << (count - 1).bit_length() if count else 0


@lru_cache(maxsize=128)
def _statement(people: int, also: int, *, past: bool = False) -> str:
    """The statement for so many keys of people and so many others; each part says its kind in the last column."""
    persons = ",".join(f"?{number}" for number in range(2, people + 2))
    keys = ",".join(f"?{number}" for number in range(2, people + also + 2))
    stand = f"?{people + also + 2}" if past else ""
    of_person = f"WHERE person IN ({persons}) AND advertiser = ?1"
    parts = (
        (_marks(past), 2, _MARKS, ""),
        (_consent_columns(stand), _WIDTH, _CONSENT, f"FROM consent {of_person}{f' AND since <= {stand}' if past else ''}"),
        (NOTICE_COLUMNS, 6, _NOTICE, f"FROM {_table('notice', NOTICE_COLUMNS, stand)} {of_person}"),
        (
            OPPOSITION_COLUMNS,
            7,
            _OPPOSITION,
            f"FROM {_table('opposition', OPPOSITION_COLUMNS, stand)}"
            f" WHERE person IN ({keys}) AND (scope = 'all' OR advertiser = ?1)",
        ),
        ("person, at", 2, _ACT, f"FROM {_table('act', 'person, advertiser, at', stand)} {of_person}"),
    )
    selects = (f"SELECT {what}{', NULL' * (_WIDTH - width)}, {kind} {where}" for what, width, kind, where in parts)
    return " UNION ALL ".join(selects)


def _table(name: str, columns: str, stand: str) -> str:
    """The table as it stands, or as it stood: what is there since then at the latest, and what ended only after."""
    if not stand:
        return name
    return (
        f"(SELECT {columns} FROM {name} WHERE since <= {stand} UNION ALL"  # noqa: S608 our own words
        f" SELECT {columns} FROM {name}_past WHERE since <= {stand} AND until > {stand})"
    )


def _consent_columns(stand: str) -> str:
    if not stand:
        return CONSENT_COLUMNS + ", id"
    return CONSENT_COLUMNS.replace("withdrawn_at", f"CASE WHEN ended > {stand} THEN NULL ELSE withdrawn_at END") + ", id"


def _marks(past: bool) -> str:
    if not past:
        return f"{_mark(STAND)}, {_mark(FOREIGN_HASH)}"
    return f"{_mark(HISTORY)}, (SELECT max(stand) FROM erased WHERE person = ?2 AND advertiser IN ('', ?1))"  # noqa: S608 our own words


def _mark(name: str) -> str:
    return f"(SELECT at FROM mark WHERE name = '{name}')"  # noqa: S608 our own words


def _by_person(records: Iterable[Of]) -> dict[PersonKey, list[Of]]:
    found: dict[PersonKey, list[Of]] = {}
    for record in records:
        found.setdefault(record.person, []).append(record)
    return found
