"""What a decision says: allowed with which words, refused for which reason, or not to be decided now. Nouns only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.record import Basis


class Reason(StrEnum):
    """The token of a refusal, the same in SMTP, API, CLI, pages and evidence (rules.md C6)."""

    OPPOSED = "OPPOSED"
    COMPLAINED = "COMPLAINED"
    RESTRICTED = "RESTRICTED"
    BOUNCED = "BOUNCED"
    PENDING = "PENDING"
    MINOR = "MINOR"
    NO_CONSENT = "NO-CONSENT"
    CONSENT_WITHDRAWN = "CONSENT-WITHDRAWN"
    CONSENT_UNPROVEN = "CONSENT-UNPROVEN"
    IMPLIED_EXPIRED = "IMPLIED-EXPIRED"
    DOI_PENDING = "DOI-PENDING"
    PURPOSE = "PURPOSE"
    SENSITIVE = "SENSITIVE"
    B2B_RELEVANCE = "B2B-RELEVANCE"
    UNKNOWN_RECIPIENT = "UNKNOWN-RECIPIENT"
    SOURCE_MISSING = "SOURCE-MISSING"
    PARTNER_NOT_NAMED = "PARTNER-NOT-NAMED"
    TRANSFER_BEFORE_CONSENT = "TRANSFER-BEFORE-CONSENT"
    NOTICE_OVERDUE = "NOTICE-OVERDUE"
    NOTICE_INCOMPLETE = "NOTICE-INCOMPLETE"
    INACTIVE = "INACTIVE-3Y"
    POSTAL_ADDRESS = "POSTAL-ADDRESS"
    IDENTITY = "IDENTITY"
    CATEGORY = "CATEGORY"
    STREAM_PAUSED = "STREAM-PAUSED"
    STORE_DOWN = "STORE-DOWN"


class Due(StrEnum):
    """Which words about origin a permitted marketing message must carry besides identity and opt-out."""

    NONE = "none"
    SOURCE_LINE = "source-line"
    FULL_NOTICE = "full-notice"


@dataclass(frozen=True, slots=True)
class Allow:
    """The message may leave: on this basis, with these words due, for these rules.

    `tracking` says that the person consented to trackers (R-FR-76). `list_version` is the collector's partner list this mail shows
    for the first time, `news` the partners in it the person has not been told of (R-FR-24, R-FR-25); both empty where none is due.
    """

    basis: Basis
    rules: tuple[str, ...]
    due: Due
    source: str
    tracking: bool = False
    list_version: str = ""
    news: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message must not leave; `floor` marks a refusal that even monitor mode keeps (a recorded opposition)."""

    reason: Reason
    rules: tuple[str, ...]
    floor: bool


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nobody may guess now: the facts could not be read (R-FR-01), or the stream is paused (R-MBX-10)."""

    reason: Reason
    rules: tuple[str, ...]


Verdict = Allow | Refuse | Undecided
