"""Empties the spool to the providers, asking for a new decision before every attempt.

A row ends delivered, failed, dropped or expired, never silently: the journal knows and the tool is told by DSN.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from gateway.core import reply as replies
from gateway.core.address import AddressFault, parse
from gateway.core.compose import delivery_key
from gateway.core.evidence import Event, Kind
from gateway.core.mime import Malformed
from gateway.core.mime import parse as parse_message
from gateway.core.model import Fate, RefusalMode, Stream
from gateway.core.own_mail import read_slip
from gateway.core.reply import Reply
from gateway.core.verdict import Reason
from gateway.flow.attempt import Attempts, Task, Tried
from gateway.flow.desk import Peer
from gateway.flow.notify import OWN_MAIL, Notifications
from gateway.flow.own_delivery import OwnDelivery
from gateway.flow.ports import Book, Clock, Compute, Log, Parcel, Provider, Spool, Unavailable

ALREADY_STAMPED = Peer("", "", "")
UNWRITABLE_PAUSE = 1.0
IDLE = 30.0  # seconds between looks at the clock when nothing is due: bounds the harm of a clock that jumps


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to try again: the waits after the first, second... attempt; the last repeats until the row's life ends."""

    waits: tuple[timedelta, ...]
    at_once: int

    def next(self, attempts: int, now: datetime) -> datetime:
        """The next time after so many attempts."""
        return now + self.waits[min(attempts, len(self.waits) - 1)]


