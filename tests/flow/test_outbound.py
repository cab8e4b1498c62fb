"""The submission desk: who may log in, which senders and messages are an advertiser's own, and what is said where not."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from gateway.core import reply as replies
from gateway.core.evidence import Kind
from gateway.core.model import RefusalMode
from gateway.core.reply import Reply
from gateway.flow import outbound
from gateway.flow.desk import Login, MailFrom, RcptTo
from gateway.flow.outbound import Submission
from tests.support.company import (
    CLAIRE,
    HOST,
    MAISON,
    NEWS,
    PEER,
    SECRET,
    SENDER,
    Company,
    letterhead,
    newsletter,
)

SIGNED = (
    b"From: news@maison.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n"
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
        (b"From: a@maison.example\r\nSubject: x\r\nContent-Type: image/png\r\n\r\nAAAA\r\n", b"554 5.6.2 [NO-TEXT-PART]"),
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
