"""Who wrote, whether a machine may answer, and how mail is passed on: content untouched, thread whole, nobody impersonated."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answered import Answer, read_answer, silent, went_round
from gateway.core.compose import Draft, complete, signatures
from gateway.core.forward import draft_forward
from gateway.core.notice import NoticeFault
from gateway.core.sign import public_record
from tests.support.company import HOST, KEY, letterhead
from tests.support.signup import LETTER, address

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
OURS = frozenset({"back.example", "maison.example"})
ANNE = (
    b"Return-Path: <anne@home.example>\r\nReceived: from a by b; Sun, 01 Nov 2026 08:00:00 +0000\r\n"
    b"DKIM-Signature: v=1; d=home.example; b=abc\r\n"
    b"From: =?utf-8?q?Anne_Dupr=C3=A9?= <anne@home.example>\r\nTo: Maison <r-token@back.example>\r\n"
    b"Subject: =?utf-8?q?Re=3A_l=27=C3=A9t=C3=A9?=\r\nDate: Sun, 01 Nov 2026 08:00:00 +0000\r\n"
    b"Message-ID: <q1@home.example>\r\nIn-Reply-To: <news1@maison.example>\r\nReferences: <news1@maison.example>\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_x"\r\n\r\n'
    b"--=_x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nAvez-vous la bleue\xc2\xa0?\r\n"
    b"--=_x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n--=_x--\r\n"
)


def forwarded(raw: bytes = ANNE) -> tuple[bytes, EmailMessage]:
    made = draft_forward(letterhead(LETTER), read_answer(raw), address("Service@maison.example"), NOW, "once123")
    assert isinstance(made, Draft), made
    whole = b"".join(complete(made, signatures(made)).chunks)
    mail = email.message_from_bytes(whole, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return whole, mail


def test_the_content_is_passed_on_byte_for_byte() -> None:
    whole, mail = forwarded()
    assert whole.partition(b"\r\n\r\n")[2] == ANNE.partition(b"\r\n\r\n")[2]
    assert mail.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "application/pdf"]  # type: ignore[attr-defined]


def test_nobody_is_impersonated_and_the_answer_goes_to_the_author() -> None:
    """DMARC: From is ours and signed by us; no signature of the author's is left to break."""
    whole, mail = forwarded()
    assert mail["From"] == "Anne Dupré via Maison Exemple SAS <contact@maison.example>"
    assert mail["Reply-To"] == "Anne Dupré <anne@home.example>"
    assert mail["To"] == "Service@maison.example"
    assert mail["Subject"] == "Re: l'été"
    assert dkim.verify(whole, dnsfunc=lambda *_, **__: public_record(KEY).encode())
    assert len(mail.get_all("DKIM-Signature")) == 1
    assert b"r-token" not in whole


def test_threads_hold() -> None:
    _, mail = forwarded()
    assert mail["In-Reply-To"] == "<q1@home.example>"
    assert mail["References"] == "<news1@maison.example> <q1@home.example>"
    assert mail["Message-ID"] == f"<once123@{HOST}>"
    assert forwarded()[1]["Message-ID"] == mail["Message-ID"]


def test_what_was_passed_on_is_known_by_every_gateway_and_goes_no_further() -> None:
    """T15, R-STD-20."""
    whole, mail = forwarded()
    assert len(mail.get_all("Received")) == 2
    assert went_round(read_answer(whole), "another.example")
    assert not went_round(read_answer(ANNE), HOST)
    ours = b"Received: from x by " + HOST.encode() + b" (compliance-gateway)\r\n with ESMTP id 1; Sun\r\n" + ANNE
    assert not went_round(read_answer(ours), HOST)  # an employee's own answer, sent through the gateway, counts
    twice = ours.partition(b"Return-Path")[0] + ours
    assert went_round(read_answer(twice), HOST)
    assert not went_round(read_answer(twice), "another.example")


