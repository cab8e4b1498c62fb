"""One attempt to hand one person's copy to the provider: decide anew, compose, record, deliver, record.

Shared by the synchronous answer and the spool. It must not spool, retry or answer the tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import assert_never

from gateway.core import reply as replies
from gateway.core.address import Address
from gateway.core.change import Accept, Change, Count, GiveNotice, KeepOwnUnsubscribe, KeepRoutes
from gateway.core.complaint_rate import DELIVERED
from gateway.core.compose import Copy, Finished, Letterhead, Stamp, captures, complete, draft, signatures
from gateway.core.evidence import Event, Kind
from gateway.core.mime import Message
from gateway.core.model import Category, Fate, Outcome, PersonKey, Ref, RefusalMode, Stream
from gateway.core.provider_of import provider_of
from gateway.core.record import NoticeGiven, NoticeKind
from gateway.core.reply import Reply
from gateway.core.return_path import captures_failures
from gateway.core.routes import write_routes
from gateway.core.sieve import Sifted
from gateway.core.tool_way_out import as_kept
from gateway.core.verdict import Allow, Due, Refuse, Undecided, Verdict
from gateway.flow.captured import cover, routes
from gateway.flow.desk import Peer
from gateway.flow.judge import Judge, Judgement
from gateway.flow.ports import (
    Addressee,
    Book,
    Clock,
    Compute,
    Envelope,
    Log,
    OptOutHealth,
    Provider,
    SignatureCheck,
    Unavailable,
    Vault,
)
from gateway.flow.preflight import NotLooked, Posture


@dataclass(frozen=True, slots=True)
class Task:
    """One copy to try: `decision` refers to the RCPT decision, `mark` is the key remembered once delivered (may be empty).

    `judgement` is the verdict of this moment, where it was just asked for.
    """

    stream: Stream
    message: Message
    envelope: Envelope
    addressee: Addressee
    address: Address
    refusal: RefusalMode
    decision: Ref
    peer: Peer
    mark: bytes
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """The attempt's end: exactly one of a provider's `outcome`, a `refused` verdict, or `fault`, a reply of our own.

    `reports` says that the provider will itself report a success that was asked for (RFC 3461 5.2.2).
    """

    outcome: Outcome | None = None
    reports: bool = False
    refused: Refuse | None = None
    fault: Reply | None = None
    ref: Ref | None = None


class Attempts:
    """Makes attempts; the only place that hands mail to a provider on a tool's behalf."""

    def __init__(
        self,
        book: Book,
        judge: Judge,
        letterheads: Mapping[str, Letterhead],
        providers: Mapping[str, Provider],
        vault: Vault,
        compute: Compute,
        check: SignatureCheck,
        health: OptOutHealth,
        clock: Clock,
        log: Log,
        posture: Posture | None = None,
    ) -> None:
        self._posture = posture or NotLooked()
        self._book = book
        self._judge = judge
        self._letterheads = letterheads
        self._providers = providers
        self._vault = vault
        self._compute = compute
        self._check = check
        self._health = health
        self._clock = clock
        self._log = log

    async def attempt(self, task: Task) -> Tried:
        """Try once; never raises for anything that can happen to mail."""
        if not self.may_leave(task.stream):
            return Tried(fault=replies.OPTOUT_DOWN)
        try:
            judgement = task.judgement or await self._judge.judge(task.stream, task.address)
            if not _passes(task, judgement.verdict):
                return await self._stop(task, judgement)
            if not self.may_leave(task.stream):  # this very look may have shown that oppositions are missing
                return Tried(fault=replies.OPTOUT_DOWN)
            return await self._hand_over(task, judgement)
        except Unavailable:
            return Tried(fault=replies.EVIDENCE_DOWN)

    async def _stop(self, task: Task, judgement: Judgement) -> Tried:
        """The message must not leave, now or as long as nobody knows."""
        verdict = judgement.verdict
        if not isinstance(verdict, Refuse):
            return Tried(fault=replies.REFUSALS[verdict.reason] if isinstance(verdict, Undecided) else replies.STORE_DOWN)
        ref = await self._judge.record("drop", task.stream, task.envelope.tool, judgement, task.decision)
        return Tried(refused=verdict, ref=ref)

    def person(self, address: Address) -> PersonKey:
        """The key an address is filed under."""
        return self._judge.person(address)

    def may_leave(self, stream: Stream) -> bool:
        """Whether a stream's mail may go now: marketing waits while nobody could say stop, kept mail too (R-FR-52)."""
        return stream.category is not Category.MARKETING or self._health.healthy

    async def preflight(self, task: Task) -> Reply | None:
        """What would forbid this message for anybody: no key, no place for the words due; None when a copy can be made."""
        if not self.may_leave(task.stream):
            return replies.OPTOUT_DOWN
        judgement = task.judgement or await self._judge.judge(task.stream, task.address)
        finished = await self._finish(task, copy_of(self._judge, task.stream, judgement), eight_bit=True)
        return finished if isinstance(finished, Reply) else None

    async def _hand_over(self, task: Task, judgement: Judgement) -> Tried:
        provider = self._providers[task.stream.upstream]
        features = await provider.features()
        if isinstance(features, Outcome):
            return Tried(outcome=features)
        copy = copy_of(self._judge, task.stream, judgement)
        finished = await self._finish(task, copy, features.eight_bit)
        if isinstance(finished, Reply):
            return Tried(fault=finished)
        ref = await self._record_attempt(task, judgement, finished)
        last = judgement

        async def still() -> bool:
            nonlocal last
            last = await self._judge.again(task.stream, task.address, last)
            return _passes(task, last.verdict) and self.may_leave(task.stream)

        covered = cover(self._head(task.stream), judgement.person, task.envelope, task.addressee)
        outcome = await provider.deliver(covered.sender, covered.addressee, covered.envelope, finished.chunks, still)
        await self._record_outcome(task, judgement, copy, finished, outcome, ref)
        if outcome.fate is Fate.WITHDRAWN:
            return Tried(fault=replies.OPTOUT_DOWN) if _passes(task, last.verdict) else await self._stop(task, last)
        return Tried(outcome=outcome, reports=features.dsn and not covered.ours, ref=ref)

    async def _finish(self, task: Task, copy: Copy, eight_bit: bool) -> Finished | Reply:
        if task.stream.category is Category.MARKETING and self._posture.holds(task.message):
            return replies.ALIGNMENT
        copy = replace(copy, dead=self._posture.dead) if self._posture.dead else copy
        peer = task.peer
        stamp = Stamp(self._clock.now(), peer.helo, peer.protocol, peer.tls, task.decision)
        making = (task.message, self._head(task.stream), copy, stamp, eight_bit)
        drafted = await self._compute(len(task.message.raw), partial(draft, *making))
        if isinstance(drafted, Reply):
            return drafted
        # The private operation outweighs all else of a small copy, and leaves the interpreter to others meanwhile.
        signed = await self._compute.apart(partial(signatures, drafted))
        finished = await self._compute(len(task.message.raw), partial(complete, drafted, signed))
        if self._check.due() and not await self._compute.apart(partial(self._check.verify, finished.chunks)):
            self._log.say("signature-self-check-failed", stream=task.stream.name)
            return replies.DKIM_FAULT
        return finished

    def _head(self, stream: Stream) -> Letterhead:
        """The stream's letterhead, also where its mail is treated as another category (R-FR-16)."""
        head = self._letterheads[stream.name]
        return head if head.stream.category is stream.category else replace(head, stream=stream)

    async def _record_attempt(self, task: Task, judgement: Judgement, finished: Finished) -> Ref:
        event = self._judge.event(
            Kind.ATTEMPT,
            "begin",
            task.stream,
            task.envelope.tool,
            judgement,
            task.decision,
            body=finished.digest,
            template=finished.template,
            message=message_digest(task.message),
            detail=_taken_out(finished.sifted),
        )
        return (await self._book.commit((event,), self._remembered(task, judgement, finished)))[0]

    def _remembered(self, task: Task, judgement: Judgement, finished: Finished) -> list[Change]:
        """What the tool's own message said that the copy no longer says: kept sealed, in the commit of the attempt."""
        person, stream, now = judgement.person, task.stream.name, self._clock.now()
        changes: list[Change] = []
        if finished.own_unsubscribe:
            kept = as_kept(finished.own_unsubscribe, task.message.values("list-unsubscribe-post"))
            changes.append(KeepOwnUnsubscribe(person, stream, self._vault.seal(kept), now))
        head = self._head(task.stream)
        if captures(head) or captures_failures(head):
            asked = write_routes(routes(head, task.message, task.envelope, task.addressee))
            changes.append(KeepRoutes(person, stream, self._vault.seal(asked), now))
        return changes

    async def _record_outcome(
        self, task: Task, judgement: Judgement, copy: Copy, finished: Finished, outcome: Outcome, attempt: Ref
    ) -> None:
        now = self._clock.now()
        stream = task.stream
        event = Event(
            now,
            Kind.OUTCOME,
            outcome.fate.value,
            tool=task.envelope.tool,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            person=judgement.person.hex(),
            about=attempt,
            detail=f"{outcome.stage.value} {outcome.code or ''} {outcome.enhanced}".strip(),
        )
        changes: list[Change] = []
        if outcome.fate is Fate.DELIVERED:
            changes.append(Count(stream.name, provider_of(task.address.domain), DELIVERED, now))
            if copy.due is Due.FULL_NOTICE:
                given = NoticeGiven(judgement.person, stream.advertiser.name, copy.source, now, finished.template)
                changes.append(GiveNotice(given))
            if version := _first_shown(judgement.verdict):
                kind = NoticeKind.PARTNER_LIST
                shown = NoticeGiven(judgement.person, stream.advertiser.name, version, now, finished.template, kind)
                changes.append(GiveNotice(shown))
            if task.mark:
                changes.append(Accept(task.mark, now))
        try:
            await self._book.commit((event,), changes)
        except Unavailable:
            # The attempt is on record with its digest and the provider has spoken: the tool hears the provider's verdict, or it
            # would send a second copy. The chain shows an attempt without outcome, which `journal show` lists as unknown.
            self._log.say("outcome-not-recorded", stream=stream.name, ref=attempt, fate=outcome.fate.value)


