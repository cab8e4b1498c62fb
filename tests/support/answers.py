"""Everything between a mail that comes back and what it leads to, over ports in memory: a book, a spool, a provider by script.

Who wrote is proven by a table, and what a mail tells is read by the real reader, or scripted where a test is about what follows.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage

from gateway.core.address import Identity
from gateway.core.answered import Answer
from gateway.core.change import Change
from gateway.core.evidence import Event
from gateway.core.incoming import read_mail
from gateway.core.intent import Understanding
from gateway.core.model import PersonKey, Ref, Replies, Stream
from gateway.core.own_mail import OwnTemplates, Slip, read_slip
from gateway.core.record import Block, Door, Opposition
from gateway.core.signal import Reported, Signals
from gateway.core.token import mint
from gateway.flow.acknowledge import Acknowledge
from gateway.flow.inbound import InboundDesk
from gateway.flow.incoming import Arrived, BounceDesk, Incoming
from gateway.flow.notify import Notifications
from gateway.flow.officer import Officer
from gateway.flow.own_delivery import OwnDelivery
from gateway.flow.own_mail import OwnMail
from gateway.flow.passing_on import PassingOn
from gateway.flow.ports import Unavailable
from gateway.flow.replies import Replies as Answering
from gateway.flow.return_path import ReturnPath
from gateway.flow.tasks import Tasks
from gateway.flow.way_back import Holder, WayBack
from gateway.flow.writer import Writers
from tests.support.book import MemoryBook, MemoryJournal
from tests.support.clock import StillClock
from tests.support.company import HOST, TOKENS, VOISIN, Lines, OptOut, Reversing, address, at_once, letterhead, read
from tests.support.doors import Tally
from tests.support.signup import LETTER, MAIL_TEMPLATES
from tests.support.spool import MemorySpool, ScriptedProvider

NEWS = replace(LETTER, replies=Replies.CAPTURE)
CLAIRE = "claire@example.org"
MARC = "marc@example.net"
INBOUND = "back.example"
UNDERSTANDING = Understanding()


@dataclass
class Proofs:
    """A `writer.Proof` that knows from a table who is proven."""

    authors: set[str] = field(default_factory=set)

    async def author(self, answer: Answer) -> str:
        """See `writer.Proof`."""
        return answer.author if answer.author in self.authors else ""


@dataclass
class Reports:
    """A `incoming.BounceDesk` that remembers."""

    bounced: list[tuple[PersonKey, str, Reported]] = field(default_factory=list)
    complained: list[tuple[PersonKey, str, str]] = field(default_factory=list)

    async def take(
        self,
        person: PersonKey,
        stream: Stream | None,
        advertiser: str,
        reported: Reported,
        at: object,
        door: Door = Door.BOUNCE,
        key: bytes = b"",
    ) -> None:
        """See `incoming.BounceDesk`."""
        self.bounced.append((person, advertiser, reported))

    async def complain(
        self, person: PersonKey, stream: Stream | None, advertiser: str, provider: str, at: object, key: bytes = b""
    ) -> None:
        """See `incoming.BounceDesk`."""
        self.complained.append((person, advertiser, provider))


@dataclass
class FalteringBook(MemoryBook):
    """A book that counts its writes and fails one of them, the `fail_write`th from 0, as a process that dies there would."""

    writes: int = 0
    fail_write: int | None = None

    def _write(self, events: Sequence[Event], changes: Sequence[Change]) -> Sequence[Ref]:
        number, self.writes = self.writes, self.writes + 1
        if number == self.fail_write:
            raise Unavailable("book")
        return super()._write(events, changes)


@dataclass
class Answers:
    """Everything a test of answers needs to hold; `signals` replace the reader's where they are set."""

    streams: Sequence[Stream] = (NEWS,)
    book: FalteringBook = field(default_factory=FalteringBook)
    clock: StillClock = field(default_factory=StillClock)
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    log: Lines = field(default_factory=Lines)
    proofs: Proofs = field(default_factory=Proofs)
    reports: Reports = field(default_factory=Reports)
    identity: Identity = field(default_factory=lambda: Identity(b"pepper"))
    vault: Reversing = field(default_factory=Reversing)
    signals: Signals | None = None
    way_back: WayBack | None = None
    bounces: BounceDesk | None = None

    def __post_init__(self) -> None:
        streams = {one.name: one for one in self.streams}
        self.spool = MemorySpool(self.clock)
        heads = {name: letterhead(stream) for name, stream in streams.items()}
        words = OwnTemplates(MAIL_TEMPLATES)
        self.own_mail = OwnMail(
            self.spool, self.book, heads, words, {}, at_once, lambda: secrets.token_hex(12), lambda: None, self.clock
        )
        self.back = self.way_back or WayBack(
            self.book, TOKENS, {one.number: one for one in self.streams}, (VOISIN,), self.clock, Tally(), self.log
        )
        ours = frozenset({INBOUND, *(domain for one in self.streams for domain in one.advertiser.from_domains)})
        self.writers = Writers(self.identity, self.proofs, ours)
        passing_on = PassingOn(self.own_mail, self.book, self.vault, frozenset({INBOUND}), self.log)
        replies = Answering(
            self.back,
            self.book,
            self.book,
            self.vault,
            self.writers,
            Acknowledge(self.own_mail, self.book, ours, self.clock, self.log),
            Officer(self.own_mail, self.identity, streams),
            at_once,
            self.clock,
            self.log,
        )
        self.incoming = Incoming(
            self.back,
            self.book,
            self.book,
            self.vault,
            self._read,
            self.writers,
            replies,
            passing_on,
            self.bounces or self.reports,
            at_once,
            HOST,
            self.clock,
            self.log,
            self._return_path(streams),
        )
        self.tasks = Tasks(self.book, self.book, self.vault, streams, (VOISIN,), self.clock)
        providers = {"provider": self.provider}
        self.delivery = OwnDelivery(self.book, self.identity, providers, OptOut(), self.clock, self.log, self.tasks.undelivered)
        self._by_name = streams

    def _return_path(self, streams: Mapping[str, Stream]) -> ReturnPath:
        told = Notifications(self.spool, streams, HOST, lambda: secrets.token_hex(12), lambda: None, self.clock)
        return ReturnPath(
            self.book,
            MemoryJournal(self.book),
            self.book,
            self.vault,
            self.writers.key_of,
            told,
            at_once,
            frozenset({INBOUND}),
            HOST,
            self.clock,
            self.log,
        )

    def _read(self, data: bytes, sender: str | None) -> Signals:
        return self.signals or read_mail(data, sender, UNDERSTANDING)

    def desk(self, inbound: str, domains: Sequence[str]) -> InboundDesk:
        """The inbound listener's desk over all this."""
        return InboundDesk(self.back, self.incoming, self.book, self.vault, self.clock, self.log, inbound, domains)

    # People and their mail

    def person(self, text: str = CLAIRE) -> PersonKey:
        """The key of an address."""
        return self.identity.person(address(text))

    def token(self, text: str = CLAIRE, stream: Stream = NEWS) -> str:
        """The token of a person in a stream."""
        return mint(TOKENS, stream.number, self.person(text))

    def holder(self, text: str = CLAIRE, stream: Stream | None = NEWS) -> Holder:
        """Who holds that token."""
        return Holder(self.person(text), stream, probe=False)

    async def answer(
        self,
        text: str = "STOP",
        author: str = CLAIRE,
        to: str = CLAIRE,
        door: Door = Door.REPLY,
        sender: str | None = None,
        **headers: str,
    ) -> bytes:
        """Take an answer to mail that was sent to `to`; its bytes. Keyword arguments set headers."""
        raw = letter(text, author, f"r-{self.token(to)}@{INBOUND}", **headers)
        await self.incoming.take(Arrived(raw, author if sender is None else sender, self.holder(to, self.streams[0]), door))
        return raw

    async def oppositions(self, text: str = CLAIRE) -> list[tuple[Block, str]]:
        """What stands against a person, and by which door."""
        return [(one.block, one.door.value) for one in await self._of(text)]

    async def _of(self, text: str) -> Sequence[Opposition]:
        return await self.book.oppositions(self.person(text))

    # What left

    @property
    def waiting(self) -> list[tuple[Slip, EmailMessage]]:
        """The own mails in the spool, as their slip and as a client reads them."""
        found = [(read_slip(row.parcel.envelope.slip), read(row.parcel.message)) for row in self.spool.rows]
        return [(slip, mail) for slip, mail in found if slip is not None]

    @property
    def mails(self) -> list[tuple[str, str]]:
        """(kind, recipient) of the own mails in the spool."""
        return [(slip.kind.value, str(mail["To"])) for slip, mail in self.waiting]

    async def carry(self) -> None:
        """Deliver what is due."""
        for parcel in await self.spool.due(self.clock.now(), 100):
            slip = read_slip(parcel.envelope.slip)
            assert slip is not None
            if await self.delivery.carry(parcel, slip, self._by_name[parcel.envelope.stream]):
                await self.spool.settle(parcel)


def letter(text: str, author: str, to: str, **headers: str) -> bytes:
    """An ordinary answer of a person."""
    fields = {
        "From": author,
        "To": to,
        "Subject": "Re: Septembre",
        "Message-ID": "<answer.1@example.org>",
        "In-Reply-To": "<septembre.1@maison.example>",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{head}\r\n{text}\r\n".encode()
