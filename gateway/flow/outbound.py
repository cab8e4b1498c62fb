"""One message on its way out: who sends it, to whom it may go, and what the tool hears.

The desk behind the submission listener. It must not speak SMTP (the session does) nor touch bytes (`core.compose` does).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import assert_never

from gateway.core import reply as replies
from gateway.core.address import AddressFault, parse
from gateway.core.compose import carries_our_stamp
from gateway.core.evidence import Event, Kind
from gateway.core.forwarded import forwarded
from gateway.core.guard import kept_as
from gateway.core.mime import Fault, Malformed, Message
from gateway.core.mime import parse as parse_message
from gateway.core.model import Category, RefusalMode, Stream
from gateway.core.reply import Reply
from gateway.core.verdict import Allow, Refuse, Undecided
from gateway.flow.desk import Login, MailFrom, Peer, RcptTo
from gateway.flow.handover import Accepted, Handover, Submitted
from gateway.flow.judge import Judge
from gateway.flow.ports import Addressee, Book, Clock, Compute, Envelope, Log, Meter, OptOutHealth, Spool, Unavailable
from gateway.flow.reclassify import CategoryGuard, Treated

NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one message may take: its size, and the room that must stay free on the spool's disk."""

    size: int
    reserve: int


class Outbound:
    """The submission desk (flow.desk.Desk)."""

    def __init__(
        self,
        book: Book,
        spool: Spool,
        judge: Judge,
        handover: Handover,
        streams: Mapping[str, Stream],
        health: OptOutHealth,
        bounds: Bounds,
        hostname: str,
        compute: Compute,
        clock: Clock,
        meter: Meter,
        log: Log,
    ) -> None:
        self.judge = judge
        self.handover = handover
        self.hostname = hostname
        self.compute = compute
        self.clock = clock
        self.meter = meter
        self.log = log
        self._book = book
        self._spool = spool
        self._streams = streams
        self._health = health
        self._bounds = bounds
        self.guard = CategoryGuard(book, judge, compute, clock, meter, log)

    async def identify(self, login: str, secret: bytes) -> Login | Reply:
        """Who logs in: `tool`, or `tool+stream` for another of the tool's streams; equal time for unknown names."""
        name, _, wanted = login.partition("+")
        try:
            tool = await self._book.tool(name)
        except Unavailable:
            return replies.AUTH_DOWN
        matches = hmac.compare_digest(sha256(secret).digest(), tool.secret_sha256 if tool else NOBODY)
        if tool is None or not matches:
            return replies.AUTH_BAD
        if tool.revoked_at is not None:
            return replies.TOOL_DISABLED
        stream = self._streams.get(wanted or tool.streams[0])
        if stream is None or stream.name not in tool.streams:
            return replies.AUTH_BAD
        return Login(tool.name, stream, tool.refusal or stream.refusal)

    async def open(self, login: Login | None, mail: MailFrom, peer: Peer) -> Submission | Reply:
        """Answer MAIL: the sender belongs to the advertiser, there is room, and the opt-out works (R-FR-52, 70)."""
        if login is None:
            return replies.AUTH_REQUIRED
        refusal = self._judge_sender(login.stream, mail)
        if refusal is not None:
            return await self.refused(login, refusal, "envelope-sender") if refusal is replies.NOT_YOURS else refusal
        if login.stream.category is Category.MARKETING and not self._health.healthy:
            return replies.OPTOUT_DOWN
        if mail.size > self._bounds.size:
            return replies.TOO_BIG
        try:
            room = self._spool.free_bytes()
        except Unavailable:
            room = 0
        if room < self._bounds.reserve + mail.size:
            return replies.NO_SPACE
        return Submission(self, login, mail, peer)

    async def refused(self, login: Login, reply: Reply, why: str) -> Reply:
        """A refusal of a whole message, on record where that can be had: nothing leaves either way (R-FR-90)."""
        stream = login.stream
        self.log.say("message-refused", stream=stream.name, reason=reply.token, why=why)
        event = Event(
            self.clock.now(),
            Kind.DECISION,
            "refuse",
            tool=login.tool,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            category=stream.category.value,
            reason=reply.token,
            policy=self.judge.policy(stream),
            detail=f"{reply.code} {reply.enhanced} {why}",
        )
        try:
            return reply.about((await self._book.commit((event,)))[0])
        except Unavailable:
            return reply

    def _judge_sender(self, stream: Stream, mail: MailFrom) -> Reply | None:
        if not mail.sender:
            return None
        sender = parse(mail.sender, mail.smtputf8)
        if isinstance(sender, AddressFault):
            return replies.NOT_QUALIFIED if sender is AddressFault.NOT_QUALIFIED else replies.BAD_SENDER
        return None if sender.domain in stream.advertiser.from_domains else replies.NOT_YOURS


