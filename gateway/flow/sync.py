"""Makes our suppressions and a provider's list agree: reads what is new there, and tells it who opposed here.

Only oppositions and complaints are told, only where the person's address is still known, and nothing is ever taken off a list.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.core.change import MoveCursor, Remember
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey
from gateway.core.record import Block, Opposition, Scope
from gateway.flow.back_ports import Returns
from gateway.flow.bounces import MEMORY
from gateway.flow.ports import Book, Clock, Vault
from gateway.flow.provider_events import Batch, ProviderEvents, Source

OVERLAP = timedelta(days=1)
"""Entries of the last day are read again: their clock is not ours, and an entry counts once."""

_WILL = (Block.OPPOSED, Block.COMPLAINED)


class Listing(Protocol):
    """A provider's suppression list."""

    at_once: int
    """How many addresses one call may add."""

    def pages(self, since: datetime | None) -> AsyncIterator[Batch]:
        """Its entries since then, or all, a page at a time; Unavailable where it does not answer."""

    async def add(self, addresses: Sequence[str]) -> None:
        """Put these on it; Unavailable where that was not confirmed."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """How many entries were read, and how many of them were new here."""

    entries: int
    fresh: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many people were told, were told before, and could not be told because no address of theirs is known."""

    told: int
    known: int
    nameless: int


class Sync:
    """Both directions, for one provider at a time."""

    def __init__(self, book: Book, returns: Returns, events: ProviderEvents, vault: Vault, clock: Clock) -> None:
        self._book = book
        self._returns = returns
        self._events = events
        self._vault = vault
        self._clock = clock

    async def pull(self, source: Source, listing: Listing) -> Pulled:
        """Record what is new; the place is remembered once all of it is recorded, so an end half-way is begun again."""
        begun = self._clock.now()
        cursor = await self._returns.cursor(_cursor(source))
        since = datetime.fromisoformat(cursor) - OVERLAP if cursor else None
        entries = fresh = 0
        async for page in listing.pages(since):
            entries += len(page.occurrences)
            fresh += await self._events.file(source, page) or 0
        event = Event(begun, Kind.IMPORT, "suppressions", tool=source.name, detail=f"rows={entries}; new={fresh}")
        await self._book.commit([event], [MoveCursor(_cursor(source), begun.isoformat())])
        return Pulled(entries, fresh)

    async def push(self, source: Source, listing: Listing, advertisers: Collection[str]) -> Pushed:
        """Tell it who opposed, so many a call; what it confirmed is remembered with the evidence, and not told again."""
        meant = frozenset(source.advertisers or advertisers)
        people = list(dict.fromkeys(one.person for one in await self._book.oppositions() if _concerns(one, meant)))
        marks = {person: _mark(source, person) for person in people}
        known = await self._returns.remembered(list(marks.values()), self._clock.now() - MEMORY)
        told = nameless = 0
        waiting: list[tuple[PersonKey, str]] = []
        for person in (one for one in people if marks[one] not in known):
            sealed = (await self._book.dossier(person)).sealed_address
            if not sealed:
                nameless += 1  # a domain, a foreign hash, or somebody erased: nobody can be named to anybody
                continue
            waiting.append((person, self._vault.open(sealed).decode()))
            if len(waiting) == listing.at_once:
                told += await self._tell(source, listing, waiting, marks)
                waiting = []
        if waiting:
            told += await self._tell(source, listing, waiting, marks)
        return Pushed(told, len(known), nameless)

    async def _tell(
        self, source: Source, listing: Listing, people: Sequence[tuple[PersonKey, str]], marks: dict[PersonKey, bytes]
    ) -> int:
        await listing.add([address for _, address in people])
        now = self._clock.now()
        event = Event(now, Kind.EXPORT, "suppressions", tool=source.name, detail=f"rows={len(people)}")
        await self._book.commit([event], [Remember(marks[person], now) for person, _ in people])
        return len(people)


def _concerns(one: Opposition, advertisers: frozenset[str]) -> bool:
    """Whether it is a person's will that reaches every mail of an advertiser: one stream's opposition leaves the others alone."""
    return one.block in _WILL and (one.scope is Scope.ALL or (one.scope is Scope.ADVERTISER and one.advertiser in advertisers))


def _cursor(source: Source) -> str:
    return f"suppressions of {source.name}"


def _mark(source: Source, person: PersonKey) -> bytes:
    return hashlib.sha256(b"told\0%b\0%b" % (source.name.encode(), person)).digest()
