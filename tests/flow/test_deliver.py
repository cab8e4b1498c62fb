"""Kept mail: decided anew before each try, retried on schedule, and at its end on record, told and gone - never silently."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.evidence import Kind
from gateway.core.model import Outcome, RefusalMode
from gateway.core.record import Block
from gateway.core.verdict import Reason
from gateway.flow.deliver import Schedule
from gateway.flow.desk import MailFrom, RcptTo
from gateway.flow.notify import OWN_MAIL
from tests.support.clock import START
from tests.support.company import CLAIRE, DAY, MARC, PAUL, SENDER, WAITS, Company, newsletter, read, reported
from tests.support.smtp import until
from tests.support.spool import EVERYTHING, GREYLISTED, NO_MAILBOX, NOT_US, SILENT, TAKEN, UNREACHABLE

RETRIED = [GREYLISTED, SILENT, UNREACHABLE, NOT_US]


async def keeping(*people: str, refusal: RefusalMode | None = None, **envelope: object) -> Company:
    """A company with one message kept for these people (two at least)."""
    company = Company(refusal=refusal)
    await company.enlist()
    for one in people or (CLAIRE, MARC):
        await company.consent(one)
    mail = MailFrom(**({"sender": SENDER} | envelope))  # type: ignore[arg-type]
    await company.send(*(people or (CLAIRE, MARC)), mail=mail)
    assert company.reached == []
    return company


def schedule() -> list[timedelta]:
    """When a message that is always deferred is tried, until its life ends."""
    at, waits = timedelta(0), []
    while at < DAY:
        waits.append(at)
        at += WAITS[min(len(waits) - 1, len(WAITS) - 1)]
    return [*waits, DAY]


# Decided anew


@pytest.mark.parametrize("mode", RefusalMode)
async def test_an_opposition_drops_kept_mail_and_the_tool_is_told(mode: RefusalMode) -> None:
    company = await keeping(refusal=mode)
    await company.oppose(CLAIRE)
    await company.round()
    assert company.reached == [MARC]
    assert [who for who, _ in company.spool.waiting()] == [SENDER]
    (report,) = company.reports
    recipient, action, status = reported(report)
    assert (recipient, action) == (CLAIRE, "failed")
    assert status.startswith("5.7.1 smtp; 550 5.7.1 [DROPPED-OPPOSED]")
    dropped = company.told(Kind.DECISION)[-1]
    assert (dropped.outcome, dropped.reason, dropped.about) == ("drop", "OPPOSED", "memory-1")
    ended = [event for event in company.told(Kind.OUTCOME) if event.outcome == "failed"]
    assert [(event.detail, event.person) for event in ended] == [("550 5.7.1 DROPPED-OPPOSED", company.person(CLAIRE).hex())]


@pytest.mark.parametrize(("block", "reason"), [(Block.COMPLAINED, Reason.COMPLAINED), (Block.BOUNCED, Reason.BOUNCED)])
async def test_another_block_drops_kept_mail_under_its_own_name(block: Block, reason: Reason) -> None:
    company = await keeping()
    await company.oppose(CLAIRE, block)
    await company.round()
    assert f"[{reason.value}]" in reported(company.reports[0])[2]
    assert company.reached == [MARC]


async def test_an_opposition_that_comes_while_another_copy_is_under_way_counts() -> None:
    company = await keeping()
    company.provider.on_deliver = lambda: company.oppose_now(MARC)
    await company.round()
    assert company.reached == [CLAIRE]


async def test_a_withdrawn_consent_stops_kept_mail_but_not_for_a_monitoring_tool() -> None:
    for mode, reached in ((RefusalMode.REJECT, [MARC]), (RefusalMode.MONITOR, [CLAIRE, MARC])):
        company = await keeping(refusal=mode)
        company.book._consents = [
            (replace(consent, withdrawn_at=START), sealed) if consent.person == company.person(CLAIRE) else (consent, sealed)
            for consent, sealed in company.book._consents
        ]
        await company.round()
        assert company.reached == reached


async def test_the_mode_of_a_tool_that_is_gone_is_its_streams() -> None:
    company = await keeping()
    company.book._tools.clear()
    await company.round()
    assert company.reached == [CLAIRE, MARC]


async def test_kept_marketing_waits_while_the_opt_out_does_not_work() -> None:
    company = await keeping()
    company.health.healthy = False
    await company.round()
    assert company.reached == []
    assert len(company.spool.rows) == 2
    company.health.healthy = True
    company.clock.advance(WAITS[0].total_seconds())
    await company.round()
    assert company.reached == [CLAIRE, MARC]


@pytest.mark.parametrize("broken", ["down", "read_only"])
async def test_nothing_leaves_the_spool_while_it_cannot_be_judged_or_recorded(broken: str) -> None:
    company = await keeping()
    setattr(company.book, broken, True)
    task = asyncio.ensure_future(company.deliver.run())
    await until(lambda: all(due > START for _, due in company.spool.waiting()))
    assert company.reached == []
    setattr(company.book, broken, False)
    company.clock.advance(WAITS[0].total_seconds())
    company.deliver.wake()
    await until(lambda: not company.spool.rows)
    assert sorted(company.reached) == sorted([CLAIRE, MARC])
    company.deliver.stop()
    await task


# Retries


@pytest.mark.parametrize("outcome", RETRIED)
async def test_what_was_not_taken_is_tried_again_on_schedule_until_its_life_ends(outcome: Outcome) -> None:
    company = await keeping()
    company.provider.answers = [outcome] * 1000
    tried = []
    while any(who in (CLAIRE, MARC) for who, _ in company.spool.waiting()):
        before = len(company.provider.handed)
        await company.round()
        if len(company.provider.handed) > before:
            tried.append(company.clock.now() - START)
        due = await company.spool.next_due()
        if due is not None:
            company.clock.advance((due - company.clock.now()).total_seconds())
    assert tried == schedule()
    for report, who in zip(company.reports[:2], (CLAIRE, MARC), strict=True):
        assert reported(report)[0] == who
        assert reported(report)[2].startswith("5.4.7 smtp; 554 5.4.7")
    failed = [event.detail for event in company.told(Kind.OUTCOME) if event.outcome == "failed"]
    assert failed == ["554 5.4.7"] * 2


def test_waits_grow_and_the_last_one_repeats() -> None:
    plan = Schedule(WAITS, 1)
    assert [plan.next(attempts, START) - START for attempts in range(5)] == [*WAITS, WAITS[-1], WAITS[-1]]


async def test_every_try_carries_the_same_message_id_and_signs_anew() -> None:
    company = Company()
    await company.enlist()
    for one in (CLAIRE, MARC):
        await company.consent(one)
    await company.send(CLAIRE, MARC, data=newsletter(Message_ID=""))
    company.provider.answers = [SILENT, SILENT]
    await company.round()
    company.clock.advance(WAITS[0].total_seconds())
    await company.round()
    first, _, again, _ = (read(handed.message) for handed in company.provider.handed)
    assert first["Message-ID"] == again["Message-ID"]
    assert first["DKIM-Signature"] != again["DKIM-Signature"]


async def test_mail_that_waited_at_once_is_delivered_later_with_its_trace() -> None:
    company = Company()
    await company.enlist()
    await company.consent(CLAIRE)
    company.provider.answers = [GREYLISTED]
    await company.send(CLAIRE)
    assert await company.round() == 0
    company.clock.advance(WAITS[0].total_seconds())
    await company.round()
    assert company.reached == [CLAIRE, CLAIRE]
    assert company.spool.rows == []
    assert len(read(company.provider.handed[1].message).get_all("Received")) == 1


async def test_a_row_left_over_from_a_crash_after_delivery_is_not_mailed_again() -> None:
    company = await keeping()
    (row, other) = company.spool.rows
    await company.round()
    company.spool.rows = [row, other]
    row.leased = other.leased = False
    await company.round()
    assert company.reached == [CLAIRE, MARC]
    assert company.spool.rows == []


# Ends


async def test_a_refusal_by_the_provider_is_reported_in_its_words() -> None:
    company = await keeping()
    company.provider.answers = [NO_MAILBOX, TAKEN]
    await company.round()
    (report,) = company.reports
    assert reported(report) == (CLAIRE, "failed", "5.1.1 smtp; 550 5.1.1 next-hop: No such user")
    assert [event.outcome for event in company.told(Kind.OUTCOME)] == ["refused", "delivered"]


@pytest.mark.parametrize(("notify", "told"), [("NEVER", 0), ("SUCCESS", 0), ("FAILURE", 1), ("SUCCESS,FAILURE", 1), ("", 1)])
async def test_a_failure_is_reported_as_the_tool_asked(notify: str, told: int) -> None:
    company = Company()
    for one in (CLAIRE, MARC):
        await company.consent(one)
    await company.send(RcptTo(CLAIRE, notify), MARC)
    company.provider.answers = [NO_MAILBOX]
    await company.round()
    assert len(company.reports) == told


@pytest.mark.parametrize("end", ["refused", "opposed", "expired"])
async def test_mail_with_a_null_sender_is_never_reported(end: str) -> None:
    company = await keeping(sender="")
    if end == "refused":
        company.provider.answers = [NO_MAILBOX, NO_MAILBOX]
    elif end == "opposed":
        await company.oppose(CLAIRE)
        await company.oppose(MARC)
    else:
        company.provider.answers = [GREYLISTED] * 2
        company.clock.advance(days=1)
    await company.round()
    assert company.spool.rows == []
    assert len(company.told(Kind.OUTCOME)) >= 2


@pytest.mark.parametrize(("reports", "told"), [(False, 1), (True, 0)])
async def test_success_that_the_provider_will_not_report_is_reported_by_us(reports: bool, told: int) -> None:
    company = Company()
    for one in (CLAIRE, MARC):
        await company.consent(one)
    company.provider.offers = replace(EVERYTHING, dsn=reports)
    await company.send(RcptTo(CLAIRE, "SUCCESS"), MARC)
    await company.round()
    assert [reported(report)[:2] for report in company.reports] == [(CLAIRE, "relayed")] * told


async def test_mail_of_a_stream_that_is_gone_waits_for_it_and_ends_on_record() -> None:
    company = await keeping()
    news = company.streams.pop("news")
    await company.round()
    assert (company.reached, len(company.spool.rows)) == ([], 2)
    company.streams["news"] = news
    company.clock.advance(WAITS[0].total_seconds())
    await company.round()
    assert company.reached == [CLAIRE, MARC]
    gone = await keeping()
    gone.streams.clear()
    gone.clock.advance(days=1)
    await gone.round()
    assert gone.spool.rows == []
    assert [event.detail for event in gone.told(Kind.OUTCOME)] == ["554 5.4.7"] * 2


async def test_kept_bytes_that_are_no_message_are_reported_and_go() -> None:
    company = await keeping()
    row = company.spool.rows[0]
    row.parcel = replace(row.parcel, message=b"broken\r\n\r\n")
    await company.round()
    assert company.reached == [MARC]
    assert "[MALFORMED]" in reported(company.reports[0])[2]


# Our own reports


async def test_our_reports_go_from_the_null_sender_and_nobody_is_judged_for_them() -> None:
    company = await keeping()
    company.provider.answers = [NO_MAILBOX]
    await company.round()
    reads, events = company.book.reads, len(company.book.events)
    await company.round()
    (report,) = [handed for handed in company.provider.handed if handed.sender == ""]
    assert (report.to.address, report.to.notify, report.envelope.tool) == (SENDER, "NEVER", OWN_MAIL)
    assert (company.book.reads, len(company.book.events)) == (reads, events)
    assert company.spool.rows == []


async def test_a_report_is_retried_for_a_day_and_then_given_up_without_another_report() -> None:
    company = await keeping()
    company.provider.answers = [NO_MAILBOX, TAKEN, *[GREYLISTED] * 1000]
    await company.round()
    for _ in range(1000):
        due = await company.spool.next_due()
        if due is None:
            break
        company.clock.advance((due - company.clock.now()).total_seconds())
        await company.round()
    assert company.spool.rows == []
    assert company.clock.now() - START == DAY
    assert len({handed.to.address for handed in company.provider.handed if not handed.sender}) == 1


async def test_a_refused_report_is_given_up_at_once() -> None:
    company = await keeping()
    company.provider.answers = [NO_MAILBOX, TAKEN, NO_MAILBOX]
    await company.round()
    await company.round()
    assert company.spool.rows == []


# The loop


async def test_the_loop_delivers_what_was_kept_as_soon_as_it_is_woken_and_stops_when_told() -> None:
    company = await keeping(CLAIRE, MARC, PAUL)
    task = asyncio.ensure_future(company.deliver.run())
    await until(lambda: len(company.reached) == 3)
    await company.send(CLAIRE, MARC, data=newsletter(Message_ID="<2@maison.example>"))
    company.deliver.wake()
    await until(lambda: len(company.reached) == 5)
    company.deliver.stop()
    await task
    assert company.spool.rows == []


async def test_the_loop_outlives_a_spool_that_cannot_be_read() -> None:
    company = await keeping()
    company.spool.down = True
    task = asyncio.ensure_future(company.deliver.run())
    await until(lambda: ("spool-unreadable", {}) in company.log.said)
    company.spool.down = False
    company.deliver.wake()
    await until(lambda: len(company.reached) == 2)
    company.deliver.stop()
    await task


async def test_a_stopped_loop_begins_nothing_new() -> None:
    company = await keeping()
    company.deliver.stop()
    await company.deliver.run()
    assert company.reached == []
    assert len(company.spool.rows) == 2
