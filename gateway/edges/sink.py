"""A mail sink: an SMTP server that accepts everything, keeps the last messages in memory and sends nothing on.

It plays the provider in the demo, in docker-compose and in the tests. It is no part of the mail's way: the gateway never relays
through it in earnest, and it must not write to disk or reach the network.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

END = b"\r\n.\r\n"
READ = 256 * 1024
LINE = 4096
RESERVED = re.compile(r"(?:.*[-+._])?(temperror|permerror|timeout|[45]\d\d)(-data)?")
PATH = re.compile(r"(?:FROM|TO):\s?<(?P<path>[^<>]*)>(?P<parameters>(?: .*)?)", re.I)
WORDS = {"temperror": "451 4.3.0 As asked", "permerror": "550 5.1.1 As asked"}


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it arrived: unstuffed bytes, parameters by upper-case name, `began` the monotonic time of DATA."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    mail_parameters: Mapping[str, str]
    rcpt_parameters: tuple[Mapping[str, str], ...]
    began: float
    tls: bool
    login: str

    @property
    def recipient(self) -> str:
        """The first recipient."""
        return self.recipients[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the sink announces: `login` is the one user and password it knows, `tls` its certificate."""

    hostname: str = "sink.example"
    size: int = 50_000_000
    pipelining: bool = True
    eight_bit: bool = True
    smtputf8: bool = True
    dsn: bool = True
    login: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False

    def lines(self, *, encrypted: bool) -> list[str]:
        """The EHLO answer's lines."""
        offered = {
            f"SIZE {self.size}": self.size > 0,
            "PIPELINING": self.pipelining,
            "8BITMIME": self.eight_bit,
            "SMTPUTF8": self.smtputf8,
            "DSN": self.dsn,
            "STARTTLS": self.tls is not None and not encrypted,
            "AUTH PLAIN LOGIN": self.login is not None,
            "ENHANCEDSTATUSCODES": True,
        }
        return [self.hostname, *(line for line, on in offered.items() if on)]


class Left(Exception):
    """The connection is over."""


