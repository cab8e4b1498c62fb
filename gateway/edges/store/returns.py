"""What came back and what waits because of it, read from SQLite; the book's commits write it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from gateway.core.model import PersonKey
from gateway.core.task import Kept, SoftRun, Task
from gateway.edges.store import office
from gateway.edges.store.database import Database
from gateway.edges.store.instant import instant, micros

_PAGE = 16
"""Of rows that may hold a whole mail each."""
_KEYS_AT_ONCE = 200

_TASKS = office.TASK + " WHERE (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?"
_OPEN_TASKS = office.TASK + " WHERE closed_at IS NULL AND (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?"
_BEFORE_ALL = (-(2**63), "")
_ROUTES = "SELECT sealed FROM routes WHERE person = ? AND stream = ?"
_SOFT = "SELECT count, first, last FROM soft_run WHERE person = ? AND advertiser = ?"
_REMEMBERED = "SELECT 1 FROM remembered WHERE key = ? AND at >= ?"
_CURSOR = "SELECT value FROM cursor WHERE name = ?"
_KEPT = "SELECT id, mailbox, sealed_mail, at FROM kept WHERE id > ?1 AND ?2 IN ('', mailbox) ORDER BY id LIMIT ?3"


class SqliteReturns:
    """`back_ports.Returns` over the file that the book writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tasks(self, *, closed: bool = False) -> Sequence[Task]:
        """See `back_ports.Returns`; page by page, as each may hold a mail."""
        sql = _TASKS if closed else _OPEN_TASKS
        found: list[Task] = []
        after: tuple[int, str] = _BEFORE_ALL
        while page := self._database.rows(sql, (*after, _PAGE)):
            found.extend(office.task(row) for row in page)
            after = (micros(found[-1].due_at), found[-1].id)
            await asyncio.sleep(0)
        return found

    async def task(self, task: str) -> Task | None:
        """See `back_ports.Returns`."""
        found = self._database.rows(office.TASK + " WHERE id = ?", (task,))
        return office.task(found[0]) if found else None

    async def routes(self, person: PersonKey, stream: str) -> bytes | None:
        """See `back_ports.Returns`."""
        found = self._database.rows(_ROUTES, (person, stream))
        return found[0][0] if found else None

    async def soft_run(self, person: PersonKey, advertiser: str) -> SoftRun | None:
        """See `back_ports.Returns`."""
        found = self._database.rows(_SOFT, (person, advertiser))
        return SoftRun(found[0][0], instant(found[0][1]), instant(found[0][2])) if found else None

    async def remembered(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `back_ports.Returns`."""
        found: set[bytes] = set()
        last = micros(since)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            found.update(key for key in some if self._database.rows(_REMEMBERED, (key, last)))
            await asyncio.sleep(0)
        return frozenset(found)

    async def cursor(self, name: str) -> str:
        """See `back_ports.Returns`."""
        found = self._database.rows(_CURSOR, (name,))
        return str(found[0][0]) if found else ""

    async def kept(self, mailbox: str = "") -> Sequence[Kept]:
        """See `back_ports.Returns`; page by page."""
        found: list[Kept] = []
        while page := self._database.rows(_KEPT, (found[-1].id if found else 0, mailbox, _PAGE)):
            found.extend(Kept(number, box, sealed, instant(at)) for number, box, sealed, at in page)
            await asyncio.sleep(0)
        return found
