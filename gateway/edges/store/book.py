"""The book in SQLite: facts read on the loop in microseconds, changes and events written in one commit.

Decides nothing and opens no seal: keys and ciphertexts go in and come out as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from gateway.core.change import Change
from gateway.core.evidence import Event
from gateway.core.model import PersonKey, Ref, Tool
from gateway.core.record import ApiKey, Arrangements, Consent, Enrolment, Facts, Opposition, Ruling, Transfer, Who
from gateway.edges.store import history, office
from gateway.edges.store.changes import HOUR, job
from gateway.edges.store.compact import compact
from gateway.edges.store.database import Database, Row
from gateway.edges.store.facts import read, read_at
from gateway.edges.store.instant import micros
from gateway.edges.store.journal import prepare
from gateway.edges.store.leases import fenced
from gateway.edges.store.marks import FOREIGN_HASH, PROBE, STAND, mark
from gateway.edges.store.protected import Protected
from gateway.edges.store.rows import CONSENT, OPPOSITION, opposition, whole_consent
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Dossier, Reading, Tally

_KEYS_AT_ONCE = 256
_PAGE = 500
_SMALL_PAGE = 200
"""Of rows that take long to read back: a page never holds the loop for more than some milliseconds."""

_MARKED = "SELECT at FROM mark WHERE name = ?"
_ACCEPTED = "SELECT key FROM accepted WHERE key IN (KEYS) AND at >= ?"

_OPPOSITIONS_OF = OPPOSITION + " WHERE person = ?"
_OPPOSITIONS_AFTER = (
    OPPOSITION + " WHERE (person, block, scope, advertiser, stream) > (?, ?, ?, ?, ?) ORDER BY 1, 2, 3, 4, 5 LIMIT ?"
)
_CONSENTS_OF = CONSENT + " WHERE id > ?1 AND (?2 = '' OR advertiser = ?2) AND person = ?4 ORDER BY id LIMIT ?3"
_CONSENTS_AFTER = CONSENT + " WHERE id > ?1 AND (?2 = '' OR advertiser = ?2) ORDER BY id LIMIT ?3"
_REGISTER = CONSENT + " WHERE (person, id) > (?1, ?2) AND (?3 = '' OR advertiser = ?3) ORDER BY person, id LIMIT ?4"
_TRANSFERS_OF = office.TRANSFER + " WHERE person = ?1 AND (?2 = '' OR partner = ?2) ORDER BY at, id"
_TRANSFERS_AFTER = office.TRANSFER + " WHERE id > ?1 ORDER BY id LIMIT ?2"
_TRANSFERS_TO = office.TRANSFER + " WHERE id > ?1 AND partner = ?3 ORDER BY id LIMIT ?2"
_ENROLMENTS_OF = office.ENROLMENT + " WHERE person = ? ORDER BY asked_at, id"
_ENROLMENTS_AFTER = office.ENROLMENT + " WHERE (asked_at, id) > (?, ?) ORDER BY asked_at, id LIMIT ?"
_TALLIES = office.TALLY + " WHERE hour > ? ORDER BY hour, stream, provider, what"
_LEFTOVERS = "SELECT (SELECT count(*) FROM accepted WHERE at < ?), (SELECT count(*) FROM kept WHERE at < ?)"

T = TypeVar("T")


class SqliteBook:
    """`ports.Book` over one file, whose chain numbers and links the events of its commits; `lease` fences them."""

    def __init__(self, database: Database, protected: Protected, lease: Lease | None = None) -> None:
        self._database = database
        self._protected = protected
        self._lease = lease
        self._hashes = False

    def under(self, lease: Lease) -> SqliteBook:
        """See `lease_ports.LeasedBook`."""
        return SqliteBook(self._database, self._protected, lease)

    async def facts(self, advertiser: str, who: Sequence[Who]) -> Sequence[Facts]:
        """See `ports.Book`; history and withdrawn consents included, oldest first."""
        return read(self._database, advertiser, who).facts

    async def read(self, advertiser: str, who: Sequence[Who]) -> Reading:
        """See `ports.Book`."""
        return read(self._database, advertiser, who)

    async def stand(self) -> int:
        """See `ports.Book`; counted in the commit that changes the facts, whichever process makes it."""
        found = self._database.rows(_MARKED, (STAND,))
        return int(found[0][0]) if found else 0

    async def accepted(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `ports.Book`."""
        return frozenset(row[0] for row in self._of_keys(_ACCEPTED, set(keys), micros(since)))

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """See `ports.Book`; state, outbox and journal are one transaction."""
        return await self.post(events, changes)

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """See `ports.Book`; a future of the running loop, which may be dropped."""
        prepared = prepare(events)
        writing = None
        if changes:
            written = tuple(changes)
            writing = self._protected.noted(written, job(written, max([at for _, at, _ in prepared], default=None)))
        return self._database.append(prepared, fenced(self._lease, writing) if self._lease else writing)

    async def tool(self, name: str) -> Tool | None:
        """See `ports.Book`."""
        return self._one(office.TOOL + " WHERE name = ?", name, office.tool)

    async def tools(self) -> Sequence[Tool]:
        """See `ports.Book`; by name."""
        return [office.tool(row) for row in self._database.rows(office.TOOL + " ORDER BY name")]

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
            found.extend(whole_consent(row) for row in page)
            after = page[-1][-1]
            await asyncio.sleep(0)
        return found

    async def register(self, advertiser: str = "") -> AsyncIterator[tuple[Consent, bytes]]:
        """See `ports.Book`; a record filed meanwhile may or may not come."""
        after: Row = (b"", 0)
        while page := self._database.rows(_REGISTER, (*after, advertiser, _SMALL_PAGE)):
            for row in page:
                yield whole_consent(row)
            after = (page[-1][0], page[-1][-1])
            await asyncio.sleep(0)

    async def arrangements(self) -> Arrangements:
        """See `ports.Book`; of one moment."""
        return history.arrangements_now(self._database)

    async def facts_at(self, advertiser: str, who: Who, stand: int) -> Facts | None:
        """See `ports.Book`; None too for a time from which the file kept no history yet."""
        return read_at(self._database, advertiser, who, stand)

    async def stand_at(self, at: datetime) -> int:
        """See `ports.Book`."""
        return history.stand_at(self._database, at)

    async def arrangements_at(self, stand: int) -> Arrangements:
        """See `ports.Book`."""
        return history.arrangements_then(self._database, stand)

    async def ruling(self, label: str) -> Ruling | None:
        """See `ports.Book`."""
        return self._one(office.RULING + " WHERE label = ? LIMIT 1", label, office.ruling)

    async def rulings(self, kind: str = "") -> Sequence[Ruling]:
        """See `ports.Book`; in the order in which they were adopted."""
        return [office.ruling(row) for row in self._database.rows(office.RULING + " WHERE ?1 IN ('', kind) ORDER BY id", (kind,))]

    async def transfers(self, person: PersonKey | None = None, partner: str = "") -> Sequence[Transfer]:
        """See `ports.Book`; everyone's in the order in which they were recorded, page by page."""
        if person is not None:
            return [office.transfer(row) for row in self._database.rows(_TRANSFERS_OF, (person, partner))]
        sql, one = (_TRANSFERS_TO, (partner,)) if partner else (_TRANSFERS_AFTER, ())
        found: list[Transfer] = []
        after = 0
        while page := self._database.rows(sql, (after, _PAGE, *one)):
            found.extend(office.transfer(row) for row in page)
            after = page[-1][-1]
            await asyncio.sleep(0)
        return found

    async def enrolment(self, digest: bytes) -> Enrolment | None:
        """See `ports.Book`."""
        return self._one(office.ENROLMENT + " WHERE id = ?", digest, office.enrolment)

    async def enrolments(self, person: PersonKey | None = None) -> Sequence[Enrolment]:
        """See `ports.Book`; everyone's are read page by page."""
        if person is not None:
            return [office.enrolment(row) for row in self._database.rows(_ENROLMENTS_OF, (person,))]
        found: list[Enrolment] = []
        after: Row = (-(2**63), b"")
        while page := self._database.rows(_ENROLMENTS_AFTER, (*after, _SMALL_PAGE)):
            found.extend(office.enrolment(row) for row in page)
            after = (page[-1][5], page[-1][0])
            await asyncio.sleep(0)
        return found

    async def tallies(self, since: datetime) -> Sequence[Tally]:
        """See `ports.Book`; the hour that `since` falls in is among them."""
        return [office.tally(row) for row in self._database.rows(_TALLIES, (micros(since) - HOUR,))]

    async def api_key(self, name: str) -> ApiKey | None:
        """See `ports.Book`."""
        return self._one(office.API_KEY + " WHERE name = ?", name, office.api_key)

    async def api_keys(self) -> Sequence[ApiKey]:
        """See `ports.Book`; by name."""
        return [office.api_key(row) for row in self._database.rows(office.API_KEY + " ORDER BY name")]

    async def dossier(self, person: PersonKey) -> Dossier:
        """See `ports.Book`."""
        return history.dossier(self._database, person)

    async def leftovers(self, accepted_before: datetime, kept_before: datetime) -> tuple[int, int]:
        """See `ports.Book`."""
        ((keys, kept),) = self._database.rows(_LEFTOVERS, (micros(accepted_before), micros(kept_before)))
        return keys, kept

    async def compact(self) -> None:
        """See `ports.Book`; what was erased in it since the last time decides which table is written anew."""
        await compact(self._database)

    async def has_hashes(self) -> bool:
        """See `ports.Book`; another process may have filed the first, so a no is asked again each time."""
        self._hashes = self._hashes or bool(self._database.rows(_MARKED, (FOREIGN_HASH,)))
        return self._hashes

    async def own_unsubscribe(self, person: PersonKey, stream: str) -> bytes | None:
        """See `ports.Book`."""
        found = self._database.rows("SELECT sealed_header FROM own_unsubscribe WHERE person = ? AND stream = ?", (person, stream))
        return found[0][0] if found else None

    async def touch_probe(self, now: datetime) -> None:
        """See `ports.Book`."""
        at = micros(now)
        await self._database.write(lambda connection: mark(connection, PROBE, at))

    def _one(self, sql: str, key: str | bytes, of: Callable[[Row], T]) -> T | None:
        found = self._database.rows(sql, (key,))
        return of(found[0]) if found else None

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


@lru_cache(maxsize=64)
def _with_places(sql: str, places: int) -> str:
    """The statement for that many keys; few sizes, so that SQLite's statement cache knows them all."""
    return sql.replace("KEYS", ",".join("?" * places))
