"""Writes docs/policies.md from the packs that come with the gateway: `python .ci/policies_page.py`."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.pack import Case, CaseConsent, CaseList, CaseNotice, CaseOpposition, CaseRelation, Expected
from gateway.core.pack_diff import parameters, rule_tables, shown
from gateway.core.policy import Policy
from gateway.core.rulebook import Floor, Table
from gateway.edges.files import read_policy

PACKS = ("fr", "eu", "de", "uk", "us", "ca")
FEW = 6

BEFORE = """\
# Policy packs

A policy pack is the law of one place as the gateway applies it: one readable TOML file in `policies/`. It is written
so that a data protection officer can read it, test it and change it without programming. Nothing here is legal
advice.

This page is generated from the packs themselves: change them, or `.ci/policies_page.py`, then run `make docs`.

## What a pack holds

```toml
name = "uk"                     # as the file is called
version = "2026-11"             # yours to raise when you change something
countries = ["GB"]              # whose recipients it judges (ISO 3166-1)
language = "en"                 # of its sentences

[authority]                     # whom people can complain to; first-contact notices name it
name = "Information Commissioner's Office (ICO)"
url = "https://ico.org.uk/make-a-complaint/"

[rule.R-FR-80]                  # one table for each rule of the rule book, none missing
says = "Three years after the last act of a person who is no customer, nothing more is sent to that person."
source = "UK GDPR art. 5(1)(e); prudent choice of the publisher"
after = "P3Y"                   # its parameters, where it has any; durations are calendar durations

[[case]]                        # examples, as many as you like
says = "A day after the three years ended, no longer."
consents = [{ collected_at = 2023-11-20T09:00:00Z }]
expect = { verdict = "refuse", reason = "INACTIVE-3Y", rules = ["R-FR-80"] }
```

- `says` is one plain sentence, `source` the law it rests on; both are shown wherever a decision is explained.
- `enabled = false` switches a rule off: this law has no such rule, and the sentence says so.
- A **floor** cannot be switched off, and the gateway does not start with a pack that tries: a refusal outweighs
  everything, the opt-out works, the identity is true, the evidence is kept. The floors are {floors}.
- An unknown key, a missing rule or a wrong value is refused with its line. `gateway check` shows every fault.
- Name, version and the first eight digits of a hash over the file and its lists (`uk@2026-11#1a2b3c4d`) stand in
  every decision.
- An item `"@free-mail"` of a list stands for the whole list `policies/lists/free-mail.txt`: one entry a line, `#` for
  comments.

## Which pack judges whom

Each recipient is judged by one pack, also where one message goes to many:

1. the enabled pack (`[gateway] policies`) that names the recipient's country; where several do, the one for the
   fewest countries, so that `de` judges Germany and `eu` the rest of the Union;
2. where the country is not on record, or no enabled pack names it: the stream's `policy`;
3. where the stream names none: the strictest of the enabled packs.

The country is what the person's newest record for the advertiser says (column `country` of an import). An address's
ending tells no country.

"""

PACK_TABLE = """\
## The packs

| pack | countries | authority | rules applied |
|---|---|---|---|
"""

PARAMETER_TABLE = """
## What they set

*off*: the law has no such rule, or the gateway takes none from it. Long lists are shared ones; `gateway policy show`
tells the sentences and the sources.

"""

SWITCH_TABLE = """
## Rules without parameters that are off somewhere

"""

AFTER = """
## Readings that were chosen

- **eu**: what the countries decide by themselves (ePrivacy Directive 13(5)) is read in the strictest way:
  professionals and general addresses of companies need consent, a child is below sixteen. A country that allows more
  gets a pack of its own.
- **de**: professionals and companies are addressees like everybody (UWG § 7(2) no 2). Every consent to mail has to be
  confirmed. A free account is no sale, a partner added later needs a new consent, and nobody is asked whether to
  stay, because the question may be advertising itself.
- **uk**: sole traders and partnerships are private people, and so is a professional of whom no record says what kind of
  business it is (the column `entity`): it may be one of them. `individuals` without the empty word lets those be written
  to.
- **us**: federal law only. Laws of single states, on sensitive data above all, are not judged.
- **ca**: consent that names no partner is not used, although the law allows it under conditions no gateway can see.
- Three years of silence end everything in `fr`, `eu`, `de` and `uk`; only French guidance gives the figure, elsewhere
  it is prudence.

