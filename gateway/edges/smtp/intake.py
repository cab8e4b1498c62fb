"""Takes one message off a stream within its deadlines and its share of memory; knows no command and no desk.

A message that grows past `Limits.large` must hold one of a few slots until its judgement is answered, so that peak memory does not
follow the number of sessions (reliability 4.2 L7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol, assert_never

from gateway.core.reply import BARE_NEWLINE, MALFORMED, NO_SPACE, TOO_BIG, Reply
from gateway.edges.smtp.stream import Stream
from gateway.edges.smtp.wire import Body, CountReader, DotReader, Spoiled


class _Reader(Protocol):
    def feed(self, chunk: bytes) -> bytes | None: ...


class Intake:
    """One message being received; `release` must be called when it was judged or given up."""

    def __init__(self, stream: Stream, slots: asyncio.Semaphore) -> None:
        self._stream = stream
        self._slots = slots
        self._limits = stream.limits
        self._body = Body(self._limits.size, self._limits.body_line)
        self._received = 0
        self._began = self._left = stream.loop.time()
        self._holds_slot = False

    def read_dots(self) -> Awaitable[None]:
        """Read DATA to its true end."""
        return self._read(DotReader(self._body))

    async def read_chunk(self, size: int) -> None:
        """Read one BDAT chunk; the time between two chunks is the session's to bound."""
        self._began += self._stream.loop.time() - self._left
        if self._body.size + size > self._limits.size:
            self._body.spoil(Spoiled.TOO_BIG)
        if size:
            await self._read(CountReader(self._body, size))
        self._left = self._stream.loop.time()

    async def skip(self, size: int) -> None:
        """Read a BDAT chunk that belongs to no transaction, keeping nothing of it."""
        self._body.spoil(Spoiled.NO_ROOM)
        await self.read_chunk(size)

    @property
    def spoiled(self) -> Reply | None:
        """The refusal already certain."""
        return _refusal(self._body.spoiled) if self._body.spoiled is not None else None

    def finish(self) -> bytes | Reply:
        """The whole message, or the refusal; the intake keeps no copy."""
        data = self._body.finish()
        return _refusal(data) if isinstance(data, Spoiled) else data

    def release(self) -> None:
        """Let another large message in."""
        if self._holds_slot:
            self._holds_slot = False
            self._slots.release()

    async def _read(self, reader: _Reader) -> None:
        while True:
            chunk = await self._stream.chunk(self._due())
            self._received += len(chunk)
            rest = reader.feed(chunk)
            del chunk
            if self._body.size > self._limits.large and not self._holds_slot and self._body.spoiled is None:
                await self._take_slot()
            if rest is not None:
                self._stream.unread(rest)
                return

    def _due(self) -> float:
        """The moment by which more must have come: the least rate is an average over the message (T13)."""
        patience = max(self._limits.data_grace, self._received / self._limits.data_rate)
        return self._began + min(self._limits.data, patience)

    async def _take_slot(self) -> None:
        """Wait in line for a slot with the network held back; time spent waiting is not the client's."""
        stream, asked = self._stream, self._stream.loop.time()
        stream.stall()
        stream.until(asked + self._limits.large_wait + self._limits.command, stream.abort)
        try:
            async with asyncio.timeout(self._limits.large_wait):
                await self._slots.acquire()
            self._holds_slot = True
        except TimeoutError:
            self._body.spoil(Spoiled.NO_ROOM)
        self._began += stream.loop.time() - asked


def _refusal(cause: Spoiled) -> Reply:
    match cause:
        case Spoiled.BARE_NEWLINE:
            return BARE_NEWLINE
        case Spoiled.TOO_BIG:
            return TOO_BIG
        case Spoiled.LONG_LINE:
            return MALFORMED
        case Spoiled.NO_ROOM:
            return NO_SPACE
        case _:
            assert_never(cause)
