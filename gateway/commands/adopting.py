"""`gateway policy adopt` and `policy history`: who changed which pack, when and why (R-FR-86)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows, stop
from gateway.commands.policy import app


def register(parent: typer.Typer) -> None:
    """Nothing to add: importing this module has put its commands beside those of `policy`."""


@app.command()
def adopt(
    name: Annotated[str, typer.Argument(help="A pack of the configuration.")],
    author: Annotated[str, typer.Option(help="Who answers for the change; a function or a name, no address.")],
    reason: Annotated[str, typer.Option(help="Why it changed.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Put a name and a reason to a changed pack, so that the gateway judges by it from its next start on."""
    run(_adopt(config, name, author, reason))


async def _adopt(config: Path, name: str, author: str, reason: str) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import unfit_note
    from gateway.flow.adopt import Adoption

    for words in (author, reason):
        if not words.strip():
            stop("An author and a reason are required: they are recorded.", 2)
        if refused := unfit_note(words):
            stop(refused.sentence, 2)
    async with open_office(config, Writing.ACT) as office:
        pack = office.policies().get(name)
        if pack is None:
            stop(f"Pack {name!r} is not in use; in use are: {', '.join(office.policies())}.", 2)
        signed = await Adoption(office.store.book, office.clock).sign(pack, author, reason)
    say(f"{pack.label} counts from the next start on." if signed else f"{pack.label} counts already.")


@app.command()
def history(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List which packs and which streams' configurations counted from when, by whom and why."""
    run(_history(config, json))


async def _history(config: Path, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.adopt import Adoption

    async with open_office(config, Writing.NOTHING) as office:
        rulings = await Adoption(office.store.book, office.clock).history()
    rows = [(one.at.isoformat(timespec="seconds"), one.kind, one.label, one.author, one.reason) for one in rulings]
    show_rows(("from", "kind", "label", "author", "reason"), rows, json)
