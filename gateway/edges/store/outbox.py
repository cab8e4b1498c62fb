"""What partners must still be told, in SQLite; notes are put in by the book's commits, with the opposition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.core.model import PersonKey
from gateway.core.record import Scope
from gateway.edges.store.database import Database
from gateway.edges.store.instant import instant
from gateway.flow.back_ports import Note

_PAGE = 500
_PENDING = """
    SELECT id, partner, person, advertiser, scope, at FROM outbox
    WHERE id > ?1 AND (?2 = '' OR partner = ?2) ORDER BY id LIMIT ?3
"""


class SqliteOutbox:
    """`ports.Outbox`: a row is there until its partner has acknowledged."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, partner: str = "") -> Sequence[Note]:
        """See `ports.Outbox`; in the order in which they were recorded."""
        found: list[Note] = []
        while page := self._database.rows(_PENDING, (found[-1].id if found else 0, partner, _PAGE)):
            found.extend(
                Note(number, name, PersonKey(person), advertiser, Scope(scope), instant(at))
                for number, name, person, advertiser, scope, at in page
            )
            await asyncio.sleep(0)
        return found
