"""Runs a pack's own examples against the decision, so that a DPO can write what must happen and see whether it does."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import assert_never

from gateway.core.address import Address, parse
from gateway.core.decide import Question, decide
from gateway.core.model import Advertiser, PersonKey, RefusalMode, Stream
from gateway.core.pack import Case, CaseConsent, Expected
from gateway.core.policy import Policy
from gateway.core.record import Arrangements, Consent, Facts, NamedPartner, NoticeGiven, Opposition, PartnerList, Relation, Traits
from gateway.core.verdict import Allow, Refuse, Undecided, Verdict

_NOBODY = PersonKey(bytes(16))
_STREAM = "stream"
_ADVERTISER = Advertiser("advertiser", "Advertiser", "", "", "", "", ())


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One example's end: `found` names each expectation the verdict did not meet; empty means it passed."""

    says: str
    verdict: Verdict
    found: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the verdict is what the pack expects."""
        return not self.found


def run_cases(policy: Policy) -> list[CaseResult]:
    """Every example of the pack, judged."""
    return [_run(policy, case) for case in policy.cases]


def _run(policy: Policy, case: Case) -> CaseResult:
    address = parse(case.to, smtputf8=True)
    if not isinstance(address, Address):  # the pack's shape has refused it already
        raise TypeError(case.says)
    question = Question(_stream(policy, case), address, case.missing_notice, case.now, _arrangements(case))
    verdict = decide(policy, question, None if case.unreadable else _facts(case))
    return CaseResult(case.says, verdict, tuple(_differences(case.expect, verdict)))


def _stream(policy: Policy, case: Case) -> Stream:
    advertiser = replace(_ADVERTISER, nonprofit=case.nonprofit, postal_address=case.postal_address)
    return Stream(
        _STREAM,
        1,
        advertiser,
        case.category,
        case.purpose,
        policy.name,
        "",
        RefusalMode.REJECT,
        policy.language,
        case.relates_to,
        case.product_families,
        case.sensitive,
        case.double_optin,
    )


def _facts(case: Case) -> Facts:
    return Facts(
        tuple(_consent(consent) for consent in case.consents),
        tuple(Opposition(person=_NOBODY, at=case.now, **dict(opposition)) for opposition in case.oppositions),
        tuple(NoticeGiven(_NOBODY, one.advertiser, one.source, case.now, "", one.kind) for one in case.notices),
        case.last_act,
    )


def _consent(given: CaseConsent) -> Consent:
    told = dict(given)
    traits = Traits(**{field.name: told.pop(field.name) for field in fields(Traits)})
    relation = Relation(**dict(given.relation)) if given.relation else None
    return Consent(person=_NOBODY, advertiser=_ADVERTISER.name, **{**told, "traits": traits, "relation": relation})


def _arrangements(case: Case) -> Arrangements:
    """The lists in the order given, oldest first, and the pause of the example's own stream."""
    lists: dict[str, tuple[PartnerList, ...]] = {}
    for one in case.lists:
        named = tuple(NamedPartner(name, "", "") for name in one.partners)
        lists[one.collector] = (*lists.get(one.collector, ()), PartnerList(one.collector, one.version, case.now, named))
    return Arrangements(lists, frozenset({_STREAM}) if case.paused else frozenset())


def _differences(expect: Expected, verdict: Verdict) -> list[str]:
    told = _told(verdict)
    wanted = {name: getattr(expect, name) for name in told}
    found = [
        f"{name}: expected {_word(want)}, found {_word(told[name])}"
        for name, want in wanted.items()
        if want is not None and want != told[name]
    ]
    absent = [rule for rule in expect.rules if rule not in verdict.rules]
    return [*found, *([f"rules: {', '.join(absent)} did not count; {', '.join(verdict.rules)} did"] if absent else [])]


def _word(value: object) -> str:
    return (", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "")) or "none"


def _told(verdict: Verdict) -> dict[str, object]:
    match verdict:
        case Allow():
            due, basis, tracking, news = verdict.due, verdict.basis, verdict.tracking, verdict.news
            return {"verdict": "allow", "reason": "", "basis": basis, "due": due, "tracking": tracking, "news": news}
        case Refuse() | Undecided():
            word = "refuse" if isinstance(verdict, Refuse) else "wait"
            return {"verdict": word, "reason": verdict.reason, "basis": "", "due": "", "tracking": False, "news": ()}
        case _:
            assert_never(verdict)
