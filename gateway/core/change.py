"""What a journey asks the book to change, as values: the store writes them in one commit with the journal events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.model import PersonKey, Tool
from gateway.core.record import ApiKey, Block, Consent, Enrolment, NoticeGiven, Opposition, PartnerList, Ruling, Scope, Transfer
from gateway.core.task import SoftRun, Task


class Errand(StrEnum):
    """Who is to be told of an opposition: a partner by its name, or the tool of a stream by its own List-Unsubscribe."""

    PARTNER = "partner"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Oppose:
    """File an opposition; filing it again keeps the earliest date and is not an error.

    `foreign_hash` says that its key was made from another list's hash: recipients must then be looked up under their hashes too.
    """

    opposition: Opposition
    foreign_hash: bool = False


@dataclass(frozen=True, slots=True)
class Lift:
    """Remove exactly one opposition by a recorded correction or a fresh act of the person."""

    person: PersonKey
    block: Block
    scope: Scope
    advertiser: str
    stream: str


@dataclass(frozen=True, slots=True)
class Learn:
    """File a consent record with the person's encrypted address; earlier records of the person stay as history.

    One that says the same as the newest of its kind, but that it was withdrawn, ends that one (R-FR-45).
    """

    consent: Consent
    sealed_address: bytes


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Mark the person's usable consents for this advertiser withdrawn; an empty purpose means every purpose (R-FR-45)."""

    person: PersonKey
    advertiser: str
    purpose: str
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveNotice:
    """Remember that a first-contact notice left."""

    notice: NoticeGiven


@dataclass(frozen=True, slots=True)
class TakeBackNotice:
    """Unsay that a notice was given: the mail it was in came back (R-FR-31); one given at another time stays."""

    notice: NoticeGiven


@dataclass(frozen=True, slots=True)
class Accept:
    """Remember a delivered (tool, Message-ID, recipient, body) key so that a resend within 24 h is not mailed twice."""

    key: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class KeepOwnUnsubscribe:
    """Remember the List-Unsubscribe a tool had put for a person in a stream (the latest wins), encrypted (R-FR-51)."""

    person: PersonKey
    stream: str
    sealed_header: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """Put a note about an opposition into the outbox; delivered until acknowledged (R-FR-35).

    `partner` is a partner's name, or for the tool the stream's (R-FR-51). The person's sealed address is kept with the note until
    it has ended, so that an erasure meanwhile does not stop it.
    """

    partner: str
    person: PersonKey
    advertiser: str
    scope: Scope
    at: datetime
    errand: Errand = Errand.PARTNER


@dataclass(frozen=True, slots=True)
class NoteDone:
    """A note reached its end: acknowledged with this receipt (no personal data), or given up, which the receipt then says."""

    note: int
    at: datetime
    receipt: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class TryAgain:
    """A note was not acknowledged: when to try next, and what was said, in closed words."""

    note: int
    due: datetime
    said: str


@dataclass(frozen=True, slots=True)
class Alarmed:
    """The admin, then the DPO, was alarmed about a note: 24 or 72 hours (R-FR-36)."""

    note: int
    hours: int


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Give a person something to do, or replace the task of the same id: reminded, told, closed."""

    task: Task


@dataclass(frozen=True, slots=True)
class KeepRoutes:
    """Remember where answers and failures for a person's mail in a stream go, encrypted; the latest wins (R-STD-56)."""

    person: PersonKey
    stream: str
    sealed: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class NoteSoft:
    """Set a person's run of temporary failures towards an advertiser; None ends it (R-MBX-15)."""

    person: PersonKey
    advertiser: str
    run: SoftRun | None


@dataclass(frozen=True, slots=True)
class Remember:
    """Remember that something was done once: an event taken, an acknowledgement sent; for 100 days, the latest time counts."""

    key: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class MoveCursor:
    """Remember how far a mailbox or a provider's list has been read."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Forget a kept mail that a person has dealt with."""

    kept: int


@dataclass(frozen=True, slots=True)
class NotePassing:
    """Register that a person's data go to a partner; written before they leave (R-FR-20)."""

    transfer: Transfer


@dataclass(frozen=True, slots=True)
class Publish:
    """Add a version to a collector's partner lists; a version that exists is never changed (R-FR-24)."""

    list: PartnerList


@dataclass(frozen=True, slots=True)
class Pause:
    """Let a stream's mail wait until it is resumed (R-MBX-10)."""

    stream: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Resume:
    """End a stream's pause."""

    stream: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Keep a text that verdicts rest on from now on; the latest of its kind and name again changes nothing (R-FR-86)."""

    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Stir:
    """Remember an act of the person themselves towards an advertiser; the latest counts (R-FR-80, R-FR-81)."""

    person: PersonKey
    advertiser: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Enrol:
    """Keep a sign-up until it is confirmed or expires, or replace the one of the same id (R-FR-43)."""

    enrolment: Enrolment


@dataclass(frozen=True, slots=True)
class Disenrol:
    """Forget a sign-up, sealed address included."""

    id: bytes


@dataclass(frozen=True, slots=True)
class Forget:
    """Erase what identifies a person: records, notices, sign-ups, own unsubscribes, acts; an empty advertiser means every one's.

    Oppositions stay (R-DP-13); so do transfers, because the partners must still be told, and journal entries.
    """

    person: PersonKey
    advertiser: str = ""


@dataclass(frozen=True, slots=True)
class ForgetWithdrawn:
    """Erase a person's records that ended before an instant: their time as proof is over (R-FR-85).

    An empty advertiser means every one's.
    """

    person: PersonKey
    before: datetime
    advertiser: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """Add to an hourly tally of a stream: `what` is `delivered` or `complained`, `provider` a mailbox provider (R-MBX-10)."""

    stream: str
    provider: str
    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IssueKey:
    """Add an API key, or replace the record of the same name."""

    key: ApiKey


@dataclass(frozen=True, slots=True)
class Enlist:
    """Add a tool, or replace the record of the same name."""

    tool: Tool


@dataclass(frozen=True, slots=True)
class KeepForPerson:
    """Keep a mail that a human must read (postmaster@, abuse@), encrypted (R-STD-71)."""

    mailbox: str
    sealed_mail: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Sweep:
    """Erase technical leftovers: delivery keys accepted before an instant, and mail kept for a human before another (R-DP-10)."""

    accepted_before: datetime
    kept_before: datetime


Change = (
    Oppose
    | Lift
    | Learn
    | Withdraw
    | GiveNotice
    | TakeBackNotice
    | Accept
    | KeepOwnUnsubscribe
    | Tell
    | NotePassing
    | Publish
    | Pause
    | Resume
    | Adopt
    | Stir
    | Enrol
    | Disenrol
    | Forget
    | ForgetWithdrawn
    | Count
    | IssueKey
    | Enlist
    | KeepForPerson
    | Sweep
    | NoteDone
    | TryAgain
    | Alarmed
    | OpenTask
    | KeepRoutes
    | NoteSoft
    | Remember
    | MoveCursor
    | Discard
)

FACTUAL = (Oppose, Lift, Learn, Withdraw, GiveNotice, TakeBackNotice, Publish, Pause, Resume, Stir, Forget, ForgetWithdrawn)
"""The changes after which facts may read otherwise."""
