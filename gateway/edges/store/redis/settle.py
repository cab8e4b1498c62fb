"""Finds out whether Redis still holds what this machine has seen it hold, and puts back what it lacks (decision 0026).

Runs on the commit thread, in short steps. Marketing waits until all nodes have told; oppositions are recorded meanwhile.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from gateway.core.evidence import Event, Kind
from gateway.edges.store.connection import Filling, Refused
from gateway.edges.store.lineage import Place
from gateway.edges.store.redis.client import Blocking
from gateway.edges.store.redis.durability import Finding
from gateway.edges.store.redis.notes import Member, NodeJournal, Note
from gateway.edges.store.redis.pack import MARKS, Packed, packed, unpacked, words
from gateway.edges.store.redis.scripts import APPLY, CONFIRM, SETTLE, STAGE, Script
from gateway.edges.store.redis.standing import Fault, Standing
from gateway.flow.ports import Unavailable

CHUNK = 500
SLICE = 0.25
"""Notes told or applied at once, and seconds that commits may wait for such work."""
HEARD = 10.0
"""Seconds for which a machine counts as running after it was last heard of."""

_TWIN = (
    "another machine is known to the store under the name {node}: give this one another ([gateway] node);"
    " or, where that machine is gone for good, `gateway node retire {node}`"
)
_COPIED = (
    "another machine runs as {node} with a copy of this data folder: give this one a name and a folder of its own;"
    " where the other one has just died, this goes by in a few seconds"
)
_COPYING = "a copy is being put into the store, or one was broken off: let it end, or make it again"
_NEWER = (
    "a newer gateway brought what this version does not know:"
    " marketing waits until one of that version, on any machine, has put it back"
)
_KEYS = "the store was begun with other keys: copy the folder keys of another node to this one"


class Moved(Unavailable):
    """The server, or its data, are no longer those that this process settled with."""


class Runs(Refused):
    """Another machine runs under this one's name, or did some seconds ago."""


class _Telling:
    """What this machine has to tell in one epoch: first what the data lack, then what was never answered."""

    def __init__(self, notes: NodeJournal, lineage: Sequence[tuple[str, int]], writer: str) -> None:
        self._notes = notes
        self._lineage = lineage
        self._writer = writer
        self._behind = 0

    def page(self) -> list[Note]:
        """The next notes; those returned before are held by now, or void."""
        if found := self._notes.lacking(self._lineage, CHUNK):
            return found
        found = self._notes.untold(self._writer, self._behind, CHUNK)
        if found:
            self._behind = found[-1].id
        return found


