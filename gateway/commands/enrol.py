"""`gateway enrol`: sign-ups that wait for their confirmation, and asking for one that a record needs (R-FR-42)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_one, show_rows, stop
from gateway.commands.whom import AddressText, read_address

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.flow.enrol import Enrolling
    from gateway.flow.own_mail import OwnMail
    from gateway.rooms import Nouns

app = typer.Typer(help="Sign-ups and their confirmation by mail.", no_args_is_help=True)
COLUMNS = ("person", "stream", "covers", "asked_at", "reminded_at", "expires_at")
_WHY = {
    "dead-mailbox": "the mailbox was reported dead",
    "opposed": "the person opposed: only their own act on the form may ask them again (R-FR-44)",
    "asked-already": "they were asked already",
    "too-often": "they were asked as often as one day allows",
    "nothing-waits": "no record of this person waits for a confirmation in this stream",
}


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="enrol")


@app.command()
def ask(
    address: AddressText,
    stream: Annotated[str, typer.Option("--stream", help="The stream whose record waits.")],
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Mail the question of a double opt-in for a record that waits; the running gateway sends it. Exit 1 where none goes."""
    run(_ask(config, address, stream, json))


async def _ask(config: Path, address: str, stream: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.enrol import Asked

    async with open_office(config, Writing.ACT) as office:
        if stream not in office.streams:
            stop(f"There is no stream {stream}.", 2)
        async with enrolling(office) as journey:
            asked = await journey.ask(office.streams[stream], read_address(address))
    show_one({"asked": asked.value}, json)
    if asked is not Asked.SENT:
        stop(f"Not asked: {_WHY[asked.value]}.")


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List the sign-ups that wait, by key, without addresses."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.enrol import waiting

    async with open_office(config, Writing.NOTHING) as office:
        now = office.clock.now()
        pending = [one for one in await office.store.book.enrolments() if waiting(one, now)]
    rows = [
        (
            one.person.hex(),
            one.stream,
            ",".join(consent.covers.value for consent in one.consents) or "stay",
            one.asked_at.isoformat(timespec="seconds"),
            one.reminded_at.isoformat(timespec="seconds") if one.reminded_at else "",
            one.expires_at.isoformat(timespec="seconds"),
        )
        for one in pending
    ]
    show_rows(COLUMNS, rows, json)
    if not rows and not json:
        say("No sign-up waits.")


@asynccontextmanager
async def enrolling(office: Office) -> AsyncIterator[Enrolling]:
    """The journey of sign-ups beside a running gateway."""
    from gateway.rooms import make_enrolling

    async with own_mail(office) as (writer, nouns):
        public_url = office.settings.public_url
        yield make_enrolling(nouns, office.store.book, writer, office.identity, office.keys.vault, public_url, office.clock)


@asynccontextmanager
async def own_mail(office: Office) -> AsyncIterator[tuple[OwnMail, Nouns]]:
    """The writer of the gateway's own mail beside a running gateway: it goes into the spool that the gateway empties."""
    from gateway.edges.compute import Threads
    from gateway.edges.store.spool import open_spool
    from gateway.rooms import LETTERS, CannotStart, load_nouns, make_letterheads, make_own_mail

    settings, book, clock = office.settings, office.store.book, office.clock
    try:
        nouns = load_nouns(settings)
        letterheads = make_letterheads(settings, nouns, office.keys.token_keys, settings.public_url)
        spool, compute = open_spool(settings.gateway.data_dir / LETTERS, clock.now), Threads()
        try:
            yield make_own_mail(settings, nouns, book, spool, letterheads, compute, lambda: None, clock), nouns
        finally:
            compute.close()
            await spool.close()
    except CannotStart as error:
        stop(str(error))
