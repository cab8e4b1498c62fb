"""What a person reads who said stop: that it is done. And what the officer reads: that somebody waits."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import dkim
import pytest

from gateway.core.acknowledge import draft_plain
from gateway.core.compose import Draft, complete, signatures
from gateway.core.model import PersonKey
from gateway.core.notice import NoticeFault
from gateway.core.own_mail import PLAIN, Letter, MailKind, OwnTemplates, say_day
from gateway.core.sign import public_record
from tests.support.company import KEY, letterhead
from tests.support.signup import CLAIRE, LETTER, MAIL_TEMPLATES, address

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
TEMPLATES = OwnTemplates(MAIL_TEMPLATES)
WORDS = {
    "opposed": "yes",
    "on": "LE-JOUR",
    "due": "L-ECHEANCE",
    "task": "0123456789abcdef",
    "message_id": "<m@home.example>",
    "thread": "<a@maison.example> <m@home.example>",
}
EVERY = [(kind, language) for kind, languages in PLAIN.items() for language in languages]


def written(kind: MailKind, language: str, **words: str) -> tuple[bytes, EmailMessage]:
    letter = Letter(kind, PersonKey(b"k" * 16), address(CLAIRE), WORDS | words, language)
    made = draft_plain(TEMPLATES, letterhead(LETTER), letter, NOW, "0123456789abcdef")
    assert isinstance(made, Draft), made
    raw = b"".join(complete(made, signatures(made)).chunks)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return raw, mail


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_each_is_short_plain_text_and_signed(kind: MailKind, language: str) -> None:
    """R-STD-62."""
    raw, mail = written(kind, language)
    assert mail.get_content_type() == "text/plain"
    assert (mail["Content-Language"], mail["To"]) == (language, CLAIRE)
    assert mail["Subject"].endswith("Maison Exemple SAS")
    assert not mail.defects
    assert raw.isascii()
    assert len(raw) < 3500
    assert dkim.verify(raw, dnsfunc=lambda *_, **__: public_record(KEY).encode())


@pytest.mark.parametrize("language", PLAIN[MailKind.ACK])
def test_an_acknowledgement_says_what_was_done_and_when_and_nothing_else(language: str) -> None:
    """R-FR-60, R-STD-62: no argument, no link, no marketing, no counter-request, no quote; it answers, and says so."""
    _, mail = written(MailKind.ACK, language)
    said = " ".join(mail.get_content().split())
    assert "LE-JOUR" in said
    assert "Maison Exemple SAS" in said
    assert "http" not in said
    assert "?" not in said
    assert "L-ECHEANCE" not in said
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["In-Reply-To"] == "<m@home.example>"
    assert mail["References"] == "<a@maison.example> <m@home.example>"
    assert not [name for name in mail if name.lower().startswith(("list-", "feedback"))]


@pytest.mark.parametrize("language", PLAIN[MailKind.ACK])
def test_a_rights_request_is_acknowledged_with_its_date(language: str) -> None:
    """R-FR-59, R-FR-61."""
    _, mail = written(MailKind.ACK, language, opposed="", rights="yes")
    alone = " ".join(mail.get_content().split())
    assert "L-ECHEANCE" in alone
    _, both = written(MailKind.ACK, language, rights="yes")
    assert len(both.get_content()) > len(mail.get_content())
    assert mail["Subject"] != both["Subject"]


@pytest.mark.parametrize("language", PLAIN[MailKind.TASK])
def test_the_officer_reads_the_task_and_its_date_and_no_word_of_the_person(language: str) -> None:
    """R-FR-59."""
    _, mail = written(MailKind.TASK, language)
    assert "0123456789abcdef" in mail.get_content()
    assert "L-ECHEANCE" in mail.get_content()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["In-Reply-To"] is None


def test_a_language_nobody_translated_is_answered_in_english() -> None:
    assert written(MailKind.ACK, "fi")[1]["Content-Language"] == "en"


def test_without_a_key_for_the_sender_nothing_is_written() -> None:
    letter = Letter(MailKind.ACK, PersonKey(b"k" * 16), address(CLAIRE), WORDS, "fr")
    assert isinstance(draft_plain(TEMPLATES, letterhead(LETTER, dkim={}), letter, NOW, "w"), NoticeFault)


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("fr", "1er novembre 2026"),
        ("en", "1 November 2026"),
        ("de", "1. November 2026"),
        ("es", "1 de noviembre de 2026"),
        ("it", "1 novembre 2026"),
    ],
)
def test_days_are_said_as_people_say_them(language: str, day: str) -> None:
    assert say_day(NOW, language) == day
