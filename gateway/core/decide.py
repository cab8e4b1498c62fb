"""The decision: may this message go to this person now? Pure, and the only place where it is made (R-FR-01).

Judged in this order, the first refusal ends it: facts readable - opposition or dead mailbox - service mail - a record exists - its
source is known - its basis holds - partner conditions - notice conditions. Where several records of one person could carry the
message, the best one does; where none can, the refusal nearest to a permission is told (`_NEAREST`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.address import Address
from gateway.core.model import Category, Stream
from gateway.core.policy import Policy
from gateway.core.record import NO_ARRANGEMENTS, Arrangements, Audience, Basis, Block, Consent, Facts, Opposition, Scope
from gateway.core.verdict import Allow, Due, Reason, Refuse, Undecided, Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """One message's addressee; `missing_notice` are the first-contact notice's fields that the stream has not configured."""

    stream: Stream
    address: Address
    missing_notice: tuple[str, ...]
    now: datetime
    arrangements: Arrangements = NO_ARRANGEMENTS


UNREADABLE = Undecided(Reason.STORE_DOWN, ("R-FR-01",))
_SERVICE = ("R-FR-01", "R-FR-02", "R-FR-15")
_BLOCKED = {
    Block.OPPOSED: Refuse(Reason.OPPOSED, ("R-FR-01", "R-FR-63"), floor=True),
    Block.COMPLAINED: Refuse(Reason.COMPLAINED, ("R-FR-01", "R-FR-63"), floor=True),
    Block.RESTRICTED: Refuse(Reason.RESTRICTED, ("R-FR-01", "R-DP-15"), floor=True),
    Block.BOUNCED: Refuse(Reason.BOUNCED, ("R-FR-01", "R-MBX-14"), floor=True),
}
_WILL = (Block.OPPOSED, Block.COMPLAINED, Block.RESTRICTED, Block.BOUNCED)
_ONLY_DEAD = (Block.BOUNCED,)
# From the refusal nearest to a permission to the farthest: what lacks least is what a person can act on first.
_NEAREST = (
    Reason.NOTICE_INCOMPLETE,
    Reason.PARTNER_NOT_NAMED,
    Reason.CONSENT_WITHDRAWN,
    Reason.CONSENT_UNPROVEN,
    Reason.B2B_RELEVANCE,
    Reason.PURPOSE,
    Reason.SOURCE_MISSING,
    Reason.NO_CONSENT,
)
_NOBODY_KNOWS = frozenset({"", "unknown", "inconnu", "inconnue", "n/a", "na", "none", "null", "?", "-"})
_LEAST_WORDS = (Due.NONE, Due.SOURCE_LINE, Due.FULL_NOTICE)


def decide(policy: Policy, question: Question, facts: Facts | None) -> Verdict:
    """The verdict on one message to one person; `facts` is None where they could not be read."""
    if facts is None:
        return UNREADABLE
    stream = question.stream
    service = stream.category is Category.TRANSACTIONAL and "R-FR-15" not in policy.off
    if facts.oppositions:
        blocked = _blocked(stream, facts.oppositions, _ONLY_DEAD if service else _WILL)
        if blocked is not None:
            return blocked
    if service:
        return Allow(Basis.SERVICE, _SERVICE, Due.NONE, "")
    name = stream.advertiser.name
    records = [consent for consent in facts.consents if consent.advertiser == name]
    if not records:
        return Refuse(Reason.UNKNOWN_RECIPIENT, ("R-FR-01", "R-FR-03"), floor=False)
    if len(records) == 1:
        return _judge(policy, question, facts, records[0], records[0].withdrawn_at is not None)
    return _best([_judge(policy, question, facts, consent, _withdrawn(consent, records, stream.purpose)) for consent in records])


def judge_record(policy: Policy, question: Question, facts: Facts, consent: Consent) -> Allow | Refuse:
    """What one record alone would lead to, were there no opposition: for explanations."""
    records = [other for other in facts.consents if other.advertiser == consent.advertiser]
    return _judge(policy, question, facts, consent, _withdrawn(consent, records, question.stream.purpose))


def stops(stream: Stream, opposition: Opposition) -> bool:
    """Whether an opposition reaches this stream (R-FR-63)."""
    scope = opposition.scope
    if scope is Scope.ADVERTISER:
        return opposition.advertiser == stream.advertiser.name
    return scope is Scope.ALL or opposition.stream == stream.name


def _blocked(stream: Stream, oppositions: tuple[Opposition, ...], blocks: tuple[Block, ...]) -> Refuse | None:
    reaching = {opposition.block for opposition in oppositions if stops(stream, opposition)}
    for block in blocks:
        if block in reaching:
            return _BLOCKED[block]
    return None


def _withdrawn(consent: Consent, records: list[Consent], purpose: str) -> bool:
    """R-FR-45: withdrawn itself, or not collected after a withdrawal of its own purpose or of the stream's."""
    if consent.withdrawn_at is not None:
        return True
    ends = [other.withdrawn_at for other in records if other.withdrawn_at and other.purpose in (purpose, consent.purpose)]
    if not ends:
        return False
    return consent.collected_at is None or consent.collected_at <= max(ends)


