"""`gateway read`: one JSON line a file or a row, whatever it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from gateway.cli import build
from gateway.commands.read import message_of

BOUNCE = b"""From: MAILER-DAEMON@mx.example
Subject: Undelivered Mail Returned to Sender
Return-Path: <>

Your message could not be delivered:

<a@person.example>: 550 5.1.1 user unknown
"""


def gateway(*words: str, stdin: str | bytes = "", code: int = 0) -> Result:
    result = CliRunner().invoke(build("read"), ["read", *words], input=stdin)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_file_is_told_on_one_line_without_any_configuration(tmp_path: Path) -> None:
    """R-STD-60."""
    one, two = tmp_path / "one.eml", tmp_path / "two.eml"
    one.write_bytes(BOUNCE)
    two.write_bytes(b"From: a@person.example\r\nAuto-Submitted: auto-replied\r\n\r\nAway.\r\n")
    first, second = lines(gateway(str(one), str(two)))
    assert first["file"] == str(one)
    assert (first["kind"], first["effect"]) == ("bounce", "suppress")
    assert first["recipients"] == [{"address": "a@person.example", "status": "5.1.1", "hard": True}]
    assert set(first) == {"file", "kind", "recipients", "rights", "effect", "confidence", "why"}
    assert (second["kind"], second["effect"], second["rights"]) == ("auto_reply", "none", [])


def test_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(BOUNCE)
    result = gateway(str(tmp_path / "absent.eml"), str(tmp_path), str(tmp_path / "one.eml"), code=1)
    assert [one["kind"] for one in lines(result)] == ["bounce"]
    assert len(result.stderr.splitlines()) == 2
    assert "absent.eml: No such file" in result.stderr


def test_rows_from_standard_input_are_told_with_their_id() -> None:
    rows = [
        {"id": "r1", "subject": "Re: Offer", "text": "STOP"},
        {"id": 2, "subject": "Re: Offer", "text": "STOP", "headers": {"Auto-Submitted": "auto-replied"}},
        {"id": None, "subject": "Undeliverable", "text": BOUNCE.decode().partition("\n\n")[2], "headers": [["Return-Path", "<>"]]},
    ]
    stdin = "\n".join(json.dumps(row) for row in rows)
    for words in (("--jsonl",), ("-",)):
        told = lines(gateway(*words, stdin=stdin))
        assert [(one["id"], one["kind"], one["effect"]) for one in told] == [
            ("r1", "opt_out", "suppress"),
            (2, "auto_reply", "none"),
            (None, "bounce", "suppress"),
        ]


def test_line_that_is_no_row_is_named_and_the_others_are_read() -> None:
    result = gateway("--jsonl", stdin='nonsense\n\n[1]\n{"id": 1, "text": 5, "headers": 7}\n', code=1)
    assert [one["id"] for one in lines(result)] == [1]
    assert result.stderr.splitlines() == ["Line 1: not a JSON object.", "Line 3: not a JSON object."]


def test_nothing_to_read_is_misuse() -> None:
    gateway(code=2)


def test_a_header_of_a_row_cannot_begin_another_one() -> None:
    """T4: line breaks in names and values."""
    row = {"headers": {"X": "a\r\nAuto-Submitted: auto-replied", "Y\r\nZ": "b"}, "subject": "c\nd", "text": "e"}
    assert (
        message_of(row) == b"X: a Auto-Submitted: auto-replied\r\nSubject: c d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ne"
    )
