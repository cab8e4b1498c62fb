"""`gateway kept`: mail that only a person can answer - to postmaster and abuse, and answers nobody could read (R-STD-71)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, show_one, show_rows, stop

if TYPE_CHECKING:
    from gateway.commands.office import Writing
    from gateway.flow.kept import KeptMail

app = typer.Typer(help="Mail kept for a person: list, read, discard.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="The mail, as `gateway kept list` numbers it.", show_default=False)]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="kept")


@app.command("list")
def list_(
    mailbox: Annotated[str, typer.Option(help="Only this mailbox: postmaster, abuse, replies.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List what is kept, unopened and without addresses."""
    run(_list(config, mailbox, json))


async def _list(config: Path, mailbox: str, json: bool) -> None:
    from gateway.commands.office import Writing

    async with _shelf(config, Writing.NOTHING) as shelf:
        found = await shelf.all(mailbox)
    rows = [(one.id, one.mailbox, one.at.isoformat(), len(one.sealed_mail)) for one in found]
    show_rows(("mail", "mailbox", "at", "octets"), rows, json)


@app.command()
def show(
    mail: Number,
    reason: Annotated[str, typer.Option(help="Why you read it; recorded, names nobody.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print one mail as it came; that you read it is recorded (R-DP-20)."""
    run(_show(config, mail, reason))


async def _show(config: Path, mail: int, reason: str) -> None:
    from gateway.commands.office import Writing
    from gateway.flow.administer import Refused

    async with _shelf(config, Writing.ACT) as shelf:
        looked = await shelf.look(mail, reason)
    if isinstance(looked, Refused):
        stop(looked.sentence)
    typer.echo(looked, nl=False)


@app.command()
def discard(
    mail: Number,
    note: Annotated[str, typer.Option(help="One line for the evidence; names nobody.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Throw one mail away once it is dealt with; `keep_mail` does so by age."""
    run(_discard(config, mail, note, json))


async def _discard(config: Path, mail: int, note: str, json: bool) -> None:
    from gateway.commands.office import Writing
    from gateway.flow.administer import Refused

    async with _shelf(config, Writing.ACT) as shelf:
        gone = await shelf.discard(mail, note)
    if isinstance(gone, Refused):
        stop(gone.sentence)
    show_one({"mail": gone.id, "mailbox": gone.mailbox, "state": "discarded"}, json)


@asynccontextmanager
async def _shelf(config: Path, writing: Writing) -> AsyncIterator[KeptMail]:
    from gateway.commands.office import open_office
    from gateway.flow.kept import KeptMail

    async with open_office(config, writing) as office:
        yield KeptMail(office.store.book, office.store.returns, office.keys.vault, office.clock)
