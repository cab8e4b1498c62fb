"""Archiving killed (SIGKILL) at each of its steps: no entry is lost, doubled or changed, and the next run finishes the work."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.edges.archive.folder import Folder
from gateway.edges.archive.shelved import ShelvedArchive
from gateway.edges.store.sqlite import open_store
from gateway.flow.ports import Entry
from gateway.flow.whole_journal import WholeJournal
from tests.support.people import event, person

ROOT = Path(__file__).resolve().parents[2]
COUNT = 1300
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.edges.archive.folder import Folder
from gateway.edges.archive.shelved import ShelvedArchive
from gateway.edges.store.sqlite import open_store
from gateway.flow.archiving import Archiving, Plan
from tests.support.clock import StillClock
from tests.support.people import at

left = int(sys.argv[2])


def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def dying(method):
    async def call(self, *words):
        step()
        value = await method(self, *words)
        step()
        return value
    return call


class Mortal(Folder):
    put, get, names, remove = dying(Folder.put), dying(Folder.get), dying(Folder.names), dying(Folder.remove)


async def main():
    house = Path(sys.argv[1])
    store = open_store(house / "gateway.db", "archive")
    write = store.database.write  # each commit of an event and of a trim is a step too

    async def mortal(job):
        step()
        value = await write(job)
        step()
        return value

    store.database.write = mortal
    archive = ShelvedArchive(Mortal(house / "archive"))
    await Archiving(store.book, store.journal, archive, StillClock(at(60 * 24 * 40))).run(Plan(at(1200), most=800))
    await store.close()

asyncio.run(main())
"""


async def read(folder: Path) -> tuple[list[Entry], tuple[object, ...]]:
    store = open_store(folder / "gateway.db", "reader")
    journal = WholeJournal(store.journal, ShelvedArchive(Folder(folder / "archive")))
    entries = [entry async for entry in journal.entries("gw0")]
    breaks = (await journal.verify()).breaks
    await store.close()
    return entries, breaks


@pytest.mark.slow
async def test_killed_at_each_step_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path / "gateway.db", "gw0")
    await store.book.commit([event(number, person(number % 9)) for number in range(COUNT)])
    before = [entry async for entry in store.journal.entries("gw0")]
    await store.close()
    kills = 0
    for number in range(1, 200):
        words = [sys.executable, "-c", KILLED, str(tmp_path), str(number)]
        ended = await asyncio.to_thread(subprocess.run, words, cwd=ROOT, timeout=60, capture_output=True)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        assert await read(tmp_path) == (before, ())
        if ended.returncode == 0:
            break
        kills += 1
    assert kills > 10
    store = open_store(tmp_path / "gateway.db", "gw0")
    left = [entry.seq async for entry in store.journal.entries("gw0")]
    await store.close()
    assert left == list(range(1201, COUNT + 1))
    objects = sorted(path.name for path in (tmp_path / "archive" / "journal" / "gw0").iterdir())
    assert objects == [
        f"{ends}.{kind}" for ends in (f"{1:019}-{800:019}", f"{801:019}-{1200:019}") for kind in ("index", "jsonl.gz")
    ]
