"""The book in memory: a second implementation of `ports.Book` (and of the way back's ports) for the journeys' tests.

It keeps the promises of the real stores (atomic commits, earliest opposition kept, history kept) and can be made to fail:
`down` fails everything, `read_only` fails only what writes. What was written is open to look at: `events`, `changes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.core.change import (
    FACTUAL,
    Accept,
    Change,
    Count,
    Enlist,
    GiveNotice,
    KeepOwnUnsubscribe,
    Learn,
    Lift,
    NotePassing,
    Oppose,
    Pause,
    Publish,
    Resume,
    Stir,
    TakeBackNotice,
    Withdraw,
)
from gateway.core.evidence import Event, canonical
from gateway.core.model import PersonKey, Ref, Tool
from gateway.core.record import (
    Arrangements,
    Block,
    Consent,
    Facts,
    NoticeGiven,
    Opposition,
    PartnerList,
    Scope,
    Transfer,
    Who,
)
from gateway.flow.ports import Entry, Reading, Tally, Unavailable
from tests.support.returned import MemoryReturns

OppositionId = tuple[PersonKey, Block, Scope, str, str]


@dataclass
class MemoryBook(MemoryReturns):
    """People, oppositions, consents, notices, tools and notes to partners, in plain lists."""

    hashes: bool = False
    events: list[Event] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    probes: list[datetime] = field(default_factory=list)
    reads: int = 0
    _stand: int = 0
    _oppositions: dict[OppositionId, Opposition] = field(default_factory=dict)
    _notices: list[NoticeGiven] = field(default_factory=list)
    _tools: dict[str, Tool] = field(default_factory=dict)
    _accepted: dict[bytes, datetime] = field(default_factory=dict)
    _tallies: dict[tuple[str, str, str, datetime], int] = field(default_factory=dict)
    _own: dict[tuple[PersonKey, str], bytes] = field(default_factory=dict)
    _lists: dict[str, tuple[PartnerList, ...]] = field(default_factory=dict)
    _paused: set[str] = field(default_factory=set)
    _transfers: list[Transfer] = field(default_factory=list)
    _acts: dict[tuple[PersonKey, str], datetime] = field(default_factory=dict)

    async def facts(self, advertiser: str, who: Sequence[Who]) -> Sequence[Facts]:
        """See `ports.Book`."""
        self._readable()
        self.reads += 1
        return [self._of(advertiser, one) for one in who]

    async def read(self, advertiser: str, who: Sequence[Who]) -> Reading:
        """See `ports.Book`."""
        return Reading(await self.facts(advertiser, who), self._stand, self.hashes)

    async def stand(self) -> int:
        """See `ports.Book`."""
        self._readable()
        return self._stand

    async def accepted(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `ports.Book`."""
        self._readable()
        return frozenset(key for key in keys if key in self._accepted and self._accepted[key] >= since)

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """See `ports.Book`; references are `memory-1`, `memory-2`..."""
        return await self.post(events, changes)

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """See `ports.Book`; a failure waits for who awaits it."""
        posted: asyncio.Future[Sequence[Ref]] = asyncio.get_running_loop().create_future()
        try:
            posted.set_result(self._write(events, changes))
        except Unavailable as error:
            posted.set_exception(error)
            posted.exception()
        return posted

    async def tool(self, name: str) -> Tool | None:
        """See `ports.Book`."""
        self._readable()
        return self._tools.get(name)

    async def tools(self) -> Sequence[Tool]:
        """See `ports.Book`."""
        self._readable()
        return list(self._tools.values())

    async def oppositions(self, person: PersonKey | None = None) -> Sequence[Opposition]:
        """See `ports.Book`."""
        self._readable()
        return [one for one in self._oppositions.values() if person in (None, one.person)]

    async def consents(self, person: PersonKey | None = None, advertiser: str = "") -> Sequence[tuple[Consent, bytes]]:
        """See `ports.Book`."""
        self._readable()
        return [
            (consent, sealed)
            for consent, sealed in self._consents
            if person in (None, consent.person) and advertiser in ("", consent.advertiser)
        ]

    async def arrangements(self) -> Arrangements:
        """See `ports.Book`."""
        self._readable()
        return Arrangements(dict(self._lists), frozenset(self._paused))

    async def transfers(self, person: PersonKey | None = None, partner: str = "") -> Sequence[Transfer]:
        """See `ports.Book`."""
        self._readable()
        return [one for one in self._transfers if person in (None, one.person) and partner in ("", one.partner)]

    async def has_hashes(self) -> bool:
        """See `ports.Book`."""
        self._readable()
        return self.hashes

    async def own_unsubscribe(self, person: PersonKey, stream: str) -> bytes | None:
        """See `ports.Book`."""
        self._readable()
        return self._own.get((person, stream))

    async def tallies(self, since: datetime) -> Sequence[Tally]:
        """See `ports.Book`."""
        self._readable()
        return [Tally(*key, count) for key, count in self._tallies.items() if key[3] > since - timedelta(hours=1)]

    async def touch_probe(self, now: datetime) -> None:
        """See `ports.Book`."""
        self._writable()
        self.probes.append(now)

    def _write(self, events: Sequence[Event], changes: Sequence[Change]) -> Sequence[Ref]:
        self._writable()
        for change in changes:
            self._apply(change)
        first = len(self.events) + 1
        self.events.extend(events)
        self.changes.extend(changes)
        return [Ref(f"memory-{number}") for number in range(first, first + len(events))]

    def _of(self, advertiser: str, who: Who) -> Facts:
        keys = {who.person, *who.also}
        return Facts(
            tuple(one for one, _ in self._consents if one.person == who.person and one.advertiser == advertiser),
            tuple(
                one
                for one in self._oppositions.values()
                if one.person in keys and (one.scope is Scope.ALL or one.advertiser == advertiser)
            ),
            tuple(one for one in self._notices if one.person == who.person and one.advertiser == advertiser),
            self._acts.get((who.person, advertiser)),
        )

    def _apply(self, change: Change) -> None:
        self._stand += isinstance(change, FACTUAL)
        match change:
            case Oppose(new, foreign_hash):
                self.hashes = self.hashes or foreign_hash
                known = self._oppositions.get(_id(new))
                self._oppositions[_id(new)] = new if known is None or new.at < known.at else known
            case Lift(person, block, scope, advertiser, stream):
                self._oppositions.pop((person, block, scope, advertiser, stream), None)
            case Learn(consent, sealed):
                self._consents.append((consent, sealed))
            case Withdraw():
                self._consents = [(_withdrawn(consent, change), sealed) for consent, sealed in self._consents]
            case GiveNotice(notice):
                self._notices.append(notice)
            case TakeBackNotice(notice):
                self._notices = [one for one in self._notices if one != notice]
            case Accept(key, at):
                self._accepted[key] = at
            case KeepOwnUnsubscribe(person, stream, sealed, _):
                self._own[person, stream] = sealed
            case Enlist(tool):
                self._tools[tool.name] = tool
            case Publish(version):
                known = self._lists.get(version.collector, ())
                if all(one.version != version.version for one in known):
                    self._lists[version.collector] = (*known, version)
            case Pause(stream):
                self._paused.add(stream)
            case Resume(stream):
                self._paused.discard(stream)
            case NotePassing(transfer):
                self._transfers.append(transfer)
            case Stir(person, advertiser, at):
                self._acts[person, advertiser] = max(at, self._acts.get((person, advertiser), at))
            case Count(stream, provider, what, at):
                key = stream, provider, what, at.replace(minute=0, second=0, microsecond=0)
                self._tallies[key] = self._tallies.get(key, 0) + 1
            case _:
                self._take_back(change)


