"""All shipped packs: what they say, what they set, that no floor gives way, and that their examples hold."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.core.cases import CaseResult, run_cases
from gateway.core.model import Category
from gateway.core.pack_diff import parameters, rule_tables, shown
from gateway.core.policy import Policy, PolicyFault, parse
from gateway.core.record import Basis
from gateway.core.rulebook import Floor, RuleBook
from gateway.core.verdict import Reason
from gateway.edges.files import policy_names, read_policy, shipped

PACKS = ("ca", "de", "eu", "fr", "uk", "us")
FLOORS = [str(field.alias) for field in RuleBook.model_fields.values() if field.annotation and issubclass(field.annotation, Floor)]
UNION = re.compile(r"AT|BE|BG|CY|CZ|DE|DK|EE|ES|FI|FR|GR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|IS|LI|NO")
JARGON = re.compile(
    r"R-(?:FR|PACK|MBX|DP)|\b(?:DOI|HMAC|SHA|TOML|SMTP|API|null|boolean|regex|token|hash(?:ed)?|stream|pack|verdict|spool|upstream"
    r"|journal|parameter|suppress(?:ed|ion)?|jeton|booléen|paramètre)s?\b"
)


def read(name: str) -> Policy:
    policy = read_policy(name)
    assert isinstance(policy, Policy), policy
    return policy


POLICIES = {name: read(name) for name in PACKS}
TABLES = {name: tomllib.loads((shipped("policies") / f"{name}.toml").read_text(encoding="utf-8")) for name in PACKS}
RESULTS = [(name, result) for name in PACKS for result in run_cases(POLICIES[name])]


def changed(name: str, *path: str, **keys: object) -> Policy | PolicyFault:
    """A shipped pack with keys added or replaced in the table at this path; its lists stay names."""
    table: dict[str, Any] = copy.deepcopy(TABLES[name])
    inner: Any = table
    for step in path:
        inner = inner[0] if isinstance(inner, list) else inner[step]
    (inner[0] if isinstance(inner, list) else inner).update(keys)
    return parse(table, "0" * 64)


def reasons(name: str) -> set[Reason]:
    return {case.expect.reason for case in POLICIES[name].cases if case.expect.reason}


def test_the_packs_that_come_with_the_gateway_are_these() -> None:
    assert policy_names() == PACKS


@pytest.mark.parametrize(("name", "result"), RESULTS, ids=[f"{name}: {result.says}" for name, result in RESULTS])
def test_example_of_a_pack_holds(name: str, result: CaseResult) -> None:
    assert result.passed, result.found


@pytest.mark.parametrize("name", PACKS)
def test_examples_say_different_things_and_name_what_they_expect(name: str) -> None:
    cases = POLICIES[name].cases
    assert len({case.says for case in cases}) == len(cases) >= 40
    assert all(case.says.endswith((".", "!", "?")) for case in cases)
    assert all(case.expect.reason or case.expect.verdict == "allow" for case in cases)
    assert {case.expect.verdict for case in cases} == {"allow", "refuse", "wait"}


@pytest.mark.parametrize("name", PACKS)
def test_every_rule_is_one_plain_sentence_with_its_source(name: str) -> None:
    policy = POLICIES[name]
    assert list(policy.rules) == [field.alias for field in RuleBook.model_fields.values()]
    for rule in policy.rules.values():
        assert rule.says.endswith("."), rule.id
        assert len(rule.says) <= 300, rule.id
        assert not re.search(r"[.!?] ", rule.says.replace("par ex. ", "")), rule.id
        assert JARGON.findall(rule.says) == [], rule.id
        assert rule.source.strip(), rule.id


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_is_in_its_language_and_says_whom_to_complain_to(name: str) -> None:
    ours = POLICIES[name]
    assert ours.label.startswith(f"{name}@2026-11")
    assert ours.language == ("fr" if name == "fr" else "en")
    assert ours.authority_url.startswith("https://")


# --- What A2 of the rule book sets ---------------------------------------------------------------------------------------

SET = {
    ("R-FR-03", "consumer"): {"eu": "opt-in", "de": "opt-in", "uk": "opt-in", "us": "opt-out", "ca": "opt-in", "fr": "opt-in"},
    ("R-FR-11", "b2b_mode"): {"eu": "strict", "de": "strict", "uk": "opt-out", "us": "opt-out", "ca": "strict", "fr": "opt-out"},
    ("R-FR-11", "individuals"): {
        "uk": "sole-trader, partnership, (empty)",
        "eu": "none",
        "de": "none",
        "us": "none",
        "ca": "none",
        "fr": "none",
    },
    ("R-FR-17", "age"): {"eu": "16", "de": "16", "uk": "13", "us": "13", "ca": "13", "fr": "15"},
    ("R-FR-24", "new_partner_requires"): {
        "eu": "notice",
        "de": "consent",
        "uk": "notice",
        "us": "notice",
        "ca": "notice",
        "fr": "notice",
    },
    ("R-FR-42", "double_optin"): {
        "eu": "optional",
        "de": "required",
        "uk": "optional",
        "us": "optional",
        "ca": "optional",
        "fr": "optional",
    },
    ("R-FR-75", "then"): {"eu": "strip", "de": "strip", "uk": "strip", "us": "allow", "ca": "allow", "fr": "strip"},
    ("R-FR-79", "click_tracking"): {
        "eu": "consent",
        "de": "consent",
        "uk": "consent",
        "us": "allow",
        "ca": "allow",
        "fr": "consent",
    },
    ("R-PACK-04", "purchase"): dict.fromkeys(PACKS, "P730D"),
    ("R-PACK-04", "inquiry"): dict.fromkeys(PACKS, "P183D"),
    ("R-PACK-04", "published"): {**dict.fromkeys(PACKS, "False"), "ca": "True"},
    ("R-PACK-09", "business_days"): {"eu": "0", "de": "0", "uk": "0", "us": "10", "ca": "10", "fr": "0"},
}
ON_WHERE = {
    "R-FR-06": {"eu", "de", "uk", "fr"},
    "R-FR-08": {"uk", "us", "fr"},
    "R-FR-12": {"uk", "fr"},
    "R-FR-14": {"uk", "fr"},
    "R-FR-18": {"eu", "de", "uk", "ca", "fr"},
    "R-FR-20": {"eu", "de", "uk", "ca", "fr"},
    "R-FR-28": set(PACKS),
    "R-FR-29": {"eu", "de", "uk", "fr"},
    "R-FR-30": {"eu", "de", "uk", "fr"},
    "R-FR-31": {"eu", "de", "uk", "fr"},
    "R-FR-32": {"eu", "de", "uk", "fr"},
    "R-FR-33": {"eu", "de", "uk", "fr"},
    "R-FR-42": {"eu", "de", "uk", "ca", "fr"},
    "R-PACK-04": {"ca"},
    "R-PACK-05": {"us", "ca", "de"},
    "R-PACK-08": set(PACKS),
    "R-PACK-09": set(PACKS),
}


@pytest.mark.parametrize(("rule", "key"), SET, ids=lambda value: str(value))
def test_parameter_is_what_the_rule_book_says(rule: str, key: str) -> None:
    """R-FR-03, R-FR-11, R-FR-17, R-FR-24, R-FR-42, R-FR-75, R-FR-79, R-PACK-04, R-PACK-07, R-PACK-09: table A2."""
    for name, wanted in SET[rule, key].items():
        value = parameters(rule_tables(POLICIES[name])[rule])[key]
        told = shown(value) if isinstance(value, tuple) else str(value)
        assert told == wanted, name


@pytest.mark.parametrize("rule", ON_WHERE)
def test_rule_is_on_where_the_law_has_it(rule: str) -> None:
    assert {name for name in PACKS if rule not in POLICIES[name].off} == ON_WHERE[rule]


def test_relations_that_make_a_customer_follow_the_law() -> None:
    """R-FR-06: a free account counts in the Union at large (CJEU C-654/23), negotiations in the United Kingdom (PECR 22(3))."""
    found = {name: [str(kind) for kind in POLICIES[name].book.existing_customer.relations] for name in PACKS}
    assert found == {
        "ca": [],
        "de": ["purchase", "contract"],
        "eu": ["purchase", "contract", "free-account"],
        "fr": ["purchase", "contract", "free-account"],
        "uk": ["purchase", "contract", "negotiation"],
        "us": [],
    }


def test_a_pack_of_one_country_is_for_fewer_countries_than_that_of_the_union() -> None:
    """R-PACK-01: where both are enabled, the pack for the fewest countries judges."""
    countries = {name: POLICIES[name].countries for name in PACKS}
    assert len([country for country in countries["eu"] if UNION.fullmatch(country)]) == 27 + 3
    assert countries["uk"] == {"GB"}
    assert countries["eu"] & (countries["us"] | countries["ca"] | countries["uk"]) == set()
    for name in ("fr", "de"):
        assert countries[name] & countries["eu"]
        assert len(countries[name]) < len(countries["eu"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, reason) for name in PACKS for reason in (Reason.OPPOSED, Reason.COMPLAINED, Reason.BOUNCED)),
        *((name, Reason.RESTRICTED) for name in PACKS if name != "fr"),
        *((name, Reason.MINOR) for name in PACKS if name != "fr"),
        *((name, Reason.INACTIVE) for name in ("eu", "de", "uk")),
        *((name, Reason.NOTICE_OVERDUE) for name in ("eu", "de", "uk")),
        *((name, Reason.POSTAL_ADDRESS) for name in ("us", "ca", "de")),
        *((name, reason) for name in ("eu", "de", "uk", "ca") for reason in (Reason.PARTNER_NOT_NAMED, Reason.DOI_PENDING)),
        *((name, reason) for name in ("eu", "de", "uk", "ca") for reason in (Reason.SENSITIVE, Reason.PURPOSE)),
        *((name, Reason.TRANSFER_BEFORE_CONSENT) for name in ("eu", "de", "uk", "ca")),
        ("ca", Reason.IMPLIED_EXPIRED),
        ("ca", Reason.B2B_RELEVANCE),
    ],
)
def test_examples_show_each_refusal_the_law_knows(name: str, reason: Reason) -> None:
    assert reason in reasons(name)


# --- R-PACK-04 to R-PACK-07, word for word ---------------------------------------------------------------------------------


def result_of(name: str, says: str) -> CaseResult:
    (found,) = [result for result in run_cases(POLICIES[name]) if says in result.says]
    return found


@pytest.mark.parametrize(
    ("name", "says", "told"),
    [
        ("ca", "A purchase 729 days ago", Basis.IMPLIED),
        ("ca", "A purchase 731 days ago", Reason.IMPLIED_EXPIRED),
        ("ca", "An inquiry 182 days ago", Basis.IMPLIED),
        ("ca", "An inquiry 184 days ago", Reason.IMPLIED_EXPIRED),
        ("us", "Without the sender's postal address", Reason.POSTAL_ADDRESS),
        ("de", "A professional named at a company", Reason.NO_CONSENT),
        ("uk", "The staff of a company", Basis.LEGITIMATE_INTEREST),
        ("uk", "A sole trader counts as a private person", Reason.NO_CONSENT),
    ],
)
def test_examples_of_the_rule_book_stand_in_the_packs(name: str, says: str, told: Basis | Reason) -> None:
    """R-PACK-04, R-PACK-05, R-PACK-06, R-PACK-07."""
    verdict = result_of(name, says).verdict
    assert told in (getattr(verdict, "basis", None), getattr(verdict, "reason", None))


# --- What a pack may not say -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("rule", FLOORS)
def test_a_pack_that_switches_a_floor_off_is_refused(name: str, rule: str) -> None:
    """R-PACK-03: opposition wins, the opt-out works, identity is true, evidence is kept."""
    fault = changed(name, "rule", rule, enabled=False)
    assert isinstance(fault, PolicyFault)
    assert fault.where == ("rule", rule, "enabled")
    assert "R-PACK-03" in fault.why


def test_the_floors_are_these() -> None:
    assert {"R-FR-01", "R-FR-45", "R-FR-50", "R-FR-63", "R-FR-64", "R-FR-70", "R-FR-71", "R-FR-90", "R-FR-91", "R-DP-15"} <= set(
        FLOORS
    )


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("path", [(), ("authority",), ("rule",), ("rule", "R-FR-01"), ("rule", "R-FR-11"), ("case",)], ids=str)
def test_an_unknown_key_is_refused(name: str, path: tuple[str, ...]) -> None:
    """R-PACK-02: a misspelt key would silently change what is judged."""
    fault = changed(name, *path, typo=True)
    assert isinstance(fault, PolicyFault)
    assert fault.where[-1] == "typo"
    assert "not known" in fault.why


@pytest.mark.parametrize("name", PACKS)
def test_a_missing_rule_is_refused(name: str) -> None:
    table: dict[str, Any] = copy.deepcopy(TABLES[name])
    del table["rule"]["R-FR-20"]
    fault = parse(table, "0" * 64)
    assert isinstance(fault, PolicyFault)
    assert fault.where[-1] == "R-FR-20"


@pytest.mark.parametrize("name", PACKS)
def test_the_label_changes_when_a_list_changes(name: str, tmp_path: Path) -> None:
    """R-PACK-02: name, version and hash stand in every decision, and the hash covers the lists."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "free-mail.txt").write_text("freemail.example\nanother.example\n", encoding="utf-8")
    other = read_policy(name, tmp_path)
    assert isinstance(other, Policy)
    assert other.label != POLICIES[name].label
    assert other.label.rpartition("#")[0] == POLICIES[name].label.rpartition("#")[0]


@pytest.mark.parametrize("name", PACKS)
def test_examples_write_to_reserved_domains_only(name: str) -> None:
    for case in POLICIES[name].cases:
        assert case.to.endswith((".example", "@example.com")), case.says
        assert case.category in Category
