"""Looks twice at what claims to be service mail: what is none is judged, completed and signed as marketing, or refused (R-FR-16).

Each process counts the recipients of a template for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.core import reply as replies
from gateway.core.evidence import Event, Kind
from gateway.core.guard import Guard, Hour, as_marketing, promotes, template
from gateway.core.mime import Message
from gateway.core.model import Category, Ref, RefusalMode
from gateway.core.reply import Reply
from gateway.core.verdict import Allow, Reason, Refuse, Undecided
from gateway.flow.attempt import message_digest
from gateway.flow.desk import Login
from gateway.flow.handover import Accepted
from gateway.flow.judge import Judge
from gateway.flow.ports import Book, Clock, Compute, Log, Meter

PROMOTIONAL = "promotional"
TOO_MANY = "recipients"


@dataclass(frozen=True, slots=True)
class Treated:
    """A message as it is treated from here on: in which stream, for whom."""

    login: Login
    accepted: tuple[Accepted, ...]


class CategoryGuard:
    """The second look at service mail, at the end of data."""

    def __init__(self, book: Book, judge: Judge, compute: Compute, clock: Clock, meter: Meter, log: Log) -> None:
        self._book = book
        self._judge = judge
        self._compute = compute
        self._clock = clock
        self._meter = meter
        self._log = log
        self._hour = Hour()

    async def treat(self, login: Login, message: Message, accepted: tuple[Accepted, ...]) -> Treated | Reply:
        """The message as what it is; raises Unavailable where that cannot be recorded (R-FR-91)."""
        bounds = self._judge.pack(login.stream).conduct.guard
        if login.stream.category is not Category.TRANSACTIONAL or bounds is None:
            return Treated(login, accepted)
        why = await self._why(login, message, len(accepted), bounds)
        if not why:
            return Treated(login, accepted)
        advertiser = login.stream.advertiser
        refuse = bounds.then == "refuse" or not (advertiser.postal_address and advertiser.contact)
        ref = await self._record(login, message, accepted, "refuse" if refuse else "reclassify", why)
        if refuse:
            return replies.REFUSALS[Reason.CATEGORY].about(ref)
        return await self._anew(replace(login, stream=as_marketing(login.stream)), accepted)

    async def _why(self, login: Login, message: Message, recipients: int, bounds: Guard) -> str:
        """Why the message is no service mail; empty where it is. Every one counts, promotional or not."""
        key = template(login.tool, login.stream.name, message)
        many = self._hour.add(key, recipients, self._clock.monotonic()) > bounds.recipients_per_hour
        if await self._compute(len(message.raw), partial(promotes, message, bounds)):
            return PROMOTIONAL
        return TOO_MANY if many else ""

    async def _record(self, login: Login, message: Message, accepted: Sequence[Accepted], outcome: str, why: str) -> Ref:
        stream = login.stream
        self._log.say("category-doubted", stream=stream.name, outcome=outcome, why=why)
        event = Event(
            self._clock.now(),
            Kind.DECISION,
            outcome,
            tool=login.tool,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            category=stream.category.value,
            reason=Reason.CATEGORY.value,
            rules=("R-FR-16",),
            policy=self._judge.policy(stream),
            message=message_digest(message),
            about=accepted[0].decision if accepted else "",
            detail=why,
        )
        return (await self._book.commit((event,)))[0]

    async def _anew(self, login: Login, accepted: tuple[Accepted, ...]) -> Treated | Reply:
        """Every recipient decided again as one of marketing; who is refused now is told as the refusal mode says."""
        kept: list[Accepted] = []
        refused: list[tuple[Refuse, Ref]] = []
        for one in accepted:
            again = one if one.withheld else await self._one(login, one)
            if isinstance(again, Reply):
                return again
            kept.append(again)
            if again.withheld and not one.withheld:
                refused.append((again.withheld, again.decision))
        if login.refusal is not RefusalMode.WITHHOLD and len(refused) == len(kept):
            reasons = {refusal.reason for refusal, _ in refused}
            reply = replies.REFUSALS[reasons.pop()] if len(reasons) == 1 else replies.ALL_REFUSED
            return reply.about(refused[0][1])
        return Treated(login, tuple(kept))

    async def _one(self, login: Login, one: Accepted) -> Accepted | Reply:
        """One recipient: kept, or marked to be told that nothing was sent."""
        stream = login.stream
        judgement = await self._judge.judge(stream, one.address)
        verdict = judgement.verdict
        if isinstance(verdict, Undecided):
            return replies.REFUSALS[verdict.reason]
        passes = isinstance(verdict, Allow) or (login.refusal is RefusalMode.MONITOR and not verdict.floor)
        word = _word(login.refusal, verdict)
        ref = await self._judge.record(word, stream, login.tool, judgement, one.decision)
        self._meter.decided(stream.name, "" if isinstance(verdict, Allow) else verdict.reason.value)
        return Accepted(one.addressee, one.address, ref, None if passes or isinstance(verdict, Allow) else verdict, judgement)


def _word(mode: RefusalMode, verdict: Allow | Refuse) -> str:
    """The journal's word for what happens."""
    if isinstance(verdict, Allow):
        return "allow"
    if mode is RefusalMode.MONITOR and not verdict.floor:
        return "monitor"
    return "withhold" if mode is RefusalMode.WITHHOLD else "refuse"
