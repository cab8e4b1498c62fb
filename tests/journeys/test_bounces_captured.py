"""Failures come back to the gateway itself: the next campaign is refused, and the tool's own bounce handling still works."""

from __future__ import annotations

import re
import smtplib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.core.change import NoteSoft
from gateway.core.record import Audience, Basis
from gateway.core.task import SoftRun
from gateway.edges.sink import Offer
from gateway.edges.store.sqlite import open_store
from tests.support.failures import complaint, report, vacation
from tests.support.gateway import Running, letter, person, threaded
from tests.support.house import locked
from tests.support.journey import FAST, House, house, mail_back, read, text

CLAIRE = "claire@example.org"
TOOL = "bounce+7f3a=claire@maison.example"
CAPTURED = 'bounces = "capture"\nreplies = "off"'
PATH = re.compile(r"b-[a-z2-7]{56}@back\.example\.com")
STRANGE = b"From: robot@elsewhere.example\r\nSubject: ticket 4711\r\n\r\nYour ticket was opened.\r\n"


def from_tool(gateway: Running, to: str, subject: str) -> None:
    """One message as a tool sends it that handles its bounces by a return path and an envelope id of its own."""
    session = gateway.client()
    try:
        message = letter(to, subject=subject)
        session.send_message(message, from_addr=TOOL, to_addrs=[to], mail_options=["ENVID=QQ314159"])
    finally:
        session.quit()


async def campaign(home: House, subject: str = "Septembre", to: str = CLAIRE) -> str:
    """One more message from the tool; the return path it left with."""
    count = home.sink.count
    await threaded(partial(from_tool, home.gateway, to, subject))
    received = (await home.sink.wait_for(count + 1))[-1]
    assert PATH.fullmatch(received.sender), received.sender
    return received.sender


async def refused(home: House) -> str:
    """The reason for which the next message to Claire is refused; empty where it goes."""
    answers = await home.gateway.send(CLAIRE, message=letter(CLAIRE, subject=f"Suite {home.sink.count}"))
    return answers[CLAIRE].split("[")[1].split("]")[0] if answers else ""


@pytest.mark.parametrize("offer", [Offer(dsn=True), Offer(dsn=False)], ids=["dsn", "no-dsn"])
async def test_a_dead_mailbox_comes_back_stops_the_next_mail_and_is_told_to_the_tool_once(tmp_path: Path, offer: Offer) -> None:
    """R-STD-56, R-STD-57, R-STD-63, R-MBX-14."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST, offer=offer) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        sent = (await home.arrived(1))[CLAIRE]
        raw = report(path, CLAIRE, message_id=str(sent["Message-ID"]))
        for _ in range(2):  # the mail system was cut off before it had our answer
            assert await mail_back(home.gateway, path.upper(), "", raw) == {}
        (told,) = (await home.sink.wait_for(2))[1:]
        assert (told.sender, told.recipient) == ("", TOOL)
        words = told.data.decode()
        assert read(told).get_content_type() == "multipart/report"
        for line in (
            "Original-Envelope-Id: QQ314159",
            f"Final-Recipient: rfc822; {CLAIRE}",
            "Action: failed",
            "Status: 5.1.1",
            f"Message-ID: {sent['Message-ID']}",
        ):
            assert line in words
        assert await refused(home) == "BOUNCED"
        assert home.sink.count == 2
        outcomes = [event.outcome for event in await home.evidence() if event.kind.value == "return"]
        assert sorted(outcomes) == ["bounce", "bounced", "tool-told"]


async def test_the_fifth_temporary_failure_over_sixteen_days_is_the_last(tmp_path: Path) -> None:
    """R-MBX-15: the run of the days before stands in the store; the report that ends it comes by SMTP."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        now = datetime.now(UTC)
        run = SoftRun(3, now - timedelta(days=16), now - timedelta(days=4))
        await home.gateway.change(NoteSoft(home.gateway.identity.person(person(CLAIRE)), "maison", run))
        assert await mail_back(home.gateway, path, "", report(path, CLAIRE, "4.2.2", message_id="<1@x.example>")) == {}
        assert await refused(home) == ""
        assert await mail_back(home.gateway, path, "", report(path, CLAIRE, "5.2.2", message_id="<2@x.example>")) == {}
        assert await refused(home) == "BOUNCED"


