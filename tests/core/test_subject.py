"""A subject says what the message is: not empty, no pretended answer, marked where the pack wants it (R-FR-72, R-FR-74)."""

from __future__ import annotations

import base64
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.header import Unwritable, written
from gateway.core.subject import SubjectFault, decoded, fault, labelled
from tests.support.timing import within

PRETENDED = (
    *(
        "Re: votre devis",
        "RE : votre devis",
        "re[2]: x",
        "Re(3): x",
        "Re^2: x",
        "Re :x",
        "Ré : x",
        "Rép: x",
        "Réf: x",
        "R: la tua richiesta",
    ),
    *(
        "Fwd: x",
        "FW: x",
        "Fw : x",
        "Tr : x",
        "TR: Re: x",
        "AW: x",
        "Antwort: x",
        "WG: x",
        "SV: x",
        "VS: x",
        "Odp: x",
        "PD: x",
        "RV: x",
        "ENC: x",
    ),
    *(
        "RES: x",
        "Vá: x",
        "İLT: x",
        "Ynt: x",
        "Απ: x",
        "ΑΠ: x",
        "ПЕРЕСЛ: x",
        "Отв: x",
        "回复：x",
        "转发: x",
        "答复: x",
        "답장: x",
        "رد: x",
        "השב: x",
    ),
    *("Ｒｅ：x", "Re：x", "\u200bRe: x", "R\u00ade: x", "\u202eRe: x", "[Promo] Re: x", "[a] [b] Fwd: x", "Rе: x", "  Re: x"),
)
HONEST = (
    *(
        "Les nouvelles de septembre",
        "Report: chiffres",
        "Résultats : trimestre",
        "Return your order",
        "Très bien: x",
        "Rentrée : x",
        "Awards: 2026",
    ),
    *(
        "In short: x",
        "Refonte : notre site",
        "Invitation: venez",
        "Re-découvrez la ville",
        "Retour sur : x",
        "Swiss: x",
        "L'été : x",
        "12:30, on ouvre",
    ),
)


@pytest.mark.parametrize("subject", PRETENDED)
def test_a_pretended_answer_is_told_in_every_usual_language_and_spelling(subject: str) -> None:
    """R-FR-72."""
    coded = b"=?utf-8?B?" + base64.b64encode(subject.encode()) + b"?="
    assert fault(subject.encode(), b"") is SubjectFault.PRETENDS
    assert fault(coded, b"") is SubjectFault.PRETENDS


@pytest.mark.parametrize("subject", HONEST)
def test_an_honest_subject_is_let_through(subject: str) -> None:
    assert fault(subject.encode(), b"") is None


@pytest.mark.parametrize("subject", [b"", b" \t ", b"=?utf-8?Q??=", b"=?utf-8?Q?_=E2=80=8B=C2=A0?=", "\u3164\u200b".encode()[3:]])
def test_a_subject_that_shows_nothing_is_empty(subject: bytes) -> None:
    assert fault(subject, b"") is SubjectFault.EMPTY


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        (b"<1@example.org>", True),
        (b"<a@b> <c@d>", True),
        (b"", False),
        (b"<>", False),
        (b"1@example.org", False),
        (b"<no id>", False),
    ],
)
def test_an_answer_within_a_thread_is_one(answers: bytes, known: bool) -> None:
    assert (fault(b"Re: x", answers) is None) == known


def test_an_empty_subject_is_empty_even_within_a_thread() -> None:
    assert fault(b"", b"<1@example.org>") is SubjectFault.EMPTY


@pytest.mark.parametrize(
    ("coded", "text"),
    [
        (b"=?utf-8?Q?R?= =?utf-8?Q?e: x?=", "Re: x"),
        (b"=?ISO-8859-1?q?=E9t=E9?=", "été"),
        (b"=?utf-8*fr?B?w6l0w6k=?=", "été"),
        (b"=?utf-8?B?w6l0w6k?= suite", "été suite"),
        (b"=?unknown-8bit?Q?a=FF?=", "a\ufffd"),
        (b"=?utf-8?B?!!!?=", ""),
        (b"plain =? text", "plain =? text"),
        ("\u00e9t\u00e9".encode(), "\u00e9t\u00e9"),
    ],
)
def test_encoded_words_are_read_as_clients_read_them(coded: bytes, text: str) -> None:
    assert decoded(coded) == text


@given(st.text(max_size=60), st.sampled_from(["utf-8", "iso-8859-1", "koi8-r"]))
def test_whatever_a_library_encodes_is_read_back(text: str, charset: str) -> None:
    text = "".join(letter for letter in text.encode(charset, "ignore").decode(charset) if letter.isprintable())
    coded = f"=?{charset}?b?{base64.b64encode(text.encode(charset)).decode()}?=".encode()
    assert decoded(coded) == text


@given(st.binary(max_size=300))
def test_no_octets_break_it(value: bytes) -> None:
    value = value.replace(b"\r", b"").replace(b"\n", b"")
    assert fault(value, value) in (None, *SubjectFault)
    assert isinstance(labelled(value, "[Publicité]"), bytes)


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "subject",
    [
        b"=?" * 16000,
        b"=?a?q?" * 5000,
        b"[" * 32000,
        b"[a] " * 8000,
        b"Re" * 16000,
        b"=?a?q?a?= " * 3200,
        b"? " * 16000,
        b"=?utf-8?b?" * 3000,
    ],
)
def test_a_hostile_subject_costs_little(subject: bytes) -> None:
    within(0.2, lambda: fault(subject[:32768], b""))


def shown(value: bytes) -> str:
    """A value as a library reads it once it was written as a field."""
    line = written("Subject", value)
    assert not isinstance(line, Unwritable)
    return str(make_header(decode_header(line.decode("ascii").removeprefix("Subject: ").replace("\r\n", "").strip())))


@pytest.mark.parametrize("label", ["[Publicité]", "ADV:", "[Werbung]"])
@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (b"Soldes", "Soldes"),
        (b"=?utf-8?q?=C3=A9t=C3=A9?=", "été"),
        (b"=?utf-8?q?=C3=A9t=C3=A9?= =?utf-8?q?_suite?=", "été suite"),
        ("été".encode(), "été"),
        (b"", "Maison"),
    ],
)
def test_a_label_stands_before_the_subject_once(label: str, subject: bytes, text: str) -> None:
    """R-FR-74."""
    marked = labelled(subject, label, "Maison")
    assert shown(marked) == f"{label} {text}"
    assert labelled(marked, label, "Maison") == marked


def test_the_label_is_seen_in_any_spelling_and_the_octets_after_it_stay() -> None:
    assert labelled(b"[PUBLICITE] x", "[Publicité]") != b"[PUBLICITE] x"
    assert labelled("［Publicité］ x".encode(), "[Publicité]") == "［Publicité］ x".encode()
    assert labelled(b"=?utf-8?q?=5BPublicit=C3=A9=5D_x?=", "[publicité]") == b"=?utf-8?q?=5BPublicit=C3=A9=5D_x?="
    assert labelled(b"a  b =?utf-8?q?c?=", "ADV:").endswith(b" a  b =?utf-8?q?c?=")
