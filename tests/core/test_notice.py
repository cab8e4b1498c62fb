"""The words say what the law asks, in both forms and languages, and no data ever becomes markup or template."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from gateway.core.notice import NO_PARTNERS, NoticeFault, Notices, Shown, Words, missing_fields
from gateway.core.record import NamedPartner
from gateway.core.verdict import Due
from tests.support.letters import ADVERTISER, NOTICES, OPT_OUT, PARTNER, SHOWN, STREAM, TEMPLATES, words


def shown(html: str) -> str:
    body = LexborHTMLParser(html).body
    assert body is not None
    return re.sub(r"\s+", " ", body.text().replace("\xa0", " "))


def hrefs(html: str) -> list[str]:
    return [node.attributes["href"] or "" for node in LexborHTMLParser(html).css("a")]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("due", list(Due))
def test_every_marketing_mail_says_who_writes_and_how_to_stop(due: Due, language: str) -> None:
    made = words(due, language)
    for text in (re.sub(r"\s+", " ", made.text), shown(made.html)):
        for fact in ("Éditions Acme SAS", "12 rue de l’Exemple, 75001 Paris", "contact@acme.example"):
            assert fact in text
    assert OPT_OUT in made.text
    assert OPT_OUT in hrefs(made.html)
    assert "https://acme.example/vie-privee" in made.text
    assert "https://acme.example/vie-privee" in hrefs(made.html)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_first_contact_notice_says_all_that_article_14_asks(language: str) -> None:
    made = words(Due.FULL_NOTICE, language)
    facts = [
        *("Jeux & Loisirs SARL", "vous informer de nos nouveautés", "dpo@acme.example", "CNIL"),
        *(("rectifier", "effacer", "accéder", "opposer") if language == "fr" else ("access", "corrected", "erased", "object")),
    ]
    for text in (re.sub(r"\s+", " ", made.text), shown(made.html)):
        for fact in facts:
            assert fact in text, fact
    for link in ("https://www.cnil.fr/plaintes", "https://jeux.example/donnees", "https://acme.example/vie-privee"):
        assert link in made.text
        assert link in hrefs(made.html)


def test_the_source_line_names_the_source_in_one_sentence() -> None:
    assert "Votre adresse nous a été communiquée par Jeux & Loisirs SARL." in words(Due.SOURCE_LINE).text
    assert "We were given your address by Jeux & Loisirs SARL." in words(Due.SOURCE_LINE, "en").text
    assert "Jeux" not in words(Due.NONE).text + words(Due.NONE).html


@pytest.mark.parametrize(
    ("language", "word"), [("fr-CA", "Se désinscrire"), ("EN-gb", "Unsubscribe"), ("de", "Se désinscrire"), ("", "Se désinscrire")]
)
def test_an_unknown_language_is_french(language: str, word: str) -> None:
    assert word in words(Due.NONE, language).html


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_we_add_is_hidden_small_or_faint(language: str) -> None:
    html = words(Due.FULL_NOTICE, language, SHOWN).html  # R-MBX-20
    assert not re.search(r"display\s*:\s*none|visibility|opacity|text-indent|font-size:\s*0|mso-hide|<script|<style|class=", html)
    assert min(map(int, re.findall(r"font-size:(\d+)px", html))) >= 10
    grounds = set(re.findall(r"background-color:(#[0-9a-f]{6})", html))
    inks = set(re.findall(r"(?<![-\w])color:(#[0-9a-f]{6})", html))
    assert min(contrast(ink, ground) for ink in inks for ground in grounds) >= 4.5


@pytest.mark.parametrize("field", ["legal_name", "postal_address", "contact", "privacy_url"])
def test_a_notice_that_lacks_a_fact_is_named_incomplete(field: str) -> None:
    poor = replace(ADVERTISER, **{field: ""})
    assert missing_fields(poor, "jeux", PARTNER) == (field,)
    made = NOTICES.compose(replace(STREAM, advertiser=poor), Due.FULL_NOTICE, "jeux", PARTNER, OPT_OUT, "", "CNIL", "fr")
    assert isinstance(made, NoticeFault)
    assert made.missing == (field,)


def test_the_source_must_be_known_and_a_dpo_need_not_exist() -> None:
    assert missing_fields(ADVERTISER, "", None) == ("source",)
    assert missing_fields(ADVERTISER, "unknown", None) == ("source",)
    assert missing_fields(ADVERTISER, "salon", None) == ()
    stream = replace(STREAM, advertiser=replace(ADVERTISER, dpo=""))
    made = NOTICES.compose(stream, Due.FULL_NOTICE, "salon", None, OPT_OUT, "", "CNIL", "fr")
    assert isinstance(made, Words)
    assert "Délégué" not in made.text + made.html


HOSTILE = [
    *("<script>alert(1)</script>", '"><img src=x onerror=y>', "</table></body>", "<!--", "&lt;", "javascript:alert(1)"),
    *("{{7*7}}", "{{''.__class__}}", "{% raw %}", "a\r\nBcc: b@example.com", "a\n\n-- \nforged", "--=_b_="),
    *("x\u2028y", "\u202egnp.exe", "a\u200bb", "x\ue000y"),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_source_is_only_text(name: str) -> None:
    made = NOTICES.compose(STREAM, Due.FULL_NOTICE, name, None, OPT_OUT, "", "CNIL", "fr")
    assert isinstance(made, Words)
    plain = words(Due.FULL_NOTICE)
    tags = [node.tag for node in LexborHTMLParser(made.html).css("*")]
    assert set(tags) == {node.tag for node in LexborHTMLParser(plain.html).css("*")}
    assert "49" not in made.text
    for form in (made.text, made.html):
        assert not re.search("[\r\v\f\x85\u2028\u2029\u202e\u200b\ue000]", form)
    assert len(made.text.splitlines()) <= len(plain.text.splitlines()) + 1
    assert "\nBcc" not in made.text
    assert "\n-- \n" not in made.text


@given(st.text(max_size=80))
def test_no_source_breaks_the_notice(name: str) -> None:
    made = NOTICES.compose(STREAM, Due.SOURCE_LINE, name, None, OPT_OUT, "", "CNIL", "fr")
    assert isinstance(made, Words)
    assert all(len(line) < 998 for line in made.html.splitlines() + made.text.splitlines())
    assert made.text.count(OPT_OUT) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x.example/<b>", 'https://x.example/"', "https://x.example/a b", "", "//x.example"]
)
def test_an_address_that_is_no_web_address_is_never_linked(url: str) -> None:
    assert isinstance(NOTICES.compose(STREAM, Due.NONE, "", None, url, "", "CNIL", "fr"), NoticeFault)
    if url:
        bad = replace(STREAM, advertiser=replace(ADVERTISER, privacy_url=url))
        assert NOTICES.compose(bad, Due.NONE, "", None, OPT_OUT, "", "CNIL", "fr") == NoticeFault(
            "not a web address", ("privacy_url",)
        )


@pytest.mark.parametrize(
    "broken",
    [
        {"footer.fr.txt.j2": "{{ nobody }}"},
        {"footer.fr.html.j2": "{% if %}"},
        {"frame.html.j2": "no address"},
        {"footer.fr.txt.j2": "{{ legal_name.__class__.__mro__ }}"},
    ],
)
def test_a_broken_template_is_a_fault_and_never_half_a_notice(broken: dict[str, str]) -> None:
    made = Notices(TEMPLATES | broken).compose(STREAM, Due.NONE, "", None, OPT_OUT, "", "CNIL", "fr")
    assert isinstance(made, NoticeFault)


def test_check_names_templates_that_lack_or_do_not_compile() -> None:
    assert NOTICES.faults() == ()
    assert Notices({}).faults()[0] == "frame.txt.j2 is missing"
    assert any("footer.fr.txt.j2" in fault for fault in Notices(TEMPLATES | {"footer.fr.txt.j2": "{% if %}"}).faults())


def test_the_template_hash_changes_with_the_words_of_its_language_only() -> None:
    other = Notices(TEMPLATES | {"footer.fr.txt.j2": TEMPLATES["footer.fr.txt.j2"] + "\nP.-S."})
    french, english = (other.compose(STREAM, Due.NONE, "", None, OPT_OUT, "", "CNIL", language) for language in ("fr", "en"))
    assert isinstance(french, Words)
    assert isinstance(english, Words)
    assert french.template != words(Due.NONE).template
    assert english.template == words(Due.NONE, "en").template
    assert re.fullmatch("[0-9a-f]{16}", english.template)


def test_each_person_gets_their_own_address_from_one_rendering() -> None:
    one, other = (
        NOTICES.compose(STREAM, Due.NONE, "", None, f"https://o.example/u/{who}?a=1&b=2", "", "CNIL", "fr") for who in ("x", "y")
    )
    assert isinstance(one, Words)
    assert isinstance(other, Words)
    assert "u/x?a=1&b=2" in one.text
    assert "u/x?a=1&amp;b=2" in one.html
    assert one.html.replace("/u/x", "/u/y") == other.html


@pytest.mark.parametrize("due", list(Due))
def test_the_lines_are_the_html_and_only_those_with_the_address_differ(due: Due) -> None:
    made = [
        NOTICES.compose(STREAM, due, "jeux", PARTNER, OPT_OUT + end, "https://www.cnil.fr/plaintes", "CNIL", "fr") for end in "ab"
    ]
    for one in made:
        assert isinstance(one, Words)
        assert "".join(one.lines) == one.html
        assert all(piece.endswith("\n") for piece in one.lines[1:])
        assert all((OPT_OUT in piece) == number % 2 for number, piece in enumerate(one.lines))
    assert isinstance(made[0], Words)
    assert isinstance(made[1], Words)
    assert all(a is b for a, b in zip(made[0].lines[::2], made[1].lines[::2], strict=True))


# Partners (R-FR-24, R-FR-25)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("due", list(Due))
def test_a_collectors_mail_links_its_current_list_of_partners_in_both_forms(due: Due, language: str) -> None:
    """R-FR-25."""
    made = words(due, language, Shown(SHOWN.url))
    assert made.text.count(SHOWN.url) == 1
    assert hrefs(made.html).count(SHOWN.url) == 1
    assert SHOWN.url not in words(due, language).text + words(due, language).html


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("number", [1, 2])
def test_new_partners_are_named_with_their_privacy_policies_and_how_to_refuse(language: str, number: int) -> None:
    """R-FR-24."""
    made = words(Due.NONE, language, Shown(SHOWN.url, SHOWN.news[:number]))
    refuse = {"fr": "Pour refuser que votre adresse", "en": "To refuse that your address be passed"}[language]
    for text in (re.sub(r"\s+", " ", made.text), shown(made.html)):
        assert refuse in text
        assert [one.legal_name in text for one in SHOWN.news] == [True, number == 2]
    for one in SHOWN.news[:number]:
        assert one.privacy_url in made.text
        assert one.privacy_url in hrefs(made.html)
    assert hrefs(made.html).count(OPT_OUT) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_partner_name_is_only_text(name: str) -> None:
    """R-FR-34."""
    hostile = words(Due.NONE, shown=Shown(SHOWN.url, (NamedPartner("x", name, "https://x.example/"),)))
    plain = words(Due.NONE, shown=SHOWN)
    assert {node.tag for node in LexborHTMLParser(hostile.html).css("*")} == {
        node.tag for node in LexborHTMLParser(plain.html).css("*")
    }
    assert "49" not in hostile.text
    for form in (hostile.text, hostile.html):
        assert not re.search("[\r\v\f\x85\u2028\u2029\u202e\u200b\ue000]", form)
    assert "\nBcc" not in hostile.text
    assert "\n-- \n" not in hostile.text


@given(st.text(max_size=200))
def test_no_partner_name_breaks_the_words(name: str) -> None:
    """R-FR-34."""
    made = words(Due.NONE, shown=Shown(SHOWN.url, (NamedPartner("x", name, "https://x.example/"),)))
    assert all(len(line) < 998 for line in made.html.splitlines() + made.text.splitlines())


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://x.example/<b>", ""])
def test_a_new_partner_without_a_privacy_policy_is_no_news_but_a_fault(url: str) -> None:
    bad = Shown(SHOWN.url, (NamedPartner("x", "X SA", url),))
    assert isinstance(NOTICES.compose(STREAM, Due.NONE, "", None, OPT_OUT, "", "CNIL", "fr", bad), NoticeFault)


def test_own_templates_that_hide_the_list_or_the_news_are_a_fault() -> None:
    """R-FR-25: what was not shown must not be recorded as shown."""
    for name in ("frame.txt.j2", "frame.html.j2"):
        old = Notices(TEMPLATES | {name: re.sub(r"\{% if partners_url.*?endif %\}", "", TEMPLATES[name], flags=re.DOTALL)})
        assert old.compose(STREAM, Due.NONE, "", None, OPT_OUT, "", "CNIL", "fr", SHOWN) == NoticeFault(
            "template does not show the partners", ("list", "sport", "jardin")
        )
        assert isinstance(old.compose(STREAM, Due.NONE, "", None, OPT_OUT, "", "CNIL", "fr", NO_PARTNERS), Words)


def test_everybody_who_gets_the_same_news_shares_one_rendering() -> None:
    made = [words(shown=Shown(SHOWN.url, tuple(SHOWN.news))) for _ in range(2)]
    assert all(a is b for a, b in zip(made[0].lines[::2], made[1].lines[::2], strict=True))
