"""What one person is told of their own file: each thing held, why, since and until when, who has it, which mail went (GDPR 15).

Pure and typed: the book's and the journal's answers go in, one `Sheet` comes out, which JSON and the page show alike (R-DP-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.evidence import Event, Kind
from gateway.core.model import Advertiser, Partner, Ref
from gateway.core.policy import Policy, Rule
from gateway.core.record import Basis, Consent, Enrolment, NoticeGiven, Opposition, Transfer
from gateway.core.retention import Until
from gateway.core.task import Task

Told = tuple[Ref, Event]
"""A journal entry about the person, under its reference."""

MAIL = (Kind.DECISION, Kind.ATTEMPT, Kind.OUTCOME)
UNKNOWN = "unknown"
"""The fate of an attempt without outcome: what a crash leaves (docs/decisions/0002)."""
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Filed:
    """One record, the digest of its wording, when it will be erased and by which rule, and when it ended if it did."""

    record: Consent
    wording_sha256: str
    until: datetime | None
    rule: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lifted:
    """An opposition that no longer counts."""

    opposition: Opposition
    at: datetime


@dataclass(frozen=True, slots=True)
class SignUp:
    """A sign-up as its person may see it, without the digest that confirms it."""

    stream: str
    purposes: tuple[str, ...]
    asked_at: datetime
    expires_at: datetime
    reminded_at: datetime | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Duty:
    """What waited, or waits, for somebody because of the person: what they asked, by when, and how it ended (R-FR-59)."""

    kind: str
    advertiser: str
    asks: tuple[str, ...]
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that was sent or refused: what became of it, on which basis or for which reason, by which rules."""

    at: datetime
    advertiser: str
    stream: str
    result: str
    basis: str
    reason: str
    rules: tuple[str, ...]
    policy: str
    message: str
    body: str
    ref: Ref


@dataclass(frozen=True, slots=True)
class Change:
    """Anything else the evidence tells: a consent filed, an opposition, an export, a look into this file (R-DP-20)."""

    at: datetime
    kind: str
    outcome: str
    advertiser: str
    door: str
    detail: str
    ref: Ref


