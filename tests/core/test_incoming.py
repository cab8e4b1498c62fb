"""What the one reader makes of mail that came back, form by form."""

from __future__ import annotations

import json

import pytest

from gateway.core.incoming import read_mail
from gateway.core.intent import Understanding
from gateway.core.own_words import OwnWords
from gateway.core.signal import Effect, Signal, Signals, Told

TOKEN = "abcdefgh" * 7
OTHER = "bcdefghi" * 7


class Heard(Understanding):
    """Understanding that says which words it was given."""

    def read(self, subject: str, words: OwnWords, language: str = "") -> Signals:
        return (Signal(Told.HUMAN, Effect.NONE, f"{subject}|{words.text}"),)


def read(message: str, sender: str | None = None) -> Signals:
    return read_mail(message.lstrip("\n").replace("\n", "\r\n").encode(), sender, Heard())


def report(fields: str, kind: str = "message/delivery-status", notice: str = "It failed.", head: str = "") -> str:
    return f"""
From: Mail Delivery System <MAILER-DAEMON@mx.example>
To: b-{OTHER}@back.example.com
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="xx"
{head}
--xx
Content-Type: text/plain

{notice}

--xx
Content-Type: {kind}

Reporting-MTA: dns; mx.example

{fields}

--xx
Content-Type: text/rfc822-headers

Return-Path: <b-{TOKEN}@back.example.com>
Message-ID: <m1@shop.example>
To: somebody@person.example

--xx--
"""


FAILED = "Final-Recipient: rfc822; a@person.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown"


def test_delivery_report_names_who_is_dead_and_the_mail_of_ours_it_is_about() -> None:
    """R-STD-60, R-STD-63."""
    (signal,) = read(report(FAILED), sender="")
    assert (signal.told, signal.effect, signal.machine) == (Told.BOUNCE, Effect.SUPPRESS, True)
    (one,) = signal.reported
    assert (one.address, one.status, one.hard) == ("a@person.example", "5.1.1", True)
    assert signal.tokens == (TOKEN,)
    assert signal.message_id == "<m1@shop.example>"
    assert "@" not in signal.why


@pytest.mark.parametrize(
    "kind",
    [
        *("message/delivery-status", "MESSAGE/Delivery-Status; charset=us-ascii", "message/global-delivery-status", "text/plain"),
        *("text/delivery-status", "application/octet-stream", "message/rfc822-headers"),
    ],
)
def test_delivery_report_is_known_by_its_fields_whatever_it_is_called(kind: str) -> None:
    """R-STD-63."""
    (signal, *_) = read(report(FAILED, kind))
    assert (signal.told, signal.effect) == (Told.BOUNCE, Effect.SUPPRESS)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "Delayed (will be retried)"])
def test_delayed_delivered_and_relayed_are_no_failures(action: str) -> None:
    """R-STD-63."""
    (signal,) = read(report(f"Final-Recipient: rfc822; a@person.example\nAction: {action}\nStatus: 4.4.7"))
    assert signal.told in (Told.DELAYED, Told.DELIVERED)
    assert signal.effect is Effect.NONE
    assert not any(one.hard for one in signal.reported)


def test_each_recipient_of_a_report_has_its_own_verdict() -> None:
    """R-STD-63, R-STD-64."""
    full = "Original-Recipient: rfc822;b@person.example\nFinal-Recipient: rfc822;box17@inner.example\nAction: failed\nStatus: 5.2.2"
    gone = "Final-Recipient: rfc822; c@person.example\nAction: delivered\nStatus: 2.0.0"
    bounce, delivered = read(report(f"{FAILED}\n\n{full}\n\n{gone}"))
    assert [(one.address, one.original, one.hard) for one in bounce.reported] == [
        ("a@person.example", "", True),
        ("box17@inner.example", "b@person.example", False),
    ]
    assert delivered.told is Told.DELIVERED


def test_internationalised_report_gives_the_address_in_its_letters() -> None:
    """RFC 6533 3."""
    escaped = "Final-Recipient: utf-8; r\\x{E9}mi@person.example\nAction: failed\nStatus: 5.1.1"
    (signal,) = read(report(escaped, "message/global-delivery-status"))
    assert signal.reported[0].address == "rémi@person.example"


