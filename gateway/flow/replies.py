"""What a person's own words lead to: an opposition, a task, a pause, an acknowledgement - or nothing, and people answer it.

Opposition first, always (R-FR-59). For the person the mail was sent to, and for who answers where that is proven; for nobody else
(R-FR-57, T10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.core.asked import Asked, asked
from gateway.core.change import Change, OpenTask, Oppose, Stir
from gateway.core.deadline import UNCLEAR_WITHIN, due_of, opened, task_id
from gateway.core.duration import Duration
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey
from gateway.core.record import Door
from gateway.core.task import Task, TaskKind
from gateway.flow.acknowledge import Acknowledge, Did
from gateway.flow.arrived import Came
from gateway.flow.back_ports import Returns
from gateway.flow.officer import Officer
from gateway.flow.ports import Book, Clock, Compute, Log, Vault
from gateway.flow.tasks import pending
from gateway.flow.way_back import Holder, WayBack
from gateway.flow.writer import Writer, Writers

NOBODY = PersonKey(b"")


@dataclass(frozen=True, slots=True)
class Settled:
    """What is left to write when all is done; `human` says that people must still answer the mail."""

    changes: tuple[Change, ...]
    rules: tuple[str, ...]
    human: bool = False


class Replies:
    """Does what people ask. `unclear` is how long an answer that may be a refusal may wait to be read."""

    def __init__(
        self,
        way_back: WayBack,
        book: Book,
        returns: Returns,
        vault: Vault,
        writers: Writers,
        acknowledge: Acknowledge,
        officer: Officer,
        compute: Compute,
        clock: Clock,
        log: Log,
        unclear: Duration = UNCLEAR_WITHIN,
    ) -> None:
        self._way_back = way_back
        self._book = book
        self._returns = returns
        self._vault = vault
        self._writers = writers
        self._acknowledge = acknowledge
        self._officer = officer
        self._compute = compute
        self._clock = clock
        self._log = log
        self._unclear = unclear

    async def take(self, came: Came) -> Settled:
        """Everything one mail of a person leads to, done; Unavailable where it is not, and then it is done again."""
        wish = asked(came.signals)
        by_mailto = came.arrived.door is Door.MAILTO
        if by_mailto:
            wish = replace(wish, opposes=True, targets=(), domains=(), unclear=False)  # the address said it all (R-STD-68)
        if wish.nothing:
            return self._human(came)
        claimed = self._writers.claimed(came.answer, came.holder)
        writer = claimed if by_mailto else await self._writers.proven(came.answer, came.holder)
        opposed = wish.opposes and await self._opposed(came, wish, writer)
        tasks = await self._tasks(came, wish, writer, opposed)
        rules = self._rules(wish, opposed)
        if by_mailto:
            return Settled((), rules)
        due = next((task.due_at for task in tasks if task.kind is TaskKind.RIGHTS), None)
        if came.stream is None or not (opposed or due):
            return Settled((), rules)
        did = Did(opposed, due)
        remembered = await self._acknowledge.tell(came.stream, writer, came.answer, came.arrived.sender, did)
        return Settled(tuple(remembered), rules)

    def _human(self, came: Came) -> Settled:
        """Mail that people answer: an act of the person where it is theirs (R-FR-81)."""
        holder, writer = came.holder, self._writers.claimed(came.answer, came.holder)
        if holder is None or holder.stream is None or not writer.known:
            return Settled((), ("R-FR-57",), human=True)
        act = Stir(holder.person, holder.stream.advertiser.name, self._clock.now())
        return Settled((act,), ("R-FR-57", "R-FR-81"), human=True)

    # Opposition

    async def _opposed(self, came: Came, wish: Asked, writer: Writer) -> bool:
        """Record the opposition of whom it is the will of; whether it was anybody's we know."""
        holder = came.holder
        theirs = {*(one for one in (holder.person if holder else None, writer.person if writer.sure else None) if one)}
        if wish.targets and not any(self._writers.key_of(target) in theirs for target in wish.targets):
            return False
        for one in self._meant(came, writer):
            await self._way_back.oppose_for(one, None, came.arrived.door, came.at)
        return bool(theirs)

    def _meant(self, came: Came, writer: Writer) -> Sequence[Holder]:
        """The person the mail was sent to, and who answers it where proven (R-FR-57)."""
        meant = [came.holder] if came.holder else []
        if writer.proven and writer.person is not None and writer.person not in [one.person for one in meant]:
            meant.append(Holder(writer.person, came.stream, probe=False))
        return meant

    # Tasks

    async def _tasks(self, came: Came, wish: Asked, writer: Writer, opposed: bool) -> Sequence[Task]:
        """Open what people must look at, each once, with the pause that goes with it; the officer is told of requests."""
        wanted: list[tuple[TaskKind, tuple[str, ...], str]] = []
        if wish.rights:
            wanted.append((TaskKind.RIGHTS, tuple(map(str, wish.rights)), "a request about a person's rights"))
        if wish.unclear:
            wanted.append((TaskKind.UNCLEAR, (), "an answer that may be a refusal"))
        elif wish.domains:
            wanted.append((TaskKind.UNCLEAR, ("domain",), "asks for a whole domain to be left alone"))
        elif wish.opposes and not opposed:
            wanted.append((TaskKind.UNCLEAR, ("another-address",), "a refusal, and nobody can say for sure whose"))
        tasks = [await self._task(came, writer, *one) for one in wanted]
        fresh = [task for task in tasks if await self._returns.task(task.id) is None]
        if fresh:
            changes: list[Change] = [OpenTask(task) for task in fresh]
            if person := self._paused(came, wish, writer, opposed):
                changes.append(Oppose(pending(person, came.stream, came.arrived.door, self._clock.now())))
            await self._book.commit([self._event(task) for task in fresh], changes)
        for task in tasks:
            if task.kind is TaskKind.RIGHTS:
                await self._officer.tell(task)
        return tasks

    async def _task(self, came: Came, writer: Writer, kind: TaskKind, asks: tuple[str, ...], note: str) -> Task:
        known = await self._returns.task(task_id(came.key, kind))
        if known is not None:
            return known  # a mail that came again after a crash
        now = self._clock.now()
        sealed = await self._compute(len(came.arrived.data), partial(self._vault.seal, came.whole))
        return opened(came.key, kind, _about(came, writer), came.stream, asks, note, now, due_of(kind, now, self._unclear), sealed)

    def _paused(self, came: Came, wish: Asked, writer: Writer, opposed: bool) -> PersonKey | None:
        """Who is mailed no more until somebody has looked: whose refusal is in doubt (R-FR-58)."""
        doubt = wish.unclear or (wish.opposes and not opposed)
        return (_about(came, writer) or None) if doubt else None

    def _event(self, task: Task) -> Event:
        rules = ("R-FR-59", "R-FR-61") if task.kind is TaskKind.RIGHTS else ("R-FR-58",)
        detail = f"task={task.id}; kind={task.kind.value}; asks={','.join(task.asks)}; due={task.due_at.date().isoformat()}"
        return Event(
            task.opened_at,
            Kind.TASK,
            "opened",
            stream=task.stream,
            advertiser=task.advertiser,
            person=task.person.hex(),
            rules=rules,
            detail=detail,
        )

    @staticmethod
    def _rules(wish: Asked, opposed: bool) -> tuple[str, ...]:
        rules = ["R-FR-56", "R-FR-57"] if opposed else []
        if wish.rights:
            rules.append("R-FR-59")
        if wish.unclear or wish.domains or (wish.opposes and not opposed):
            rules.append("R-FR-58")
        return tuple(rules)


def _about(came: Came, writer: Writer) -> PersonKey:
    """Whom a task is about: the person the mail was sent to, else a proven writer, else nobody we know."""
    if came.holder is not None:
        return came.holder.person
    return writer.person if writer.proven and writer.person is not None else NOBODY
