"""The machines that share the store: who is waited for, and the retirement of one that never comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.evidence import Event, Kind
from gateway.core.model import Ref
from gateway.edges.store.journal import prepare
from gateway.edges.store.redis.commits import Commits, Post
from gateway.edges.store.redis.pack import MARKS, PREFIX, packed, unpacked, words
from gateway.edges.store.redis.reads import Reads


@dataclass(frozen=True, slots=True)
class Node:
    """One machine: whether it is retired, and whether it has told all it has since the data were last in doubt."""

    name: str
    retired: bool
    confirmed: bool


class RedisNodes:
    """The nodes that the data know."""

    def __init__(self, reads: Reads, commits: Commits) -> None:
        self._reads = reads
        self._commits = commits

    async def known(self) -> Sequence[Node]:
        """All of them, by name."""
        marks, names, told = await self._reads.plainly(
            [("HGET", MARKS, "epoch"), ("HGETALL", f"{PREFIX}nodes"), ("HGETALL", f"{PREFIX}confirmed")]
        )
        confirmed = _pairs(told)
        rows = {name: unpacked(raw) for name, raw in _pairs(names).items()}
        return [Node(words(name), bool(row[2]), confirmed.get(name) == marks) for name, row in sorted(rows.items())]

    async def retire(self, name: str, at: datetime) -> Ref:
        """Wait for it no longer, on record; what only that machine had is given up."""
        event = Event(at, Kind.STORE, "node-retired", detail=f"node={name}")
        refs: Sequence[Ref] = await self._commits.post(Post(packed([["retire", name]]), prepare([event]), None, b"", ()))
        return refs[0]


def _pairs(found: object) -> dict[bytes, bytes]:
    if isinstance(found, dict):
        return found
    assert isinstance(found, list)  # noqa: S101 - HGETALL answers fields and values in turn
    return dict(zip(found[::2], found[1::2], strict=True))
