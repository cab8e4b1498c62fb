"""What the way back needs from the store besides the book: notes for partners and tools, tasks, routes, runs, cursors.

Everything is written through `Book.commit`, with the evidence; here it is read. Every method may raise `ports.Unavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.core.change import Errand
from gateway.core.model import PersonKey
from gateway.core.record import Scope
from gateway.core.task import Kept, SoftRun, Task
from gateway.flow.ports import Unavailable


@dataclass(frozen=True, slots=True)
class Note:
    """One outbox row: whom to tell (`errand`, and its name in `partner`) of which opposition; `sealed_address` may be empty.

    `attempts`, `due_at` and `said` tell how the last try went; `alarmed` for how many hours somebody was alarmed (0, 24, 72).
    `told_at` and `receipt` are set when it has ended, `done` says whether the other side acknowledged.
    """

    id: int
    partner: str
    person: PersonKey
    advertiser: str
    scope: Scope
    at: datetime
    errand: Errand = Errand.PARTNER
    sealed_address: bytes = b""
    attempts: int = 0
    due_at: datetime | None = None
    said: str = ""
    alarmed: int = 0
    told_at: datetime | None = None
    receipt: str = ""
    done: bool = False


class Outbox(Protocol):
    """What partners and tools must still be told; rows are put in by `Book.commit`, with the opposition."""

    async def pending(self, partner: str = "") -> Sequence[Note]:
        """Notes not yet ended, oldest first."""

    async def due(self, now: datetime, limit: int) -> Sequence[Note]:
        """Up to `limit` notes whose next try has come, oldest first."""

    async def next_due(self) -> datetime | None:
        """When the earliest note comes due; None when nothing waits."""

    async def receipts(self, since: datetime, partner: str = "") -> Sequence[Note]:
        """Notes that ended since then, oldest first."""


class Returns(Protocol):
    """What came back and what waits because of it."""

    async def tasks(self, *, closed: bool = False) -> Sequence[Task]:
        """Open tasks by their date; with `closed`, the ended ones too."""

    async def task(self, task: str) -> Task | None:
        """The task of that id."""

    async def routes(self, person: PersonKey, stream: str) -> bytes | None:
        """The sealed routes of a person's mail in a stream."""

    async def soft_run(self, person: PersonKey, advertiser: str) -> SoftRun | None:
        """The run of temporary failures that stands."""

    async def remembered(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """Those keys that were remembered since then."""

    async def cursor(self, name: str) -> str:
        """How far something was read; empty at the beginning."""

    async def kept(self, mailbox: str = "") -> Sequence[Kept]:
        """Mail kept for a person to read, oldest first."""


class Forbidden(Unavailable):
    """A URL that must not be asked: not https, or its host is not on the public internet (T17). Asking again is of no use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another house answered over https; `body` is cut where it is longer than anybody needs."""

    status: int
    body: bytes


class Outside(Protocol):
    """Other houses over https; never follows a redirect, never reaches into our own network (T17)."""

    async def get(self, url: str) -> Answer:
        """Ask; Forbidden for a URL that must not be asked, Unavailable where there is no answer."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Tell; the same failures."""
