"""From the press of a button to the refusal: one-click POSTs at a steady rate beside mail, `python -m bench.opposition [SECONDS]`.

Two processes serve. Each POST is timed from its first octet to its 200; for some, RCPTs on a session at each process then ask until
the person is refused there. At the end the processes are killed and the file is asked whether each answered opposition is in it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import statistics
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from bench.gateway import Gateway, signing_key
from bench.messages import SENDER, make
from bench.people import KNOWN, SECRET, STREAM, TOOL, stocked
from bench.processes import Failed, tree
from bench.sink import Sink
from bench.source import PEOPLE, address
from gateway.core.address import Address, Identity, parse
from gateway.core.token import mint, stream_number
from gateway.edges.keys import KeyRing

OUT = Path(__file__).resolve().parent / "out"
POSTS, MESSAGES = 200, 50
POST_BAR, EFFECT_BAR = 300.0, 1000.0
PROBED = 20
"""One POST in so many is followed to its effect at every process."""
CONNECTIONS = 64
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Milliseconds."""

    p50: float
    p99: float
    worst: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Quantiles:
        """Of times in seconds; all zero where there are none."""
        if len(seconds) < 2:
            return cls(0.0, 0.0, 0.0, len(seconds))
        cuts = statistics.quantiles(seconds, n=100, method="inclusive")
        return cls(cuts[49] * 1e3, cuts[98] * 1e3, max(seconds) * 1e3, len(seconds))


@dataclass(frozen=True, slots=True)
class Oppositions:
    """What one run found; `lost` are oppositions that were answered 200 and are not in the file."""

    seconds: float
    posts: Quantiles
    effect: Quantiles
    messages: Quantiles
    late: int
    lost: int
    workers: int


@dataclass
class Log:
    """Times in seconds as they come in."""

    posts: list[float] = field(default_factory=list)
    effect: list[float] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    late: int = 0


