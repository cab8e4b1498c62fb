"""Service mail says nothing promotional and goes to few; templates are counted by the hour within bounds (R-FR-16)."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.guard import Guard, Hour, as_marketing, guard, promotes, template
from gateway.core.mime import Message, parse
from gateway.core.model import Category
from tests.support.company import FR, SERVICE, newsletter
from tests.support.corpora import corpus
from tests.support.timing import within

BOUNDS = FR.conduct.guard
assert BOUNDS is not None


def message(subject: str = "Votre commande", text: str = "Bonjour,\nvotre colis part.\n", **headers: str) -> Message:
    coded = "=?utf-8?B?" + base64.b64encode(subject.encode()).decode() + "?=" if not subject.isascii() else subject
    parsed = parse(newsletter(text, Subject=coded, **headers))
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(
    "subject",
    [
        "Soldes d'été",
        "SOLDES D’HIVER".replace("’", "'"),
        "Offre  spéciale",
        "offre speciale",
        "Ｏｆｆｒｅ ｓｐéciale",
        "Vente flash : 2 h",
    ],
)
def test_a_promotional_subject_gives_it_away(subject: str) -> None:
    """R-FR-16."""
    assert promotes(message(subject), BOUNDS)


@pytest.mark.parametrize("subject", ["Votre commande 123", "Mot de passe", "Coupon appliqué", "Suroffre spéciales", "Facture", ""])
def test_an_ordinary_subject_does_not(subject: str) -> None:
    assert not promotes(message(subject), BOUNDS)


def test_an_order_with_a_coupon_is_none_and_a_promotional_text_is() -> None:
    assert not promotes(message(text="Votre code promo a été appliqué : -20 %, livraison offerte."), BOUNDS)
    assert promotes(message(text="Votre commande part. Ne manquez pas nos ventes privées !"), BOUNDS)


def test_only_what_is_read_first_and_displayed_counts() -> None:
    late = "x" * 17_000 + "\n"
    assert not promotes(message(text=late + "Offre spéciale !"), BOUNDS)
    top = b"From: a@maison.example\r\nSubject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><head>"
    style = b"<style>.flash-sale{content:'shop now'}</style></head><body>"
    raw = top + style + b"<!-- shop now --><a title='shop now'>Bonjour</a></body></html>\r\n"
    hidden, shown = parse(raw), parse(raw.replace(b">Bonjour<", b">Shop now<"))
    assert isinstance(hidden, Message)
    assert isinstance(shown, Message)
    assert (promotes(hidden, BOUNDS), promotes(shown, BOUNDS)) == (False, True)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_a_long_encoded_text_is_read_from_its_beginning(encoding: str) -> None:
    body = ("Vente flash !\r\n" + "été\r\n" * 20_000).encode()
    coded = base64.encodebytes(body).replace(b"\n", b"\r\n") if encoding == "base64" else body.replace("é".encode(), b"=C3=A9")
    top = "From: a@maison.example\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n"
    parsed = parse(f"{top}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + coded)
    assert isinstance(parsed, Message)
    assert promotes(parsed, BOUNDS)


def test_a_pack_without_words_looks_at_none() -> None:
    assert not promotes(message("Vente flash"), guard(500, (), "reclassify"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Commande 123 expédiée", "Commande 98765 expédiée", True),
        ("Votre rendez-vous du 12/03", "Votre rendez-vous du 1/4", True),
        ("Réponse à « Devis toiture »", "Réponse à « Autre chose »", True),
        ('Document "contrat.pdf"', 'Document "facture.pdf"', True),
        ("COMMANDE A12", "commande b34", True),
        ("Commande expédiée", "Commande annulée", False),
    ],
)
def test_a_template_is_a_subject_without_what_differs_from_mail_to_mail(one: str, other: str, same: bool) -> None:
    assert (template("crm", "service", message(one)) == template("crm", "service", message(other))) == same


def test_a_named_template_counts_by_its_name_and_each_tool_and_stream_for_itself() -> None:
    named = message("Bonjour Anne", X_Template_Id="welcome")
    assert template("crm", "service", named) == template("crm", "service", message("Bonjour Paul", X_Template_Id="welcome"))
    assert template("crm", "service", named) != template("shop", "service", named)
    assert template("crm", "service", named) != template("crm", "other", named)
    assert template("crm", "service", message("welcome")) != template("crm", "service", message("x", X_Template_Id="welcome"))


def test_an_hour_slides_to_the_minute() -> None:
    hour = Hour()
    assert hour.add(b"a", 499, 0) == 499
    assert hour.add(b"a", 1, 3599) == 500
    assert hour.add(b"a", 1, 3599) == 501
    assert hour.add(b"b", 1, 3599) == 1
    assert hour.add(b"a", 1, 3661) == 3
    assert hour.add(b"a", 1, 100_000) == 1


@given(st.lists(st.tuples(st.integers(1, 100), st.floats(0, 4000)), max_size=50))
def test_no_recipient_of_the_last_hour_is_forgotten_and_none_of_two_hours_ago_counted(steps: list[tuple[int, float]]) -> None:
    hour, now, seen = Hour(), 0.0, []
    for count, wait in steps:
        now += wait
        seen.append((now, count))
        counted = hour.add(b"a", count, now)
        assert sum(n for at, n in seen if at > now - 3600) <= counted <= sum(n for at, n in seen if at > now - 3720)


def test_memory_is_bounded_whatever_a_tool_sends() -> None:
    hour = Hour(most=100)
    for number in range(5000):
        hour.add(number.to_bytes(4, "big"), 1, number)
    assert len(hour._counts) == 100
    assert max(len(kept) for kept in hour._counts.values()) <= 62


def test_treated_as_marketing_a_stream_keeps_its_name_number_and_advertiser() -> None:
    double = as_marketing(SERVICE)
    assert (double.name, double.number, double.advertiser) == (SERVICE.name, SERVICE.number, SERVICE.advertiser)
    assert double.category is Category.MARKETING
    assert isinstance(BOUNDS, Guard)


def test_of_the_templates_of_real_tools_those_that_promote_are_told() -> None:
    """R-FR-16: the figures of docs/content.md."""
    folder = corpus("html-templates")
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    top = b"From: a@maison.example\r\nSubject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    found = []
    for row in rows:
        if row["kind"] == "html":
            page = re.sub(rb"\r\n|\r|\n", b"\r\n", (folder / row["file"]).read_bytes()).replace(b"\0", b"")
            parsed = parse(top + page)
            assert isinstance(parsed, Message)
            found += [row["file"]] if promotes(parsed, BOUNDS) else []
    alerts = ["mailgun-transactional/alert.html", "mailgun-transactional/inlined/alert.html"]
    assert found == [*alerts, "sendwithus/goldstar/reignite.html", "sendwithus/oxygen/reignite.html"]


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("piece", ['"', "«", "a", "a@", "1 ", "“", "offre ", "offre speciall "])
def test_a_hostile_subject_or_text_costs_little(piece: str) -> None:
    raw = f"From: a@maison.example\r\nSubject: {(piece * 30_000)[:10_000]}\r\n\r\n{piece * 3_000}\r\n"
    parsed = parse(raw.encode(), smtputf8=True)
    assert isinstance(parsed, Message)
    within(0.2, lambda: (template("crm", "service", parsed), promotes(parsed, BOUNDS)))
