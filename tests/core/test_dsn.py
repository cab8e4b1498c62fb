"""Delivery status notifications: read by strangers as meant, and no field of the original adds one of its own."""

from __future__ import annotations

import email
import email.message
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.dsn import MAX_HEADER, Action, Failure, report, wants_failure, wants_success

AT = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
FAILURE = Failure(
    reporting_mta="relay.example.com",
    return_path="bounces+1@example.com",
    recipient="anne@example.net",
    action=Action.FAILED,
    status="5.7.1",
    diagnostic="550 5.7.1 [OPPOSED] This person does not want mail ref=n1-42",
    arrived_at=AT,
    last_attempt_at=AT,
    header=b"From: a@example.com\r\nSubject: Hello\r\n world\r\n\r\nsecret content\r\n",
    message_id="<d1@relay.example.com>",
)
LINE = re.compile(rb"[\x21-\x39\x3b-\x7e]+: [^\r\n]*")


def made(failure: Failure) -> bytes:
    return report(failure, AT, "b0undary")


def parts(raw: bytes) -> tuple[email.message.Message, list[email.message.Message]]:
    message = email.message_from_bytes(raw)
    assert not message.defects
    payload = message.get_payload()
    assert isinstance(payload, list)
    return message, payload


def groups(raw: bytes) -> list[dict[str, str]]:
    """The status part read by its grammar: groups of `Name: value` lines, nothing else (RFC 3464 2.1)."""
    found = re.search(rb"Content-Type: message/(?:global-)?delivery-status\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--", raw, re.DOTALL)
    assert found
    assert found[1].endswith(b"\r\n")
    read = []
    for group in found[1][:-2].split(b"\r\n\r\n"):
        lines = group.split(b"\r\n")
        assert all(LINE.fullmatch(line) for line in lines)
        pairs = [line.decode().split(": ", 1) for line in lines]
        assert len({name for name, _ in pairs}) == len(pairs)
        read.append(dict(pairs))
    return read


def test_report_has_the_three_parts_in_order() -> None:
    message, inside = parts(made(FAILURE))
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in inside] == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert message["From"] == "<MAILER-DAEMON@relay.example.com>"
    assert message["To"] == "<bounces+1@example.com>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<d1@relay.example.com>"
    assert message["Date"] == "Mon, 01 Jun 2026 10:00:00 +0000"


def test_status_has_one_group_for_the_message_and_one_for_the_recipient() -> None:
    about, recipient = groups(made(FAILURE))
    assert about == {"Reporting-MTA": "dns; relay.example.com", "Arrival-Date": "Mon, 01 Jun 2026 10:00:00 +0000"}
    assert recipient == {
        "Final-Recipient": "rfc822; anne@example.net",
        "Action": "failed",
        "Status": "5.7.1",
        "Diagnostic-Code": "smtp; 550 5.7.1 [OPPOSED] This person does not want mail ref=n1-42",
        "Last-Attempt-Date": "Mon, 01 Jun 2026 10:00:00 +0000",
    }
    status = parts(made(FAILURE))[1][1].get_payload()
    assert [list(block.keys()) for block in status if block.keys()] == [list(about), list(recipient)]


def test_envelope_id_and_original_recipient_are_decoded_and_only_given_back_when_given() -> None:
    about, recipient = groups(made(replace(FAILURE, envelope_id="QQ+2B314", orcpt="rfc822;anne+2Bx@example.org")))
    assert about["Original-Envelope-Id"] == "QQ+314"
    assert recipient["Original-Recipient"] == "rfc822; anne+x@example.org"


@pytest.mark.parametrize("orcpt", ["rfc822", ";x", "a b;x", "x:\r\n;y"])
def test_malformed_original_recipient_is_left_out(orcpt: str) -> None:
    assert "Original-Recipient" not in groups(made(replace(FAILURE, orcpt=orcpt)))[1]


def test_header_is_returned_and_content_is_not() -> None:
    raw = made(FAILURE)
    assert parts(raw)[1][2].get_payload() == "From: a@example.com\r\nSubject: Hello\r\n world\r\n"
    assert b"secret content" not in raw


@pytest.mark.parametrize(
    ("language", "word"),
    [("fr", "Destinataire"), ("fr-CA", "Destinataire"), ("en", "Recipient"), ("de", "Recipient"), ("", "Recipient")],
)
@pytest.mark.parametrize("action", list(Action))
def test_a_person_can_read_it(language: str, word: str, action: Action) -> None:
    raw = made(replace(FAILURE, language=language, action=action))
    message, inside = parts(raw)
    text = inside[0].get_payload(decode=True)
    assert isinstance(text, bytes)
    assert f"{word}: anne@example.net" in text.decode()
    assert "OPPOSED" in text.decode()
    assert raw.isascii()
    assert message["Subject"].isascii()
    assert groups(raw)[1]["Action"] == action.value


