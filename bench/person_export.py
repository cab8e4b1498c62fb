"""One person's whole file among millions of journal events: `python -m bench.person_export [EVENTS]`.

Fills a database with a valid chain, in bulk: one event in ten thousand is about the person asked for, the rest about others. Then
measures the export as the command makes it, process start included, and the flow alone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import apsw

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Learn
from gateway.core.dossier_words import Sheet
from gateway.core.evidence import GENESIS, Event, Kind, canonical, link
from gateway.core.policy import Policy
from gateway.core.record import Audience, Basis, Consent
from gateway.edges.clock import SystemClock
from gateway.edges.files import read_policy
from gateway.edges.keys import KeyRing
from gateway.edges.store.instant import micros
from gateway.edges.store.sqlite import open_store
from gateway.flow.person import PersonFile

WHO = "marie@example.com"
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
WRITER = "gw0"
PEOPLE = 100_000
BATCH = 50_000
ONE_IN = 10_000
ALLOWED = 1.0

CONFIG = """
[advertiser.acme]
legal_name = "Acme SAS"
postal_address = "1 rue de l'Exemple, 75000 Paris"
contact = "contact@acme.example"
from_domains = ["acme.example"]

[upstream.out]
host = "127.0.0.1"
tls = "none"

[stream.news]
advertiser = "acme"
upstream = "out"
"""


def address() -> Address:
    """The person asked for."""
    found = parse(WHO)
    assert isinstance(found, Address)
    return found


def events(count: int, person: str) -> Iterator[Event]:
    """Decision, attempt and outcome, one mail after another; one mail in so many is the person's."""
    others = [os.urandom(16).hex() for _ in range(PEOPLE)]
    rules = ("R-FR-01", "R-FR-03", "R-FR-04", "R-FR-19", "R-FR-45")
    for number in range(count):
        mail, part = divmod(number, 3)
        about = "" if part == 0 else f"{WRITER}-{number}"
        who = person if mail % ONE_IN == 0 else others[mail % PEOPLE]
        kind, outcome = ((Kind.DECISION, "allow"), (Kind.ATTEMPT, "begin"), (Kind.OUTCOME, "delivered"))[part]
        at = BEGAN + timedelta(seconds=mail)
        yield Event(at, kind, outcome, stream="news", advertiser="acme", person=who, rules=rules, basis="consent", about=about)


def fill(database: Path, count: int, person: str) -> None:
    """Insert a chain of so many events and its head."""
    connection = apsw.Connection(str(database))
    connection.execute("PRAGMA synchronous=OFF")
    seq, last, stream = 0, GENESIS, events(count, person)
    while batch := list(islice(stream, BATCH)):
        rows = []
        for event in batch:
            seq, body = seq + 1, canonical(event)
            last = link(last, WRITER, seq, body)
            rows.append((WRITER, seq, body, last, micros(event.at), bytes.fromhex(event.person)))
        with connection:
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
    with connection:
        connection.execute("REPLACE INTO head VALUES (?, ?, ?)", (WRITER, seq, last))
    connection.close()


async def prepare(folder: Path, count: int) -> None:
    """Keys, the person's record, the journal."""
    (folder / "gateway.toml").write_text(CONFIG)
    ring = KeyRing.open(folder / "var" / "keys", may_create=True)
    person = Identity(ring.pepper).person(address())
    store = open_store(folder / "var" / "gateway.db", "import")
    consent = Consent(
        person, "acme", "news", Audience.CONSUMER, Basis.CONSENT, "direct", BEGAN, "checkbox-ticked", "Yes, write to me"
    )
    await store.book.commit((), (Learn(consent, ring.vault.seal(WHO.encode())),))
    await store.close()
    await asyncio.to_thread(fill, folder / "var" / "gateway.db", count, person.hex())


def export(folder: Path) -> tuple[float, int]:
    """Seconds the command takes, and how large its answer is."""
    began = time.perf_counter()
    page = str(folder / "page.html")
    words = (sys.executable, "-m", "gateway", "person", "export", WHO, "--html", page, "--config", str(folder / "gateway.toml"))
    done = subprocess.run(words, check=True, capture_output=True)
    return time.perf_counter() - began, len(done.stdout)


async def flow(folder: Path) -> float:
    """Seconds the gateway itself takes, with the store open: read, compose, record the look."""
    ring = KeyRing.load(folder / "var" / "keys")
    pack = read_policy("fr")
    assert isinstance(pack, Policy)
    store = open_store(folder / "var" / "gateway.db", "cli")
    file = PersonFile(store.book, store.journal, Identity(ring.pepper), ring.vault, {}, {}, {"fr": pack}, SystemClock())
    began = time.perf_counter()
    sheet = await file.sheet(address(), "bench")
    took = time.perf_counter() - began
    assert isinstance(sheet, Sheet)
    print(f"the person's: {len(sheet.records)} records, {len(sheet.mails)} mails, {len(sheet.changes)} other entries")
    await store.close()
    return took


def main() -> None:
    """Fill, measure, say."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        began = time.perf_counter()
        asyncio.run(prepare(folder, count))
        size = (folder / "var" / "gateway.db").stat().st_size
        print(f"{count:,} events, {size / 1e6:,.0f} MB, filled in {time.perf_counter() - began:.0f} s")
        print(f"read, compose and record: {asyncio.run(flow(folder)) * 1000:.1f} ms")
        took = sorted(export(folder) for _ in range(5))
        print(f"person export with page: median {took[2][0]:.2f} s, slowest {took[-1][0]:.2f} s, {took[2][1]:,} octets of JSON")
        print("within the limit" if took[2][0] <= ALLOWED else f"OVER {ALLOWED} s")


if __name__ == "__main__":
    main()