def _id(one: Opposition) -> OppositionId:
    return one.person, one.block, one.scope, one.advertiser, one.stream


def _withdrawn(consent: Consent, by: Withdraw) -> Consent:
    meant = (consent.person, consent.advertiser) == (by.person, by.advertiser) and by.purpose in ("", consent.purpose)
    return replace(consent, withdrawn_at=by.at) if meant and consent.withdrawn_at is None else consent


@dataclass
class MemoryJournal:
    """Implements `ports.Journal` over what a `MemoryBook` was told; hashes are left out."""

    book: MemoryBook

    def entries(self, writer: str = "", after: int = 0) -> AsyncIterator[Entry]:
        """See `ports.Journal`."""
        return self._entries(after)

    async def _entries(self, after: int) -> AsyncIterator[Entry]:
        for one in self._all()[after:]:
            yield one

    async def entry(self, ref: Ref) -> Entry | None:
        """See `ports.Journal`."""
        return next((one for one in self._all() if f"{one.writer}-{one.seq}" == ref), None)

    async def of_person(self, person: PersonKey) -> Sequence[Entry]:
        """See `ports.Journal`."""
        return [one for one, event in zip(self._all(), self.book.events, strict=True) if event.person == person.hex()]

    async def heads(self) -> Sequence[tuple[str, int, bytes]]:
        """See `ports.Journal`."""
        return [(one.writer, one.seq, one.hash) for one in self._all()[-1:]]

    def _all(self) -> list[Entry]:
        self.book._readable()
        return [Entry("memory", number, canonical(event), b"") for number, event in enumerate(self.book.events, 1)]
