"""The book in Redis: facts in one round trip, changes and events in one script.

Decides nothing and opens no seal: keys and ciphertexts go in and come out as they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import datetime

from gateway.core.change import Change, Sweep
from gateway.core.evidence import Event
from gateway.core.model import PersonKey, Ref, Tool
from gateway.core.record import ApiKey, Arrangements, Consent, Enrolment, Facts, Opposition, Ruling, Transfer, Who
from gateway.edges.store.instant import micros
from gateway.edges.store.journal import prepare
from gateway.edges.store.protecting import Protecting
from gateway.edges.store.redis import facts, history, listing, office, people
from gateway.edges.store.redis.commits import Commits, Post, fence_of, refused
from gateway.edges.store.redis.compact import compact
from gateway.edges.store.redis.frames import Frames
from gateway.edges.store.redis.operations import factual_at, operations
from gateway.edges.store.redis.operations_office import KEYS_AT_ONCE, MAILS_AT_ONCE
from gateway.edges.store.redis.pack import packed
from gateway.edges.store.redis.reads import Reads
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Dossier, Reading, Tally

UNFIT = (AttributeError, KeyError, TypeError, ValueError, OverflowError)
"""What changes raise that hold something else than they say; a failure waits for who awaits it, whichever it is."""


class RedisBook:
    """`ports.Book` over one server; `fence` is the lease that its commits are made under."""

    def __init__(self, reads: Reads, commits: Commits, fence: Lease | None = None, frames: Frames | None = None) -> None:
        self._reads = reads
        self._commits = commits
        self._frames = frames or Frames(reads)
        self._fence = fence_of(fence)

    def under(self, lease: Lease) -> RedisBook:
        """See `lease_ports.LeasedBook`."""
        return RedisBook(self._reads, self._commits, lease, self._frames)

    async def facts(self, advertiser: str, who: Sequence[Who]) -> Sequence[Facts]:
        """See `ports.Book`; history and withdrawn consents included, oldest first."""
        return (await facts.read(self._reads, self._frames, advertiser, who)).facts

    async def read(self, advertiser: str, who: Sequence[Who]) -> Reading:
        """See `ports.Book`."""
        return await facts.read(self._reads, self._frames, advertiser, who)

    async def stand(self) -> int:
        """See `ports.Book`."""
        return (await self._reads.rows([])).stand

    async def has_hashes(self) -> bool:
        """See `ports.Book`."""
        return (await self._reads.rows([])).hashes

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """See `ports.Book`; state, outbox and journal are one script. Of a `Sweep` most is done before it, step by step."""
        for one in changes:
            if isinstance(one, Sweep):
                await self._sweep(one)
        return await self.post(events, changes)

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """See `ports.Book`; a future of the running loop, which may be dropped."""
        try:
            prepared = prepare(events)
            at = factual_at(changes, max([at for _, at, _ in prepared], default=None))
            guarded = [operations([one]) for one in changes if isinstance(one, Protecting)]
            post = Post(operations(changes), prepared, at, self._fence, guarded)
        except UNFIT as error:
            return refused(error)
        return self._commits.post(post)

    async def _sweep(self, one: Sweep) -> None:
        """Until what is left is done in one step."""
        while True:
            keys, kept = await self.leftovers(one.accepted_before, one.kept_before)
            if keys <= KEYS_AT_ONCE and kept <= MAILS_AT_ONCE:
                return
            await self.post((), (one,))

    async def oppositions(self, person: PersonKey | None = None) -> Sequence[Opposition]:
        """See `ports.Book`; everyone's are read page by page."""
        if person is None:
            return await listing.oppositions(self._reads)
        return await facts.against(self._reads, person)

    async def consents(self, person: PersonKey | None = None, advertiser: str = "") -> Sequence[tuple[Consent, bytes]]:
        """See `ports.Book`; everyone's are read page by page."""
        if person is None:
            return await listing.consents(self._reads, self._frames, advertiser)
        _, (file,), known = await facts.look_up(self._reads, self._frames, [], [person])
        found = people.whole_consents(person, file, known)
        return [(one, sealed) for _, one, sealed in found if not advertiser or one.advertiser == advertiser]

    def register(self, advertiser: str = "") -> AsyncIterator[tuple[Consent, bytes]]:
        """See `ports.Book`; a record filed meanwhile may or may not come."""
        return listing.register(self._reads, self._frames, advertiser)

    async def arrangements(self) -> Arrangements:
        """See `ports.Book`; of one moment."""
        return await history.arrangements_at(self._reads)

    async def facts_at(self, advertiser: str, who: Who, stand: int) -> Facts | None:
        """See `ports.Book`."""
        return await facts.read_at(self._reads, self._frames, advertiser, who, stand)

    async def stand_at(self, at: datetime) -> int:
        """See `ports.Book`."""
        return await history.stand_at(self._reads, at)

    async def arrangements_at(self, stand: int) -> Arrangements:
        """See `ports.Book`."""
        return await history.arrangements_at(self._reads, stand)

    async def dossier(self, person: PersonKey) -> Dossier:
        """See `ports.Book`."""
        return await history.dossier(self._reads, self._frames, person)

    async def accepted(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """See `ports.Book`."""
        return await office.since(self._reads, "accepted", keys, since)

    async def tool(self, name: str) -> Tool | None:
        """See `ports.Book`."""
        return await office.tool(self._reads, name)

    async def tools(self) -> Sequence[Tool]:
        """See `ports.Book`; by name."""
        return await office.tools(self._reads)

    async def ruling(self, label: str) -> Ruling | None:
        """See `ports.Book`."""
        return await office.ruling(self._reads, label)

    async def rulings(self, kind: str = "") -> Sequence[Ruling]:
        """See `ports.Book`; in the order in which they were adopted."""
        return await office.rulings(self._reads, kind)

    async def transfers(self, person: PersonKey | None = None, partner: str = "") -> Sequence[Transfer]:
        """See `ports.Book`; everyone's in the order in which they were recorded, page by page."""
        return await office.transfers(self._reads, person, partner)

    async def enrolment(self, digest: bytes) -> Enrolment | None:
        """See `ports.Book`."""
        return await office.enrolment(self._reads, digest)

    async def enrolments(self, person: PersonKey | None = None) -> Sequence[Enrolment]:
        """See `ports.Book`; everyone's are read page by page."""
        return await office.enrolments(self._reads, person)

    async def tallies(self, since: datetime) -> Sequence[Tally]:
        """See `ports.Book`; the hour that `since` falls in is among them."""
        return await office.tallies(self._reads, since)

    async def api_key(self, name: str) -> ApiKey | None:
        """See `ports.Book`."""
        return await office.api_key(self._reads, name)

    async def api_keys(self) -> Sequence[ApiKey]:
        """See `ports.Book`; by name."""
        return await office.api_keys(self._reads)

    async def own_unsubscribe(self, person: PersonKey, stream: str) -> bytes | None:
        """See `ports.Book`."""
        return await office.own_unsubscribe(self._reads, person, stream)

    async def leftovers(self, accepted_before: datetime, kept_before: datetime) -> tuple[int, int]:
        """See `ports.Book`."""
        return await office.leftovers(self._reads, accepted_before, kept_before)

    async def compact(self) -> None:
        """See `ports.Book`; the server writes its log anew."""
        await compact(self._reads, self._commits)

    async def touch_probe(self, now: datetime) -> None:
        """See `ports.Book`."""
        await self._commits.post(Post(packed([["mark", "probe", micros(now)]]), (), None, b"", ()))
