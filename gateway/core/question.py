"""What a decision is asked and what its rooms pass on to each other: the question, the ground one record gives, a refusal.

Nouns and the smallest verbs only; the order of judgement is `decide`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gateway.core.address import Address
from gateway.core.model import Stream
from gateway.core.policy import Policy
from gateway.core.record import NO_ARRANGEMENTS, Arrangements, Basis, Consent, Facts, NoticeKind
from gateway.core.verdict import Due, Reason, Refuse

# From the refusal nearest to a permission to the farthest: what lacks least is what a person can act on first.
NEAREST = (
    Reason.NOTICE_INCOMPLETE,
    Reason.NOTICE_OVERDUE,
    Reason.DOI_PENDING,
    Reason.TRANSFER_BEFORE_CONSENT,
    Reason.PARTNER_NOT_NAMED,
    Reason.CONSENT_WITHDRAWN,
    Reason.CONSENT_UNPROVEN,
    Reason.IMPLIED_EXPIRED,
    Reason.B2B_RELEVANCE,
    Reason.SENSITIVE,
    Reason.PURPOSE,
    Reason.SOURCE_MISSING,
    Reason.NO_CONSENT,
)
_NOBODY_KNOWS = frozenset({"", "unknown", "inconnu", "inconnue", "n/a", "na", "none", "null", "?", "-"})


@dataclass(frozen=True, slots=True)
class Question:
    """One message's addressee; `missing_notice` are the first-contact notice's fields that the stream has not configured."""

    stream: Stream
    address: Address
    missing_notice: tuple[str, ...]
    now: datetime
    arrangements: Arrangements = NO_ARRANGEMENTS


class Ground(NamedTuple):
    """That one record carries the message: on which basis, by which rules, with which words due."""

    basis: Basis
    rules: tuple[str, ...]
    due: Due
    source: str


def refuse(policy: Policy, reason: Reason, rules: tuple[str, ...]) -> Refuse:
    """A refusal that no monitor mode need keep, citing the rules the pack applies."""
    return Refuse(reason, policy.cited(rules), floor=False)


def source_unknown(source: str) -> bool:
    """Whether nobody knows where an address came from (R-FR-28)."""
    return source.strip().casefold() in _NOBODY_KNOWS


def withdrawn(consent: Consent, records: Sequence[Consent], purpose: str) -> bool:
    """R-FR-45: withdrawn itself, or not collected after a withdrawal of its own purpose or of the stream's, for what it covers."""
    if consent.withdrawn_at is not None:
        return True
    ends = [
        other.withdrawn_at
        for other in records
        if other.withdrawn_at and other.covers is consent.covers and other.purpose in (purpose, consent.purpose)
    ]
    if not ends:
        return False
    return consent.collected_at is None or consent.collected_at <= max(ends)


def nearest(refusals: Iterable[Refuse]) -> Refuse:
    """The refusal nearest to a permission."""
    return min(refusals, key=lambda refusal: NEAREST.index(refusal.reason))


def informed(facts: Facts, consent: Consent) -> bool:
    """Whether a first-contact notice left for this advertiser and source; a bounced one was never recorded (R-FR-31)."""
    if consent.notice_sent_at is not None:
        return True
    return any(
        notice.kind is NoticeKind.FIRST_CONTACT and notice.advertiser == consent.advertiser and notice.source == consent.source
        for notice in facts.notices
    )
