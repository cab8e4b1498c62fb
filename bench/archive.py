"""Measures the journal's archive in a folder: `python -m bench.archive --entries 10000000 --each 200000 FOLDER`."""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.core.evidence import GENESIS, Event, Kind, canonical, link
from gateway.core.model import PersonKey
from gateway.edges.archive.folder import Folder
from gateway.edges.archive.shelved import ShelvedArchive
from gateway.flow.archive_ports import Run
from gateway.flow.ports import Entry

PEOPLE = 1_000_000
START, YEARS = datetime(2023, 1, 1, tzinfo=UTC), timedelta(days=3 * 365)
LOOKS = 50


def bodies(rnd: random.Random, people: Sequence[bytes], entries: int) -> Iterator[bytes]:
    """Three events a message, spread over three years, each message to somebody."""
    for number in range(0, entries, 3):
        at, person, message = START + YEARS * (number / entries), rnd.choice(people).hex(), rnd.randbytes(32).hex()
        one = Event(at, Kind.DECISION, "allow", "crm", "news", "acme", "marketing", person, message=message)
        yield canonical(replace(one, rules=("R-FR-01", "R-FR-10"), basis="consent", policy="fr@2026.1#8f3ab01c", stand=str(number)))
        yield canonical(replace(one, kind=Kind.ATTEMPT, body=rnd.randbytes(32).hex(), about=f"gw0-{number + 1}"))
        yield canonical(replace(one, kind=Kind.OUTCOME, outcome="delivered", about=f"gw0-{number + 1}"))


async def fill(archive: ShelvedArchive, people: Sequence[bytes], entries: int, each: int) -> float:
    """Archive so many entries; the seconds of CPU that took, without making them up."""
    texts, last, spent = bodies(random.Random(2), people, entries), GENESIS, 0.0
    for first in range(1, entries + 1, each):
        sealing = archive.begin("gw0", first, last)
        for start in range(first, min(entries, first + each - 1) + 1, 500):
            page = []
            for seq in range(start, min(entries + 1, first + each, start + 500)):
                body = next(texts)
                last = link(last, "gw0", seq, body)
                page.append(Entry("gw0", seq, body, last))
            begun = time.process_time()
            await sealing.add(page)
            spent += time.process_time() - begun
        begun = time.process_time()
        await archive.name(await archive.keep(sealing))
        spent += time.process_time() - begun
    return spent


async def looks(archive: ShelvedArchive, runs: Sequence[Run], people: Sequence[bytes]) -> tuple[float, float]:
    """The median and the longest time of a person's timeline, in milliseconds."""
    taken = []
    for person in people:
        begun = time.perf_counter()
        await archive.of_person(runs, PersonKey(person))
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), max(taken)


async def measure(folder: Path, entries: int, each: int) -> None:
    """Fill an empty folder, then read from it."""
    rnd = random.Random(1)
    people = [rnd.randbytes(16) for _ in range(PEOPLE)]
    spent = await fill(ShelvedArchive(Folder(folder)), people, entries, each)
    archive = ShelvedArchive(Folder(folder))
    begun = time.perf_counter()
    runs = await archive.runs()
    print(f"{entries} entries in {len(runs)} objects: {entries / spent:.0f} a second of CPU")
    content, told = sum(run.size for run in runs), sum(run.index_size for run in runs)
    print(f"content {content / entries:.1f}, index {told / entries:.1f} B an entry")
    print(f"manifest read in {(time.perf_counter() - begun) * 1000:.1f} ms")
    for who, asked in (("somebody", rnd.sample(people, LOOKS)), ("nobody", [rnd.randbytes(16) for _ in range(LOOKS)])):
        median, most = await looks(archive, runs, asked)
        print(f"timeline of {who}: median {median:.1f} ms, longest {most:.1f} ms")
    begun, count = time.process_time(), 0
    for run in runs[: max(1, 400_000 // each)]:
        async for _ in archive.proven(run):
            count += 1
    print(f"proven: {count / (time.process_time() - begun):.0f} entries a second of CPU")


def main() -> None:
    """Entry point."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--entries", type=int, default=1_000_000)
    asked.add_argument("--each", type=int, default=200_000)
    words = asked.parse_args()
    asyncio.run(measure(words.folder, words.entries, words.each))


if __name__ == "__main__":
    main()
