"""`gateway partner publish`, `learn` and `lists`."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.commands.conftest import CONFIG, House

PARTNERS = """
role = "receives"
privacy_url = "https://friend.example/privacy"

[partner.other]
legal_name = "Other <b>SA</b>"
privacy_url = "https://other.example/privacy"
role = "both"

[partner.poor]
legal_name = "Poor SARL"
role = "receives"

[partner.giver]
legal_name = "Giver SA"
privacy_url = "https://giver.example/privacy"
"""
WHY = ("--reason", "contract signed")


@pytest.fixture
def house(house: House) -> House:
    house.write("gateway.toml", CONFIG + PARTNERS)
    return house


def published(house: House, *names: str, **more: str) -> None:
    words = [word for name in names for word in ("--partner", name)] or ["--nobody"]
    house.gateway("partner", "publish", *words, *WHY, *(word for key, value in more.items() for word in (f"--{key}", value)))


def test_a_list_is_published_under_todays_date_with_names_in_law_and_its_change_is_evidence(house: House) -> None:
    """R-FR-24."""
    today = datetime.now(UTC).date().isoformat()
    told = house.gateway("partner", "publish", "--partner", "friend", *WHY)
    assert "/p/acme" in told.stderr
    published(house, "friend", "other")
    second, first = house.json("partner", "lists")
    assert (first["version"], first["partners"], first["added"]) == (today, ["Friend SARL"], ["Friend SARL"])
    assert (second["version"], second["added"], second["removed"]) == (f"{today}.2", ["Other <b>SA</b>"], [])
    journal = house.gateway("journal", "show").stdout
    assert f"version={today}.2; added=other; reason=contract signed" in journal


def test_a_version_that_was_shown_is_never_changed(house: House) -> None:
    """R-FR-24."""
    published(house, "friend", version="v1")
    before = house.json("partner", "lists")
    told = house.gateway("partner", "publish", "--partner", "other", "--version", "v1", *WHY, code=1)
    assert "never changed" in told.stderr
    assert house.json("partner", "lists") == before


def test_a_partner_that_lacks_what_a_list_must_show_is_named_with_what_it_lacks(house: House) -> None:
    """R-FR-25."""
    told = house.gateway("partner", "publish", "--partner", "friend", "--partner", "poor", *WHY, code=1)
    assert "poor lacks privacy_url" in told.stderr
    assert "No partner list" in house.gateway("partner", "lists", code=1).stderr


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--partner", "nobody", *WHY), 1, "There is no partner 'nobody'"),
        (("--partner", "giver", *WHY), 1, "receives nothing"),
        (("--partner", "friend", "--reason", " "), 1, "needs a reason"),
        (("--partner", "friend", "--reason", "asked by eve@example.com"), 1, "names no address"),
        (("--partner", "friend", "--version", "../x", *WHY), 1, "web addresses"),
        (("--partner", "friend", "--nobody", *WHY), 2, "--nobody"),
        (WHY, 2, "--nobody"),
        (("--partner", "friend", "--advertiser", "acne", *WHY), 2, "There is no advertiser acne"),
    ],
)
def test_a_list_that_would_say_something_wrong_is_refused(house: House, words: tuple[str, ...], code: int, why: str) -> None:
    """R-FR-24."""
    assert why in house.gateway("partner", "publish", *words, code=code).stderr


def test_saying_the_same_again_is_no_new_version_and_a_list_of_nobody_is_one(house: House) -> None:
    """R-FR-24."""
    published(house, "friend")
    assert "says the same already" in house.gateway("partner", "publish", "--partner", "friend", *WHY, code=1).stderr
    published(house)
    newest, _ = house.json("partner", "lists", "--advertiser", "acme")
    assert (newest["partners"], newest["removed"]) == ([], ["Friend SARL"])


def test_another_collectors_list_is_learned_once_and_says_whether_it_names_us(house: House) -> None:
    """R-FR-20."""
    names = house.write("names.txt", "# shown in March\nSomebody SA\n\nAcme SAS\n")
    learn = ("partner", "learn", "--collector", "giver", "--version")
    assert "names: acme" in house.gateway(*learn, "march", "--names", str(names), "--since", "2026-03-01").stderr
    assert "none of your advertisers" in house.gateway(*learn, "april", "--name", "Somebody SA").stderr
    assert "known already" in house.gateway(*learn, "march", "--name", "Acme SAS", code=1).stderr
    april, march = house.json("partner", "lists", "--advertiser", "giver")
    assert (april["removed"], march["at"]) == (["Acme SAS"], "2026-03-01T00:00:00+00:00")
    journal = house.gateway("journal", "show").stdout
    assert "collector=giver; version=march; names=2" in journal
    assert "Somebody" not in journal


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--collector", "friend", "--version", "1", "--name", "A"), 1, "provides addresses"),
        (("--collector", "unknown", "--version", "1", "--name", "A"), 1, "provides addresses"),
        (("--collector", "giver", "--version", " 1", "--name", "A"), 1, "as the collector's records"),
        (("--collector", "giver", "--version", "1", "--name", "A" * 201), 1, "longer than 200"),
        (("--collector", "giver", "--version", "1", "--name", "\u200b"), 1, "one organisation at least"),
        (("--collector", "giver", "--version", "1"), 2, "--name"),
        (("--collector", "giver", "--version", "1", "--name", "A", "--since", "soon"), 2, "--since"),
        (("--collector", "giver", "--version", "1", "--name", "A", "--since", "2999-01-01"), 2, "--since"),
    ],
)
def test_a_learned_list_that_could_not_be_matched_is_refused(house: House, words: tuple[str, ...], code: int, why: str) -> None:
    """R-FR-20."""
    assert why in house.gateway("partner", "learn", *words, code=code).stderr


def test_a_file_of_names_that_is_not_utf8_or_too_long_is_misuse(house: House) -> None:
    learn = ("partner", "learn", "--collector", "giver", "--version", "1", "--names")
    assert "not UTF-8" in house.gateway(*learn, str(house.write("n", b"\xff\xfe")), code=2).stderr
    assert "longer than" in house.gateway(*learn, str(house.write("n", b"x" * ((1 << 20) + 1))), code=2).stderr
