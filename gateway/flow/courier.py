"""Brings what must be told to partners and tools, again and again, until each has acknowledged it (R-FR-35, R-FR-36).

One note at a time to each, several of them at once. What was told, and when, is on record with its receipt; nothing is dropped in
silence: alarms at 24 and 72 hours, and after 30 days a task for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from gateway.core.change import Alarmed, Change, Errand, NoteDone, TryAgain
from gateway.core.evidence import Event, Kind
from gateway.core.propagation import LIFE, alarm, next_try
from gateway.flow.back_ports import Note, Outbox
from gateway.flow.by_hand import WRITTEN
from gateway.flow.intake import breathe
from gateway.flow.lease_ports import Overtaken
from gateway.flow.ports import Book, Clock, Log, Unavailable
from gateway.flow.telling import Acknowledged, Again, ByHand, Came, Impossible

AT_ONCE = 8
"""Partners and tools that are told at the same time."""

AT_MOST = 1000
"""Notes of one round; each lane takes so long as it takes, and the next round begins with what came meanwhile."""

A_LANE = 100
STOP_AFTER = 3
"""Failures one after the other, of notes that do not share a fate, until a lane rests for this round."""

LOOK = timedelta(seconds=1)
"""Between two looks: other processes record oppositions too."""

BY_HAND_AGAIN = timedelta(hours=1)


class Attempt(Protocol):
    """One attempt at one note."""

    async def run(self, note: Note) -> Came:
        """Try it."""


class Desk(Protocol):
    """Where people are told what only they can do."""

    async def left(self, partner: str, why: str, now: datetime) -> None:
        """A partner must be told by hand: a task, and a word to its contact (R-FR-38)."""

    async def overdue(self, partner: str, advertiser: str, hours: int, now: datetime) -> None:
        """A partner has not acknowledged for so long (R-FR-36)."""

    def given_up(self, note: Note, now: datetime) -> Sequence[Change]:
        """The task that takes the place of a note that was tried for 30 days."""


class Courier:
    """The background half of the way back; runs in one process of those that share a store."""

    def __init__(
        self,
        book: Book,
        outbox: Outbox,
        attempts: Mapping[Errand, Attempt],
        desk: Desk,
        clock: Clock,
        log: Log,
        count: Callable[[str, str], None],
    ) -> None:
        self._book = book
        self._outbox = outbox
        self._attempts = attempts
        self._desk = desk
        self._clock = clock
        self._log = log
        self._count = count
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Tell what is due, for as long as the process lives."""
        while True:
            try:
                busy = await self.round()
            except Overtaken:
                raise  # another process does this now
            except Unavailable as failure:
                self._log.say("courier-waits", outside=failure.what)
                busy = False
            if not busy:
                await asyncio.sleep(LOOK.total_seconds())

    async def round(self) -> bool:
        """Try what is due once; whether anything was."""
        notes = await self._outbox.due(self._clock.now(), AT_MOST)
        lanes: dict[tuple[Errand, str], list[Note]] = {}
        for note in notes:
            lanes.setdefault((note.errand, note.partner), []).append(note)
        ends = await asyncio.gather(*map(self._lane, lanes.values()), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end
        return bool(notes)

    async def _lane(self, notes: Sequence[Note]) -> None:
        """The notes for one partner or tool, in their order."""
        async with self._room:
            failures = 0
            for number, note in enumerate(notes[:A_LANE]):
                came = await self._attempts[note.errand].run(note)
                match came:
                    case Acknowledged(receipt):
                        failures = 0
                        await self._end(note, receipt, done=True)
                    case Impossible(said):
                        await self._end(note, said, done=False)
                    case ByHand(said, whole):
                        await self._leave(notes[number:] if whole else [note], said)
                        if whole:
                            return
                    case Again(said, whole):
                        failures += 1
                        await self._again(notes[number:] if whole else [note], said)
                        if whole or failures >= STOP_AFTER:
                            return
                    case _:
                        assert_never(came)

    async def _end(self, note: Note, receipt: str, done: bool) -> None:
        now = self._clock.now()
        outcome = "acknowledged" if done else "not-possible"
        detail = f"{_whom(note)}; receipt={receipt}; attempts={note.attempts + 1}"
        await self._book.commit([_event(note, now, outcome, detail)], [NoteDone(note.id, now, receipt, done)])
        self._count(note.errand.value, outcome)
        self._log.say("told", errand=note.errand.value, partner=note.partner, outcome=outcome)

    async def _again(self, notes: Sequence[Note], said: str) -> None:
        """Put notes off; those that were tried for 30 days go to a person."""
        now = self._clock.now()
        over = [note for note in notes if now - note.at >= LIFE]
        await self._put_off([note for note in notes if now - note.at < LIFE], said, lambda note: next_try(note.attempts, now))
        for note in over:
            await self._give_up(note, said, now)
        self._count(notes[0].errand.value, "again")
        self._log.say("not told", errand=notes[0].errand.value, partner=notes[0].partner, said=said, notes=len(notes))

    async def _give_up(self, note: Note, said: str, now: datetime) -> None:
        event = _event(note, now, "given-up", f"{_whom(note)}; said={said}; attempts={note.attempts + 1}")
        changes = [NoteDone(note.id, now, f"given up after 30 days: {said}", done=False), *self._desk.given_up(note, now)]
        await self._book.commit([event], changes)
        self._count(note.errand.value, "given-up")

    async def _leave(self, notes: Sequence[Note], said: str) -> None:
        """What only a person can tell stays, with its alarms, until that person says that it is done (R-FR-38)."""
        now = self._clock.now()
        await self._desk.left(notes[0].partner, said, now)
        await self._put_off(notes, said, lambda _: now + BY_HAND_AGAIN)

    async def _put_off(self, notes: Sequence[Note], said: str, due: Callable[[Note], datetime]) -> None:
        now = self._clock.now()
        events: list[Event] = []
        changes: list[Change] = []
        late: dict[tuple[str, str], int] = {}
        for number, note in enumerate(notes):
            await breathe(number)
            changes.append(TryAgain(note.id, due(note), note.said if note.said == WRITTEN else said))
            hours = alarm(now - note.at, note.alarmed) if note.errand is Errand.PARTNER else 0
            if hours:
                changes.append(Alarmed(note.id, hours))
                events.append(_event(note, now, f"alarm-{hours}h", f"{_whom(note)}; said={said}"))
                late[note.partner, note.advertiser] = max(hours, late.get((note.partner, note.advertiser), 0))
        if changes:
            await self._book.commit(events, changes)
        for (partner, advertiser), hours in late.items():
            self._log.say("partner-untold", partner=partner, hours=hours)
            self._count(Errand.PARTNER.value, f"alarm-{hours}h")
            await self._desk.overdue(partner, advertiser, hours, now)


def _whom(note: Note) -> str:
    return f"{note.errand.value}={note.partner}"


def _event(note: Note, now: datetime, outcome: str, detail: str) -> Event:
    stream = note.partner if note.errand is Errand.TOOL else ""
    rules = ("R-FR-51",) if note.errand is Errand.TOOL else ("R-FR-35", "R-FR-36") if "alarm" in outcome else ("R-FR-35",)
    return Event(
        now,
        Kind.PROPAGATION,
        outcome,
        stream=stream,
        advertiser=note.advertiser,
        person=note.person.hex(),
        rules=rules,
        detail=detail,
    )
