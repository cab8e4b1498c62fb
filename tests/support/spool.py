"""The spool in memory and a provider that answers by script: second implementations of `ports.Spool` and `ports.Provider`.

Both keep the promises of the real ones and can be made to fail: `down` fails everything, `read_only` fails only what writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.core.model import Fate, Features, Outcome, Ref, Stage
from gateway.flow.ports import Addressee, Clock, Envelope, Parcel, Still, Unavailable

EVERYTHING = Features(eight_bit=True, smtputf8=True, dsn=True, size=0)
TAKEN = Outcome(Fate.DELIVERED, Stage.END, 250, "2.0.0", "Queued")
GREYLISTED = Outcome(Fate.DEFERRED, Stage.RCPT, 450, "4.7.1", "Come back later")
NO_MAILBOX = Outcome(Fate.REFUSED, Stage.RCPT, 550, "5.1.1", "No such user")
SILENT = Outcome(Fate.AMBIGUOUS, Stage.END)
UNREACHABLE = Outcome(Fate.UNREACHABLE, Stage.CONNECT)
NOT_US = Outcome(Fate.OURS, Stage.AUTH, 535, "5.7.8", "Bad password")


@dataclass
class _Kept:
    """One row: the parcel as it will be leased, and when."""

    parcel: Parcel
    due: datetime
    leased: bool = False


@dataclass
class MemorySpool:
    """Rows in a list, each with its own message; a lease lasts until the row is settled or postponed."""

    clock: Clock
    down: bool = False
    read_only: bool = False
    free: int = 1 << 40
    rows: list[_Kept] = field(default_factory=list)
    made: int = 0
    messages: int = 0

    async def keep(
        self, envelope: Envelope, message: bytes, to: Sequence[tuple[Addressee, Ref]], due: datetime, expires: datetime
    ) -> None:
        """See `ports.Spool`."""
        self._writable()
        self.messages += 1
        for addressee, decision in to:
            self.made += 1
            parcel = Parcel(self.made, self.messages, envelope, addressee, message, 0, self.clock.now(), expires, decision)
            self.rows.append(_Kept(parcel, due))

    async def due(self, now: datetime, limit: int) -> Sequence[Parcel]:
        """See `ports.Spool`."""
        self._readable()
        ready = sorted((row for row in self.rows if row.due <= now and not row.leased), key=lambda row: (row.due, row.parcel.id))
        for row in ready[:limit]:
            row.leased = True
        return [row.parcel for row in ready[:limit]]

    async def settle(self, parcel: Parcel) -> None:
        """See `ports.Spool`."""
        self._writable()
        self.rows = [row for row in self.rows if row.parcel.id != parcel.id]

    async def postpone(self, parcel: Parcel, due: datetime) -> None:
        """See `ports.Spool`."""
        self._writable()
        for row in self.rows:
            if row.parcel.id == parcel.id:
                row.parcel = replace(row.parcel, attempts=row.parcel.attempts + 1)
                row.due, row.leased = due, False

    async def depth(self) -> int:
        """See `ports.Spool`."""
        self._readable()
        return len(self.rows)

    async def next_due(self) -> datetime | None:
        """See `ports.Spool`."""
        self._readable()
        return min((row.due for row in self.rows if not row.leased), default=None)

    def free_bytes(self) -> int:
        """See `ports.Spool`."""
        self._readable()
        return self.free

    def waiting(self) -> list[tuple[str, datetime]]:
        """Whom rows wait for, and until when."""
        return [(row.parcel.addressee.address, row.due) for row in self.rows]

    def _readable(self) -> None:
        if self.down:
            raise Unavailable("spool")

    def _writable(self) -> None:
        if self.down or self.read_only:
            raise Unavailable("spool")


@dataclass(frozen=True, slots=True)
class Handed:
    """One transaction as the provider saw it."""

    sender: str
    to: Addressee
    envelope: Envelope
    message: bytes


@dataclass
class ScriptedProvider:
    """Takes everything; `answers` come first, one a transaction, and `offers` is what it announces (or why it cannot be reached).

    `on_deliver` is called while a transaction is under way, `hold` makes it wait.
    """

    offers: Features | Outcome = EVERYTHING
    answers: list[Outcome] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)
    on_deliver: Callable[[], None] | None = None
    hold: asyncio.Event | None = None

    async def features(self) -> Features | Outcome:
        """See `ports.Provider`."""
        return self.offers

    async def deliver(
        self,
        sender: str,
        addressee: Addressee,
        envelope: Envelope,
        body: Sequence[bytes | memoryview],
        still: Still | None = None,
    ) -> Outcome:
        """See `ports.Provider`."""
        if still is not None and not await still():
            return Outcome(Fate.WITHDRAWN, Stage.DATA)
        self.handed.append(Handed(sender, addressee, envelope, b"".join(body)))
        if self.on_deliver is not None:
            self.on_deliver()
        if self.hold is not None:
            await self.hold.wait()
        return self.answers.pop(0) if self.answers else TAKEN
