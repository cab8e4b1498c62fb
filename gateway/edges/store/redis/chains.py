"""Which chain a process writes its evidence to: a new one where the data have lost some, so that no reference comes twice.

A server may come back with less than it had: after a failover, a flush, from an old copy. Numbers given out there must not
be given out again, so the process goes on under another name: `n1w0`, then `n1w0.2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.core.evidence import GENESIS
from gateway.core.model import Ref
from gateway.edges.store.redis.client import Blocking
from gateway.edges.store.redis.pack import PREFIX, unpacked


@dataclass(frozen=True, slots=True)
class Written:
    """How far a writer came: in which part of its evidence, in which epoch, to which number; None while it is at it."""

    part: int
    epoch: str
    last: int | None


class Memory(Protocol):
    """This machine's own disk."""

    def chain(self, writer: str) -> Written | None:
        """What is remembered of a writer. Raises Unavailable."""

    def keep_chain(self, writer: str, written: Written) -> None:
        """Remember it. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain; `name` is what its entries are written under."""

    name: str
    seq: int
    hash: bytes


class Chains:
    """One writer's chains; used by the commit thread."""

    def __init__(self, memory: Memory, writer: str) -> None:
        self._memory = memory
        self._writer = writer
        self._now: Written | None = None

    def head(self, client: Blocking, epoch: str) -> Head:
        """Where to go on in this epoch."""
        known = self._now or self._memory.chain(self._writer)
        part = known.part if known else 1
        head = self._read(client, part)
        if known and _lost(known, head, epoch):
            part, head = self._unused(client, part)
        if self._now is None or (self._now.part, self._now.epoch) != (part, epoch):
            self._memory.keep_chain(self._writer, Written(part, epoch, None))
        self._now = Written(part, epoch, head.seq)
        return head

    def gave(self, refs: Sequence[Ref]) -> None:
        """These, the last of them the highest, were given to somebody."""
        if refs and self._now is not None:
            self._now = replace(self._now, last=int(refs[-1].rpartition("-")[2]))

    def close(self) -> None:
        """Remember how far it came, so that who goes on under this name can tell whether all of it is there."""
        if self._now is not None:
            self._memory.keep_chain(self._writer, self._now)

    def _unused(self, client: Blocking, part: int) -> tuple[int, Head]:
        while True:
            part += 1
            if (head := self._read(client, part)).seq == 0:
                return part, head

    def _read(self, client: Blocking, part: int) -> Head:
        name = self._writer if part == 1 else f"{self._writer}.{part}"
        found = client.hget(f"{PREFIX}heads", name)
        seq, last = unpacked(found) if found else (0, GENESIS)
        return Head(name, int(seq), last)


def _lost(known: Written, head: Head, epoch: str) -> bool:
    """Whether numbers may have been given out that the data do not know; of a process that was killed the last is not known."""
    return known.epoch != epoch if known.last is None else head.seq < known.last
