"""What a sign-up is: the words of a form, the records its ticks would make, when mail about it may go, what confirming changes.

Pure: instants, keys and the person's other sign-ups come in (R-FR-40 to R-FR-44).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.core.change import Change, Lift, Oppose
from gateway.core.model import PersonKey, Stream
from gateway.core.record import Audience, Basis, Consent, Covers, Enrolment, Opposition, PartnerList, Proof, Scope

TICKED = "checkbox-ticked"
CONFIRMED = "doi-confirmed"
BY_FORM = "form"
IN_FULL = "full"
BETWEEN_MAILS = timedelta(hours=1)
MAILS_A_DAY = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FormWords:
    """A form's words in one language; an empty wording offers no box."""

    own: str
    partners: str
    tracking: str
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """The sign-up form of a stream; `words` by language."""

    stream: Stream
    wording_id: str
    words: Mapping[str, FormWords]


@dataclass(frozen=True, slots=True)
class Offer:
    """One page's worth of a form: the boxes with their words as shown, and the partner list shown with them, if any.

    `mark` is the hash of all that: a form sent back quotes it, so that nobody consents to words they did not see.
    """

    stream: Stream
    language: str
    wording_id: str
    purposes: tuple[str, ...]
    boxes: Mapping[Covers, str]
    partners: PartnerList | None
    mark: str


def offer(form: Form, language: str, current: PartnerList | None) -> Offer:
    """What the form shows in a language it speaks; partners only where a list names any (R-FR-21, R-FR-26)."""
    words = form.words[language]
    named = current if current is not None and current.partners and words.partners else None
    wordings = {Covers.OWN: words.own, Covers.PARTNERS: words.partners if named else "", Covers.TRACKING: words.tracking}
    boxes = {covers: wording for covers, wording in wordings.items() if wording}
    shown = "\0".join((language, *boxes.values(), *words.purposes, named.version if named else ""))
    mark = hashlib.sha256(shown.encode()).hexdigest()[:16]
    return Offer(form.stream, language, form.wording_id or mark, words.purposes, boxes, named, mark)


def enough(ticked: Iterable[Covers]) -> bool:
    """Whether these ticks ask for anything: to be measured in mail that nobody may send is nothing."""
    return Covers.OWN in ticked or Covers.PARTNERS in ticked


def consents(shown: Offer, ticked: Iterable[Covers], person: PersonKey, url: str, at: datetime) -> tuple[Consent, ...]:
    """The records to be, one a box, with the proof the law wants of each (R-FR-40); none counts before it is confirmed."""
    wanted = frozenset(ticked)
    return tuple(_consent(shown, covers, person, url, at) for covers in shown.boxes if covers in wanted)


def _consent(shown: Offer, covers: Covers, person: PersonKey, url: str, at: datetime) -> Consent:
    to_partners = covers is Covers.PARTNERS and shown.partners is not None
    return Consent(
        person=person,
        advertiser=shown.stream.advertiser.name,
        purpose=shown.stream.purpose,
        audience=Audience.CONSUMER,
        basis=Basis.CONSENT,
        source="direct",
        collected_at=at,
        action=TICKED,
        wording=shown.boxes[covers],
        partner_list_version=shown.partners.version if to_partners and shown.partners else "",
        covers=covers,
        proof=Proof(
            wording_id=shown.wording_id,
            form=url,
            writer=BY_FORM,
            presentation=IN_FULL if to_partners else "",
            language=shown.language,
            asked_at=at,
        ),
    )


def confirmed(consent: Consent, at: datetime) -> Consent:
    """The record once the person confirmed it: the act asked for stays in its proof (R-FR-42).

    What a person gives us themselves is given when they confirm; what somebody else collected was given to them earlier.
    """
    proof = replace(consent.proof, asked_at=consent.proof.asked_at or consent.collected_at)
    collected = at if consent.direct else consent.collected_at
    return replace(consent, action=CONFIRMED, collected_at=collected, confirmed_at=at, recorded_at=at, proof=proof)


def narrowed(opposition: Opposition, stream: Stream, streams: Iterable[Stream], person: PersonKey) -> tuple[Change, ...]:
    """What a fresh act for one list does to an opposition that reaches it: it ends there, and stands everywhere else (R-FR-44).

    `person` tells apart what is filed under a hash of the address.
    """
    one = opposition
    lift = Lift(one.person, one.block, one.scope, one.advertiser, one.stream)
    if one.scope is Scope.STREAM:
        return (lift,)
    rest = [other for other in streams if other.name != stream.name]
    beside = [other for other in rest if other.advertiser.name == stream.advertiser.name]
    still = [replace(one, scope=Scope.STREAM, advertiser=other.advertiser.name, stream=other.name) for other in beside]
    if one.scope is Scope.ALL:
        away = dict.fromkeys(other.advertiser.name for other in rest if other not in beside)
        still += [replace(one, scope=Scope.ADVERTISER, advertiser=name, stream="") for name in away]
    return (lift, *(Oppose(each, foreign_hash=each.person != person) for each in still))


def slot(asked: Sequence[datetime], now: datetime) -> datetime | None:
    """When the next question may be mailed to an address that was asked at these times; None when it was often enough today."""
    recent = sorted(one for one in asked if one > now - _DAY)
    if len(recent) >= MAILS_A_DAY:
        return None
    last: datetime | None = None
    for one in recent:
        last = one if last is None else max(one, last + BETWEEN_MAILS)
    return now if last is None else max(now, last + BETWEEN_MAILS)


def waiting(enrolment: Enrolment, now: datetime) -> bool:
    """Whether its link would still confirm something."""
    return enrolment.confirmed_at is None and now < enrolment.expires_at


def superseded(enrolment: Enrolment, beside: Iterable[Enrolment]) -> bool:
    """Whether among the person's sign-ups to this list one is newer, or confirmed since: then this one needs no reminder."""
    return any(
        other.id != enrolment.id
        and bool(other.consents)
        and max(other.asked_at, other.confirmed_at or other.asked_at) > enrolment.asked_at
        for other in beside
    )
