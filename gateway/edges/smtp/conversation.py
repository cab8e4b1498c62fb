"""The course of one SMTP session: greeting, commands one by one, errors counted, desks asked with a bound, goodbye.

Which commands there are and what they mean is `session`'s. A fault of ours is a 451, never a 5xx (reliability 0.2).
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar

from gateway.core.reply import (
    AUTH_ABORTED,
    AUTH_DECODING,
    AUTH_MECHANISM,
    BAD_ARGUMENTS,
    BAD_SEQUENCE,
    BYE,
    INTERNAL,
    LINE_TOO_LONG,
    NOT_IMPLEMENTED,
    TOO_BUSY,
    TOO_EARLY,
    TOO_MANY_ERRORS,
    UNKNOWN_COMMAND,
    Reply,
)
from gateway.edges.smtp.stream import Gone, Over, Stream
from gateway.edges.smtp.terms import Kind, Terms

T = TypeVar("T")

_BURST = 64
"""Pipelined commands served before other sessions get their turn."""
_FAULTS = frozenset(
    map(
        id,
        (
            UNKNOWN_COMMAND,
            LINE_TOO_LONG,
            NOT_IMPLEMENTED,
            BAD_SEQUENCE,
            BAD_ARGUMENTS,
            AUTH_MECHANISM,
            AUTH_ABORTED,
            AUTH_DECODING,
        ),
    )
)
"""The client's errors of protocol, by identity; a refused address, login or message is none."""


class Conversation(Stream):
    """Serves one client; `obey` answers a command, None when it has answered by itself."""

    def __init__(self, terms: Terms, loop: asyncio.AbstractEventLoop, client: str = "") -> None:
        super().__init__(terms.limits, loop, client)
        self.terms = terms
        self._errors = 0
        self._unknown = 0
        self._idle_commands = 0
        self._asking = False
        self._overran = False

    @property
    @abstractmethod
    def patience(self) -> float:
        """How long the next command may take to begin."""

    longest_line: int
    """The longest command of any verb."""

    @abstractmethod
    def obey(self, line: bytes) -> Reply | Awaitable[Reply | None]:
        """Serve one command."""

    @abstractmethod
    def forget_mail(self) -> None:
        """Drop the open transaction and what it holds."""

    async def _handle_client(self) -> None:
        roster, address = self.terms.roster, self.address
        admitted = linger = roster.enter(self, address)
        try:
            if self.tls is None and self.terms.kind is Kind.SUBMISSIONS:
                await self._begin_tls()
            if admitted:
                await self._greet()
                linger = await self._converse() is not BYE
            else:
                self.answer(TOO_BUSY)
        except Gone:
            pass
        except Over as over:
            self.terms.log.say("smtp-cut", listener=self.terms.kind, code=over.reply.code, why=over.reply.when)
            self.answer(over.reply)
        except Exception as fault:  # noqa: BLE001 - a fault of ours ends the session, and even then it is a 451
            self.terms.log.say("smtp-fault", listener=self.terms.kind, fault=type(fault).__name__)
            self.answer(replace(INTERNAL, close=True))
        finally:
            self.forget_mail()
            try:
                await self.close(linger=linger)
            finally:
                if admitted:
                    roster.leave(self, address)

    async def _begin_tls(self) -> None:
        """Implicit TLS where the transport has not begun it: a PROXY header came first."""
        if self.terms.tls is None:
            raise Gone
        await self.secure(self.terms.tls)
        self._reset_timeout()

    async def _greet(self) -> None:
        if self.limits.greeting_delay:
            await asyncio.sleep(self.limits.greeting_delay)
        await asyncio.sleep(0)  # what was sent before the connection was accepted arrives in this turn of the loop
        if self.waiting:
            raise Over(TOO_EARLY)
        self.answer(self.terms.greeting)

    async def _converse(self) -> Reply:
        """Serve commands until one closes the session; returns its reply."""
        burst = 0
        while True:
            line = await self.line(self.longest_line, self.patience)
            served = self.obey(line) if isinstance(line, bytes) else line
            reply = served if isinstance(served, Reply) else await served
            if reply is not None:
                self.answer(reply)
                if reply.close or reply.code == 421:
                    return reply
                if id(reply) in _FAULTS:
                    self._count_error(reply)
            burst = burst + 1 if self.waiting else 0
            if burst >= _BURST:
                burst = 0
                await self.flush()
                await asyncio.sleep(0)

    def _count_error(self, reply: Reply) -> None:
        self._errors += 1
        self._unknown += reply is UNKNOWN_COMMAND
        if self._errors >= self.limits.errors or self._unknown >= self.limits.unknown_commands:
            raise Over(TOO_MANY_ERRORS)

    def count_idle(self) -> None:
        """Count a command that moves no mail; too many of them end the session."""
        self._idle_commands += 1
        if self._idle_commands > self.limits.idle_commands:
            raise Over(TOO_MANY_ERRORS)

    def count_progress(self) -> None:
        """Mail is moving: idle commands are counted anew."""
        self._idle_commands = 0

    async def ask(self, question: Awaitable[T]) -> T | Reply:
        """A desk's answer; its faults and its silence become INTERNAL. The client's deadline stands still meanwhile."""
        self.until(self.loop.time() + self.limits.answer, self._overrun)
        self._asking, self._overran = True, False
        try:
            return await question
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._overran or task is None:
                raise
            task.uncancel()
            self.terms.log.say("desk-silent", listener=self.terms.kind)
        except Exception as fault:  # noqa: BLE001 - whatever a journey raises is our fault and must be a 451 (I9)
            self.terms.log.say("desk-fault", listener=self.terms.kind, fault=type(fault).__name__)
        finally:
            self._asking = False
        return INTERNAL

    def _overrun(self) -> None:
        if self._asking and self._handler_coroutine is not None:
            self._overran = True
            self._handler_coroutine.cancel()
