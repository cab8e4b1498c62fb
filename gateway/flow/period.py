"""What happened in a period, counted from the journal as it streams by (R-FR-93, R-FR-94), and whom something touched (R-DP-22).

Memory is bounded by the number of rules, reasons, tools and streams; only a scope query holds keys, sixteen octets a person.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from gateway.core.deadline import overdue
from gateway.core.evidence import Event, Kind, instant, read_event, written
from gateway.flow.back_ports import Outbox, Returns
from gateway.flow.ports import Journal

SHOWN = 1000
_DELAY = re.compile(r"\bdelay=([0-9]{1,9}(?:\.[0-9]{1,6})?)s?\b")
_STEPS, _LEAST = 96, -10
"""Delays are kept in steps of a quarter of a power of two, from a thousandth of a second on: 2^-10 to 2^14 and beyond."""


class Delays:
    """How long oppositions took from the sign to the record, in fixed memory; a value is exact to a fifth."""

    def __init__(self) -> None:
        self._steps = [0] * (_STEPS + 1)
        self.count = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        step, bound = 0, _bound(0)
        while step < _STEPS and seconds > bound:
            step, bound = step + 1, _bound(step + 1)
        self._steps[step] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def share(self, part: float) -> float | None:
        """The delay that this share did not exceed; None where none is recorded."""
        if not self.count:
            return None
        seen = 0
        for step, count in enumerate(self._steps):
            seen += count
            if seen >= part * self.count:
                return min(_bound(step), self.longest)
        return self.longest


def _bound(step: int) -> float:
    return float(2 ** (step / 4 + _LEAST))


@dataclass(slots=True)
class Period:
    """Counts of a period; `changes` are those of policy, `waiting` the partners not told yet and since when, `delays` by door.

    `tasks` are those open now, by kind, `overdue` those of them past their date at the end of the period (R-FR-61).
    """

    since: datetime
    until: datetime
    events: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    doors: Counter[str] = field(default_factory=Counter)
    delays: defaultdict[str, Delays] = field(default_factory=lambda: defaultdict(Delays))
    changes: list[tuple[datetime, str, str, str]] = field(default_factory=list)
    waiting: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    tasks: Counter[str] = field(default_factory=Counter)
    overdue: Counter[str] = field(default_factory=Counter)

    def see(self, event: Event) -> None:
        """Count one event."""
        self.events += 1
        self.kinds[f"{event.kind.value} {event.outcome}".strip()] += 1
        self.rules.update(event.rules)
        if event.reason:
            self.reasons[event.reason] += 1
        if event.kind is Kind.OUTCOME:
            self.fates[event.outcome] += 1
        if event.kind is Kind.OPPOSITION:
            self.doors[event.door] += 1
            if told := _DELAY.search(event.detail):
                self.delays[event.door].add(float(told[1]))
        if event.kind is Kind.POLICY and len(self.changes) < SHOWN:
            self.changes.append((event.at, event.outcome, event.policy, event.detail))


@dataclass(slots=True)
class Scope:
    """Which keys, tools and streams were touched in a time: what a breach notice must say (GDPR 33(3))."""

    events: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    streams: Counter[str] = field(default_factory=Counter)
    people: set[bytes] = field(default_factory=set)

    def see(self, event: Event) -> None:
        """Count one event."""
        self.events += 1
        self.kinds[event.kind.value] += 1
        if event.tool:
            self.tools[event.tool] += 1
        if event.stream:
            self.streams[event.stream] += 1
        if event.person:
            self.people.add(bytes.fromhex(event.person))


class Accounts:
    """The journal's totals."""

    def __init__(self, journal: Journal, outbox: Outbox, returns: Returns) -> None:
        self._journal = journal
        self._outbox = outbox
        self._returns = returns

    async def period(self, since: datetime, until: datetime) -> Period:
        """Everything from `since` to before `until`."""
        found = Period(since, until)
        async for event in self._events(since, until):
            found.see(event)
        for note in await self._outbox.pending():
            count, oldest = found.waiting.get(note.partner, (0, note.at))
            found.waiting[note.partner] = count + 1, min(oldest, note.at)
        for task in await self._returns.tasks():
            found.tasks[task.kind.value] += 1
            found.overdue[task.kind.value] += overdue(task, until)
        return found

    async def scope(self, since: datetime, until: datetime, tool: str = "") -> Scope:
        """Whom one tool, or everything, touched in a time."""
        found = Scope()
        async for event in self._events(since, until):
            if tool in ("", event.tool):
                found.see(event)
        return found

    async def _events(self, since: datetime, until: datetime) -> AsyncIterator[Event]:
        """The events of a time; an entry outside of it is not read further than its date, which stands in UTC and sorts as text."""
        first, end = instant(since), instant(until)
        async for entry in self._journal.entries():
            if not first <= written(entry.body, "at") < end:
                continue
            event = read_event(entry.body)
            if event is not None:
                yield event
