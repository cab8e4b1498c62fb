"""A mailing tool that never rests, and people who press their opt-out: what was acknowledged to whom, and when, is kept.

The tool behaves as tools do: it logs in, says one thing at a time, connects again when it was cut off, and (in one mode) sends
again, byte for byte, what was not acknowledged. Times are of the monotonic clock, which all processes of the machine share.
"""

from __future__ import annotations

import asyncio
import base64
import random
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.core.address import Identity
from gateway.core.change import Learn
from gateway.core.record import Audience, Basis, Consent
from gateway.edges.sink import Sink
from gateway.settings import Settings
from gateway.store_rooms import command_writer, open_keys, open_truth
from tests.support.gateway import SECRET, person
from tests.support.process import Ports

SENDER = "news@maison.example"
PATIENCE = 20.0
REACHED_WITHIN = 90.0
"""Seconds in which a gateway under load must get on, however slow the machine."""
WHEN = datetime(2026, 9, 1, 12, tzinfo=UTC)
URL = re.compile(rb"^List-Unsubscribe:\s*<https?://[^/]+(/u/[a-z2-7]{56})>", re.M)


@dataclass(slots=True)
class Try:
    """One transaction: each RCPT's answer, the final one (empty when it never came), and when the end of data was sent."""

    message_id: str
    answers: dict[str, str] = field(default_factory=dict)
    final: str = ""
    ended_at: float = 0.0
    answered_at: float = 0.0

    @property
    def accepted(self) -> list[str]:
        """The recipients that got 250."""
        return [address for address, answer in self.answers.items() if answer.startswith("250")]

    @property
    def acknowledged(self) -> bool:
        """Whether the gateway took it."""
        return self.final.startswith("250")

    @property
    def answer_lost(self) -> bool:
        """Whether the tool cannot know what became of it."""
        return self.ended_at > 0 and not self.final


@dataclass(slots=True)
class Press:
    """One person's opt-out: pressed until it was acknowledged."""

    address: str
    acked_at: float = 0.0


@dataclass
class Diary:
    """All that the tool and the people saw."""

    tries: list[Try] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)

    @property
    def acknowledged(self) -> int:
        """How many (message, recipient) the gateway took."""
        return sum(len(one.accepted) for one in self.tries if one.acknowledged)


class Cut(Exception):
    """The connection is gone, or never came."""


