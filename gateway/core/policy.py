"""A policy pack made ready for use: checked, frozen, its lists turned into sets, its label ready for the evidence.

It knows no file: where a fault stands in the text is found by whoever read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from pydantic import ValidationError

from gateway.core.conduct import Conduct, conduct
from gateway.core.duration import Duration
from gateway.core.pack import Case, Pack
from gateway.core.record import Entity
from gateway.core.rulebook import RuleBook, RuleTable
from gateway.core.strictness import strictness

_PLAINLY = {"missing": "is missing", "extra_forbidden": "is not known to this version"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as people read it: its id in the rule book, its plain sentence, its legal source."""

    id: str
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """Why a pack is refused: the path of keys to the fault, and a sentence that quotes no value."""

    where: tuple[str | int, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One pack, compiled; `book` holds its parameters, `off` are the rules it switches off, `label` is `name@version#hash8`.

    `text` is the whole of it as a ruling keeps it; `surely_active` and `surely_in_time` are spans within which R-FR-80 and
    R-FR-32 cannot apply, short of counting calendar months; `strictness` orders packs (R-PACK-01).
    """

    name: str
    version: str
    countries: frozenset[str]
    digest: str
    language: str
    authority_name: str
    authority_url: str
    book: RuleBook
    rules: Mapping[str, Rule]
    off: frozenset[str]
    strict_b2b: bool
    role_local_parts: frozenset[str]
    free_mail_domains: frozenset[str]
    rejected_actions: frozenset[str]
    individuals: frozenset[Entity]
    card_sources: frozenset[str]
    opt_out_regime: bool
    double_optin: bool
    surely_active: timedelta
    surely_in_time: timedelta
    strictness: tuple[int, ...]
    conduct: Conduct
    cases: tuple[Case, ...]
    label: str
    text: str

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id; one the pack has no words for is named by its id alone."""
        return self.rules.get(rule_id) or Rule(rule_id, "", "")

    def cited(self, rules: tuple[str, ...]) -> tuple[str, ...]:
        """These rules without those the pack switches off."""
        return _without(rules, self.off) if self.off else rules


@lru_cache(maxsize=1024)
def _without(rules: tuple[str, ...], off: frozenset[str]) -> tuple[str, ...]:
    return tuple([rule for rule in rules if rule not in off])


def parse(table: Mapping[str, object], digest: str) -> Policy | PolicyFault:
    """Read a pack's parsed TOML; `digest` is the SHA-256 of its bytes in hex."""
    try:
        pack = Pack.model_validate(table)
    except ValidationError as fault:
        # A misspelt key is told before the key that is missing for it.
        first = min(fault.errors(include_url=False, include_input=False), key=lambda error: error["type"] == "missing")
        return PolicyFault(first["loc"], _PLAINLY.get(first["type"]) or first["msg"].removeprefix("Value error, "))
    unknown = next((rule for case in pack.case for rule in case.expect.rules if rule not in _tables(pack)), None)
    if unknown:
        return PolicyFault(("case",), f"an example expects {unknown}, which is no rule of this pack")
    return _compile(pack, digest, pack_text(table, digest))


def pack_text(table: Mapping[str, object], digest: str) -> str:
    """A pack's parsed table as self-contained JSON, from which `read_pack` has the same policy again; its examples stay out."""
    table = {key: value for key, value in table.items() if key != "case"}
    return json.dumps({"digest": digest, "table": table}, ensure_ascii=False, sort_keys=True, default=_plain)


@lru_cache(maxsize=16)
def read_pack(text: str) -> Policy | PolicyFault:
    """The policy that a ruling's text tells."""
    told = json.loads(text)
    return parse(told["table"], told["digest"])


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _tables(pack: Pack) -> dict[str, RuleTable]:
    """The pack's rules by id, in the order of the rule book."""
    fields = type(pack.rule).model_fields
    return {str(field.alias): getattr(pack.rule, name) for name, field in fields.items()}


def _compile(pack: Pack, digest: str, text: str) -> Policy:
    tables = _tables(pack)
    book = pack.rule
    off = frozenset(rule_id for rule_id, table in tables.items() if not table.enabled)
    return Policy(
        name=pack.name,
        version=pack.version,
        countries=frozenset(pack.countries),
        digest=digest,
        language=pack.language,
        authority_name=pack.authority.name,
        authority_url=str(pack.authority.url),
        book=book,
        rules=MappingProxyType({rule_id: Rule(rule_id, table.says, table.source) for rule_id, table in tables.items()}),
        off=off,
        strict_b2b=book.business_mode.enabled and book.business_mode.b2b_mode == "strict",
        role_local_parts=frozenset(book.role_addresses.local_parts),
        free_mail_domains=frozenset(book.free_mail.domains),
        rejected_actions=frozenset(book.no_consent_at_all.actions if book.no_consent_at_all.enabled else ()),
        individuals=frozenset(book.business_mode.individuals if book.business_mode.enabled else ()),
        card_sources=frozenset(book.double_optin.sources if book.double_optin.enabled else ()),
        opt_out_regime=book.consumer_consent.consumer == "opt-out",
        double_optin=book.double_optin.enabled and book.double_optin.double_optin == "required",
        surely_active=_surely_active(book),
        surely_in_time=_at_least(book.notice_term.within),
        strictness=strictness(book),
        conduct=conduct(book, off, pack.language),
        cases=pack.case,
        label=f"{pack.name}@{pack.version}#{digest[:8]}",
        text=text,
    )


def _surely_active(book: RuleBook) -> timedelta:
    """Where only former customers' terms count, no act makes sure."""
    if book.inactive.enabled:
        return _at_least(book.inactive.after)
    return timedelta(0) if book.former_customer.enabled else timedelta.max


def _at_least(span: Duration) -> timedelta:
    """A month has 28 days at least."""
    return timedelta(days=span.months * 28 + span.days)
