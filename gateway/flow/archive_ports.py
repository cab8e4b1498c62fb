"""What the journeys need from the journal's archive: runs of a chain, written once, proven, read by number and by person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.evidence import Break
from gateway.core.model import PersonKey
from gateway.flow.ports import Entry, Unavailable


class Damaged(Unavailable):
    """Something in the archive is not what was put there; `what` names the object, and no person."""


@dataclass(frozen=True, slots=True)
class Run:
    """A contiguous part of one writer's chain, kept as one archive object.

    `before` is the hash that entry `first` follows, `hash` that of entry `last`; the digests are of the object's content and of its
    index, as they stand in the archive.
    """

    writer: str
    first: int
    last: int
    before: bytes
    hash: bytes
    earliest: datetime
    latest: datetime
    size: int
    digest: bytes
    index_size: int
    index_digest: bytes
    block: int
    blocks: int
    buckets: int

    @property
    def entries(self) -> int:
        """How many it holds."""
        return self.last - self.first + 1

    @property
    def label(self) -> str:
        """How a person calls it."""
        return f"{self.writer}-{self.first}..{self.last}"


class Sealing(Protocol):
    """A run that is being put together; nothing of it is in the archive before `Archive.keep`."""

    @property
    def entries(self) -> int:
        """How many it has."""

    async def add(self, entries: Sequence[Entry]) -> None:
        """Put these behind the others; they follow each other, and somebody has checked that they do."""


class Archive(Protocol):
    """The archive of a journal: written once, never changed. Raises `Unavailable`, and `Damaged` where bytes are not as written."""

    async def runs(self) -> Sequence[Run]:
        """What the newest manifest names, read anew, in order of writer and number: each chain from its entry 1 without a gap."""

    def begin(self, writer: str, first: int, before: bytes) -> Sealing:
        """A new run that goes on from what is archived."""

    async def found(self, writer: str, first: int) -> Sequence[Run]:
        """Whole objects from there on that an interrupted run left unnamed, longest first; the others are not told."""

    async def keep(self, sealing: Sealing) -> Run:
        """Store the run, read it back and prove it, octet by octet and hash by hash."""

    async def name(self, run: Run) -> None:
        """Write the manifest that names it: from now on it is archived. Fails where another one has been written meanwhile."""

    def entries(self, run: Run, after: int = 0) -> AsyncIterator[Entry]:
        """Its entries in order, each block proven by the hashes at its ends."""

    async def entry(self, run: Run, number: int) -> Entry:
        """One of its entries."""

    async def of_person(self, runs: Sequence[Run], person: PersonKey) -> Sequence[Entry]:
        """One person's entries in these runs."""

    def proven(self, run: Run) -> AsyncIterator[Entry | Break]:
        """Its entries, each octet of content and index checked against the manifest: what is found wrong comes instead."""
