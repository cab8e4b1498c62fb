"""A collector and its partner, each a whole gateway with its own data, in one process on loopback; a tool that listens too."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import apsw
import httpx

from gateway.app import Addresses, Gateway
from gateway.core.address import Identity
from gateway.core.change import NotePassing
from gateway.core.evidence import Event, parse_event
from gateway.core.record import Opposition, Transfer
from gateway.core.sign import Algorithm
from gateway.core.token import mint, stream_number
from gateway.edges.keys import KeyRing, write_dkim_key
from gateway.edges.logs import JsonLog
from gateway.edges.store.sqlite import open_store
from gateway.flow.back_ports import Note
from gateway.settings import Settings, load
from tests.support.gateway import WHEN, Running, enlist, person
from tests.support.sink import FaultySink

CLAIRE = "claire@example.org"
SHARED = "a secret that the two houses share"
HASH_KEY = "a key for hashes that the two share"

HOUSE = """
[gateway]
data_dir = "var"
hostname = "{name}.example.com"
node = "{name}"

[submission]
listen = "127.0.0.1:0"

[inbound]
listen = "127.0.0.1:0"
domain = "back.{name}.example"

[web]
listen = "127.0.0.1:{web}"

[upstream.provider]
host = "127.0.0.1"
port = {sink}
tls = "none"

[advertiser.{name}]
legal_name = "{legal}"
postal_address = "1 rue de l'Exemple, 75001 Paris"
contact = "contact@maison.example"
privacy_url = "https://{name}.example/privacy"
dpo = "dpo@{name}.example"
from_domains = ["{name}.example", "maison.example"]
dkim = [{{ selector = "s1", key_file = "dkim.pem" }}]

[stream.news]
advertiser = "{name}"
purpose = "newsletter"
upstream = "provider"
relates_to = ["*"]

[partner.{other}]
legal_name = "{other_legal}"
privacy_url = "https://{other}.example/privacy"
contact = "privacy@{other}.example"
role = "{role}"
{line}
"""


async def eventually(condition: Callable[[], Awaitable[object]], patience: float = 30.0) -> None:
    """Wait for something to become true that takes a look to know."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.05)


@dataclass
class House:
    """One of the two; `gateway` is there while it runs."""

    name: str
    settings: Settings
    sink: FaultySink
    gateway: Running | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ring(self) -> KeyRing:
        """Its keys."""
        return KeyRing.open(self.settings.gateway.data_dir / "keys", may_create=False)

    @property
    def url(self) -> str:
        """Its web address, the same in all its lives."""
        return f"http://{self.settings.web.listen}"

    @property
    def running(self) -> Running:
        """The gateway, which must run."""
        assert self.gateway is not None
        return self.gateway

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[Running]:
        """Serve while the block runs."""
        log, stop = StringIO(), asyncio.Event()
        ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            group.create_task(Gateway(self.settings, log=JsonLog(log)).run(stop, ready.set_result))
            async with asyncio.timeout(30):
                addresses = await ready
            ring = self.ring
            self.gateway = Running(addresses, self.settings, log, Identity(ring.pepper), ring, stop)
            try:
                yield self.gateway
            finally:
                stop.set()
                self.gateway = None

    async def press(self, address: str = CLAIRE) -> None:
        """The person presses the button of this house's mail."""
        ring = self.ring
        token = mint(ring.token_keys, stream_number("news"), Identity(ring.pepper).person(person(address)))
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.url}/u/{token}", content=b"List-Unsubscribe=One-Click")
        assert answer.status_code == 200

    async def refuses(self, address: str = CLAIRE) -> bool:
        """Whether mail to somebody is refused for what they said."""
        told = await self.running.send(address)
        return bool(told) and "OPPOSED" in told[address]

    async def notes(self) -> list[Note]:
        """What it must still tell."""
        store = open_store(self.running.database, "reader")
        try:
            return list(await store.outbox.pending())
        finally:
            await store.close()

    async def receipts(self) -> list[Note]:
        """What it has told."""
        store = open_store(self.running.database, "reader")
        try:
            return list(await store.outbox.receipts(WHEN))
        finally:
            await store.close()

    async def oppositions(self, address: str = CLAIRE) -> list[Opposition]:
        """What stands against somebody under their own key."""
        store = open_store(self.running.database, "reader")
        try:
            return list(await store.book.oppositions(self.running.identity.person(person(address))))
        finally:
            await store.close()

    async def events(self) -> list[Event]:
        """The journal."""
        store = open_store(self.running.database, "reader")
        try:
            return [event async for entry in store.journal.entries() if (event := parse_event(entry.body))]
        finally:
            await store.close()

    async def settled(self, count: int) -> list[Note]:
        """Its receipts, once there are so many and nothing waits."""

        async def told() -> bool:
            return len(await self.receipts()) >= count and not await self.notes()

        await eventually(told)
        return await self.receipts()

    def days_pass(self, days: int) -> None:
        """What waits has waited so much longer, and is due now."""
        micros = days * 86_400_000_000
        database = apsw.Connection(str(self.settings.gateway.data_dir / "gateway.db"))
        try:
            database.set_busy_timeout(5000)
            database.execute("UPDATE outbox SET at = at - ?, due_at = 0", (micros,))
        finally:
            database.close()