def _best(judged: list[Allow | Refuse]) -> Allow | Refuse:
    """The permission that needs the fewest words in the mail, else the refusal nearest to a permission."""
    allowed = [verdict for verdict in judged if isinstance(verdict, Allow)]
    if allowed:
        return min(allowed, key=lambda verdict: _LEAST_WORDS.index(verdict.due))
    return min((verdict for verdict in judged if isinstance(verdict, Refuse)), key=lambda verdict: _NEAREST.index(verdict.reason))


def _judge(policy: Policy, question: Question, facts: Facts, consent: Consent, withdrawn: bool) -> Allow | Refuse:
    """One record: source, basis, partner conditions, notice conditions."""
    origin: tuple[str, ...] = ()
    if not consent.direct:
        origin = ("R-FR-28",)
        if "R-FR-28" not in policy.off and source_unknown(consent.source):
            return _refuse(policy, Reason.SOURCE_MISSING, ("R-FR-01", "R-FR-28"))
    if withdrawn:
        return _refuse(policy, Reason.CONSENT_WITHDRAWN, ("R-FR-01", *origin, "R-FR-45"))
    audience, why = _audience(policy, question.address, consent)
    if audience is Audience.LEGAL_PERSON:
        return _words(policy, question, facts, consent, Basis.LEGAL_PERSON, ("R-FR-01", *origin, *why))
    if consent.basis is Basis.CONSENT:
        return _on_consent(policy, question, facts, consent, audience, ("R-FR-01", *origin, *why))
    if audience is Audience.PROFESSIONAL and consent.basis is Basis.LEGITIMATE_INTEREST:
        return _on_interest(policy, question, facts, consent, ("R-FR-01", *origin, *why))
    # R-FR-06 (existing customer) is not judged yet: its place is here, before the fall-back to R-FR-03.
    claimed = ("R-FR-06",) if consent.basis is Basis.EXISTING_CUSTOMER else ()
    return _refuse(policy, Reason.NO_CONSENT, ("R-FR-01", *origin, *why, *claimed, "R-FR-03"))


def _audience(policy: Policy, address: Address, consent: Consent) -> tuple[Audience, tuple[str, ...]]:
    """In which capacity the person is really addressed, and the rules that said so (R-FR-10, 12, 13)."""
    audience = consent.audience
    if audience is Audience.CONSUMER:
        return audience, ()
    why: tuple[str, ...] = ()
    if audience is Audience.LEGAL_PERSON:
        if "R-FR-12" not in policy.off and address.role in policy.role_local_parts:
            return audience, ("R-FR-12",)
        if "R-FR-13" in policy.off:
            return audience, ()
        audience, why = Audience.PROFESSIONAL, ("R-FR-13",)
    if not consent.professional_proof and "R-FR-10" not in policy.off and address.domain in policy.free_mail_domains:
        return Audience.CONSUMER, (*why, "R-FR-10")
    return audience, why


