"""What a suppressed person and a consent cost in Redis, and how long facts take there: `python -m bench.redis_memory [PEOPLE]`.

The first thousands go through the store's own commits; the rest are written as the very same bytes, which those thousands prove.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import hiredis
import msgpack

from gateway.core.change import Change, Learn, Oppose
from gateway.core.model import PersonKey
from gateway.core.record import Audience, Basis, Block, Consent, Door, Opposition, Proof, Scope, Who
from gateway.edges.store.instant import micros
from gateway.edges.store.redis.client import Access
from gateway.edges.store.redis.location import Location, read_location
from gateway.edges.store.redis.operations_facts import consent_row, opposition_row
from gateway.edges.store.redis.pack import BUCKETS, MARKS, PREFIX, bucket, place
from gateway.edges.store.redis.store import RedisStore, open_redis
from gateway.flow.ports import Book

PEOPLE = 10_000_000
BATCH = 1000
"""As many rows as an import writes in one commit."""
PROVEN = 5 * BATCH
LOOKS = 4000
DAYS = 1_000_000
"""Seconds over which the dates are spread."""
SEALED = 1 + 12 + 25 + 16
"""Octets of a sealed address of 25: key number, nonce, text, tag."""
ADVERTISER = "example"
MADE = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
SERVER = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "save": "",
    "hash-max-listpack-value": "512",
    "hash-max-listpack-entries": "512",
    "auto-aof-rewrite-percentage": "0",
}

Command = tuple[Any, ...]


def person(number: int) -> PersonKey:
    """Whoever is known; the others have keys as random as theirs."""
    return PersonKey(sha256(b"%d" % number).digest()[:16])


def opposition(number: int) -> Opposition:
    """A line of a list of oppositions."""
    at = MADE + timedelta(seconds=number % DAYS)
    return Opposition(person(number), Block.OPPOSED, Scope.ADVERTISER, ADVERTISER, "", Door.IMPORT, at)


CONSENT = Consent(
    person=person(0),
    advertiser=ADVERTISER,
    purpose="newsletter",
    audience=Audience.CONSUMER,
    basis=Basis.CONSENT,
    source="direct",
    collected_at=MADE,
    action="ticked the box",
    wording="Yes, send me the newsletter of Example.",
    recorded_at=MADE + timedelta(days=20),
    proof=Proof("w-7", "https://shop.example/join", "cli", "ab" * 32, "", "en"),
)


def consent(number: int) -> Consent:
    """A line of a list of consents."""
    return replace(CONSENT, person=person(number), collected_at=MADE + timedelta(seconds=number % DAYS))


def sealed(number: int) -> bytes:
    """As long as a sealed address, and as random."""
    return (sha256(b"a%d" % number).digest() * 2)[:SEALED]


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two things measured: its change, the raw rows of a commit at a stand, and what one may cost."""

    name: str
    family: str
    change: Callable[[int], Change]
    rows: Callable[[Sequence[int], int], Iterator[bytes]]
    bar: int


def _opposed(numbers: Sequence[int], stand: int) -> Iterator[bytes]:
    row = [*opposition_row(opposition(0)), stand]
    for number in numbers:
        row[5] = micros(MADE) + number % DAYS * 1_000_000
        yield _PACKED([row])


def _consented(numbers: Sequence[int], stand: int) -> Iterator[bytes]:
    row = [_text(one) for one in consent_row(CONSENT, b"")]
    row[12] = stand
    for number in numbers:
        row[0], row[2], row[11] = number + 1, micros(MADE) + number % DAYS * 1_000_000, _text(sealed(number))
        yield _PACKED({"c": [row]})


def _text(value: Any) -> Any:
    """Octets as the library takes a text."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


# As `cmsgpack` packs, to which octets are short texts too.
_PACKED: Callable[[Any], bytes] = msgpack.Packer(use_bin_type=True, unicode_errors="surrogateescape").pack
OPPOSED = Kind("suppressed person", "o", lambda number: Oppose(opposition(number)), _opposed, 60)
CONSENTED = Kind("consent", "c", lambda number: Learn(consent(number), sealed(number)), _consented, 200)


class Raw:
    """A connection that only writes: many commands, their answers counted."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = hiredis.Reader()

    def ask(self, *commands: Command) -> list[Any]:
        """Their answers; the first refusal is raised."""
        self._socket.sendall(b"".join(hiredis.pack_command(one) for one in commands))
        answers: list[Any] = []
        while len(answers) < len(commands):
            self._reader.feed(self._socket.recv(1 << 20))
            while (answer := self._reader.gets()) is not False:
                if isinstance(answer, Exception):
                    raise answer
                answers.append(answer)
        return answers

    def used(self) -> int:
        """Bytes in use."""
        said: bytes = self.ask(("INFO", "memory"))[0]
        return int(said.split(b"used_memory:")[1].split(b"\r")[0])


