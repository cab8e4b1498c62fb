"""What changes when one policy pack replaces another: rules, parameters, words, and the verdicts on the old pack's own examples.

For those who adopt a pack (R-FR-86): nothing here says whether the change is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from gateway.core.cases import run_cases
from gateway.core.policy import Policy
from gateway.core.rulebook import RuleTable
from gateway.core.verdict import Allow, Refuse, Undecided, Verdict

_FEW = 8
_WORDS = ("says", "source")
_PACK = ("version", "countries", "language", "authority_name", "authority_url")


class Kind(StrEnum):
    """What sort of difference it is."""

    PACK = "pack"
    ADDED = "added"
    REMOVED = "removed"
    SWITCHED = "switched"
    PARAMETER = "parameter"
    WORDS = "words"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `rule` is empty for the pack itself and for examples, `what` names the parameter, words or example."""

    kind: Kind
    rule: str
    what: str
    old: str
    new: str


def differences(old: Policy, new: Policy) -> list[Difference]:
    """All of them, in the order of the rule book, changed verdicts last; the packs' names are no difference."""
    return [*_of_pack(old, new), *_of_rules(old, new), *_of_examples(old, new)]


def rule_tables(policy: Policy) -> dict[str, RuleTable]:
    """The pack's rules with their parameters, by id, in the order of the rule book."""
    fields = type(policy.book).model_fields
    return {str(field.alias): getattr(policy.book, name) for name, field in fields.items()}


def parameters(table: RuleTable) -> dict[str, object]:
    """A rule's own parameters, without the words and the switch that every rule has."""
    return {name: getattr(table, name) for name in type(table).model_fields if name not in RuleTable.model_fields}


def shown(value: object) -> str:
    """A parameter as people read it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple() | frozenset():
            items = [str(one) or "(empty)" for one in value]
            return ", ".join(sorted(items) if isinstance(value, frozenset) else items) or "none"
        case _:
            return str(value) or "none"


def _of_pack(old: Policy, new: Policy) -> Iterator[Difference]:
    for what in _PACK:
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            yield Difference(Kind.PACK, "", what.replace("_", " "), *_both(before, after))


def _of_rules(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = rule_tables(old), rule_tables(new)
    for rule in [*before, *(rule for rule in after if rule not in before)]:
        if rule not in after:
            yield Difference(Kind.REMOVED, rule, "", old.rule(rule).says, "")
        elif rule not in before:
            yield Difference(Kind.ADDED, rule, "", "", new.rule(rule).says)
        else:
            yield from _of_rule(rule, before[rule], after[rule])


def _of_rule(rule: str, old: RuleTable, new: RuleTable) -> Iterator[Difference]:
    if old.enabled != new.enabled:
        yield Difference(Kind.SWITCHED, rule, "enabled", shown(old.enabled), shown(new.enabled))
    before, after = parameters(old), parameters(new)
    for what, value in before.items():
        if what in after and value != after[what]:
            yield Difference(Kind.PARAMETER, rule, what, *_both(value, after[what]))
    for what in _WORDS:
        words = getattr(old, what), getattr(new, what)
        if words[0] != words[1]:
            yield Difference(Kind.WORDS, rule, what, *words)


def _of_examples(old: Policy, new: Policy) -> Iterator[Difference]:
    """The old pack's examples whose verdict the new pack changes."""
    pairs = zip(run_cases(old), run_cases(replace(new, cases=old.cases)), strict=True)
    for before, after in pairs:
        words = verdict_words(before.verdict), verdict_words(after.verdict)
        if words[0] != words[1]:
            yield Difference(Kind.VERDICT, "", before.says, *words)


def verdict_words(verdict: Verdict) -> str:
    """A verdict in a few words: what is done and why, without the rules that counted."""
    match verdict:
        case Allow():
            due = f", {verdict.due} due" if verdict.due != "none" else ""
            news = f", news of {', '.join(verdict.news)}" if verdict.news else ""
            return f"allow: {verdict.basis}{due}{', tracking' if verdict.tracking else ''}{news}"
        case Refuse():
            return f"refuse: {verdict.reason}"
        case Undecided():
            return f"wait: {verdict.reason}"
        case _:
            assert_never(verdict)


def _both(old: object, new: object) -> tuple[str, str]:
    """Both values; of long lists only what the other one lacks."""
    if isinstance(old, tuple | frozenset) and isinstance(new, tuple | frozenset) and max(len(old), len(new)) > _FEW:
        return _only(old, new), _only(new, old)
    return shown(old), shown(new)


def _only(these: tuple[object, ...] | frozenset[object], those: tuple[object, ...] | frozenset[object]) -> str:
    others = set(those)
    lacking = [str(one) for one in these if one not in others]
    if isinstance(these, frozenset):
        lacking.sort()
    return f"{len(these)} in all" + (f", only here: {', '.join(lacking)}" if lacking else "")
