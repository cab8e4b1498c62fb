"""A store as a stream of rows that both kinds of store can tell and take: what a copy moves, and what two stores are compared by.

Rows have the columns of the tables in `schema`, but for what is made of something else there: a wording stands in its records, an
entry's time and person in its body, a ruling's number is its place. What is no state is left out: leases, epochs, the probe's mark,
what a compaction still has to do. Knows no store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from gateway.edges.store.marks import FOREIGN_HASH, HISTORY, STAND
from gateway.edges.store.rows import CONSENT_COLUMNS, OPPOSITION_COLUMNS
from gateway.flow.ports import Unavailable

Cell = int | str | bytes | None
Row = tuple[Cell, ...]
Batch = tuple[str, Sequence[Row]]
"""A table's name and some of its rows."""

_NOTICE = "person, advertiser, kind, source, at, template, since"
_ACT = "person, advertiser, at, since"
_PAUSE = "stream, at, why, since"
_NOTE = "id, partner, person, advertiser, scope, at, errand, attempts, said, alarmed"

TABLES: Mapping[str, str] = {
    "mark": "name, at",
    "stood": "stand, at",
    "tool": "name, secret_sha256, streams, refusal, created_at, revoked_at",
    "api_key": "name, secret_sha256, may, advertisers, created_at, expires_at, revoked_at",
    "ruling": "row_number() OVER (ORDER BY id), kind, name, label, text, at, author, reason",
    "partner_list": "id, collector, version, at, partners, reason, since",
    "pause": _PAUSE,
    "pause_past": f"{_PAUSE}, until",
    "opposition": f"{OPPOSITION_COLUMNS}, since",
    "opposition_past": f"{OPPOSITION_COLUMNS}, since, until",
    "consent": f"{CONSENT_COLUMNS}, proof, sealed_address, id, since, ended",
    "notice": _NOTICE,
    "notice_past": f"{_NOTICE}, until",
    "act": _ACT,
    "act_past": f"{_ACT}, until",
    "erased": "person, advertiser, stand",
    "transfer": "id, person, collector, partner, purpose, list_version, at",
    "enrolment": "id, person, stream, consents, sealed_address, asked_at, expires_at, reminded_at, confirmed_at",
    "own_unsubscribe": "person, stream, sealed_header, at",
    "routes": "person, stream, sealed, at",
    "soft_run": "person, advertiser, count, first, last",
    "outbox": f"{_NOTE}, due_at, sealed_address",
    "told": f"{_NOTE}, told_at, receipt, done",
    "task": "id, kind, person, advertiser, stream, asks, note, opened_at, due_at, reminded_at, told_at, closed_at, closed_by,"
    " outcome, forgotten, sealed",
    "kept": "id, mailbox, sealed_mail, at",
    "cursor": "name, value",
    "tally": "hour, stream, provider, what, count",
    "accepted": "key, at",
    "remembered": "key, at",
    "entry": "writer, seq, body, hash",
    "head": "writer, seq, hash",
}
"""Every table that is copied, in the order of a copy, and what of it: the columns as the embedded store asks for them."""

MARKS = (STAND, FOREIGN_HASH, HISTORY)
"""The marks that are state."""

ORIGIN = "origin"
"""Not a table of its own and not in any digest: rows (name, number) of `epoch:PLACE:NAME`, which say up to where the data hold what
nodes recorded in an epoch of the shared store, and of `node:...`, the nodes that are waited for. They lie among the marks of a file
and do nothing there; back in a shared store they let each node tell what the copy lacks, and only that."""

_MANY, _FEW = 1_000, 16
_BULKY = frozenset({"enrolment", "ruling", "partner_list", "task", "kept"})


def at_once(table: str) -> int:
    """How many rows of a table are in memory at a time: few of those that may hold a whole mail."""
    return _FEW if table in _BULKY else _MANY


@dataclass(frozen=True, slots=True)
class Digest:
    """How many rows a table has, and what they are, whatever their order: the sum of their SHA-256."""

    rows: int
    sum: str


NOTHING = Digest(0, "0" * 64)


class Digests:
    """Adds up what it is shown, table by table."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()
        self.origin: set[Row] = set()

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Count these rows in. Their text in ASCII is the same everywhere, and of no two the same."""
        if table == ORIGIN:
            self.origin.update(rows)
            return
        self._rows[table] += len(rows)
        self._sums[table] += sum(int.from_bytes(sha256(ascii(row).encode()).digest(), "big") for row in rows)

    @property
    def rows(self) -> int:
        """How many rows so far."""
        return self._rows.total()

    def told(self) -> dict[str, Digest]:
        """The digest of each table that is copied, empty ones too."""
        return {name: Digest(self._rows[name], f"{self._sums[name] % 2**256:064x}") for name in TABLES}


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a store has come: its stand, and the heads of its chains."""

    stand: int
    heads: tuple[tuple[str, int, bytes], ...]


class Source(Protocol):
    """A store that is read from. Every method may raise `Unavailable`."""

    def count(self) -> int:
        """About how many rows there are, to show how far a copy is."""

    def batches(self) -> Iterator[Batch]:
        """Every row once, in batches that fit into memory."""

    def standing(self) -> Standing:
        """How far the store is now, whatever is being read."""

    def served(self) -> bool:
        """Whether a gateway is at work on it."""

    def close(self) -> None:
        """Let go."""


class Target(Protocol):
    """An empty store that is written to; nobody else can use it before `finish`."""

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Take these rows, whose table comes in the order of `TABLES` or not."""

    def written(self) -> Iterator[Batch]:
        """What was put, read back from where it will stay."""

    def finish(self) -> None:
        """Make it durable and let gateways in."""

    def abandon(self) -> None:
        """Leave nothing behind that could be taken for a store."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was read and what is there now; they differ in nothing but the tables in `differing`."""

    read: Mapping[str, Digest]
    written: Mapping[str, Digest]
    origin_kept: bool = True

    @property
    def differing(self) -> tuple[str, ...]:
        """The tables that did not arrive as they left."""
        return (*(name for name in TABLES if self.read[name] != self.written[name]), *((ORIGIN,) if not self.origin_kept else ()))


class Moved(Unavailable):
    """Somebody wrote to a store that nobody was to write to while it was copied."""


def copy(source: Source, target: Target, told: Callable[[int], None] = lambda _: None, *, still: bool = False) -> Copied:
    """Copy everything, read it back and compare; the target is opened to gateways only where nothing differs.

    `still`: nobody is to write to the source meanwhile. Raises `Moved`, and leaves no target, where somebody did.
    """
    done, read, before = 0, Digests(), source.standing()
    try:
        for table, rows in source.batches():
            read.add(table, rows)
            target.put(table, rows)
            done += len(rows)
            told(done)
        written = Digests()
        for table, rows in target.written():
            written.add(table, rows)
        copied = Copied(read.told(), written.told(), read.origin <= written.origin)
        if still and source.standing() != before:
            raise Moved("the store was written to while it was copied: stop every gateway, or say --live")
        if not copied.differing:
            target.finish()
            return copied
    except BaseException:
        target.abandon()
        raise
    target.abandon()
    return copied


def looking(batches: Iterable[Batch], look: Callable[[], None]) -> Iterator[Batch]:
    """The same, with a look at something else before each, which ends it where that raises."""
    for batch in batches:
        look()
        yield batch


def digest(batches: Iterable[Batch]) -> dict[str, Digest]:
    """The digest of each table."""
    found = Digests()
    for table, rows in batches:
        found.add(table, rows)
    return found.told()
