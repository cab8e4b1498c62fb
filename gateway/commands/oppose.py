"""`gateway oppose`: who must not be mailed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_one, show_rows, stop
from gateway.commands.whom import Hash, Whom, algorithm_of, read_subject
from gateway.core.record import Block, Door, Opposition, Scope

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.flow.administer import Reach

app = typer.Typer(help="Oppositions: who is never mailed again.", no_args_is_help=True)
COLUMNS = ("person", "block", "scope", "advertiser", "stream", "door", "at")

HowFar = Annotated[Scope | None, typer.Option(help="How far it goes: the advertiser, unless a stream is named.")]
Advertiser = Annotated[str, typer.Option(help="Whose mail is opposed; needed where there are several.")]
StreamName = Annotated[str, typer.Option("--stream", help="Only this stream is opposed.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="oppose")


@app.command()
def add(
    whom: Whom,
    scope: HowFar = None,
    advertiser: Advertiser = "",
    stream: StreamName = "",
    door: Annotated[Door, typer.Option(help="How it came in.")] = Door.CLI,
    note: Annotated[str, typer.Option(help="A word for the evidence; names nobody.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Record that a person, a whole @domain or the holder of a hash must not be mailed."""
    run(_add(config, whom, (scope, advertiser, stream), door, note, json))


async def _add(config: Path, whom: str, far: tuple[Scope | None, str, str], door: Door, note: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    async with open_office(config, Writing.ACT) as office:
        subject, reach = read_subject(office.identity, whom), _reach(office, *far)
        done = await office.administer.oppose(subject, reach, door, note)
    if isinstance(done, Refused):
        stop(done.sentence)
    show_one(
        {"ref": done, "person": subject.key.hex(), "scope": reach.scope, "advertiser": reach.advertiser, "stream": reach.stream},
        json,
    )
    say("Recorded: from now on refused.")


def _reach(office: Office, scope: Scope | None, advertiser: str, stream: str) -> Reach:
    from gateway.flow.administer import Refused

    reach = office.administer.reach(scope, advertiser, stream)
    if isinstance(reach, Refused):
        stop(reach.sentence, 2)
    return reach


@app.command()
def remove(
    whom: Whom,
    reason: Annotated[str, typer.Option(help="Why it was wrong, or what the person did anew; recorded, names nobody.")],
    block: Annotated[list[Block] | None, typer.Option(help="Only this kind. Repeat for more; without it, every kind.")] = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Lift what is recorded against somebody, as a recorded correction."""
    run(_remove(config, whom, reason, tuple(block or Block), json))


async def _remove(config: Path, whom: str, reason: str, blocks: tuple[Block, ...], json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    async with open_office(config, Writing.ACT) as office:
        done = await office.administer.lift(read_subject(office.identity, whom), reason, blocks)
    if isinstance(done, Refused):
        stop(done.sentence)
    show_rows(COLUMNS, map(_row, done.lifted), json)
    say(f"Lifted: {len(done.lifted)}." + (f" Still refused: {len(done.standing)} other on record." if done.standing else ""))


@app.command("list")
def list_(
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
    block: Annotated[Block | None, typer.Option(help="Only this kind.")] = None,
) -> None:
    """List everything recorded: keys, scopes, doors and dates; no address is kept."""
    run(_list(config, block, json))


async def _list(config: Path, block: Block | None, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        every = await office.store.book.oppositions()
    show_rows(COLUMNS, (_row(one) for one in every if block in (None, one.block)), json)


@app.command()
def show(
    whom: Whom,
    reason: Annotated[str, typer.Option(help="Why you look; recorded.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Show what stands against somebody; exit 1 where nothing does. The look is recorded."""
    run(_show(config, whom, reason, json))


async def _show(config: Path, whom: str, reason: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.ACT) as office:
        standing = await office.administer.oppositions_of(read_subject(office.identity, whom), reason)
    if not standing:
        stop("No opposition is recorded.")
    show_rows(COLUMNS, map(_row, standing), json)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV with a column of addresses, hashes or @domains; header optional.", dir_okay=False)
    ],
    hash_: Annotated[Hash | None, typer.Option("--hash", help="The column holds hashes of this kind only.")] = None,
    scope: HowFar = None,
    advertiser: Advertiser = "",
    stream: StreamName = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an import of this file stopped.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Record a whole list; exit 1 where rows were rejected."""
    run(_import(config, file, hash_, (scope, advertiser, stream), resume, json))


async def _import(
    config: Path, path: Path, hash_: Hash | None, far: tuple[Scope | None, str, str], resume: bool, json: bool
) -> None:
    from gateway.commands.importing import columns_of, examine_source, import_rows
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused
    from gateway.flow.opposition_list import OppositionReader, find_columns

    source = examine_source(path)
    async with open_office(config, Writing.IMPORT) as office:
        columns = find_columns(office.identity, source.first)
        if isinstance(columns, Refused):
            stop(columns.sentence, 2)
        reader = OppositionReader(
            office.store.book, office.identity, office.administer, columns, _reach(office, *far), algorithm_of(hash_)
        )
        width = len(columns_of(source)) if columns.header else None
        total = await import_rows(source, columns.header, resume, office.store.book, office.clock, reader, width)
    show_one({"rows": total.rows, "recorded": total.recorded, "known": total.known, "rejected": total.rejected}, json)
    if total.rejected:
        raise typer.Exit(1)


@app.command()
def export(config: Config = DEFAULT_CONFIG) -> None:
    """Write everything recorded as CSV on stdout; recorded itself."""
    run(_export(config))


async def _export(config: Path) -> None:
    from gateway.commands.importing import writing_csv
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.ACT) as office:
        every = await office.administer.export_oppositions()
    with writing_csv(COLUMNS) as write:
        for one in every:
            write(_row(one))


def _row(one: Opposition) -> tuple[str, ...]:
    at = one.at.isoformat(timespec="seconds")
    return one.person.hex(), one.block.value, one.scope.value, one.advertiser, one.stream, one.door.value, at
