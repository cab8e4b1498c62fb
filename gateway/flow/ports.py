"""What the journeys need from the world, as Protocols; two stores and the test rooms implement them.

Every method may raise `Unavailable`, and nothing else, when its outside thing fails; the journeys turn that into 451 or 503.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.core.change import Change
from gateway.core.evidence import Event
from gateway.core.model import Features, Outcome, PersonKey, Ref, Tool
from gateway.core.record import (
    ApiKey,
    Arrangements,
    Consent,
    Enrolment,
    Facts,
    NoticeGiven,
    Opposition,
    Ruling,
    Transfer,
    Who,
)
from gateway.core.task import Task

T = TypeVar("T")


class Unavailable(Exception):
    """An outside thing cannot be read or written now; `what` names it without any personal data."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look into the book: the facts in the order asked for, and the `stand` and `has_hashes` that were true with them.

    `arranged` is the stand at which the arrangements last changed, where a store tells it; None where they may have at any.
    """

    facts: Sequence[Facts]
    stand: int
    hashes: bool
    arranged: int | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened to a stream's mail at one mailbox provider within one hour."""

    stream: str
    provider: str
    what: str
    hour: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A record that no longer counts, and when it ceased to: lifted, withdrawn or replaced."""

    record: Consent | Opposition
    at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is stored about one person; `sealed_address` is the newest one, empty where none is kept.

    `consents` and `oppositions` are those that stand; withdrawn and lifted ones are in `ended`, each record in one place only.
    """

    consents: tuple[Consent, ...]
    oppositions: tuple[Opposition, ...]
    ended: tuple[Ended, ...]
    notices: tuple[NoticeGiven, ...]
    transfers: tuple[Transfer, ...]
    enrolments: tuple[Enrolment, ...]
    acts: tuple[tuple[str, datetime], ...]
    own_unsubscribe: tuple[str, ...]
    untold: tuple[str, ...]
    sealed_address: bytes
    tasks: tuple[Task, ...] = ()


class Book(Protocol):
    """People, oppositions, consents, notices, tools: the state, and the one door by which it changes."""

    async def facts(self, advertiser: str, who: Sequence[Who]) -> Sequence[Facts]:
        """What is recorded about each, in order, in one batched read; oppositions of any of a person's keys count."""

    async def read(self, advertiser: str, who: Sequence[Who]) -> Reading:
        """`facts` with the stand they rest on: what changes after this read, or during it, moves `stand`."""

    async def stand(self) -> int:
        """A number that changes with every change of what `facts` may answer: while it stands, so does what was read since."""

    async def accepted(self, keys: Sequence[bytes], since: datetime) -> frozenset[bytes]:
        """Those delivery keys already accepted since then."""

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """Write events and changes in one durable, atomic commit and return the events' references, in order."""

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """`commit`, begun at once and to be awaited later: posts take effect in their order, a failure waits for who awaits it.

        Nothing that rests on the write may be answered before it was awaited. Never awaited, it still happens.
        """

    async def tool(self, name: str) -> Tool | None:
        """The tool of that name, revoked ones included."""

    async def tools(self) -> Sequence[Tool]:
        """Every tool."""

    async def oppositions(self, person: PersonKey | None = None) -> Sequence[Opposition]:
        """The oppositions of one person, or of everyone."""

    async def consents(self, person: PersonKey | None = None, advertiser: str = "") -> Sequence[tuple[Consent, bytes]]:
        """Consent records with their sealed addresses and whole proof, withdrawn ones included, oldest first."""

    def register(self, advertiser: str = "") -> AsyncIterator[tuple[Consent, bytes]]:
        """`consents` of everybody, streamed in pages and ordered by person: for exports and the daily job."""

    async def arrangements(self) -> Arrangements:
        """Published partner lists and paused streams; both move `stand` when they change."""

    async def facts_at(self, advertiser: str, who: Who, stand: int) -> Facts | None:
        """The facts as they were read at an earlier stand; None where part of them has been erased since."""

    async def stand_at(self, at: datetime) -> int:
        """The last stand at that time, and the arrangements' with it; 0 before the first change."""

    async def arrangements_at(self, stand: int) -> Arrangements:
        """`arrangements` as they were at an earlier stand."""

    async def ruling(self, label: str) -> Ruling | None:
        """The adopted text of that label."""

    async def rulings(self, kind: str = "") -> Sequence[Ruling]:
        """Adopted texts, oldest first."""

    async def transfers(self, person: PersonKey | None = None, partner: str = "") -> Sequence[Transfer]:
        """To whom data were passed, oldest first."""

    async def enrolment(self, digest: bytes) -> Enrolment | None:
        """A sign-up by the digest of its token."""

    async def enrolments(self, person: PersonKey | None = None) -> Sequence[Enrolment]:
        """Sign-ups of one person or of everyone, oldest first."""

    async def tallies(self, since: datetime) -> Sequence[Tally]:
        """Hourly counts since then."""

    async def api_key(self, name: str) -> ApiKey | None:
        """The API key of that name, ended ones included."""

    async def api_keys(self) -> Sequence[ApiKey]:
        """Every API key."""

    async def dossier(self, person: PersonKey) -> Dossier:
        """Everything the book holds about one person, ended records included (GDPR 15)."""

    async def leftovers(self, accepted_before: datetime, kept_before: datetime) -> tuple[int, int]:
        """How many delivery keys and kept mails a `Sweep` of these instants would erase."""

    async def compact(self) -> None:
        """Make what was erased unreadable in the files too (R-DP-10); takes as long as the tables it was erased from are large."""

    async def has_hashes(self) -> bool:
        """Whether any opposition came in as a foreign hash, so that recipients must be looked up under theirs too."""

    async def own_unsubscribe(self, person: PersonKey, stream: str) -> bytes | None:
        """The sealed List-Unsubscribe a tool had put for this person."""

    async def touch_probe(self, now: datetime) -> None:
        """Write the self-test's mark durably: proves that an opposition could be recorded now."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One journal row as stored: `body` is the event's canonical JSON, exactly the bytes that were hashed."""

    writer: str
    seq: int
    body: bytes
    hash: bytes


