"""Holds a lease for this process and has the work done that only its holder may do; stops it before another may begin.

Decides nothing about the work. When a lease ends is judged by this process's own clock that never jumps, counted from before it was
asked for: a process that was stopped and goes on finds its time over. What still runs then writes nothing: its commits carry the
lease's number (`LeasedBook.under`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from gateway.flow.lease_ports import Lease, Leases, Overtaken
from gateway.flow.ports import Clock, Log, Unavailable

LENGTH = 10.0
EVERY, LOOK = 3.0, 2.0
"""Seconds a lease lasts, between two renewals, and between two looks whether it is free: within 12 the next holder begins."""
MARGIN = 1.0
"""Seconds before its end from which on a lease that could not be renewed counts as lost, so that what runs has time to stop."""
FAREWELL = 2.0
"""Seconds that giving a lease back may take: it ends by itself."""

Work = Callable[[Lease], Coroutine[Any, Any, None]]
Start = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[Exception | None]"]
"""Starts a task that can be cancelled, of `ended(work)`."""

T = TypeVar("T")


async def ended(work: Coroutine[Any, Any, None]) -> Exception | None:
    """Do the work to its end; the failure it ended with, for whoever lent a task to it. Cancelled, it is just that."""
    try:
        await work
    except Exception as failure:  # noqa: BLE001 - handed over, and raised there
        return failure
    return None


class Keeper:
    """One lease, as one process takes, renews and gives it back; `owner` as in `Leases.take`."""

    def __init__(self, leases: Leases, name: str, owner: str, start: Start, clock: Clock, log: Log) -> None:
        self._leases = leases
        self._name = name
        self._owner = owner
        self._start = start
        self._clock = clock
        self._log = log

    async def run(self, work: Work) -> None:
        """Do work that never ends whenever the lease is ours, until cancelled."""
        while True:
            try:
                await self.turn(work)
            except Unavailable as failure:
                self._log.say("lease-not-held", lease=self._name, outside=failure.what)
            await asyncio.sleep(LOOK)

    async def turn(self, work: Work) -> bool:
        """Do the work now and give the lease back; False, and nothing done, where another holds it.

        Raises Overtaken where the lease was lost on the way: the work was cancelled then, or refused its first write.
        """
        until = self._until()
        lease = await self._take(until)
        if lease is None:
            return False
        self._log.say("lease-taken", lease=self._name, number=lease.number)
        task = self._start(work(lease))
        try:
            await self._hold(task, lease, until)
        finally:
            await self._end(task)
            await self._give_back(lease)
        failure = task.result()
        if failure is not None:
            raise failure
        return True

    async def did(self, work: Callable[[Lease], Awaitable[T]]) -> T | None:
        """What came of the work, done as in `turn`; None where another holds the lease."""
        came: list[T] = []

        async def held(lease: Lease) -> None:
            came.append(await work(lease))

        return came[0] if await self.turn(held) else None

    async def _hold(self, task: asyncio.Task[Exception | None], lease: Lease, until: float) -> None:
        """Renew until the work has ended."""
        while not task.done():
            await asyncio.wait((task,), timeout=min(EVERY, max(until - self._clock.monotonic(), 0)))
            if task.done():
                return
            if self._clock.monotonic() >= until:
                raise Overtaken(self._name)
            after = self._until()
            try:
                held = await self._take(until)
            except Unavailable:
                continue  # the lease still runs: asked again until it does not
            if held != lease:
                raise Overtaken(self._name)
            until = after

    async def _take(self, until: float) -> Lease | None:
        """Ask the store, for no longer than an answer is of use."""
        try:
            async with asyncio.timeout(until - self._clock.monotonic()):
                return await self._leases.take(self._name, self._owner, LENGTH)
        except TimeoutError:
            raise Unavailable("store") from None

    async def _end(self, task: asyncio.Task[Exception | None]) -> None:
        """Stop the work; the lease is not asked for again before it has."""
        while not task.done():
            task.cancel()
            await asyncio.wait((task,), timeout=LENGTH)

    async def _give_back(self, lease: Lease) -> None:
        self._log.say("lease-given-back", lease=self._name, number=lease.number)
        try:
            async with asyncio.timeout(FAREWELL):
                await self._leases.release(lease, self._owner)
        except (Unavailable, TimeoutError):
            self._log.say("lease-left-to-end", lease=self._name)

    def _until(self) -> float:
        return self._clock.monotonic() + LENGTH - MARGIN
