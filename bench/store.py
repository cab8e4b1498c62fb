"""The SQLite stores by themselves: commits, facts among many people, import, spool. `python -m bench.store [PEOPLE]`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.core.change import GiveNotice, Learn, Oppose
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey, Ref
from gateway.core.record import Audience, Basis, Block, Consent, Door, NoticeGiven, Opposition, Scope, Who
from gateway.edges.store.spool import SqliteSpool, open_spool
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.ports import Addressee, Envelope

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TASKS = 100


def event() -> Event:
    """A decision as a campaign makes them: another person each time."""
    return Event(
        datetime.now(UTC),
        Kind.DECISION,
        "allow",
        tool="crm",
        stream="newsletter",
        advertiser="acme",
        category="marketing",
        person=os.urandom(16).hex(),
        rules=("R-FR-10", "R-FR-13", "R-FR-31"),
        basis="consent",
        policy="fr@1#abcdef01",
        message="ab" * 32,
    )


def consent(key: PersonKey) -> Consent:
    """A record as a list brings them."""
    wording = "I agree to receive the newsletter of ACME by e-mail and know that I can stop it at any time."
    return Consent(key, "acme", "newsletter", Audience.CONSUMER, Basis.CONSENT, "direct", NOW, "ticked the box", wording)


async def timed(count: int, once: Callable[[int], Awaitable[object]]) -> str:
    """Median and 99th percentile of one after the other."""
    took = []
    for number in range(count):
        begun = time.perf_counter()
        await once(number)
        took.append(time.perf_counter() - begun)
    took.sort()
    return f"p50 {took[count // 2] * 1e6:,.0f} us  p99 {took[count * 99 // 100] * 1e6:,.0f} us"


async def rate(count: int, tasks: int, once: Callable[[], Awaitable[object]]) -> str:
    """So many in all, from so many tasks at once."""

    async def some() -> None:
        for _ in range(count // tasks):
            await once()

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some() for _ in range(tasks)))
    seconds, worked = time.perf_counter() - begun, time.process_time() - cpu
    return f"{count / seconds:,.0f}/s  CPU {worked / count * 1e6:,.0f} us each"


async def of_store(store: SqliteStore, people: int) -> None:
    """Commits, an import of `people` consents, and facts about them."""
    print("commit of one event, alone      ", await timed(1000, lambda _: store.book.commit([event()])))
    print(f"commit of one event, {TASKS} tasks  ", await rate(60_000, TASKS, lambda: store.book.commit([event()])))
    keys = [PersonKey(os.urandom(16)) for _ in range(people)]
    begun = time.perf_counter()
    for start in range(0, people, 1000):
        await store.book.commit([event()], [Learn(consent(key), bytes(60)) for key in keys[start : start + 1000]])
    print(f"import of {people:,} consents     {people / (time.perf_counter() - begun):,.0f}/s")
    known = keys[:: max(1, people // 5000)]
    everyone = [Oppose(Opposition(key, Block.OPPOSED, Scope.ADVERTISER, "acme", "", Door.LINK, NOW)) for key in known[::5]]
    await store.book.commit([], [*everyone, *(GiveNotice(NoticeGiven(key, "acme", "direct", NOW, "ab")) for key in known[::3])])
    lists = [[Who(known[(start + step) % len(known)]) for step in range(100)] for start in range(200)]
    print(
        "facts, 1 recipient              ", await timed(len(known), lambda number: store.book.facts("acme", [Who(known[number])]))
    )
    print("facts, 100 recipients           ", await timed(200, lambda number: store.book.facts("acme", lists[number])))


async def of_spool(spool: SqliteSpool, size: int, count: int) -> None:
    """Keep, then due and settle."""
    message, envelope, end = os.urandom(size), Envelope("crm", "news", "", smtputf8=False, eight_bit=True), NOW + timedelta(1)
    to = [(Addressee("ann@example.com"), Ref("n1w0-1"))]
    kept = await rate(count, 40, lambda: spool.keep(envelope, message, to, NOW, end))
    begun = time.perf_counter()
    while parcels := await spool.due(NOW, 40):
        await asyncio.gather(*(spool.settle(parcel) for parcel in parcels))
    print(f"spool, {size:>9,} bytes          keep {kept}, due and settle {count / (time.perf_counter() - begun):,.0f}/s")


async def main(people: int) -> None:
    """Everything, in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "gateway.db", "n1w0")
        await of_store(store, people)
        await store.close()
        for size, count in ((4096, 8000), (51_200, 4000), (5 << 20, 40)):
            spool = open_spool(Path(folder) / f"spool-{size}.db")
            await of_spool(spool, size, count)
            await spool.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
