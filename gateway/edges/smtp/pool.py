"""Open connections to one next hop, shared first come first served; knows no SMTP beyond whether one is usable and how to leave it.

No background task: a connection that expired or died is dropped when next touched.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.edges.smtp.dialogue import Dialogue
from gateway.edges.smtp.link import LINGER


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections at once, seconds one may idle, messages one may carry."""

    size: int
    idle_seconds: float
    max_messages: int


class Pool:
    """At most `limits.size` connections, idle ones included; the freshest idle one is used first, so that spare ones expire."""

    def __init__(self, open_one: Callable[[float], Awaitable[Dialogue]], limits: Limits) -> None:
        self._open_one = open_one
        self._limits = limits
        self._permits = asyncio.Semaphore(limits.size)
        self._idle: deque[Dialogue] = deque()
        self._leaving: set[Dialogue] = set()
        self._in_use = 0
        self._over = False

    async def acquire(self, deadline: float, *, fresh: bool = False) -> Dialogue:
        """A usable connection for one transaction, `fresh` means newly opened.

        Waits its turn until the deadline; raises TimeoutError then, and whatever opening raises.
        """
        if self._permits.locked():
            async with asyncio.timeout_at(deadline):
                await self._permits.acquire()
        else:
            await self._permits.acquire()
        self._in_use += 1
        try:
            self._drop_stale()
            if self._idle and not fresh:
                return self._idle.pop()
            if self._in_use + len(self._idle) > self._limits.size:
                self._leave(self._idle.popleft())
            return await self._open_one(deadline)
        except BaseException:
            self._give_back()
            raise

    def release(self, dialogue: Dialogue) -> None:
        """Take one back: kept when it may serve again, else ended."""
        self._give_back()
        if self._over or not dialogue.usable or dialogue.served >= self._limits.max_messages:
            self._leave(dialogue)
            return
        dialogue.idle_since = asyncio.get_running_loop().time()
        self._idle.append(dialogue)

    async def close(self) -> None:
        """Leave every idle connection and wait shortly for that; those in use leave when released."""
        self._over = True
        while self._idle:
            self._leave(self._idle.popleft())
        leaving = [dialogue.link.closed for dialogue in self._leaving]
        if leaving:
            await asyncio.wait(leaving, timeout=2 * LINGER)

    def _give_back(self) -> None:
        self._in_use -= 1
        self._permits.release()

    def _drop_stale(self) -> None:
        """Forget what died or said something unasked while idle, and what idled too long (the oldest are first)."""
        oldest = asyncio.get_running_loop().time() - self._limits.idle_seconds
        while self._idle and (self._idle[0].idle_since or 0) < oldest:
            self._leave(self._idle.popleft())
        while self._idle and not self._idle[-1].usable:
            self._leave(self._idle.pop())

    def _leave(self, dialogue: Dialogue) -> None:
        if dialogue.link.closed.done():
            return
        self._leaving.add(dialogue)
        dialogue.link.closed.add_done_callback(lambda _: self._leaving.discard(dialogue))
        dialogue.link.leave()
