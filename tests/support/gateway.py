"""A whole gateway on loopback, in this process: real sockets, real SQLite, a sink for the provider; port 0 everywhere."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TypeVar

from gateway.app import Addresses, Gateway
from gateway.core.address import Address, Identity, parse
from gateway.core.change import Change, Enlist, Learn, Oppose
from gateway.core.model import PersonKey, RefusalMode, Tool
from gateway.core.record import Audience, Basis, Block, Consent, Door, Opposition, Scope
from gateway.core.sign import Algorithm
from gateway.edges.keys import KeyRing, write_dkim_key
from gateway.edges.logs import JsonLog
from gateway.edges.store.sqlite import open_store
from gateway.settings import Settings, load
from gateway.store_rooms import command_writer, open_keys, open_truth

T = TypeVar("T")
SECRET = "the-tool-s-secret"
WHEN = datetime(2026, 9, 1, 12, tzinfo=UTC)

CONFIG = """
[gateway]
data_dir = "var"
hostname = "gateway.example.com"
{gateway}

[submission]
listen = "127.0.0.1:0"
{submission}

[inbound]
listen = "127.0.0.1:0"
domain = "back.example.com"

[web]
listen = "127.0.0.1:0"

[delivery]
{delivery}

[upstream.provider]
host = "127.0.0.1"
port = {sink_port}
tls = "none"

[advertiser.maison]
legal_name = "Maison Exemple SAS"
postal_address = "1 rue de l'Exemple, 75001 Paris"
contact = "contact@maison.example"
privacy_url = "https://maison.example/privacy"
dpo = "dpo@maison.example"
from_domains = ["maison.example"]
dkim = [{{ selector = "s1", key_file = "dkim.pem" }}, {{ selector = "e1", key_file = "dkim-ed25519.pem" }}]

[stream.news]
advertiser = "maison"
purpose = "newsletter"
upstream = "provider"
relates_to = ["purchasing"]
{stream}

[stream.service]
advertiser = "maison"
category = "transactional"
upstream = "provider"

