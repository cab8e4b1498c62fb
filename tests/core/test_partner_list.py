"""A list of partners: what it must show, how versions differ, what they are called."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Partner
from gateway.core.partner_list import Changed, changed, history, lacking, next_version, sound_version
from gateway.core.record import NamedPartner, PartnerList

DAY = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
A, B, C = (NamedPartner(name, f"{name.upper()} SA", f"https://{name}.example/privacy") for name in "abc")
NAMES = st.lists(st.sampled_from([A, B, C, replace(A, legal_name="A2"), replace(B, privacy_url="https://b.example/2")])).map(
    lambda some: tuple({one.name: one for one in some}.values())
)


def version(name: str, *partners: NamedPartner) -> PartnerList:
    return PartnerList("maison", name, DAY, partners)


def test_a_version_is_called_by_its_day_and_then_numbered() -> None:
    """R-FR-24."""
    assert next_version((), DAY) == "2026-11-21"
    assert next_version({"2026-11-21"}, DAY) == "2026-11-21.2"
    assert next_version({"2026-11-21", "2026-11-21.2", "other"}, DAY) == "2026-11-21.3"
    assert next_version({"2026-11-20"}, DAY) == "2026-11-21"


def test_a_change_names_who_came_who_left_and_who_changed() -> None:
    """R-FR-24."""
    renamed = replace(B, legal_name="B2 SA")
    assert changed(None, (A, B)) == Changed(added=(A, B))
    assert changed(version("1", A, B), (renamed, C)) == Changed(added=(C,), removed=(A,), altered=(renamed,))
    assert changed(version("1", A, B), (B, A)).nothing
    assert Changed((A, C), (B,)).told() == "added=a,c; removed=b"


@given(NAMES, NAMES)
def test_a_change_applied_to_the_version_before_gives_the_version_after(
    before: tuple[NamedPartner, ...], after: tuple[NamedPartner, ...]
) -> None:
    """R-FR-24."""
    change = changed(version("1", *before), after)
    gone = {one.name for one in (*change.removed, *change.altered)}
    assert {*(one for one in before if one.name not in gone), *change.added, *change.altered} == set(after)


def test_the_history_tells_the_newest_first_and_every_change_once() -> None:
    """R-FR-24."""
    first, second = version("1", A), version("2", A, B)
    assert history((first, second)) == ((second, Changed(added=(B,))), (first, Changed(added=(A,))))
    assert history(()) == ()


@pytest.mark.parametrize(
    ("partner", "missing"),
    [
        (Partner("a", "A SA", "https://a.example/", "", False, True), ()),
        (Partner("a", " \u200b", "https://a.example/", "", False, True), ("legal_name",)),
        (Partner("a", "A SA", "", "", False, True), ("privacy_url",)),
        (Partner("a", "A SA", "javascript:alert(1)", "", False, True), ("privacy_url",)),
        (Partner("a", "A SA", "https://a.example/" + "x" * 500, "", False, True), ("privacy_url",)),
        (Partner("a", "", "ftp://a.example", "", False, True), ("legal_name", "privacy_url")),
    ],
)
def test_a_partner_is_listed_only_with_its_name_in_law_and_its_privacy_policy(partner: Partner, missing: tuple[str, ...]) -> None:
    """R-FR-24, R-FR-25."""
    assert lacking(partner) == missing


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("2026-11-21.2", True),
        ("V1", True),
        ("", False),
        ("a/b", False),
        ("..", False),
        ("é", False),
        ("a b", False),
        ("x" * 65, False),
    ],
)
def test_a_versions_name_can_stand_in_a_web_address(name: str, sound: bool) -> None:
    assert sound_version(name) is sound
