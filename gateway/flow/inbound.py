"""The inbound listener's desk: mail that says stop, answers to mail of ours, failures of it, canaries, postmaster and abuse.

The token in the recipient's local part decides who is meant, never From, subject or body (R-STD-68, T10). What a mail means is
read and done by `incoming`; 250 is said when all of it is recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.core.change import KeepForPerson
from gateway.core.evidence import Event, Kind
from gateway.core.model import Stream
from gateway.core.record import Door
from gateway.core.reply import AUTH_MECHANISM, EVIDENCE_DOWN, INBOUND_OK, INBOUND_UNKNOWN, NO_VALID_RECIPIENTS, RECIPIENT_OK, Reply
from gateway.core.reply_to import REPLY_PREFIX
from gateway.core.return_path import RETURN_PREFIX
from gateway.flow.canary import PREFIX as CANARY_PREFIX
from gateway.flow.canary import Canary
from gateway.flow.desk import Login, MailFrom, Peer, RcptTo
from gateway.flow.incoming import Arrived, Incoming
from gateway.flow.ports import Book, Clock, Log, Unavailable, Vault
from gateway.flow.way_back import Holder, WayBack

OPT_OUT_PREFIX = "u-"
"""Local part of the opt-out address: `u-TOKEN@inbound domain`."""

KEPT = frozenset({"postmaster", "abuse"})

_DOORS = {OPT_OUT_PREFIX: Door.MAILTO, REPLY_PREFIX: Door.REPLY, RETURN_PREFIX: Door.BOUNCE}


class InboundDesk:
    """Implements `flow.desk.Desk` for the inbound listener; `own_domains` are the advertisers' and the gateway's."""

    def __init__(
        self,
        way_back: WayBack,
        incoming: Incoming,
        book: Book,
        vault: Vault,
        clock: Clock,
        log: Log,
        inbound_domain: str,
        own_domains: Collection[str],
        canary: Canary | None = None,
    ) -> None:
        self.canary = canary
        self.way_back = way_back
        self.incoming = incoming
        self.book = book
        self.vault = vault
        self.clock = clock
        self.log = log
        self._inbound_domain = inbound_domain.lower()
        self._own_domains = frozenset(domain.lower() for domain in own_domains) | {self._inbound_domain}

    async def identify(self, login: str, secret: bytes) -> Login | Reply:  # noqa: ARG002  the desk's four questions
        """Nobody logs in here."""
        return AUTH_MECHANISM

    async def open(self, login: Login | None, mail: MailFrom, peer: Peer) -> Return | Reply:  # noqa: ARG002
        """Any sender may write, the null sender too."""
        return Return(self, mail.sender)

    def addressed(self, recipient: str) -> tuple[Holder, Door] | None:
        """Whom an opt-out, reply or return address of ours names, and the door it is; None for any other address."""
        local, _, domain = recipient.lower().rpartition("@")
        door = _DOORS.get(local[:2]) if domain == self._inbound_domain and domain else None
        holder = self.way_back.who_is(local[2:]) if door else None
        return (holder, door) if holder and door else None

    def canary_of(self, recipient: str) -> Stream | None:
        """The stream whose canary address this is; None for any other address."""
        local, _, domain = recipient.lower().rpartition("@")
        if self.canary is None or domain != self._inbound_domain or not local.startswith(CANARY_PREFIX):
            return None
        return self.canary.stream_of(local.removeprefix(CANARY_PREFIX))

    def mailbox_of(self, recipient: str) -> str:
        """`postmaster` or `abuse` at one of our domains, or plain `postmaster` (RFC 5321 4.5.1); empty for any other address."""
        local, at, domain = recipient.lower().rpartition("@")
        if not at:
            return domain if domain == "postmaster" else ""
        return local if local in KEPT and domain in self._own_domains else ""


@dataclass
class Return:
    """One inbound transaction."""

    desk: InboundDesk
    sender: str
    letters: list[tuple[Holder, Door]] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    canaries: list[Stream] = field(default_factory=list)

    async def admit(self, to: RcptTo) -> Reply:
        """A valid token, or a mailbox a person reads."""
        if letter := self.desk.addressed(to.recipient):
            self.letters.append(letter)
            return RECIPIENT_OK
        if mailbox := self.desk.mailbox_of(to.recipient):
            self.mailboxes.append(mailbox)
            return RECIPIENT_OK
        if stream := self.desk.canary_of(to.recipient):
            self.canaries.append(stream)
            return RECIPIENT_OK
        return INBOUND_UNKNOWN

    async def send(self, data: bytes) -> Reply:
        """Record everything this mail means, then say so; what failed half-way is done again, to no harm, at the next try."""
        if not (self.letters or self.mailboxes or self.canaries):
            return NO_VALID_RECIPIENTS
        try:
            for holder, door in dict.fromkeys(self.letters):
                await self.desk.incoming.take(Arrived(data, self.sender, holder, door))
            for mailbox in dict.fromkeys(self.mailboxes):
                await self._keep(mailbox, data)
            for stream in dict.fromkeys(self.canaries):
                if self.desk.canary is not None:
                    await self.desk.canary.take(stream, data)
        except Unavailable:
            return EVIDENCE_DOWN
        return INBOUND_OK

    async def _keep(self, mailbox: str, data: bytes) -> None:
        at = self.desk.clock.now()
        sealed = self.desk.vault.seal(b"Return-Path: <" + self.sender.encode("utf-8", "replace") + b">\r\n" + data)
        event = Event(at, Kind.KEPT, "kept", body=hashlib.sha256(data).hexdigest(), rules=("R-STD-71",), detail=mailbox)
        await self.desk.book.commit([event], [KeepForPerson(mailbox, sealed, at)])
        self.desk.log.say("mail kept for a person", mailbox=mailbox, size=len(data))