def test_without_a_key_nothing_is_passed_on() -> None:
    made = draft_forward(letterhead(LETTER, dkim={}), read_answer(ANNE), address("a@maison.example"), NOW, "w")
    assert isinstance(made, NoticeFault)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"From: a@x.example\r\n",
        ANNE.replace(b"\r\n", b"\n"),
        b"\xff\xfe: x\r\n\r\n\x00",
        b"From: <>\r\n\r\nx",
    ],
)
def test_any_mail_can_be_passed_on(raw: bytes) -> None:
    whole, mail = forwarded(raw)
    assert mail["To"] == "Service@maison.example"
    assert mail["From"].addresses[0].addr_spec == "contact@maison.example"
    assert b"\n" not in whole.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"")


@given(st.binary(max_size=400))
def test_reading_never_fails_whatever_the_bytes(raw: bytes) -> None:
    read = read_answer(raw)
    assert silent(read, None, OURS) in (silent(read, None, OURS), "")
    assert isinstance(read.thread + read.message_id, bytes)
    assert isinstance(read.author + read.author_name + read.answer_to, str)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_and_no_subject_breaks_out_of_its_field(name: str, subject: str) -> None:
    raw = f"From: {name} <anne@home.example>\r\nSubject: {subject}\r\n\r\nx\r\n".encode("utf-8", "replace")
    whole, mail = forwarded(raw)
    assert mail["From"].addresses[0].addr_spec == "contact@maison.example"
    assert set(mail) <= {
        "DKIM-Signature", "Received", "From", "To", "Subject", "Date", "Message-ID", "X-Passed-On-By", "Reply-To", "MIME-Version",
    } | {one for one in mail if one.lower().startswith("content-")}  # fmt: skip
    assert whole.count(b"\r\n\r\nx\r\n") == 1


def answer(*fields: str, sender: str | None = "anne@home.example") -> str:
    names = {field.partition(":")[0].lower() for field in fields}
    author = () if "from" in names else ("From: Anne <anne@home.example>",)
    return silent(read_answer("\r\n".join((*author, *fields, "", "Stop")).encode()), sender, OURS)


def test_a_person_may_be_answered() -> None:
    assert answer("To: r-x@back.example", "Auto-Submitted: no", "Precedence: first-class") == ""
    assert answer("Auto-Submitted: No; owner=x") == ""
    assert answer(sender=None) == ""


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; x=y",
        "Auto-Submitted: AUTO-NOTIFIED",
        "Precedence: bulk",
        "Precedence: List",
        "Precedence: junk",
        "List-Id: <x.example>",
        "List-Unsubscribe: <mailto:a@x.example>",
        "List-Post: <mailto:a@x.example>",
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: yes",
        "X-Passed-On-By: gateway.example",
        "From: MAILER-DAEMON@home.example",
        "From: Postmaster <postmaster@home.example>",
        "From: noreply@home.example",
        "From: bounces+x=y@home.example",
        "From: <>",
        "From: a@home.example, b@home.example",
        "From: contact@Maison.example",
        "From: r-token@back.example",
        "From: a@home.example\r\nFrom: b@home.example",
    ],
)
def test_a_machine_is_never_answered(field: str) -> None:
    """R-STD-61."""
    assert answer(field)


def test_a_null_sender_and_our_own_are_never_answered() -> None:
    """R-STD-61."""
    assert answer(sender="")
    assert answer(sender="r-token@back.example")
    assert answer(sender="mailer-daemon@home.example")


def test_the_token_s_domain_must_be_addressed() -> None:
    assert read_answer(ANNE).addressed(OURS)
    assert not read_answer(ANNE.replace(b"back.example", b"else.example")).addressed(OURS)


def test_ten_thousand_fields_are_read_at_once() -> None:
    raw = b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"\r\nbody"
    read = read_answer(raw)
    assert isinstance(read, Answer)
    assert len(read.fields) <= 1000
