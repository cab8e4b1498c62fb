"""What `policy diff` finds between two packs, and that it finds nothing where there is nothing."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.pack_diff import Difference, Kind, differences, shown
from gateway.core.policy import Policy, parse
from gateway.core.record import Entity
from gateway.edges.files import policy_names, read_policy, shipped

TABLE = tomllib.loads((shipped("policies") / "uk.toml").read_text(encoding="utf-8"))


def pack(**rules: dict[str, object]) -> Policy:
    """The pack `uk` with some keys of some rules changed."""
    table: dict[str, Any] = copy.deepcopy(TABLE)
    for rule, keys in rules.items():
        table["rule"][rule.replace("_", "-")] |= keys
    policy = parse(table, "0" * 64)
    assert isinstance(policy, Policy), policy
    return policy


UK = pack()


def found(new: Policy, kind: Kind) -> list[Difference]:
    return [one for one in differences(UK, new) if one.kind is kind]


@pytest.mark.parametrize("name", policy_names())
def test_a_pack_does_not_differ_from_itself(name: str) -> None:
    policy = read_policy(name)
    assert isinstance(policy, Policy)
    assert differences(policy, policy) == []
    assert differences(policy, replace(policy, name="another", digest="f" * 64, label="another@x#ffffffff")) == []


def test_a_rule_switched_off_is_told_with_the_verdicts_it_changes() -> None:
    new = pack(R_FR_06={"enabled": False})
    assert found(new, Kind.SWITCHED) == [Difference(Kind.SWITCHED, "R-FR-06", "enabled", "yes", "no")]
    verdicts = {one.what: (one.old, one.new) for one in found(new, Kind.VERDICT)}
    customer = "A customer gets a message about similar products without having agreed."
    assert verdicts[customer] == ("allow: existing-customer", "refuse: NO-CONSENT")
    assert "A person who agreed and then refused gets nothing more." not in verdicts


def test_a_changed_parameter_is_told_with_both_values() -> None:
    new = pack(R_FR_80={"after": "P1Y"}, R_FR_11={"individuals": []})
    assert found(new, Kind.PARAMETER) == [
        Difference(Kind.PARAMETER, "R-FR-11", "individuals", "sole-trader, partnership, (empty)", "none"),
        Difference(Kind.PARAMETER, "R-FR-80", "after", "P3Y", "P1Y"),
    ]
    assert ("allow: consent", "refuse: INACTIVE-3Y") in {(one.old, one.new) for one in found(new, Kind.VERDICT)}


def test_of_a_long_list_only_what_changed_is_told() -> None:
    hosts = [f"t{number}.example" for number in range(100)]
    old, new = (pack(R_FR_75={"hosts": listed}) for listed in (hosts, [*hosts[1:], "new.example", "newer.example"]))
    (one,) = differences(old, new)
    assert (one.old, one.new) == ("100 in all, only here: t0.example", "101 in all, only here: new.example, newer.example")


def test_changed_words_are_told() -> None:
    (one,) = differences(UK, pack(R_FR_19={"says": "Something else."}))
    assert (one.kind, one.rule, one.what, one.new) == (Kind.WORDS, "R-FR-19", "says", "Something else.")


def test_what_stands_at_the_head_of_a_pack_is_compared() -> None:
    new = replace(UK, version="2027-01", countries=frozenset({"GB", "GI"}))
    assert [(one.what, one.old, one.new) for one in differences(UK, new)] == [
        ("version", "2026-11-2", "2027-01"),
        ("countries", "GB", "GB, GI"),
    ]


def test_examples_are_the_old_packs() -> None:
    assert differences(UK, replace(UK, cases=())) == []
    assert [one.kind for one in differences(replace(UK, cases=()), pack(R_FR_06={"enabled": False}))] == [Kind.SWITCHED]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "yes"),
        (False, "no"),
        ("", "none"),
        ((), "none"),
        ((Entity.UNSAID, Entity.PARTNERSHIP), "(empty), partnership"),
        (("b", "a"), "b, a"),
        (frozenset({"b", "a"}), "a, b"),
        (0.003, "0.003"),
    ],
)
def test_values_are_shown_as_people_read_them(value: object, words: str) -> None:
    assert shown(value) == words