def test_policy_rejection_and_full_mailbox_suppress_nobody() -> None:
    """R-STD-64."""
    for status, words in (("5.7.1", "550 5.7.1 blocked"), ("5.2.2", "552 5.2.2 mailbox full"), ("5.1.1", "550 5.1.1 over quota")):
        fields = f"Action: failed\nStatus: {status}\nDiagnostic-Code: smtp; {words}"
        (signal,) = read(report(f"Final-Recipient: rfc822; a@person.example\n{fields}"))
        assert (signal.told, signal.effect) == (Told.BOUNCE, Effect.NONE), status


@pytest.mark.parametrize(
    ("notice", "hard"),
    [
        ("Votre message n'a pas pu être remis à :\n\n  a@person.example\n\n550 Utilisateur inconnu", True),
        ("Ihre Nachricht konnte nicht zugestellt werden:\n\n<a@person.example>: 550 Unbekannter Empfänger", True),
        ("No se pudo entregar su mensaje a:\n\n<a@person.example>\n\n550 El usuario no existe", True),
        ("Impossibile recapitare il messaggio a:\n\n<a@person.example>\n\n550 Utente sconosciuto", True),
        ("次のあて先へのメッセージはエラーのため送信できませんでした。\n\n<a@person.example>\n\n宛先が見つかりません", True),
        ("Your message could not be delivered to:\n\n<a@person.example>:\n552 mailbox is full", False),
        ("Votre message n'a pas pu être remis à a@person.example : boîte pleine.", False),
        ("Ihre Nachricht an a@person.example konnte nicht zugestellt werden: Das Postfach ist voll.", False),
        ("Your message was not delivered to a@person.example because of our policy.", False),
    ],
)
def test_notices_in_free_words_are_understood_in_many_languages(notice: str, hard: bool) -> None:
    """R-STD-60, R-STD-64."""
    (signal,) = read(
        f"From: postmaster@mx.example\nSubject: Mail\nContent-Type: text/plain; charset=utf-8\n\n{notice}\n", sender=""
    )
    assert signal.told is Told.BOUNCE, notice
    assert [(one.address, one.hard) for one in signal.reported] == [("a@person.example", hard)], notice


def test_a_person_who_writes_about_a_failed_delivery_is_no_bounce() -> None:
    """R-STD-60."""
    asked = "From: a@person.example\nSubject: Re: Delivery failed?\nIn-Reply-To: <m1@shop.example>\n\n"
    assert read(f"{asked}My parcel could not be delivered. 550 euros!\n", sender="a@person.example")[0].told is Told.HUMAN
    assert read("From: a@person.example\nSubject: Hello\n\nuser unknown, mailbox full, undeliverable\n")[0].told is Told.HUMAN


ARF = f"""
From: fbl@provider.example
Subject: FW: Offer
Content-Type: multipart/report; report-type=feedback-report; boundary="xx"

--xx
Content-Type: text/plain

An abuse report for victim@person.example, token {OTHER}.

--xx
Content-Type: message/feedback-report

Feedback-Type: TYPE
User-Agent: Test/1
Version: 1
Original-Rcpt-To: a@mail.example
Original-Mail-From: <b-{OTHER}@back.example.com>

--xx
Content-Type: message/rfc822

List-Unsubscribe: <https://go.example.com/u/{TOKEN}>, <mailto:u-{TOKEN}@back.example.com>
Message-ID: <m2@shop.example>
To: a@mail.example

Hello
--xx--
"""


@pytest.mark.parametrize("kind", ["abuse", "Abuse", "fraud", "virus", "other", "x-unheard-of"])
def test_complaint_suppresses_and_tells_who_by_the_returned_message_first(kind: str) -> None:
    """R-STD-65, R-STD-66."""
    (signal,) = read(ARF.replace("TYPE", kind))
    assert (signal.told, signal.effect, signal.provider) == (Told.COMPLAINT, Effect.SUPPRESS, "other")
    assert signal.tokens == (TOKEN, OTHER)
    assert (signal.reported[0].address, signal.message_id) == ("a@mail.example", "<m2@shop.example>")


