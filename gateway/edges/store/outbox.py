"""What partners and tools must still be told, and what they were told, in SQLite; the book's commits write it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from gateway.core.change import Errand
from gateway.core.model import PersonKey
from gateway.core.record import Scope
from gateway.edges.store.database import Database, Row
from gateway.edges.store.instant import instant, micros
from gateway.flow.back_ports import Note

_PAGE = 32
"""Notes read in one step, so that a long list does not hold the loop."""

_NOTE = "SELECT id, partner, person, advertiser, scope, at, errand, attempts, said, alarmed, due_at, sealed_address FROM outbox"
_PENDING = _NOTE + " WHERE id > ?1 ORDER BY id LIMIT ?2"
_PENDING_OF = _NOTE + " WHERE id > ?1 AND partner = ?3 ORDER BY id LIMIT ?2"
_DUE = _NOTE + " WHERE due_at <= ?1 AND (due_at, id) > (?2, ?3) ORDER BY due_at, id LIMIT ?4"
_BEFORE_ALL = (-(2**63), 0)
_NEXT_DUE = "SELECT min(due_at) FROM outbox"

_TOLD = "SELECT id, partner, person, advertiser, scope, at, errand, attempts, said, alarmed, told_at, receipt, done FROM told"
_RECEIPTS = _TOLD + " WHERE (told_at, id) > (?1, ?2) ORDER BY told_at, id LIMIT ?3"
_RECEIPTS_OF = _TOLD + " WHERE partner = ?4 AND (told_at, id) > (?1, ?2) ORDER BY told_at, id LIMIT ?3"


class SqliteOutbox:
    """`back_ports.Outbox`: a note waits until its partner has acknowledged, and is a receipt from then on (R-FR-35)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, partner: str = "") -> Sequence[Note]:
        """See `back_ports.Outbox`; in the order in which they were recorded."""
        sql, of = (_PENDING_OF, (partner,)) if partner else (_PENDING, ())
        found: list[Note] = []
        while page := self._database.rows(sql, (found[-1].id if found else 0, _PAGE, *of)):
            found.extend(waiting(row) for row in page)
            await asyncio.sleep(0)
        return found

    async def due(self, now: datetime, limit: int) -> Sequence[Note]:
        """See `back_ports.Outbox`; in the order in which they came due."""
        found: list[Note] = []
        after: Row = _BEFORE_ALL
        while page := self._database.rows(_DUE, (micros(now), *after, min(_PAGE, limit - len(found)))):
            found.extend(waiting(row) for row in page)
            after = (page[-1][10], page[-1][0])
            await asyncio.sleep(0)
        return found

    async def next_due(self) -> datetime | None:
        """See `back_ports.Outbox`."""
        ((at,),) = self._database.rows(_NEXT_DUE)
        return None if at is None else instant(at)

    async def receipts(self, since: datetime, partner: str = "") -> Sequence[Note]:
        """See `back_ports.Outbox`; given up ones too."""
        sql, of = (_RECEIPTS_OF, (partner,)) if partner else (_RECEIPTS, ())
        found: list[Note] = []
        after = (micros(since), 0)
        while page := self._database.rows(sql, (*after, _PAGE, *of)):
            found.extend(ended(row) for row in page)
            after = (page[-1][10], page[-1][0])
            await asyncio.sleep(0)
        return found


def waiting(row: Row) -> Note:
    """A row of a note that waits."""
    due, sealed = row[10:]
    return _note(row, sealed_address=sealed, due_at=instant(due))


def ended(row: Row) -> Note:
    """A row of a note that was told or given up."""
    told, receipt, done = row[10:]
    return _note(row, told_at=instant(told), receipt=receipt, done=bool(done))


def _note(
    row: Row,
    sealed_address: bytes = b"",
    due_at: datetime | None = None,
    told_at: datetime | None = None,
    receipt: str = "",
    done: bool = False,
) -> Note:
    number, partner, person, advertiser, scope, at, errand, attempts, said, alarmed = row[:10]
    return Note(
        id=number,
        partner=partner,
        person=PersonKey(person),
        advertiser=advertiser,
        scope=Scope(scope),
        at=instant(at),
        errand=Errand(errand),
        sealed_address=sealed_address,
        attempts=attempts,
        due_at=due_at,
        said=said,
        alarmed=alarmed,
        told_at=told_at,
        receipt=receipt,
        done=done,
    )
