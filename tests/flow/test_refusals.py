"""What each RCPT is told, in each refusal mode; the evidence, the figures and the explanation say the same (R-STD-80)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core import reply as replies
from gateway.core.decide import Question
from gateway.core.evidence import Kind
from gateway.core.explain import explain
from gateway.core.model import RefusalMode
from gateway.core.record import Audience, Basis, Block, Scope
from gateway.core.reply import RECIPIENT_OK, REFUSALS, Reply
from gateway.core.verdict import Reason
from tests.support.clock import START
from tests.support.company import (
    CLAIRE,
    DAY,
    FR,
    MAISON,
    MARC,
    NEWS,
    PAUL,
    Company,
    address,
)

# RCPT: reject


async def test_a_consented_person_is_accepted_and_the_decision_is_on_record() -> None:
    company = Company()
    await company.consent(CLAIRE)
    _, (answer,) = await company.rcpt(CLAIRE)
    assert answer == RECIPIENT_OK
    (decision,) = company.told(Kind.DECISION)
    assert (decision.outcome, decision.tool, decision.stream, decision.advertiser) == ("allow", "crm", "news", "maison")
    assert decision.person == company.person(CLAIRE).hex()
    assert (decision.basis, decision.reason, decision.category) == ("consent", "", "marketing")
    assert decision.policy == FR.label
    assert decision.rules


PROBLEMS: dict[Reason, dict[str, object]] = {
    Reason.CONSENT_WITHDRAWN: {"withdrawn_at": START - DAY / 2},
    Reason.CONSENT_UNPROVEN: {"missing": ("wording",)},
    Reason.PURPOSE: {"purpose": "sondages"},
    Reason.SOURCE_MISSING: {"source": "unknown"},
    Reason.PARTNER_NOT_NAMED: {"source": "voisin", "partner_list_version": ""},
    Reason.NO_CONSENT: {"basis": Basis.LEGITIMATE_INTEREST},
    Reason.B2B_RELEVANCE: {"audience": Audience.PROFESSIONAL, "basis": Basis.LEGITIMATE_INTEREST, "function": "Vente"},
}
BLOCKS = {Reason.OPPOSED: Block.OPPOSED, Reason.COMPLAINED: Block.COMPLAINED, Reason.BOUNCED: Block.BOUNCED}


async def with_problem(company: Company, reason: Reason) -> None:
    """Make Claire somebody who must be refused for this reason."""
    if reason in BLOCKS:
        await company.consent(CLAIRE)
        await company.oppose(CLAIRE, BLOCKS[reason])
    elif reason is Reason.NOTICE_INCOMPLETE:
        await company.buyer(CLAIRE)
    elif reason in PROBLEMS:
        await company.consent(CLAIRE, **PROBLEMS[reason])


def company_for(reason: Reason) -> Company:
    """A company that lacks a privacy policy where the notice must be incomplete."""
    if reason is not Reason.NOTICE_INCOMPLETE:
        return Company()
    return Company(streams={"news": replace(NEWS, advertiser=replace(MAISON, privacy_url=""))})


@pytest.mark.parametrize("reason", [*BLOCKS, *PROBLEMS, Reason.UNKNOWN_RECIPIENT, Reason.NOTICE_INCOMPLETE])
async def test_the_same_cause_has_the_same_token_in_smtp_evidence_figures_and_explanation(reason: Reason) -> None:
    company = company_for(reason)
    await with_problem(company, reason)
    _, (answer,) = await company.rcpt(CLAIRE)
    assert answer.token == reason.value
    assert replace(answer, ref=None) == REFUSALS[reason]
    (decision,) = company.told(Kind.DECISION)
    assert (decision.outcome, decision.reason) == ("refuse", reason.value)
    assert answer.ref == f"memory-{company.book.events.index(decision) + 1}"
    assert company.meter.decisions == [("news", reason.value)]
    assert ("recipient-refused", reason.value) in [(what, facts["reason"]) for what, facts in company.log.said]
    stream = company.streams["news"]
    who = company.identity.who(address(CLAIRE), False)
    (facts,) = await company.book.facts("maison", [who])
    missing = ("privacy_url",) if reason is Reason.NOTICE_INCOMPLETE else ()
    told = explain(FR, Question(stream, address(CLAIRE), missing, company.clock.now()), facts)
    assert told.verdict.reason is reason  # type: ignore[union-attr]
    assert told.verdict.rules == decision.rules


async def test_a_refusal_names_nobody() -> None:
    company = Company()
    await company.oppose(MARC)
    _, (answer,) = await company.rcpt(MARC)
    assert b"marc" not in answer.line().lower()
    assert "marc" not in str(company.log.said).lower()
    assert "marc" not in str(company.book.events).lower()


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        ("nobody", replies.NOT_QUALIFIED),
        ("nobody@localhost", replies.NOT_QUALIFIED),
        ("a@[192.0.2.1]", replies.BAD_RECIPIENT),
        ("@relay.example:a@example.org", replies.BAD_RECIPIENT),
        ("a%b@example.org", replies.BAD_RECIPIENT),
        ("zoé@example.org", replies.UTF8_NEEDED),
    ],
)
async def test_an_address_that_is_none_is_answered_by_its_fault_and_judged_by_nobody(recipient: str, answer: Reply) -> None:
    company = Company()
    assert (await company.rcpt(recipient))[1] == [answer]
    assert company.book.reads == 0


async def test_an_opposition_is_found_under_every_spelling() -> None:
    company = Company()
    await company.consent("claire@example.org")
    await company.oppose("claire@example.org")
    spellings = ("CLAIRE@example.org", "Claire@EXAMPLE.org", '"claire"@example.org', '"cl\\aire"@example.org')
    _, answers = await company.rcpt(*spellings)
    assert {answer.token for answer in answers} == {"OPPOSED"}


async def test_a_recipient_named_twice_is_accepted_twice_and_mailed_once() -> None:
    company = Company()
    await company.consent("claire@example.org")
    answers = await company.send("claire@example.org", "CLAIRE@example.org")
    assert answers[:2] == [RECIPIENT_OK, RECIPIENT_OK]
    assert company.reached == ["claire@example.org"]
    assert len(company.told(Kind.DECISION)) == 1


async def test_an_opposed_customer_still_gets_service_mail_but_a_dead_mailbox_gets_nothing() -> None:
    company = Company()
    await company.oppose(MARC)
    await company.oppose(PAUL, Block.BOUNCED)
    _, answers = await company.rcpt(MARC, PAUL, stream="service")
    assert [answer.token or answer.code for answer in answers] == [250, "BOUNCED"]


async def test_an_opposition_to_one_list_stops_that_list_only() -> None:
    offers = replace(NEWS, name="offers", number=9)
    company = Company(streams={"news": NEWS, "offers": offers})
    await company.consent(CLAIRE)
    await company.oppose(CLAIRE, scope=Scope.STREAM)
    assert (await company.rcpt(CLAIRE, stream="news"))[1][0].token == "OPPOSED"
    assert (await company.rcpt(CLAIRE, stream="offers"))[1] == [RECIPIENT_OK]


# RCPT: nobody may guess


async def test_when_the_facts_cannot_be_read_nobody_is_judged() -> None:
    company = Company()
    company.book.down = True
    assert await company.send(CLAIRE) == [replies.STORE_DOWN]
    assert company.meter.decisions == [("news", "STORE-DOWN")]
    assert company.reached == []


@pytest.mark.parametrize("refused", [True, False])
async def test_when_the_decision_cannot_be_recorded_nothing_is_sent(refused: bool) -> None:
    company = Company()
    await company.consent(CLAIRE)
    if refused:
        await company.oppose(CLAIRE)
    company.book.read_only = True
    assert await company.send(CLAIRE) == [replies.EVIDENCE_DOWN]
    assert company.reached == []
    assert company.story == []


# RCPT: withhold and monitor


async def test_a_withholding_tool_hears_no_refusal_and_the_person_gets_nothing() -> None:
    company = Company(refusal=RefusalMode.WITHHOLD)
    await company.oppose(MARC)
    assert await company.send(MARC) == [RECIPIENT_OK, replies.WITHHELD]
    assert company.reached == []
    assert company.story == [("decision", "withhold", "OPPOSED")]


@pytest.mark.parametrize("reason", [*PROBLEMS, Reason.UNKNOWN_RECIPIENT])
async def test_monitored_mail_goes_out_and_what_would_have_been_refused_is_on_record(reason: Reason) -> None:
    company = Company(refusal=RefusalMode.MONITOR)
    await with_problem(company, reason)
    answers = await company.send(CLAIRE)
    assert [answer.code for answer in answers] == [250, 250]
    assert company.reached == [CLAIRE]
    assert company.told(Kind.DECISION)[0].outcome == "monitor"
    assert company.told(Kind.DECISION)[0].reason == reason.value
    assert company.meter.decisions == [("news", reason.value)]


@pytest.mark.parametrize("reason", BLOCKS)
@pytest.mark.parametrize("mode", [RefusalMode.REJECT, RefusalMode.MONITOR])
async def test_a_recorded_opposition_is_refused_even_when_only_monitoring(reason: Reason, mode: RefusalMode) -> None:
    company = Company(refusal=mode)
    await with_problem(company, reason)
    (answer,) = await company.send(CLAIRE)
    assert answer.token == reason.value
    assert company.reached == []


async def test_an_opposition_older_than_a_consent_still_wins_in_every_mode() -> None:
    for mode in RefusalMode:
        company = Company(refusal=mode)
        await company.oppose(CLAIRE)
        await company.consent(CLAIRE, collected_at=START + DAY)
        await company.send(CLAIRE)
        assert company.reached == []
