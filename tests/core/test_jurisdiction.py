"""By which pack a recipient is judged: their country's, else the stream's, else the strictest."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.jurisdiction import choose, own_pack, strictest
from gateway.core.record import NOTHING_KNOWN, Consent, Covers, Facts
from tests.support.deciding import CA, DE, EU, FR, GIVEN, NEWS, NOW, UK, US, pack_with, with_traits

ALL = {pack.name: pack for pack in (FR, EU, DE, UK, US, CA)}
NOWHERE = replace(NEWS, policy="")


def living(country: str, days: int = 0, **changed: object) -> Consent:
    consent = replace(GIVEN, recorded_at=NOW - timedelta(days=days), **changed)  # type: ignore[arg-type]
    return with_traits(consent, country=country)


@pytest.mark.parametrize(
    ("country", "pack"),
    [
        ("FR", "fr"),
        ("GP", "fr"),
        ("DE", "de"),
        ("IT", "eu"),
        ("GB", "uk"),
        ("US", "us"),
        ("PR", "us"),
        ("CA", "ca"),
        ("BR", "fr"),
        ("", "fr"),
    ],
)
def test_the_recipients_country_decides_then_the_stream(country: str, pack: str) -> None:
    """R-PACK-01: of several packs for a country, that for the fewest."""
    assert choose(ALL, NEWS, Facts((living(country),))).name == pack


def test_the_newest_record_that_names_a_country_tells_where_a_person_is() -> None:
    """R-PACK-01: whatever it covers; of equally new ones the last."""
    records = (living("DE", 10), living("US", 5, covers=Covers.TRACKING), living("", 0))
    assert choose(ALL, NEWS, Facts(records)).name == "us"
    assert choose(ALL, NEWS, Facts(records[::-1])).name == "us"
    assert choose(ALL, NEWS, Facts((living("DE"), living("US")))).name == "us"
    assert choose(ALL, NEWS, Facts((living("DE"), replace(living("US"), recorded_at=None)))).name == "de"


def test_another_advertisers_records_do_not_tell() -> None:
    assert choose(ALL, NEWS, Facts((living("US", advertiser="other"),))).name == "fr"


def test_a_country_whose_pack_is_not_enabled_is_judged_by_the_streams() -> None:
    """R-PACK-01."""
    assert choose({"fr": FR, "us": US}, NEWS, Facts((living("CA"),))) is FR
    assert choose({"fr": FR, "us": US}, replace(NEWS, policy="us"), Facts((living("CA"),))) is US


def test_an_unknown_country_and_no_pack_named_means_the_strictest() -> None:
    """R-PACK-01: us and fr gives fr."""
    assert choose({"us": US, "fr": FR}, NOWHERE, NOTHING_KNOWN) is FR
    assert choose({"us": US, "fr": FR}, NOWHERE, Facts((living("BR"),))) is FR
    assert own_pack({"us": US}, NOWHERE) is US


def test_strictness_orders_the_packs_whatever_order_they_are_given_in() -> None:
    """R-PACK-01: Germany before all, the United States after all."""
    for order in itertools.permutations(ALL.values()):
        assert strictest({pack.name: pack for pack in order}) is DE
    for other in (FR, EU, DE, UK, CA):
        assert strictest({"us": US, other.name: other}) is other


@pytest.mark.parametrize(
    ("rule", "laxer"),
    [
        ("R-FR-03", {"consumer": "opt-out"}),
        ("R-FR-42", {"double_optin": "optional"}),
        ("R-FR-12", {"enabled": True}),
        ("R-PACK-04", {"enabled": True}),
        ("R-FR-24", {"new_partner_requires": "notice"}),
        ("R-FR-17", {"age": 13}),
        ("R-FR-75", {"then": "allow"}),
    ],
)
def test_a_pack_that_gives_way_in_one_rule_is_less_strict(rule: str, laxer: dict[str, object]) -> None:
    """R-PACK-01: computed from the parameters, not from the name."""
    lax = pack_with(DE, **{rule: laxer})
    assert strictest({"a": lax, "b": DE}) is DE
    assert strictest({"a": DE, "b": lax}) is DE


def test_asking_professionals_for_consent_is_stricter() -> None:
    """R-PACK-01, R-FR-11."""
    strict = pack_with(**{"R-FR-11": {"b2b_mode": "strict"}})
    assert strictest({"a": FR, "b": strict}) is strict


def test_equally_strict_packs_are_chosen_by_name() -> None:
    twin = replace(FR, name="aa")
    assert strictest({"fr": FR, "aa": twin}) is twin
