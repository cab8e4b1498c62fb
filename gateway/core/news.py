"""What a person's other records add to a permission: trackers they agreed to, partners of the collector they were not told of.

R-FR-76; R-FR-24 and R-FR-25. A list is due to be shown only to somebody whose consent for partners stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.basis import proven
from gateway.core.policy import Policy
from gateway.core.question import Ground, Question, source_unknown, withdrawn
from gateway.core.record import Arrangements, Consent, Covers, Facts, NoticeKind
from gateway.core.verdict import Allow

Rules = tuple[str, ...]


def tell(policy: Policy, question: Question, facts: Facts, records: Sequence[Consent], ground: Ground) -> Allow:
    """The permission with what counts beside the record that carries it."""
    rules = ground.rules
    if any(consent.covers is Covers.PARTNERS for consent in records):
        rules = (*rules, "R-FR-22")
    tracking = any(_tracks(policy, question, consent, records) for consent in records if consent.covers is Covers.TRACKING)
    if tracking:
        rules = (*rules, "R-FR-76")
    version, news = "", tuple[str, ...]()
    name = question.stream.advertiser.name
    current = question.arrangements.current(name)
    if current is not None and "R-FR-25" not in policy.off:
        rules = (*rules, "R-FR-25")
        shared = [consent for consent in records if shares(policy, consent, records)]
        shown = shown_versions(facts, name, shared)
        if shared and current.version not in shown:
            version, news = current.version, _unheard(question.arrangements, name, shown)
            rules = (*rules, "R-FR-24")
    return Allow(ground.basis, policy.cited(rules), ground.due, ground.source, tracking, version, news)


def shares(policy: Policy, consent: Consent, records: Sequence[Consent]) -> bool:
    """Whether a record is a standing, proven consent to be passed to partners, for whatever purpose."""
    return consent.covers is Covers.PARTNERS and proven(policy, consent) and not withdrawn(consent, records, consent.purpose)


def shown_versions(facts: Facts, collector: str, shared: Sequence[Consent]) -> frozenset[str]:
    """The versions of a collector's list a person has seen: at collection, and by mail that left since (R-FR-24)."""
    told = {one.source for one in facts.notices if one.kind is NoticeKind.PARTNER_LIST and one.advertiser == collector}
    return frozenset(told | {consent.partner_list_version for consent in shared})


def _tracks(policy: Policy, question: Question, consent: Consent, records: Sequence[Consent]) -> bool:
    """R-FR-76: a consent of its own, to be proven and withdrawn by itself, for this purpose."""
    purpose = question.stream.purpose
    if not proven(policy, consent) or source_unknown(consent.source) or withdrawn(consent, records, purpose):
        return False
    return consent.purpose == purpose or "R-FR-19" in policy.off


def _unheard(arrangements: Arrangements, collector: str, shown: frozenset[str]) -> tuple[str, ...]:
    """The partners in the current list that none of the versions shown has named."""
    lists = arrangements.lists[collector]
    heard = {partner.name for one in lists if one.version in shown for partner in one.partners}
    return tuple(partner.name for partner in lists[-1].partners if partner.name not in heard)
