"""The machines that share the store: who is waited for, and the retirement of one that never comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from gateway.core.evidence import Event, Kind
from gateway.core.model import Ref
from gateway.edges.store.journal import prepare
from gateway.edges.store.redis.commits import Commits, Post
from gateway.edges.store.redis.pack import MARKS, PREFIX, packed, pairs, unpacked, words
from gateway.edges.store.redis.reads import Reads


@dataclass(frozen=True, slots=True)
class Node:
    """One machine, or one copy that data came from: whether it is gone, whether all it brought is known to be there, and
    whether it was heard of in the last seconds.
    """

    name: str
    gone: bool
    there: bool
    heard: bool


class RedisNodes:
    """The nodes that the data know."""

    def __init__(self, reads: Reads, commits: Commits) -> None:
        self._reads = reads
        self._commits = commits

    async def known(self) -> Sequence[Node]:
        """All of them, by name; who is gone may stand there more than once."""
        asked = [
            ("HMGET", MARKS, "epoch", "low", "unsettled"),
            *(("HGETALL", PREFIX + one) for one in ("nodes", "bygone", "confirmed")),
        ]
        (epoch, low, unsettled), *told = await self._reads.plainly(asked)
        names, bygone, confirmed = (dict(pairs(one)) for one in told)
        here = [name for name, raw in names.items() if not unpacked(raw)[2]]
        heard = await self._reads.plainly([("EXISTS", PREFIX + "runs:" + words(name)) for name in here])
        found = [
            Node(words(name), gone=False, there=confirmed.get(name) == epoch, heard=bool(lately))
            for name, lately in zip(here, heard, strict=True)
        ]
        for name, stand in bygone.items():
            there = not unsettled or int(stand) <= int(low or 0) or confirmed.get(name) == epoch
            found.append(Node(words(name).partition(":")[0], gone=True, there=there, heard=False))
        return sorted(found, key=attrgetter("name", "gone"))

    async def emptied(self) -> bool:
        """Whether everything was lost, and neither a copy put back nor the loss accepted."""
        return await self._reads.plain("HGET", MARKS, "emptied") is not None

    async def begin_anew(self, at: datetime) -> Ref:
        """Do without what was lost with an emptied store, on record: what is there is from now on all there is."""
        event = Event(at, Kind.STORE, "begun-anew")
        refs: Sequence[Ref] = await self._commits.post(Post(packed([["begin_anew"]]), prepare([event]), None, b"", ()))
        return refs[0]

    async def retire(self, name: str, at: datetime) -> Ref:
        """Wait for it no longer, on record; what only it had is given up."""
        event = Event(at, Kind.STORE, "node-retired", detail=f"node={name}")
        refs: Sequence[Ref] = await self._commits.post(Post(packed([["retire", name]]), prepare([event]), None, b"", ()))
        return refs[0]
