"""What a journey asks the book to change, as values: the store writes them in one commit with the journal events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.model import Block, Consent, NoticeGiven, Opposition, PersonKey, Scope, Tool


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
    """File a consent record with the person's encrypted address; earlier records of the person stay as history."""

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
    """Put a note about an opposition into the outbox for one partner; delivered until acknowledged (R-FR-35)."""

    partner: str
    person: PersonKey
    advertiser: str
    scope: Scope
    at: datetime


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


Change = Oppose | Lift | Learn | Withdraw | GiveNotice | Accept | KeepOwnUnsubscribe | Tell | Enlist | KeepForPerson

FACTUAL = (Oppose, Lift, Learn, Withdraw, GiveNotice)
"""The changes after which facts may read otherwise."""
