"""A sample advertiser with two lists and a partner, and its opt-out doors over real HTTP on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from starlette.routing import Route

from gateway.core.model import Advertiser, Category, Partner, PersonKey, RefusalMode, Stream
from gateway.core.proxy_header import Network
from gateway.core.token import PROBE_STREAM, TokenKeys, mint, stream_number
from gateway.edges.web.pages import Pages
from gateway.edges.web.public import OptOut
from gateway.edges.web.server import Web
from gateway.flow.way_back import WayBack
from tests.support.book import MemoryBook
from tests.support.clock import StillClock
from tests.support.corpora import ROOT

KEYS = TokenKeys(1, {0: b"older secret, still verifying...", 1: b"current secret of thirty-two byt"})
ANNE = PersonKey(b"anne's key 16 by")
ACME = Advertiser(
    name="acme",
    legal_name="Acme Outillage SAS",
    postal_address="12 rue des Lilas, 69003 Lyon, France",
    contact="contact@acme.example",
    privacy_url="https://acme.example/confidentialite",
    dpo="dpo@acme.example",
    from_domains=("acme.example",),
)
LETTER = Stream(
    name="acme-letter",
    number=stream_number("acme-letter"),
    advertiser=ACME,
    category=Category.MARKETING,
    purpose="lettre mensuelle",
    policy="fr",
    upstream="provider",
    refusal=RefusalMode.REJECT,
    language="fr",
    relates_to=(),
)
OFFERS = replace(LETTER, name="acme-offers", number=stream_number("acme-offers"), purpose="offres")
PARTNERS = (
    Partner("Fichier+", "Fichier Plus SARL", "https://fichier.example/vie-privee", "stop@fichier.example", True, False),
    Partner("none", "Nothing Shared SA", "", "", False, False),
)
TOKEN = mint(KEYS, LETTER.number, ANNE)
PROBE_TOKEN = mint(KEYS, PROBE_STREAM, PersonKey(bytes(16)))
GONE_TOKEN = mint(KEYS, 4242, ANNE)
PAGES = ROOT / "templates" / "pages"


@dataclass
class Tally:
    """A meter that remembers which doors were used."""

    doors: list[str] = field(default_factory=list)

    def decided(self, stream: str, reason: str) -> None:
        """Not of interest here."""

    def delivered(self, upstream: str, fate: str, seconds: float) -> None:
        """Not of interest here."""

    def answered(self, code: int, seconds: float) -> None:
        """Not of interest here."""

    def opposed(self, door: str, seconds: float) -> None:
        """Remember the door."""
        self.doors.append(door)


@dataclass
class Lines:
    """A log kept in memory."""

    said: list[tuple[str, dict[str, str | int | float | bool]]] = field(default_factory=list)

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """Remember the line."""
        self.said.append((what, facts))


@dataclass
class Doors:
    """Everything a test of the opt-out needs to hold."""

    book: MemoryBook = field(default_factory=MemoryBook)
    clock: StillClock = field(default_factory=StillClock)
    tally: Tally = field(default_factory=Tally)
    lines: Lines = field(default_factory=Lines)

    def way_back(self) -> WayBack:
        """The journey over this book."""
        streams = {LETTER.number: LETTER, OFFERS.number: OFFERS}
        return WayBack(self.book, KEYS, streams, PARTNERS, self.clock, self.tally, self.lines)

    def routes(self) -> list[Route]:
        """The public endpoint."""
        return OptOut(self.way_back(), Pages(PAGES), self.clock).routes()


@asynccontextmanager
async def listening(routes: list[Route], proxy_from: tuple[Network, ...] = ()) -> AsyncIterator[str]:
    """Serve these routes on a free loopback port; gives the base URL."""
    web = Web(routes, "127.0.0.1", 0, proxy_from=proxy_from)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(web.run())
        try:
            yield f"http://127.0.0.1:{web.port}"
        finally:
            web.stop()
