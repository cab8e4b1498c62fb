"""What 250 means: at the provider, durably ours, or withheld on purpose and reported; an opposition wins at the last moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core import reply as replies
from gateway.core.evidence import Kind
from gateway.core.model import Fate, Outcome, RefusalMode, Stage
from gateway.core.record import Block
from gateway.core.reply import RECIPIENT_OK, Reply, for_outcome
from gateway.flow.desk import MailFrom, RcptTo
from tests.support.company import CLAIRE, HOST, MARC, PAUL, PEER, WAITS, Company, newsletter, read, reported
from tests.support.smtp import until
from tests.support.spool import EVERYTHING, GREYLISTED, NO_MAILBOX, NOT_US, SILENT, TAKEN, UNREACHABLE

ALL = (CLAIRE, MARC, PAUL)
WAITING = [GREYLISTED, SILENT, UNREACHABLE]


def bare(reply: Reply) -> Reply:
    """A reply without its reference."""
    return replace(reply, ref=None)


async def consented(*people: str, **settings: object) -> Company:
    company = Company(**settings)  # type: ignore[arg-type]
    for one in people or ALL:
        await company.consent(one)
    return company


# One recipient: the provider's verdict is passed on


async def test_a_delivery_is_answered_at_once_and_nothing_is_kept() -> None:
    company = await consented(CLAIRE)
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == replies.RELAYED
    assert company.reached == [CLAIRE]
    assert company.spool.rows == []
    assert company.told(Kind.ATTEMPT)[0] == company.book.events[int(str(answer.ref).removeprefix("memory-")) - 1]


@pytest.mark.parametrize("on_defer", [True, False])
@pytest.mark.parametrize("outcome", [NO_MAILBOX, Outcome(Fate.REFUSED, Stage.END, 554, "5.7.1", "Spam")])
async def test_a_refusal_of_the_provider_is_passed_on_and_nothing_is_kept(outcome: Outcome, on_defer: bool) -> None:
    company = await consented(CLAIRE, on_defer=on_defer)
    company.provider.answers = [outcome]
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == for_outcome(outcome)
    assert company.spool.rows == []


@pytest.mark.parametrize("outcome", WAITING)
async def test_what_must_wait_is_kept_where_we_spool(outcome: Outcome) -> None:
    company = await consented(CLAIRE)
    company.provider.answers = [outcome]
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == replies.QUEUED
    assert company.spool.waiting() == [(CLAIRE, company.clock.now() + WAITS[0])]
    assert company.bells == 1


@pytest.mark.parametrize("outcome", WAITING)
async def test_what_must_wait_is_handed_back_where_we_return(outcome: Outcome) -> None:
    company = await consented(CLAIRE, on_defer=False)
    company.provider.answers = [outcome]
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == for_outcome(outcome)
    assert answer.code // 100 == 4
    assert company.spool.rows == []


async def test_a_provider_that_cannot_be_reached_costs_no_attempt_entry() -> None:
    company = await consented(CLAIRE)
    company.provider.offers = UNREACHABLE
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == replies.QUEUED
    assert company.told(Kind.ATTEMPT) == []


@pytest.mark.parametrize("on_defer", [True, False])
async def test_a_provider_that_refuses_us_is_our_fault_and_an_alarm(on_defer: bool) -> None:
    company = await consented(CLAIRE, on_defer=on_defer)
    company.provider.answers = [NOT_US]
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == replies.NEXT_HOP_OURS
    assert "next-hop-refuses-us" in [what for what, _ in company.log.said]
    assert company.spool.rows == []


async def test_a_spool_that_cannot_be_written_hands_the_message_back() -> None:
    company = await consented(CLAIRE)
    company.provider.answers = [GREYLISTED]
    submission, _ = await company.rcpt(CLAIRE)
    company.spool.read_only = True
    answer = await submission.send(newsletter())
    assert bare(answer) == for_outcome(GREYLISTED)


async def test_a_client_that_leaves_cancels_nothing() -> None:
    company = await consented(CLAIRE)
    company.provider.hold = asyncio.Event()
    submission, _ = await company.rcpt(CLAIRE)
    sending = asyncio.ensure_future(submission.send(newsletter()))
    await until(lambda: company.provider.handed)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    company.provider.hold.set()
    await until(lambda: company.told(Kind.OUTCOME))
    assert company.told(Kind.OUTCOME)[0].outcome == "delivered"


@pytest.mark.parametrize(("notify", "reports", "told"), [("SUCCESS", False, 1), ("SUCCESS", True, 0), ("", False, 0)])
async def test_success_that_the_provider_will_not_report_is_reported_by_us(notify: str, reports: bool, told: int) -> None:
    company = await consented(CLAIRE)
    company.provider.offers = replace(EVERYTHING, dsn=reports)
    *_, answer = await company.send(RcptTo(CLAIRE, notify))
    assert bare(answer) == replies.RELAYED
    assert [reported(report)[:2] for report in company.reports] == [(CLAIRE, "relayed")] * told


# Several recipients: kept durably, one copy each


async def test_several_recipients_are_kept_before_250_and_each_gets_a_copy_of_their_own() -> None:
    company = await consented()
    *_, answer = await company.send(*ALL)
    assert bare(answer) == replies.QUEUED
    assert company.reached == []
    assert [who for who, _ in company.spool.waiting()] == list(ALL)
    assert company.spool.messages == 1
    assert await company.round() == 3
    assert company.reached == list(ALL)
    tokens = {read(handed.message)["List-Unsubscribe"] for handed in company.provider.handed}
    assert len(tokens) == 3
    for handed in company.provider.handed:
        others = [one for one in ALL if one != handed.to.address]
        assert not any(other.encode() in handed.message for other in others)
    assert company.spool.rows == []


async def test_the_trace_of_kept_mail_says_how_it_came_and_is_put_once() -> None:
    company = await consented()
    await company.send(*ALL)
    await company.round()
    for handed in company.provider.handed:
        (trace,) = read(handed.message).get_all("Received")
        assert f"by {HOST}" in trace
        assert "ESMTPSA" in trace
        assert "@" not in trace


async def test_several_recipients_are_not_taken_when_the_spool_cannot_be_written() -> None:
    company = await consented()
    submission, _ = await company.rcpt(*ALL)
    company.spool.read_only = True
    assert await submission.send(newsletter()) == replies.EVIDENCE_DOWN
    assert company.reached == []


async def test_a_content_that_nobody_can_be_sent_is_refused_before_it_is_kept() -> None:
    company = await consented(heads={})
    picture = b"From: a@maison.example\r\nSubject: x\r\nContent-Type: image/png\r\n\r\nAAAA\r\n"
    *_, answer = await company.send(*ALL, data=picture)
    assert bare(answer) == replies.NO_TEXT_PART
    assert company.spool.rows == []


async def test_refused_recipients_are_told_at_rcpt_and_the_rest_is_delivered() -> None:
    company = await consented()
    await company.oppose(MARC)
    first, second, third, end = await company.send(*ALL)
    assert (first, third) == (RECIPIENT_OK, RECIPIENT_OK)
    assert second.token == "OPPOSED"
    assert bare(end) == replies.QUEUED
    await company.round()
    assert company.reached == [CLAIRE, PAUL]
    assert company.reports == []


async def test_one_good_recipient_among_refused_ones_is_tried_at_once() -> None:
    company = await consented(CLAIRE)
    *_, answer = await company.send(CLAIRE, MARC, PAUL)
    assert bare(answer) == replies.RELAYED
    assert company.reached == [CLAIRE]


# The facts change between RCPT and the end of data


@pytest.mark.parametrize("mode", RefusalMode)
async def test_an_opposition_between_rcpt_and_data_wins(mode: RefusalMode) -> None:
    company = await consented(CLAIRE, refusal=mode)
    submission, _ = await company.rcpt(CLAIRE)
    await company.oppose(CLAIRE)
    answer = await submission.send(newsletter())
    assert company.reached == []
    assert company.story[-1] == ("decision", "drop", "OPPOSED")
    assert company.told(Kind.DECISION)[-1].about == "memory-1"
    if mode is RefusalMode.WITHHOLD:
        assert bare(answer) == replies.WITHHELD
        assert len(company.reports) == 1
    else:
        assert answer.token == "OPPOSED"
        assert answer.ref == "memory-2"
        assert company.reports == []


async def test_those_who_turn_forbidden_among_several_are_reported_and_the_rest_goes() -> None:
    company = await consented()
    submission, _ = await company.rcpt(*ALL)
    await company.oppose(MARC)
    answer = await submission.send(newsletter())
    assert bare(answer) == replies.QUEUED
    (report,) = company.reports
    assert reported(report)[:2] == (MARC, "failed")
    assert "5.7.1 smtp; 550 5.7.1 [OPPOSED]" in reported(report)[2]
    await company.round()
    assert company.reached == [CLAIRE, PAUL]


@pytest.mark.parametrize(("block", "token"), [(Block.OPPOSED, "OPPOSED"), (Block.COMPLAINED, "")])
async def test_when_all_turn_forbidden_the_whole_is_refused_and_nothing_is_kept(block: Block, token: str) -> None:
    company = await consented(CLAIRE, MARC)
    submission, _ = await company.rcpt(CLAIRE, MARC)
    await company.oppose(CLAIRE)
    await company.oppose(MARC, block)
    answer = await submission.send(newsletter())
    assert answer.line().startswith(f"550 5.7.1 {f'[{token}]' if token else 'Every'}".encode())
    assert answer.ref == "memory-3"
    assert company.spool.rows == []


async def test_a_withholding_tool_hears_250_even_when_all_turn_forbidden() -> None:
    company = await consented(CLAIRE, MARC, refusal=RefusalMode.WITHHOLD)
    submission, _ = await company.rcpt(CLAIRE, MARC)
    await company.oppose(CLAIRE)
    await company.oppose(MARC)
    assert bare(await submission.send(newsletter())) == replies.WITHHELD
    assert sorted(reported(report)[0] for report in company.reports) == sorted([CLAIRE, MARC])
    assert company.reached == []


@pytest.mark.parametrize("people", [(CLAIRE,), ALL])
async def test_nothing_is_sent_while_the_facts_cannot_be_read_at_the_end_of_data(people: tuple[str, ...]) -> None:
    company = await consented()
    submission, _ = await company.rcpt(*people)
    company.book.down = True
    assert (await submission.send(newsletter())).code == 451
    assert (company.reached, company.spool.rows) == ([], [])


async def test_nothing_is_sent_while_an_attempt_cannot_be_recorded() -> None:
    company = await consented(CLAIRE)
    submission, _ = await company.rcpt(CLAIRE)
    company.book.read_only = True
    assert await submission.send(newsletter()) == replies.EVIDENCE_DOWN
    assert (company.reached, company.spool.rows) == ([], [])


async def test_marketing_that_was_begun_waits_when_the_opt_out_fails_before_its_end() -> None:
    for people in ((CLAIRE,), ALL):
        company = await consented()
        submission, _ = await company.rcpt(*people)
        company.health.healthy = False
        assert await submission.send(newsletter()) == replies.OPTOUT_DOWN
        assert (company.reached, company.spool.rows) == ([], [])


# Withheld recipients


async def test_each_withheld_recipient_is_reported_once_the_rest_is_settled() -> None:
    company = await consented(CLAIRE, refusal=RefusalMode.WITHHOLD)
    await company.oppose(MARC)
    *_, answer = await company.send(CLAIRE, MARC, PAUL)
    assert bare(answer) == replies.RELAYED
    assert company.reached == [CLAIRE]
    told = {reported(report)[0]: reported(report)[2] for report in company.reports}
    assert set(told) == {MARC, PAUL}
    assert "[OPPOSED]" in told[MARC]
    assert "[UNKNOWN-RECIPIENT]" in told[PAUL]


async def test_nothing_is_reported_for_a_message_the_tool_still_owns() -> None:
    company = await consented(CLAIRE, refusal=RefusalMode.WITHHOLD, on_defer=False)
    await company.oppose(MARC)
    company.provider.answers = [GREYLISTED]
    *_, answer = await company.send(CLAIRE, MARC)
    assert answer.code == 450
    assert company.reports == []


async def test_a_tool_that_asked_for_silence_or_has_no_return_path_is_not_told() -> None:
    company = await consented(CLAIRE, refusal=RefusalMode.WITHHOLD)
    await company.send(CLAIRE, RcptTo(MARC, "NEVER"))
    await company.send(CLAIRE, MARC, mail=MailFrom(""), data=newsletter(Message_ID="<2@maison.example>"))
    assert company.reports == []


async def test_a_report_that_cannot_be_kept_takes_nothing_back() -> None:
    company = await consented(refusal=RefusalMode.WITHHOLD)
    await company.oppose(MARC)
    submission, _ = await company.rcpt(CLAIRE, MARC)
    company.spool.read_only = True
    assert bare(await submission.send(newsletter())) == replies.RELAYED
    assert "tool-not-told" in [what for what, _ in company.log.said]


# A resend


@pytest.mark.parametrize(("later", "copies"), [(timedelta(hours=24), 1), (timedelta(hours=24, seconds=1), 2)])
async def test_the_same_message_again_within_a_day_is_accepted_and_not_mailed_twice(later: timedelta, copies: int) -> None:
    company = await consented(CLAIRE)
    await company.send(CLAIRE)
    company.clock.advance(later.total_seconds())
    *_, answer = await company.send("claire@EXAMPLE.org")
    assert len(company.reached) == copies
    assert (bare(answer) == replies.ALREADY) == (copies == 1)


@pytest.mark.parametrize(
    "other",
    [newsletter("Autre texte\n"), newsletter(Message_ID="<octobre@maison.example>"), newsletter(Subject="Octobre")],
    ids=["body", "message-id", "subject"],
)
async def test_another_message_is_not_taken_for_a_resend(other: bytes) -> None:
    company = await consented(CLAIRE)
    await company.send(CLAIRE)
    await company.send(CLAIRE, data=other)
    assert len(company.reached) == 2


async def test_messages_without_message_id_are_never_taken_for_resends() -> None:
    company = await consented(CLAIRE)
    for _ in range(2):
        await company.send(CLAIRE, data=newsletter(Message_ID=""))
    assert len(company.reached) == 2


@pytest.mark.parametrize("outcome", [NO_MAILBOX, NOT_US])
async def test_what_was_not_accepted_may_be_sent_again(outcome: Outcome) -> None:
    company = await consented(CLAIRE)
    company.provider.answers = [outcome]
    await company.send(CLAIRE)
    *_, answer = await company.send(CLAIRE)
    assert bare(answer) == replies.RELAYED


async def test_kept_mail_is_known_again_before_it_is_delivered() -> None:
    company = await consented(CLAIRE)
    company.provider.answers = [GREYLISTED]
    await company.send(CLAIRE)
    *_, answer = await company.send(CLAIRE)
    assert answer == replies.ALREADY
    assert len(company.spool.rows) == 1


async def test_a_resend_to_more_people_reaches_only_the_new_ones() -> None:
    company = await consented()
    await company.send(CLAIRE, MARC)
    await company.send(*ALL)
    await company.round()
    assert sorted(company.reached) == sorted(ALL)


async def test_a_resend_to_somebody_who_opposed_meanwhile_is_refused() -> None:
    company = await consented(CLAIRE)
    await company.send(CLAIRE)
    await company.oppose(CLAIRE)
    (answer,) = await company.send(CLAIRE)
    assert answer.token == "OPPOSED"


async def test_two_tools_do_not_share_their_resends() -> None:
    company = await consented(CLAIRE)
    await company.send(CLAIRE)
    submission = await company.desk.open(replace(company.login(), tool="odoo"), MailFrom("a@maison.example"), PEER)
    await submission.admit(RcptTo(CLAIRE))  # type: ignore[union-attr]
    await submission.send(newsletter())  # type: ignore[union-attr]
    assert len(company.reached) == 2


async def test_a_mark_that_cannot_be_written_makes_no_second_copy() -> None:
    company = await consented()
    submission, _ = await company.rcpt(*ALL)
    company.book.read_only = True
    assert bare(await submission.send(newsletter())) == replies.QUEUED
    assert "resend-mark-not-recorded" in [what for what, _ in company.log.said]
    company.book.read_only = False
    company.provider.answers = [TAKEN] * 3
    await company.round()
    assert company.reached == list(ALL)