[partner.voisin]
legal_name = "Voisin SARL"
privacy_url = "https://voisin.example/privacy"
contact = "dpo@voisin.example"
role = "both"
"""


def person(address: str) -> Address:
    """A parsed address; the tests only write good ones."""
    parsed = parse(address, smtputf8=True)
    assert isinstance(parsed, Address)
    return parsed


@dataclass
class Running:
    """A gateway under test and what a test asks of it."""

    addresses: Addresses
    settings: Settings
    log: StringIO
    identity: Identity
    ring: KeyRing
    stop: asyncio.Event

    @property
    def database(self) -> Path:
        """Where its state is."""
        return self.settings.gateway.data_dir / "gateway.db"

    async def change(self, *changes: Change) -> None:
        """Change the book beside the running gateway, as the CLI does."""
        store = open_store(self.database, "cli")
        try:
            await store.book.commit((), changes)
        finally:
            await store.close()

    async def consent(self, address: str, **changed: object) -> None:
        """Put a sound consent on record, or one with some fields changed."""
        fields: dict[str, object] = {
            "person": self.identity.person(person(address)),
            "advertiser": "maison",
            "purpose": "newsletter",
            "audience": Audience.CONSUMER,
            "basis": Basis.CONSENT,
            "source": "direct",
            "collected_at": WHEN,
            "action": "checkbox-ticked",
            "wording": "I want the newsletter",
            "recorded_at": WHEN,
        }
        fields.update(changed)
        await self.change(Learn(Consent(**fields), self.ring.vault.seal(address.encode())))  # type: ignore[arg-type]

    async def oppose(self, address: str, scope: Scope = Scope.ADVERTISER, block: Block = Block.OPPOSED) -> None:
        """Put an opposition on record."""
        key: PersonKey = self.identity.person(person(address))
        stream = "news" if scope is Scope.STREAM else ""
        advertiser = "" if scope is Scope.ALL else "maison"
        await self.change(Oppose(Opposition(key, block, scope, advertiser, stream, Door.CLI, WHEN)))

    async def events(self) -> list[tuple[str, str]]:
        """(kind, outcome) of every journal entry so far."""
        from gateway.core.evidence import parse_event

        store = open_store(self.database, "reader")
        try:
            events = [parse_event(entry.body) async for entry in store.journal.entries()]
        finally:
            await store.close()
        return [(event.kind.value, event.outcome) for event in events if event is not None]

    def client(self, login: str = "mautic") -> smtplib.SMTP:
        """A logged-in smtplib session, to be used in a thread."""
        session = smtplib.SMTP(*self.addresses.submission, timeout=15)
        session.login(login, SECRET)
        return session

    async def send(
        self, to: str | Sequence[str], login: str = "mautic", message: EmailMessage | bytes | None = None
    ) -> dict[str, str]:
        """Send one message as a tool would; the answer of each refused recipient, or of the whole under ''."""
        return await threaded(partial(self._send, [to] if isinstance(to, str) else list(to), login, message))

    def _send(self, to: list[str], login: str, message: EmailMessage | bytes | None) -> dict[str, str]:
        raw = letter(to[0]) if message is None else message
        raw = raw if isinstance(raw, bytes) else raw.as_bytes(policy=SMTP)
        session = self.client(login)
        try:
            refused = session.sendmail("news@maison.example", to, raw)
        except smtplib.SMTPRecipientsRefused as all_refused:
            refused = all_refused.recipients
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as whole:
            return {"": f"{whole.smtp_code} {_text(whole.smtp_error)}"}
        finally:
            session.close()
        return {address: f"{code} {_text(text)}" for address, (code, text) in refused.items()}


def _text(said: bytes | str) -> str:
    return said.decode() if isinstance(said, bytes) else said


def letter(
    to: str, subject: str = "Septembre", text: str = "Bonjour,\nvoici les nouvelles.\n", html: str = "<p>Bonjour</p>"
) -> EmailMessage:
    """An ordinary newsletter."""
    message = EmailMessage()
    message["From"] = "Maison <news@maison.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Tue, 01 Sep 2026 12:00:00 +0000"
    message["Message-ID"] = f"<{sha256(f'{to}{subject}{text}'.encode()).hexdigest()[:16]}@maison.example>"
    message.set_content(text)
    message.add_alternative(f"<html><body>{html}</body></html>", subtype="html")
    return message


async def threaded(function: Callable[[], T]) -> T:
    """Run a blocking client beside the gateway's loop."""
    return await asyncio.get_running_loop().run_in_executor(None, function)


def company(folder: Path, sink_port: int, **parts: str) -> Settings:
    """A sample company's configuration and keys in a folder; `parts` add lines to the tables of their names."""
    for name, algorithm in (("dkim.pem", Algorithm.RSA), ("dkim-ed25519.pem", Algorithm.ED25519)):
        if not (folder / name).exists():
            write_dkim_key(folder / name, algorithm, "maison.example", name)
    texts = {name: parts.get(name, "") for name in ("gateway", "submission", "delivery", "stream")}
    (folder / "gateway.toml").write_text(CONFIG.format(sink_port=sink_port, **texts))
    return load(folder / "gateway.toml", {})


async def enlist(settings: Settings, refusal: RefusalMode | None = None) -> None:
    """Give the tool `mautic` its credential for both streams."""
    store = open_truth(settings, open_keys(settings, may_create=True), command_writer(settings, "cli"))
    tool = Tool("mautic", sha256(SECRET.encode()).digest(), ("news", "service"), refusal, WHEN)
    await store.book.commit((), [Enlist(tool)])
    await store.close()


@asynccontextmanager
async def running(settings: Settings, refusal: RefusalMode | None = None) -> AsyncIterator[Running]:
    """The gateway, serving; it is drained at the end."""
    ring = open_keys(settings, may_create=True)
    await enlist(settings, refusal)
    log, stop = StringIO(), asyncio.Event()
    ready: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(Gateway(settings, log=JsonLog(log)).run(stop, ready.set_result))
        async with asyncio.timeout(15):
            addresses = await ready
        try:
            yield Running(addresses, settings, log, Identity(ring.pepper), ring, stop)
        finally:
            stop.set()