@pytest.mark.parametrize(
    ("status", "action", "want"),
    [("", Action.FAILED, "5.0.0"), ("5.1", Action.FAILED, "5.0.0"), ("4.4.1\r\nX: y", Action.DELAYED, "4.0.0")],
)
def test_status_is_always_a_status(status: str, action: Action, want: str) -> None:
    assert groups(made(replace(FAILURE, status=status, action=action)))[1]["Status"] == want


def test_international_recipient_in_an_ascii_report_is_spelled_out() -> None:
    raw = made(replace(FAILURE, recipient="zoé+x@exämple.example"))
    assert raw.isascii()
    assert groups(raw)[1]["Final-Recipient"] == r"utf-8; zo\x{E9}\x{2B}x@ex\x{E4}mple.example"


def test_international_mail_gets_the_global_variants() -> None:
    header = "Subject: été\r\n".encode()
    raw = made(replace(FAILURE, smtputf8=True, return_path="é@example.com", recipient="zoé@example.net", header=header))
    inside = parts(raw)[1]
    assert [part.get_content_type() for part in inside] == [
        "text/plain",
        "message/global-delivery-status",
        "message/global-headers",
    ]
    assert groups(raw)[1]["Final-Recipient"] == "utf-8; zoé@example.net"
    assert header in raw
    assert "To: <é@example.com>\r\n".encode() in raw


@pytest.mark.parametrize("header", [b"Subject: \xe9t\xe9\r\nX: " + b"y" * 2000, b"A: b\rc\nd\x00e", b"\r\r\n\r\n", b""])
@pytest.mark.parametrize("smtputf8", [True, False])
def test_odd_header_travels_encoded(header: bytes, smtputf8: bool) -> None:
    raw = made(replace(FAILURE, header=header, smtputf8=smtputf8))
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\0" not in raw
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    if not smtputf8:
        back = parts(raw)[1][2].get_payload(decode=True)
        assert isinstance(back, bytes)
        assert header.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n") in back.replace(b"\r\n", b"\n")


def test_very_long_header_is_cut_at_a_line_end() -> None:
    raw = made(replace(FAILURE, header=b"X-Long: y\r\n" * 20_000))
    assert len(raw) < MAX_HEADER + 3000
    assert raw.count(b"X-Long: y\r\n") * 11 <= MAX_HEADER
    assert b"X-Lon\r\n" not in raw


def test_boundary_inside_the_original_does_not_end_a_part() -> None:
    raw = made(replace(FAILURE, header=b"Subject: x\r\n--b0undary--\r\nX-After: y\r\n"))
    assert len(parts(raw)[1]) == 3
    assert "X-After" in parts(raw)[1][2].as_string()


hostile = st.text(st.sampled_from('a@.<>;:+\r\n\t\0 -é\u2028\x85\ud800=%x\\"'), max_size=30)


@given(hostile, hostile, hostile, hostile, hostile, hostile, hostile, st.binary(max_size=60), st.booleans(), hostile)
def test_no_field_injects_anything(
    mta: str, path: str, to: str, diagnostic: str, envid: str, orcpt: str, status: str, header: bytes, utf8: bool, boundary: str
) -> None:
    failure = Failure(mta, path, to, Action.FAILED, status, diagnostic, AT, AT, header, "<i@x.example>", "fr", envid, orcpt, utf8)
    raw = report(failure, AT, boundary)
    message, inside = parts(raw)
    names = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    assert message.keys() == names
    assert len(inside) == 3
    about, recipient = groups(raw)
    assert set(about) <= {"Reporting-MTA", "Original-Envelope-Id", "Arrival-Date"}
    fields = {"Original-Recipient", "Final-Recipient", "Action", "Status", "Diagnostic-Code", "Last-Attempt-Date"}
    assert {"Final-Recipient", "Action", "Status"} <= set(recipient) <= fields
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    assert raw.endswith(b"--\r\n")


@pytest.mark.parametrize(
    ("notify", "want"),
    [
        ("", True),
        ("FAILURE", True),
        ("SUCCESS,FAILURE", True),
        ("failure,delay", True),
        ("NEVER", False),
        ("SUCCESS", False),
        ("DELAY", False),
    ],
)
def test_failure_is_reported_unless_the_sender_said_otherwise(notify: str, want: bool) -> None:
    assert wants_failure(notify) is want


@pytest.mark.parametrize(
    ("notify", "want"), [("", False), ("SUCCESS", True), ("failure, success", True), ("FAILURE", False), ("NEVER", False)]
)
def test_success_is_reported_only_where_asked_for(notify: str, want: bool) -> None:
    assert wants_success(notify) is want