def test_words_for_people_in_a_complaint_decide_nothing() -> None:
    """R-STD-65: part 1 never."""
    (signal,) = read(ARF.replace("TYPE", "abuse").replace(f"<b-{OTHER}@back.example.com>", "<>"))
    assert signal.tokens == (TOKEN,)
    assert all(one.address != "victim@person.example" for one in signal.reported)


def test_feedback_report_that_is_an_opt_out_is_one() -> None:
    """R-STD-65."""
    (signal,) = read(ARF.replace("TYPE", "opt-out"))
    assert (signal.told, signal.effect) == (Told.OPT_OUT, Effect.SUPPRESS)


def test_reports_about_authentication_and_good_mail_suppress_nobody() -> None:
    """R-STD-65, R-STD-66."""
    (signal,) = read(ARF.replace("TYPE", "auth-failure"))
    assert (signal.told, signal.effect) == (Told.AUTH_FAILURE_REPORT, Effect.NONE)
    (signal,) = read(ARF.replace("TYPE", "not-spam"))
    assert signal.effect is Effect.NONE
    dmarc = "From: r@provider.example\nSubject: Report Domain: shop.example Submitter: provider.example Report-ID: <1>\n"
    assert read(f"{dmarc}Content-Type: application/zip\n\nPK\n")[0].told is Told.AUTH_FAILURE_REPORT
    tls = (
        "From: r@provider.example\nTLS-Report-Domain: shop.example\nContent-Type: multipart/report; report-type=tlsrpt; boundary=x"
    )
    assert read(f"{tls}\n\n--x--\n")[0].told is Told.AUTH_FAILURE_REPORT


@pytest.mark.parametrize("missing", ["Feedback-Type: TYPE", "Content-Type: message/rfc822"])
def test_report_that_is_not_whole_changes_nothing(missing: str) -> None:
    """R-STD-65."""
    broken = ARF.replace(missing, "Content-Type: text/x-other" if "Content" in missing else "X: y").replace("TYPE", "abuse")
    if "rfc822" in missing:
        broken = broken.partition("List-Unsubscribe")[0] + "nothing\n--xx--\n"
    (signal,) = read(broken)
    assert (signal.told, signal.effect) == (Told.MALFORMED, Effect.NONE)


AUTOMATIC = [
    "Auto-Submitted: auto-replied",
    'Auto-Submitted: Auto-Generated; owner-email="x@y.example"',
    "X-Autoreply: yes",
    "X-Autorespond: x",
    "X-MS-Exchange-Inbox-Rules-Loop: a@person.example",
    "Precedence: auto_reply",
    "Subject: Automatic reply: Offer",
    "Subject: Réponse automatique : Offre",
    "Subject: Automatische Antwort: Angebot",
    "Subject: Respuesta automática: Oferta",
    "Subject: Risposta automatica: Offerta",
    "Subject: Out of office: Offer",
    "Subject: Abwesenheitsnotiz",
    "Subject: Absence du bureau",
]


@pytest.mark.parametrize("mark", AUTOMATIC)
def test_what_a_machine_answers_is_neither_a_refusal_nor_a_contact(mark: str) -> None:
    """R-FR-62, R-STD-60."""
    (signal,) = read(f"From: a@person.example\nTo: r-{TOKEN}@back.example.com\n{mark}\n\nSTOP. Unsubscribe me. I am away.\n")
    assert (signal.told, signal.effect, signal.machine) == (Told.AUTO_REPLY, Effect.NONE, True)
    assert signal.tokens == (TOKEN,)


@pytest.mark.parametrize(
    "subject", ["Re: Vacation deals", "Absence de désinscription", "Re: Automate your shop", "Auto insurance", "Re: out"]
)
def test_a_subject_that_only_sounds_automatic_is_a_persons(subject: str) -> None:
    """R-FR-57: a refusal must not get lost."""
    assert read(f"From: a@person.example\nSubject: {subject}\nAuto-Submitted: no\n\nstop\n")[0].told is Told.HUMAN