@dataclass
class Houses:
    """Both of them: `jeux` collected the address and passed it to `maison`."""

    jeux: House
    maison: House

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[Houses]:
        """Both serve."""
        async with self.jeux.alive(), self.maison.alive():
            yield self

    async def share(self, address: str = CLAIRE) -> None:
        """Both have the person on record, as an export and an import leave it."""
        at = WHEN
        await self.jeux.running.consent(address, advertiser="jeux")
        key = self.jeux.running.identity.person(person(address))
        await self.jeux.running.change(NotePassing(Transfer(key, "jeux", "maison", "newsletter", "v1", at)))
        await self.maison.running.consent(address, advertiser="maison", source="jeux", notice_sent_at=at, acquired_at=at)


@asynccontextmanager
async def two_houses(folder: Path, hashed: bool = False) -> AsyncIterator[Houses]:
    """Both houses with their providers; they serve only within `alive`."""
    ports = _two_ports()
    sinks = FaultySink(), FaultySink()
    made = []
    try:
        for number, (name, other) in enumerate((("jeux", "maison"), ("maison", "jeux"))):
            _, sink = await sinks[number].start()
            made.append(_found(folder / name, name, other, ports[number], ports[1 - number], sink, hashed))
        houses = Houses(*(House(one.gateway.node, one, sink) for one, sink in zip(made, sinks, strict=True)))
        for one in made:
            KeyRing.open(one.gateway.data_dir / "keys", may_create=True)
            await enlist(one)
        yield houses
    finally:
        for sink in sinks:
            await sink.close()


LEGAL = {"jeux": "Jeux & Loisirs SARL", "maison": "Maison Exemple SAS"}


def _found(folder: Path, name: str, other: str, web: int, its_web: int, sink: int, hashed: bool) -> Settings:
    folder.mkdir()
    secrets = {"secret_file": SHARED, **({"hash_key_file": HASH_KEY} if hashed else {})}
    for file, text in secrets.items():
        (folder / file).write_text(text)
        (folder / file).chmod(0o600)
    write_dkim_key(folder / "dkim.pem", Algorithm.RSA, f"{name}.example", "s1")
    line = [f'webhook = "http://127.0.0.1:{its_web}/api/v1/oppositions"', *(f'{file} = "{file}"' for file in secrets)]
    role = "receives" if name == "jeux" else "provides"
    config = folder / "gateway.toml"
    config.write_text(
        HOUSE.format(
            name=name, legal=LEGAL[name], other=other, other_legal=LEGAL[other], web=web, sink=sink, role=role, line="\n".join(line)
        )
    )
    return load(config, {})


def _two_ports() -> tuple[int, int]:
    """Two ports nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    first, second = (one.getsockname()[1] for one in held)
    for one in held:
        one.close()
    return first, second
