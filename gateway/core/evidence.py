"""One event per decision, outcome and change of a person's state, chained by hash; no address, no content (R-FR-90).

An entry's hash is `sha256(previous hash || writer || seq || body)`, the body being the event's canonical JSON. Pure: who numbers
and stores entries is the journal's business. Nothing in here is personal beyond a key, so erasing a person touches no chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from itertools import compress
from json.encoder import encode_basestring as quote
from operator import add, attrgetter
from typing import Protocol

GENESIS = bytes(32)
"""What the first entry of a chain, number 1, follows."""


class Kind(StrEnum):
    """What an event tells."""

    DECISION = "decision"
    ATTEMPT = "attempt"
    OUTCOME = "outcome"
    OPPOSITION = "opposition"
    LIFT = "lift"
    CONSENT = "consent"
    WITHDRAWAL = "withdrawal"
    TOOL = "tool"
    POLICY = "policy"
    IMPORT = "import"
    EXPORT = "export"
    LOOK = "look"
    KEPT = "kept"
    TRANSFER = "transfer"
    PARTNER_LIST = "partner-list"
    STREAM = "stream"
    ENROLMENT = "enrolment"
    ERASURE = "erasure"
    RETENTION = "retention"
    NOTICE = "notice"
    ACT = "act"
    RETURN = "return"
    TASK = "task"
    PROPAGATION = "propagation"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, in words that name no one: `person` is a key in hex, `message` and `body` are SHA-256 in hex.

    `about` is the reference of an earlier entry; `policy` is `pack@version#hash8`; `template` a template hash. `stand` is the
    book's when a decision read it and `setup` the label of the stream's configuration: with them the same verdict can be had again.
    """

    at: datetime
    kind: Kind
    outcome: str
    tool: str = ""
    stream: str = ""
    advertiser: str = ""
    category: str = ""
    person: str = ""
    reason: str = ""
    rules: tuple[str, ...] = ()
    basis: str = ""
    policy: str = ""
    template: str = ""
    message: str = ""
    body: str = ""
    door: str = ""
    about: str = ""
    detail: str = ""
    stand: str = ""
    setup: str = ""


_NAMES = tuple(sorted(field.name for field in fields(Event) if field.name not in ("at", "rules")))
_KEYS = tuple(f'"{name}":' for name in _NAMES)
_TEXTS = attrgetter(*_NAMES)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical(event: Event) -> bytes:
    """The one JSON form of an event: UTF-8, keys sorted, no spaces, empty fields left out, time in UTC to the microsecond."""
    since = (event.at if event.at.tzinfo is UTC else event.at.astimezone(UTC)) - _EPOCH
    texts = _TEXTS(event)
    parts: list[str] = list(map(add, compress(_KEYS, texts), map(quote, filter(None, texts))))
    parts.append(f'"at":"{_second(since.days, since.seconds)}.{str(since.microseconds).zfill(6)}Z"')
    if event.rules:
        parts.append(_rules(event.rules))
    parts.sort()
    return ("{" + ",".join(parts) + "}").encode("utf-8", "backslashreplace")  # a lone surrogate turns into its JSON escape


@lru_cache(maxsize=64)
def _second(days: int, seconds: int) -> str:
    return (_EPOCH + timedelta(days, seconds)).replace(tzinfo=None).isoformat()


@lru_cache(maxsize=256)
def _rules(rules: tuple[str, ...]) -> str:
    return '"rules":[' + ",".join([quote(rule) for rule in rules]) + "]"


def parse_event(body: bytes) -> Event | None:
    """The event a journal body tells, or None where it is not the canonical form of one."""
    event = read_event(body)
    try:
        return event if event is not None and canonical(event) == body else None
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def read_event(body: bytes) -> Event | None:
    """The same without the proof that it is canonical, for counting what `verify` proves apart."""
    try:
        told = {"outcome": "", **json.loads(body)}
        told["at"] = datetime.fromisoformat(told["at"])
        told["kind"] = Kind(told["kind"])
        told["rules"] = tuple(told.get("rules", ()))
        return Event(**told)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def instant(at: datetime) -> bytes:
    """An instant as canonical bodies write it; such texts sort as the instants do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def written(body: bytes, name: str) -> bytes:
    """One plain field as it stands in a canonical body, read without the rest; empty where it is not there.

    For fields whose text is never escaped: `at`, `person`. Inside another field's text the quotes would be.
    """
    mark = b'"%b":"' % name.encode()
    place = body.find(mark)
    start = place + len(mark)
    return b"" if place < 0 else body[start : body.find(b'"', start)]


def link(previous: bytes, writer: str, seq: int, body: bytes) -> bytes:
    """The hash of an entry; lengths go in, so that no two entries read the same."""
    name = writer.encode("utf-8", "surrogatepass")
    return sha256(b"%b%d:%b:%d:%b" % (previous, len(name), name, seq, body)).digest()


class EntryLike(Protocol):
    """An entry as any store keeps it."""

    @property
    def writer(self) -> str:
        """Whose chain it is in."""

    @property
    def seq(self) -> int:
        """Its number there, from 1 on."""

    @property
    def body(self) -> bytes:
        """The event's canonical JSON."""

    @property
    def hash(self) -> bytes:
        """What `link` gave when it was written."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and why."""

    writer: str
    seq: int
    why: str


class ChainCheck:
    """Checks entries as they stream by, each writer's in order of number, against heads (writer, seq, hash) exported earlier."""

    def __init__(self, heads: Iterable[tuple[str, int, bytes]] = ()) -> None:
        self._last: dict[str, tuple[int, bytes]] = {}
        self._heads: dict[tuple[str, int], set[bytes]] = {}
        for writer, seq, head in heads:
            self._heads.setdefault((writer, seq), set()).add(head)

    def see(self, entry: EntryLike) -> Break | None:
        """The first thing wrong with this entry; the check goes on from what the entry says."""
        seq, previous = self._last.get(entry.writer, (0, GENESIS))
        self._last[entry.writer] = entry.seq, entry.hash
        exported = self._heads.pop((entry.writer, entry.seq), {entry.hash})
        if entry.seq > seq + 1:
            return Break(entry.writer, entry.seq, f"entries {seq + 1} to {entry.seq - 1} before it are missing")
        if entry.seq != seq + 1:
            return Break(entry.writer, entry.seq, f"comes after entry {seq}")
        if link(previous, entry.writer, entry.seq, entry.body) != entry.hash:
            return Break(entry.writer, entry.seq, "changed, or does not follow the entry before it")
        if exported != {entry.hash}:
            return Break(entry.writer, entry.seq, "differs from the exported head")
        return None

    def end(self) -> list[Break]:
        """The exported heads that never came by."""
        return [Break(writer, seq, "cut off: an exported head names it") for (writer, seq) in self._heads if seq > 0]


def verify(entries: Iterable[EntryLike], heads: Iterable[tuple[str, int, bytes]] = ()) -> list[Break]:
    """Every break in these entries: an edit, a deletion, a swap, an insertion, a tail cut behind an exported head (R-DP-21)."""
    check = ChainCheck(heads)
    return [found for entry in entries if (found := check.see(entry))] + check.end()
