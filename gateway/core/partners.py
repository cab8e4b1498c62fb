"""May a collector pass a person's data to a partner? Asked for each person of an export, before anything leaves.

R-FR-20 to R-FR-27, R-FR-39, R-PACK-08. It decides; who was passed on is registered by whoever exports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.basis import audience_of, on_consent
from gateway.core.blocked import blocked, refusal_of
from gateway.core.decide import of_minor
from gateway.core.lapse import lapsed
from gateway.core.news import shown_versions
from gateway.core.policy import Policy
from gateway.core.question import Question, informed, nearest, refuse, source_unknown, withdrawn
from gateway.core.record import Audience, Basis, Consent, Covers, Facts
from gateway.core.verdict import Reason, Refuse


@dataclass(frozen=True, slots=True)
class Passing:
    """That a person's data may go to a partner: by which record, and the version of the list that names it (may be empty)."""

    consent: Consent
    list_version: str


def may_pass(policy: Policy, question: Question, facts: Facts, partner: str) -> Passing | Refuse:
    """Whether this person may be passed to the partner of that name now; `question.stream` is the collector's, for that purpose."""
    if stopped := _stopped(policy, question, facts):
        return stopped
    name = question.stream.advertiser.name
    records = [consent for consent in facts.consents if consent.advertiser == name]
    if not records:
        return refuse(policy, Reason.UNKNOWN_RECIPIENT, ("R-FR-01", "R-FR-22"))
    if of_minor(policy, records) and not any(consent.traits.parental for consent in records):
        return refuse(policy, Reason.MINOR, ("R-FR-01", "R-FR-17"))
    judged = [
        _judge(policy, question, facts, consent, records, partner) for consent in records if _asked(policy, question, consent)
    ]
    passing = next((one for one in judged if isinstance(one, Passing)), None)
    if passing is None:
        refusals = [one for one in judged if isinstance(one, Refuse)]
        return nearest(refusals) if refusals else refuse(policy, Reason.NO_CONSENT, ("R-FR-01", "R-FR-21", "R-FR-22"))
    late, by = lapsed(policy, records, facts.last_act, question.now)
    return refuse(policy, Reason.INACTIVE, ("R-FR-01", *by)) if late else passing


def _stopped(policy: Policy, question: Question, facts: Facts) -> Refuse | None:
    """R-PACK-08: who opposed anything of this collector is passed to nobody; without that rule, who opposed this stream is not."""
    if "R-PACK-08" in policy.off:
        return blocked(question.stream, facts.oppositions)
    found = refusal_of({opposition.block for opposition in facts.oppositions})
    return found and Refuse(found.reason, (*found.rules, "R-PACK-08"), floor=True)


def _asked(policy: Policy, question: Question, consent: Consent) -> bool:
    """Whether a record can be about passing on: a consent for partners, or one for which the law asks no consent."""
    return consent.covers is Covers.PARTNERS or (consent.covers is Covers.OWN and _without_consent(policy, question, consent))


def _without_consent(policy: Policy, question: Question, consent: Consent) -> bool:
    """R-FR-39: professionals, where the pack asks no consent of them; anybody, where it asks none of private people either."""
    if policy.opt_out_regime:
        return True
    if "R-FR-39" in policy.off or policy.strict_b2b:
        return False
    return audience_of(policy, question.address, consent)[0] is not Audience.CONSUMER


def _judge(
    policy: Policy, question: Question, facts: Facts, consent: Consent, records: Sequence[Consent], partner: str
) -> Passing | Refuse:
    rules: tuple[str, ...] = ("R-FR-01",)
    if not consent.direct:
        if source_unknown(consent.source) and "R-FR-28" not in policy.off:
            return refuse(policy, Reason.SOURCE_MISSING, (*rules, "R-FR-28"))
        if "R-FR-27" not in policy.off:
            return refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-27"))
    if withdrawn(consent, records, question.stream.purpose):
        return refuse(policy, Reason.CONSENT_WITHDRAWN, (*rules, "R-FR-45"))
    if consent.covers is Covers.OWN:
        return _told(policy, question, facts, consent, partner)
    if consent.basis is not Basis.CONSENT:
        return refuse(policy, Reason.NO_CONSENT, (*rules, "R-FR-22"))
    held = on_consent(policy, question, consent, (*rules, "R-FR-22"))
    return held if isinstance(held, Refuse) else _named(policy, question, facts, consent, partner, held[1])


def _told(policy: Policy, question: Question, facts: Facts, consent: Consent, partner: str) -> Passing | Refuse:
    """R-FR-39: no consent is needed, but the person was informed and could refuse when the address was collected."""
    current = question.arrangements.current(consent.advertiser)
    version = current.version if current is not None and current.names(partner) else ""
    if policy.opt_out_regime or (consent.traits.optout_offered and (consent.wording or informed(facts, consent))):
        return Passing(consent, version)
    return refuse(policy, Reason.NO_CONSENT, ("R-FR-01", "R-FR-39"))


def _named(
    policy: Policy, question: Question, facts: Facts, consent: Consent, partner: str, rules: tuple[str, ...]
) -> Passing | Refuse:
    """R-FR-20, R-FR-24: the list shown at collection names the partner, or a later one that has reached the person since.

    Who is no longer in the current list is given nothing: the list says to whom we pass data (R-FR-25).
    """
    lists = question.arrangements.lists.get(consent.advertiser, ())
    current = question.arrangements.current(consent.advertiser)
    if "R-FR-20" in policy.off:
        return Passing(consent, current.version if current is not None and current.names(partner) else "")
    if not consent.partner_list_version:
        return refuse(policy, Reason.PARTNER_NOT_NAMED, (*rules, "R-FR-20", "R-FR-26"))
    if current is None or not current.names(partner):
        return refuse(policy, Reason.PARTNER_NOT_NAMED, (*rules, "R-FR-20", "R-FR-25"))
    at_collection = question.arrangements.version(consent.advertiser, consent.partner_list_version)
    if at_collection is not None and at_collection.names(partner):
        return Passing(consent, at_collection.version)
    if "R-FR-24" not in policy.off and policy.book.new_partner.new_partner_requires == "notice":
        shown = shown_versions(facts, consent.advertiser, ())
        later = next((one for one in lists if one.version in shown and one.names(partner)), None)
        if later is not None:
            return Passing(consent, later.version)
    return refuse(policy, Reason.PARTNER_NOT_NAMED, (*rules, "R-FR-20", "R-FR-24"))
