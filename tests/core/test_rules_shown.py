"""Every rule the decision can cite is shown by examples of the packs: where it lets a message go, and where it stops one."""

from __future__ import annotations

import ast
import inspect
import re
from types import ModuleType

import pytest

from gateway.core import basis, blocked, decide, lapse, news, origin
from gateway.core.cases import run_cases
from gateway.core.rulebook import RuleBook
from gateway.core.verdict import Allow
from tests.support.deciding import CA, DE, EU, FR, UK, US

PACKS = (FR, EU, DE, UK, US, CA)
ROOMS: tuple[ModuleType, ...] = (basis, blocked, decide, lapse, news, origin)
_RULE = re.compile(r"R-(?:FR|PACK|MBX|DP)-\d+")

ONLY_ALLOWS = {
    "R-FR-02": "marks service mail",
    "R-FR-12": "permits; what it does not cover R-FR-13 judges",
    "R-FR-15": "permits service mail",
    "R-FR-25": "adds words to a mail that may go",
    "R-FR-33": "adds words to a mail that may go",
    "R-FR-76": "permits trackers in a mail that may go",
}
ONLY_REFUSES = {
    "R-DP-15": "a restriction",
    "R-FR-05": "what is no consent",
    "R-FR-26": "a list version that lacks",
    "R-FR-41": "evidence that lacks",
    "R-FR-58": "an answer nobody has read",
    "R-FR-63": "an opposition",
    "R-MBX-10": "a pause",
    "R-MBX-14": "a dead mailbox",
}


def citable() -> set[str]:
    """The rule ids that stand in the code of the decision outside its docstrings."""
    found: set[str] = set()
    for room in ROOMS:
        for node in ast.walk(ast.parse(inspect.getsource(room))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _RULE.fullmatch(node.value):
                found.add(node.value)
    return found & {str(field.alias) for field in RuleBook.model_fields.values()}


def shown() -> tuple[set[str], set[str]]:
    """The rules that counted in passing examples: in permissions, in refusals and waits."""
    allowed: set[str] = set()
    stopped: set[str] = set()
    for pack in PACKS:
        for result in run_cases(pack):
            assert result.passed, (pack.name, result.says, result.found)
            (allowed if isinstance(result.verdict, Allow) else stopped).update(result.verdict.rules)
    return allowed, stopped


ALLOWED, STOPPED = shown()


@pytest.mark.parametrize("rule", sorted(citable()))
def test_every_rule_of_the_decision_has_an_example_on_each_of_its_sides(rule: str) -> None:
    assert rule in ALLOWED or rule in ONLY_REFUSES, "no example lets a message go by it"
    assert rule in STOPPED or rule in ONLY_ALLOWS, "no example stops a message by it"


def test_no_rule_is_called_one_sided_that_has_two() -> None:
    assert not ALLOWED & set(ONLY_REFUSES)
    assert not STOPPED & set(ONLY_ALLOWS)


def test_the_decision_cites_what_the_rule_book_gives_it_to_judge() -> None:
    """A rule of the book that no room of the decision names is enforced elsewhere: in content, enrolment, passing on, the store."""
    elsewhere = {
        *("R-FR-16", "R-FR-21", "R-FR-27", "R-FR-31", "R-FR-39", "R-FR-43", "R-FR-44", "R-FR-50", "R-FR-52"),
        *("R-FR-64", "R-FR-65", "R-FR-66", "R-FR-70", "R-FR-71", "R-FR-72", "R-FR-73", "R-FR-74", "R-FR-75", "R-FR-79"),
        *("R-FR-81", "R-FR-82", "R-FR-84", "R-FR-85", "R-FR-90", "R-FR-91", "R-PACK-08", "R-PACK-09"),
    }
    book = {str(field.alias) for field in RuleBook.model_fields.values()}
    assert citable() | elsewhere == book
    assert not citable() & elsewhere
