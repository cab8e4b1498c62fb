"""Reports to the tool: to the return path only, from nobody, at most what was asked for, never any content (R-STD-57)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import reply as replies
from gateway.core.model import Outcome
from gateway.core.reply import REFUSALS, for_outcome
from gateway.core.verdict import Reason
from gateway.flow.notify import LIFE, OWN_MAIL
from gateway.flow.ports import Addressee, Envelope, Unavailable
from tests.support.clock import START
from tests.support.company import CLAIRE, HOST, SENDER, Company, newsletter, read, reported
from tests.support.spool import NO_MAILBOX

ENVELOPE = Envelope("crm", "news", SENDER, smtputf8=False, eight_bit=False, ret="HDRS", envid="QQ314159")
OPPOSED = REFUSALS[Reason.OPPOSED]
EARLIER = START - timedelta(hours=2)


async def tell(company: Company, envelope: Envelope = ENVELOPE, addressee: Addressee | None = None) -> None:
    await company.notifications.failed(envelope, addressee or Addressee(CLAIRE), newsletter(), OPPOSED, EARLIER)


async def test_a_report_goes_to_the_return_path_from_nobody_and_asks_for_no_report() -> None:
    company = Company()
    await tell(company)
    (parcel,) = await company.spool.due(START, 9)
    assert (parcel.addressee, parcel.envelope.sender) == (Addressee(SENDER, notify="NEVER"), "")
    assert (parcel.envelope.tool, parcel.envelope.stream, parcel.envelope.ret) == (OWN_MAIL, "news", "")
    assert parcel.expires_at == START + LIFE
    assert company.bells == 1
    report = read(parcel.message)
    assert report["To"].addresses[0].addr_spec == SENDER
    assert report["From"].addresses[0].addr_spec == f"MAILER-DAEMON@{HOST}"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report.get_content_type() == "multipart/report"


async def test_a_report_says_who_why_and_when() -> None:
    company = Company()
    await tell(company, addressee=Addressee(CLAIRE, orcpt="rfc822;claire+x@example.org"))
    (report,) = company.reports
    recipient, action, status = reported(report)
    assert (recipient, action) == (CLAIRE, "failed")
    assert status == "5.7.1 smtp; 550 5.7.1 [OPPOSED] Recipient has opposed this mail"
    text = report.as_string()
    assert "Original-Envelope-Id: QQ314159" in text
    assert "Original-Recipient: rfc822; claire+x@example.org" in text
    assert "Arrival-Date: Mon, 02 Mar 2026 07:00:00 +0000" in text
    assert "Last-Attempt-Date: Mon, 02 Mar 2026 09:00:00 +0000" in text


async def test_a_report_returns_the_header_and_no_content() -> None:
    company = Company()
    await tell(company)
    raw = company.spool.rows[0].parcel.message
    assert b"septembre.1@maison.example" in raw
    assert b"voici les nouvelles" not in raw


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "DELAY", "SUCCESS,DELAY"])
async def test_who_did_not_ask_for_failures_hears_none(notify: str) -> None:
    company = Company()
    await tell(company, addressee=Addressee(CLAIRE, notify))
    assert company.spool.rows == []


@pytest.mark.parametrize(
    "envelope", [replace(ENVELOPE, sender=""), replace(ENVELOPE, stream="gone")], ids=["null-sender", "no-stream"]
)
async def test_without_a_return_path_or_a_way_there_nothing_is_written(envelope: Envelope) -> None:
    company = Company()
    await tell(company, envelope)
    await company.notifications.relayed(envelope, Addressee(CLAIRE, "SUCCESS"), newsletter(), replies.RELAYED, EARLIER)
    assert (company.spool.rows, company.bells) == ([], 0)


async def test_a_relayed_report_is_only_for_who_asked_for_success() -> None:
    for notify, told in (("SUCCESS", 1), ("", 0), ("FAILURE", 0), ("NEVER", 0)):
        company = Company()
        await company.notifications.relayed(ENVELOPE, Addressee(CLAIRE, notify), newsletter(), replies.RELAYED, EARLIER)
        assert [reported(report)[1] for report in company.reports] == ["relayed"] * told


async def test_a_report_in_the_streams_language() -> None:
    company = Company(streams={"news": replace(Company().streams["news"], language="en")})
    await tell(company)
    assert "could not be delivered" in str(company.reports[0].get_payload(0))


async def test_a_report_to_an_international_return_path_needs_smtputf8() -> None:
    company = Company()
    await tell(company, replace(ENVELOPE, sender="zoé@maison.example", smtputf8=True))
    (row,) = company.spool.rows
    assert row.parcel.envelope.smtputf8
    assert row.parcel.envelope.eight_bit


async def test_a_spool_that_cannot_be_written_is_told_to_the_caller() -> None:
    company = Company()
    company.spool.read_only = True
    with pytest.raises(Unavailable):
        await tell(company)


@given(st.text(max_size=600))
async def test_no_answer_of_a_next_hop_can_break_a_report(text: str) -> None:
    company = Company()
    why = for_outcome(Outcome(NO_MAILBOX.fate, NO_MAILBOX.stage, 550, "5.1.1", text))
    await company.notifications.failed(ENVELOPE, Addressee(CLAIRE), newsletter(), why, EARLIER)
    (report,) = company.reports
    assert reported(report)[:2] == (CLAIRE, "failed")
    assert len(list(report.iter_parts())) == 3
