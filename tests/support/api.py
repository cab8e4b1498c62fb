"""The HTTP API over a real SQLite store, on loopback, with one key that may do everything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Oppose
from gateway.core.evidence import Event, parse_event
from gateway.core.model import PersonKey
from gateway.core.record import Block, Consent, Door, Opposition, Scope
from gateway.edges.compute import Threads
from gateway.edges.files import read_policy
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.edges.web.api import Api
from gateway.edges.web.partner_calls import PartnerCalls
from gateway.flow.administer import Administer
from gateway.flow.api_keys import ApiKeys, Issued
from gateway.flow.filing import Clerk
from gateway.flow.opposition_rows import OppositionRows
from gateway.flow.partner_door import PartnerDoor
from gateway.flow.telling import Line
from tests.support.clock import StillClock
from tests.support.doors import ACME, LETTER, OFFERS, PARTNERS, Lines, Tally, listening

OTHER = replace(LETTER, name="other-letter", advertiser=replace(ACME, name="other"))
SECRETS = {PARTNERS[0].name: (b"a secret shared with one partner",)}
ROW = {
    "address": "anne@example.com",
    "advertiser": "acme",
    "purpose": "lettre mensuelle",
    "audience": "consumer",
    "basis": "consent",
    "source": "direct",
    "collected_at": "2026-01-05T10:00:00+01:00",
    "action": "checkbox-ticked",
    "wording": "J'accepte de recevoir la lettre.",
}


@dataclass
class Caller:
    """A tool that calls the API, and what a test may look up behind it."""

    client: httpx.AsyncClient
    store: SqliteStore
    identity: Identity
    clock: StillClock
    keys: ApiKeys
    bearer: str

    async def post(self, path: str, body: object, bearer: str | None = None) -> httpx.Response:
        """One call with the key."""
        headers = {"Authorization": f"Bearer {self.bearer if bearer is None else bearer}", "Content-Type": "application/json"}
        return await self.client.post(path, content=json.dumps(body), headers=headers)

    async def consents(self, *rows: dict[str, object]) -> list[dict[str, object]]:
        """Verdicts on these rows."""
        answer = await self.post("/api/v1/consents", {"consents": rows})
        assert answer.status_code == 200, answer.text
        verdicts: list[dict[str, object]] = answer.json()["verdicts"]
        return verdicts

    async def key(self, name: str, *may: str, advertisers: tuple[str, ...] = ()) -> str:
        """Another key's bearer text."""
        issued = await self.keys.add(name, may, advertisers, ("acme", "other"), None, lambda: f"secret-of-{name}")
        assert isinstance(issued, Issued)
        return issued.bearer

    def person(self, address: str) -> PersonKey:
        """A person's key."""
        found = parse(address)
        assert isinstance(found, Address)
        return self.identity.person(found)

    async def records(self, address: str = "anne@example.com") -> list[Consent]:
        """What is on record."""
        return [one for one, _ in await self.store.book.consents(self.person(address))]

    async def oppose(self, address: str) -> None:
        """Put an opposition on record."""
        one = Opposition(self.person(address), Block.OPPOSED, Scope.ADVERTISER, "acme", "", Door.LINK, self.clock.now())
        await self.store.book.commit((), [Oppose(one)])

    async def events(self) -> list[Event]:
        """The journal."""
        return [event async for entry in self.store.journal.entries() if (event := parse_event(entry.body))]


@asynccontextmanager
async def calling(folder: Path) -> AsyncIterator[Caller]:
    """The API, listening."""
    ring = KeyRing.open(folder / "keys", may_create=True)
    store = open_store(folder / "gateway.db", "n1w0")
    policy = read_policy("fr")
    assert hasattr(policy, "book")
    clock, identity, compute = StillClock(), Identity(ring.pepper), Threads()
    streams = {one.name: one for one in (LETTER, OFFERS, OTHER)}
    clerk = Clerk(store.book, identity, ring.vault, {"fr": policy}, streams, {one.name: one for one in PARTNERS})
    keys = ApiKeys(store.book, clock)
    administer = Administer(store.book, identity, streams, {one.name: one for one in PARTNERS}, clock)
    door = PartnerDoor(store.book, store.returns, identity, administer, clock, Tally(), Lines())
    rows = OppositionRows(store.book, identity, administer, clock)
    calls = PartnerCalls(door, {one.name: Line(one, keys=SECRETS.get(one.name, ())) for one in PARTNERS}, clock)
    api = Api(store.book, identity, clerk, rows, calls, keys, compute, clock)
    try:
        async with listening(api.routes()) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
            caller = Caller(client, store, identity, clock, keys, "")
            caller.bearer = await caller.key("crm", "consents", "acts", "oppositions")
            yield caller
    finally:
        await store.close()
        compute.close()
