"""The words for mail that comes back: what one message tells, and what that leads to. Nouns only; rooms beside this one read.

Reading never fails: bytes that make no sense are a signal too (`malformed`), which changes nothing for anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Told(StrEnum):
    """What a message that came back tells (R-STD-60)."""

    BOUNCE = "bounce"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    AUTH_FAILURE_REPORT = "auth_failure_report"
    AUTO_REPLY = "auto_reply"
    CHALLENGE_RESPONSE = "challenge_response"
    RECEIPT = "receipt"
    OPT_OUT = "opt_out"
    RIGHTS_REQUEST = "rights_request"
    HUMAN = "human"
    UNCLEAR = "unclear"
    MALFORMED = "malformed"


class Effect(StrEnum):
    """What follows: no more mail, none until a person has looked, a person looks, or nothing (R-FR-57, R-FR-58)."""

    SUPPRESS = "suppress"
    PAUSE = "pause"
    REVIEW = "review"
    NONE = "none"


class Right(StrEnum):
    """A right a person invokes, or what they ask (GDPR 13 to 21, 77); `source` is "where did you get my address"."""

    ACCESS = "access"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    PORTABILITY = "portability"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Reported:
    """One recipient a report speaks of: RFC 3463 status, whether the address is dead; None where the report does not tell.

    `original` is the recipient as we wrote it (Original-Recipient), empty where the report names only a final one.
    """

    address: str
    status: str = ""
    hard: bool | None = None
    original: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing a message tells. `why` names what decided, without any address or content.

    `tokens` are texts in the message shaped like tokens of ours, unchecked, the most trustworthy place first (R-STD-63, R-STD-65).
    `target` is the address, or the `@domain`, that a person asks to be left alone when it is not the one they write from.
    `provider` is who reports, as `core.provider_of` names it; `message_id` that of the mail of ours a report returns.
    """

    told: Told
    effect: Effect
    why: str
    confidence: float = 1.0
    reported: tuple[Reported, ...] = ()
    rights: tuple[Right, ...] = ()
    tokens: tuple[str, ...] = ()
    target: str = ""
    provider: str = ""
    message_id: str = ""
    machine: bool = False


Signals = tuple[Signal, ...]
"""What one message tells, the weightiest first; never empty."""