class Settling:
    """Keeps one process's `Standing`; without notes it only looks on and tells nothing.

    `machine` tells this run of this machine from any other machine's; empty where that is not known.
    """

    def __init__(
        self,
        standing: Standing,
        notes: NodeJournal | None,
        node: str,
        writer: str,
        fingerprint: bytes,
        look: Callable[[Blocking], Finding],
        machine: str,
    ) -> None:
        self._standing = standing
        self._notes = notes
        self._node = node if notes else ""
        self._writer = writer
        self._fingerprint = fingerprint
        self._look = look
        self._machine = machine
        self._telling: _Telling | None = None
        self._lineage: list[tuple[str, int]] = []
        self._change = -1
        self.restored = 0
        """How much was put back, once that is all and only the evidence of it is missing; 0 before and after."""
        self.advice: Sequence[Fault] = ()

    def __call__(self, client: Blocking) -> None:
        """Settle, and begin to tell and to put back what is missing."""
        self.prove(client)
        self._enter(client)
        self._work(client)

    def tend(self, client: Blocking) -> bool:
        """Tell what is asked for and what was never answered, help to put back; whether there is more to do at once."""
        if self._standing.faults:
            self.prove(client)
        if self._notes and self._telling is None and self._notes.untold(self._writer, 0, 1):
            self._telling = _Telling(self._notes, self._lineage, self._writer)
        try:
            return self._work(client)
        except Moved:
            self(client)
            return True

    def owed(self, at: datetime) -> tuple[Sequence[int], Sequence[Event]]:
        """Some notes that were told again, by number, and what must be on record of that: a lost commit took its evidence along."""
        notes = self._notes.owed(CHUNK) if self._notes else ()
        told = [one.about for one in notes]
        return [one.id for one in notes], [
            Event(at, Kind.STORE, "restored", person=person.hex(), detail=f"{name} node={self._node}")
            for name, person in told
            if name != "tell"
        ]

    def proved(self, numbers: Sequence[int]) -> None:
        """That is on record."""
        if self._notes:
            self._notes.proved(numbers)

    def prove(self, client: Blocking) -> None:
        """Look whether the server is to be trusted; raises Refused, with every fault, where it is not."""
        found = self._look(client)
        self._standing.faults, self.advice = found.faults, found.advice
        if found.faults:
            raise Refused("the store is not safe: " + ". ".join(map(str, found.faults)))

    def _enter(self, client: Blocking) -> None:
        notes, standing = self._notes, self._standing
        peers = [[one.name, one.id, one.turn, int(one.retired)] for one in notes.members()] if notes else []
        gone = [[name, stand] for name, stand in notes.bygone().items()] if notes else []
        own = notes.id if notes else ""
        new = secrets.token_hex(8)
        known = packed(peers), packed(gone)
        told = self._run(client, SETTLE, self._node, own, self._fingerprint, standing.seen, new, *known, self._machine)
        epoch, stand, unsettled, emptied, members, bygone, lineage = told
        standing.saw(stand)
        standing.emptied = bool(emptied)
        standing.told(settled=not unsettled)
        self._lineage = [_epoch(one) for one in lineage]
        if notes:
            notes.came_from(self._lineage)
            notes.remember([_member(one) for one in members], _bygone(bygone))
            # What others of this machine have under way is told for them only where they may be dead: when everything moved.
            self._telling = _Telling(notes, self._lineage, "" if notes.enters(words(epoch)) else self._writer)
        standing.epoch = words(epoch)

    def _work(self, client: Blocking) -> bool:
        """Work for a while; whether there is more of it."""
        end = time.monotonic() + SLICE
        while time.monotonic() < end:
            if not self._step(client):
                return False
        return True

    def _step(self, client: Blocking) -> bool:
        if self._telling is None:
            return self._put_back(client)
        if page := self._telling.page():
            self._tell(client, page)
        else:
            self._telling = None
        return True

    def _tell(self, client: Blocking, page: Sequence[Note]) -> None:
        """Bring these to Redis. A lift that was never acknowledged is dropped: whoever asked for it was told that it failed."""
        assert self._notes is not None  # noqa: S101 - only who has notes tells
        told = [one for one in page if one.sure or not one.lifts]
        if told:
            epoch = self._standing.epoch
            rows = [[one.order, f"{self._node}:{one.id:015d}", one.payload, *self._when(one)] for one in told]
            stand = self._guarded(client, STAGE, self._node, packed(rows))
            self._standing.told(settled=False)
            self._standing.saw(stand)
            self._notes.held([(one.id, stand) for one in told], epoch)
        if dropped := [one.id for one in page if not one.sure and one.lifts and one.writer == self._writer]:
            self._notes.void(dropped)

    def _when(self, note: Note) -> tuple[dict[str, int], Sequence[Place]]:
        """What is known to have come before a lift, and where anything else was."""
        assert self._notes is not None  # noqa: S101 - only who has notes tells
        return (self._notes.before(note.places[0]), ()) if note.lifts else ({}, note.places)

    def _put_back(self, client: Blocking) -> bool:
        """Confirm, and where everybody has, apply some of what was told; whether more waits."""
        own = self._notes.id if self._notes else ""
        told = self._guarded(client, CONFIRM, self._node, own, self._change, self._machine, int(HEARD * 1000))
        stand, unsettled, emptied, awaited, staged, restored, change, members, bygone = told
        self._standing.emptied = bool(emptied)
        if self._notes:
            self._notes.remember([_member(one) for one in members], _bygone(bygone))
        self._change = change
        self._standing.saw(stand)
        self._standing.told(settled=not unsettled)
        self._standing.awaited = tuple(words(one) for one in awaited)
        self.restored = restored if unsettled and not awaited and not staged else 0
        if not unsettled or awaited or not staged:
            return False
        self._guarded(client, APPLY, time.time_ns() // 1000, CHUNK)
        return True

    def _guarded(self, client: Blocking, script: Script, *arguments: object) -> Any:
        """What a script answers that begins with the guard."""
        epoch = self._standing.epoch
        try:
            return self._run(client, script, epoch, self._standing.seen, *arguments)
        except Moved:
            self._standing.moved(epoch)
            raise

    def _run(self, client: Blocking, script: Script, *arguments: object) -> Any:
        try:
            try:
                return client.execute_command("EVALSHA", script.digest, 1, MARKS, *arguments)
            except NoScriptError:
                return client.execute_command("EVAL", script.text, 1, MARKS, *arguments)
        except ResponseError as error:
            raise self._meaning(error) from error

    def _meaning(self, error: ResponseError) -> Exception:
        match str(error).partition(" ")[0]:
            case "EPOCH":
                return Moved("store")
            case "COPYING":
                return Filling(_COPYING)
            case "KEYS":
                return Refused(_KEYS)
            case "TWIN":
                return Refused(_TWIN.format(node=self._node))
            case "RUNS":
                return Runs(_COPIED.format(node=self._node))
            case "NEWER":
                return Refused(_NEWER)
            case _:
                return error


def _member(row: Packed) -> Member:
    name, number, turn, retired = row
    return Member(words(name), words(number), turn, bool(retired))


def _bygone(told: Sequence[bytes]) -> dict[str, int]:
    return {words(name): int(stand) for name, stand in zip(told[::2], told[1::2], strict=True)}


def _epoch(raw: bytes) -> tuple[str, int]:
    name, after = unpacked(raw)
    return words(name), int(after)
