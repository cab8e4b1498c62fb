"""Data that were put back went on twice from the same moment: whoever said no last stays opposed, whichever side is told again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.change import Stir
from gateway.edges.store.lineage import before, held
from gateway.edges.store.redis.store import RedisStore
from gateway.flow.ports import Unavailable
from tests.support.machine import knows, lift, machine, oppose, opposed, reachable, whole
from tests.support.peer import until
from tests.support.people import NOON, person
from tests.support.redis_servers import RedisServer, needs_redis

GAP = 17_000
"""More changes than a new epoch leaves room for."""


async def _put_back(server: RedisServer, copy: Path) -> None:
    await server.kill()
    server.put_back(copy)
    await server.start()


@asynccontextmanager
async def _opposed_and_copied(server: RedisServer, tmp_path: Path) -> AsyncIterator[Path]:
    """Two machines that know each other; a person is opposed; a copy of that."""
    async with machine(server.url, tmp_path / "a", "a") as a, machine(server.url, tmp_path / "b", "b") as b:
        await knows(a, "b")
        await knows(b, "a")
        await oppose(a, person(1))
    server.keep_copy(tmp_path / "copy")
    yield tmp_path / "copy"


@needs_redis
async def test_lift_of_lost_data_undoes_no_opposition_recorded_since(redis_server: RedisServer, tmp_path: Path) -> None:
    async with _opposed_and_copied(redis_server, tmp_path) as copy:
        await redis_server.restart()
        async with machine(redis_server.url, tmp_path / "b", "b") as b:
            await reachable(b)
            await lift(b, person(1))
        await _put_back(redis_server, copy)
        async with machine(redis_server.url, tmp_path / "a", "a") as a:
            await reachable(a)
            await oppose(a, person(1))
            async with machine(redis_server.url, tmp_path / "b", "b"):
                await whole(a)
                assert await opposed(a, person(1))


@needs_redis
async def test_lift_with_a_higher_number_undoes_no_opposition_recorded_since(redis_server: RedisServer, tmp_path: Path) -> None:
    async with _opposed_and_copied(redis_server, tmp_path) as copy:
        async with machine(redis_server.url, tmp_path / "b", "b") as b:
            await whole(b)
            for _ in range(0, GAP, 500):
                await asyncio.gather(*(b.book.commit([], [Stir(person(5), "acme", NOON)]) for _ in range(500)))
            await lift(b, person(1))
        await _put_back(redis_server, copy)
        async with machine(redis_server.url, tmp_path / "a", "a") as a:
            await reachable(a)
            await oppose(a, person(1))
            async with machine(redis_server.url, tmp_path / "b", "b"):
                await whole(a)
                assert await opposed(a, person(1))


@needs_redis
async def test_lift_that_comes_after_the_data_were_whole_again_undoes_nothing(redis_server: RedisServer, tmp_path: Path) -> None:
    async with _opposed_and_copied(redis_server, tmp_path) as copy:
        await redis_server.restart()
        async with machine(redis_server.url, tmp_path / "b", "b") as b:
            await reachable(b)
            for number in range(2, 8):
                await oppose(b, person(number))
            await lift(b, person(1))
        await _put_back(redis_server, copy)
        async with machine(redis_server.url, tmp_path / "a", "a") as a:
            await reachable(a)
            await oppose(a, person(1))
            await a.nodes.retire("b", NOON)
            await whole(a)
            async with machine(redis_server.url, tmp_path / "b", "b") as b:
                await until(lambda: opposed(a, person(2)), "what only b had is told", pause=0.02)
                await whole(b)
                assert await opposed(a, person(1))


@needs_redis
async def test_lift_of_one_fork_undoes_no_opposition_of_the_other(redis_server: RedisServer, tmp_path: Path) -> None:
    async with _opposed_and_copied(redis_server, tmp_path) as copy:
        for name, act in (("a", oppose), ("b", lift)):
            await redis_server.restart()
            async with machine(redis_server.url, tmp_path / name, name) as one:
                await reachable(one)
                for number in range(10, 10 + 5 * (name == "b")):
                    await oppose(one, person(number))
                await act(one, person(1))
            await _put_back(redis_server, copy)
        async with machine(redis_server.url, tmp_path / "a", "a") as a, machine(redis_server.url, tmp_path / "b", "b"):
            await whole(a)
            assert await opposed(a, person(1))


@needs_redis
async def test_lift_after_an_opposition_told_again_is_made_again_with_it(redis_server: RedisServer, tmp_path: Path) -> None:
    async with (
        _opposed_and_copied(redis_server, tmp_path) as copy,
        machine(redis_server.url, tmp_path / "a", "a") as a,
        machine(redis_server.url, tmp_path / "b", "b") as b,
    ):
        await whole(a)
        await oppose(a, person(2))
        await redis_server.restart()
        await whole(b)
        await lift(b, person(2))
        await lift(b, person(1))
        await _put_back(redis_server, copy)
        await whole(a)
        assert [await opposed(a, person(number)) for number in (1, 2)] == [False, False]


@dataclass
class _Company:
    """Two machines at one server, and what each person may have said last: True is no; both where nobody was told."""

    server: RedisServer
    folder: Path
    chance: random.Random
    stack: AsyncExitStack
    live: dict[str, tuple[AsyncExitStack, RedisStore]] = field(default_factory=dict)
    said: dict[int, set[bool]] = field(default_factory=lambda: {number: {False} for number in range(1, 6)})
    copies: list[Path] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def start(self, name: str) -> None:
        """Let a machine come in; as long as the server is not there it tries again."""
        async with asyncio.timeout(20):
            while name not in self.live:
                own = AsyncExitStack()
                with suppress(Unavailable):
                    self.live[name] = own, await own.enter_async_context(machine(self.server.url, self.folder / name, name))
                await asyncio.sleep(0.05 * (name not in self.live))

    async def stop(self, name: str) -> None:
        """Let it go."""
        own, _ = self.live.pop(name)
        await own.aclose()

    async def say(self, name: str, number: int, no: bool) -> None:
        """A person says no, or that it was a mistake."""
        try:
            await (oppose if no else lift)(self.live[name][1], person(number))
        except Unavailable:
            self.said[number] |= {no}
        else:
            self.said[number] = {no}

    async def turn(self) -> None:
        """One thing that happens."""
        acts = ["oppose", "lift", "copy", "put back", "in the dark", "without one", "look"]
        act, name, number = self.chance.choices(acts, [8, 8, 4, 3, 1, 2, 2])[0], self.chance.choice("ab"), self.chance.randint(1, 5)
        self.told.append(f"{act} {name} {number}")
        match act:
            case "oppose" | "lift":
                await self.say(name, number, act == "oppose")
            case "copy":
                self.copies.append(self.folder / f"copy{len(self.copies)}")
                self.server.keep_copy(self.copies[-1])
            case "put back" if self.copies:
                await _put_back(self.server, self.chance.choice(self.copies[-4:]))
            case "in the dark":
                await self.server.kill()
                await self.say(name, number, self.chance.random() < 0.5)
                await self.server.start()
            case "without one":
                await self.stop(name)
                await self.say("b" if name == "a" else "a", number, no=True)
                await self.start(name)
            case "look":
                await self.look(name)

    async def look(self, name: str) -> None:
        """Whoever said no last is opposed."""
        await whole(self.live[name][1], 30)
        for number, said in self.said.items():
            found = await opposed(self.live[name][1], person(number))
            assert found or said != {True}, (number, self.told[-60:])
            if found and said == {False}:
                said.add(True)  # in doubt people stay opposed


@needs_redis
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_whoever_said_no_last_is_opposed_whatever_is_put_back(redis_server: RedisServer, tmp_path: Path, seed: int) -> None:
    async with AsyncExitStack() as stack:
        company = _Company(redis_server, tmp_path, random.Random(seed), stack)
        for name in "ab":
            await company.start(name)
            stack.push_async_callback(lambda name=name: company.stop(name))  # type: ignore[misc]
        await knows(company.live["a"][1], "b")
        await knows(company.live["b"][1], "a")
        for _ in range(60):
            await company.turn()
        await company.look("a")


places = st.lists(st.integers(0, 50), min_size=1, max_size=8)


@given(places)
def test_older_data_hold_no_more_of_any_epoch_than_they_began_from(bases: list[int]) -> None:
    lineage = [(str(number), base) for number, base in enumerate(bases)]
    found = held(lineage)
    assert set(found) == {name for name, _ in lineage[:-1]}
    assert all(found[name] <= base for place, (name, _) in enumerate(lineage[:-1]) for _, base in lineage[place + 1 :])


@given(places, st.integers(0, 60))
def test_what_came_before_a_place_is_what_data_that_end_there_hold(bases: list[int], stand: int) -> None:
    lineage = [(str(number), base) for number, base in enumerate(bases)]
    parents = {name: (lineage[place][0], base) for place, (name, base) in enumerate(lineage[1:])}
    assert before((lineage[-1][0], stand), parents) == held([*lineage, ("next", stand)])


def test_epochs_that_name_each_other_as_their_beginning_end_the_search() -> None:
    assert before(("x", 5), {"x": ("y", 3), "y": ("x", 9)}) == {"x": 5, "y": 3}
