"""The book in Redis: facts in one round trip, changes and events in one script.

Decides nothing and opens no seal: keys and ciphertexts go in and come out as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime

from gateway.core.change import Change, Forget, ForgetWithdrawn, Lift, Oppose, Withdraw
from gateway.core.evidence import Event
from gateway.core.model import PersonKey, Ref
from gateway.core.record import Facts, Opposition, Who
from gateway.edges.store.instant import micros
from gateway.edges.store.journal import prepare
from gateway.edges.store.redis import facts
from gateway.edges.store.redis.commits import Commits, Post
from gateway.edges.store.redis.operations import factual_at, operations
from gateway.edges.store.redis.pack import packed, place
from gateway.edges.store.redis.reads import Reads
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Reading

PROTECTING = (Oppose, Lift, Withdraw, Forget, ForgetWithdrawn)
"""The changes that this machine's own disk holds too: what nobody may lose when a server does."""


class RedisBook:
    """`ports.Book` over one server; `fence` is the lease that its commits are made under."""

    def __init__(self, reads: Reads, commits: Commits, fence: Lease | None = None) -> None:
        self._reads = reads
        self._commits = commits
        self._fence = packed([fence.name, fence.number]) if fence else b""

    def under(self, lease: Lease) -> RedisBook:
        """See `lease_ports.LeasedBook`."""
        return RedisBook(self._reads, self._commits, lease)

    async def facts(self, advertiser: str, who: Sequence[Who]) -> Sequence[Facts]:
        """See `ports.Book`; history and withdrawn consents included, oldest first."""
        return (await facts.read(self._reads, advertiser, who)).facts

    async def read(self, advertiser: str, who: Sequence[Who]) -> Reading:
        """See `ports.Book`."""
        return await facts.read(self._reads, advertiser, who)

    async def stand(self) -> int:
        """See `ports.Book`."""
        return (await self._reads.rows([])).stand

    async def has_hashes(self) -> bool:
        """See `ports.Book`."""
        return (await self._reads.rows([])).hashes

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """See `ports.Book`; state, outbox and journal are one script."""
        return await self.post(events, changes)

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """See `ports.Book`; a future of the running loop, which may be dropped."""
        prepared = prepare(events)
        at = factual_at(changes, max([at for _, at, _ in prepared], default=None))
        guarded = [operations([one]) for one in changes if isinstance(one, PROTECTING)]
        return self._commits.post(Post(operations(changes), prepared, at, self._fence, guarded))

    async def oppositions(self, person: PersonKey | None = None) -> Sequence[Opposition]:
        """See `ports.Book`."""
        assert person is not None
        raw = await self._reads.plain("HGET", *place("o", person))
        return facts.oppositions(person, raw) if raw else []

    async def touch_probe(self, now: datetime) -> None:
        """See `ports.Book`."""
        await self._commits.post(Post(packed([["mark", "probe", micros(now)]]), (), None, b"", ()))