def copy_of(judge: Judge, stream: Stream, judgement: Judgement) -> Copy:
    """What one person's copy says beside its own words, by the verdict that lets it go."""
    verdict, (version, news) = judgement.verdict, judge.partners_shown(stream, judgement)
    authority, conduct = (judgement.policy.authority_name, judgement.policy.authority_url), judgement.policy.conduct
    if isinstance(verdict, Allow):
        words = verdict.due, verdict.source, judge.partner(verdict.source)
        return Copy(judgement.person, *words, *authority, version, news, conduct, verdict.tracking)
    return Copy(judgement.person, Due.NONE, "", None, *authority, version, (), conduct)


def _first_shown(verdict: Verdict) -> str:
    """The version of the partner list that this mail is the first to show the person; on record once it is delivered (R-FR-24)."""
    return verdict.list_version if isinstance(verdict, Allow) else ""


def _passes(task: Task, verdict: Verdict) -> bool:
    """Whether this verdict lets the message go; monitor mode only records what is no floor."""
    match verdict:
        case Allow():
            return True
        case Refuse():
            return task.refusal is RefusalMode.MONITOR and not verdict.floor
        case Undecided():
            return False
        case _:
            assert_never(verdict)


def _taken_out(sifted: Sifted) -> str:
    """What the copy lost of the tool's message, as the journal counts it (R-FR-75, R-FR-79)."""
    counts = {"trackers": sifted.trackers, "clicks": sifted.clicks, "clicks-left": sifted.left}
    return " ".join(f"{name}={count}" for name, count in counts.items() if count)


def message_digest(message: Message) -> str:
    """SHA-256 of the Message-ID, as evidence names messages; empty without one."""
    return sha256(message.message_id.encode()).hexdigest() if message.message_id else ""
