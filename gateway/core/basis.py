"""On what legal basis one record could carry the message: consent, dealings, the work of a professional, or none.

A record that claims consent is judged as consent, whoever gave it: no other basis is slipped under it. Which partner and notice
conditions come on top is not this room's business.
"""

from __future__ import annotations

from datetime import datetime

from gateway.core.address import Address
from gateway.core.duration import Duration
from gateway.core.model import Advertiser
from gateway.core.policy import Policy
from gateway.core.question import Question, informed, refuse
from gateway.core.record import Audience, Basis, Consent, Entity, Facts, Relation, RelationKind
from gateway.core.verdict import Reason, Refuse

Rules = tuple[str, ...]
Held = tuple[Basis, Rules]
"""A basis that holds, and the rules by which it does."""

_LASTING = (RelationKind.CONTRACT, RelationKind.MEMBERSHIP)
_PERSONS = (Entity.SOLE_TRADER, Entity.PARTNERSHIP)


def audience_of(policy: Policy, address: Address, consent: Consent) -> tuple[Audience, Rules]:
    """In which capacity the person is really addressed, and the rules that said so (R-FR-10, R-FR-12, R-FR-13, R-PACK-07)."""
    audience = consent.audience
    if audience is Audience.CONSUMER:
        return audience, ()
    entity = consent.traits.entity
    # A company's own address says what it is; a person at work whose business nobody recorded may be a sole trader.
    if entity in policy.individuals and not (entity is Entity.UNSAID and audience is Audience.LEGAL_PERSON):
        return Audience.CONSUMER, ("R-FR-11",)
    why: Rules = ()
    if audience is Audience.LEGAL_PERSON:
        generic = address.role in policy.role_local_parts or "R-FR-13" in policy.off
        if generic and entity not in _PERSONS and "R-FR-12" not in policy.off:
            return audience, ("R-FR-12",)
        why = ("R-FR-13",)
    if not consent.professional_proof and "R-FR-10" not in policy.off and address.domain in policy.free_mail_domains:
        return Audience.CONSUMER, (*why, "R-FR-10")
    return Audience.PROFESSIONAL, why


def basis_of(policy: Policy, question: Question, facts: Facts, consent: Consent, audience: Audience, rules: Rules) -> Held | Refuse:
    """The basis this record gives, or why none; where the law lets mail go until somebody refuses, any record does (R-FR-03)."""
    if audience is Audience.LEGAL_PERSON:
        return Basis.LEGAL_PERSON, rules
    if question.stream.sensitive and "R-FR-18" not in policy.off:
        rules = (*rules, "R-FR-18")
        if consent.basis is not Basis.CONSENT or not consent.traits.explicit:
            return refuse(policy, Reason.SENSITIVE, rules)
    held = _claimed(policy, question, facts, consent, audience, rules)
    if policy.opt_out_regime and isinstance(held, Refuse):
        return Basis.OPT_OUT, (*rules, "R-FR-03")
    return held


def _claimed(policy: Policy, question: Question, facts: Facts, consent: Consent, audience: Audience, rules: Rules) -> Held | Refuse:
    claim = consent.basis
    if claim is Basis.CONSENT:
        return on_consent(policy, question, consent, rules)
    if claim is Basis.NON_PROFIT:
        return _on_charity(policy, question, facts, consent, rules)
    if claim in (Basis.EXISTING_CUSTOMER, Basis.IMPLIED):
        return _on_dealings(policy, question, consent, rules)
    if claim is not Basis.LEGITIMATE_INTEREST:
        return refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-03"))
    implied = _implied(policy, question, consent, rules)
    if implied is not None:
        return implied
    if audience is Audience.PROFESSIONAL:
        return _on_interest(policy, question, consent, rules)
    if question.stream.advertiser.nonprofit:
        return _on_charity(policy, question, facts, consent, rules)
    return refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-03"))


def on_consent(policy: Policy, question: Question, consent: Consent, rules: Rules) -> Held | Refuse:
    """Whether a consent is one, is proven, is for this purpose (R-FR-03 to 05, 19, 41), and was confirmed where it must be (42)."""
    rules = (*rules, "R-FR-03")
    action = consent.action.strip().casefold()
    if action in policy.rejected_actions:
        return refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-05"))
    lacks = _unproven(policy, consent) if consent.missing else ()
    if lacks:
        return refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, *lacks))
    if consent.purpose != question.stream.purpose and "R-FR-19" not in policy.off:
        return refuse(policy, Reason.PURPOSE, (*rules, "R-FR-04", "R-FR-19"))
    rules = (*rules, "R-FR-04", "R-FR-19", "R-FR-45")
    if _to_confirm(policy, question, consent, action):
        rules = (*rules, "R-FR-42")
        if consent.confirmed_at is None:
            return refuse(policy, Reason.DOI_PENDING, rules)
    return Basis.CONSENT, rules


def proven(policy: Policy, consent: Consent) -> bool:
    """Whether a record is a consent with its proof, whatever for (R-FR-04, R-FR-05, R-FR-41)."""
    given = consent.basis is Basis.CONSENT and consent.action.strip().casefold() not in policy.rejected_actions
    return given and not _unproven(policy, consent)


