"""Mail that says stop, and mail for postmaster and abuse."""

from __future__ import annotations

import pytest

from gateway.core.evidence import Kind
from gateway.core.reply import EVIDENCE_DOWN, INBOUND_OK, INBOUND_UNKNOWN, NO_VALID_RECIPIENTS, RECIPIENT_OK, Reply
from gateway.flow.desk import MailFrom, Peer, RcptTo
from gateway.flow.inbound import InboundDesk, Return
from tests.support.answers import Answers
from tests.support.company import Reversing
from tests.support.doors import ANNE, LETTER, OFFERS, PROBE_TOKEN, TOKEN, Doors

STOP = f"u-{TOKEN}@in.acme.example"
PEER = Peer("mx.example", "ESMTP", "")
EMPTY = b"\r\n"
BOUNCE = (
    b"Content-Type: multipart/report;\r\n report-type=delivery-status; boundary=b\r\nAuto-Submitted: auto-replied\r\n"
    b"\r\n--b\r\n\r\nnope\r\n--b--\r\n"
)
APPLE = b"Subject: unsubscribe\r\nAuto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true\r\n\r\nApple Mail sent this.\r\n"
VACATION = b"Subject: away\r\nAuto-Submitted: auto-replied\r\n\r\nX-Apple-Unsubscribe: true\r\n"


def desk(doors: Doors) -> InboundDesk:
    answers = Answers((LETTER, OFFERS), doors.book, doors.clock, way_back=doors.way_back())  # type: ignore[arg-type]
    answers.log.said = doors.lines.said
    return answers.desk("in.acme.example", ["acme.example"])


async def begin(doors: Doors, sender: str = "anne@home.example") -> Return:
    transaction = await desk(doors).open(None, MailFrom(sender), PEER)
    assert isinstance(transaction, Return)
    return transaction


async def mail(doors: Doors, data: bytes, to: str = STOP, sender: str = "anne@home.example") -> Reply:
    transaction = await begin(doors, sender)
    assert await transaction.admit(RcptTo(to)) == RECIPIENT_OK
    return await transaction.send(data)


@pytest.mark.parametrize("to", [STOP, STOP.upper()])
@pytest.mark.parametrize("data", [EMPTY, b"Subject: hello\r\n\r\nI did not read this.\r\n", APPLE, VACATION])
async def test_mail_to_the_opt_out_address_opposes_whatever_it_says(to: str, data: bytes) -> None:
    doors = Doors()
    assert await mail(doors, data, to) == INBOUND_OK
    assert [one.person for one in await doors.book.oppositions()] == [ANNE]
    assert doors.tally.doors == ["mailto"]


async def test_the_token_decides_who_is_meant_and_the_sender_never_does() -> None:
    doors = Doors()
    await mail(doors, b"From: victim@other.example\r\n\r\nremove victim@other.example\r\n", sender="mallory@evil.example")
    assert [one.person for one in await doors.book.oppositions()] == [ANNE]


@pytest.mark.parametrize(("sender", "data"), [("", BOUNCE), ("", EMPTY), ("", VACATION), ("daemon@mx.example", BOUNCE)])
async def test_bounces_and_automatic_mail_without_a_sender_oppose_nobody(sender: str, data: bytes) -> None:
    doors = Doors()
    assert await mail(doors, data, sender=sender) == INBOUND_OK
    assert await doors.book.oppositions() == []
    assert [event.outcome for event in doors.book.events] == ["no-act"]


async def test_apple_mail_unsubscribes_even_with_a_null_sender() -> None:
    doors = Doors()
    assert await mail(doors, APPLE, sender="") == INBOUND_OK
    assert len(await doors.book.oppositions()) == 1


@pytest.mark.parametrize(
    "to",
    [
        f"u-{TOKEN[:-1]}@in.acme.example",
        f"u-{TOKEN}x@in.acme.example",
        f"u-{TOKEN}@acme.example",
        f"{TOKEN}@in.acme.example",
        f"u-{TOKEN}",
        "u-@in.acme.example",
        "anne@in.acme.example",
        "postmaster@elsewhere.example",
        "abuse",
        "",
    ],
)
async def test_other_addresses_have_no_mailbox(to: str) -> None:
    doors = Doors()
    transaction = await begin(doors)
    assert await transaction.admit(RcptTo(to)) == INBOUND_UNKNOWN
    assert await transaction.send(EMPTY) == NO_VALID_RECIPIENTS
    assert doors.book.changes == []


@pytest.mark.parametrize("to", ["postmaster", "Postmaster@acme.example", "abuse@in.acme.example", "ABUSE@ACME.EXAMPLE"])
async def test_mail_for_postmaster_and_abuse_is_kept_sealed_for_a_person(to: str) -> None:
    doors = Doors()
    assert await mail(doors, b"Subject: spam\r\n\r\nyour mail\r\n", to) == INBOUND_OK
    (kept,) = doors.book.kept_mail
    assert kept.mailbox == to.partition("@")[0].lower()
    assert b"your mail" not in kept.sealed_mail
    assert Reversing().open(kept.sealed_mail) == b"Return-Path: <anne@home.example>\r\nSubject: spam\r\n\r\nyour mail\r\n"
    assert doors.book.events[0].kind is Kind.KEPT
    assert "@" not in str(doors.lines.said) + str(doors.book.events)


@pytest.mark.parametrize("to", [STOP, "postmaster@acme.example"])
async def test_mail_is_not_accepted_while_the_book_is_down(to: str) -> None:
    doors = Doors()
    doors.book.read_only = True
    assert await mail(doors, EMPTY, to) == EVIDENCE_DOWN
    doors.book.read_only = False
    assert await mail(doors, EMPTY, to) == INBOUND_OK


async def test_the_probe_may_come_by_mail_too() -> None:
    doors = Doors()
    assert await mail(doors, EMPTY, f"u-{PROBE_TOKEN}@in.acme.example") == INBOUND_OK
    assert len(doors.book.probes) == 1
    assert await doors.book.oppositions() == []


async def test_an_answer_to_our_reply_address_is_read_and_a_forged_one_has_no_mailbox() -> None:
    """R-FR-57, T10."""
    doors = Doors()
    assert (
        await mail(doors, b"From: x@home.example\r\nSubject: Re: news\r\n\r\nSTOP\r\n", f"R-{TOKEN}@in.acme.example") == INBOUND_OK
    )
    assert [(one.person, one.door.value) for one in await doors.book.oppositions()] == [(ANNE, "reply")]
    transaction = await begin(doors)
    forged = TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b")
    assert await transaction.admit(RcptTo(f"r-{forged}@in.acme.example")) == INBOUND_UNKNOWN
    assert await transaction.admit(RcptTo(f"r-{TOKEN}@acme.example")) == INBOUND_UNKNOWN
