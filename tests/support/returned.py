"""The way back in memory: `back_ports.Outbox` and `back_ports.Returns` for the journeys' tests; `MemoryBook` is built on it.

Ended notes stay in `notes`, as receipts. Everything is open to look at: `notes`, `filed_tasks`, `runs`, `done_once`, `cursors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.change import (
    Alarmed,
    Change,
    Discard,
    KeepForPerson,
    KeepRoutes,
    MoveCursor,
    NoteDone,
    NoteSoft,
    OpenTask,
    Remember,
    Tell,
    TryAgain,
)
from gateway.core.model import PersonKey
from gateway.core.record import Consent
from gateway.core.task import Kept, SoftRun, Task
from gateway.flow.back_ports import Note
from gateway.flow.ports import Unavailable


@dataclass
class MemoryReturns:
    """Notes, tasks, routes, runs, kept mail and cursors, in plain lists."""

    down: bool = False
    read_only: bool = False
    notes: list[Note] = field(default_factory=list)
    filed_tasks: dict[str, Task] = field(default_factory=dict)
    kept_routes: dict[tuple[PersonKey, str], tuple[datetime, bytes]] = field(default_factory=dict)
    runs: dict[tuple[PersonKey, str], SoftRun] = field(default_factory=dict)
    done_once: dict[bytes, datetime] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    kept_mail: list[Kept] = field(default_factory=list)
    _consents: list[tuple[Consent, bytes]] = field(default_factory=list)

    async def pending(self, partner: str = "") -> Sequence[Note]:
        """See `back_ports.Outbox`."""
        self._readable()
        return [note for note in self.notes if note.told_at is None and partner in ("", note.partner)]

    async def due(self, now: datetime, limit: int) -> Sequence[Note]:
        """See `back_ports.Outbox`."""
        waiting = [note for note in await self.pending() if (note.due_at or note.at) <= now]
        return sorted(waiting, key=lambda note: (note.due_at or note.at, note.id))[:limit]

    async def next_due(self) -> datetime | None:
        """See `back_ports.Outbox`."""
        return min((note.due_at or note.at for note in await self.pending()), default=None)

    async def receipts(self, since: datetime, partner: str = "") -> Sequence[Note]:
        """See `back_ports.Outbox`."""
        self._readable()
        ended = [(note.told_at, note.id, note) for note in self.notes if note.told_at is not None and partner in ("", note.partner)]
        return [note for told_at, _, note in sorted(ended, key=lambda one: one[:2]) if told_at >= since]

    async def tasks(self, *, closed: bool = False) -> Sequence[Task]:
        """See `back_ports.Returns`."""
        self._readable()
        return sorted((one for one in self.filed_tasks.values() if closed or one.open), key=lambda one: (one.due_at, one.id))

    async def task(self, task: str) -> Task | None:
        """See `back_ports.Returns`."""
        self._readable()
        return self.filed_tasks.get(task)

    async def routes(self, person: PersonKey, stream: str) -> bytes | None:
        """See `back_ports.Returns`."""
        self._readable()
        return self.kept_routes.get((person, stream), (None, None))[1]

    async def soft_run(self, person: PersonKey, advertiser: str) -> SoftRun | None:
        """See `back_ports.Returns`."""
        self._readable()
        return self.runs.get((person, advertiser))

    async def remembered(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `back_ports.Returns`."""
        self._readable()
        return frozenset(key for key in keys if key in self.done_once and self.done_once[key] >= since)

    async def cursor(self, name: str) -> str:
        """See `back_ports.Returns`."""
        self._readable()
        return self.cursors.get(name, "")

    async def kept(self, mailbox: str = "") -> Sequence[Kept]:
        """See `back_ports.Returns`."""
        self._readable()
        return [one for one in self.kept_mail if mailbox in ("", one.mailbox)]

    def _readable(self) -> None:
        if self.down:
            raise Unavailable("book")

    def _writable(self) -> None:
        if self.down or self.read_only:
            raise Unavailable("book")

    def _take_back(self, change: Change) -> None:
        match change:
            case Tell():
                self._tell(change)
            case NoteDone(note, at, receipt, done):
                self._note(note, sealed_address=b"", due_at=None, told_at=at, receipt=receipt, done=done)
            case TryAgain(note, due, said):
                self._note(note, due_at=due, said=said, tried=1)
            case Alarmed(note, hours):
                self._note(note, alarmed=hours)
            case OpenTask(task):
                self.filed_tasks[task.id] = task
            case KeepRoutes(person, stream, sealed, at):
                self.kept_routes[person, stream] = max((at, sealed), self.kept_routes.get((person, stream), (at, sealed)))
            case NoteSoft(person, advertiser, None):
                self.runs.pop((person, advertiser), None)
            case NoteSoft(person, advertiser, SoftRun() as run):
                self.runs[person, advertiser] = run
            case Remember(key, at):
                self.done_once[key] = max(at, self.done_once.get(key, at))
            case MoveCursor(name, value):
                self.cursors[name] = value
            case KeepForPerson(mailbox, sealed, at):
                self.kept_mail.append(Kept(max((one.id for one in self.kept_mail), default=0) + 1, mailbox, sealed, at))
            case Discard(number):
                self.kept_mail = [one for one in self.kept_mail if one.id != number]
            case _:
                raise NotImplementedError(type(change).__name__)

    def _tell(self, change: Tell) -> None:
        addresses = [sealed for consent, sealed in self._consents if consent.person == change.person and sealed]
        new = Note(
            id=len(self.notes) + 1,
            partner=change.partner,
            person=change.person,
            advertiser=change.advertiser,
            scope=change.scope,
            at=change.at,
            errand=change.errand,
            sealed_address=addresses[-1] if addresses else b"",
            due_at=change.at,
        )
        same = [note for note in self.notes if note.told_at is None and _about(note) == _about(new)]
        if not same:
            self.notes.append(new)
        elif not same[0].sealed_address:
            self.notes[self.notes.index(same[0])] = replace(same[0], sealed_address=new.sealed_address)

    def _note(self, number: int, tried: int = 0, **now: object) -> None:
        for place, note in enumerate(self.notes):
            if note.id == number and note.told_at is None:
                self.notes[place] = replace(note, attempts=note.attempts + tried, **now)  # type: ignore[arg-type]


def _about(note: Note) -> tuple[object, ...]:
    return note.errand, note.partner, note.person, note.advertiser, note.scope