class Sink:
    """The listener; recipients named `temperror`, `permerror`, `timeout` or `4xx`/`5xx` are answered so, `550-data` at the end."""

    def __init__(self, keep: int = 1000, offer: Offer | None = None, keep_bytes: int = 1 << 30) -> None:
        self.offer = offer or Offer()
        self.messages: deque[Received] = deque()
        self.count = 0
        self.connections = 0
        self._keep = keep
        self._keep_bytes = keep_bytes
        self._held = 0
        self._news = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listen, and say where."""
        tls = self.offer.tls if self.offer.implicit_tls else None
        self._server = await asyncio.start_server(self._serve, host, port, ssl=tls, limit=READ, backlog=1024)
        bound = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    async def close(self) -> None:
        """Stop listening and end every session; what arrived stays readable."""
        if self._server is None:
            return
        self._server.close()
        for session in self._open:
            session.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        with suppress(TimeoutError):  # a client that never ends its TLS must not hold us
            await asyncio.wait_for(self._server.wait_closed(), 2)

    async def wait_for(self, n: int, timeout: float = 5.0) -> Sequence[Received]:
        """The kept messages, as soon as `n` have arrived in all; TimeoutError when they do not."""
        async with asyncio.timeout(timeout):
            while self.count < n:
                self._news.clear()
                await self._news.wait()
        return list(self.messages)

    def keep(self, message: Received) -> None:
        """Remember one message, forgetting the oldest beyond the bounds."""
        self.messages.append(message)
        self._held += len(message.data)
        while self.messages and (len(self.messages) > self._keep or self._held > self._keep_bytes):
            self._held -= len(self.messages.popleft().data)
        self.count += 1
        self._news.set()

    async def interfere(self, _stage: str, _session: Session, /) -> bytes | None:
        """What to answer at a stage instead of the right reply, None for the right one: the door for fault injection."""
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a stream callback always runs in a task
        self._open.add(task)
        self.connections += 1
        try:
            await Session(self, reader, writer).run()
        except (Left, OSError, ssl.SSLError):
            pass  # a client may leave in any way it likes
        except asyncio.CancelledError:
            writer.transport.abort()  # only `close` cancels a session; raising on would make asyncio report a fault
        finally:
            self._open.discard(task)
            writer.close()


@dataclass(slots=True)
class Transaction:
    """What the client has said since MAIL."""

    sender: str
    parameters: Mapping[str, str]
    recipients: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


class Session:
    """One connection: reads pipelined commands, answers them in order and flushes before it waits."""

    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink = sink
        self.reader = reader
        self.writer = writer
        self.pending = bytearray()
        self.mail: Transaction | None = None
        self.login = ""
        self.encrypted = sink.offer.tls is not None and sink.offer.implicit_tls

    async def run(self) -> None:
        """Greet, then obey until the client leaves."""
        await self.say("banner", f"220 {self.sink.offer.hostname} ESMTP sink")
        while True:
            verb, _, rest = (await self.line()).partition(" ")
            match verb.upper():
                case "EHLO":
                    await self.hello()
                case "HELO":
                    await self.say("ehlo", f"250 {self.sink.offer.hostname}")
                case "STARTTLS":
                    await self.start_tls()
                case "AUTH":
                    await self.authenticate(rest)
                case "MAIL":
                    await self.open_mail(rest)
                case "RCPT":
                    await self.add_recipient(rest)
                case "DATA":
                    await self.take_data()
                case "RSET":
                    self.mail = None
                    self.put(b"250 2.0.0 Reset\r\n")
                case "NOOP":
                    self.put(b"250 2.0.0 OK\r\n")
                case "QUIT":
                    await self.say("quit", "221 2.0.0 Bye")
                    await self.writer.drain()
                    raise Left
                case _:
                    self.put(b"500 5.5.2 Unknown command\r\n")

    def put(self, reply: bytes) -> None:
        """Queue bytes for the client."""
        self.writer.write(reply)

    async def say(self, stage: str, right: str) -> bool:
        """Answer one stage, and tell whether the client may go on."""
        reply = await self.sink.interfere(stage, self) or right.encode() + b"\r\n"
        self.put(reply)
        return reply[:1] in b"23"

    async def more(self) -> None:
        """Wait for bytes from the client."""
        await self.writer.drain()
        got = await self.reader.read(READ)
        if not got:
            raise Left
        self.pending += got

    async def line(self) -> str:
        """The next command line."""
        while (end := self.pending.find(b"\n")) < 0:
            if len(self.pending) > LINE:
                raise Left
            await self.more()
        line = self.pending[:end].rstrip(b"\r").decode("utf-8", "backslashreplace")
        del self.pending[: end + 1]
        return line

    async def hello(self) -> None:
        """Announce what is offered; a new EHLO ends any transaction."""
        self.mail = None
        *first, last = self.sink.offer.lines(encrypted=self.encrypted)
        await self.say("ehlo", "\r\n".join([*(f"250-{line}" for line in first), f"250 {last}"]))

    async def start_tls(self) -> None:
        """Encrypt the connection; what was sent in clear is forgotten."""
        if self.sink.offer.tls is None or self.encrypted:
            self.put(b"503 5.5.1 TLS not available\r\n")
        elif await self.say("starttls", "220 2.0.0 Go ahead"):
            self.pending.clear()
            await self.writer.start_tls(self.sink.offer.tls, ssl_handshake_timeout=10)
            self.encrypted = True

    async def authenticate(self, rest: str) -> None:
        """AUTH PLAIN and LOGIN against the one user there is."""
        mechanism, _, initial = rest.partition(" ")
        match mechanism.upper():
            case "PLAIN":
                parts = (initial_or(initial) or await self.challenge("")).split("\0")
                given = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
            case "LOGIN":
                user = initial_or(initial) or await self.challenge("Username:")
                given = (user, await self.challenge("Password:"))
            case _:
                self.put(b"504 5.5.4 Mechanism not supported\r\n")
                return
        known = given == self.sink.offer.login
        if await self.say("auth", "235 2.7.0 Welcome" if known else "535 5.7.8 Credentials invalid"):
            self.login = given[0]

    async def challenge(self, prompt: str) -> str:
        """Ask for one base64 answer."""
        self.put(b"334 " + base64.b64encode(prompt.encode()) + b"\r\n")
        return initial_or(await self.line())

    async def open_mail(self, rest: str) -> None:
        """MAIL: needs a login where one is configured."""
        parsed = PATH.fullmatch(rest)
        if self.sink.offer.login and not self.login:
            await self.say("mail", "530 5.7.0 Authenticate first")
        elif parsed is None:
            await self.say("mail", "501 5.1.7 Syntax")
        elif await self.say("mail", "250 2.1.0 Sender OK"):
            self.mail = Transaction(parsed["path"], parameters(parsed["parameters"]))

    async def add_recipient(self, rest: str) -> None:
        """RCPT: anybody, except the reserved names."""
        parsed = PATH.fullmatch(rest)
        if self.mail is None:
            await self.say("rcpt", "503 5.5.1 MAIL first")
        elif parsed is None:
            await self.say("rcpt", "501 5.1.3 Syntax")
        else:
            asked = await self.asked_for([parsed["path"]], at_data=False)
            if await self.say("rcpt", asked or "250 2.1.5 Recipient OK"):
                self.mail.recipients.append((parsed["path"], parameters(parsed["parameters"])))

    async def asked_for(self, recipients: Sequence[str], *, at_data: bool) -> str:
        """The reply a reserved local part asks for; `timeout` never comes back."""
        for recipient in recipients:
            named = RESERVED.fullmatch(recipient.rpartition("@")[0])
            if named is None or bool(named[2]) is not at_data:
                continue
            if named[1] == "timeout":
                await self.silence()
            return WORDS.get(named[1]) or f"{named[1]} {named[1][0]}.0.0 As asked"
        return ""

    async def silence(self) -> NoReturn:
        """Answer nothing until the client leaves."""
        while True:
            await self.more()
            self.pending.clear()

    async def take_data(self) -> None:
        """DATA: take the bytes whole, keep them, answer."""
        mail, began = self.mail, time.monotonic()
        if mail is None or not mail.recipients:
            await self.say("data", "503 5.5.1 No valid recipients")
            return
        if not await self.say("data", "354 End data with <CR><LF>.<CR><LF>"):
            return
        body = await self.body()
        self.mail = None
        paths = tuple(path for path, _ in mail.recipients)
        right = await self.asked_for(paths, at_data=True) or "250 2.0.0 Taken"
        if body is None:
            right = "552 5.3.4 Message too big"
        message = Received(
            mail.sender,
            paths,
            body or b"",
            mail.parameters,
            tuple(p for _, p in mail.recipients),
            began,
            self.encrypted,
            self.login,
        )
        if right.startswith("2"):
            self.sink.keep(message)
        await self.say("end", right)

    async def body(self) -> bytes | None:
        """The bytes up to CRLF.CRLF, unstuffed; None when they were too many."""
        limit, seen, too_big = self.sink.offer.size or 1 << 30, 0, False
        self.pending[:0] = b"\r\n"  # so that a dot on the first line needs no case of its own
        if len(self.pending) == 2:
            await self.more()
        if early := await self.sink.interfere("body", self):
            self.put(early)
        while (end := self.pending.find(END, seen)) < 0:
            if len(self.pending) > limit + READ:
                too_big = True
                del self.pending[:-4]
            seen = max(0, len(self.pending) - 4)
            await self.more()
        raw = bytes(memoryview(self.pending)[: end + 2])
        del self.pending[: end + 5]
        return None if too_big else raw.replace(b"\r\n..", b"\r\n.")[2:]


def initial_or(encoded: str) -> str:
    """A base64 answer decoded; `=` and garbage are empty."""
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8", "replace") if encoded != "=" else ""
    except binascii.Error:
        return ""


def parameters(text: str) -> Mapping[str, str]:
    """ESMTP parameters by upper-case name."""
    pairs = (word.partition("=") for word in text.split())
    return {name.upper(): value for name, _, value in pairs}
