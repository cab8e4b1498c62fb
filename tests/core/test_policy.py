"""The shipped pack, and what a pack may not say; the pack's own examples run here as tests."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest

from gateway.core.address import Address
from gateway.core.address import parse as parse_address
from gateway.core.cases import run_cases
from gateway.core.pack import Case
from gateway.core.policy import Policy, PolicyFault, parse
from gateway.core.rulebook import RuleBook
from gateway.edges.files import read_policy, shipped
from tests.support.corpora import corpus

TABLE = tomllib.loads((shipped("policies") / "fr.toml").read_text(encoding="utf-8"))
RULES = [str(field.alias) for field in RuleBook.model_fields.values()]
FLOORS = [
    "R-FR-01",
    "R-FR-02",
    "R-FR-03",
    "R-FR-44",
    "R-FR-45",
    "R-FR-50",
    "R-FR-52",
    "R-FR-58",
    "R-FR-63",
    "R-FR-64",
    "R-FR-65",
    "R-FR-66",
    "R-FR-70",
    "R-FR-71",
    "R-FR-81",
    "R-FR-84",
    "R-FR-90",
    "R-FR-91",
    "R-MBX-14",
    "R-DP-15",
]


def shipped_pack() -> Policy:
    policy = read_policy("fr")
    assert isinstance(policy, Policy), policy
    return policy


FR = shipped_pack()


def variant(**rules: dict[str, object]) -> Policy | PolicyFault:
    table: dict[str, Any] = copy.deepcopy(TABLE)
    for rule, changes in rules.items():
        table["rule"][rule.replace("_", "-")] |= changes
    return parse(table, "0" * 64)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_stands_in_the_pack_with_sentence_and_source(rule: str) -> None:
    found = FR.rule(rule)
    assert found.id == rule
    assert len(found.says) > 30
    assert found.says.endswith(".")
    assert found.source


@pytest.mark.parametrize("result", run_cases(FR), ids=lambda result: result.says)
def test_example_of_the_pack_holds(result: Any) -> None:
    assert result.passed, result.found


@pytest.mark.parametrize("case", FR.cases, ids=lambda case: case.says)
def test_example_names_what_it_expects(case: Case) -> None:
    assert case.expect.reason or case.expect.verdict == "allow"


def test_a_false_expectation_is_found_out() -> None:
    table: dict[str, Any] = copy.deepcopy(TABLE)
    table["case"] = [{"says": "wrong", "expect": {"verdict": "allow", "basis": "consent", "rules": ["R-FR-20"]}}]
    policy = parse(table, "0" * 64)
    assert isinstance(policy, Policy)
    (result,) = run_cases(policy)
    assert not result.passed
    assert len(result.found) == 3


@pytest.mark.parametrize("rule", FLOORS)
def test_no_pack_switches_a_floor_off(rule: str) -> None:
    fault = variant(**{rule: {"enabled": False}})
    assert isinstance(fault, PolicyFault)
    assert fault.where == ("rule", rule, "enabled")
    assert "R-PACK-03" in fault.why


@pytest.mark.parametrize("rule", sorted(set(TABLE["rule"]) - set(FLOORS)))
def test_any_other_rule_may_be_switched_off(rule: str) -> None:
    policy = variant(**{rule: {"enabled": False}})
    assert isinstance(policy, Policy)
    assert policy.off == FR.off | {rule}
    assert policy.cited((rule, "R-FR-01")) == ("R-FR-01",)


def test_a_fault_quotes_no_value() -> None:
    fault = variant(**{"R-FR-11": {"b2b_mode": "secret-value"}})
    assert isinstance(fault, PolicyFault)
    assert "secret-value" not in fault.why


def test_lists_are_folded() -> None:
    policy = variant(**{"R-FR-10": {"domains": ["Example.COM "]}})
    assert isinstance(policy, Policy)
    assert policy.free_mail_domains == {"example.com"}


def test_generic_addresses_of_the_pack_are_addresses() -> None:
    for local in FR.role_local_parts:
        address = parse_address(f"{local}@example.com", smtputf8=True)
        assert isinstance(address, Address), local
        assert address.role == local


def test_free_mail_domains_of_the_pack_are_domains() -> None:
    for domain in FR.free_mail_domains:
        address = parse_address(f"a@{domain}")
        assert isinstance(address, Address), domain
        assert address.domain == domain


def test_how_far_the_lists_reach_is_reported(record_property: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus("address-lists")
    for name, known in (
        ("email-providers-common.txt", FR.free_mail_domains),
        ("free-email-domains.txt", FR.free_mail_domains),
        ("role-localparts.txt", FR.role_local_parts),
    ):
        listed = set((folder / name).read_text(encoding="utf-8").split())
        share = len(listed & known) / len(listed)
        record_property(name, f"{share:.1%}")
        with capsys.disabled():
            print(f"  {name}: {share:.1%} of {len(listed)} known")
        assert listed & known
