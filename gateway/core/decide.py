"""The decision: may this message go to this person now? Pure, and the only place where it is made (R-FR-01).

Judged in this order, the first refusal ends it: facts readable - opposition, restriction or dead mailbox - service mail - stream
paused - postal address - a record exists - minor - its source is known - its basis holds - partner conditions - notice conditions -
silent for too long. Where several records of one person could carry the message, the best one does; where none can, the refusal
nearest to a permission is told. Rooms: `blocked`, `basis`, `origin`, `lapse`, `news`.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.basis import audience_of, basis_of
from gateway.core.blocked import ONLY_DEAD, WILL, blocked
from gateway.core.lapse import lapsed
from gateway.core.model import Category
from gateway.core.news import tell
from gateway.core.origin import passed_on_rightly, with_words
from gateway.core.policy import Policy
from gateway.core.question import Ground, Question, nearest, refuse, source_unknown, withdrawn
from gateway.core.record import Audience, Basis, Consent, Covers, Facts
from gateway.core.verdict import Allow, Due, Reason, Refuse, Undecided, Verdict

__all__ = ("Question", "decide", "judge_record", "source_unknown")

UNREADABLE = Undecided(Reason.STORE_DOWN, ("R-FR-01",))
_SERVICE = Allow(Basis.SERVICE, ("R-FR-01", "R-FR-02", "R-FR-15"), Due.NONE, "")
_LEAST_WORDS = (Due.NONE, Due.SOURCE_LINE, Due.FULL_NOTICE)
_CLAIMED_OF_PARTNERS = (Basis.CONSENT, Basis.NON_PROFIT, Basis.OPT_OUT)


def decide(policy: Policy, question: Question, facts: Facts | None) -> Verdict:
    """The verdict on one message to one person; `facts` is None where they could not be read."""
    if facts is None:
        return UNREADABLE
    stream = question.stream
    service = stream.category is Category.TRANSACTIONAL and "R-FR-15" not in policy.off
    if facts.oppositions:
        stopped = blocked(stream, facts.oppositions, ONLY_DEAD if service else WILL)
        if stopped is not None:
            return stopped
    if service:
        return _SERVICE
    if stream.name in question.arrangements.paused:
        return Undecided(Reason.STREAM_PAUSED, policy.cited(("R-FR-01", "R-MBX-10")))
    if "R-PACK-05" not in policy.off and not stream.advertiser.postal_address.strip():
        return refuse(policy, Reason.POSTAL_ADDRESS, ("R-FR-01", "R-PACK-05"))
    return _by_records(policy, question, facts)


def _by_records(policy: Policy, question: Question, facts: Facts) -> Allow | Refuse:
    """A record exists, of an adult or with a parent's consent, carries the mail, and is not too old."""
    name = question.stream.advertiser.name
    records = [consent for consent in facts.consents if consent.advertiser == name]
    own = records if len(records) == 1 and records[0].covers is Covers.OWN else [one for one in records if one.covers is Covers.OWN]
    if not own:
        if records:
            return refuse(policy, Reason.NO_CONSENT, ("R-FR-01", "R-FR-22", "R-FR-03"))
        return refuse(policy, Reason.UNKNOWN_RECIPIENT, ("R-FR-01", "R-FR-03"))
    minor = of_minor(policy, own)
    if minor and not any(consent.traits.parental for consent in own):
        return refuse(policy, Reason.MINOR, ("R-FR-01", "R-FR-17"))
    found = _best(policy, question, facts, own)
    if isinstance(found, Refuse):
        return found
    late, by = lapsed(policy, records, facts.last_act, question.now)
    if late:
        return refuse(policy, Reason.INACTIVE, ("R-FR-01", *by))
    rules = (*found.rules, "R-FR-17", "R-PACK-05", *by) if minor else (*found.rules, "R-PACK-05", *by)
    if len(records) == len(own) and name not in question.arrangements.lists:
        return Allow(found.basis, policy.cited(rules), found.due, found.source)
    return tell(policy, question, facts, records, found._replace(rules=rules))


def of_minor(policy: Policy, records: Sequence[Consent]) -> bool:
    """Whether any record says that the person is below the pack's age (R-FR-17)."""
    for consent in records:
        if consent.traits.minor:
            return "R-FR-17" not in policy.off
    return False


def judge_record(policy: Policy, question: Question, facts: Facts, consent: Consent) -> Allow | Refuse:
    """What one record alone would lead to, were there no opposition: for explanations."""
    records = [other for other in facts.consents if other.advertiser == consent.advertiser]
    found = _judge(policy, question, facts, consent, records)
    return found if isinstance(found, Refuse) else Allow(found.basis, policy.cited(found.rules), found.due, found.source)


def _best(policy: Policy, question: Question, facts: Facts, records: Sequence[Consent]) -> Ground | Refuse:
    """The permission that needs the fewest words in the mail, the first of equals; else the refusal nearest to a permission."""
    best: Ground | None = None
    refusals: list[Refuse] = []
    for consent in records:
        found = _judge(policy, question, facts, consent, records)
        if isinstance(found, Refuse):
            refusals.append(found)
        elif found.due is Due.NONE:
            return found
        elif best is None or _LEAST_WORDS.index(found.due) < _LEAST_WORDS.index(best.due):
            best = found
    return best or (refusals[0] if len(refusals) == 1 else nearest(refusals))


def _judge(policy: Policy, question: Question, facts: Facts, consent: Consent, records: Sequence[Consent]) -> Ground | Refuse:
    """One record: source, basis, partner conditions, notice conditions."""
    rules: tuple[str, ...] = ("R-FR-01",)
    direct = consent.direct
    if not direct:
        rules = ("R-FR-01", "R-FR-28")
        if "R-FR-28" not in policy.off and source_unknown(consent.source):
            return refuse(policy, Reason.SOURCE_MISSING, rules)
    if consent.withdrawn_at is not None or (len(records) > 1 and withdrawn(consent, records, question.stream.purpose)):
        return refuse(policy, Reason.CONSENT_WITHDRAWN, (*rules, "R-FR-45"))
    audience, why = audience_of(policy, question.address, consent)
    held = basis_of(policy, question, facts, consent, audience, (*rules, *why) if why else rules)
    if isinstance(held, Refuse):
        return held
    basis, rules = held
    if not direct and audience is Audience.CONSUMER and basis in _CLAIMED_OF_PARTNERS and not _by_card(policy, consent):
        passed = passed_on_rightly(policy, question, consent, rules)
        if isinstance(passed, Refuse):
            return passed
        rules = passed
    return with_words(policy, question, facts, consent, basis, rules)


def _by_card(policy: Policy, consent: Consent) -> bool:
    """Whether the person handed the address over on a card or at a fair: no partner did, and R-FR-42 has had it confirmed."""
    return consent.source.strip().casefold() in policy.card_sources
