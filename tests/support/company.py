"""A sample company's way out over ports in memory: real rules, words and signatures, a clock that stands still.

`Company` builds every room of the outbound journey as the front desk does; a test breaks or scripts one port and looks at the rest.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import ChainMap
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from hashlib import sha256
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Enlist, Learn, Oppose
from gateway.core.compose import Letterhead
from gateway.core.evidence import Event, Kind
from gateway.core.guard import doubles
from gateway.core.model import Advertiser, Category, Partner, PersonKey, RefusalMode, Stream, Tool
from gateway.core.notice import Notices
from gateway.core.policy import Policy
from gateway.core.record import Audience, Basis, Block, Consent, Door, Opposition, Scope
from gateway.core.reply import Reply
from gateway.core.sign import Algorithm, DkimKey
from gateway.core.token import TokenKeys, stream_number
from gateway.edges.files import FileFault, read_policy
from gateway.flow.attempt import Attempts
from gateway.flow.deliver import Deliver, Schedule
from gateway.flow.desk import Login, MailFrom, Peer, RcptTo
from gateway.flow.handover import Handover, Keeping
from gateway.flow.judge import Judge
from gateway.flow.notify import Notifications
from gateway.flow.outbound import Bounds, Outbound, Submission
from gateway.flow.own_delivery import OwnDelivery
from tests.support.book import MemoryBook
from tests.support.clock import START, StillClock
from tests.support.desk import Lines
from tests.support.letters import TEMPLATES
from tests.support.spool import MemorySpool, ScriptedProvider

T = TypeVar("T")
SECRET = b"the tool's own secret"
HOST = "gateway.example"
PEER = Peer("tool.example", "ESMTPSA", "TLSv1.3 TLS_AES_256_GCM_SHA384")
SENDER = "bounces@maison.example"
CLAIRE = "Claire@example.org"
MARC = "marc@example.org"
PAUL = "paul@example.org"
DAY = timedelta(days=1)
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))

MAISON = Advertiser(
    "maison",
    "Maison Exemple SAS",
    "1 rue de l'Exemple, 75001 Paris",
    "contact@maison.example",
    "https://maison.example/privacy",
    "dpo@maison.example",
    ("maison.example",),
)
VOISIN = Partner("voisin", "Voisin SARL", "https://voisin.example/privacy", "dpo@voisin.example", True, False)
NEWS = Stream(
    "news", stream_number("news"), MAISON, Category.MARKETING, "newsletter", "fr", "provider", RefusalMode.REJECT, "fr", ("achats",)
)
SERVICE = replace(NEWS, name="service", number=stream_number("service"), category=Category.TRANSACTIONAL, purpose="")
TOKENS = TokenKeys(0, {0: b"a secret of thirty-two bytes ..."})
KEY = DkimKey("maison.example", "e1", Algorithm.ED25519, Ed25519PrivateKey.generate())
STREAMS = {stream.name: stream for stream in (NEWS, SERVICE)}


def pack() -> Policy:
    """The shipped French rules."""
    policy = read_policy("fr")
    assert not isinstance(policy, FileFault)
    return policy


FR = pack()


def letterhead(stream: Stream = NEWS, **changed: object) -> Letterhead:
    """The letterhead of one stream, with some fields changed."""
    head = Letterhead(
        stream,
        Notices(TEMPLATES),
        "CNIL",
        "https://www.cnil.fr/plaintes",
        dict.fromkeys(stream.advertiser.from_domains, (KEY,)),
        TOKENS,
        "https://optout.example",
        "back.example",
        HOST,
        frozenset(),
    )
    return replace(head, **changed)  # type: ignore[arg-type]


def newsletter(text: str = "Bonjour,\nvoici les nouvelles.\n", **headers: str) -> bytes:
    """An ordinary message, always the same bytes; keyword arguments set headers (`Message_ID=""` leaves one out)."""
    message = EmailMessage()
    fields = {
        "From": "Maison <news@maison.example>",
        "To": "Liste <liste@maison.example>",
        "Subject": "Septembre",
        "Date": "Mon, 02 Mar 2026 08:59:00 +0000",
        "Message-ID": "<septembre.1@maison.example>",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    message.set_content(text)
    message.add_alternative(f"<html><body><p>{text}</p></body></html>", subtype="html")
    message.set_boundary("=-=-=")
    for name, value in fields.items():
        if value:
            message[name] = value
    return message.as_bytes(policy=email.policy.SMTP)


def read(raw: bytes) -> EmailMessage:
    """A message as a client reads it."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def address(text: str) -> Address:
    """A parsed address; the tests only write good ones."""
    parsed = parse(text, smtputf8=True)
    assert isinstance(parsed, Address)
    return parsed


