"""What a person must do because a partner cannot be told otherwise, or does not answer: tasks, a word to its contact, alarms.

A task of this kind has the same name every time, so that a partner has one at most, however many people oppose (R-FR-38).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from gateway.core.change import Change, Errand, OpenTask, Remember
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey
from gateway.core.task import Task, TaskKind
from gateway.flow.back_ports import Note, Returns
from gateway.flow.ports import Book, Log, Unavailable

WITHIN = timedelta(hours=72)
"""A partner that is told by hand is to be told by then (R-FR-36)."""

ONE_LETTER = timedelta(hours=24)
NOBODY = PersonKey(b"")
GIVEN_UP = "given-up"
"""What a task asks whose note was tried for 30 days; the partner's name stands behind it."""

WRITTEN = "written"
"""What a note says that stands in a file for its partner and waits for `gateway partner done`."""


class Letters(Protocol):
    """What writes to the people on both sides; False where nobody can be written to."""

    async def to_partner(self, partner: str, once: str) -> bool:
        """A word to a partner's contact: oppositions wait to be handed over."""

    async def to_officer(self, partner: str, advertiser: str, hours: int, once: str) -> bool:
        """An alarm to the data protection officer of an advertiser, or of every one."""


class ByHandDesk:
    """Implements `courier.Desk`."""

    def __init__(self, book: Book, returns: Returns, letters: Letters, log: Log) -> None:
        self._book = book
        self._returns = returns
        self._letters = letters
        self._log = log

    async def left(self, partner: str, why: str, now: datetime) -> None:
        """Open the partner's task, unless it is open, and write to its contact once a day."""
        known = await self._returns.task(task_id(partner))
        if known is None or not known.open:
            task = Task(task_id(partner), TaskKind.PARTNER, NOBODY, "", "", (why,), say_by_hand(partner), now, now + WITHIN)
            await self._book.commit([_opened(task, why)], [OpenTask(task)])
        await self._once(f"contact-{partner}", now, partial(self._letters.to_partner, partner))

    async def overdue(self, partner: str, advertiser: str, hours: int, now: datetime) -> None:
        """The second alarm goes to the data protection officer, once a day for each partner (R-FR-36)."""
        if hours >= 72:
            write = partial(self._letters.to_officer, partner, advertiser, hours)
            await self._once(f"officer-{partner}-{advertiser}", now, write)

    def given_up(self, note: Note, now: datetime) -> Sequence[Change]:
        """A task for this one note, with the address it must be told about."""
        name = _id("note", str(note.id), note.partner, note.person.hex())
        words = f"Tell {note.partner} by hand: it has not acknowledged an opposition in 30 days."
        if note.errand is Errand.TOOL:
            words = f"Take a person off the list of the tool of stream {note.partner}: its own unsubscribe does not answer."
        task = Task(name, TaskKind.PARTNER, note.person, note.advertiser, "", (GIVEN_UP, note.partner), words, now, now + WITHIN)
        return (OpenTask(replace(task, sealed=note.sealed_address)),)

    async def _once(self, what: str, now: datetime, write: Callable[[str], Awaitable[bool]]) -> None:
        """Write at most once a day; what cannot be written now is written at the next look."""
        key = hashlib.sha256(f"letter\0{what}".encode()).digest()[:16]
        if await self._returns.remembered([key], now - ONE_LETTER):
            return
        try:
            sent = await write(f"{what}-{now:%Y%m%d%H}")
        except Unavailable as failure:
            self._log.say("letter-waits", outside=failure.what)
            return
        if sent:
            await self._book.commit((), [Remember(key, now)])


def _opened(task: Task, why: str) -> Event:
    detail = f"task={task.id}; kind={task.kind.value}; why={why}"
    return Event(task.opened_at, Kind.TASK, "opened", rules=("R-FR-38",), detail=detail)


def task_id(partner: str) -> str:
    """The name of a partner's task."""
    return _id("partner", partner)


def say_by_hand(partner: str) -> str:
    """What a person is asked to do."""
    return f"Hand over what `gateway partner tell {partner}` writes, then say `gateway partner done {partner}`."


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