class Journal(Protocol):
    """The evidence, to be read: writing goes through `Book.commit` so that state and evidence never part."""

    def entries(self, writer: str = "", after: int = 0) -> AsyncIterator[Entry]:
        """Entries in order of writer and number, streamed."""

    async def entry(self, ref: Ref) -> Entry | None:
        """The entry a reply's reference names."""

    async def of_person(self, person: PersonKey) -> Sequence[Entry]:
        """One person's entries, oldest first."""

    async def heads(self) -> Sequence[tuple[str, int, bytes]]:
        """(writer, last number, last hash) of each chain: what is exported and kept elsewhere."""

    async def trim(self, writer: str, upto: int) -> None:
        """Forget the entries up to this number, which are archived and verified; a chain's last two stay, it goes on from them."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the tool said about a message: DSN parameters are kept as given, empty where not given (RFC 3461).

    `slip` is written by ourselves on own mail, for its delivery to read; it never goes on the wire.
    """

    tool: str
    stream: str
    sender: str
    smtputf8: bool
    eight_bit: bool
    ret: str = ""
    envid: str = ""
    slip: str = ""


@dataclass(frozen=True, slots=True)
class Addressee:
    """One accepted recipient: `address` as it goes on the wire, NOTIFY and ORCPT as given."""

    address: str
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One spooled (message, recipient) due for an attempt; `message` is the tool's bytes, untouched."""

    id: int
    message_id: int
    envelope: Envelope
    addressee: Addressee
    message: bytes
    attempts: int
    accepted_at: datetime
    expires_at: datetime
    decision: Ref


class Spool(Protocol):
    """Mail this node owns until it is delivered, failed or dropped; local to the node, durable before 250."""

    async def keep(
        self, envelope: Envelope, message: bytes, to: Sequence[tuple[Addressee, Ref]], due: datetime, expires: datetime
    ) -> None:
        """Own one message for these recipients: body and rows in one durable commit."""

    async def due(self, now: datetime, limit: int) -> Sequence[Parcel]:
        """Lease up to `limit` rows whose time has come; a lease dies with the process."""

    async def settle(self, parcel: Parcel) -> None:
        """Forget a row that reached its end; the body goes with the last row."""

    async def postpone(self, parcel: Parcel, due: datetime) -> None:
        """Count an attempt, free the lease and set the next time."""

    async def depth(self) -> int:
        """How many rows wait."""

    async def next_due(self) -> datetime | None:
        """When the earliest row without a lease comes due; None when nothing waits."""

    def free_bytes(self) -> int:
        """Room left on the spool's disk."""


Still = Callable[[], Awaitable[bool]]
"""Whether a message may leave even now; where it may not, the attempt ends `withdrawn`."""


class Provider(Protocol):
    """One next hop: pooled, pipelined; never raises, a failure is an Outcome."""

    async def features(self) -> Features | Outcome:
        """What it announced, or why it cannot be reached; connects if it never did."""

    async def deliver(
        self,
        sender: str,
        addressee: Addressee,
        envelope: Envelope,
        body: Sequence[bytes | memoryview],
        still: Still | None = None,
    ) -> Outcome:
        """One transaction for one recipient; `body` goes out byte for byte, dot-stuffed only. Empty sender is `<>`.

        `still` is asked when a connection is free, right before DATA is said: the wait for it may be long (reliability 1.5).
        """


class Vault(Protocol):
    """Seals what must be readable again (addresses, kept mail) with a key that is not in the store."""

    def seal(self, plain: bytes) -> bytes:
        """Encrypt (AES-GCM-SIV)."""

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; raises Unavailable when the key does not fit."""


class Compute(Protocol):
    """Runs pure functions off the loop."""

    async def __call__(self, size: int, function: Callable[[], T]) -> T:
        """The function's value; small sizes run at once, large ones in a thread."""

    async def apart(self, function: Callable[[], T]) -> T:
        """The value of a function that takes long whatever its size, always from a thread."""


class SignatureCheck(Protocol):
    """The sampled self-check of our signatures before sending (R-STD-45)."""

    def due(self) -> bool:
        """Whether the next message is sampled."""

    def verify(self, chunks: Sequence[bytes | memoryview]) -> bool:
        """Whether the signatures of a finished message verify under our public keys; slow, call it off the loop."""


class OptOutHealth(Protocol):
    """Whether the opt-out works as seen from outside (R-FR-52)."""

    @property
    def healthy(self) -> bool:
        """False: marketing mail waits."""


class Meter(Protocol):
    """Counts what happens, in few and closed labels: rule tokens, doors, stream names; never a person."""

    def decided(self, stream: str, reason: str) -> None:
        """One RCPT decision; `reason` is empty for an allowed recipient."""

    def delivered(self, upstream: str, fate: str, seconds: float) -> None:
        """One attempt at a provider."""

    def opposed(self, door: str, seconds: float) -> None:
        """One opposition recorded, and how long recording took."""

    def answered(self, code: int, seconds: float) -> None:
        """One end of data answered to a tool."""


class Log(Protocol):
    """One line a mail event, in JSON; values never hold an address, a subject or a secret."""

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """Write the line."""
