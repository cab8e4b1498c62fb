"""The operations of the way back; what each does to the rows is told in `lua/back.lua`."""

from __future__ import annotations

from typing import assert_never

from gateway.core.change import (
    Alarmed,
    Discard,
    KeepRoutes,
    MoveCursor,
    NoteDone,
    NoteSoft,
    OpenTask,
    Remember,
    Tell,
    TryAgain,
)
from gateway.core.task import Task
from gateway.edges.store.back import REMEMBERED_FOR, ROUTES_FOR, Back, eighth
from gateway.edges.store.instant import micros
from gateway.edges.store.office import task_row
from gateway.edges.store.redis.pack import Packed, place
from gateway.edges.store.redis.tables import absent, when

_NAMES, _TIMES = slice(0, 7), slice(7, 12)


def operation(change: Back) -> list[Packed]:
    """One change of these."""
    match change:
        case KeepRoutes(person, stream, sealed, at):
            old = micros(at) - ROUTES_FOR if eighth(person) else False
            return ["routes", list(place("s", person)), [stream, sealed, micros(at)], person, old]
        case Remember(key, at):
            return ["seen", "remembered", key, micros(at), micros(at) - REMEMBERED_FOR if eighth(key) else False]
        case Tell():
            return _tell(change)
        case NoteDone(note, at, receipt, done):
            return ["done", note, micros(at), receipt, int(done)]
        case TryAgain(note, due, said):
            return ["again", note, micros(due), when(micros(due)), said]
        case Alarmed(note, hours):
            return ["alarmed", note, hours]
        case OpenTask(task):
            return ["task", _task(task)]
        case NoteSoft():
            return _soft(change)
        case MoveCursor(name, value):
            return ["set", "cursor", name, value]
        case Discard(kept):
            return ["discard", kept]
        case _:
            assert_never(change)


def _tell(one: Tell) -> list[Packed]:
    key = [one.partner, one.errand.value, one.advertiser, one.scope.value]
    at = micros(one.at)
    return ["tell", list(place("s", one.person)), list(place("c", one.person)), key, one.person, at, when(at)]


def _task(one: Task) -> list[Packed]:
    """As `office.TASK` reads it; then whether it was forgotten, and its place by date."""
    row = task_row(one)
    return [*absent((*row[_NAMES], *row[_TIMES.stop :], *row[_TIMES])), 0, when(micros(one.due_at)) + one.id.encode()]


def _soft(one: NoteSoft) -> list[Packed]:
    run = [] if one.run is None else [one.run.count, micros(one.run.first), micros(one.run.last)]
    return ["soft", list(place("s", one.person)), [one.advertiser, *run]]