class Session:
    """One SMTP connection of the tool, in lock step."""

    def __init__(self, ports: Ports, diary: Diary) -> None:
        self._ports = ports
        self._diary = diary
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message_id: str, recipients: Sequence[str], message: bytes) -> Try:
        """One transaction; what it came to is in the diary even when it was cut."""
        attempt = Try(message_id)
        self._diary.tries.append(attempt)
        try:
            await self._transact(attempt, recipients, message)
        except (OSError, TimeoutError, EOFError, Cut):
            self.close()
        return attempt

    async def _transact(self, attempt: Try, recipients: Sequence[str], message: bytes) -> None:
        await self._connect()
        await self._right(f"MAIL FROM:<{SENDER}>")
        for one in recipients:
            attempt.answers[one] = await self._say(f"RCPT TO:<{one}>".encode() + b"\r\n")
        if not attempt.accepted:
            await self._right("RSET")
            return
        if not (await self._say(b"DATA\r\n")).startswith("354"):
            raise Cut
        attempt.ended_at = time.monotonic()
        attempt.final = await self._say(message + b".\r\n")
        attempt.answered_at = time.monotonic()

    async def _connect(self) -> None:
        if self._streams is not None:
            return
        self._streams = await asyncio.open_connection("127.0.0.1", self._ports.submission)
        if not (await self._reply()).startswith("220"):
            raise Cut
        await self._right("EHLO tool.example")
        await self._right("AUTH PLAIN " + base64.b64encode(f"\0mautic\0{SECRET}".encode()).decode())

    async def _right(self, command: str) -> None:
        """Say what must be answered 2xx to go on."""
        if not (await self._say(command.encode() + b"\r\n")).startswith("2"):
            raise Cut

    async def _say(self, octets: bytes) -> str:
        assert self._streams is not None
        self._streams[1].write(octets)
        await self._streams[1].drain()
        return await self._reply()

    async def _reply(self) -> str:
        assert self._streams is not None
        lines: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            while not lines or lines[-1][3:4] == b"-":
                line = await self._streams[0].readline()
                if not line.endswith(b"\n"):
                    raise Cut
                self._diary.replies.append(line)
                lines.append(line)
        return b"".join(lines).decode("ascii", "replace").strip()

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Load:
    """Sessions that send until told to stop; customers consented, strangers never did, leavers press their opt-out."""

    def __init__(
        self, ports: Ports, sink: Sink, seed: int, name: str = "m", resend: bool = True, large: float = 0.01, leavers: int = 60
    ) -> None:
        self.diary = Diary()
        self.customers = [f"{name}-customer{number}@example.org" for number in range(240)]
        self.leavers = [f"{name}-leaver{number}@example.org" for number in range(leavers)]
        self.strangers = [f"{name}-stranger{number}@example.net" for number in range(10)]
        self.ports = ports
        self._sink = sink
        self._random = random.Random(seed)
        self._name = name
        self._resend = resend
        self._large = large
        self._stop = asyncio.Event()
        self._progress = asyncio.Event()
        self._number = 0
        self.acknowledged = self.opted_out = 0

    async def consent(self, settings: Settings) -> None:
        """Put a consent of every customer and leaver on record, as an import does."""
        await consent(settings, [*self.customers, *self.leavers])

    def stop(self) -> None:
        """Begin no other message; what is under way is finished, or given up when the gateway is gone."""
        self._stop.set()

    async def reach(self, acknowledged: int, opted_out: int = 0) -> None:
        """Wait until the gateway has taken so many recipients and opt-outs of this load in all; it must be running meanwhile."""
        async with asyncio.timeout(REACHED_WITHIN):
            while self.acknowledged < acknowledged or self.opted_out < opted_out:
                self._progress.clear()
                await self._progress.wait()

    async def send(self, sessions: int) -> None:
        """Send over so many sessions at once until stopped."""
        async with asyncio.TaskGroup() as group:
            for _ in range(sessions):
                group.create_task(self._session())

    async def _session(self) -> None:
        session = Session(self.ports, self.diary)
        while not self._stop.is_set():
            message_id, recipients, message = self._next()
            while recipients:
                attempt = await session.send(message_id, recipients, message)
                if attempt.acknowledged:
                    self.acknowledged += len(attempt.accepted)
                    self._progress.set()
                recipients = self._unsettled(attempt, recipients)
                if recipients and not attempt.answers:
                    await self._pause()
                if self._stop.is_set() or not self._resend:
                    break
        session.close()

    def _unsettled(self, attempt: Try, recipients: Sequence[str]) -> list[str]:
        """Those a resend would be for: nothing final was said about them."""
        if attempt.final.startswith(("2", "5")):
            return []
        return [one for one in recipients if not attempt.answers.get(one, "").startswith("5")]

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(0.03):
                await self._stop.wait()
        except TimeoutError:
            return

    def _next(self) -> tuple[str, list[str], bytes]:
        dice = self._random
        self._number += 1
        message_id = f"<{self._name}.{self._number}@maison.example>"
        people = [*self.customers, *self.leavers, *self.strangers]
        recipients = dice.sample(people, 1 if dice.random() < 0.7 else dice.randint(2, 4))
        text = f"Nouvelles {self._name} {self._number} du {dice.getrandbits(64):x}".encode()
        self.diary.texts[message_id] = text
        return message_id, recipients, write(message_id, text, 300_000 if dice.random() < self._large else 800)

    async def press(self, every: float) -> None:
        """Let one leaver after the other press the one-click of a mail they got, until acknowledged, until stopped."""
        waiting = set(self.leavers)
        while not self._stop.is_set():
            path, address = self._a_link(waiting)
            if path:
                waiting.discard(address)
                await self._press(path, address)
            try:
                async with asyncio.timeout(every):
                    await self._stop.wait()
            except TimeoutError:
                continue

    def _a_link(self, waiting: set[str]) -> tuple[str, str]:
        for one in reversed(self._sink.messages):
            if one.recipient in waiting and (found := URL.search(one.data)):
                return found[1].decode(), one.recipient
        return "", ""

    async def _press(self, path: str, address: str) -> None:
        press = Press(address)
        self.diary.presses.append(press)
        while not press.acked_at and not self._stop.is_set():
            if await one_click(self.ports.web, path) == 200:
                press.acked_at = time.monotonic()
                self.opted_out += 1
                self._progress.set()
            else:
                await self._pause()


async def one_click(port: int, path: str) -> int:
    """POST as a mailbox provider does (RFC 8058); the status, 0 when there was no answer."""
    form = b"List-Unsubscribe=One-Click"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\nConnection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + form)
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def write(message_id: str, text: bytes, size: int) -> bytes:
    """A newsletter in text and HTML that says `text` in both, padded to about `size` octets; no line begins with a dot."""
    padding = b"Lorem ipsum dolor sit amet, consectetur adipiscing elit.\r\n" * (size // 116)
    return (
        b"From: Maison <" + SENDER.encode() + b">\r\nTo: undisclosed-recipients:;\r\nSubject: Septembre\r\n"
        b"Date: Tue, 01 Sep 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nMessage-ID: " + message_id.encode() + b"\r\n"
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + b"\r\n" + padding + b"\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>"
        + text
        + b"</p>\r\n"
        + padding
        + b"</body></html>\r\n"
        b"--b--\r\n"
    )


async def consent(settings: Settings, addresses: Iterable[str]) -> None:
    """Put sound consents on record, in one commit."""
    ring = open_keys(settings, may_create=False)
    identity = Identity(ring.pepper)
    changes = [Learn(_consent(identity, one), ring.vault.seal(one.encode())) for one in addresses]
    store = open_truth(settings, ring, command_writer(settings, "cli"))
    try:
        await store.book.commit((), changes)
    finally:
        await store.close()


def _consent(identity: Identity, address: str) -> Consent:
    return Consent(
        person=identity.person(person(address)),
        advertiser="maison",
        purpose="newsletter",
        audience=Audience.CONSUMER,
        basis=Basis.CONSENT,
        source="direct",
        collected_at=WHEN,
        action="checkbox-ticked",
        wording="I want the newsletter",
        recorded_at=WHEN,
    )