async def test_what_is_no_dead_mailbox_stops_nobody(tmp_path: Path) -> None:
    """R-STD-63, R-STD-64, R-FR-62."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        for raw in (
            report(path, CLAIRE, "5.7.1", said="smtp; 550 5.7.1 refused by policy"),
            report(path, CLAIRE, "4.4.1", action="delayed"),
            report(path, CLAIRE, "2.0.0", action="delivered"),
            vacation(path, CLAIRE),
        ):
            assert await mail_back(home.gateway, path, "", raw) == {}
        told = (await home.sink.wait_for(2))[1]
        assert "Status: 5.7.1" in told.data.decode()  # it failed: that the tool hears
        assert await refused(home) == ""
        assert home.sink.count == 3  # of delay, delivery and absence it hears nothing


async def test_a_complaint_to_the_return_path_is_one(tmp_path: Path) -> None:
    """R-STD-66."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        assert await mail_back(home.gateway, path, "fbl@isp.example", complaint(path, CLAIRE)) == {}
        assert await refused(home) == "COMPLAINED"


async def test_a_forged_return_path_is_nobody_s(tmp_path: Path) -> None:
    """R-STD-63."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        forged = path.replace(path[2:6], "aaaa" if path[2:6] != "aaaa" else "bbbb", 1)
        answers = await mail_back(home.gateway, forged, "", report(forged, CLAIRE))
        assert (answers[forged][0], answers[forged][1][:5]) == (550, b"5.1.1")
        assert await refused(home) == ""


async def test_what_nobody_recognises_is_passed_on_to_people(tmp_path: Path) -> None:
    """R-STD-56."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        assert await mail_back(home.gateway, path, "", STRANGE) == {}
        passed = (await home.sink.wait_for(2))[1]
        assert passed.recipient == "news@maison.example"  # where the message asked for answers
        assert b"Your ticket was opened." in passed.data
        assert await refused(home) == ""


async def test_a_first_contact_that_comes_back_was_no_notice(tmp_path: Path) -> None:
    """R-FR-31."""
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        now = datetime.now(UTC)
        await home.gateway.consent(
            CLAIRE,
            audience=Audience.PROFESSIONAL,
            basis=Basis.LEGITIMATE_INTEREST,
            source="voisin",
            function="purchasing",
            wording="",
            collected_at=now,
            acquired_at=now,
            recorded_at=now,
        )
        path = await campaign(home)
        sent = (await home.arrived(1))[CLAIRE]
        assert "Voisin SARL" in text(sent)
        raw = report(path, CLAIRE, "4.2.2", message_id=str(sent["Message-ID"]))
        assert await mail_back(home.gateway, path, "", raw) == {}
        store = open_store(home.gateway.database, "reader")
        try:
            assert (await store.book.dossier(home.gateway.identity.person(person(CLAIRE)))).notices == ()
        finally:
            await store.close()
        await home.sink.wait_for(2)
        await campaign(home, "Octobre")
        again = text(read((await home.sink.wait_for(3))[2]))
        assert "cnil.fr" in again  # the whole notice, not only the source


async def test_a_report_that_cannot_be_recorded_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reliability 0: record first, answer after."""
    monkeypatch.setattr("gateway.edges.store.database.WRITE_PATIENCE", 0.3)
    async with house(tmp_path, stream=CAPTURED, delivery=FAST) as home:
        await home.gateway.consent(CLAIRE)
        path = await campaign(home)
        raw = report(path, CLAIRE)
        with locked(tmp_path), pytest.raises(smtplib.SMTPDataError) as later:
            await mail_back(home.gateway, path, "", raw)
        assert later.value.smtp_code == 451
        assert home.sink.count == 1
        assert await refused(home) == ""
        assert await mail_back(home.gateway, path, "", raw) == {}
        assert await refused(home) == "BOUNCED"