## Writing your own

1. Copy the nearest pack into a folder of your own, name file and `name` alike (`acme-uk.toml`, `name = "acme-uk"`),
   and set `[gateway] policies_dir` to that folder. A pack there wins over one of the same name that comes with the
   gateway, a list in its `lists` folder over the shipped list.
2. Change sentences, sources and parameters; raise `version`.
3. Write an example for each side of each boundary you move. `gateway policy test acme-uk` runs them; it ends with 1
   when one fails.
4. See what your change does: `gateway policy diff uk acme-uk` (names of packs, or paths of TOML files) lists switched
   rules, changed parameters and words, and each example of the old pack that the new one judges otherwise. It ends
   with 0 when nothing differs, 1 when something does; `--json` is for machines.
5. Name it in `[gateway] policies`, in a stream's `policy` where that stream is to fall back on it, and run `gateway
   check`.

`gateway policy list` shows the packs there are, `gateway policy show acme-uk` every rule with its sentence and
source.

## The words of an example

Everything has a default, so an example says only what matters: advertising for the purpose `newsletter` to
camille.martin@example.com on 21 November 2026, from a sender with a postal address. A record without details is a
proven consent that a private person gave directly on 1 March 2026. `expect.rules` names rules that must have counted;
others may have counted too.

"""


def page() -> str:
    """The whole page."""
    packs = [read(name) for name in PACKS]
    floors = ", ".join(rule for rule, table in rule_tables(packs[0]).items() if isinstance(table, Floor))
    return "".join(
        [
            BEFORE.replace("{floors}", floors),
            PACK_TABLE,
            *map(overview, packs),
            PARAMETER_TABLE,
            *rows(["rule", "parameter", *PACKS], settings(packs)),
            SWITCH_TABLE,
            *rows(["rule", *PACKS], switches(packs)),
            AFTER,
            *words(),
        ]
    )


def read(name: str) -> Policy:
    """A pack, which is sound."""
    policy = read_policy(name)
    if not isinstance(policy, Policy):
        raise SystemExit(str(policy))
    return policy


def overview(policy: Policy) -> str:
    """One line about a pack."""
    countries = ", ".join(sorted(policy.countries))
    applied = f"{len(policy.rules) - len(policy.off)} of {len(policy.rules)}"
    return f"| `{policy.name}` | {countries} | [{policy.authority_name}]({policy.authority_url}) | {applied} |\n"


def settings(packs: list[Policy]) -> Iterable[list[str]]:
    """A row for each parameter of each rule that some pack applies."""
    tables = [rule_tables(policy) for policy in packs]
    for rule in tables[0]:
        for key in parameters(tables[0][rule]):
            cells = [brief(parameters(one[rule])[key]) if one[rule].enabled else "off" for one in tables]
            yield [rule, f"`{key}`", *cells]


def switches(packs: list[Policy]) -> Iterable[list[str]]:
    """A row for each rule without parameters that not every pack applies."""
    for rule, table in rule_tables(packs[0]).items():
        if not parameters(table) and any(rule in policy.off for policy in packs):
            yield [rule, *("off" if rule in policy.off else "on" for policy in packs)]


def brief(value: object) -> str:
    """A parameter in a cell."""
    return "a list" if isinstance(value, tuple) and len(value) > FEW else shown(value)


def rows(head: list[str], lines: Iterable[list[str]]) -> Iterable[str]:
    """A table."""
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    yield from (f"| {' | '.join(line)} |\n" for line in lines)


def words() -> Iterable[str]:
    """The keys an example may have, table by table."""
    tables: dict[str, type[Table]] = {
        "the example": Case,
        "an item of `consents`": CaseConsent,
        "its `relation`": CaseRelation,
        "an item of `oppositions`": CaseOpposition,
        "an item of `notices`": CaseNotice,
        "an item of `lists`": CaseList,
        "`expect`": Expected,
    }
    found = ([where, ", ".join(f"`{key}`" for key in model.model_fields)] for where, model in tables.items())
    yield from rows(["in", "keys"], found)


if __name__ == "__main__":
    print(page(), end="")