class Smtp:
    """One logged-in session."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.worker = ""

    async def open(self) -> Smtp:
        """Greet and log in."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self._answer()
        await self.say("EHLO bench.example.com")
        await self.say("AUTH PLAIN " + base64.b64encode(f"\0{TOOL}\0{SECRET}".encode()).decode())
        return self

    async def say(self, line: str) -> str:
        """One command's last reply line."""
        self._writer.write(line.encode() + b"\r\n")
        return await self._answer()

    async def refused(self, person: int) -> bool:
        """Whether mail to this person would be refused now; remembers which process answers."""
        await self.say(f"MAIL FROM:<{SENDER}>")
        reply = await self.say(f"RCPT TO:<{address(person)}>")
        if "ref=" in reply:
            self.worker = reply.rpartition("ref=")[2].rpartition("-")[0]
        await self.say("RSET")
        return reply.startswith("550")

    async def send(self, person: int, octets: bytes) -> str:
        """One message to one person; the answer after its end."""
        for line in (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{address(person)}>", "DATA"):
            answer = await self.say(line)
            if answer[:1] not in "23":
                return answer
        self._writer.write(octets + b"\r\n.\r\n")
        return await self._answer()

    async def _answer(self) -> str:
        line = b"250-"
        while line[3:4] == b"-":
            line = await asyncio.wait_for(self._reader.readline(), 60)
            if not line:
                raise Failed("the gateway hung up")
        return line.decode()


class Button:
    """One kept connection to the web listener, as a mailbox provider presses the button (RFC 8058)."""

    BODY = b"List-Unsubscribe=One-Click"

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None

    async def press(self, token: str) -> int:
        """The status of the answer."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"POST /u/{token} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        self._writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(self.BODY) + self.BODY)
        answer = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 60)
        length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(length)
        return int(answer.split(b" ", 2)[1])


async def _press_all(web: int, tokens: Sequence[tuple[int, str]], desks: Sequence[Smtp], log: Log, seconds: float) -> None:
    """So many a second, whether the ones before have been answered or not."""
    buttons: asyncio.Queue[Button] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        buttons.put_nowait(Button(web))
    desk = asyncio.Lock()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, (person, token) in enumerate(tokens[: int(POSTS * seconds)]):
            due = began + number / POSTS
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_press(buttons, person, token, due, desks if number % PROBED == 0 else (), desk, log))


async def _press(
    buttons: asyncio.Queue[Button], person: int, token: str, due: float, desks: Sequence[Smtp], desk: asyncio.Lock, log: Log
) -> None:
    """Timed from when it was due: waiting for a free connection counts (no coordinated omission)."""
    button = await buttons.get()
    status = await button.press(token)
    buttons.put_nowait(button)
    log.posts.append(time.perf_counter() - due)
    if status != 200:
        raise Failed(f"a POST was answered {status}")
    log.done.append(person)
    if desks:
        async with desk:
            for one in desks:
                while not await one.refused(person):
                    log.late += 1
            log.effect.append(time.perf_counter() - due)


async def _mail_all(port: int, log: Log, seconds: float) -> None:
    sessions: asyncio.Queue[Smtp] = asyncio.Queue()
    for _ in range(8):
        sessions.put_nowait(await Smtp(port).open())
    letter, began = make(4096), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(MESSAGES * seconds)):
            due = began + number / MESSAGES
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_mail(sessions, number, letter, due, log))


async def _mail(sessions: asyncio.Queue[Smtp], number: int, letter: bytes, due: float, log: Log) -> None:
    session = await sessions.get()
    own = letter.replace(b"Message-ID: <", b"Message-ID: <%d." % time.time_ns(), 1)
    answer = await session.send(number % PEOPLE, own)
    sessions.put_nowait(session)
    if not answer.startswith("250"):
        raise Failed(f"mail was answered {answer[:40]}")
    log.messages.append(time.perf_counter() - due)


@asynccontextmanager
async def _desks(port: int, opposed: int) -> AsyncIterator[list[Smtp]]:
    """A session at each process; which one a connection reaches is the kernel's choice, so more are opened until all answer."""
    found: dict[str, Smtp] = {}
    for _ in range(100):
        one = await Smtp(port).open()
        await one.refused(opposed)
        found.setdefault(one.worker, one)
        if len(found) == WORKERS:
            break
    yield list(found.values())


async def measure(gateway: Gateway, folder: Path, seconds: float) -> Oppositions:
    """One run against a gateway that is running; it is killed at the end."""
    web = int(tomllib.loads((folder / "gateway.toml").read_text())["web"]["listen"].rpartition(":")[2])
    ring = KeyRing.open(folder / "var" / "keys", may_create=False)
    identity, number = Identity(ring.pepper), stream_number(STREAM)
    people = range(PEOPLE, KNOWN, 2)[: int(POSTS * seconds)]
    keys = {one: identity.person(_mailbox(one)) for one in people}
    tokens = [(one, mint(ring.token_keys, number, keys[one])) for one in people]
    log = Log()
    async with _desks(gateway.port, PEOPLE + 1) as desks:
        await asyncio.gather(_press_all(web, tokens, desks, log, seconds), _mail_all(gateway.port, log, seconds))
        workers = len(desks)
    for pid in tree(gateway.roots()[0]):
        os.kill(pid, signal.SIGKILL)
    with apsw.Connection(str(folder / "var" / "gateway.db")) as database:
        held = {bytes(row[0]) for row in database.execute("SELECT person FROM opposition WHERE door = 'one-click'")}
    lost = sum(keys[one] not in held for one in log.done)
    return Oppositions(
        seconds, Quantiles.of(log.posts), Quantiles.of(log.effect), Quantiles.of(log.messages), log.late, lost, workers
    )


def _mailbox(number: int) -> Address:
    mailbox = parse(address(number))
    assert isinstance(mailbox, Address)
    return mailbox


def run(out: Path, key: Path, seconds: float = 60.0) -> Oppositions:
    """Start a gateway of two processes with a million people, and measure."""
    people, _ = stocked(out)
    folder = out / "gateway-opposed"
    with ExitStack() as stack:
        sink = Sink(out)
        stack.callback(sink.stop)
        gateway = Gateway("gateway", folder, people, key, sink, workers=WORKERS)
        stack.callback(gateway.stop)
        return asyncio.run(measure(gateway, folder, seconds))


def told(found: Oppositions) -> list[tuple[str, str, str, bool]]:
    """(measure, bar, measured, met)."""
    posts, effect, mail = found.posts, found.effect, found.messages
    load = f"{POSTS} one-click POSTs/s for {found.seconds:.0f} s beside {MESSAGES} messages/s"
    return [
        (f"{load}: answered", f"p99 <= {POST_BAR:.0f} ms", _said(posts), posts.p99 <= POST_BAR),
        (f"refused at each of {found.workers} processes", f"p99 <= {EFFECT_BAR:.0f} ms", _said(effect), effect.p99 <= EFFECT_BAR),
        ("answered oppositions not in the file after SIGKILL", "0", str(found.lost), found.lost == 0),
        ("mail meanwhile, to its 250", "-", _said(mail), True),
    ]


def _said(found: Quantiles) -> str:
    return f"p50 {found.p50:.1f}, p99 {found.p99:.1f}, max {found.worst:.1f} ms ({found.count})"


def main() -> int:
    """Print what was found; 1 where a bar is not met."""
    OUT.mkdir(exist_ok=True)
    rows = told(run(OUT, signing_key(OUT / "rsa.pem"), float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
    for measure_, bar, measured, met in rows:
        print(f"{'ok  ' if met else 'NOT '} {measure_}: {measured} ({bar})")
    return int(not all(met for *_, met in rows))


if __name__ == "__main__":
    sys.exit(main())
