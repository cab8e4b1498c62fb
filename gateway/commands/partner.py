"""`gateway partner`: who gave us addresses or receives some, and what they must still be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows

app = typer.Typer(help="Partners, and oppositions they must be told about.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="partner")


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List the configured partners."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import read_settings

    rows = [
        (name, one.legal_name, one.role, one.privacy_url, one.contact, one.webhook)
        for name, one in read_settings(config).partner.items()
    ]
    show_rows(("partner", "legal name", "role", "privacy policy", "contact", "webhook"), rows, json)


@app.command()
def pending(
    partner: Annotated[str, typer.Option(help="Only what this partner must be told.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List oppositions not yet acknowledged by partners; exit 1 where there are any."""
    run(_pending(config, partner, json))


async def _pending(config: Path, partner: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        notes = await office.store.outbox.pending(partner)
    rows = [
        (note.id, note.partner, note.person.hex(), note.advertiser, note.scope.value, note.at.isoformat(timespec="seconds"))
        for note in notes
    ]
    show_rows(("note", "partner", "person", "advertiser", "scope", "at"), rows, json)
    say(f"{len(rows)} not yet acknowledged.")
    if rows:
        raise typer.Exit(1)
