"""One TCP connection to a next hop: replies in, bytes out, each wait bounded. Knows no command and no message.

After any doubt (time-out, garbage, loss) the connection is dead and stays dead: what was understood before it can still be read.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from gateway.edges.smtp.answers import Answer, AnswerReader, Garbage

LINGER = 2.0
MAX_PENDING = 16


class Broken(Exception):
    """The connection ended before the answer did; `why` is `closed`, `timeout` or `garbage`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Link(asyncio.Protocol):
    """The client's end of a connection; at most one coroutine waits on it at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._answers: deque[Answer] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self._why = ""
        self._leaving = False
        self._timer: asyncio.TimerHandle | None = None
        self._limit = 0.0
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data, self._answers)
        except Garbage:
            self.abort("garbage")
        if len(self._answers) > MAX_PENDING:
            self.abort("garbage")
        if self._leaving and self._transport is not None:
            self._transport.close()
        self._wake()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._why = self._why or "closed"
        if self._timer is not None:
            self._timer.cancel()
        if not self.closed.done():
            self.closed.set_result(None)
        self._wake()

    # our side

    @property
    def alive(self) -> bool:
        """Whether neither side has ended it."""
        return not self._why and self._transport is not None and not self._transport.is_closing()

    @property
    def pending(self) -> int:
        """Answers that came and were not read yet; one that has only begun counts."""
        return len(self._answers) + self._reader.partial

    async def answer(self, deadline: float) -> Answer:
        """The next answer; raises Broken when there will be none in time."""
        while not self._answers:
            await self._arrival(deadline)
        return self._answers.popleft()

    def take(self) -> Answer | None:
        """An answer that is already here, without waiting."""
        return self._answers.popleft() if self._answers else None

    def put(self, octets: bytes) -> None:
        """Hand bytes to the transport; raises Broken on a dead connection."""
        if not self.alive or self._transport is None:
            raise Broken(self._why or "closed")
        self._transport.write(octets)

    async def send(self, octets: bytes, deadline: float) -> None:
        """The same, then give way to others and wait while the peer reads more slowly than we write and says nothing."""
        self.put(octets)
        await asyncio.sleep(0)
        while self._paused and not self._answers:
            await self._arrival(deadline)

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: float) -> None:
        """Encrypt; whatever came in clear is forgotten (R-STD-54). Raises OSError when the handshake fails."""
        assert self._transport is not None  # noqa: S101 - only called on a connection that answered
        self._reader = AnswerReader()
        self._answers.clear()
        try:
            async with asyncio.timeout_at(deadline):
                encrypted = await self._loop.start_tls(self._transport, self, context, server_hostname=host)
        except BaseException:
            self.abort()
            raise
        if encrypted is None:  # a peer that leaves during the handshake can make asyncio say so
            self.abort()
            raise ConnectionResetError
        self._transport = encrypted

    def abort(self, why: str = "closed") -> None:
        """End it now, saying nothing."""
        self._why = self._why or why
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> None:
        """QUIT, and close on the answer or a little later."""
        if not self.alive:
            self.abort()
            return
        self.put(b"QUIT\r\n")
        self._leaving = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(LINGER, self.abort)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _arrival(self, deadline: float) -> asyncio.Future[None]:
        """What to wait on for the next thing to happen here; raises Broken when nothing will."""
        if self._why:
            raise Broken(self._why)
        self._limit = deadline
        if self._timer is None or self._timer.when() > deadline:
            self._watch()
        waiter = self._waiter = self._loop.create_future()
        return waiter

    def _watch(self) -> None:
        """Look again at the limit; one timer serves many waits, as limits mostly move on before they are reached."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._limit, self._expire)

    def _expire(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._limit:
            self._watch()
            return
        self.abort("timeout")
        self._wake()
