"""Tells the story of a decision in plain words: what counted, by which law, what is on record, what would change it (R-FR-92).

The words around are English; the rules' sentences are the pack's. No address and no key appears: who asks knows about whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from gateway.core.decide import Question, decide
from gateway.core.model import Stream
from gateway.core.notice import clean
from gateway.core.on_record import on_record
from gateway.core.policy import Policy, Rule
from gateway.core.record import Facts
from gateway.core.verdict import Allow, Due, Reason, Refuse, Undecided, Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision explained; `reason` is empty for a permission, `on_record` and `to_change` are sentences."""

    verdict: Verdict
    headline: str
    reason: str
    rules: tuple[Rule, ...]
    on_record: tuple[str, ...]
    to_change: tuple[str, ...]
    policy: str

    def lines(self) -> list[str]:
        """The explanation as lines of text."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.headline
        yield ""
        yield f"Rules that counted, in order (policy {self.policy}):"
        for rule in self.rules:
            yield f"  {rule.id}  {rule.says}"
            if rule.source:
                yield f"           {rule.source}"
        yield ""
        yield "On record:"
        yield from (f"  - {sentence}" for sentence in self.on_record)
        if self.to_change:
            yield ""
            yield "To change this:" if self.reason else "The mail must carry:"
            yield from (f"  - {sentence}" for sentence in self.to_change)


def explain(policy: Policy, question: Question, facts: Facts | None) -> Explanation:
    """Decide, and say why."""
    verdict = decide(policy, question, facts)
    rules = tuple(policy.rule(rule) for rule in verdict.rules)
    reason = "" if isinstance(verdict, Allow) else verdict.reason.value
    record = tuple(on_record(policy, question, facts))
    return Explanation(
        verdict, _headline(question.stream, verdict), reason, rules, record, _to_change(question, verdict), policy.label
    )


def _headline(stream: Stream, verdict: Verdict) -> str:
    mail = f"{stream.category.value} mail of stream {stream.name} ({stream.advertiser.legal_name or stream.advertiser.name})"
    match verdict:
        case Allow():
            return f"ALLOWED: {mail} may go to this person, on the basis {verdict.basis.value}."
        case Refuse():
            return f"REFUSED [{verdict.reason.value}]: {mail} must not go to this person."
        case Undecided():
            return f"WAITS [{verdict.reason.value}]: nobody can say now whether {mail} may go to this person."
        case _:
            assert_never(verdict)


def _to_change(question: Question, verdict: Verdict) -> tuple[str, ...]:
    match verdict:
        case Allow():
            return (*_CARRY[verdict.due], *_news(verdict))
        case Refuse(reason=Reason.NOTICE_INCOMPLETE):
            return (f"Configure what the first-contact notice lacks: {', '.join(question.missing_notice)}.",)
        case Refuse(reason=Reason.B2B_RELEVANCE):
            functions = ", ".join(question.stream.relates_to) or "none (set relates_to)"
            return (f"Record the person's professional function; this stream concerns: {functions}.",)
        case Refuse(reason=Reason.NO_CONSENT, rules=rules) if "R-FR-06" in rules:
            return (*_REMEDY[Reason.NO_CONSENT], _CUSTOMER)
        case Refuse(reason=Reason.NO_CONSENT, rules=rules) if "R-FR-22" in rules:
            return ("A consent for partners or for trackers permits no mail of our own: obtain one for it (R-FR-22).",)
        case Refuse(reason=Reason.PARTNER_NOT_NAMED, rules=rules) if "R-FR-24" in rules:
            return ("A later list names this advertiser: its collector must tell the person first, and pass the address on anew.",)
        case Refuse(reason=Reason.PURPOSE):
            return (f"Obtain a consent for the purpose {question.stream.purpose}; consent for another purpose is not enough.",)
        case Refuse() | Undecided():
            return _REMEDY[verdict.reason]
        case _:
            assert_never(verdict)


def _news(verdict: Allow) -> tuple[str, ...]:
    names = ", ".join(clean(name) for name in verdict.news)
    return (f"The partners that are new to this person: {names}.",) if names else ()


_CARRY = {
    Due.NONE: (),
    Due.SOURCE_LINE: ("A line that names the source of the address.",),
    Due.FULL_NOTICE: ("The full first-contact notice (who writes, why, the source, the person's rights).",),
}
_CUSTOMER = (
    "A customer needs none if the record shows it all: address given by the person, in dealings with this very company,"
    " refusing offered then, a product family that the stream's product_families hold."
)
_ONLY_THE_PERSON = (
    "Only a fresh act of the person lifts an opposition; no import, no consent dated earlier, no setting does.",
    "If it was recorded by mistake, remove it with a reason: the removal is recorded.",
)
_REMEDY: dict[Reason, tuple[str, ...]] = {
    Reason.OPPOSED: _ONLY_THE_PERSON,
    Reason.COMPLAINED: _ONLY_THE_PERSON,
    Reason.PENDING: ("Read the answer: `gateway task list` names it; closing the task lifts the pause or makes it an opposition.",),
    Reason.BOUNCED: ("If the mailbox works again, remove the suppression with a reason: the removal is recorded.",),
    Reason.NO_CONSENT: ("Obtain the person's consent for this purpose and import it with its proof.",),
    Reason.CONSENT_WITHDRAWN: ("Only a consent given after the withdrawal counts.",),
    Reason.CONSENT_UNPROVEN: ("Import the consent again with the proof it lacks, or obtain it anew.",),
    Reason.UNKNOWN_RECIPIENT: ("Import the person into the register with a basis, a source and its proof.",),
    Reason.SOURCE_MISSING: ("Record where the address came from; an address nobody can account for cannot be used.",),
    Reason.PARTNER_NOT_NAMED: ("Record the version of the partner list, naming this advertiser, that was shown to the person.",),
    Reason.RESTRICTED: ("Lift the restriction with a reason once the person's objection is settled (GDPR 18); it is recorded.",),
    Reason.MINOR: ("Record the joint consent of the holder of parental authority.",),
    Reason.IMPLIED_EXPIRED: ("Obtain the person's express consent; implied consent ends with time.",),
    Reason.DOI_PENDING: ("Let the person confirm the sign-up by the link in the confirmation mail.",),
    Reason.SENSITIVE: ("Obtain an explicit consent that names the sensitive data (GDPR 9(2)(a)).",),
    Reason.TRANSFER_BEFORE_CONSENT: ("An address passed on before its holder consented cannot be used; obtain a fresh consent.",),
    Reason.NOTICE_OVERDUE: ("Send the first-contact notice by itself (information only); then mail may go.",),
    Reason.INACTIVE: ("Only a fresh act of the person (a reply, an order, a renewed consent) counts; opening a mail does not.",),
    Reason.POSTAL_ADDRESS: ("Configure the advertiser's postal_address.",),
    Reason.STREAM_PAUSED: ("Find out why people complain, then resume the stream with a reason.",),
    Reason.IDENTITY: ("Send under the advertiser's own name and domain.",),
    Reason.CATEGORY: ("Use a credential that may send this category.",),
    Reason.STORE_DOWN: ("Try again when the register can be read; nothing is sent on a guess.",),
}
