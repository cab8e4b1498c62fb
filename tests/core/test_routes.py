"""Answers come to an address of ours under the old name, and where they went before is remembered."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.compose import Copy, Finished, Stamp, compose
from gateway.core.mime import Message, parse
from gateway.core.model import Category, PersonKey, Replies
from gateway.core.routes import Routes, read_routes, routes_of, write_routes
from gateway.core.sign import public_record
from gateway.core.token import mint
from gateway.core.verdict import Due
from tests.support.clock import START
from tests.support.company import FR, KEY, NEWS, SERVICE, TOKENS, letterhead, newsletter

PERSON = PersonKey(b"k" * 16)
ASKED = replace(NEWS, replies=Replies.CAPTURE)
COPY = Copy(PERSON, Due.NONE, "", None, "CNIL", "https://www.cnil.fr/plaintes", conduct=FR.conduct)
STAMP = Stamp(START, "tool.example", "ESMTPSA", "", "gw0-1")


def message(raw: bytes) -> Message:
    parsed = parse(raw, smtputf8=True)
    assert isinstance(parsed, Message), parsed
    return parsed


def left(raw: bytes, stream: object = ASKED, **head: object) -> bytes:
    finished = compose(message(raw), letterhead(stream, **head), COPY, STAMP, eight_bit=True)  # type: ignore[arg-type]
    assert isinstance(finished, Finished), finished
    return b"".join(finished.chunks)


def reply_to(raw: bytes) -> str:
    fields = email.message_from_bytes(raw, policy=email.policy.default).get_all("Reply-To")
    assert fields is None or len(fields) == 1
    return str(fields[0]) if fields else ""


OURS = f"r-{mint(TOKENS, NEWS.number, PERSON)}@back.example"


@pytest.mark.parametrize(
    ("given_fields", "shown"),
    [
        ({}, f"Maison <{OURS}>"),
        ({"Reply_To": "anne@maison.example"}, f"Maison <{OURS}>"),
        ({"Reply_To": '"Dupont, Anne" <anne@maison.example>'}, f'"Dupont, Anne" <{OURS}>'),
        ({"Reply_To": "=?utf-8?q?Ren=C3=A9e?= <anne@maison.example>"}, f"Renée <{OURS}>"),
        ({"Reply_To": "a@maison.example, b@maison.example"}, f"Maison <{OURS}>"),
        ({"Reply_To": "no-reply@maison.example"}, f"Maison <{OURS}>"),
        ({"From": "news@maison.example"}, OURS),
        ({"From": "Maison (nous) <news@maison.example>"}, OURS),
    ],
)
def test_answers_come_to_the_token_under_the_name_people_know(given_fields: dict[str, str], shown: str) -> None:
    """R-FR-57, R-FR-73."""
    assert reply_to(left(newsletter(**given_fields))) == shown


def test_a_name_in_plain_utf8_stays_readable() -> None:
    raw = newsletter().replace(b"From: Maison <", 'From: "Épicerie \\"du\\" coin" <'.encode())
    assert reply_to(left(raw)) == f'"Épicerie \\"du\\" coin" <{OURS}>'


def test_the_address_is_signed_and_nothing_else_of_the_message_changes() -> None:
    """R-STD-40, R-STD-41."""
    raw = newsletter(Reply_To="anne@maison.example")
    captured, plain = left(raw), left(raw, NEWS)
    assert dkim.verify(captured, dnsfunc=lambda *_, **__: public_record(KEY).encode())
    signature = captured.partition(b"\r\n\r\n")[0].partition(b"\r\nFrom")[0]
    assert signature.replace(b"\r\n ", b"").lower().count(b"reply-to:reply-to") == 1
    assert captured.partition(b"\r\n\r\n")[2] == plain.partition(b"\r\n\r\n")[2]


def test_what_was_not_to_be_captured_keeps_its_own() -> None:
    raw = newsletter(Reply_To="anne@maison.example")
    assert reply_to(left(raw, NEWS)) == "anne@maison.example"
    assert reply_to(left(raw, replace(NEWS, replies=Replies.MAILBOX))) == "anne@maison.example"
    assert reply_to(left(raw, inbound_domain="")) == "anne@maison.example"


def test_service_mail_may_be_captured_and_still_offers_no_list_header() -> None:
    service = replace(SERVICE, replies=Replies.CAPTURE)
    assert service.category is Category.TRANSACTIONAL
    copy = left(newsletter(), service)
    assert reply_to(copy) == f"Maison <r-{mint(TOKENS, SERVICE.number, PERSON)}@back.example>"
    assert b"List-Unsubscribe" not in copy


@pytest.mark.parametrize(
    ("given_fields", "to"),
    [
        ({}, ("news@maison.example",)),
        ({"Reply_To": "Anne <anne@maison.example>"}, ("anne@maison.example",)),
        ({"Reply_To": "a@maison.example, B <b@maison.example>"}, ("a@maison.example", "b@maison.example")),
        ({"Reply_To": "noreply@maison.example"}, ()),
        ({"From": "ne-pas-repondre@maison.example"}, ()),
    ],
)
def test_where_answers_went_is_remembered(given_fields: dict[str, str], to: tuple[str, ...]) -> None:
    """R-STD-56."""
    routes = routes_of(message(newsletter(**given_fields)))
    assert routes == Routes(to)
    assert read_routes(write_routes(routes)) == routes


@given(st.binary(max_size=60) | st.text().map(str.encode) | st.sampled_from([b"[]", b"1", b'{"reply_to":3}', b'"x"', b"null"]))
def test_anything_else_is_no_route(written: bytes) -> None:
    assert isinstance(read_routes(written), Routes)


@given(st.lists(st.text(max_size=30), max_size=5).map(tuple), st.text(max_size=30), st.text(max_size=30))
def test_routes_survive_being_written(to: tuple[str, ...], path: str, envid: str) -> None:
    routes = Routes(to, path, envid)
    assert read_routes(write_routes(routes)) == routes