class Here:
    """A `ports.Compute` without threads."""

    async def __call__(self, size: int, function: Callable[[], T]) -> T:
        return function()

    async def apart(self, function: Callable[[], T]) -> T:
        """See `ports.Compute`."""
        return function()


at_once = Here()


class Reversing:
    """A vault that only turns bytes round: enough to see that what is kept was sealed."""

    def seal(self, plain: bytes) -> bytes:
        """See `ports.Vault`."""
        return plain[::-1]

    def open(self, sealed: bytes) -> bytes:
        """See `ports.Vault`."""
        return sealed[::-1]


@dataclass
class Verdicts:
    """A `ports.SignatureCheck`: samples nothing, or everything with this verdict."""

    sampled: bool = False
    good: bool = True

    def due(self) -> bool:
        """See `ports.SignatureCheck`."""
        return self.sampled

    def verify(self, chunks: Sequence[bytes | memoryview]) -> bool:
        """See `ports.SignatureCheck`."""
        return self.good


@dataclass
class Figures:
    """A `ports.Meter` that remembers decisions and answers."""

    decisions: list[tuple[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def decided(self, stream: str, reason: str) -> None:
        """See `ports.Meter`."""
        self.decisions.append((stream, reason))

    def delivered(self, upstream: str, fate: str, seconds: float) -> None:
        """See `ports.Meter`."""

    def opposed(self, door: str, seconds: float) -> None:
        """See `ports.Meter`."""

    def answered(self, code: int, seconds: float) -> None:
        """See `ports.Meter`."""
        self.answers.append(code)


@dataclass
class OptOut:
    """A `ports.OptOutHealth` that a test switches."""

    healthy: bool = True


@dataclass
class Company:
    """Everything a test of the way out needs to hold; settings are fixed when it is made."""

    refusal: RefusalMode | None = None
    on_defer: bool = True
    life: timedelta = DAY
    streams: dict[str, Stream] = field(default_factory=lambda: dict(STREAMS))
    clock: StillClock = field(default_factory=StillClock)
    book: MemoryBook = field(default_factory=MemoryBook)
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    check: Verdicts = field(default_factory=Verdicts)
    health: OptOut = field(default_factory=OptOut)
    meter: Figures = field(default_factory=Figures)
    log: Lines = field(default_factory=Lines)
    heads: dict[str, Letterhead] = field(default_factory=dict)
    identity: Identity = field(default_factory=lambda: Identity(b"pepper"))
    bells: int = 0

    def __post_init__(self) -> None:
        self.spool = MemorySpool(self.clock)
        self.heads = self.heads or {name: letterhead(stream) for name, stream in self.streams.items()}
        self.judge = Judge(self.book, self.identity, {"fr": FR}, {"voisin": VOISIN}, self.clock)
        providers = {"provider": self.provider}
        self.attempts = Attempts(
            self.book, self.judge, self.heads, providers, Reversing(), at_once, self.check, self.health, self.clock, self.log
        )
        kept = ChainMap(self.streams, doubles(self.streams))
        self.notifications = Notifications(self.spool, kept, HOST, self._word, self._ring, self.clock)
        self.deliver = Deliver(
            self.spool,
            self.book,
            self.attempts,
            self.notifications,
            providers,
            kept,
            Schedule(WAITS, 20),
            self._spawn,
            at_once,
            self.clock,
            self.log,
            OwnDelivery(self.book, self.identity, providers, self.health, self.clock, self.log),
        )
        keeping = Keeping(self.on_defer, self.life, WAITS[0])
        self.handover = Handover(
            self.book,
            self.spool,
            self.judge,
            self.attempts,
            self.notifications,
            keeping,
            HOST,
            self._spawn,
            self._ring,
            at_once,
            self.clock,
            self.log,
        )
        self.desk = Outbound(
            self.book,
            self.spool,
            self.judge,
            self.handover,
            self.streams,
            self.health,
            Bounds(1 << 20, 1 << 20),
            HOST,
            at_once,
            self.clock,
            self.meter,
            self.log,
        )

    def _word(self) -> str:
        return "0123456789abcdef01234567"

    def _ring(self) -> None:
        self.bells += 1

    def _spawn(self, coroutine: Coroutine[None, None, T]) -> asyncio.Future[T]:
        return asyncio.ensure_future(coroutine)

    # People

    def person(self, text: str) -> PersonKey:
        """The key of an address."""
        return self.identity.person(address(text))

    async def consent(self, text: str = CLAIRE, **changed: object) -> None:
        """A sound consent to the newsletter, or one with some fields changed."""
        whole = Consent(
            person=self.person(text),
            advertiser="maison",
            purpose="newsletter",
            audience=Audience.CONSUMER,
            basis=Basis.CONSENT,
            source="direct",
            collected_at=START - DAY,
            action="checkbox-ticked",
            wording="Je veux la lettre",
            recorded_at=START - DAY,
        )
        await self.book.commit((), [Learn(replace(whole, **changed), b"sealed")])  # type: ignore[arg-type]

    async def buyer(self, text: str) -> None:
        """A professional whose address a partner passed on, about whose work the newsletter is."""
        await self.consent(
            text, audience=Audience.PROFESSIONAL, basis=Basis.LEGITIMATE_INTEREST, source="voisin", function="Achats", wording=""
        )

    async def oppose(self, text: str, block: Block = Block.OPPOSED, scope: Scope = Scope.ADVERTISER) -> None:
        """An opposition on record; scope `stream` means the newsletter."""
        self.oppose_now(text, block, scope)

    def oppose_now(self, text: str, block: Block = Block.OPPOSED, scope: Scope = Scope.ADVERTISER) -> None:
        """The same at once, for use in the middle of a step."""
        stream = "news" if scope is Scope.STREAM else ""
        advertiser = "" if scope is Scope.ALL else "maison"
        self.book._apply(Oppose(Opposition(self.person(text), block, scope, advertiser, stream, Door.LINK, self.clock.now())))

    async def enlist(self, name: str = "crm", streams: tuple[str, ...] = ("news", "service"), revoked: bool = False) -> None:
        """A tool with its credential."""
        tool = Tool(name, sha256(SECRET).digest(), streams, self.refusal, START, START if revoked else None)
        await self.book.commit((), [Enlist(tool)])

    # Mail

    def login(self, stream: str = "news") -> Login:
        """The tool, logged in."""
        chosen = self.streams[stream]
        return Login("crm", chosen, self.refusal or chosen.refusal)

    async def begin(self, mail: MailFrom | None = None, stream: str = "news") -> Submission:
        """A transaction after a positive MAIL."""
        begun = await self.desk.open(self.login(stream), mail or MailFrom(SENDER), PEER)
        assert isinstance(begun, Submission), begun
        return begun

    async def rcpt(self, *to: str | RcptTo, mail: MailFrom | None = None, stream: str = "news") -> tuple[Submission, list[Reply]]:
        """A transaction with its answers to each RCPT."""
        submission = await self.begin(mail, stream)
        asked = [one if isinstance(one, RcptTo) else RcptTo(one) for one in to]
        return submission, [await submission.admit(one) for one in asked]

    async def send(
        self, *to: str | RcptTo, data: bytes | None = None, mail: MailFrom | None = None, stream: str = "news"
    ) -> list[Reply]:
        """One message: the answers to each RCPT, then to the end of data where any was positive."""
        submission, answers = await self.rcpt(*(to or (CLAIRE,)), mail=mail, stream=stream)
        if any(answer.positive for answer in answers):
            answers.append(await submission.send(data or newsletter()))
        return answers

    async def round(self) -> int:
        """Carry everything that is due one step further; how many rows that was."""
        due = await self.spool.due(self.clock.now(), 1000)
        for parcel in due:
            await self.deliver.carry(parcel)
        return len(due)

    # What came of it

    @property
    def reached(self) -> list[str]:
        """Who was mailed by the provider, reports left out."""
        return [handed.to.address for handed in self.provider.handed if handed.sender]

    @property
    def reports(self) -> list[EmailMessage]:
        """The reports to the tool that wait in the spool."""
        return [read(row.parcel.message) for row in self.spool.rows if not row.parcel.envelope.sender]

    def told(self, kind: Kind) -> list[Event]:
        """The journal's events of one kind."""
        return [event for event in self.book.events if event.kind is kind]

    @property
    def story(self) -> list[tuple[str, str, str]]:
        """(kind, outcome, reason) of every event."""
        return [(event.kind.value, event.outcome, event.reason) for event in self.book.events]


def reported(report: EmailMessage) -> tuple[str, str, str]:
    """(recipient, action, status and diagnostic) of a delivery status notification."""
    parts = list(report.walk())
    status = next(part for part in parts if part.get_content_type() == "message/delivery-status")
    group = status.get_payload(1)  # type: ignore[union-attr]
    return group["Final-Recipient"].partition("; ")[2], group["Action"], f"{group['Status']} {group['Diagnostic-Code']}"  # type: ignore[index, union-attr]
