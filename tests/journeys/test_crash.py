"""Crash safety: killed at any moment under load, the gateway loses nothing it acknowledged and doubles nothing unexplained."""

from __future__ import annotations

import asyncio
import math
import random
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from gateway.edges.sink import Session as SinkSession
from gateway.edges.sink import Sink
from gateway.settings import load as settings
from tests.support.invariants import Found, Run, check
from tests.support.load import URL, Load, Session, one_click, write
from tests.support.process import Life, Nursery, Plain, found_company, living, nursery
from tests.support.sink import REPLIES, reset

DELIVERY = 'retry = ["200ms"]\nbudget = "10s"'
SESSIONS = 6
WHILE_IT_STARTS = 0.15
"""The share of kills that follow a start at once."""


class Moody(Sink):
    """A provider that now and then defers, is slow, or hangs up after it took a message, until it is told to be calm."""

    def __init__(self, seed: int) -> None:
        super().__init__(keep=1_000_000)
        self.calm = False
        self._random = random.Random(seed)

    async def interfere(self, stage: str, session: SinkSession, /) -> bytes | None:
        if self.calm or stage not in ("rcpt", "end"):
            return None
        dice = self._random.random()
        if dice < 0.03 and stage == "rcpt":
            return REPLIES["451"]
        if dice < 0.05:
            await asyncio.sleep(0.05)
        elif dice < 0.055 and stage == "end":
            reset(session)
        return None


@dataclass
class House:
    """A gateway under load, its provider, and what all of them saw."""

    folder: Path
    sink: Moody
    life: Life
    load: Load

    async def found(self) -> Found:
        """Let the gateway finish what it owns, stop it, and check every invariant."""
        self.sink.calm = True
        await self._end()
        while self._rows():  # a note to a partner became a letter at the last moment
            await self._end()
        basis = frozenset([*self.load.customers, *self.load.leavers])
        return await check(Run(self.folder, self.load.diary, tuple(self.sink.messages), basis))

    async def _end(self) -> None:
        """Stop the gateway once it has nothing left to do."""
        if not self.life.pid:
            await self.life.start()
        async with asyncio.timeout(30):
            while self._rows():  # noqa: ASYNC110 - another process empties it
                await asyncio.sleep(0.05)
        assert await self.life.terminate() == 0

    def _rows(self) -> int:
        with closing(apsw.Connection(str(self.folder / "var" / "spool-0.db"), flags=apsw.SQLITE_OPEN_READONLY)) as spool:
            return int(str(spool.execute("SELECT count(*) FROM parcel").fetchall()[0][0]))


