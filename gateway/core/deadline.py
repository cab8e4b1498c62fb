"""What a task asks for and by when: its date, which outcomes close it, whether it may take longer (R-FR-58, R-FR-59, R-FR-61).

Pure: instants come in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from gateway.core.duration import Duration
from gateway.core.model import PersonKey, Stream
from gateway.core.task import Task, TaskKind

MONTH = Duration(1, 0)
"""A rights request is answered within a calendar month of its receipt (GDPR 12(3))."""
EXTENSION = Duration(2, 0)
"""By how much it may be extended, once, where the person was told before that month ended."""
REMIND_AFTER = Duration(0, 20)
UNCLEAR_WITHIN = Duration(0, 3)
"""When somebody should have read an answer that may be a refusal; until then nothing is sent, and after it neither."""


class Outcome(StrEnum):
    """How a task ends. Only an unclear answer is `refused` or `harmless`: it was a refusal, or it was none."""

    REFUSED = "refused"
    HARMLESS = "harmless"
    ANSWERED = "answered"
    DONE = "done"


def outcomes(kind: TaskKind) -> Sequence[Outcome]:
    """The outcomes that close a task of this kind: an unclear answer needs a verdict, the rest only an end."""
    if kind is TaskKind.UNCLEAR:
        return (Outcome.REFUSED, Outcome.HARMLESS)
    return (Outcome.ANSWERED, Outcome.DONE)


def task_id(once: bytes, kind: TaskKind) -> str:
    """The id of what one mail leads to: the same mail taken again opens no second task."""
    return hashlib.sha256(b"task:" + kind.value.encode() + b":" + once).hexdigest()[:16]


def due_of(kind: TaskKind, at: datetime, unclear: Duration = UNCLEAR_WITHIN) -> datetime:
    """By when a task that is opened now must be done."""
    return (MONTH if kind is TaskKind.RIGHTS else unclear).after(at)


def opened(
    once: bytes,
    kind: TaskKind,
    person: PersonKey,
    stream: Stream | None,
    asks: Sequence[str],
    note: str,
    at: datetime,
    due: datetime,
    sealed: bytes,
) -> Task:
    """A task that one mail leads to."""
    advertiser, name = (stream.advertiser.name, stream.name) if stream else ("", "")
    return Task(task_id(once, kind), kind, person, advertiser, name, tuple(asks), note, at, due, sealed)


def to_remind(task: Task, now: datetime) -> bool:
    """Whether somebody must be reminded now: of a request after 20 days, of any task once it is overdue."""
    if not task.open:
        return False
    if overdue(task, now):
        return task.reminded_at is None or task.reminded_at <= task.due_at
    return task.kind is TaskKind.RIGHTS and task.reminded_at is None and now >= REMIND_AFTER.after(task.opened_at)


def overdue(task: Task, now: datetime) -> bool:
    """Whether an open task is past its date."""
    return task.open and now > task.due_at


def extended(task: Task, told: datetime, now: datetime) -> datetime | str:
    """The new date, or in one sentence why there is none (GDPR 12(3), R-FR-61)."""
    if not task.open:
        return "This task is closed."
    if task.kind is not TaskKind.RIGHTS:
        return "Only a request about a person's rights can be extended."
    if task.told_at is not None:
        return "It was extended already; the law knows one extension."
    if told > now:
        return "The person cannot have been told in the future."
    if not task.opened_at <= told <= task.due_at:
        return "The person must have been told of the delay, and why, before the first month ended."
    return EXTENSION.after(task.due_at)
