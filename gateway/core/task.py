"""What waits for a person: a rights request, an answer nobody could read for sure, a partner to be told by hand. Nouns only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.core.model import PersonKey


class TaskKind(StrEnum):
    """Why a person must look."""

    RIGHTS = "rights"
    UNCLEAR = "unclear"
    PARTNER = "partner"
    PROVIDER = "provider"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do, with its date (R-FR-58, R-FR-59, R-FR-61). `id` is 16 random hexadecimal characters.

    `person` is empty where nobody in particular is meant. `asks` are rights (`access`, ...) or other closed words; `note` says what
    to do and names nobody. `sealed` is the mail or text it came from, encrypted, empty where there is none. `told_at` is when the
    person was told that it takes longer; `outcome` is empty while it is open.
    """

    id: str
    kind: TaskKind
    person: PersonKey
    advertiser: str
    stream: str
    asks: tuple[str, ...]
    note: str
    opened_at: datetime
    due_at: datetime
    sealed: bytes = b""
    reminded_at: datetime | None = None
    told_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    outcome: str = ""

    @property
    def open(self) -> bool:
        """Whether it still waits."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True)
class SoftRun:
    """Temporary failures of one address towards one advertiser without a break (R-MBX-15)."""

    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail kept for a person to read."""

    id: int
    mailbox: str
    sealed_mail: bytes
    at: datetime
