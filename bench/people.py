"""Fills a data folder with a million known people through the store's own door, `Book.commit`; kept between runs.

Nine in ten gave their address themselves, one in ten came from a partner and is still owed the full first-contact notice; of the
hundred thousand whom the source never writes to, every second one has opposed.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from bench.source import PEOPLE, address
from gateway.core.address import Address, Identity, parse
from gateway.core.change import Change, Enlist, Learn, Oppose, Publish
from gateway.core.evidence import Event, Kind
from gateway.core.model import Tool
from gateway.core.record import Audience, Basis, Block, Consent, Door, NamedPartner, Opposition, PartnerList, Scope
from gateway.edges.keys import KeyRing
from gateway.edges.store import schema
from gateway.edges.store.sqlite import open_store
from gateway.flow.ports import Book

KNOWN = 1_000_000
BATCH = 10_000
TOOL, SECRET = "bench", "a-secret-for-the-benchmark-only"
ADVERTISER, PURPOSE, PARTNER, STREAM = "example", "newsletter", "friend", "letter"
COLLECTED = datetime(2026, 2, 1, 9, 0, tzinfo=UTC)


def stocked(out: Path, known: int = KNOWN) -> tuple[Path, float]:
    """A data folder with these people and the tool, and how long filling it took (0 where an earlier run's could be used)."""
    shape = hashlib.sha256(repr((schema.GATEWAY_STEPS, known, Path(__file__).read_bytes())).encode()).hexdigest()[:12]
    folder = out / f"people-{shape}"
    if folder.exists():
        return folder, 0.0
    for old in out.glob("people-*"):
        shutil.rmtree(old)
    draft = out / "people.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    began = time.monotonic()
    asyncio.run(_fill(draft, known))
    draft.rename(folder)
    return folder, time.monotonic() - began


async def _fill(folder: Path, known: int) -> None:
    ring = KeyRing.open(folder / "keys", may_create=True)
    store = open_store(folder / "gateway.db", "import0")
    await stock(store.book, ring, known)
    await store.close()


async def stock(book: Book, ring: KeyRing, known: int, batch: int = BATCH) -> None:
    """The tool, the partner's list and so many people into an empty book."""
    now = datetime.now(UTC)
    digest = hashlib.sha256(SECRET.encode()).digest()
    await book.commit((Event(now, Kind.TOOL, "added", tool=TOOL),), (Enlist(Tool(TOOL, digest, (STREAM,), None, now)),))
    named = (NamedPartner(ADVERTISER, "Example SAS", "https://www.example.com/privacy"),)
    shown = PartnerList(PARTNER, "2026-01", COLLECTED - timedelta(days=30), named)
    await book.commit((Event(now, Kind.PARTNER_LIST, "learned", detail=PARTNER),), (Publish(shown),))
    changes = _changes(Identity(ring.pepper), ring, known, now)
    while some := list(islice(changes, batch)):
        await book.commit((Event(now, Kind.IMPORT, "imported", detail=f"records={len(some)}"),), some)


def _changes(identity: Identity, ring: KeyRing, known: int, now: datetime) -> Iterator[Change]:
    for number in range(known):
        mailbox = parse(address(number))
        assert isinstance(mailbox, Address)
        person = identity.person(mailbox)
        partner = number % 10 == 0
        consent = Consent(
            person=person,
            advertiser=ADVERTISER,
            purpose=PURPOSE,
            audience=Audience.CONSUMER,
            basis=Basis.CONSENT,
            source=PARTNER if partner else "direct",
            collected_at=COLLECTED,
            action="ticked an empty box",
            wording="J'accepte de recevoir la lettre d'information d'Example SAS par courriel.",
            partner_list_version="2026-01" if partner else "",
            recorded_at=now,
        )
        yield Learn(consent, ring.vault.seal(mailbox.wire.encode()))
        if number >= PEOPLE and number % 2:
            yield Oppose(Opposition(person, Block.OPPOSED, Scope.ADVERTISER, ADVERTISER, "", Door.LINK, now))
