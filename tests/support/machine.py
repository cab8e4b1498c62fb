"""One machine of many that share a store: opens it as a gateway process does, and stations what keeps it honest.

    async with machine(server.url, tmp_path / "a", "a") as store:
        await oppose(store, person(1))
        await whole(store)                 # everything is known to be there again

Leaving stops the process; the machine's own files stay, so that entering again is a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from gateway.core.change import Change, Lift, Oppose
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey
from gateway.edges.clock import SystemClock
from gateway.edges.store.redis.client import Access
from gateway.edges.store.redis.store import RedisStore, open_redis
from gateway.flow.ports import Unavailable
from tests.support.peer import until
from tests.support.people import NOON, opposition
from tests.support.shared_store import FINGERPRINT, access


class Lines:
    """A log that remembers: each line's name, and what it told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, object]]] = []

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """See `ports.Log`."""
        self.said.append((what, facts))

    def names(self) -> list[str]:
        """What was said, in order."""
        return [what for what, _ in self.said]


@asynccontextmanager
async def machine(
    place: str | Access,
    folder: Path,
    node: str,
    *,
    worker: int = 0,
    replicas: int = 0,
    log: Lines | None = None,
    run: str | None = None,
) -> AsyncIterator[RedisStore]:
    """The store as process `worker` of that machine has it; each `run` stands for another machine."""
    there = access(place) if isinstance(place, str) else place
    writer = f"{node}w{worker}"
    store = open_redis(there, writer, node=node, folder=folder, fingerprint=FINGERPRINT, replicas=replicas, machine=run)
    watching = asyncio.create_task(store.watch(log or Lines(), SystemClock()))
    try:
        yield store
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await store.close()


async def oppose(store: RedisStore, who: PersonKey) -> None:
    """Record that they want no more mail."""
    await commit(store, who, [Oppose(opposition(who))])


async def lift(store: RedisStore, who: PersonKey) -> None:
    """Record that it was a mistake."""
    one = opposition(who)
    await commit(store, who, [Lift(who, one.block, one.scope, one.advertiser, one.stream)])


async def commit(store: RedisStore, who: PersonKey, changes: Sequence[Change]) -> None:
    """Record changes with an event about that person."""
    await store.book.commit([Event(NOON, Kind.OPPOSITION, "recorded", person=who.hex())], changes)


async def opposed(store: RedisStore, who: PersonKey) -> bool:
    """Whether they must not be mailed, as a look at this moment says; of a store that was emptied, as far as it is back."""
    return bool(await store.book.oppositions(who))


async def knows(store: RedisStore, node: str) -> None:
    """Wait until that machine remembers another one, as each does within a second."""

    async def so() -> bool:
        notes = store.notes
        assert notes is not None
        return node in await store.commits.apart(lambda _: [one.name for one in notes.members()])

    await until(so, f"{node} is known", pause=0.02)


async def whole(store: RedisStore, patience: float = 20.0) -> None:
    """Wait until a look says that nothing is missing."""

    async def so() -> bool:
        with suppress(Unavailable):
            return (await store.reads.rows([], what_is_left=True)).settled
        return False

    await until(so, "the store is whole again", patience, pause=0.02)


async def reachable(store: RedisStore, patience: float = 20.0) -> None:
    """Wait until it answers, whole or not."""

    async def so() -> bool:
        with suppress(Unavailable):
            await store.reads.rows([], what_is_left=True)
            return True
        return False

    await until(so, "the store answers", patience, pause=0.02)
