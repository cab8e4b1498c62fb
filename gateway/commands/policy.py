"""`gateway policy`: the packs, their rules, their own examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_rows, stop

if TYPE_CHECKING:
    from gateway.core.pack_diff import Difference
    from gateway.core.policy import Policy

app = typer.Typer(help="Policy packs: which rules count here.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Argument(help="Packs; without any, those of the configuration.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="policy")


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List the packs there are and whether they are in use."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.edges.files import FileFault, policy_names, read_policy

    own, used = _configured(config)
    rows: list[tuple[str, str, int, int, bool]] = []
    for name in policy_names(own):
        pack = read_policy(name, own)
        if isinstance(pack, FileFault):
            say(str(pack))
        else:
            rows.append((name, pack.label, len(pack.rules), len(pack.cases), name in used))
    show_rows(("pack", "version", "rules", "examples", "used"), rows, json)


@app.command("test")
def try_examples(names: Names = None, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Run the packs' own examples; exit 1 where one is not met."""
    run(_try_examples(config, names or [], json))


async def _try_examples(config: Path, names: list[str], json: bool) -> None:
    from gateway.core.cases import run_cases

    failed, rows = 0, []
    for pack in _packs(config, names):
        for result in run_cases(pack):
            rows.append((pack.name, result.says, "passed" if result.passed else "FAILED", list(result.found)))
            failed += not result.passed
    show_rows(("pack", "example", "result", "found"), rows, json)
    say(f"{len(rows)} examples, {failed} failed.")
    if failed:
        raise typer.Exit(1)


@app.command()
def show(names: Names = None, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Show a pack's rules: their sentence and their legal source."""
    run(_show(config, names or [], json))


async def _show(config: Path, names: list[str], json: bool) -> None:
    rows = [
        (pack.label, rule.id, "off" if rule.id in pack.off else "on", rule.says, rule.source)
        for pack in _packs(config, names)
        for rule in pack.rules.values()
    ]
    if json:
        show_rows(("policy", "rule", "state", "says", "source"), rows, json)
        return
    for policy, identifier, state, says, source in rows:
        off = " (off in this pack)" if state == "off" else ""
        out(f"{policy}  {identifier}{off}\n  {says}\n  {source}")


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The pack in use: its name, or a TOML file.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The pack to come: its name, or a TOML file.")],
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Show what changes from one pack to another, verdicts on the old one's examples included; exit 1 where anything does."""
    run(_diff(config, old, new, json))


async def _diff(config: Path, old: str, new: str, json: bool) -> None:
    from gateway.core.pack_diff import differences

    own = _configured(config)[0]
    found = differences(_pack(old, own), _pack(new, own))
    if json:
        columns = ("kind", "rule", "what", "old", "new")
        show_rows(columns, [(one.kind, one.rule, one.what, one.old, one.new) for one in found], json)
    else:
        for one in found:
            out(_told(one))
    say(f"Differences: {len(found)}." if found else "No difference.")
    if found:
        raise typer.Exit(1)


def _told(one: Difference) -> str:
    head = " ".join(word for word in (one.kind, one.rule, one.what) if word)
    return "\n".join((head, *(f"  {sign} {words}" for sign, words in (("-", one.old), ("+", one.new)) if words)))


def _pack(given: str, own: Path | None) -> Policy:
    """A pack by name, or from the file at this path."""
    from gateway.edges.files import FileFault, read_policy, read_policy_file

    file = given.endswith(".toml") or "/" in given
    pack = read_policy_file(Path(given)) if file else read_policy(given, own)
    if isinstance(pack, FileFault):
        stop(str(pack))
    return pack


def _configured(config: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The operator's folder of packs and the packs in use; without a configuration, what comes with the gateway."""
    from gateway.settings import load

    if config == DEFAULT_CONFIG and not config.exists():
        return None, ()
    gateway = load(config).gateway
    return gateway.policies_dir, gateway.policies


def _packs(config: Path, names: list[str]) -> list[Policy]:
    from gateway.edges.files import policy_names

    own, used = _configured(config)
    return [_pack(name, own) for name in names or used or policy_names(own)]