def test_receipts_challenges_and_apples_unsubscribe_are_told_apart() -> None:
    """R-STD-60, R-STD-68, R-FR-62."""
    mdn = (
        "From: a@person.example\nContent-Type: multipart/report; report-type=disposition-notification; boundary=x\n\n--x\n\nread\n"
        "--x\nContent-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent-manually; displayed\n--x--\n"
    )
    assert (read(mdn)[0].told, read(mdn)[0].effect) == (Told.RECEIPT, Effect.NONE)
    asks = "From: a@person.example\n\nMy mailbox is protected by a filter. Reply to complete delivery of your message.\n"
    assert (read(asks)[0].told, read(asks)[0].effect) == (Told.CHALLENGE_RESPONSE, Effect.NONE)
    apple = f"From: a@person.example\nTo: u-{TOKEN}@back.example.com\nX-Apple-Unsubscribe: true\nAuto-Submitted: auto-replied"
    (signal,) = read(f"{apple}\nSubject: Unsubscribe\n\nApple Mail sent this.\n", sender="")
    assert (signal.told, signal.effect, signal.tokens) == (Told.OPT_OUT, Effect.SUPPRESS, (TOKEN,))


def test_report_of_no_known_form_waits_for_a_person() -> None:
    """R-STD-56, R-STD-60."""
    (signal,) = read("From: x@mx.example\nSubject: Notice\n\nSomething happened to something.\n", sender="")
    assert (signal.told, signal.effect) == (Told.UNCLEAR, Effect.REVIEW)


def test_a_persons_own_words_are_read_and_their_token_kept_but_none_from_what_they_quote() -> None:
    """R-FR-57, R-STD-68."""
    answer = f"From: a@person.example\nTo: r-{TOKEN}@back.example.com\nSubject: Re: Offer\n\nno thanks"
    (signal,) = read(f"{answer}\n\n> https://go.example.com/u/{OTHER}\n", sender="a@person.example")
    assert signal.why == "Re: Offer|no thanks"
    assert signal.tokens == (TOKEN,)


def test_notification_of_ses_by_mail_tells_the_same_as_a_report() -> None:
    """R-STD-60, R-STD-64."""
    who = [{"emailAddress": "a@person.example", "status": "5.1.1"}]
    for kind, effect in (("Permanent", Effect.SUPPRESS), ("Transient", Effect.NONE)):
        said = {"notificationType": "Bounce", "bounce": {"bounceType": kind, "bouncedRecipients": who}}
        (signal,) = read(f"From: no-reply@sns.example\nSubject: AWS\n\n{json.dumps(said)}\n")
        assert (signal.told, signal.effect) == (Told.BOUNCE, effect)


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"\x00\xff\xfe", b"no fields at all", b"Content-Type: text/plain\r\n\r\n", b"a" * 100_000]
)
def test_bytes_that_make_no_sense_change_nothing(data: bytes) -> None:
    """R-STD-60."""
    (signal,) = read_mail(data, None, Understanding())
    assert (signal.told, signal.effect) == (Told.MALFORMED, Effect.NONE)


@pytest.mark.parametrize("quoted", ["> Bonjour, nos offres du mois.\r\n" * 4000, ""])
def test_an_answer_below_more_than_is_read_goes_to_a_person(quoted: str) -> None:
    """R-FR-58: nobody has seen what stands there, so nobody may say that nothing was asked."""
    heavy = "" if quoted else "QUJDREVG\r\n" * 200_000
    first = f"--x\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{heavy}\r\n" if heavy else ""
    last = f"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{quoted}Ne m'écrivez plus jamais.\r\n--x--\r\n"
    head = "From: claire@example.org\r\nSubject: Re: nos offres\r\nMIME-Version: 1.0\r\n"
    message = f'{head}Content-Type: multipart/mixed; boundary="x"\r\n\r\n{first}{last}'
    (signal,) = read_mail(message.encode(), "claire@example.org", Understanding())
    assert (signal.told, signal.effect) == (Told.UNCLEAR, Effect.PAUSE)
