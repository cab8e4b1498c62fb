"""`gateway explain`: why this person may, or may not, be mailed in this stream (R-FR-92)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, stop
from gateway.commands.whom import AddressText, read_address

if TYPE_CHECKING:
    from gateway.core.explain import Explanation


def register(parent: typer.Typer) -> None:
    """Add this command."""
    parent.command("explain")(explain)


def explain(
    address: AddressText,
    stream: Annotated[str, typer.Option(help="The stream whose mail is meant.")],
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Tell what would be decided now, with the law behind it; exit 1 where mail is refused. The look is recorded."""
    run(_explain(config, address, stream, json))


async def _explain(config: Path, text: str, name: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.verdict import Allow

    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        stream = office.streams.get(name)
        if stream is None:
            stop(f"There is no stream {name!r}; there are: {', '.join(sorted(office.streams)) or 'none'}.", 2)
        told = await office.report().explain(address, stream)
    out(_as_json(told) if json else "\n".join(told.lines()))
    if not isinstance(told.verdict, Allow):
        raise typer.Exit(1)


def _as_json(told: Explanation) -> str:
    from json import dumps

    from gateway.core.verdict import Allow, Refuse, Undecided

    match told.verdict:
        case Allow() as allow:
            verdict = {"verdict": "allow", "basis": allow.basis.value, "due": allow.due.value}
        case Refuse():
            verdict = {"verdict": "refuse", "reason": told.reason}
        case Undecided():
            verdict = {"verdict": "wait", "reason": told.reason}
        case _:
            assert_never(told.verdict)
    rules = [{"id": rule.id, "says": rule.says, "source": rule.source} for rule in told.rules]
    words = {"headline": told.headline, "on_record": told.on_record, "to_change": told.to_change, "policy": told.policy}
    return dumps({**verdict, **words, "rules": rules}, ensure_ascii=False)