@asynccontextmanager
async def house(folder: Path, starter: Nursery | Plain, seed: int, resend: bool = True) -> AsyncIterator[House]:
    """A company whose gateway runs; its load is sent by `under_load`."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    sink = Moody(seed)
    _, port = await sink.start()
    try:
        config, ports = await found_company(folder, port, delivery=DELIVERY)
        async with living(starter, config, ports) as life:
            load = Load(ports, sink, seed, folder.name, resend)
            await load.consent(settings(config, {}))
            yield House(folder, sink, life, load)
    finally:
        await sink.close()


@asynccontextmanager
async def under_load(load: Load, press_every: float = 0.4) -> AsyncIterator[None]:
    """Mail is sent and opt-outs are pressed while the block runs."""
    async with asyncio.TaskGroup() as group:
        group.create_task(load.send(SESSIONS))
        group.create_task(load.press(press_every))
        try:
            yield
        finally:
            load.stop()


@dataclass(frozen=True, slots=True)
class Least:
    """What a run must have got acknowledged in all, or it would prove little; spread over its kills."""

    acknowledged: int
    opted_out: int

    async def reached(self, load: Load, share: float, more: int = 0) -> None:
        """Wait until this share of it is there, and so many more recipients than now."""
        await load.reach(max(math.ceil(self.acknowledged * share), load.acknowledged + more), math.ceil(self.opted_out * share))


async def some_work(load: Load, dice: random.Random, least: Least, share: float) -> None:
    """Wait for the moment of the next kill: by what the gateway got done, not by the clock alone, or a slow machine did nothing."""
    if dice.random() < WHILE_IT_STARTS:
        await asyncio.sleep(dice.uniform(0.0, 0.05))
    else:
        await least.reached(load, share, dice.randint(1, 40))
        await asyncio.sleep(dice.uniform(0.0, 0.25))


async def killed(folder: Path, seed: int, kills: int, resend: bool, least: Least) -> Found:
    """Kill the gateway so many times at moments the seed chooses, now and then while it starts, and check everything."""
    dice = random.Random(seed)
    async with nursery(folder.with_suffix(".log")) as starter, house(folder, starter, seed, resend) as one:
        async with under_load(one.load):
            for number in range(1, kills + 1):
                await some_work(one.load, dice, least, number / kills)
                await one.life.kill()
                await one.life.start()
            await least.reached(one.load, 1.0)
            await asyncio.sleep(0.5)
        return await one.found()


async def test_nothing_is_lost_or_doubled_over_10_kills(tmp_path: Path) -> None:
    found = await killed(tmp_path / "a", seed=10, kills=10, resend=True, least=Least(101, 4))
    print(found)
    assert not found.violations, found
    assert found.counts["acknowledged"] > 100
    assert found.counts["opt_outs"] > 3


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_over_100_kills(tmp_path: Path) -> None:
    least = Least(1001, 21)
    both = await asyncio.gather(
        killed(tmp_path / "a", seed=1, kills=50, resend=True, least=least),
        killed(tmp_path / "b", seed=2, kills=50, resend=False, least=least),
    )
    for found in both:
        print(found)
        assert not found.violations, found
        assert found.counts["acknowledged"] > 1000
        assert found.counts["opt_outs"] > 20


@pytest.mark.slow
async def test_stopping_under_load_finishes_what_was_begun(tmp_path: Path) -> None:
    dice = random.Random(5)
    async with nursery(tmp_path / "log") as starter, house(tmp_path / "a", starter, 5) as one:
        async with under_load(one.load):
            for _ in range(10):
                await one.load.reach(one.load.acknowledged + dice.randint(1, 50))
                await asyncio.sleep(dice.uniform(0.0, 0.5))
                assert await one.life.terminate() == 0
                await one.life.start()
        found = await one.found()
    print(found)
    assert not found.violations, found
    assert found.counts["second copies: attempt without outcome"] == 0, found
    assert found.counts["second copies: resent"] == 0, found


@pytest.mark.skipif(shutil.which("strace") is None, reason="unproven here: the order of fsync and 250 (no strace)")
async def test_what_is_acknowledged_was_synced_to_disk_before(tmp_path: Path) -> None:
    async with nursery(tmp_path / "log") as starter, house(tmp_path / "a", starter, 6) as one:
        one.sink.calm = True
        anna, ben = one.load.leavers[:2]
        async with traced(one.life.pid, tmp_path / "calls"):
            session = Session(one.life.ports, one.load.diary)
            for number, people in enumerate(([anna], [anna, ben])):
                sent = await session.send(f"<{number}@maison.example>", people, write(f"<{number}@maison.example>", b"x", 400))
                assert sent.acknowledged
            session.close()
            (first, *_) = await one.sink.wait_for(1)
            link = URL.search(first.data)
            assert link is not None
            assert await one_click(one.life.ports.web, link[1].decode()) == 200
        calls = (tmp_path / "calls").read_text()
    book, spool = r"gateway\.db-wal", r"spool-0\.db-wal"
    one_recipient = (
        IN + r'.*\\r\\n\.\\r\\n"',
        synced(book),
        OUT + r'.*"MAIL FROM',
        synced(book),
        OUT + r'.*"250 2\.0\.0 Accepted by',
    )
    assert in_order(calls, one_recipient)
    assert in_order(calls, (IN + r'.*\\r\\n\.\\r\\n"', synced(spool), OUT + r'.*"250 2\.0\.0 Accepted for delivery'))
    assert in_order(calls, (IN + r'.*"POST /u/', synced(book), OUT + r'.*"HTTP/1\.1 200'))


IN, OUT = r"(recvfrom|read)\(", r"(sendto|write|writev)\("
"""How asyncio's own loop, or uvloop, takes bytes in and gives them out."""


def synced(file: str) -> str:
    """How strace shows that a file was synced."""
    return rf"(fdatasync|fsync)\(\d+<[^>]*{file}>"


def in_order(calls: str, steps: Sequence[str]) -> bool:
    """Whether before the last step's first call, and after the latest call of the first step, the others came in this order."""
    lines = calls.splitlines()
    end = next((number for number, line in enumerate(lines) if re.search(steps[-1], line)), -1)
    begin = max((number for number in range(end) if re.search(steps[0], lines[number])), default=-1)
    between = iter(lines[begin + 1 : end])
    return begin >= 0 and all(any(re.search(step, line) for line in between) for step in steps[1:-1])


@asynccontextmanager
async def traced(pid: int, file: Path) -> AsyncIterator[None]:
    """Write the system calls of a process that matter here to a file."""
    options = (
        "-f",
        "-y",
        "-s",
        "6000",
        "-e",
        "trace=fsync,fdatasync,recvfrom,read,sendto,write,writev",
        "-o",
        str(file),
        "-p",
        str(pid),
    )
    strace = await asyncio.create_subprocess_exec("strace", *options, stderr=asyncio.subprocess.PIPE)
    assert strace.stderr is not None
    assert b"attached" in await strace.stderr.readline()
    try:
        yield
    finally:
        strace.terminate()
        await strace.wait()