def _on_consent(
    policy: Policy, question: Question, facts: Facts, consent: Consent, audience: Audience, rules: tuple[str, ...]
) -> Allow | Refuse:
    """A record that claims consent is judged as consent, whoever gave it: no other basis is slipped under it."""
    rules = (*rules, "R-FR-03")
    if consent.missing and "R-FR-04" not in policy.off:
        return _refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, "R-FR-04"))
    if consent.purpose != question.stream.purpose and "R-FR-19" not in policy.off:
        return _refuse(policy, Reason.PURPOSE, (*rules, "R-FR-04", "R-FR-19"))
    rules = (*rules, "R-FR-04", "R-FR-19", "R-FR-45")
    if audience is Audience.CONSUMER and not consent.direct:
        rules = (*rules, "R-FR-20")
        if not consent.partner_list_version and "R-FR-20" not in policy.off:
            return _refuse(policy, Reason.PARTNER_NOT_NAMED, rules)
    return _words(policy, question, facts, consent, Basis.CONSENT, rules)


def _on_interest(policy: Policy, question: Question, facts: Facts, consent: Consent, rules: tuple[str, ...]) -> Allow | Refuse:
    """A professional without consent: only where the pack lets them be written to, and only about their work."""
    if policy.strict_b2b or "R-FR-08" in policy.off:
        mode = ("R-FR-11",) if policy.strict_b2b else ()
        return _refuse(policy, Reason.NO_CONSENT, (*rules, *mode, "R-FR-03"))
    if consent.missing and "R-FR-04" not in policy.off:
        return _refuse(policy, Reason.CONSENT_UNPROVEN, (*rules, "R-FR-04"))
    rules = (*rules, "R-FR-08", "R-FR-09")
    if "R-FR-09" not in policy.off and not _concerned(consent.function, question.stream.relates_to):
        return _refuse(policy, Reason.B2B_RELEVANCE, rules)
    return _words(policy, question, facts, consent, Basis.LEGITIMATE_INTEREST, rules)


def _concerned(function: str, relates_to: tuple[str, ...]) -> bool:
    return bool(function.strip()) and ("*" in relates_to or function.strip().casefold() in relates_to)


def _words(
    policy: Policy, question: Question, facts: Facts, consent: Consent, basis: Basis, rules: tuple[str, ...]
) -> Allow | Refuse:
    """Permission, with the words about origin that are due: none for what the person gave us knowingly (R-FR-29, 33)."""
    source = consent.source
    if consent.direct and (basis is not Basis.LEGITIMATE_INTEREST or consent.wording):
        return Allow(basis, policy.cited(rules), Due.NONE, source)
    if consent.notice_sent_at is not None or _informed(facts, consent):
        if consent.direct or "R-FR-33" in policy.off:
            return Allow(basis, policy.cited(rules), Due.NONE, source)
        return Allow(basis, policy.cited((*rules, "R-FR-33")), Due.SOURCE_LINE, source)
    if "R-FR-29" in policy.off:
        return Allow(basis, policy.cited(rules), Due.NONE, source)
    if question.missing_notice and "R-FR-30" not in policy.off:
        return _refuse(policy, Reason.NOTICE_INCOMPLETE, (*rules, "R-FR-29", "R-FR-30"))
    return Allow(basis, policy.cited((*rules, "R-FR-29")), Due.FULL_NOTICE, source)


def _informed(facts: Facts, consent: Consent) -> bool:
    """Whether a first-contact notice left for this advertiser and source; a bounced one was never recorded (R-FR-31)."""
    return any(notice.advertiser == consent.advertiser and notice.source == consent.source for notice in facts.notices)


def source_unknown(source: str) -> bool:
    """Whether nobody knows where an address came from (R-FR-28)."""
    return source.strip().casefold() in _NOBODY_KNOWS


def _refuse(policy: Policy, reason: Reason, rules: tuple[str, ...]) -> Refuse:
    return Refuse(reason, policy.cited(rules), floor=False)
