"""What all sessions of one listener share: its desk, its limits, its name, and who is connected."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.core.reply import Reply
from gateway.edges.smtp.auth import Throttle
from gateway.edges.smtp.limits import Limits
from gateway.flow.desk import Desk
from gateway.flow.ports import Log


class Kind(StrEnum):
    """What a listener is for; `submissions` speaks TLS from the first octet (RFC 8314)."""

    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"
    INBOUND = "inbound"


class Guest(Protocol):
    """A connected session, as the roster knows it."""

    def retire(self) -> None:
        """End with 421 when no command is being served."""

    def abort(self) -> None:
        """Cut the connection."""


class Roster:
    """Who is connected: bounded in all and per address, and to be sent home at the end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._guests: set[Guest] = set()
        self._addresses: Counter[str] = Counter()
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: Guest, address: str) -> bool:
        """Admit a connection, unless a cap is reached or the listener closes."""
        full = len(self._guests) >= self._limits.connections or self._addresses[address] >= self._limits.connections_per_address
        if full or self._closing:
            return False
        self._guests.add(guest)
        self._addresses[address] += 1
        self._empty.clear()
        return True

    def leave(self, guest: Guest, address: str) -> None:
        """Forget a connection that was admitted."""
        self._guests.discard(guest)
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]
        if not self._guests:
            self._empty.set()

    async def dismiss(self, grace: float) -> None:
        """Send everyone home: the idle at once, the others after their command, and after `grace` seconds without asking."""
        self._closing = True
        for guest in list(self._guests):
            guest.retire()
        try:
            async with asyncio.timeout(grace):
                await self._empty.wait()
        except TimeoutError:
            for guest in list(self._guests):
                guest.abort()


@dataclass(frozen=True, slots=True)
class Terms:
    """The house rules of one listener; `tls` is the context for STARTTLS, or for the whole connection."""

    kind: Kind
    desk: Desk
    limits: Limits
    log: Log
    tls: ssl.SSLContext | None
    hostname: str
    clear_auth: bool
    auth_required: bool
    roster: Roster
    slots: asyncio.Semaphore
    throttle: Throttle

    @property
    def auth_offered(self) -> bool:
        """Whether tools log in here at all."""
        return self.kind is not Kind.INBOUND

    @property
    def greeting(self) -> Reply:
        """The first line: a name, no product and no version."""
        return Reply(220, "", f"{self.hostname} ESMTP")

    @property
    def hello(self) -> Reply:
        """The answer to HELO."""
        return Reply(250, "", self.hostname)

    def extensions(self, secured: bool) -> bytes:
        """The answer to EHLO; AUTH is announced only where it may be used, STARTTLS only where it can be (R-STD-12, 13)."""
        lines = [
            self.hostname,
            "PIPELINING",
            f"SIZE {self.limits.size}",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "DSN",
            "CHUNKING",
        ]
        if self.tls is not None and not secured:
            lines.append("STARTTLS")
        if self.auth_offered and (secured or self.clear_auth):
            lines.append("AUTH PLAIN LOGIN")
        return "".join(f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines).encode("ascii")