class Deliver:
    """The background half of delivery."""

    def __init__(
        self,
        spool: Spool,
        book: Book,
        attempts: Attempts,
        notifications: Notifications,
        providers: Mapping[str, Provider],
        streams: Mapping[str, Stream],
        schedule: Schedule,
        spawn: Callable[[Coroutine[None, None, None]], object],
        compute: Compute,
        clock: Clock,
        log: Log,
        own: OwnDelivery,
    ) -> None:
        self._spool = spool
        self._book = book
        self._attempts = attempts
        self._notifications = notifications
        self._providers = providers
        self._streams = streams
        self._schedule = schedule
        self._spawn = spawn
        self._compute = compute
        self._clock = clock
        self._log = log
        self._own = own
        self._bell = asyncio.Event()
        self._stopped = False
        self._room = asyncio.Semaphore(schedule.at_once)

    def wake(self) -> None:
        """New mail was kept: look now."""
        self._bell.set()

    async def run(self) -> None:
        """Deliver what is due, until stopped."""
        while not self._stopped:
            self._bell.clear()
            if not await self._round():
                await self._rest()

    def stop(self) -> None:
        """Begin nothing more: what waits is durable, and what is under way ends by itself."""
        self._stopped = True
        self._bell.set()

    async def _round(self) -> bool:
        """Start what is due and fits; whether anything was."""
        await self._room.acquire()
        self._room.release()
        try:
            parcels = await self._spool.due(self._clock.now(), self._schedule.at_once)
        except Unavailable:
            self._log.say("spool-unreadable")
            return False
        for parcel in parcels:
            await self._room.acquire()
            if self._stopped:
                return False  # the leases end with the process
            self._spawn(self._carry(parcel))
        return bool(parcels)

    async def _rest(self) -> None:
        try:
            due = await self._spool.next_due()
        except Unavailable:
            due = None
        wait = IDLE if due is None else min(IDLE, max(0.05, (due - self._clock.now()).total_seconds()))
        try:
            async with asyncio.timeout(wait):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _carry(self, parcel: Parcel) -> None:
        try:
            await self.carry(parcel)
        except Unavailable:
            self._log.say("delivery-interrupted", stream=parcel.envelope.stream)
            await self._postpone_somehow(parcel)
        finally:
            self._room.release()
            self._bell.set()

    async def _postpone_somehow(self, parcel: Parcel) -> None:
        """The row stays ours and keeps its place here until the disk takes the postponement, or this process ends."""
        said = False
        while not self._stopped:
            try:
                await self._spool.postpone(parcel, self._schedule.next(parcel.attempts, self._clock.now()))
            except Unavailable:
                if not said:
                    self._log.say("spool-unwritable")
                said = True
                await asyncio.sleep(UNWRITABLE_PAUSE)
            else:
                return

    async def carry(self, parcel: Parcel) -> None:
        """Bring one row one step further: settled or postponed."""
        if parcel.envelope.tool == OWN_MAIL:
            await self._carry_own(parcel)
            return
        mark = delivery_key("sent", (parcel.decision, parcel.addressee.address))
        if await self._book.accepted((mark,), parcel.accepted_at - timedelta(hours=1)):
            await self._spool.settle(parcel)  # delivered before a crash; only the row was left
            return
        stream = self._streams.get(parcel.envelope.stream)
        if stream is None:
            self._log.say("stream-not-configured", stream=parcel.envelope.stream)
            await self._wait(parcel, replies.INTERNAL)
            return
        task = await self._task(parcel, stream, mark)
        if task is None:
            await self._fail(parcel, replies.MALFORMED)
            return
        await self._conclude(parcel, await self._attempts.attempt(task))

    async def _task(self, parcel: Parcel, stream: Stream, mark: bytes) -> Task | None:
        address = parse(parcel.addressee.address, smtputf8=True)
        message = await self._compute(len(parcel.message), partial(parse_message, parcel.message, parcel.envelope.smtputf8))
        if isinstance(address, AddressFault) or isinstance(message, Malformed):
            return None
        mode = await self._mode(parcel.envelope.tool, stream)
        return Task(stream, message, parcel.envelope, parcel.addressee, address, mode, parcel.decision, ALREADY_STAMPED, mark)

    async def _mode(self, tool_name: str, stream: Stream) -> RefusalMode:
        tool = await self._book.tool(tool_name)
        return (tool.refusal if tool else None) or stream.refusal

    async def _conclude(self, parcel: Parcel, tried: Tried) -> None:
        outcome = tried.outcome
        if tried.refused is not None:
            reason = tried.refused.reason
            await self._fail(parcel, replies.DROPPED_OPPOSED if reason is Reason.OPPOSED else replies.REFUSALS[reason])
        elif tried.fault is not None:
            await (self._fail if tried.fault.code >= 500 else self._wait)(parcel, tried.fault)
        elif outcome is not None and outcome.fate is Fate.DELIVERED:
            if not tried.reports:
                answer = replies.for_outcome(outcome)
                await self._notifications.relayed(parcel.envelope, parcel.addressee, parcel.message, answer, parcel.accepted_at)
            await self._spool.settle(parcel)
        elif outcome is not None and outcome.fate is Fate.REFUSED:
            await self._tell(parcel, replies.for_outcome(outcome))
            await self._spool.settle(parcel)
        else:
            await self._wait(parcel, replies.for_outcome(outcome) if outcome else replies.INTERNAL)

    async def _wait(self, parcel: Parcel, why: Reply) -> None:
        if self._clock.now() >= parcel.expires_at:
            await self._fail(parcel, replies.EXPIRED)
            return
        self._log.say("delivery-postponed", stream=parcel.envelope.stream, attempts=parcel.attempts + 1, code=why.code)
        await self._again(parcel)

    async def _again(self, parcel: Parcel) -> None:
        """At the next time of the schedule, and for the last time when its life ends."""
        await self._spool.postpone(parcel, min(self._schedule.next(parcel.attempts, self._clock.now()), parcel.expires_at))

    async def _fail(self, parcel: Parcel, why: Reply) -> None:
        """A row ends undelivered for a reason of ours or of time: on record, then told, then forgotten."""
        envelope = parcel.envelope
        address = parse(parcel.addressee.address, smtputf8=True)
        event = Event(
            self._clock.now(),
            Kind.OUTCOME,
            "failed",
            tool=envelope.tool,
            stream=envelope.stream.partition("+")[0],
            person="" if isinstance(address, AddressFault) else self._attempts.person(address).hex(),
            about=parcel.decision,
            detail=f"{why.code} {why.enhanced} {why.token}".strip(),
        )
        await self._book.commit((event,))
        await self._tell(parcel, why)
        await self._spool.settle(parcel)

    async def _tell(self, parcel: Parcel, why: Reply) -> None:
        await self._notifications.failed(parcel.envelope, parcel.addressee, parcel.message, why, parcel.accepted_at)

    async def _carry_own(self, parcel: Parcel) -> None:
        """What we wrote ourselves: a mail to a person, or a report, which is nobody's and given up where it cannot be delivered."""
        stream = self._streams.get(parcel.envelope.stream)
        if stream is None:
            await self._spool.settle(parcel)
            return
        if slip := read_slip(parcel.envelope.slip):
            await (self._spool.settle if await self._own.carry(parcel, slip, stream) else self._again)(parcel)
            return
        chunks: Sequence[bytes] = (parcel.message,)
        outcome = await self._providers[stream.upstream].deliver("", parcel.addressee, parcel.envelope, chunks)
        final = outcome.fate in (Fate.DELIVERED, Fate.REFUSED) or self._clock.now() >= parcel.expires_at
        self._log.say("report-sent" if outcome.fate is Fate.DELIVERED else "report-not-sent", fate=outcome.fate.value)
        if final:
            await self._spool.settle(parcel)
        else:
            await self._again(parcel)
