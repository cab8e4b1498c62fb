"""Whom a mail in somebody's own mailbox quotes, and which mail is nobody's answer; whatever its bytes (R-STD-69)."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.lying import read_lying

TOKEN = "abcdefgh" * 7
OTHER = "ijklmnop" * 7
LINK = f"https://gateway.example/u/{TOKEN}"
HEAD = "From: Anne <anne@home.example>\r\nTo: contact@maison.example\r\nSubject: Re: News\r\n"


def mail(body: str, *fields: str, kind: str = "text/plain") -> bytes:
    return (HEAD + "".join(f"{field}\r\n" for field in fields) + f"Content-Type: {kind}\r\n\r\n{body}\r\n").encode()


@pytest.mark.parametrize(
    "data",
    [
        mail(f"Stop\r\n\r\n> Unsubscribe: {LINK}\r\n> Bye"),
        mail(f"Stop <{LINK}>", kind="text/plain; format=flowed"),
        mail(f"Stop<blockquote><a href='{LINK}'>here</a></blockquote>", kind="text/html"),
        mail(
            f"<a href='https://links.example/?url=https%3A%2F%2Fgateway.example%2Fu%2F{TOKEN}&amp;data=1'>here</a>",
            kind="text/html",
        ),
        mail(f"Stop\r\n> mailto:u-{TOKEN}@back.example?subject=unsubscribe"),
        mail(f"Stop\r\n> To: r-{TOKEN.upper()}@back.example"),
        mail("Stop", f"Cc: r-{TOKEN}@back.example"),
        mail(
            base64.encodebytes(f"<a href='{LINK}'>x</a>".encode()).decode(), "Content-Transfer-Encoding: base64", kind="text/html"
        ),
        mail(quopri.encodestring(f"> {LINK}".encode()).decode(), "Content-Transfer-Encoding: quoted-printable", kind="text/plain"),
        mail(
            f"--x\r\nContent-Type: text/plain\r\n\r\nStop\r\n--x\r\nContent-Type: message/rfc822\r\n"
            f"Content-Disposition: attachment\r\n\r\nSubject: News\r\nList-Unsubscribe: <{LINK}>\r\n\r\nBuy\r\n--x--",
            kind="multipart/mixed; boundary=x",
        ),
    ],
)
def test_a_token_is_found_where_answers_carry_it(data: bytes) -> None:
    """R-FR-57."""
    assert TOKEN in read_lying(data).tokens


def test_addresses_come_before_what_is_quoted() -> None:
    assert read_lying(mail(f"> {LINK}", f"Cc: r-{OTHER}@back.example")).tokens == (OTHER, TOKEN)


def test_the_mail_s_own_way_out_is_no_quotation() -> None:
    lying = read_lying(mail("Buy", f"List-Unsubscribe: <{LINK}>"))
    assert lying.tokens == ()
    assert lying.circular


def test_an_attached_file_is_not_read() -> None:
    part = f"--x\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n{LINK}\r\n--x--"
    assert read_lying(mail(part, kind="multipart/mixed; boundary=x")).tokens == ()


@pytest.mark.parametrize(
    ("fields", "circular"),
    [
        ((), False),
        (("List-Id: <talk.example>",), True),
        (("Precedence: bulk",), True),
        (("Return-Path: <anne@home.example>", "Precedence: list"), True),
        (("Return-Path: <>", "Precedence: bulk"), False),
        (("Precedence: first-class",), False),
    ],
)
def test_mail_to_many_is_told_apart_from_reports(fields: tuple[str, ...], circular: bool) -> None:
    """R-FR-62."""
    assert read_lying(mail("Stop", *fields)).circular is circular
    assert read_lying(mail("x", "Precedence: bulk", kind="multipart/report; boundary=x")).circular is False


def test_the_sender_is_what_the_delivering_server_wrote_on_top() -> None:
    assert read_lying(mail("x")).sender is None
    assert read_lying(mail("x", "Return-Path: <>")).sender == ""
    assert read_lying(mail("x", "Return-Path: <anne@home.example>", "Return-Path: <>")).sender == "anne@home.example"


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    for text in (data, mail("x") + data, mail("", kind="multipart/mixed; boundary=x") + b"--x\r\n" + data):
        assert all(len(token) == 56 for token in read_lying(text).tokens)
