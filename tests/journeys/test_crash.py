"""Crash safety: killed at any moment under load, the gateway loses nothing it acknowledged and doubles nothing unexplained."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import apsw
import pytest

from gateway.edges.sink import Session, Sink
from tests.support.invariants import Found, Run, check
from tests.support.load import Load
from tests.support.process import Life, Nursery, Plain, found_company, living, nursery
from tests.support.sink import REPLIES, reset

DELIVERY = 'retry = ["200ms"]\nbudget = "10s"'
SESSIONS = 6


class Moody(Sink):
    """A provider that now and then defers, is slow, or hangs up after it took a message, until it is told to be calm."""

    def __init__(self, seed: int) -> None:
        super().__init__(keep=1_000_000)
        self.calm = False
        self._random = random.Random(seed)

    async def interfere(self, stage: str, session: Session, /) -> bytes | None:
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
        if not self.life.pid:
            await self.life.start()
        async with asyncio.timeout(30):
            while self._rows():  # noqa: ASYNC110 - another process empties it
                await asyncio.sleep(0.05)
        assert await self.life.terminate() == 0
        basis = frozenset([*self.load.customers, *self.load.leavers])
        return await check(Run(self.folder, self.load.diary, tuple(self.sink.messages), basis))

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
            await load.consent(folder / "var")
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


async def killed(folder: Path, seed: int, kills: int, resend: bool) -> Found:
    """Kill the gateway so many times at moments the seed chooses, now and then while it starts, and check everything."""
    dice = random.Random(seed)
    async with nursery(folder.with_suffix(".log")) as starter, house(folder, starter, seed, resend) as one:
        async with under_load(one.load):
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0.0, 0.8))
                await one.life.kill()
                await one.life.start()
            await asyncio.sleep(0.5)
        return await one.found()


async def test_nothing_is_lost_or_doubled_over_10_kills(tmp_path: Path) -> None:
    found = await killed(tmp_path / "a", seed=10, kills=10, resend=True)
    print(found)
    assert not found.violations, found
    assert found.counts["acknowledged"] > 100
    assert found.counts["opt_outs"] > 3


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_over_100_kills(tmp_path: Path) -> None:
    both = await asyncio.gather(
        killed(tmp_path / "a", seed=1, kills=50, resend=True),
        killed(tmp_path / "b", seed=2, kills=50, resend=False),
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
                await asyncio.sleep(dice.uniform(0.2, 0.8))
                assert await one.life.terminate() == 0
                await one.life.start()
        found = await one.found()
    print(found)
    assert not found.violations, found
    assert found.counts["second copies: attempt without outcome"] == 0, found
    assert found.counts["second copies: resent"] == 0, found
