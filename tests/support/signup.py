"""A company with a sign-up form over a real store: its journeys, the pages over them, and a provider that answers by script."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from starlette.routing import Route

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Change, Learn, Oppose, Publish
from gateway.core.enrol import Form, FormWords
from gateway.core.evidence import Event, Kind, parse_event
from gateway.core.model import PersonKey
from gateway.core.own_mail import OwnTemplates
from gateway.core.record import (
    Audience,
    Basis,
    Block,
    Consent,
    Covers,
    Door,
    Enrolment,
    NamedPartner,
    Opposition,
    PartnerList,
    Scope,
)
from gateway.core.token import stream_number
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.edges.vault import AesVault
from gateway.edges.web.pages import Pages
from gateway.edges.web.signup import SignUp
from gateway.flow.confirm import Confirming
from gateway.flow.deliver import Deliver, Schedule
from gateway.flow.enrol import Asked, Enrolling
from gateway.flow.own_delivery import OwnDelivery
from gateway.flow.own_mail import OwnMail
from tests.support.clock import StillClock
from tests.support.company import FR, MAISON, NEWS, VOISIN, WAITS, Company, Lines, OptOut, at_once, letterhead, read
from tests.support.corpora import ROOT
from tests.support.spool import MemorySpool, ScriptedProvider

CLAIRE = "claire@example.org"
SENDER = replace(MAISON, sender="contact@maison.example")
LETTER = replace(NEWS, advertiser=SENDER)
OFFERS = replace(LETTER, name="offers", number=stream_number("offers"), purpose="offres")
ELSEWHERE = replace(
    LETTER,
    name="elsewhere",
    number=stream_number("elsewhere"),
    advertiser=replace(SENDER, name="autre", legal_name="Autre SAS"),
    purpose="autre",
)
WORDS = {
    "fr": FormWords("Oui, la lettre de Maison.", "Oui, les partenaires de Maison.", "Oui, la mesure.", ("vous écrire",)),
    "en": FormWords("Yes, Maison's letter.", "Yes, Maison's partners.", "Yes, measuring.", ("write to you",)),
}
FORM = Form(LETTER, "2026-03", WORDS)
OFFERS_FORM = Form(OFFERS, "", WORDS)
LIST = (NamedPartner("voisin", "Voisin SARL", "https://voisin.example/privacy"),)
MAIL_TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates" / "mail").glob("*.j2"))}
PAGES = ROOT / "templates" / "pages"
PUBLIC_URL = "https://optout.example"
TOKEN = re.compile(r"/c/([a-z2-7]{26})\b")


@dataclass
class House:
    """Everything a test of sign-ups needs to hold."""

    store: SqliteStore
    clock: StillClock = field(default_factory=StillClock)
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    health: OptOut = field(default_factory=OptOut)
    log: Lines = field(default_factory=Lines)
    identity: Identity = field(default_factory=lambda: Identity(b"pepper"))
    vault: AesVault = field(default_factory=lambda: AesVault(0, {0: bytes(32)}))

    def __post_init__(self) -> None:
        self.streams = {stream.name: stream for stream in (LETTER, OFFERS, ELSEWHERE)}
        self.spool = MemorySpool(self.clock)
        heads = {name: letterhead(stream) for name, stream in self.streams.items()}
        partners = {"voisin": VOISIN}
        self.own_mail = OwnMail(
            self.spool,
            self.store.book,
            heads,
            OwnTemplates(MAIL_TEMPLATES),
            partners,
            at_once,
            lambda: secrets.token_hex(12),
            lambda: None,
            self.clock,
        )
        self.enrolling = Enrolling(
            self.store.book,
            self.own_mail,
            self.identity,
            self.vault,
            self.streams,
            {"fr": FR},
            PUBLIC_URL,
            secrets.token_bytes,
            self.clock,
        )
        self.confirming = Confirming(self.store.book, self.identity, self.vault, self.streams, self.clock, self.log)
        providers = {"provider": self.provider}
        self.delivery = OwnDelivery(self.store.book, self.identity, providers, self.health, self.clock, self.log)
        desk = Company()
        self.deliver = Deliver(
            self.spool,
            self.store.book,
            desk.attempts,
            desk.notifications,
            providers,
            self.streams,
            Schedule(WAITS, 20),
            desk._spawn,
            at_once,
            self.clock,
            self.log,
            self.delivery,
        )

    def routes(self) -> list[Route]:
        """The pages."""
        return SignUp(self.enrolling, self.confirming, {"news": FORM, "offers": OFFERS_FORM}, Pages(PAGES), self.clock).routes()

    # People

    def person(self, text: str = CLAIRE) -> PersonKey:
        """The key of an address."""
        return self.identity.person(address(text))

    async def change(self, *changes: Change) -> None:
        """Change the book."""
        await self.store.book.commit((), changes)

    async def oppose(
        self, text: str = CLAIRE, block: Block = Block.OPPOSED, scope: Scope = Scope.ADVERTISER, stream: str = "news"
    ) -> None:
        """An opposition on record."""
        advertiser = "" if scope is Scope.ALL else "maison"
        name = stream if scope is Scope.STREAM else ""
        await self.change(Oppose(Opposition(self.person(text), block, scope, advertiser, name, Door.LINK, self.clock.now())))

    async def standing(self, text: str = CLAIRE) -> set[tuple[Block, Scope, str]]:
        """(block, scope, stream or advertiser) of what stands against a person."""
        return {
            (one.block, one.scope, one.stream or one.advertiser) for one in await self.store.book.oppositions(self.person(text))
        }

    async def consents(self, text: str = CLAIRE) -> list[Consent]:
        """The records of a person."""
        return [consent for consent, _ in await self.store.book.consents(self.person(text))]

    async def imported(self, text: str = CLAIRE, **changed: object) -> None:
        """A consent that a tool or a list brought, not confirmed."""
        at = self.clock.now() - timedelta(days=9)
        consent = Consent(
            self.person(text), "maison", "newsletter", Audience.CONSUMER, Basis.CONSENT, "direct", at, "checkbox-ticked", "Oui"
        )
        sealed = self.vault.seal(text.encode())
        await self.change(Learn(replace(consent, recorded_at=at, **changed), sealed))  # type: ignore[arg-type]

    async def publish(self, version: str = "1") -> None:
        """Publish the partner list."""
        await self.change(Publish(PartnerList("maison", version, self.clock.now(), LIST)))

    # Acts

    async def sign_up(self, text: str = CLAIRE, *ticked: Covers, form: Form = FORM) -> Asked:
        """Send the form with these boxes ticked, or the first one."""
        shown = await self.enrolling.offer(form, "fr")
        return await self.enrolling.sign_up(shown, ticked or (Covers.OWN,), address(text))

    async def carry(self) -> int:
        """Bring everything that is due one step further; how many rows that was."""
        due = await self.spool.due(self.clock.now(), 1000)
        for parcel in due:
            await self.deliver.carry(parcel)
        return len(due)

    async def mails(self) -> list[EmailMessage]:
        """What reached the provider, once everything due was carried."""
        await self.carry()
        return [read(handed.message) for handed in self.provider.handed]

    async def token(self, which: int = -1) -> str:
        """The token in one of the mails that reached the provider."""
        mail = (await self.mails())[which]
        found = TOKEN.search(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        assert found is not None
        return found[1]

    async def daily(self, dry: bool = False) -> tuple[int, int]:
        """(reminded, purged) of the day's work."""
        done = await self.enrolling.daily(self.clock.now(), dry)
        return done["reminded"], done["purged"]

    # What came of it

    async def enrolments(self, text: str = CLAIRE) -> list[Enrolment]:
        """A person's sign-ups."""
        return list(await self.store.book.enrolments(self.person(text)))

    async def told(self, kind: Kind) -> list[Event]:
        """The journal's events of one kind."""
        events = [parse_event(entry.body) async for entry in self.store.journal.entries()]
        return [event for event in events if event is not None and event.kind is kind]


def address(text: str) -> Address:
    """A parsed address; the tests only write good ones."""
    parsed = parse(text, smtputf8=True)
    assert isinstance(parsed, Address)
    return parsed


@asynccontextmanager
async def signing_up(folder: Path) -> AsyncIterator[House]:
    """The house, over a store in this folder."""
    store = open_store(folder / "gateway.db", "test")
    try:
        yield House(store)
    finally:
        await store.close()
