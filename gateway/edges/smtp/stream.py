"""One client's connection as bytes: lines and chunks in, replies out, and one deadline at any time.

Built on aiosmtpd's protocol class, which gives it its place under the transport and the task that serves the connection. Its line
reader, verbs, replies, timers and STARTTLS are replaced here and in `session`: they log what clients send, answer 500 for faults of
ours, cancel a relay when the client leaves, and make a Python object of every line. Must not know any command.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from typing import cast

from aiosmtpd.smtp import SMTP

from gateway.core.reply import ALL, BAD_LINE, LINE_TOO_LONG, SESSION_OVER, SHUTTING_DOWN, TIMED_OUT, Reply
from gateway.edges.smtp.limits import Limits

_HIGH_WATER = 64 * 1024
_LINES = {id(reply): reply.line() for reply in ALL}
"""Replies of the table as bytes; by identity, since the table lives as long as the process."""


class Gone(Exception):
    """The client has left, or its connection was cut: nothing more can be read or said."""


class Over(Exception):
    """The session must end now with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.when)
        self.reply = reply


class Stream(SMTP):
    """Reads and writes one connection; `_handle_client`, started by aiosmtpd, is for the session to write."""

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop, client: str = "") -> None:
        # Not aiosmtpd's own constructor: it inspects every attribute of the class for each connection and looks the host name up in
        # the DNS. What its connection_made needs is set here; a test fails when that changes.
        asyncio.StreamReaderProtocol.__init__(self, None, loop=loop)  # type: ignore[arg-type]
        self.loop = loop
        self.limits = limits
        self._client = client
        self.session = None
        self.envelope = None
        self.transport: asyncio.BaseTransport | None = None
        self.wire: asyncio.Transport
        self.tls: ssl.SSLObject | None = None
        self._original_transport = None
        self._handler_coroutine = None
        self._timeout_handle = None
        self._inbox: deque[bytes] = deque()
        self._held = 0
        self._rest = b""
        self._at = 0
        self._waiter: asyncio.Future[None] | None = None
        self._stalled = False
        self._eof = False
        self._lost = False
        self._full = False
        self._out: list[bytes] = []
        self._over: Reply | None = None
        self._idle = False
        self._retiring = False
        self._ends = loop.time() + limits.session
        self._due = inf
        self._then: Callable[[], None] = self._expire
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf

    # What the transport tells. aiosmtpd's connection_made calls the two resets below and starts `_handle_client`.

    def _set_rset_state(self) -> None:
        """aiosmtpd's envelope is not used."""

    def _reset_timeout(self, duration: float | None = None) -> None:
        self.until(self.loop.time() + (duration or self.limits.idle_before_auth), self._expire)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, TLS or not; aiosmtpd starts `_handle_client`."""
        self._take_over(cast(asyncio.Transport, transport))
        super().connection_made(transport)

    def _take_over(self, transport: asyncio.Transport) -> None:
        self.wire = transport
        self.tls = cast("ssl.SSLObject | None", transport.get_extra_info("ssl_object"))

    def data_received(self, data: bytes) -> None:
        """Keep what came; stop the transport when the session is behind."""
        self._inbox.append(data)
        self._held += len(data)
        if self._held > _HIGH_WATER:
            self.stall()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def eof_received(self) -> bool:
        """The client will send no more: commands already here are served, a message without its end is not."""
        self._eof = True
        self._wake()
        return self.tls is None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone: wake whoever reads, cancel nobody (a message being judged is judged to its end)."""
        self._eof = self._lost = True
        asyncio.StreamReaderProtocol.connection_lost(self, error)
        self._wake()

    def pause_writing(self) -> None:
        """The client does not read what we say."""
        self._full = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._full = False
        self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # Facts

    @property
    def address(self) -> str:
        """The client's network address, for counting connections and failed logins: the one a balancer named, else the peer's."""
        if self._client:
            return self._client
        name = self.wire.get_extra_info("peername")
        return str(name[0]) if name else ""

    @property
    def waiting(self) -> bool:
        """Whether the client has sent more than was read."""
        return bool(self._inbox) or self._at < len(self._rest)

    # One deadline

    def until(self, due: float, then: Callable[[], None]) -> None:
        """From now on `then` is called at loop time `due`, whatever was due before; nearly free unless it is earlier."""
        self._due, self._then = due, then
        if due < self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._set_alarm(due)

    def _set_alarm(self, at: float) -> None:
        self._alarm_at = at
        self._alarm = self.loop.call_at(at, self._ring)

    def _ring(self) -> None:
        now = self.loop.time()
        if now < self._due:
            self._set_alarm(self._due)
            return
        then, self._due, self._then = self._then, now + self.limits.idle_before_auth, self.abort
        self._set_alarm(self._due)
        then()

    def _expire(self) -> None:
        over = self.loop.time() >= self._ends
        self._over = SESSION_OVER if over and self._idle else TIMED_OUT
        self._wake()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self.wire.abort()

    def retire(self) -> None:
        """End the session with 421 as soon as it waits for a command, at once if it does."""
        self._retiring = True
        if self._idle:
            self._over = SHUTTING_DOWN
            self._wake()

    # In

    async def line(self, limit: int, idle: float) -> bytes | Reply:
        """The next command line without its CRLF, or what is wrong with it; `idle` bounds the wait for its first octet."""
        if self._lost:
            raise Gone
        if self._retiring:
            raise Over(SHUTTING_DOWN)
        newline = self._rest.find(b"\n", self._at)
        if newline < 0:
            self._await_line(idle)
        while newline < 0:
            while not self._inbox:
                await self._arrival()
            newline = self._join_line(limit)
        start, self._at = self._at, newline + 1
        length = self._at - start
        if length > limit:
            return LINE_TOO_LONG
        line = self._rest[start:newline]
        if line.find(b"\r") != length - 2 or b"\0" in line:
            return BAD_LINE
        return line[:-1]

    def _await_line(self, idle: float) -> None:
        """Set the deadline for a line that is not here yet: `idle` where nothing of it is."""
        self._rest, self._at = self._rest[self._at :], 0
        self._idle = not self._rest and not self._inbox
        due = self.loop.time() + (idle if self._idle else self.limits.command)
        self.until(due if due < self._ends else self._ends, self._expire)

    def _join_line(self, limit: int) -> int:
        """Take a chunk; where the line feed is, or -1. Of a line far too long only enough is kept to see that it is."""
        chunk = self._inbox.popleft()
        self._held -= len(chunk)
        newline = chunk.find(b"\n")
        if self._idle:
            self._idle = False
            if newline < 0:
                self.until(self.loop.time() + self.limits.command, self._expire)
        if not self._rest:
            self._rest = chunk
            return newline
        kept = self._rest[: limit + 1]
        self._rest = kept + chunk
        return len(kept) + newline if newline >= 0 else -1

    async def chunk(self, due: float) -> bytes:
        """The next bytes of a message, whatever their number; `due` is when waiting for them ends the session."""
        if self._at < len(self._rest):
            chunk, self._rest, self._at = self._rest[self._at :], b"", 0
            return chunk
        if not self._inbox:
            self.until(due, self._expire)
            while not self._inbox:
                await self._arrival()
        return self._take()

    def unread(self, rest: bytes) -> None:
        """Put back what came after a message."""
        self._rest, self._at = rest, 0

    def _take(self) -> bytes:
        chunk = self._inbox.popleft()
        self._held -= len(chunk)
        return chunk

    def _forget_inbox(self) -> None:
        self._inbox.clear()
        self._held = 0
        self._rest, self._at = b"", 0

    def _arrival(self) -> Awaitable[None]:
        """Send what was said; what is returned is to be awaited, again and again, until something is in the inbox."""
        if self._out:
            self._write()
        if self._full and not self._lost:
            return self._drain()
        if self._over is not None:
            raise Over(self._over)
        if self._eof:
            raise Gone
        if self._stalled:
            self._resume()
        waiter = self._waiter = self.loop.create_future()
        return waiter

    def stall(self) -> None:
        """Take no more from the network until the next read that must wait."""
        if not self._stalled:
            self._stalled = True
            self.wire.pause_reading()

    def _resume(self) -> None:
        self._stalled = False
        self.wire.resume_reading()

    # Out

    def answer(self, reply: Reply) -> None:
        """Say this, together with what else is said before the session waits again."""
        self._out.append(_LINES.get(id(reply)) or reply.line())

    def answer_lines(self, lines: bytes) -> None:
        """Say a reply of several lines; only EHLO has one."""
        self._out.append(lines)

    async def flush(self) -> None:
        """Send what was said; waits while the client does not read, and cuts it when it never does."""
        if self._out:
            self._write()
            if self._full:
                await self._drain()

    def _write(self) -> None:
        words = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        if self._lost or self.wire.is_closing():
            raise Gone
        self.wire.write(words)

    async def _drain(self) -> None:
        due, then = self._due, self._then
        self.until(self.loop.time() + self.limits.command, self.abort)
        while self._full and not self._lost:
            self._waiter = self.loop.create_future()
            await self._waiter
        self.until(due, then)

    async def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS; whatever came in clear after the command is forgotten (RFC 3207 4.2)."""
        await self.flush()
        self._forget_inbox()
        self._stalled = False  # start_tls lets the transport read on
        if self._lost or self.wire.is_closing():
            raise Gone
        limits = self.limits
        self.until(self.loop.time() + limits.tls_handshake + 1.0, self.abort)
        try:
            transport = await self.loop.start_tls(
                self.wire,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=limits.tls_handshake,
                ssl_shutdown_timeout=limits.linger,
            )
        except OSError as failed:
            raise Gone from failed
        if transport is None:
            raise Gone
        self.transport = transport
        self._take_over(transport)

    async def close(self, linger: bool) -> None:
        """Send what was said and hang up; lingering drains what the client still sends, so that it can read our last word."""
        self._idle = False
        try:
            await self.flush()
            if not linger or self._lost or self.wire.is_closing() or not self.wire.can_write_eof():
                return  # TLS drains by itself while it shuts down
            self.wire.write_eof()
            self.until(self.loop.time() + self.limits.linger, self._expire)
            self._over = None
            while True:
                while not self._inbox:
                    await self._arrival()
                self._forget_inbox()
        except (Gone, Over, OSError):  # OSError: the client reset the connection and the transport does not know yet
            pass
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            self.wire.close()
