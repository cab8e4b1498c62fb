"""What the decision promises whatever is on record, under every pack."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.decide import Question, decide
from gateway.core.explain import explain
from gateway.core.policy import Policy
from gateway.core.record import (
    Basis,
    Block,
    Covers,
    Door,
    Facts,
    Opposition,
    Scope,
)
from gateway.core.verdict import Allow, Reason, Refuse, Undecided
from tests.support.any_record import FACTS, PACKS, QUESTIONS
from tests.support.deciding import (
    NEWS,
    NOW,
    PERSON,
)


@given(PACKS, QUESTIONS, st.none() | FACTS)
def test_every_question_has_an_answer_that_can_be_told(pack: Policy, question: Question, facts: Facts | None) -> None:
    verdict = decide(pack, question, facts)
    assert isinstance(verdict, Allow | Refuse | Undecided)
    assert verdict.rules[0] == "R-FR-01"
    assert all(pack.rule(rule).says for rule in verdict.rules)
    assert not pack.off & set(verdict.rules)
    assert len(set(verdict.rules)) == len(verdict.rules)
    told = "\n".join(explain(pack, question, facts).lines())
    assert question.address.wire not in told
    assert all(rule in told for rule in verdict.rules)


@given(PACKS, QUESTIONS, FACTS, st.sampled_from(Block), st.sampled_from(Scope), st.integers(0, 4))
def test_opposition_outranks_everything(
    pack: Policy, question: Question, facts: Facts, block: Block, scope: Scope, place: int
) -> None:
    """R-FR-01, R-FR-63, R-FR-64: under every pack, paused or not, whatever else is on record."""
    opposition = Opposition(PERSON, block, scope, "shop", question.stream.name, Door.REPLY, NOW)
    oppositions = (*facts.oppositions[:place], opposition, *facts.oppositions[place:])
    question = replace(question, stream=NEWS if scope is not Scope.STREAM else replace(NEWS, name=question.stream.name))
    verdict = decide(pack, question, replace(facts, oppositions=oppositions))
    assert isinstance(verdict, Refuse)
    assert verdict.floor
    assert verdict.reason in (Reason.OPPOSED, Reason.COMPLAINED, Reason.RESTRICTED, Reason.BOUNCED, Reason.PENDING)


@given(PACKS, QUESTIONS, FACTS)
def test_marketing_never_leaves_without_a_record_of_this_advertiser(pack: Policy, question: Question, facts: Facts) -> None:
    """R-FR-03, R-FR-22: under every pack."""
    verdict = decide(pack, replace(question, stream=NEWS), facts)
    if isinstance(verdict, Allow):
        own = [consent for consent in facts.consents if consent.advertiser == "shop" and consent.covers is Covers.OWN]
        assert any(consent.withdrawn_at is None for consent in own)
        assert verdict.basis is not Basis.SERVICE


@given(PACKS, QUESTIONS, FACTS)
def test_trackers_need_a_consent_of_their_own(pack: Policy, question: Question, facts: Facts) -> None:
    """R-FR-76."""
    verdict = decide(pack, question, facts)
    if isinstance(verdict, Allow) and verdict.tracking:
        tracking = [consent for consent in facts.consents if consent.covers is Covers.TRACKING]
        assert any(consent.withdrawn_at is None and consent.basis is Basis.CONSENT for consent in tracking)
