"""Keeps an open store honest while nothing is asked of it: notices what became of the server, tells what is asked for, says so.

A coroutine for the front desk to station in every process; it never returns and never fails.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

from gateway.core.evidence import Event, Kind
from gateway.edges.store.connection import Refused
from gateway.edges.store.journal import prepare
from gateway.edges.store.redis.commits import Commits, Concluded, Post
from gateway.edges.store.redis.pack import packed
from gateway.edges.store.redis.settle import Settling
from gateway.edges.store.redis.standing import Standing
from gateway.flow.ports import Clock, Log, Unavailable

EVERY = 1.0
PROVE_EVERY = 60.0
PROVE_REPLICAS_EVERY = 5.0
"""Seconds between looks at the server's settings; where replicas are declared, it is more often asked whether they are there."""


class Watching:
    """What is done each second, and what of it was last said."""

    def __init__(self, commits: Commits, settling: Settling, standing: Standing, replicas: int) -> None:
        self._commits = commits
        self._settling = settling
        self._standing = standing
        self._prove_every = PROVE_REPLICAS_EVERY if replicas else PROVE_EVERY
        self._proved = 0.0
        self._settled = False
        self._doubts = 0
        self._faults: tuple[str, ...] = ()
        self._failure = ""
        self.refusal = ""
        """Why there is no going on until a person does something, as the last look found."""
        self._advised = False
        self._emptied = False

    async def run(self, log: Log, clock: Clock) -> None:
        """Look, tell, put back, say; for ever."""
        while True:
            more, failure, refusal = False, "", ""
            try:
                more = await self._look(clock)
            except Refused as error:
                failure = refusal = str(error)
            except Unavailable as error:
                failure = type(error.__cause__ or error).__name__
            self.refusal = refusal
            self._say(log, failure)
            await asyncio.sleep(0 if more else EVERY)

    async def _look(self, clock: Clock) -> bool:
        if clock.monotonic() >= self._proved + self._prove_every:
            await self._commits.apart(self._settling.prove)
            self._proved = clock.monotonic()
        more = await self._commits.apart(self._settling.tend)
        if self._settling.restored:
            with suppress(Concluded):
                await self._commits.post(conclusion(self._standing.epoch, self._settling.restored, clock.now()))
            return True
        return await self._put_on_record(clock) or bool(more)

    async def _put_on_record(self, clock: Clock) -> bool:
        """Put on record what this machine has told again; whether there was any."""
        numbers, events = await self._commits.apart(lambda _: self._settling.owed(clock.now()))
        if events:
            await self._commits.post(Post(packed([]), prepare(events), None, b"", ()))
        if numbers:
            await self._commits.apart(lambda _: self._settling.proved(numbers))
        return bool(numbers)

    def _say(self, log: Log, failure: str) -> None:
        if failure != self._failure and not self._standing.faults:
            log.say("store-unavailable", why=failure) if failure else log.say("store-available")
        self._failure = failure
        self._say_faults(log)
        if self._standing.emptied != self._emptied:
            self._emptied = self._standing.emptied
            log.say("store-emptied" if self._emptied else "store-filled")
        doubts, settled = self._standing.doubts, self._standing.settled
        if doubts != self._doubts or (self._settled and not settled):
            log.say("store-unsettled", waits_for=" ".join(self._standing.awaited))
            self._settled = False
        if settled and not self._settled:
            log.say("store-settled")
        self._doubts, self._settled = doubts, settled

    def _say_faults(self, log: Log) -> None:
        faults = tuple(map(str, self._standing.faults))
        for fault in faults:
            if fault not in self._faults:
                log.say("store-unsafe", why=fault)
        if self._faults and not faults:
            log.say("store-safe")
        self._faults = faults
        if not self._advised:
            for advice in self._settling.advice:
                log.say("store-advice", why=str(advice))
            self._advised = True


def conclusion(epoch: str, restored: int, at: datetime) -> Post:
    """The commit that ends the waiting, with the evidence of what was put back; refused where it is over, or not yet."""
    event = Event(at, Kind.STORE, "settled", detail=f"restored={restored}")
    return Post(packed([["settled", epoch]]), prepare([event]), None, b"", ())
