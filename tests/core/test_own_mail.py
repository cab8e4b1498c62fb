"""What the gateway writes itself: nothing but the question, sound as mail, whatever names hold."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.compose import Draft, complete, signatures
from gateway.core.model import PersonKey
from gateway.core.notice import NoticeFault
from gateway.core.own_mail import LETTERS, Letter, MailKind, OwnTemplates, Slip, draft_own, read_slip, say_day, write_slip
from gateway.core.sign import public_record
from tests.support.company import KEY, VOISIN, letterhead
from tests.support.signup import CLAIRE, LETTER, MAIL_TEMPLATES, address

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LINK = "https://optout.example/c/" + "a" * 26
TEMPLATES = OwnTemplates(MAIL_TEMPLATES)
PERSON = PersonKey(b"k" * 16)
WORDS = {"link": LINK, "until": "1er décembre 2026", "partners": "", "source": "voisin"}
QUESTIONS = (MailKind.DOI, MailKind.DOI_REMINDER, MailKind.STAY)
LANGUAGES = ("fr", "en")


def letter(kind: MailKind, language: str = "fr", to: str = CLAIRE, **words: str) -> Letter:
    return Letter(kind, PERSON, address(to), WORDS | words, language, VOISIN)


def drafted(kind: MailKind, language: str = "fr", head: object = None, **words: str) -> Draft:
    made = draft_own(TEMPLATES, head or letterhead(LETTER), letter(kind, language, **words), NOW, "0123456789abcdef")  # type: ignore[arg-type]
    assert isinstance(made, Draft), made
    return made


def message(raw: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LETTERS)
def test_every_kind_is_written_in_every_language_and_signed_so_that_it_verifies(kind: MailKind, language: str) -> None:
    made = drafted(kind, language)
    raw = b"".join(complete(made, signatures(made)).chunks)
    mail = message(raw)
    assert (mail["From"], mail["To"]) == ("Maison Exemple SAS <contact@maison.example>", CLAIRE)
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", language)
    assert mail["Subject"].endswith("Maison Exemple SAS")
    assert not mail.defects
    assert re.fullmatch(r"[0-9a-f]{16}", made.template)
    assert dkim.verify(raw, dnsfunc=lambda *_, **__: public_record(KEY).encode())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [MailKind.DOI, MailKind.DOI_REMINDER])
def test_a_question_carries_its_link_and_nothing_for_sale(kind: MailKind, language: str) -> None:
    """R-FR-43: no advertising, no tracker, no picture; and no way out of a list that nobody is on."""
    mail = message(drafted(kind, language).chunks[0])
    assert not [name for name in mail if name.lower().startswith("list-") or name.lower() == "feedback-id"]
    html = text(mail, "html")
    assert text(mail).count(LINK) == 1
    assert set(re.findall(r'(?:href|src|background|action)="([^"]*)"', html)) == {LINK, "https://maison.example/privacy"}
    assert not re.search(r"<(img|link|script|form|iframe|video)|url\(|@import", html)
    assert "1er décembre 2026" in text(mail)


def test_the_reminder_says_that_it_is_the_only_one() -> None:
    assert "notre seul rappel" in text(message(drafted(MailKind.DOI_REMINDER).chunks[0]))
    assert "rappel" not in text(message(drafted(MailKind.DOI).chunks[0]))


def test_partners_are_named_as_a_purpose_only_where_they_were_asked_for() -> None:
    assert "partenaires" in text(message(drafted(MailKind.DOI, partners="yes").chunks[0]))
    assert "partenaires" not in text(message(drafted(MailKind.DOI).chunks[0]))


@pytest.mark.parametrize("kind", [MailKind.STAY, MailKind.RIGHTS_NOTICE])
def test_what_goes_to_somebody_on_record_offers_the_way_out(kind: MailKind) -> None:
    mail = message(drafted(kind).chunks[0])
    url = re.match(r"<(https://optout\.example/u/[a-z2-7]{56})>", mail["List-Unsubscribe"])
    assert url is not None
    assert url[1] in text(mail)
    assert url[1] in text(mail, "html")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_question_to_stay_says_what_happens_without_an_answer() -> None:
    """R-FR-82."""
    said = " ".join(text(message(drafted(MailKind.STAY).chunks[0])).split())
    assert "nous effacerons vos données" in said
    assert LINK in said


@pytest.mark.parametrize(("language", "words"), [("fr", "communiquée par Voisin SARL"), ("en", "given to us by Voisin SARL")])
def test_a_notice_of_rights_is_the_whole_first_contact_notice(language: str, words: str) -> None:
    """R-FR-29, R-FR-32: source, purpose, controller, rights, authority; information only."""
    mail = message(drafted(MailKind.RIGHTS_NOTICE, language).chunks[0])
    for form in ("plain", "html"):
        said = " ".join(text(mail, form).split())
        assert words in said
        assert "https://www.cnil.fr/plaintes" in said
        assert "Maison Exemple SAS" in said
    assert "&lt;p" not in text(mail, "html")


def test_a_notice_that_would_be_incomplete_is_not_written() -> None:
    """R-FR-30."""
    head = letterhead(replace(LETTER, advertiser=replace(LETTER.advertiser, privacy_url="")))
    made = draft_own(TEMPLATES, head, letter(MailKind.RIGHTS_NOTICE), NOW, "w")
    assert made == NoticeFault("facts are not configured", ("privacy_url",))


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "https://a.example/ b", 'https://a.example/"x'])
def test_a_question_without_a_sound_link_is_not_written(link: str) -> None:
    made = draft_own(TEMPLATES, letterhead(LETTER), letter(MailKind.DOI, link=link), NOW, "w")
    assert isinstance(made, NoticeFault)


def test_without_a_key_for_the_sender_nothing_is_written() -> None:
    made = draft_own(TEMPLATES, letterhead(LETTER, dkim={}), letter(MailKind.DOI), NOW, "w")
    assert isinstance(made, NoticeFault)


NASTY = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=120)


@given(name=NASTY, purpose=NASTY)
def test_no_name_and_no_purpose_breaks_out_of_its_place(name: str, purpose: str) -> None:
    advertiser = replace(LETTER.advertiser, legal_name=name)
    head = letterhead(replace(LETTER, advertiser=advertiser, purpose=purpose))
    raw = b"".join(bytes(chunk) for chunk in drafted(MailKind.DOI, head=head).chunks)
    header, _, body = raw.partition(b"\r\n\r\n")
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    names = [line.partition(b":")[0] for line in header.split(b"\r\n") if line[:1] not in b" \t"]
    assert names == [
        b"From",
        b"To",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"Auto-Submitted",
        b"Content-Language",
        b"MIME-Version",
        b"Content-Type",
    ]
    assert message(raw)["From"].addresses[0].addr_spec == "contact@maison.example"
    html = text(message(raw), "html")
    assert html.count("<") == HTML_TAGS
    assert body.count(b"--0123456789abcdef") == 3


HTML_TAGS = text(message(drafted(MailKind.DOI).chunks[0]), "html").count("<")


def test_an_international_address_is_written_as_it_is() -> None:
    made = draft_own(TEMPLATES, letterhead(LETTER), letter(MailKind.DOI, to="zoé@example.org"), NOW, "w")
    assert isinstance(made, Draft)
    assert "To: zoé@example.org\r\n".encode() in bytes(made.chunks[0])


def test_a_missing_or_broken_template_is_told() -> None:
    sources = {name: source for name, source in MAIL_TEMPLATES.items() if name != "stay.en.txt.j2"} | {"doi.fr.txt.j2": "{% if"}
    faults = OwnTemplates(sources).faults()
    assert faults[0] == "stay.en.txt.j2 is missing"
    assert any(fault.startswith("doi.fr.txt.j2: ") for fault in faults)
    assert TEMPLATES.faults() == ()


def test_a_template_without_its_link_is_not_sent() -> None:
    mute = OwnTemplates(MAIL_TEMPLATES | {"doi.fr.txt.j2": "Subject\n\nNo link\n"})
    assert draft_own(mute, letterhead(LETTER), letter(MailKind.DOI), NOW, "w") == NoticeFault("template does not show its link")


def test_the_evidence_tells_one_wording_of_a_template_from_another() -> None:
    changed = OwnTemplates(MAIL_TEMPLATES | {"doi.fr.txt.j2": MAIL_TEMPLATES["doi.fr.txt.j2"] + "."})
    other = draft_own(changed, letterhead(LETTER), letter(MailKind.DOI), NOW, "w")
    assert isinstance(other, Draft)
    assert other.template != drafted(MailKind.DOI).template


SLIPS = st.builds(
    Slip, st.sampled_from(MailKind), st.binary(min_size=16, max_size=16).map(PersonKey), st.text(), st.text(), st.text()
)


@given(SLIPS)
def test_a_slip_reads_as_it_was_written(slip: Slip) -> None:
    assert read_slip(write_slip(slip)) == slip


@given(st.text())
def test_no_text_makes_reading_a_slip_fail(words: str) -> None:
    assert read_slip(words) is None or isinstance(read_slip(words), Slip)


def test_days_are_said_as_people_say_them() -> None:
    assert say_day(datetime(2026, 12, 1, tzinfo=UTC), "fr") == "1er décembre 2026"
    assert say_day(datetime(2026, 12, 1, tzinfo=UTC), "en") == "1 December 2026"
    assert say_day(datetime(2028, 2, 29, tzinfo=UTC), "fr") == "29 février 2028"