class Submission:
    """One transaction of one tool (flow.desk.Transaction)."""

    def __init__(self, desk: Outbound, login: Login, mail: MailFrom, peer: Peer) -> None:
        self._desk = desk
        self._login = login
        self._mail = mail
        self._peer = peer
        self._accepted: dict[str, Accepted] = {}

    async def admit(self, to: RcptTo) -> Reply:
        """Decide on one recipient; the decision is on record before it is answered (R-FR-90, 91)."""
        address = parse(to.recipient, self._mail.smtputf8)
        if isinstance(address, AddressFault):
            return _ADDRESS_FAULTS.get(address, replies.BAD_RECIPIENT)
        if address.canonical in self._accepted:
            return replies.RECIPIENT_OK
        stream, desk = self._login.stream, self._desk
        judgement = await desk.judge.judge(stream, address)
        verdict = judgement.verdict
        if isinstance(verdict, Undecided):
            desk.meter.decided(stream.name, verdict.reason.value)
            return replies.REFUSALS[verdict.reason]
        word, passes = self._treatment(verdict)
        try:
            ref = await desk.judge.record(word, stream, self._login.tool, judgement)
        except Unavailable:
            return replies.EVIDENCE_DOWN
        desk.meter.decided(stream.name, "" if isinstance(verdict, Allow) else verdict.reason.value)
        if isinstance(verdict, Refuse):
            desk.log.say("recipient-refused", stream=stream.name, reason=verdict.reason.value, mode=word, ref=ref)
            if not passes:
                return replies.REFUSALS[verdict.reason].about(ref)
        withheld = verdict if isinstance(verdict, Refuse) and word == "withhold" else None
        addressee = Addressee(address.wire, to.notify, to.orcpt)
        self._accepted[address.canonical] = Accepted(addressee, address, ref, withheld, judgement)
        return replies.RECIPIENT_OK

    def _treatment(self, verdict: Allow | Refuse) -> tuple[str, bool]:
        """The journal's word for what happens, and whether RCPT is answered 250 (design 4, refusal modes)."""
        match verdict:
            case Allow():
                return "allow", True
            case Refuse():
                match self._login.refusal:
                    case RefusalMode.REJECT:
                        return "refuse", False
                    case RefusalMode.WITHHOLD:
                        return "withhold", True
                    case RefusalMode.MONITOR:
                        return ("refuse", False) if verdict.floor else ("monitor", True)
                    case _:
                        assert_never(self._login.refusal)
            case _:
                assert_never(verdict)

    async def send(self, data: bytes) -> Reply:
        """Answer the end of data: checked, then handed over; 250 only as design 4 says."""
        desk = self._desk
        began = desk.clock.monotonic()
        message = await desk.compute(len(data), partial(parse_message, data, self._mail.smtputf8))
        reply = await (self._malformed(message) if isinstance(message, Malformed) else self._take(message))
        desk.meter.answered(reply.code, desk.clock.monotonic() - began)
        return reply

    async def _take(self, message: Message) -> Reply:
        advertiser = self._login.stream.advertiser
        desk, login = self._desk, self._login
        if carries_our_stamp(message, desk.hostname):
            return await desk.refused(login, replies.LOOP, "our-own-stamp")
        if forwarded(message, advertiser.from_domains):
            return await desk.refused(login, replies.NOT_ORIGINATED, "forwarded")
        if message.from_domain not in advertiser.from_domains:
            return await desk.refused(login, replies.NOT_YOURS, "from")
        if message.sender_domain and message.sender_domain not in advertiser.from_domains:
            return await desk.refused(login, replies.NOT_YOURS, "sender")
        try:
            treated = await desk.guard.treat(login, message, tuple(self._accepted.values()))
        except Unavailable:
            return replies.EVIDENCE_DOWN
        return treated if isinstance(treated, Reply) else await self._hand_over(treated, message)

    async def _hand_over(self, treated: Treated, message: Message) -> Reply:
        desk, login, mail = self._desk, treated.login, self._mail
        eight_bit = mail.eight_bit or not message.raw.isascii()
        name = login.stream.name if login.stream.category is self._login.stream.category else kept_as(login.stream)
        envelope = Envelope(login.tool, name, mail.sender, mail.smtputf8, eight_bit, mail.ret, mail.envid)
        submitted = Submitted(login, envelope, self._peer, message)
        reply = await desk.handover.take(submitted, treated.accepted)
        # A refusal without reference is about the content: no key for From, no place for the words due.
        return await desk.refused(login, reply, "content") if reply.code >= 500 and reply.ref is None else reply

    async def _malformed(self, malformed: Malformed) -> Reply:
        reply = replies.LOOP if malformed.fault is Fault.LOOP else replies.MALFORMED
        return await self._desk.refused(self._login, reply, malformed.fault.value)


_ADDRESS_FAULTS = {
    AddressFault.NOT_QUALIFIED: replies.NOT_QUALIFIED,
    AddressFault.UTF8_NEEDED: replies.UTF8_NEEDED,
}
