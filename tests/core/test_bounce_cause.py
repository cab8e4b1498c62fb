"""When an address is dead and when it is not: statuses as the standards give them, words as servers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bounce_cause import Cause, Step, bare, cause_of, step_of

DEAD = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1")
ALIVE = (
    "4.1.1",
    "4.2.1",
    "4.2.2",
    "4.4.7",
    "5.0.0",
    "5.1.7",
    "5.1.8",
    "5.2.2",
    "5.2.3",
    "5.3.4",
    "5.4.6",
    "5.6.0",
    "5.7.0",
    "5.7.26",
)


@pytest.mark.parametrize("status", DEAD)
def test_hard_status_means_a_dead_address(status: str) -> None:
    """R-STD-64, R-MBX-14."""
    assert cause_of(status, "").hard


@pytest.mark.parametrize("status", ALIVE)
def test_any_other_status_kills_no_address(status: str) -> None:
    """R-STD-64."""
    assert not cause_of(status, "").hard


@pytest.mark.parametrize(
    "words",
    [
        "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in local recipient table",
        "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking",
        "550 No such user here",
        "550 5.1.1 unknown or illegal alias: a@b.example",
        "550 Invalid recipient <a@b.example>",
        "553 5.3.0 <a@b.example>... No such user",
        "550 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_418",
        "550 5.4.1 Recipient address rejected: Access denied. [AM6EUR05.prod.protection.outlook.com]",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        "550 L'utilisateur n'existe pas",
        "550 Utilisateur inconnu",
        "550 Unbekannter Empfaenger",
        "550 Der Benutzer a ist unbekannt",
        "550 El usuario no existe",
        "550 Utente sconosciuto",
        "550 Destinatario inesistente",
        "550 Uzytkownik nie istnieje",
        "550 Sorry, no mailbox here by that name. (#5.1.1)",
        "550 5.2.1 The email account that you tried to reach is disabled.",
        "554 delivery error: dd This user doesn't have a mail.example account (a@mail.example)",
        "Host or domain name not found. Name service error for name=b.example type=A: Host not found",
        "550 Unrouteable address",
        "556 5.1.10 Domain does not accept mail (nullMX)",
        "550 5.1.6 recipient no longer on server: a@b.example",
    ],
)
def test_words_that_name_an_unknown_recipient_mean_a_dead_address(words: str) -> None:
    """R-STD-64: where only the SMTP answer is known."""
    assert cause_of("", words).hard, cause_of("", words)


@pytest.mark.parametrize(
    "words",
    [
        "552-5.2.2 The email account that you tried to reach is over quota",
        "550 5.1.1 <a@b.example> mailbox is full",
        "550 Mailbox quota exceeded, no such space",
        "552 Boîte aux lettres pleine",
        "550 Das Postfach ist voll",
        "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using a list",
        "550 5.7.1 <a@b.example>: Recipient address rejected: User unknown",
        "550 5.1.1 rejected, see http://www.spamhaus.example/query/bl?ip=192.0.2.1",
        "550 Verification failed for <me@a.example>: No such user here: Sender verify failed",
        "553 5.1.8 <me@a.example>... Domain of sender address does not exist",
        "550 Domain does not accept mail from your network",
        "550 relay not permitted",
        "550 This message was classified as spam and may not be delivered",
        "550 High probability of spam",
        "554 5.7.9 Message not accepted for policy reasons",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "421 4.7.0 Messages from 192.0.2.1 temporarily deferred",
        "450 4.2.1 The user you are trying to reach is receiving mail too quickly",
        "550 user unknown, please try again later",
        "552 5.3.4 Message size exceeds fixed limit",
        "connect to mx.b.example[192.0.2.1]:25: Connection timed out",
        "Name service error for name=b.example: Host not found, try again",
        "User unknown",
        "550",
        "",
    ],
)
def test_words_that_name_something_else_kill_no_address(words: str) -> None:
    """R-STD-64: a false hard bounce would silently suppress a good address."""
    assert not cause_of("", words).hard, cause_of("", words)


def test_an_address_or_a_link_says_nothing_by_its_name() -> None:
    assert cause_of("", "550 5.0.0 <user-unknown@b.example> https://b.example/no-such-user") is Cause.UNSAID
    assert cause_of("5.1.1", "550 5.1.1 <mailbox-full@b.example> User unknown").hard


def test_an_answer_to_the_content_kills_no_address_by_its_words() -> None:
    """R-STD-64: filters refuse after DATA with `user unknown`."""
    for around in ("(in reply to end of DATA command)", "after end of data:", ">>> DATA"):
        assert step_of(around) is Step.CONTENT
        assert not cause_of("5.0.0", "550 Unknown user a@b.example", step_of(around)).hard
        assert cause_of("5.1.1", "550 Unknown user a@b.example", step_of(around)).hard
    assert step_of("(in reply to RCPT TO command)") is Step.RECIPIENT


@given(st.sampled_from(["5.7.1", "5.7.0", "5.7.606", "4.7.1", "4.4.7", "5.2.2"]), st.text(max_size=300))
def test_policy_and_passing_statuses_are_never_hard_whatever_is_said(status: str, words: str) -> None:
    """R-STD-64."""
    assert not cause_of(status, words + " 550 user unknown").hard


@given(st.text(), st.text(max_size=3_000), st.sampled_from(list(Step)))
def test_any_status_and_words_have_a_cause(status: str, words: str, step: Step) -> None:
    assert isinstance(cause_of(status, words, step), Cause)
    assert len(bare(words)) <= 2_000
