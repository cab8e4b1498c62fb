"""A courier with a book in memory, a clock that stands still, and partners that listen on loopback and answer by plan."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Errand, KeepOwnUnsubscribe, Learn, Tell
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.record import Scope
from gateway.core.tool_way_out import MailOut, as_kept
from gateway.edges.outward import Outward
from gateway.flow.by_hand import ByHandDesk
from gateway.flow.courier import Courier
from gateway.flow.telling import Line, PartnerErrand
from gateway.flow.tool_errand import ToolErrand
from tests.support.book import MemoryBook
from tests.support.clock import StillClock
from tests.support.company import Reversing
from tests.support.doors import LETTER, OFFERS, Lines, listening
from tests.support.people import consent

SECRET = b"a secret that two houses share.."
HASH_KEY = b"a key that two houses share too."
VOISIN = Partner("voisin", "Voisin SARL", "https://voisin.example/p", "stop@voisin.example", provides=False, receives=True)


@dataclass
class Ear:
    """What a partner or a tool hears: every request with its body; answers are taken from `answers`, the last one repeats."""

    answers: list[int] = field(default_factory=lambda: [200])
    body: bytes = b'{"receipt":"rcp_of_voisin"}'
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, request: Request) -> Response:
        """One request."""
        body = await request.body()  # whole: whoever asked may be stopped once it is counted
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
            self.heard.append((dict(request.headers), body))
            status = self.answers[min(len(self.heard), len(self.answers)) - 1]
            location = {"Location": self.url} if status // 100 == 3 else {}
            return Response(self.body, status, location, "application/json")
        finally:
            self.at_once -= 1

    def told(self) -> list[dict[str, str]]:
        """The data of what was heard."""
        return [json.loads(body)["data"] for _, body in self.heard]


@asynccontextmanager
async def ear() -> AsyncIterator[Ear]:
    """Somebody who listens."""
    one = Ear()
    async with listening([Route("/{rest:path}", one.answer, methods=["GET", "POST"])]) as base:
        one.url = f"{base}/hooks"
        yield one


@dataclass
class Desk:
    """The people on both sides, as a test sees them: who was written to, and what tools were sent by mail."""

    partners: list[str] = field(default_factory=list)
    officers: list[tuple[str, str, int]] = field(default_factory=list)
    mails: list[tuple[str, MailOut]] = field(default_factory=list)
    reachable: bool = True

    async def to_partner(self, partner: str, once: str) -> bool:
        """See `by_hand.Letters`."""
        self.partners.append(partner)
        return self.reachable

    async def to_officer(self, partner: str, advertiser: str, hours: int, once: str) -> bool:
        """See `by_hand.Letters`."""
        self.officers.append((partner, advertiser, hours))
        return self.reachable

    async def way_out(self, stream: Stream, person: PersonKey, mail: MailOut) -> str:
        """See `tool_errand.Writer`."""
        self.mails.append((stream.name, mail))
        return "memory-1"


@dataclass
class Telling:
    """The courier and everything around it."""

    book: MemoryBook = field(default_factory=MemoryBook)
    clock: StillClock = field(default_factory=StillClock)
    desk: Desk = field(default_factory=Desk)
    log: Lines = field(default_factory=Lines)
    lines: dict[str, Line] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    outside: Outward = field(default_factory=lambda: Outward(loopback=True, seconds=1))
    identity: Identity = field(default_factory=lambda: Identity(b"p" * 32))

    def courier(self) -> Courier:
        """A courier over this book, as one process has it."""
        vault, streams = Reversing(), {one.name: one for one in (LETTER, OFFERS)}
        attempts = {
            Errand.PARTNER: PartnerErrand(self.lines, {"acme": "Acme Outillage SAS"}, self.outside, vault, self.clock),
            Errand.TOOL: ToolErrand(self.book, streams, self.outside, self.desk, vault),
        }
        hand = ByHandDesk(self.book, self.book, self.desk, self.log)
        return Courier(self.book, self.book, attempts, hand, self.clock, self.log, lambda *what: self.counts.update([what]))

    def connect(self, one: Ear, partner: Partner = VOISIN, hash_key: bytes = b"") -> None:
        """Configure a partner's webhook."""
        self.lines[partner.name] = Line(partner, one.url, (SECRET,), hash_key)

    def person(self, text: str = "claire@example.org") -> PersonKey:
        """Somebody's key."""
        address = parse(text)
        assert isinstance(address, Address)
        return self.identity.person(address)

    async def know(self, text: str = "claire@example.org") -> None:
        """Put somebody on record, with their address."""
        await self.book.commit((), [Learn(consent(self.person(text)), text.encode()[::-1])])

    async def note(self, text: str = "claire@example.org", partner: str = "voisin", errand: Errand = Errand.PARTNER) -> None:
        """Something to be told, now."""
        tell = Tell(partner, self.person(text), "acme", Scope.ADVERTISER, self.clock.now(), errand)
        await self.book.commit((), [tell])

    async def keep_way_out(self, field: str, offered: bool = True, text: str = "claire@example.org") -> None:
        """What a tool had put into its mail for somebody."""
        kept = as_kept(field.encode(), (b"List-Unsubscribe=One-Click",) if offered else ())
        await self.book.commit((), [KeepOwnUnsubscribe(self.person(text), LETTER.name, kept[::-1], self.clock.now())])

    async def rounds(self, most: int = 1000) -> None:
        """Look until nothing is due."""
        courier = self.courier()
        for _ in range(most):
            if not await courier.round():
                return
        raise AssertionError("the courier never rests")

    async def live(self, span: timedelta, step: timedelta = timedelta(minutes=10)) -> None:
        """Let time pass, looking on the way."""
        end = self.clock.now() + span
        while self.clock.now() < end:
            await self.rounds()
            self.clock.advance(step.total_seconds())

    def events(self, outcome: str = "") -> list[Event]:
        """What is on record of telling."""
        return [one for one in self.book.events if one.kind is Kind.PROPAGATION and outcome in ("", one.outcome)]
