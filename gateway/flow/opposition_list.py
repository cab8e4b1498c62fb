"""Reads lists of people who must not be mailed: one column of addresses, hashes or `@domain`, with or without a header.

An opposition is never refused for its date or for a column it does not need: only where nobody can say whom or what it stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from gateway.core.address import AddressFault, Identity
from gateway.core.change import Change
from gateway.core.evidence import Event
from gateway.core.model import PersonKey
from gateway.core.record import Block, Door, Opposition, Scope, Who
from gateway.flow.administer import Administer, Reach, Refused
from gateway.flow.intake import Batch, Rejecting, Row, Tally, breathe
from gateway.flow.ports import Book
from gateway.flow.subject import Algorithm, Kind, Subject, detect, of_domain

_WHO = ("address", "email", "e-mail", "mail", "email address", "adresse", "adresse e-mail", "adresse mail", "courriel")
_HASHES = ("hash", "md5", "sha256", "sha-256", "email hash", "hash md5", "hash sha256")
_DOMAINS = ("domain", "domaine")
_DATES = ("at", "date", "opposed at", "unsubscribed at", "date de desinscription")

Id = tuple[PersonKey, Scope, str, str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the cells stand that count; -1 for none. `header` says whether the first row is one."""

    who: int
    domains: bool
    header: bool
    scope: int = -1
    advertiser: int = -1
    stream: int = -1
    at: int = -1


def find_columns(identity: Identity, first: Sequence[str]) -> Columns | Refused:
    """Which column of a list holds whom, judged by its first row."""
    names = [cell.strip().lower().replace("_", " ") for cell in first]
    for known in (_WHO, _HASHES, _DOMAINS):
        for number, name in enumerate(names):
            if name in known:
                return Columns(
                    number,
                    domains=known is _DOMAINS,
                    header=True,
                    scope=_index(names, "scope"),
                    advertiser=_index(names, "advertiser"),
                    stream=_index(names, "stream"),
                    at=next((names.index(date) for date in _DATES if date in names), -1),
                )
    for number, cell in enumerate(first):
        if isinstance(detect(identity, cell), Subject):
            return Columns(number, domains=False, header=False)
    return Refused("No column of addresses, hashes or domains: name it 'address', 'hash' or 'domain' in the first line.")


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1


_Found = tuple[Subject, Reach, datetime]
"""A good row: who opposes, how far, since when."""


class OppositionReader:
    """`intake.Reader` for oppositions; `reach` is how far one goes whose row does not say."""

    what = "oppositions"

    def __init__(
        self,
        book: Book,
        identity: Identity,
        administer: Administer,
        columns: Columns,
        reach: Reach,
        algorithm: Algorithm | None = None,
    ) -> None:
        self._book = book
        self._identity = identity
        self._administer = administer
        self._columns = columns
        self._reach = reach
        self._algorithm = algorithm

    async def scan(self, rows: Sequence[Row], now: datetime) -> Sequence[tuple[Row, _Found | str]]:
        """See `intake.Reader`."""
        read: list[tuple[Row, _Found | str]] = []
        for number, row in enumerate(rows):
            await breathe(number)
            read.append((row, self._one(row, now)))
        return read

    async def weigh(self, scanned: Sequence[tuple[Row, _Found | str]], reject: Rejecting) -> Batch:
        """See `intake.Reader`."""
        found: list[_Found] = []
        for row, one in scanned:
            if isinstance(one, str):
                reject(row, one)
            else:
                found.append(one)
        standing = await self._standing({(reach.advertiser, subject.key) for subject, reach, _ in found})
        return await self._batch(found, standing, len(scanned) - len(found))

    async def _batch(self, found: Sequence[_Found], standing: set[Id], rejected: int) -> Batch:
        events: list[Event] = []
        changes: list[Change] = []
        for number, (subject, reach, at) in enumerate(found):
            await breathe(number)
            opposition = (subject.key, reach.scope, reach.advertiser, reach.stream)
            if opposition in standing:
                continue
            standing.add(opposition)
            event, following = await self._administer.meaning(subject, reach, Door.IMPORT, at)
            events.append(event)
            changes.extend(following)
        tally = Tally(recorded=len(events), known=len(found) - len(events), rejected=rejected)
        return Batch(events, changes, tally, partial(self._administer.look_again, changes))

    def _one(self, row: Row, now: datetime) -> _Found | str:
        if row.fault:
            return row.fault
        cell = self._cell(row, self._columns.who)
        subject = of_domain(self._identity, cell) if self._columns.domains else detect(self._identity, cell, self._algorithm)
        if isinstance(subject, AddressFault):
            return f"neither an address nor a hash ({subject.value})"
        if self._algorithm and subject.kind is not Kind.HASH:
            return f"not a hash of {self._algorithm}"
        reach = self._reach_of(row)
        return reach.sentence if isinstance(reach, Refused) else (subject, reach, read_date(self._cell(row, self._columns.at), now))

    def _reach_of(self, row: Row) -> Reach | Refused:
        scope, advertiser, stream = (
            self._cell(row, place) for place in (self._columns.scope, self._columns.advertiser, self._columns.stream)
        )
        if not (scope or advertiser or stream):
            return self._reach
        if scope and scope not in set(Scope):
            return Refused("scope is not 'stream', 'advertiser' or 'all'")
        return self._administer.reach(Scope(scope) if scope else None, advertiser or self._reach.advertiser, stream)

    @staticmethod
    def _cell(row: Row, place: int) -> str:
        return row.cells[place].strip() if 0 <= place < len(row.cells) else ""

    async def _standing(self, wanted: set[tuple[str, PersonKey]]) -> set[Id]:
        """Those oppositions that are on record already."""
        standing: set[Id] = set()
        for advertiser in {name for name, _ in wanted}:
            keys = [key for name, key in wanted if name == advertiser]
            for facts in await self._book.facts(advertiser, [Who(key) for key in keys]):
                standing |= {_id(one) for one in facts.oppositions if one.block is Block.OPPOSED}
        return standing


def _id(one: Opposition) -> Id:
    return one.person, one.scope, one.advertiser, one.stream


def read_date(text: str, now: datetime) -> datetime:
    """When the person opposed; a date that cannot be read, or lies ahead, is today: the opposition counts all the same."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return now
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), now)
