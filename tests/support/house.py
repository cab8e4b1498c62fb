"""A gateway in this process with a provider that misbehaves by plan; every invariant is checked when the test ends."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from gateway.edges.sink import Session as SinkSession
from tests.support.gateway import Running, company, running
from tests.support.invariants import Run, check
from tests.support.load import Diary, Session, consent, write
from tests.support.process import Ports
from tests.support.sink import FaultySink

RETURN = 'on_defer = "return"\nbudget = "700ms"'
SPOOL = 'on_defer = "spool"\nbudget = "700ms"\nretry = ["50ms"]'
LINK = re.compile(rb"^List-Unsubscribe:\s*<https?://[^/]+(/u/[a-z2-7]{56})>", re.M)


class Provider(FaultySink):
    """The faulty sink, which keeps nothing that it refused, and waits before its last answer while `gate` is closed."""

    def __init__(self) -> None:
        super().__init__(keep=100_000)
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Event()

    async def interfere(self, stage: str, session: SinkSession, /) -> bytes | None:
        reply = None
        try:
            reply = await super().interfere(stage, session)
        finally:
            spoiled = "body" in self.plan and self.plan["body"] in ("451", "550", "garbage", "999")
            if stage == "end" and ((reply or b"")[:1] in (b"4", b"5") or self.plan.get("end") == "421" or spoiled):
                self.messages.pop()
                self.count -= 1
        if stage == "end":
            self.reached.set()
            await self.gate.wait()
        return reply

    def hang_up(self) -> None:
        """End every connection, so that the next message needs a new one."""
        for session in self._open:
            session.cancel()


@dataclass
class House:
    """A gateway in this process with a faulty provider, and a tool whose diary is checked in the end."""

    gateway: Running
    provider: Provider
    folder: Path
    diary: Diary = field(default_factory=Diary)
    people: set[str] = field(default_factory=set)

    @property
    def ports(self) -> Ports:
        addresses = self.gateway.addresses
        assert addresses.inbound is not None
        return Ports(addresses.submission[1], addresses.inbound[1], addresses.web[1])

    async def know(self, *addresses: str) -> None:
        """Put consents on record."""
        self.people.update(addresses)
        await consent(self.gateway.settings, addresses)

    def letter(self, number: int, size: int = 400) -> tuple[str, bytes]:
        """A message and its Message-ID; the same for the same number."""
        message_id = f"<{number}@maison.example>"
        text = f"Nouvelles {number}".encode()
        self.diary.texts[message_id] = text
        return message_id, write(message_id, text, size)

    async def send(self, number: int, *recipients: str, size: int = 400) -> str:
        """Send one message over a connection of its own; the final answer, or the only recipient's refusal."""
        session = Session(self.ports, self.diary)
        message_id, message = self.letter(number, size)
        attempt = await session.send(message_id, recipients, message)
        session.close()
        return attempt.final or next(iter(attempt.answers.values()), "")

    async def raw(self) -> Raw:
        """A tool that is logged in and may misbehave."""
        raw = Raw(*await asyncio.open_connection("127.0.0.1", self.ports.submission))
        await raw.login()
        return raw


@dataclass
class Raw:
    """A bare connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def login(self) -> None:
        """Greeting, EHLO, AUTH."""
        await self.reader.readline()
        await self.ask(b"EHLO tool.example\r\n")
        assert (await self.ask(b"AUTH PLAIN AG1hdXRpYwB0aGUtdG9vbC1zLXNlY3JldA==\r\n")).startswith(b"235")

    async def ask(self, octets: bytes) -> bytes:
        """Send, and read one reply."""
        self.writer.write(octets)
        line = b"250-"
        async with asyncio.timeout(10):
            while line[3:4] == b"-":
                line = await self.reader.readline()
        return line

    def leave(self, how: str) -> None:
        """Go away: FIN, RST, or a half-close that still listens."""
        if how == "half-close":
            self.writer.write_eof()
            return
        if how == "reset":
            peer = self.writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()


@asynccontextmanager
async def house(folder: Path, delivery: str = RETURN, **parts: str) -> AsyncIterator[House]:
    """A house whose invariants are checked when the block ends."""
    provider = Provider()
    _, port = await provider.start()
    try:
        async with running(company(folder, port, delivery=delivery, **parts)) as gateway:
            one = House(gateway, provider, folder)
            yield one
            await until(lambda: not parcels(folder))
        found = await check(Run(folder, one.diary, tuple(provider.messages), frozenset(one.people)))
        assert not found.violations, found
    finally:
        await provider.close()


async def until(condition: Callable[[], object], patience: float = 10.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.01)


def parcels(folder: Path) -> int:
    """How many rows the spool holds."""
    with closing(apsw.Connection(str(folder / "var" / "spool-0.db"), flags=apsw.SQLITE_OPEN_READONLY)) as spool:
        return int(str(spool.execute("SELECT count(*) FROM parcel").fetchall()[0][0]))


@contextmanager
def beside(folder: Path) -> Iterator[apsw.Connection]:
    """A connection to the gateway's database that is not the gateway's."""
    with closing(apsw.Connection(str(folder / "var" / "gateway.db"))) as other:
        other.set_busy_timeout(5000)
        yield other


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the write lock of the gateway's database, as a stuck process would."""
    with beside(folder) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
