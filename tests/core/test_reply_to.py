"""A person can answer: an address that says nobody reads it, or lies where no mail is taken, is told from any other (R-FR-73)."""

from __future__ import annotations

import pytest

from gateway.core.mime import Message, parse
from gateway.core.reply_to import contact_address, nobody_reads, unroutable
from tests.support.timing import within


def message(author: str) -> Message:
    parsed = parse(f"From: {author}\r\nSubject: x\r\n\r\nx\r\n".encode())
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(
    "local",
    [
        *(
            "noreply",
            "no-reply",
            "no_reply",
            "No.Reply",
            "NOREPLY",
            "donotreply",
            "do-not-reply",
            "dontreply",
            "ne-pas-repondre",
            "nepasrepondre",
        ),
        *(
            "ne_pas_répondre",
            "sans-reponse",
            "noreply2",
            "noreply+tag",
            "no-reply-news",
            "shop-noreply",
            "keine-antwort",
            "nicht-antworten",
        ),
        *("bitte-nicht-antworten", "no-responder", "non-rispondere", "null", "devnull", "noreplyto", "no-reply-email"),
    ],
)
def test_an_address_that_says_nobody_reads_it_is_believed(local: str) -> None:
    """R-FR-73."""
    assert nobody_reads(f"{local}@maison.example")


@pytest.mark.parametrize(
    "local", ["news", "contact", "reply", "replies", "noel", "nora.reply", "norepinephrine", "answers", "camille", "nonna"]
)
def test_an_address_of_somebody_is_one(local: str) -> None:
    assert not nobody_reads(f"{local}@maison.example")


@pytest.mark.parametrize(
    ("reply_to", "author", "lost"),
    [
        ("", "news@maison.example", False),
        ("", "noreply@maison.example", True),
        ("contact@maison.example", "noreply@maison.example", False),
        ("noreply@maison.example", "news@maison.example", True),
        ("<>", "news@maison.example", True),
        ("noreply@maison.example, contact@maison.example", "news@maison.example", False),
        ("Nobody <no-reply@maison.example>, dont-reply@maison.example", "news@maison.example", True),
        ("a@gone.example", "news@maison.example", True),
        ("", "news@gone.example", True),
        ("a@GONE.example", "news@maison.example", True),
    ],
)
def test_answers_go_to_reply_to_or_to_the_author(reply_to: str, author: str, lost: bool) -> None:
    assert unroutable(message(author), reply_to.encode() or None, frozenset({"gone.example"})) == lost


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("contact@maison.example", "contact@maison.example"),
        ("Maison <contact@maison.example>", "contact@maison.example"),
        ("+33 1 23 45 67 89", ""),
        ("noreply@maison.example", ""),
        ("contact@gone.example", ""),
        ("", ""),
    ],
)
def test_only_a_contact_that_is_a_read_mailbox_is_put_in(contact: str, address: str) -> None:
    assert contact_address(contact, frozenset({"gone.example"})) == address


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("piece", [b"a", b"@", b"a@", b"no-", b"<", b"a,"])
def test_a_hostile_field_costs_little(piece: bytes) -> None:
    within(0.3, lambda: unroutable(message("news@maison.example"), (piece * 32_000)[:32_000], frozenset()))
