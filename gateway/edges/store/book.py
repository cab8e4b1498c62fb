"""The book in SQLite: facts read on the loop in microseconds, changes and events written in one commit.

Decides nothing and opens no seal: keys and ciphertexts go in and come out as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache

import apsw

from gateway.core.change import FACTUAL, Change
from gateway.core.evidence import Event
from gateway.core.model import PersonKey, Ref, Tool
from gateway.core.record import Consent, Facts, Opposition, Who
from gateway.edges.store import changes as write
from gateway.edges.store.database import Database, Row
from gateway.edges.store.facts import read
from gateway.edges.store.instant import micros
from gateway.edges.store.journal import prepare
from gateway.edges.store.rows import CONSENT, OPPOSITION, TOOL, consent, opposition, tool
from gateway.edges.store.writer import Job
from gateway.flow.ports import Reading

_KEYS_AT_ONCE = 256
_PAGE = 500

_ACCEPTED = "SELECT key FROM accepted WHERE key IN (KEYS) AND at >= ?"

_OPPOSITIONS_OF = OPPOSITION + " WHERE person = ?"
_OPPOSITIONS_AFTER = (
    OPPOSITION + " WHERE (person, block, scope, advertiser, stream) > (?, ?, ?, ?, ?) ORDER BY 1, 2, 3, 4, 5 LIMIT ?"
)
_CONSENTS_OF = CONSENT + " WHERE id > ?1 AND (?2 = '' OR advertiser = ?2) AND person = ?4 ORDER BY id LIMIT ?3"
_CONSENTS_AFTER = CONSENT + " WHERE id > ?1 AND (?2 = '' OR advertiser = ?2) ORDER BY id LIMIT ?3"


class SqliteBook:
    """`ports.Book` over one file, whose chain numbers and links the events of its commits."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hashes = False

    async def facts(self, advertiser: str, who: Sequence[Who]) -> Sequence[Facts]:
        """See `ports.Book`; history and withdrawn consents included, oldest first."""
        return read(self._database, advertiser, who).facts

    async def read(self, advertiser: str, who: Sequence[Who]) -> Reading:
        """See `ports.Book`."""
        return read(self._database, advertiser, who)

    async def stand(self) -> int:
        """See `ports.Book`; counted in the commit that changes the facts, whichever process makes it."""
        found = self._database.rows("SELECT at FROM mark WHERE name = ?", (write.STAND,))
        return int(found[0][0]) if found else 0

    async def accepted(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `ports.Book`."""
        return frozenset(row[0] for row in self._of_keys(_ACCEPTED, set(keys), micros(since)))

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """See `ports.Book`; state, outbox and journal are one transaction."""
        return await self.post(events, changes)

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """See `ports.Book`; a future of the running loop, which may be dropped."""
        return self._database.append(prepare(events), _job(tuple(changes)) if changes else None)

    async def tool(self, name: str) -> Tool | None:
        """See `ports.Book`."""
        found = self._database.rows(TOOL + " WHERE name = ?", (name,))
        return tool(found[0]) if found else None

    async def tools(self) -> Sequence[Tool]:
        """See `ports.Book`; by name."""
        return [tool(row) for row in self._database.rows(TOOL + " ORDER BY name")]

    async def oppositions(self, person: PersonKey | None = None) -> Sequence[Opposition]:
        """See `ports.Book`; everyone's are read page by page, so that the loop goes on meanwhile."""
        if person is not None:
            return [opposition(row) for row in self._database.rows(_OPPOSITIONS_OF, (person,))]
        found: list[Opposition] = []
        after: Row = (b"", "", "", "", "")
        while page := self._database.rows(_OPPOSITIONS_AFTER, (*after, _PAGE)):
            found.extend(opposition(row) for row in page)
            after = page[-1][:5]
            await asyncio.sleep(0)
        return found

    async def consents(self, person: PersonKey | None = None, advertiser: str = "") -> Sequence[tuple[Consent, bytes]]:
        """See `ports.Book`; everyone's are read page by page."""
        sql, one = (_CONSENTS_AFTER, ()) if person is None else (_CONSENTS_OF, (person,))
        found: list[tuple[Consent, bytes]] = []
        after = 0
        while page := self._database.rows(sql, (after, advertiser, _PAGE, *one)):
            found.extend((consent(row), row[-2]) for row in page)
            after = page[-1][-1]
            await asyncio.sleep(0)
        return found

    async def has_hashes(self) -> bool:
        """See `ports.Book`; another process may have filed the first, so a no is asked again each time."""
        self._hashes = self._hashes or bool(self._database.rows("SELECT 1 FROM mark WHERE name = ?", (write.FOREIGN_HASH,)))
        return self._hashes

    async def own_unsubscribe(self, person: PersonKey, stream: str) -> bytes | None:
        """See `ports.Book`."""
        found = self._database.rows("SELECT sealed_header FROM own_unsubscribe WHERE person = ? AND stream = ?", (person, stream))
        return found[0][0] if found else None

    async def touch_probe(self, now: datetime) -> None:
        """See `ports.Book`."""
        at = micros(now)
        await self._database.write(lambda connection: write.mark(connection, write.PROBE, at))

    def _of_keys(self, sql: str, keys: Iterable[bytes], last: int) -> list[Row]:
        wanted = list(keys)
        if len(wanted) <= _KEYS_AT_ONCE:
            return self._some_keys(sql, wanted, last)
        parts = range(0, len(wanted), _KEYS_AT_ONCE)
        return [row for start in parts for row in self._some_keys(sql, wanted[start : start + _KEYS_AT_ONCE], last)]

    def _some_keys(self, sql: str, keys: list[bytes], last: int) -> list[Row]:
        if not keys:
            return []
        places = 1 << (len(keys) - 1).bit_length()
        spare = keys[:1] * (places - len(keys))
        return self._database.rows(_with_places(sql, places), (*keys, *spare, last))


def _job(changes: Sequence[Change]) -> Job:
    def job(connection: apsw.Connection) -> None:
        for change in changes:
            write.apply(connection, change)
        if any(isinstance(change, FACTUAL) for change in changes):
            write.count(connection, write.STAND)

    return job


@lru_cache(maxsize=64)
def _with_places(sql: str, places: int) -> str:
    """The statement for that many keys; few sizes, so that SQLite's statement cache knows them all."""
    return sql.replace("KEYS", ",".join("?" * places))
