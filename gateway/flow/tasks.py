"""What waits for a person: listed, read, closed, extended, reminded of (R-FR-58, R-FR-59, R-FR-61).

Every look and every end is recorded (R-DP-20). A task that may have been a refusal keeps the person's mail paused until somebody
says what it was, however long that takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.core.change import Change, Lift, OpenTask
from gateway.core.deadline import Outcome, due_of, extended, opened, outcomes, overdue, task_id, to_remind
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.oppose import Act, meaning, opposition
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.core.task import Task, TaskKind
from gateway.flow.administer import Refused, unfit_note
from gateway.flow.back_ports import Returns
from gateway.flow.holders import holders_of, tell_late, tools_of
from gateway.flow.ports import Book, Clock, Vault

Remind = Callable[[Task, bool], Awaitable[bool]]
"""Tells somebody of a task that waits, or is late; whether anybody could be told."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A task with the mail it came from, unsealed."""

    task: Task
    mail: bytes


class Tasks:
    """The desk where tasks are worked on."""

    def __init__(
        self,
        book: Book,
        returns: Returns,
        vault: Vault,
        streams: Mapping[str, Stream],
        partners: Collection[Partner],
        clock: Clock,
    ) -> None:
        self._book = book
        self._returns = returns
        self._vault = vault
        self._streams = streams
        self._advertisers = frozenset(stream.advertiser.name for stream in streams.values())
        self._partners = tuple(partners)
        self._clock = clock

    async def waiting(self, *, closed: bool = False) -> Sequence[Task]:
        """Open tasks by their date, with `closed` all of them; without the mails."""
        return [replace(one, sealed=b"") for one in await self._returns.tasks(closed=closed)]

    async def look(self, task: str, reason: str) -> Looked | Refused:
        """A task and its mail; who looks says why, and that is recorded."""
        found = await self._returns.task(task)
        if found is None:
            return _unknown(task)
        if not reason.strip():
            return Refused("Reading what a person wrote needs a reason, which is recorded.")
        if unfit := unfit_note(reason):
            return unfit
        await self._book.commit([self._event(found, Kind.LOOK, "task", reason=f"reason={reason}")])
        return Looked(found, self._vault.open(found.sealed) if found.sealed else b"")

    async def close(self, task: str, outcome: Outcome, note: str = "", by: str = "cli") -> Task | Refused:
        """End a task; a refusal becomes an opposition in the same commit, a harmless answer lifts the pause (R-FR-58)."""
        found = await self._returns.task(task)
        if found is None or not found.open:
            return _unknown(task) if found is None else Refused("This task is closed already.")
        if outcome not in outcomes(found.kind):
            return Refused(f"A task of this kind ends as {' or '.join(outcomes(found.kind))}.")
        if unfit := unfit_note(note):
            return unfit
        now = self._clock.now()
        ended = replace(found, closed_at=now, closed_by=by, outcome=outcome.value, sealed=b"" if _settled(found) else found.sealed)
        events, changes, filed, told = await self._refused(found, now) if _refusal(found, outcome) else ([], [], None, ())
        changes += await self._lifted(found)
        detail = f"outcome={outcome.value}" + (f"; {note}" if note else "")
        await self._book.commit([*events, self._event(found, Kind.TASK, "closed", reason=detail)], [*changes, OpenTask(ended)])
        if filed is not None:
            await tell_late(self._book, self._partners, filed, told)
        return ended

    async def extend(self, task: str, told: datetime) -> Task | Refused:
        """Give a rights request two months more, where the person was told of it in time (R-FR-61)."""
        found = await self._returns.task(task)
        if found is None:
            return _unknown(task)
        due = extended(found, told, self._clock.now())
        if isinstance(due, str):
            return Refused(due)
        longer = replace(found, due_at=due, told_at=told, reminded_at=None)
        detail = f"due={due.date().isoformat()}; told={told.date().isoformat()}"
        await self._book.commit([self._event(found, Kind.TASK, "extended", reason=detail)], [OpenTask(longer)])
        return longer

    async def remind(self, now: datetime, dry: bool, tell: Remind) -> Mapping[str, int]:
        """Remind of every task whose time has come; how many were reminded of, wait, and are overdue."""
        every = await self._returns.tasks()
        counts = {"reminded": 0, "open": len(every), "overdue": sum(overdue(one, now) for one in every)}
        for one in every:
            if not to_remind(one, now):
                continue
            counts["reminded"] += 1
            if not dry:
                late = overdue(one, now)
                reached = await tell(one, late)
                detail = f"{'overdue' if late else 'waiting'}; {'told by mail' if reached else 'nobody to mail'}"
                await self._book.commit(
                    [self._event(one, Kind.TASK, "reminded", reason=detail)], [OpenTask(replace(one, reminded_at=now))]
                )
        return counts

    def daily(self, tell: Remind) -> Callable[[datetime, bool], Awaitable[Mapping[str, int]]]:
        """`remind`, as the daily job calls it."""

        async def chore(now: datetime, dry: bool) -> Mapping[str, int]:
            return await self.remind(now, dry, tell)

        return chore

    async def undelivered(self, person: PersonKey, stream: Stream, mail: bytes, once: str) -> None:
        """Have somebody read what could not be passed on (R-FR-57); the same mail opens one task."""
        now, kind = self._clock.now(), TaskKind.MAIL
        if await self._returns.task(task_id(once.encode(), kind)) is not None:
            return
        note = "an answer that the mailbox it was passed on to does not take"
        task = opened(once.encode(), kind, person, stream, (), note, now, due_of(kind, now), self._vault.seal(mail))
        event = self._event(task, Kind.TASK, "opened", reason=f"due={task.due_at.date().isoformat()}")
        await self._book.commit([event], [OpenTask(task)])

    # What closing an unclear answer leads to

    async def _refused(self, task: Task, now: datetime) -> tuple[list[Event], list[Change], Opposition | None, Sequence[Partner]]:
        stream = self._streams.get(task.stream) or _of(self._streams, task.advertiser)
        act = Act(task.person, stream, None, Door.REPLY, now)
        filed = opposition(act)
        told = await holders_of(self._book, self._partners, filed.person, filed.advertiser)
        event, changes = meaning(act, self._advertisers, told, await tools_of(self._book, self._streams.values(), filed))
        return [event], list(changes), filed, told

    async def _lifted(self, task: Task) -> list[Change]:
        """End the pause, unless another answer of the same person still waits to be read."""
        if task.kind is not TaskKind.UNCLEAR or not task.person:
            return []
        for other in await self._returns.tasks():
            same = (other.person, other.advertiser, other.kind) == (task.person, task.advertiser, task.kind)
            if same and other.id != task.id:
                return []
        return [
            Lift(one.person, one.block, one.scope, one.advertiser, one.stream)
            for one in await self._book.oppositions(task.person)
            if one.block is Block.PENDING and (one.scope is Scope.ALL or one.advertiser == task.advertiser)
        ]

    def _event(self, task: Task, kind: Kind, outcome: str, reason: str) -> Event:
        rules = ("R-FR-59", "R-FR-61") if task.kind is TaskKind.RIGHTS else ("R-FR-58",)
        return Event(
            self._clock.now(),
            kind,
            outcome,
            stream=task.stream,
            advertiser=task.advertiser,
            person=task.person.hex(),
            rules=("R-DP-20",) if kind is Kind.LOOK else rules,
            detail=f"task={task.id}; kind={task.kind.value}; {reason}",
        )


def pending(person: PersonKey, stream: Stream | None, door: Door, at: datetime) -> Opposition:
    """The pause of somebody who may have refused: as far as their refusal would reach (R-FR-58, R-FR-63)."""
    return replace(opposition(Act(person, stream, None, door, at)), block=Block.PENDING)


def _settled(task: Task) -> bool:
    """Whether nobody needs the mail any more: a request's text stays as proof of what was asked and answered."""
    return task.kind is not TaskKind.RIGHTS


def _refusal(task: Task, outcome: Outcome) -> bool:
    return outcome is Outcome.REFUSED and bool(task.person)


def _of(streams: Mapping[str, Stream], advertiser: str) -> Stream | None:
    return next((one for one in streams.values() if one.advertiser.name == advertiser), None)


def _unknown(task: str) -> Refused:
    return Refused(f"There is no task {task!r}.")
