"""The submission desk: who may send what, what each RCPT is told, in each refusal mode, and that the evidence says the same."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from gateway.core import reply as replies
from gateway.core.decide import Question
from gateway.core.evidence import Kind
from gateway.core.explain import explain
from gateway.core.model import Audience, Basis, Block, Reason, RefusalMode, Scope
from gateway.core.reply import RECIPIENT_OK, REFUSALS, Reply
from gateway.flow import outbound
from gateway.flow.desk import Login, MailFrom, RcptTo
from gateway.flow.outbound import Submission
from tests.support.clock import START
from tests.support.company import (
    CLAIRE,
    DAY,
    FR,
    HOST,
    MAISON,
    MARC,
    NEWS,
    PAUL,
    PEER,
    SECRET,
    SENDER,
    Company,
    address,
    letterhead,
    newsletter,
)

SIGNED = (
    b"From: news@maison.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nBonjour\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nxyz\r\n--b--\r\n"
)


# Who logs in


async def test_a_tool_gets_its_first_stream_and_may_pick_another() -> None:
    company = Company()
    await company.enlist()
    for name, stream in (("crm", "news"), ("crm+news", "news"), ("crm+service", "service")):
        login = await company.desk.identify(name, SECRET)
        assert isinstance(login, Login)
        assert (login.tool, login.stream.name, login.refusal) == ("crm", stream, RefusalMode.REJECT)


@pytest.mark.parametrize("name", ["crm+other", "crm+", "CRM", "crm ", "", "+news", "nobody", "nobody+news"])
async def test_a_login_that_is_not_exactly_a_tools_is_refused(name: str) -> None:
    company = Company()
    await company.enlist(streams=("news",))
    expected = "crm" if name == "crm+" else ""  # an empty stream is the first one
    answer = await company.desk.identify(name, SECRET)
    assert (answer.tool if isinstance(answer, Login) else "") == expected


async def test_a_tool_may_not_pick_a_stream_that_is_not_its_own() -> None:
    company = Company()
    await company.enlist(streams=("news",))
    assert await company.desk.identify("crm+service", SECRET) == replies.AUTH_BAD


async def test_the_tools_own_refusal_mode_goes_before_its_streams() -> None:
    company = Company(refusal=RefusalMode.WITHHOLD)
    await company.enlist()
    login = await company.desk.identify("crm", SECRET)
    assert isinstance(login, Login)
    assert login.refusal is RefusalMode.WITHHOLD


async def test_a_revoked_tool_learns_it_only_with_its_secret() -> None:
    company = Company()
    await company.enlist(revoked=True)
    assert await company.desk.identify("crm", SECRET) == replies.TOOL_DISABLED
    assert await company.desk.identify("crm", b"wrong") == replies.AUTH_BAD


async def test_an_unknown_tool_costs_the_same_comparison_as_a_wrong_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(other))
        return hmac.compare_digest(one, other)

    company = Company()
    await company.enlist()
    monkeypatch.setattr(outbound, "hmac", type("Spy", (), {"compare_digest": staticmethod(compare)}))
    for name in ("crm", "nobody"):
        assert await company.desk.identify(name, b"wrong") == replies.AUTH_BAD
    assert compared == [32, 32]


async def test_nobody_gets_in_with_the_secret_that_stands_for_an_unknown_tool() -> None:
    company = Company()
    assert await company.desk.identify("nobody", b"") == replies.AUTH_BAD


async def test_credentials_that_cannot_be_read_are_a_temporary_answer() -> None:
    company = Company()
    company.book.down = True
    assert await company.desk.identify("crm", SECRET) == replies.AUTH_DOWN


# MAIL


async def opened(company: Company, mail: MailFrom, stream: str = "news") -> Submission | Reply:
    return await company.desk.open(company.login(stream), mail, PEER)


async def test_nothing_begins_without_a_login() -> None:
    assert await Company().desk.open(None, MailFrom(SENDER), PEER) == replies.AUTH_REQUIRED


async def test_the_null_sender_is_no_reason_to_refuse() -> None:
    assert isinstance(await opened(Company(), MailFrom("")), Submission)  # R-STD-10


@pytest.mark.parametrize(
    ("sender", "answer"),
    [
        ("user+bounce_42@maison.example", None),
        ("Bounces@MAISON.example", None),
        ("news@sub.maison.example", replies.NOT_YOURS),
        ("news@notmaison.example", replies.NOT_YOURS),
        ("news@maison.example.test", replies.NOT_YOURS),
        ("news@other.example", replies.NOT_YOURS),
        ("news@localhost", replies.NOT_QUALIFIED),
        ("postmaster", replies.NOT_QUALIFIED),
        ("a b@maison.example", replies.BAD_SENDER),
    ],
)
async def test_the_envelope_sender_belongs_to_the_advertiser(sender: str, answer: Reply | None) -> None:
    company = Company()
    said = await opened(company, MailFrom(sender))
    if answer is None:
        assert isinstance(said, Submission)
    else:
        assert isinstance(said, Reply)
        assert replace(said, ref=None) == answer
        assert (said.ref is not None) == (answer is replies.NOT_YOURS)


async def test_a_subdomain_that_is_named_may_send() -> None:
    wide = replace(NEWS, advertiser=replace(MAISON, from_domains=("maison.example", "bounce.maison.example")))
    company = Company(streams={"news": wide})
    assert isinstance(await opened(company, MailFrom("x@bounce.maison.example")), Submission)


async def test_marketing_waits_while_the_opt_out_does_not_work_and_service_mail_flows() -> None:
    company = Company()
    company.health.healthy = False
    assert await opened(company, MailFrom(SENDER)) == replies.OPTOUT_DOWN
    assert isinstance(await opened(company, MailFrom(SENDER), "service"), Submission)


async def test_a_message_that_says_it_is_too_big_is_refused_at_once() -> None:
    assert await opened(Company(), MailFrom(SENDER, size=(1 << 20) + 1)) == replies.TOO_BIG


@pytest.mark.parametrize("short", ["full", "down"])
async def test_without_room_in_the_spool_nothing_begins(short: str) -> None:
    company = Company()
    company.spool.free, company.spool.down = (1 << 20) + 99, short == "down"
    assert await opened(company, MailFrom(SENDER, size=100)) == replies.NO_SPACE
    company.spool.free, company.spool.down = (1 << 20) + 100, False
    assert isinstance(await opened(company, MailFrom(SENDER, size=100)), Submission)


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


# DATA: the message itself


async def refused_at_data(company: Company, data: bytes) -> Reply:
    await company.consent(CLAIRE)
    *_, answer = await company.send(CLAIRE, data=data)
    assert company.reached == []
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "Autre <news@other.example>"},
        {"From": "Autre <news@sub.maison.example>"},
        {"Sender": "postman@other.example"},
    ],
)
async def test_the_message_belongs_to_the_advertiser_or_does_not_leave(headers: dict[str, str]) -> None:
    company = Company()
    answer = await refused_at_data(company, newsletter(**headers))
    assert answer.line().startswith(b"550 5.7.1 [IDENTITY]")
    last = company.told(Kind.DECISION)[-1]
    assert (last.outcome, last.reason, last.person) == ("refuse", "IDENTITY", "")
    assert answer.ref == f"memory-{len(company.book.events)}"


async def test_a_sender_of_the_same_advertiser_is_fine() -> None:
    company = Company()
    await company.consent(CLAIRE)
    assert (await company.send(CLAIRE, data=newsletter(Sender="postman@maison.example")))[-1].positive


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (newsletter().replace(b"Subject:", b"From: a@other.example\r\nSubject:"), b"550 5.6.0 [MALFORMED]"),
        (newsletter().replace(b"Subject:", b"Subject: x\r\nSubject:"), b"550 5.6.0 [MALFORMED]"),
        (newsletter(From="a@maison.example, b@maison.example"), b"550 5.6.0 [MALFORMED]"),
        (b"no header\r\n\r\nhello\r\n", b"550 5.6.0 [MALFORMED]"),
        (b"Received: from a by b; x\r\n" * 51 + newsletter(), b"554 5.4.6 "),
        (
            b"Received: from a by " + HOST.encode() + b" (compliance-gateway)\r\n with ESMTP id x; y\r\n" + newsletter(),
            b"554 5.4.6 ",
        ),
        (SIGNED, b"554 5.6.2 [SIGNED-CONTENT]"),
        (b"From: a@maison.example\r\nContent-Type: image/png\r\n\r\nAAAA\r\n", b"554 5.6.2 [NO-TEXT-PART]"),
    ],
    ids=["two-from", "two-subjects", "two-authors", "no-header", "51-received", "own-stamp", "signed", "no-text"],
)
async def test_what_is_wrong_with_the_message_is_said_with_its_token_and_a_reference(data: bytes, start: bytes) -> None:
    company = Company()
    answer = await refused_at_data(company, data)
    assert answer.line().startswith(start)
    last = company.told(Kind.DECISION)[-1]
    assert (last.outcome, last.reason) == ("refuse", answer.token)
    assert last.detail.startswith(f"{answer.code} {answer.enhanced}")
    assert answer.ref == f"memory-{len(company.book.events)}"


async def test_a_from_domain_without_key_is_refused_by_name() -> None:
    company = Company(heads={"news": letterhead(dkim={})})
    answer = await refused_at_data(company, newsletter())
    assert answer.line().startswith(b"550 5.7.1 [NO-DKIM-KEY]")
    assert company.told(Kind.DECISION)[-1].reason == "NO-DKIM-KEY"


async def test_a_message_is_refused_even_when_that_cannot_be_recorded() -> None:
    company = Company()
    await company.consent(CLAIRE)
    submission, _ = await company.rcpt(CLAIRE)
    company.book.read_only = True
    assert await submission.send(newsletter(From="news@other.example")) == replies.NOT_YOURS


async def test_each_end_of_data_is_counted() -> None:
    company = Company()
    await company.consent(CLAIRE)
    await company.send(CLAIRE)
    await company.send(CLAIRE, data=newsletter(From="news@other.example"))
    assert company.meter.answers == [250, 550]


async def test_dsn_parameters_reach_the_provider_as_given() -> None:
    company = Company()
    await company.consent(CLAIRE)
    mail = MailFrom(SENDER, eight_bit=True, ret="HDRS", envid="QQ314159")
    await company.send(RcptTo(CLAIRE, "SUCCESS,FAILURE", "rfc822;Claire@example.org"), mail=mail)
    (handed,) = company.provider.handed
    assert (handed.to.notify, handed.to.orcpt) == ("SUCCESS,FAILURE", "rfc822;Claire@example.org")
    assert (handed.envelope.ret, handed.envelope.envid, handed.envelope.eight_bit) == ("HDRS", "QQ314159", True)
    assert handed.sender == SENDER
