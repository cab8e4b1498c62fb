"""Accuracy on real reports, and that no bytes at all bring the reader down or hold it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.incoming import read_mail
from gateway.core.intent import Understanding
from gateway.core.signal import Effect, Signals, Told
from tests.support.corpora import corpus
from tests.support.timing import within

UNDERSTANDING = Understanding()
SAME = {"malformed_report": "malformed"}
HARMLESS = ("auth_failure_report", "auto_reply", "challenge_response", "delayed", "delivered")


@dataclass(frozen=True)
class Row:
    """One labelled report and what was made of it."""

    file: str
    kind: str
    hard: bool | None
    recipients: tuple[str, ...]
    signals: Signals

    @property
    def right(self) -> bool:
        told = self.signals[0].told.value
        if self.kind == "not_bounce":
            return told not in ("bounce", "delayed", "complaint")
        return told == SAME.get(self.kind, self.kind)

    @property
    def dead(self) -> bool:
        return any(one.hard for signal in self.signals if signal.told is Told.BOUNCE for one in signal.reported)


@lru_cache(maxsize=1)
def rows(folder: Path) -> tuple[Row, ...]:
    return tuple(_rows(folder))


def _rows(folder: Path) -> Iterator[Row]:
    for name in ("expected.jsonl", "expected-fetched.jsonl"):
        for line in (folder / name).read_text().splitlines():
            row = json.loads(line)
            signals = read_mail((folder / row["file"]).read_bytes(), None, UNDERSTANDING)
            yield Row(row["file"], row["kind"], row["hard"], tuple(row["recipients"] or ()), signals)


def test_kind_of_a_report_is_right_in_97_of_100() -> None:
    """R-STD-60."""
    known = [row for row in rows(corpus("bounces")) if row.kind != "unknown"]
    wrong = [(row.file, row.kind, row.signals[0].told.value) for row in known if not row.right]
    assert len(wrong) <= 0.03 * len(known), wrong


def test_dead_addresses_are_found_and_good_ones_left_alone() -> None:
    """R-STD-64, R-MBX-14: a precision of 99 %, a recall of 95 %."""
    all_rows = rows(corpus("bounces"))
    found = [row for row in all_rows if row.hard is True and row.dead]
    missed = [row.file for row in all_rows if row.hard is True and not row.dead]
    wrongly = [row.file for row in all_rows if row.hard is False and row.dead]
    assert len(wrongly) <= 0.01 * (len(found) + len(wrongly)), wrongly
    assert len(missed) <= 0.05 * (len(found) + len(missed)), missed


def test_every_complaint_suppresses_and_no_harmless_report_does() -> None:
    """R-STD-66, R-FR-62, R-STD-63."""
    for row in rows(corpus("bounces")):
        suppresses = any(signal.effect is Effect.SUPPRESS for signal in row.signals)
        if row.kind == "complaint":
            assert suppresses, row.file
        elif row.kind in HARMLESS:
            assert not suppresses, row.file


def test_recipients_a_report_names_are_found() -> None:
    """R-STD-63."""
    stated = [row for row in rows(corpus("bounces")) if row.recipients]
    missed = [row.file for row in stated if not {one.lower() for one in row.recipients} <= _named(row)]
    assert len(missed) <= 0.03 * len(stated), missed


def _named(row: Row) -> set[str]:
    reported = [one for signal in row.signals for one in signal.reported]
    return {address.lower() for one in reported for address in (one.address, one.original)}


def test_no_reason_names_an_address() -> None:
    for row in rows(corpus("bounces")):
        assert all("@" not in signal.why for signal in row.signals), row.file


@pytest.mark.usefixtures("undisturbed")
def test_reading_a_report_takes_a_few_milliseconds() -> None:
    reports = [(corpus("bounces") / row.file).read_bytes() for row in rows(corpus("bounces"))]
    within(0.010 * len(reports), lambda: [read_mail(one, None, UNDERSTANDING) for one in reports])


@pytest.mark.slow
def test_truncated_and_damaged_reports_are_read_without_an_exception() -> None:
    """R-STD-69: every eighth file cut at many places, and with bits turned over."""
    for row in rows(corpus("bounces"))[::8]:
        data = (corpus("bounces") / row.file).read_bytes()[:6_000]
        for at in range(0, len(data), max(len(data) // 12, 1)):
            damaged = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
            for bytes_ in (data[:at], damaged, data[at:]):
                assert read_mail(bytes_, "", UNDERSTANDING)


HEAD = b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered Mail\r\n"
PIECES = [
    HEAD,
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n",
    b"Content-Type: multipart/report; report-type=feedback-report; boundary=x\r\n",
    *(b"\r\n", b"\r\n--x\r\n", b"\r\n--x--\r\n", b"\n\t", b"\x1b$B", b"=?utf-8?b?", b"Content-Transfer-Encoding: base64\r\n"),
    *(
        b"Content-Type: message/delivery-status\r\n\r\n",
        b"Content-Type: message/feedback-report\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\n",
    ),
    *(b"Final-Recipient: rfc822; a@b.example\r\n", b"Action: failed\r\n", b"Status: 5.1.1\r\n", b"Feedback-Type: abuse\r\n"),
    *(
        b"Auto-Submitted: auto-replied\r\n",
        b"550 5.1.1 <a@b.example> user unknown\r\n",
        b'{"notificationType":"Bounce","bounce":[]}',
        b"X-Failed-Recipients: a@b\r\n",
    ),
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=20), st.sampled_from(["", None, "a@b.example"]))
@settings(max_examples=400, deadline=None)
def test_any_pile_of_pieces_is_read_without_an_exception(pieces: list[bytes], sender: str | None) -> None:
    """R-STD-60, R-STD-69."""
    signals = read_mail(b"".join(pieces), sender, UNDERSTANDING)
    assert signals
    assert all(0 <= signal.confidence <= 1 for signal in signals)


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    """R-STD-60."""
    assert read_mail(data, "", UNDERSTANDING)


def _mebibyte(piece: bytes) -> bytes:
    return (piece * (2**20 // len(piece) + 1))[: 2**20]


REPORT = HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
HOSTILE = {
    "empty lines": HEAD + b"\r\n" + _mebibyte(b"\n"),
    "one letter": HEAD + b"\r\n" + _mebibyte(b"a"),
    "brackets": HEAD + b"Content-Type: text/html\r\n\r\n" + _mebibyte(b"<"),
    "tags": HEAD + b"Content-Type: text/html\r\n\r\n" + _mebibyte(b"<style>"),
    "addresses": HEAD + b"\r\n" + _mebibyte(b"<a@b.example>: 550 user unknown\n"),
    "half an address": HEAD + b"\r\n" + _mebibyte(b"a@b."),
    "who without end": HEAD + b"\r\n" + _mebibyte(b"user"),
    "phrases begun": HEAD + b"\r\n" + _mebibyte(b"mailbox is "),
    "blanks": HEAD + b"\r\n" + _mebibyte(b" "),
    "folds": HEAD + _mebibyte(b"\n\t"),
    "fields": HEAD + _mebibyte(b"X: y\r\n"),
    "encoded words": HEAD + b"Subject: " + _mebibyte(b"=?utf-8?q?"),
    "parts": REPORT + _mebibyte(b"\r\n--x\r\n"),
    "recipients": REPORT
    + b"--x\r\nContent-Type: message/delivery-status\r\n\r\n"
    + _mebibyte(FAILED := b"\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.0.0\r\n"),
    "recipients in words": HEAD + b"\r\n" + _mebibyte(FAILED),
    "diagnostic": REPORT
    + b"--x\r\nContent-Type: message/delivery-status\r\n"
    + FAILED
    + b"Diagnostic-Code: smtp; "
    + _mebibyte(b"550-user "),
    "base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + _mebibyte(b"QUFB\n"),
    "json": HEAD + b'\r\n{"notificationType":' + _mebibyte(b"["),
    "nested": HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(18_000)),
    "nested alike": HEAD + _mebibyte(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"),
    "enclosed": HEAD + _mebibyte(b"Content-Type: message/rfc822\r\n\r\n"),
}


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mebibyte_is_read_in_a_fifth_of_a_second(name: str) -> None:
    """R-STD-69, T12, T23."""
    assert within(0.2, lambda: read_mail(HOSTILE[name], "", UNDERSTANDING))