@dataclass(frozen=True, slots=True)
class Passing:
    """To which organisation the data went, when, for what, under which version of the published list."""

    transfer: Transfer
    partner: Partner | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the book holds about the person, as `ports.Dossier` gave it."""

    consents: tuple[Consent, ...]
    oppositions: tuple[Opposition, ...]
    ended: tuple[tuple[Consent | Opposition, datetime], ...]
    notices: tuple[NoticeGiven, ...]
    transfers: tuple[Transfer, ...]
    enrolments: tuple[Enrolment, ...]
    acts: tuple[tuple[str, datetime], ...]
    own_unsubscribe: tuple[str, ...]
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authority:
    """Where a complaint goes (GDPR 77)."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole answer to an access request."""

    made_at: datetime
    language: str
    address: str
    person: str
    controllers: tuple[Advertiser, ...]
    purposes: tuple[str, ...]
    records: tuple[Filed, ...]
    oppositions: tuple[Opposition, ...]
    lifted: tuple[Lifted, ...]
    notices: tuple[NoticeGiven, ...]
    passings: tuple[Passing, ...]
    untold: tuple[str, ...]
    sources: tuple[Partner, ...]
    sign_ups: tuple[SignUp, ...]
    acts: tuple[tuple[str, datetime], ...]
    own_unsubscribe: tuple[str, ...]
    mails: tuple[Mail, ...]
    changes: tuple[Change, ...]
    rules: tuple[Rule, ...]
    authorities: tuple[Authority, ...]
    tasks: tuple[Duty, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all is held about this person."""
        held = (self.records, self.oppositions, self.lifted, self.notices, self.passings, self.sign_ups, self.acts)
        return not any((*held, self.own_unsubscribe, self.mails, self.changes, self.tasks))


@dataclass(frozen=True, slots=True)
class Given:
    """One line of what the person gave under consent, in words that another service can read (GDPR 20, R-DP-12)."""

    advertiser: str
    purpose: str
    covers: str
    given_at: str
    action: str
    wording: str
    function: str
    country: str


def filed(one: Consent, end: Until, ended_at: datetime | None = None) -> Filed:
    """A record with the end that the retention rules give it."""
    return Filed(one, wording_digest(one.wording), end.at, end.rule, ended_at or one.withdrawn_at)


def wording_digest(wording: str) -> str:
    """The SHA-256 of a wording's UTF-8 bytes in hex: what a third party can recompute from the text."""
    return hashlib.sha256(wording.encode("utf-8", "backslashreplace")).hexdigest()


def sign_up(one: Enrolment) -> SignUp:
    """What a sign-up says to its person."""
    purposes = tuple(dict.fromkeys(consent.purpose for consent in one.consents))
    return SignUp(one.stream, purposes, one.asked_at, one.expires_at, one.reminded_at, one.confirmed_at)


def duty(one: Task) -> Duty:
    """What a task says to its person: not who closed it, and not our note to ourselves."""
    return Duty(one.kind.value, one.advertiser, one.asks, one.opened_at, one.due_at, one.closed_at, one.outcome)


def mails(told: Sequence[Told]) -> tuple[Mail, ...]:
    """The mails these entries tell of, oldest first: each attempt with its decision and its outcome, and each refusal."""
    decisions = {ref: event for ref, event in told if event.kind is Kind.DECISION}
    outcomes = {event.about: event.outcome for _, event in told if event.kind is Kind.OUTCOME}
    tried = {event.about for _, event in told if event.kind is Kind.ATTEMPT}
    found: list[Mail] = []
    for ref, event in told:
        if event.kind is Kind.ATTEMPT:
            found.append(_mail(ref, event, decisions.get(Ref(event.about)), outcomes.get(ref, UNKNOWN)))
        elif event.kind is Kind.DECISION and ref not in tried:
            found.append(_mail(ref, event, None, outcomes.get(ref) or (WAITING if event.basis else event.outcome)))
    return tuple(found)


def changes(told: Sequence[Told]) -> tuple[Change, ...]:
    """What else these entries tell, oldest first."""
    return tuple(
        Change(event.at, event.kind.value, event.outcome, event.advertiser, event.door, event.detail, ref)
        for ref, event in told
        if event.kind not in MAIL
    )


def cited(ids: Sequence[str], policies: Sequence[Policy], language: str) -> tuple[Rule, ...]:
    """These rules in the person's language where a pack speaks it, else in the words of the first pack that has them."""
    speaking = sorted(policies, key=lambda policy: policy.language != language)
    return tuple(next((p.rules[rule] for p in speaking if rule in p.rules), Rule(rule, "", "")) for rule in dict.fromkeys(ids))


def portable(consents: Sequence[Consent]) -> tuple[Given, ...]:
    """What the person themselves gave under consent; what others said of them is not theirs to take along (R-DP-12)."""
    return tuple(
        Given(
            one.advertiser,
            one.purpose,
            one.covers.value,
            one.collected_at.isoformat() if one.collected_at else "",
            one.action,
            one.wording,
            one.function,
            one.traits.country,
        )
        for one in consents
        if one.basis is Basis.CONSENT and one.direct and one.withdrawn_at is None
    )


def sources(records: Sequence[Filed], partners: Mapping[str, Partner]) -> tuple[Partner, ...]:
    """The configured partners an address came from (GDPR 15(1)(g))."""
    named = dict.fromkeys(one.record.source for one in records)
    return tuple(partners[name] for name in named if name in partners)


def _mail(ref: Ref, event: Event, decision: Event | None, result: str) -> Mail:
    ground = decision or event
    return Mail(
        event.at,
        event.advertiser,
        event.stream,
        result,
        event.basis or ground.basis,
        event.reason or ground.reason,
        event.rules or ground.rules,
        event.policy or ground.policy,
        event.message or ground.message,
        event.body,
        ref,
    )
