"""The inbound listener's desk: mail that says stop, answers to mail of ours, mail for postmaster and abuse; nothing else.

The token in the recipient's local part decides who is meant, never From, subject or body (R-STD-68, T10).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.core.change import KeepForPerson
from gateway.core.evidence import Event, Kind
from gateway.core.record import Door
from gateway.core.reply import AUTH_MECHANISM, EVIDENCE_DOWN, INBOUND_OK, INBOUND_UNKNOWN, NO_VALID_RECIPIENTS, RECIPIENT_OK, Reply
from gateway.core.reply_to import REPLY_PREFIX
from gateway.flow.desk import Login, MailFrom, Peer, RcptTo
from gateway.flow.ports import Book, Clock, Log, Unavailable, Vault
from gateway.flow.way_back import WayBack

OPT_OUT_PREFIX = "u-"
"""Local part of the opt-out address: `u-TOKEN@inbound domain`."""

REPLIES = "replies"
"""Where answers to a reply address of ours are kept for a person, until replies are read by the gateway itself (R-FR-73)."""

KEPT = frozenset({"postmaster", "abuse"})
_APPLE = re.compile(rb"^X-Apple-Unsubscribe:[ \t]*true[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_REPORT = re.compile(rb"^Content-Type:(?:[ \t]|\r?\n[ \t])*multipart/report\b", re.IGNORECASE | re.MULTILINE)


def is_act(sender: str, data: bytes) -> bool:
    """Whether mail to an opt-out address is an act of the person (R-FR-62).

    A report or a null sender is not, with one exception: Apple Mail unsubscribes by a mail of its own that says
    `Auto-Submitted: auto-replied`, marked `X-Apple-Unsubscribe: true`. Other automatic mail counts: only a List-Unsubscribe
    header leads to this address, and nobody answers to it by vacation notice.
    """
    head = data[: data.find(b"\r\n\r\n") + 2] if b"\r\n\r\n" in data else data
    if _REPORT.search(head):
        return False
    return bool(sender) or bool(_APPLE.search(head))


class InboundDesk:
    """Implements `flow.desk.Desk` for the inbound listener; `own_domains` are the advertisers' and the gateway's."""

    def __init__(
        self, way_back: WayBack, book: Book, vault: Vault, clock: Clock, log: Log, inbound_domain: str, own_domains: Collection[str]
    ) -> None:
        self.way_back = way_back
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

    def token_of(self, recipient: str) -> str:
        """The token of an opt-out address of ours; empty for any other address."""
        local, _, domain = recipient.lower().rpartition("@")
        return local.removeprefix(OPT_OUT_PREFIX) if domain == self._inbound_domain and local.startswith(OPT_OUT_PREFIX) else ""

    def answered(self, recipient: str) -> bool:
        """Whether this is a reply address of ours, with a valid token."""
        local, _, domain = recipient.lower().rpartition("@")
        ours = domain == self._inbound_domain and local.startswith(REPLY_PREFIX)
        return ours and self.way_back.who_is(local.removeprefix(REPLY_PREFIX)) is not None

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
    tokens: list[str] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)

    async def admit(self, to: RcptTo) -> Reply:
        """A valid token, or a mailbox a person reads."""
        token = self.desk.token_of(to.recipient)
        if token and self.desk.way_back.who_is(token):
            self.tokens.append(token)
            return RECIPIENT_OK
        if mailbox := REPLIES if self.desk.answered(to.recipient) else self.desk.mailbox_of(to.recipient):
            self.mailboxes.append(mailbox)
            return RECIPIENT_OK
        return INBOUND_UNKNOWN

    async def send(self, data: bytes) -> Reply:
        """Record everything this mail means, then say so; what failed half-way is done again, to no harm, at the next try."""
        if not (self.tokens or self.mailboxes):
            return NO_VALID_RECIPIENTS
        try:
            for token in dict.fromkeys(self.tokens):
                await self._token(token, data)
            for mailbox in dict.fromkeys(self.mailboxes):
                await self._keep(mailbox, data)
        except Unavailable:
            return EVIDENCE_DOWN
        return INBOUND_OK

    async def _token(self, token: str, data: bytes) -> None:
        if is_act(self.sender, data):
            await self.desk.way_back.oppose(token, None, Door.MAILTO)
            return
        holder = self.desk.way_back.who_is(token)
        stream = holder.stream.name if holder and holder.stream else ""
        person = holder.person.hex() if holder else ""
        event = Event(
            self.desk.clock.now(), Kind.DECISION, "no-act", stream=stream, person=person, rules=("R-FR-62",), door=Door.MAILTO.value
        )
        await self.desk.book.commit([event])
        self.desk.log.say("automatic mail to an opt-out address", stream=stream)

    async def _keep(self, mailbox: str, data: bytes) -> None:
        at = self.desk.clock.now()
        sealed = self.desk.vault.seal(b"Return-Path: <" + self.sender.encode("utf-8", "replace") + b">\r\n" + data)
        event = Event(at, Kind.KEPT, "kept", body=hashlib.sha256(data).hexdigest(), rules=("R-STD-71",), detail=mailbox)
        await self.desk.book.commit([event], [KeepForPerson(mailbox, sealed, at)])
        self.desk.log.say("mail kept for a person", mailbox=mailbox, size=len(data))