def _unproven(policy: Policy, consent: Consent) -> Rules:
    """The rules by which a record lacks proof: a mass change without evidence has one of its own (R-FR-41)."""
    if not consent.missing:
        return ()
    if "batch" not in consent.missing:
        return policy.cited(("R-FR-04",))
    if consent.missing == ("batch",) and "R-FR-41" in policy.off:
        return ()
    return policy.cited(("R-FR-04", "R-FR-41"))


def _to_confirm(policy: Policy, question: Question, consent: Consent, action: str) -> bool:
    """R-FR-42: the pack or the stream asks for double opt-in, or the address came by a card or from a fair."""
    if "R-FR-42" in policy.off:
        return False
    if policy.double_optin or question.stream.double_optin:
        return True
    return action in policy.card_sources or consent.source.strip().casefold() in policy.card_sources


def _on_dealings(policy: Policy, question: Question, consent: Consent, rules: Rules) -> Held | Refuse:
    """A customer: allowed without consent (R-FR-06) or for as long as consent is implied (R-PACK-04), else as if none (R-FR-07)."""
    lacks = _unproven(policy, consent)
    if lacks:
        return refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, *lacks))
    if "R-FR-06" not in policy.off:
        rules = (*rules, "R-FR-06")
        if _customer(policy, question, consent):
            return Basis.EXISTING_CUSTOMER, rules
    return _implied(policy, question, consent, rules) or refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-03"))


def _customer(policy: Policy, question: Question, consent: Consent) -> bool:
    """Every condition of R-FR-06; that nobody opposed was judged before, that each mail offers the refusal is a floor (R-FR-50)."""
    relation = consent.relation
    return (
        consent.direct
        and relation is not None
        and relation.kind in policy.book.existing_customer.relations
        and _with(relation, question.stream.advertiser)
        and consent.traits.optout_offered
        and _similar(consent.product_family, question.stream.product_families)
    )


def _with(relation: Relation, advertiser: Advertiser) -> bool:
    """Whether the dealings were with this very company."""
    return not relation.by or relation.by in (advertiser.name, advertiser.legal_name)


def _similar(family: str, families: tuple[str, ...]) -> bool:
    wanted = family.strip().casefold()
    return bool(wanted) and any(wanted == one.strip().casefold() for one in families)


def _implied(policy: Policy, question: Question, consent: Consent, rules: Rules) -> Held | Refuse | None:
    """R-PACK-04: consent implied by recent dealings or by a published address; None where nothing could imply it."""
    if "R-PACK-04" in policy.off:
        return None
    rules = (*rules, "R-PACK-04")
    lacks = _unproven(policy, consent)
    if lacks:
        return refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, *lacks))
    until = _implied_until(policy, question, consent)
    if until is not None and question.now <= until:
        return Basis.IMPLIED, rules
    if consent.traits.published and policy.book.implied.published:
        if concerned(consent.function, question.stream.relates_to):
            return Basis.IMPLIED, (*rules, "R-FR-09")
        return refuse(policy, Reason.B2B_RELEVANCE, (*rules, "R-FR-09"))
    return None if until is None else refuse(policy, Reason.IMPLIED_EXPIRED, rules)


def _implied_until(policy: Policy, question: Question, consent: Consent) -> datetime | None:
    """When consent implied by dealings ends; a contract or membership implies it while it lasts, and for its term from then on."""
    relation = consent.relation
    if relation is None or not _with(relation, question.stream.advertiser):
        return None
    term = getattr(policy.book.implied, relation.kind.value, None)
    if not isinstance(term, Duration):
        return None
    if relation.kind in _LASTING:
        return term.after(relation.ended_at or question.now)
    since = relation.at or consent.collected_at
    return None if since is None else term.after(since)


def _on_charity(policy: Policy, question: Question, facts: Facts, consent: Consent, rules: Rules) -> Held | Refuse:
    """R-FR-14: a non-profit advertiser, the person informed, refusing offered when the address was collected."""
    lacks = _unproven(policy, consent)
    if lacks:
        return refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, *lacks))
    rules = (*rules, "R-FR-14")
    told = bool(consent.wording) or informed(facts, consent)
    if "R-FR-14" not in policy.off and question.stream.advertiser.nonprofit and told and consent.traits.optout_offered:
        return Basis.NON_PROFIT, rules
    return refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-03"))


def _on_interest(policy: Policy, question: Question, consent: Consent, rules: Rules) -> Held | Refuse:
    """A professional without consent: only where the pack lets them be written to, and only about their work (R-FR-08, 09, 11)."""
    if policy.strict_b2b or "R-FR-08" in policy.off:
        mode = ("R-FR-11",) if policy.strict_b2b else ()
        return refuse(policy, Reason.NO_CONSENT, (*rules, *mode, "R-FR-03"))
    lacks = _unproven(policy, consent)
    if lacks:
        return refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, *lacks))
    rules = (*rules, "R-FR-08", "R-FR-09")
    if "R-FR-09" not in policy.off and not concerned(consent.function, question.stream.relates_to):
        return refuse(policy, Reason.B2B_RELEVANCE, rules)
    return Basis.LEGITIMATE_INTEREST, rules


def concerned(function: str, relates_to: tuple[str, ...]) -> bool:
    """Whether mail that relates to these functions concerns a person of that function; an unknown one is concerned by nothing."""
    folded = function.strip().casefold()
    return bool(folded) and ("*" in relates_to or folded in relates_to)
