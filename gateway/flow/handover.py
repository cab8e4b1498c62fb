"""Takes over a checked message: tried at once for one recipient, kept durably for several (design 4).

250 is said only when every recipient is at the provider, durably ours, or deliberately withheld and reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from gateway.core import reply as replies
from gateway.core.address import Address
from gateway.core.change import Accept
from gateway.core.compose import Stamp, delivery_key, received
from gateway.core.mime import Message
from gateway.core.model import Fate, Outcome, Ref, RefusalMode, Stage
from gateway.core.reply import Reply
from gateway.core.verdict import Refuse, Undecided
from gateway.flow.attempt import Attempts, Task, Tried
from gateway.flow.desk import Login, Peer
from gateway.flow.judge import Judge, Judgement
from gateway.flow.notify import Notifications
from gateway.flow.ports import Addressee, Book, Clock, Compute, Envelope, Log, Spool, Unavailable

RESEND_WINDOW = timedelta(hours=24)
TWIN_PATIENCE = 120.0
"""Seconds a resend waits for the first sending: longer than one attempt at the provider (60 s)."""
Spawn = Callable[[Coroutine[None, None, Reply]], "asyncio.Future[Reply]"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """One recipient that got 250 at RCPT; a `withheld` one is never sent, its tool is told by DSN."""

    addressee: Addressee
    address: Address
    decision: Ref
    withheld: Refuse | None
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Submitted:
    """A checked message of a tool, as it stands at the end of data."""

    login: Login
    envelope: Envelope
    peer: Peer
    message: Message


@dataclass(frozen=True, slots=True)
class Keeping:
    """How mail that cannot go at once is treated: kept (or handed back to the tool), for how long, first retried when."""

    on_defer: bool
    life: timedelta
    first_retry: timedelta


class Handover:
    """Owns the moment of 250."""

    def __init__(
        self,
        book: Book,
        spool: Spool,
        judge: Judge,
        attempts: Attempts,
        notifications: Notifications,
        keeping: Keeping,
        hostname: str,
        spawn: Spawn,
        wake: Callable[[], None],
        compute: Compute,
        clock: Clock,
        log: Log,
    ) -> None:
        self._book = book
        self._spool = spool
        self._judge = judge
        self._attempts = attempts
        self._notifications = notifications
        self._keeping = keeping
        self._hostname = hostname
        self._spawn = spawn
        self._wake = wake
        self._compute = compute
        self._clock = clock
        self._log = log
        self._under_way: dict[bytes, asyncio.Future[None]] = {}

    async def take(self, submitted: Submitted, accepted: tuple[Accepted, ...]) -> Reply:
        """The answer to the end of data. Runs in a task of its own: a client that leaves cancels nothing (reliability 0.5)."""
        return await asyncio.shield(self._spawn(self._take(submitted, accepted)))

    async def _take(self, submitted: Submitted, accepted: tuple[Accepted, ...]) -> Reply:
        try:
            return await self._settle(submitted, accepted)
        except Unavailable:
            return replies.EVIDENCE_DOWN

    async def _settle(self, submitted: Submitted, accepted: tuple[Accepted, ...]) -> Reply:
        wanted = [one for one in accepted if one.withheld is None]
        if not wanted:
            return await self._report_withheld(submitted, accepted, replies.WITHHELD)
        marks = await self._marks(submitted, wanted)
        async with self._alone(marks.values()):
            return await self._send(submitted, accepted, wanted, marks)

    @asynccontextmanager
    async def _alone(self, marks: Iterable[bytes]) -> AsyncIterator[None]:
        """Let a resend wait until the first sending has ended: a tool that was cut off sends again at once (design 4)."""
        own = frozenset(marks)
        while twins := {self._under_way[mark] for mark in own if mark in self._under_way}:
            _, pending = await asyncio.wait(twins, timeout=TWIN_PATIENCE)
            if pending:
                raise Unavailable("first sending")
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.update(dict.fromkeys(own, ended))
        try:
            yield
        finally:
            for mark in own:
                del self._under_way[mark]
            ended.set_result(None)

    async def _send(
        self, submitted: Submitted, accepted: tuple[Accepted, ...], wanted: list[Accepted], marks: dict[str, bytes]
    ) -> Reply:
        open_ones = wanted if len(wanted) == 1 else await self._open(wanted, marks)
        match open_ones:
            case []:
                reply = replies.ALREADY
            case [one]:
                reply = await self._try_at_once(submitted, one, marks)
            case _:
                reply = await self._keep_several(submitted, open_ones, marks)
        return reply if reply is replies.ALREADY else await self._report_withheld(submitted, accepted, reply)

    async def _open(self, wanted: list[Accepted], marks: dict[str, bytes]) -> list[Accepted]:
        """Who has not got this message yet."""
        done = await self._book.accepted(tuple(marks.values()), self._clock.now() - RESEND_WINDOW) if marks else frozenset()
        return [one for one in wanted if marks.get(one.address.canonical) not in done]

    async def _marks(self, submitted: Submitted, wanted: list[Accepted]) -> dict[str, bytes]:
        """The idempotency key of each recipient; none for a message without Message-ID."""
        message = submitted.message
        if not message.message_id:
            return {}
        body = await self._compute(len(message.raw), lambda: sha256(message.raw).digest())
        tool = submitted.login.tool
        return {
            one.address.canonical: delivery_key("taken", (tool, message.message_id, one.address.canonical, body)) for one in wanted
        }

    async def _try_at_once(self, submitted: Submitted, one: Accepted, marks: dict[str, bytes]) -> Reply:
        """Whether it went before is asked beside what the recipient may have said meanwhile."""
        again = self._judge.again(submitted.login.stream, one.address, one.judgement)
        open_ones, judgement = await asyncio.gather(self._open([one], marks), again)
        if not open_ones:
            return replies.ALREADY
        mark = marks.get(one.address.canonical, b"")
        tried = await self._attempts.attempt(self._task(submitted, replace(one, judgement=judgement), mark))
        if tried.fault is not None:
            return tried.fault
        if tried.refused is not None:
            return await self._refused_now(submitted, one, tried.refused, tried.ref)
        return await self._answer_outcome(submitted, one, mark, tried)

    async def _answer_outcome(self, submitted: Submitted, one: Accepted, mark: bytes, tried: Tried) -> Reply:
        outcome = tried.outcome or Outcome(Fate.UNREACHABLE, Stage.CONNECT)
        if outcome.fate is Fate.DELIVERED and not tried.reports:
            await self._tell_relayed(submitted, one.addressee)
        waits = outcome.fate in (Fate.DEFERRED, Fate.UNREACHABLE, Fate.AMBIGUOUS)
        if waits and self._keeping.on_defer:
            try:
                await self._keep(submitted, [one], {one.address.canonical: mark} if mark else {}, self._keeping.first_retry)
            except Unavailable:
                return replies.for_outcome(outcome).about(tried.ref)
            return replies.QUEUED.about(tried.ref)
        if outcome.fate is Fate.OURS:
            self._log.say("next-hop-refuses-us", stream=submitted.login.stream.name, stage=outcome.stage.value, code=outcome.code)
        return replies.for_outcome(outcome).about(tried.ref)

    async def _refused_now(self, submitted: Submitted, one: Accepted, refusal: Refuse, ref: Ref | None) -> Reply:
        """The facts changed between RCPT and now: an opposition wins at the last moment too."""
        if submitted.login.refusal is RefusalMode.WITHHOLD:
            await self._tell(submitted, one.addressee, refusal)
            return replies.WITHHELD.about(ref)
        return replies.REFUSALS[refusal.reason].about(ref)

    async def _keep_several(self, submitted: Submitted, ones: list[Accepted], marks: dict[str, bytes]) -> Reply:
        stream, tool = submitted.login.stream, submitted.login.tool
        still: list[Accepted] = []
        refused: list[tuple[Accepted, Refuse, Ref]] = []
        for one in ones:
            judgement = await self._judge.judge(stream, one.address)
            verdict = judgement.verdict
            if isinstance(verdict, Undecided):
                return replies.REFUSALS[verdict.reason]
            if isinstance(verdict, Refuse) and (verdict.floor or submitted.login.refusal is not RefusalMode.MONITOR):
                refused.append((one, verdict, await self._judge.record("drop", stream, tool, judgement, one.decision)))
            else:
                still.append(replace(one, judgement=judgement))
        if still:
            obstacle = await self._attempts.preflight(self._task(submitted, still[0], b""))
            if obstacle is not None:
                return obstacle
            await self._keep(submitted, still, marks, timedelta(0))
        elif submitted.login.refusal is not RefusalMode.WITHHOLD:
            return _all_refused(refused)
        for one, refusal, _ in refused:  # R-STD-08: some good, some refused after DATA
            await self._tell(submitted, one.addressee, refusal)
        return replies.QUEUED.about(still[0].decision) if still else replies.WITHHELD.about(refused[0][2])

    async def _keep(self, submitted: Submitted, ones: list[Accepted], marks: dict[str, bytes], delay: timedelta) -> None:
        now = self._clock.now()
        peer = submitted.peer
        stamp = Stamp(now, peer.helo, peer.protocol, peer.tls, ones[0].decision)
        # The stamp of receipt is put now: later attempts no longer know how the message came in.
        bytes_kept = received(self._hostname, stamp) + submitted.message.raw
        rows = [(one.addressee, one.decision) for one in ones]
        await self._spool.keep(submitted.envelope, bytes_kept, rows, now + delay, now + self._keeping.life)
        self._wake()
        if marks:
            try:
                await self._book.commit((), [Accept(marks[one.address.canonical], now) for one in ones])
            except Unavailable:
                # The mail is durably ours: answering 4xx now would make two of it. Only a resend within 24 h goes unnoticed.
                self._log.say("resend-mark-not-recorded", stream=submitted.login.stream.name)

    async def _report_withheld(self, submitted: Submitted, accepted: tuple[Accepted, ...], reply: Reply) -> Reply:
        if reply.positive:
            for one in accepted:
                if one.withheld is not None:
                    await self._tell(submitted, one.addressee, one.withheld)
        return reply

    async def _tell(self, submitted: Submitted, addressee: Addressee, refusal: Refuse) -> None:
        """Report one recipient who got nothing; the rest of the message is settled: a failure here takes nothing back."""
        try:
            await self._notifications.failed(
                submitted.envelope, addressee, submitted.message.raw, replies.REFUSALS[refusal.reason], self._clock.now()
            )
        except Unavailable:
            self._log.say("tool-not-told", stream=submitted.login.stream.name, reason=refusal.reason.value)

    async def _tell_relayed(self, submitted: Submitted, addressee: Addressee) -> None:
        now = self._clock.now()
        try:
            await self._notifications.relayed(submitted.envelope, addressee, submitted.message.raw, replies.RELAYED, now)
        except Unavailable:
            self._log.say("tool-not-told", stream=submitted.login.stream.name, reason="relayed")

    def _task(self, submitted: Submitted, one: Accepted, mark: bytes) -> Task:
        return Task(
            submitted.login.stream,
            submitted.message,
            submitted.envelope,
            one.addressee,
            one.address,
            submitted.login.refusal,
            one.decision,
            submitted.peer,
            mark,
            one.judgement,
        )


def _all_refused(refused: list[tuple[Accepted, Refuse, Ref]]) -> Reply:
    """One answer for every recipient: the reason where they share it."""
    reasons = {refusal.reason for _, refusal, _ in refused}
    reply = replies.REFUSALS[reasons.pop()] if len(reasons) == 1 else replies.ALL_REFUSED
    return reply.about(refused[0][2])
