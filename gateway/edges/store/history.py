"""Reads what stood earlier, and all there is about one person: arrangements by stand, stands by time, the dossier."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from gateway.core.model import PersonKey
from gateway.core.record import Arrangements, Consent, Opposition
from gateway.edges.store.database import Database, Row
from gateway.edges.store.instant import instant, micros
from gateway.edges.store.office import ENROLMENT, TASK, TRANSFER, enrolment, task, transfer
from gateway.edges.store.rows import (
    CONSENT,
    NOTICE_COLUMNS,
    OPPOSITION,
    OPPOSITION_COLUMNS,
    arrangements,
    notice,
    opposition,
    whole_consent,
)
from gateway.flow.ports import Dossier, Ended

T = TypeVar("T")

_LISTS = "SELECT collector, version, at, partners, reason, id FROM partner_list"
_PAUSES = "SELECT NULL, stream, NULL, NULL, NULL, NULL FROM pause"
_NOW = f"{_LISTS} UNION ALL {_PAUSES} ORDER BY 1, 3, 6"
_THEN = (
    f"{_LISTS} WHERE since <= ?1 UNION ALL {_PAUSES} WHERE since <= ?1"
    f" UNION ALL {_PAUSES}_past WHERE since <= ?1 AND until > ?1 ORDER BY 1, 3, 6"
)
_STOOD_AT = "SELECT at FROM stood WHERE stand = ?"

_CONSENTS = CONSENT + " WHERE person = ? ORDER BY id"
_OPPOSITIONS = OPPOSITION + " WHERE person = ?"
_LIFTED = "SELECT " + OPPOSITION_COLUMNS + ", (SELECT at FROM stood WHERE stand = until) FROM opposition_past WHERE person = ?"  # noqa: S608
_NOTICES = "SELECT " + NOTICE_COLUMNS + " FROM notice WHERE person = ?"  # noqa: S608
_TRANSFERS = TRANSFER + " WHERE person = ? ORDER BY at, id"
_ENROLMENTS = ENROLMENT + " WHERE person = ? ORDER BY asked_at, id"
_ACTS = "SELECT advertiser, at FROM act WHERE person = ?"
_OWN = "SELECT stream FROM own_unsubscribe WHERE person = ?"
_UNTOLD = "SELECT DISTINCT partner FROM outbox WHERE person = ? AND errand = 'partner' ORDER BY partner"
_TASKS = TASK + " WHERE person = ? ORDER BY opened_at, id"


def arrangements_now(database: Database) -> Arrangements:
    """What holds for everybody alike, of one moment."""
    return arrangements(database.rows(_NOW))


def arrangements_then(database: Database, stand: int) -> Arrangements:
    """The same as it was at that stand; lists are never erased."""
    return arrangements(database.rows(_THEN, (stand,)))


def stand_at(database: Database, at: datetime) -> int:
    """The last stand reached by then; stands follow each other without a gap and their times never go back."""
    ((first, last),) = database.rows("SELECT min(stand), max(stand) FROM stood")
    if first is None:
        return 0
    stands = range(first, last + 1)
    before = bisect_right(stands, micros(at), key=lambda stand: database.rows(_STOOD_AT, (stand,))[0][0])
    return stands[before - 1] if before else 0


def dossier(database: Database, person: PersonKey) -> Dossier:
    """All that is stored about the person, read in one go on the loop."""
    records = [whole_consent(row) for row in database.rows(_CONSENTS, (person,))]
    enrolments = _of(database, _ENROLMENTS, person, enrolment)
    addresses = [*(one.sealed_address for one in enrolments), *(sealed for _, sealed in records)]
    return Dossier(
        consents=tuple(one for one, _ in records if one.withdrawn_at is None),
        oppositions=_of(database, _OPPOSITIONS, person, opposition),
        ended=(*_withdrawn([one for one, _ in records]), *_of(database, _LIFTED, person, _lifted)),
        notices=_of(database, _NOTICES, person, notice),
        transfers=_of(database, _TRANSFERS, person, transfer),
        enrolments=enrolments,
        acts=_of(database, _ACTS, person, lambda row: (str(row[0]), instant(row[1]))),
        own_unsubscribe=_of(database, _OWN, person, lambda row: str(row[0])),
        untold=_of(database, _UNTOLD, person, lambda row: str(row[0])),
        sealed_address=next((sealed for sealed in reversed(addresses) if sealed), b""),
        tasks=_of(database, _TASKS, person, task),
    )


def _of(database: Database, sql: str, person: PersonKey, read: Callable[[Row], T]) -> tuple[T, ...]:
    return tuple(read(row) for row in database.rows(sql, (person,)))


def _withdrawn(records: list[Consent]) -> list[Ended]:
    return [Ended(one, one.withdrawn_at) for one in records if one.withdrawn_at is not None]


def _lifted(row: Row) -> Ended:
    one: Opposition = opposition(row)
    return Ended(one, instant(row[-1]))
