"""Oppositions that go to a partner as a file, and the word of a person that they have arrived (R-FR-38).

A note stays open until that word; one that came in after the file was written is not ended by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.address import Address, shared_hash
from gateway.core.change import Change, Errand, NoteDone, OpenTask, TryAgain
from gateway.core.evidence import Event, Kind
from gateway.core.record import Scope
from gateway.core.task import Task
from gateway.flow.administer import Refused, unfit_note
from gateway.flow.back_ports import Note, Outbox, Returns
from gateway.flow.by_hand import GIVEN_UP, WRITTEN, task_id
from gateway.flow.ports import Book, Clock, Vault
from gateway.flow.telling import Line, address_of, opened_address

AGAIN = timedelta(hours=1)
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file: `whom` is the address, or its keyed hash where a key is shared (R-DP-24)."""

    whom: str
    scope: Scope
    advertiser: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What the file holds; `hashed` says that it names people by hash, `unknown` how many have no address on record."""

    entries: tuple[Entry, ...]
    hashed: bool
    unknown: int


class HandingOver:
    """Writes for one partner and ends what it was handed; `legal_names` are those of the advertisers by their names here."""

    def __init__(
        self,
        book: Book,
        outbox: Outbox,
        returns: Returns,
        lines: Mapping[str, Line],
        legal_names: Mapping[str, str],
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._book = book
        self._outbox = outbox
        self._returns = returns
        self._lines = lines
        self._legal_names = legal_names
        self._vault = vault
        self._clock = clock

    async def write(self, partner: str) -> Written | Refused:
        """Everything the partner must still be told; that it was written is on record before it is given out."""
        notes, tasks = await self._notes(partner), await self._given_up(partner)
        if not notes and not tasks and partner not in self._lines:
            return Refused(f"There is no partner {partner!r}, and nothing waits for one of that name.")
        key = self._lines[partner].hash_key if partner in self._lines else b""
        found = [(note, address_of(self._vault, note)) for note in notes]
        entries = [self._entry(key, address, note.scope, note.advertiser, note.at) for note, address in found if address]
        for task in tasks:
            if address := opened_address(self._vault, task.sealed):
                scope = Scope.ADVERTISER if task.advertiser else Scope.ALL
                entries.append(self._entry(key, address, scope, task.advertiser, task.opened_at))
        now = self._clock.now()
        event = Event(now, Kind.EXPORT, "partner-tell", rules=("R-FR-38",), detail=f"partner={partner}; people={len(entries)}")
        marked = [TryAgain(note.id, note.due_at or now + AGAIN, WRITTEN) for note, address in found if address]
        await self._commit([event], marked)
        return Written(tuple(entries), bool(key), sum(1 for _, address in found if address is None))

    async def done(self, partner: str, receipt: str) -> int | Refused:
        """A person says that the partner has the file: how many oppositions it ended (R-FR-38)."""
        if refused := unfit_note(receipt):
            return refused
        now = self._clock.now()
        notes, tasks = await self._notes(partner), await self._given_up(partner)
        written = [note for note in notes if note.said == WRITTEN]
        if not written and not tasks:
            return Refused(f"Nothing was written for {partner!r}: `gateway partner tell {partner}` comes first.")
        events = [_told(note, now, receipt) for note in written]
        changes: list[Change] = [NoteDone(note.id, now, f"by hand: {receipt}" if receipt else "by hand") for note in written]
        standing = await self._returns.task(task_id(partner))
        if standing is not None and standing.open and len(written) == len(notes):
            tasks = [*tasks, standing]
        for task in tasks:
            changes.append(OpenTask(replace(task, closed_at=now, closed_by="cli", outcome="done", sealed=b"")))
            events.append(Event(now, Kind.TASK, "closed", rules=("R-FR-38",), detail=f"task={task.id}; kind={task.kind.value}"))
        await self._commit(events, changes)
        return len(written)

    async def _commit(self, events: Sequence[Event], changes: Sequence[Change]) -> None:
        """In steps, so that a long list keeps nobody waiting; what was cut short is done again."""
        for start in range(0, max(len(events), len(changes), 1), AT_ONCE):
            await self._book.commit(events[start : start + AT_ONCE], changes[start : start + AT_ONCE])

    async def _notes(self, partner: str) -> Sequence[Note]:
        return [note for note in await self._outbox.pending(partner) if note.errand is Errand.PARTNER]

    async def _given_up(self, partner: str) -> Sequence[Task]:
        return [task for task in await self._returns.tasks() if task.asks[:2] == (GIVEN_UP, partner) and not task.stream]

    def _entry(self, key: bytes, address: Address, scope: Scope, advertiser: str, at: datetime) -> Entry:
        whom = shared_hash(key, address.canonical) if key else address.wire
        return Entry(whom, scope, self._legal_names.get(advertiser, ""), at)


def _told(note: Note, now: datetime, receipt: str) -> Event:
    detail = f"partner={note.partner}; receipt=by hand{f': {receipt}' if receipt else ''}; attempts={note.attempts}"
    person, rules = note.person.hex(), ("R-FR-38",)
    return Event(now, Kind.PROPAGATION, "told-by-hand", advertiser=note.advertiser, person=person, rules=rules, detail=detail)
