"""What comes on top where an address was not had from the person: the partner conditions, then the notice conditions.

R-FR-20 and R-FR-23 for people; R-FR-29 to R-FR-33 for everybody. A record cannot show through how many hands it came (R-FR-27):
what holds is that the collector's own list, as it was shown, names this advertiser.
"""

from __future__ import annotations

from datetime import datetime

from gateway.core.model import Advertiser
from gateway.core.policy import Policy
from gateway.core.question import Ground, Question, informed, refuse
from gateway.core.record import Basis, Consent, Facts, PartnerList
from gateway.core.verdict import Due, Reason, Refuse

Rules = tuple[str, ...]


def passed_on_rightly(policy: Policy, question: Question, consent: Consent, rules: Rules) -> Rules | Refuse:
    """A person's address from a partner: the list they were shown named us, and they had consented before it was passed on.

    A version that we hold no list for named nobody. A partner named only by a later version waits until the collector has told the
    person (R-FR-24); that shows on the collector's side only, which then passes the address on under the later version.
    """
    rules = (*rules, "R-FR-20")
    if "R-FR-20" not in policy.off:
        version = consent.partner_list_version
        if not version:
            return refuse(policy, Reason.PARTNER_NOT_NAMED, (*rules, "R-FR-26"))
        shown = question.arrangements.version(consent.source, version)
        if shown is None or not names(shown, question.stream.advertiser):
            added = any(names(one, question.stream.advertiser) for one in question.arrangements.lists.get(consent.source, ()))
            return refuse(policy, Reason.PARTNER_NOT_NAMED, (*rules, "R-FR-24") if added else rules)
    acquired = consent.acquired_at or consent.recorded_at
    rules = (*rules, "R-FR-23")
    if "R-FR-23" not in policy.off and acquired and consent.collected_at and acquired < consent.collected_at:
        return refuse(policy, Reason.TRANSFER_BEFORE_CONSENT, rules)
    return rules


def names(shown: PartnerList, advertiser: Advertiser) -> bool:
    """Whether a list names this company, as it is called here or in law."""
    return shown.names(advertiser.name) or (bool(advertiser.legal_name) and shown.names(advertiser.legal_name))


def with_words(policy: Policy, question: Question, facts: Facts, consent: Consent, basis: Basis, rules: Rules) -> Ground | Refuse:
    """Permission, with the words about origin that are due: none for what the person gave us knowingly."""
    source = consent.source
    if consent.direct and (basis is not Basis.LEGITIMATE_INTEREST or consent.wording):
        return Ground(basis, rules, Due.NONE, source)
    if informed(facts, consent):
        if consent.direct or "R-FR-33" in policy.off:
            return Ground(basis, rules, Due.NONE, source)
        return Ground(basis, (*rules, "R-FR-33"), Due.SOURCE_LINE, source)
    if "R-FR-29" in policy.off:
        return Ground(basis, rules, Due.NONE, source)
    rules = (*rules, "R-FR-29")
    if not consent.direct:
        rules = (*rules, "R-FR-32")
        if _overdue(policy, question, consent):
            return refuse(policy, Reason.NOTICE_OVERDUE, rules)
    rules = (*rules, "R-FR-30")
    if question.missing_notice and "R-FR-30" not in policy.off:
        return refuse(policy, Reason.NOTICE_INCOMPLETE, rules)
    return Ground(basis, rules, Due.FULL_NOTICE, source)


def told_by(policy: Policy, consent: Consent) -> datetime | None:
    """Until when the person must have been told where we have their address from; None where nothing says so (R-FR-32)."""
    acquired = consent.acquired_at or consent.recorded_at
    if consent.direct or acquired is None or {"R-FR-29", "R-FR-32"} & policy.off:
        return None
    return policy.book.notice_term.within.after(acquired)


def _overdue(policy: Policy, question: Question, consent: Consent) -> bool:
    """R-FR-32: the time to tell the person is over; advertising waits until a mail of its own has told them."""
    acquired = consent.acquired_at or consent.recorded_at
    if acquired is None or question.now - acquired < policy.surely_in_time:
        return False
    by = told_by(policy, consent)
    return by is not None and question.now > by
