"""How long one person's records are kept, and what their age asks for now: a question, patience, or an end (R-FR-80..85).

Pure: an instant comes in, a duty goes out. It sends no question and erases nothing; the daily job does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.duration import Duration
from gateway.core.lapse import ends, last_of
from gateway.core.policy import Policy
from gateway.core.record import Block, Consent, Facts, NoticeGiven, NoticeKind

_INSTANT = timedelta(microseconds=1)


class Step(StrEnum):
    """What a person's age in the register asks for."""

    KEEP = "keep"
    HOLD = "hold"
    ASK = "ask"
    WAIT = "wait"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Until:
    """When a record's time is over, and by which rule; `at` is None where nothing ends it."""

    at: datetime | None
    rule: str

    def over(self, now: datetime) -> bool:
        """Whether the time is over; at the very end of a term it is not yet."""
        return self.at is not None and self.at < now


@dataclass(frozen=True, slots=True)
class Duty:
    """What is due for one person and advertiser: the step, the rule behind it, and since when.

    `proof_over` are withdrawn records whose time as proof is over, `proof_kept` those that outlive an erasure, without address.
    """

    step: Step
    rule: str = ""
    since: datetime | None = None
    proof_over: tuple[Consent, ...] = ()
    proof_kept: tuple[Consent, ...] = ()

    @property
    def forget_before(self) -> datetime | None:
        """The instant before which withdrawn records ended that may go now."""
        ended = [consent.withdrawn_at for consent in self.proof_over if consent.withdrawn_at]
        return max(ended) + _INSTANT if ended else None


def until(policy: Policy, consent: Consent, last_act: datetime | None = None) -> Until:
    """When this record's time is over, were it alone; the person's acts count for records that still stand (R-FR-80, R-FR-83)."""
    if consent.withdrawn_at is not None:
        return Until(_end(policy, "R-FR-85", policy.book.proof_kept.after, consent.withdrawn_at), "R-FR-85")
    return _of_standing(policy, (consent,), last_act)


def standing(policy: Policy, consents: Sequence[Consent], last_act: datetime | None = None) -> Until | None:
    """When the time of the records that still stand is over, all of them together; None where none stands."""
    live = tuple(consent for consent in consents if consent.withdrawn_at is None)
    return _of_standing(policy, live, last_act) if live else None


def _of_standing(policy: Policy, live: Sequence[Consent], last_act: datetime | None) -> Until:
    """The very terms `lapse` judges by, so that nobody is forgotten who may still be written to.

    An opening is no act and never reaches `last_act` (R-FR-81).
    """
    end, rules = ends(policy, live, last_of(live, last_act))
    return Until(end, "R-FR-83" if "R-FR-83" in rules else "R-FR-80")


def due(policy: Policy, facts: Facts, now: datetime) -> Duty:
    """What one person's records with one advertiser ask for now; a restricted processing is left alone (GDPR 18, R-DP-15)."""
    if any(opposition.block is Block.RESTRICTED for opposition in facts.oppositions):
        return Duty(Step.HOLD, "R-DP-15")
    withdrawn = [consent for consent in facts.consents if consent.withdrawn_at is not None]
    over = tuple(consent for consent in withdrawn if until(policy, consent).over(now))
    kept = tuple(consent for consent in withdrawn if consent not in over)
    end = standing(policy, facts.consents, facts.last_act)
    if end is None:
        step = Step.FORGET if over and not kept else Step.KEEP
        return Duty(step, "R-FR-85" if over else "", None, over, kept)
    step = _at_the_end(policy, facts, end.at, now) if end.at is not None and end.over(now) else Step.KEEP
    return Duty(step, end.rule, end.at, over, kept)


def may_be_due(policy: Policy, consents: Sequence[Consent], now: datetime) -> bool:
    """Whether records alone, without the person's acts, leave room for a duty: saves reading everybody's facts."""
    if any(consent.withdrawn_at and until(policy, consent).over(now) for consent in consents):
        return True
    end = standing(policy, consents)
    return end is not None and end.over(now)


def asked(facts: Facts, end: datetime) -> NoticeGiven | None:
    """The question that was put at the end of this term; one from an earlier term, answered since, does not count (R-FR-82)."""
    put = [notice for notice in facts.notices if notice.kind is NoticeKind.STAY and notice.at >= end]
    return min(put, key=lambda notice: notice.at, default=None)


def _at_the_end(policy: Policy, facts: Facts, end: datetime, now: datetime) -> Step:
    """R-FR-82: one question at most, and only to somebody who may still be written to; silence is no yes."""
    provable = any(consent.withdrawn_at is None and not consent.missing for consent in facts.consents)
    if "R-FR-82" in policy.off or facts.oppositions or not provable:
        return Step.FORGET
    question = asked(facts, end)
    if question is None:
        return Step.ASK
    return Step.WAIT if now <= policy.book.stay.answer_within.after(question.at) else Step.FORGET


def _end(policy: Policy, rule: str, term: Duration, start: datetime | None) -> datetime | None:
    """The last instant of a term; None where the rule is off or nobody knows when it began."""
    return None if start is None or rule in policy.off else term.after(start)