def fill(raw: Raw, kind: Kind, before: int, numbers: range) -> None:
    """Write these rows as commits of `BATCH` would; `before` is the stand before the first of all."""
    bits = bytearray(raw.ask(("GET", f"{PREFIX}b:{kind.family}"))[0].ljust(BUCKETS // 8, b"\0"))
    rest, stand = iter(numbers), before
    while some := list(islice(rest, BATCH)):
        stand = before + some[0] // BATCH + 1
        commands: list[Command] = []
        for number, row in zip(some, kind.rows(some, stand), strict=True):
            who = person(number)
            bits[bucket(who) // 8] |= 0x80 >> bucket(who) % 8
            commands.append(("HSET", *place(kind.family, who), row))
        raw.ask(*commands)
    raw.ask(("SET", f"{PREFIX}b:{kind.family}", bytes(bits)), ("HSET", MARKS, "stand", stand))


async def prove(book: Book, raw: Raw, kind: Kind, before: int) -> float:
    """Commit the first rows as an import does, check that `fill` would have written the same; seconds for one commit."""
    began = time.perf_counter()
    for start in range(0, PROVEN, BATCH):
        await book.commit([], [kind.change(number) for number in range(start, start + BATCH)])
    took = (time.perf_counter() - began) * BATCH / PROVEN
    for start in range(0, PROVEN, BATCH):
        some = range(start, start + BATCH)
        stored = raw.ask(*(("HGET", *place(kind.family, person(number))) for number in some))
        if stored != list(kind.rows(some, before + start // BATCH + 1)):
            raise SystemExit(f"rows of family {kind.family} are not what a commit writes")
    return took


async def latency(book: Book, who: Who) -> float:
    """Microseconds until one person's facts are there."""
    began = time.perf_counter()
    (facts,) = await book.facts(ADVERTISER, [who])
    took = (time.perf_counter() - began) * 1e6
    if len(facts.consents) != 1 or len(facts.oppositions) != 1:
        raise SystemExit("somebody's facts are not there")
    return took


def server_time(raw: Raw) -> float:
    """Microseconds that the server was busy with a script, on average since this was asked last."""
    said: bytes = raw.ask(("INFO", "commandstats"))[0]
    raw.ask(("CONFIG", "RESETSTAT"))
    found = [line for line in said.split(b"\r\n") if line.startswith(b"cmdstat_evalsha:")]
    return float(found[0].split(b"usec_per_call=")[1].split(b",")[0]) if found else 0.0


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[RedisStore, Raw]]:
    """A server of its own, and the store in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [part for name, value in SERVER.items() for part in (f"--{name}", value)]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 - our own words, and nothing else runs yet
    try:
        raw = await _connected(port)
        location = read_location(f"redis://127.0.0.1:{port}")
        assert isinstance(location, Location)
        store = open_redis(Access(location), "import0", node="n1", folder=folder, fingerprint=bytes(32))
        yield store, raw
        await store.close()
    finally:
        process.kill()
        process.wait()


async def _connected(port: int) -> Raw:
    for _ in range(100):
        with suppress(OSError):
            return Raw(port)
        await asyncio.sleep(0.05)
    raise SystemExit("the server does not answer")


async def filled(store: RedisStore, raw: Raw, people: int) -> None:
    """Fill a server; prints what each kind costs."""
    kinds = ((OPPOSED, 0), (CONSENTED, PROVEN // BATCH))
    for kind, before in kinds:
        took = await prove(store.book, raw, kind, before)
        print(f"{people:,}: an import's commit of {BATCH} ({kind.name}) takes {took * 1e3:.0f} ms", flush=True)
    raw.ask(("CONFIG", "SET", "appendonly", "no"))  # the log is on disk, not in memory; it would only take time
    for kind, before in kinds:
        held = raw.used()
        fill(raw, kind, before, range(PROVEN, people))
        each = (raw.used() - held) / (people - PROVEN)
        print(f"{people:,}: {each:.1f} bytes a {kind.name} (bar at ten millions: {kind.bar})", flush=True)


async def compared(places: Sequence[tuple[int, RedisStore, Raw]]) -> None:
    """Look up one person here, one there, in turn, so that what else the machine does falls on both."""
    chosen = Random(7)
    times: list[list[float]] = [[] for _ in places]
    for _, _, raw in places:
        server_time(raw)
    for _ in range(LOOKS):
        for found, (people, store, _) in zip(times, places, strict=True):
            found.append(await latency(store.book, Who(person(chosen.randrange(people)))))
    for found, (people, _, raw) in zip(times, places, strict=True):
        cuts = quantiles(found, n=100)
        busy = server_time(raw)
        print(
            f"{people:,}: facts of one recipient p50 {cuts[49]:.0f} us, p99 {cuts[98]:.0f} us; the server {busy:.1f} us", flush=True
        )


async def measure(people: int) -> None:
    """A server with a tenth of these people, one with all of them; prints as it goes."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few", Path(folder) / "many"
        few.mkdir()
        many.mkdir()
        async with running(few) as small, running(many) as large:
            places = [(people // 10, *small), (people, *large)]
            for count, store, raw in places:
                await filled(store, raw, count)
            await compared(places)


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE))
