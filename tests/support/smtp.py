"""A listener on a free loopback port with a scripted desk behind it, and a bare client that speaks bytes."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from gateway.core.proxy_header import Network
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.listener import Listener
from gateway.edges.smtp.terms import Kind
from tests.support.desk import LOGIN, SECRET, Lines, ScriptedDesk

PATIENCE = 10.0
HOST = "gateway.example"
REPLY_LINE = re.compile(rb"[2345][0-9]{2}[ -][\x20-\x7e]*\r\n")
PLAIN = base64.b64encode(b"\0" + LOGIN.encode() + b"\0" + SECRET).decode()


@dataclass
class Door:
    """A running listener, its desk and its log."""

    listener: Listener
    desk: ScriptedDesk
    log: Lines
    port: int

    async def client(self, tls: ssl.SSLContext | None = None) -> Client:
        """Connect, with TLS at once if a context is given."""
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, server_hostname=name)
        return Client(reader, writer)

    async def ready(self, verbs: str = "EHLO client.example") -> Client:
        """A client that was greeted and said hello."""
        client = await self.client()
        await client.reply()
        if verbs:
            await client.ask(verbs)
        return client

    async def logged_in(self) -> Client:
        """A client that may send mail."""
        client = await self.ready()
        assert (await client.ask(f"AUTH PLAIN {PLAIN}")).startswith("235")
        return client


@dataclass
class Client:
    """Writes bytes, reads replies and checks that each is one (I9)."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: list[str] = field(default_factory=list)

    async def reply(self) -> str:
        """The next whole reply; empty when the server has hung up."""
        lines: list[str] = []
        while True:
            async with asyncio.timeout(PATIENCE):
                try:
                    line = await self.reader.readline()
                except (ConnectionError, ssl.SSLError):
                    line = b""
            if not line:
                assert not lines, "a reply was cut"
                return ""
            assert REPLY_LINE.fullmatch(line), line
            assert len(line) <= 512
            lines.append(line.decode("ascii").rstrip())
            if line[3:4] == b" ":
                self.heard.append("\n".join(lines))
                return self.heard[-1]

    async def ask(self, command: str | bytes) -> str:
        """Send a command line and read its reply."""
        self.send(command.encode() + b"\r\n" if isinstance(command, str) else command)
        return await self.reply()

    def send(self, octets: bytes) -> None:
        """Write without waiting."""
        if not self.writer.is_closing():
            self.writer.write(octets)

    async def envelope(self, *recipients: str, parameters: str = "") -> list[str]:
        """MAIL, RCPTs and DATA, one after the other."""
        answers = [await self.ask(f"MAIL FROM:<tool@acme.example>{parameters}")]
        answers += [await self.ask(f"RCPT TO:<{one}>") for one in recipients or ("ann@customer.example",)]
        return [*answers, await self.ask("DATA")]

    async def rest(self) -> list[str]:
        """Replies until the server hangs up."""
        replies = []
        while reply := await self.reply():
            replies.append(reply)
        return replies

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


@asynccontextmanager
async def door(
    desk: ScriptedDesk | None = None,
    limits: Limits | None = None,
    *,
    kind: Kind = Kind.SUBMISSION,
    tls: ssl.SSLContext | None = None,
    clear_auth: bool = True,
    auth_required: bool = True,
    proxy_from: tuple[Network, ...] = (),
) -> AsyncIterator[Door]:
    """A listener that is closed at the end; by default one where AUTH in clear is allowed, as on loopback."""
    desk, log = desk or ScriptedDesk(), Lines()
    tasks: list[asyncio.Task[None]] = []

    def spawn(coroutine: Coroutine[None, None, None]) -> None:
        tasks.append(asyncio.create_task(coroutine))

    terms = (kind, desk, limits or Limits(), log, tls, HOST, clear_auth, auth_required)
    listener = Listener(*terms, proxy_from=proxy_from, spawn=spawn)
    _, port = await listener.start("127.0.0.1", 0)
    try:
        yield Door(listener, desk, log, port)
    finally:
        await listener.close(0.2)
        await asyncio.gather(*tasks)


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - any condition, not one that asyncio knows of
            await asyncio.sleep(0.005)


def pieces(octets: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The octets cut at these places."""
    places = [0, *sorted({cut % (len(octets) + 1) for cut in cuts}), len(octets)]
    return [octets[a:b] for a, b in pairwise(places) if a < b]
