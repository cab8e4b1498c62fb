"""What is on record about a person, as sentences of an explanation: each suppression, record and notice, and what it does here.

Free text of records is cleaned and cut short: it is read in terminals. No address and no key appears.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime

from gateway.core.blocked import stops
from gateway.core.decide import judge_record
from gateway.core.jurisdiction import country_of
from gateway.core.lapse import ends, last_of
from gateway.core.model import Stream
from gateway.core.notice import clean
from gateway.core.origin import names
from gateway.core.policy import Policy
from gateway.core.question import Question
from gateway.core.record import Consent, Covers, Facts, NoticeKind, Opposition, Relation, Traits
from gateway.core.verdict import Allow

_LONGEST = 120
_NOTICE = {
    NoticeKind.FIRST_CONTACT: "First-contact notice given for source {}",
    NoticeKind.PARTNER_LIST: "Partner list {} shown by a mail",
    NoticeKind.STAY: "Asked whether to stay{}",
}


def on_record(policy: Policy, question: Question, facts: Facts | None) -> Iterator[str]:
    """The sentences, suppressions first."""
    if facts is None:
        yield "The register could not be read."
        return
    stream = question.stream
    if stream.name in question.arrangements.paused:
        yield "The stream is paused."
    for opposition in facts.oppositions:
        yield _opposition(stream, opposition)
    mine = [consent for consent in facts.consents if consent.advertiser == stream.advertiser.name]
    for consent in mine:
        yield _consent(consent) + _alone(policy, question, facts, consent)
        if consent.partner_list_version and not consent.direct:
            yield _list(question, consent)
    for notice in facts.notices:
        yield f"{_NOTICE[notice.kind].format(_text(notice.source))} on {_day(notice.at)}."
    if mine:
        yield from _time(policy, mine, facts.last_act)
        country = _text(country_of(stream, facts))
        yield f"Judged by pack {policy.name}; country on record: {country or 'none'}."
    elif not facts.oppositions:
        yield "Nothing about this person for this advertiser."


def _opposition(stream: Stream, opposition: Opposition) -> str:
    reach = {"all": "everything", "advertiser": f"advertiser {opposition.advertiser}", "stream": f"stream {opposition.stream}"}
    effect = "" if stops(stream, opposition) else " It does not reach this stream."
    blocked = f"{opposition.block.value} ({_text(reach[opposition.scope.value])})"
    return f"Suppression: {blocked}, came in by {opposition.door.value} on {_day(opposition.at)}.{effect}"


def _alone(policy: Policy, question: Question, facts: Facts, consent: Consent) -> str:
    if consent.covers is Covers.PARTNERS:
        return " It permits passing the address to partners, no mail of our own."
    if consent.covers is Covers.TRACKING:
        return " It permits trackers, no mail by itself."
    alone = judge_record(policy, question, facts, consent)
    return " It would do." if isinstance(alone, Allow) else f" Alone it leads to {alone.reason.value}."


def _consent(consent: Consent) -> str:
    told = {
        "covers": consent.covers.value if consent.covers is not Covers.OWN else "",
        "audience": consent.audience.value,
        "basis": consent.basis.value,
        "purpose": consent.purpose,
        "source": consent.source,
        "collected": _day(consent.collected_at),
        "acquired": _day(consent.acquired_at),
        "action": consent.action,
        "wording": consent.wording,
        "confirmed": _day(consent.confirmed_at),
        "function": consent.function,
        "partner list": consent.partner_list_version,
        "notice sent": _day(consent.notice_sent_at),
        "product family": consent.product_family,
        "dealings": _relation(consent.relation) if consent.relation else "",
        "professional proof": consent.professional_proof,
        **_traits(consent.traits),
        "withdrawn": _day(consent.withdrawn_at),
        "proof lacks": ", ".join(consent.missing),
    }
    return "Record: " + ", ".join(f"{name} {_text(value)}" for name, value in told.items() if value) + "."


def _relation(relation: Relation) -> str:
    parts = (
        relation.kind.value,
        f"on {_day(relation.at)}" if relation.at else "",
        f"with {relation.by}" if relation.by else "",
        f"ended {_day(relation.ended_at)}" if relation.ended_at else "",
    )
    return " ".join(part for part in parts if part)


def _traits(traits: Traits) -> dict[str, str]:
    """Those that are known, by name."""
    told = {field.name.replace("_", " "): getattr(traits, field.name) for field in fields(traits)}
    return {name: "yes" if value is True else str(value) for name, value in told.items() if value}


def _list(question: Question, consent: Consent) -> str:
    version, collector = _text(consent.partner_list_version), _text(consent.source)
    shown = question.arrangements.version(consent.source, consent.partner_list_version)
    if shown is None:
        return f"Partner list {version} of {collector} is not known here: it names nobody."
    named = "names" if names(shown, question.stream.advertiser) else "does not name"
    return f"Partner list {version} of {collector} {named} this advertiser."


def _time(policy: Policy, records: list[Consent], last_act: datetime | None) -> Iterator[str]:
    last = last_of(records, last_act)
    end, rules = ends(policy, records, last)
    if last is not None:
        by = f"; mail may go until {_day(end)} ({', '.join(rules)})" if end else ""
        yield f"Last act of the person: {_day(last)}{by}."


def _day(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d") if moment else ""


def _text(value: str) -> str:
    """Foreign text on one line, without anything a terminal would obey, and not too long."""
    plain = clean(value)
    return plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "..."
