"""Runs a pack's own examples against the decision, so that a DPO can write what must happen and see whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from gateway.core.address import Address, parse
from gateway.core.decide import Question, decide
from gateway.core.model import Advertiser, PersonKey, RefusalMode, Stream
from gateway.core.pack import Case, Expected
from gateway.core.policy import Policy
from gateway.core.record import Consent, Facts, NoticeGiven, Opposition
from gateway.core.verdict import Allow, Refuse, Undecided, Verdict

_NOBODY = PersonKey(bytes(16))
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
    stream = Stream(
        "stream",
        1,
        _ADVERTISER,
        case.category,
        case.purpose,
        policy.name,
        "",
        RefusalMode.REJECT,
        policy.language,
        case.relates_to,
    )
    verdict = decide(policy, Question(stream, address, case.missing_notice, case.now), None if case.unreadable else _facts(case))
    return CaseResult(case.says, verdict, tuple(_differences(case.expect, verdict)))


def _facts(case: Case) -> Facts:
    return Facts(
        tuple(Consent(person=_NOBODY, advertiser=_ADVERTISER.name, **dict(consent)) for consent in case.consents),
        tuple(Opposition(person=_NOBODY, at=case.now, **dict(opposition)) for opposition in case.oppositions),
        tuple(NoticeGiven(_NOBODY, notice.advertiser, notice.source, case.now, "") for notice in case.notices),
    )


def _differences(expect: Expected, verdict: Verdict) -> list[str]:
    word, reason, basis, due = _told(verdict)
    told = (
        ("verdict", expect.verdict, word),
        ("reason", expect.reason, reason),
        ("basis", expect.basis, basis),
        ("due", expect.due, due),
    )
    found = [f"{what}: expected {wanted}, found {got or 'none'}" for what, wanted, got in told if wanted and wanted != got]
    absent = [rule for rule in expect.rules if rule not in verdict.rules]
    return [*found, *([f"rules: {', '.join(absent)} did not count; {', '.join(verdict.rules)} did"] if absent else [])]


def _told(verdict: Verdict) -> tuple[Literal["allow", "refuse", "wait"], str, str, str]:
    match verdict:
        case Allow():
            return "allow", "", verdict.basis, verdict.due
        case Refuse():
            return "refuse", verdict.reason, "", ""
        case Undecided():
            return "wait", verdict.reason, "", ""
        case _:
            assert_never(verdict)
