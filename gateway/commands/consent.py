"""`gateway consent`: on what grounds people may be written to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands import consent_proof
from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_one, stop
from gateway.commands.whom import AddressText, only_advertiser, read_address
from gateway.core.record import Audience, Basis

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.flow.filing import Clerk

app = typer.Typer(help="The register of consents and other grounds.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    consent_proof.register(app)
    parent.add_typer(app, name="consent")


@app.command()
def add(
    address: AddressText,
    purpose: Annotated[str, typer.Option(help="What the person agreed to, as the stream's purpose says it.")],
    source: Annotated[str, typer.Option(help="'direct', a partner's name, or where the address came from.")],
    collected_at: Annotated[str, typer.Option(help="When, ISO 8601, with its offset.")],
    action: Annotated[str, typer.Option(help="What the person did: checkbox-ticked, doi-confirmed, form...")],
    wording: Annotated[str, typer.Option(help="The words the person agreed to, or their version.")],
    advertiser: Annotated[str, typer.Option(help="To whom; needed where there are several.")] = "",
    audience: Annotated[Audience, typer.Option(help="In which capacity.")] = Audience.CONSUMER,
    basis: Annotated[Basis, typer.Option(help="On what grounds.")] = Basis.CONSENT,
    function: Annotated[str, typer.Option(help="A professional's function.")] = "",
    partner_list_version: Annotated[str, typer.Option(help="The partner list that named the advertiser.")] = "",
    more: Annotated[
        list[str] | None, typer.Option("--set", help="Any other column of an import, as column=value; repeat for more.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Record one person's consent with its proof; exit 1 where it is refused."""
    given = {
        "advertiser": advertiser,
        "purpose": purpose,
        "audience": audience.value,
        "basis": basis.value,
        "source": source,
        "collected_at": collected_at,
        "action": action,
        "wording": wording,
        "function": function,
        "partner_list_version": partner_list_version,
    }
    run(_add(config, address, given | _columns(more or []), json))


def _columns(more: list[str]) -> dict[str, str]:
    """What `--set` said; a column that no import knows is misuse."""
    from gateway.core.columns import OPTIONAL, proper

    pairs = [one.partition("=")[::2] for one in more]
    names = proper([name.strip().lower() for name, _ in pairs])
    if unknown := next((name for name in names if name not in OPTIONAL), None):
        stop(f"--set {unknown}: there is no such column; there are: {', '.join(OPTIONAL)}.", 2)
    return {name: value for name, (_, value) in zip(names, pairs, strict=True)}


async def _add(config: Path, address: str, given: dict[str, str], json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.columns import RowFault
    from gateway.flow.claims import State
    from gateway.flow.consent_list import record_one

    async with open_office(config, Writing.ACT) as office:
        given["advertiser"] = given["advertiser"] or only_advertiser(office, "")
        row = {"address": read_address(address).wire, **given}
        done = await record_one(office.store.book, office.clock, _clerk(office), row)
    if isinstance(done, RowFault):
        stop(f"Refused: {done}.")
    opposed = done.state is State.STAYS_OPPOSED
    state = "known already" if not done.fresh else "unproven" if done.missing else "recorded"
    show_one({"state": state, "missing": done.missing, "stays_opposed": opposed}, json)
    if opposed:
        say("This person opposed and stays opposed: only a fresh act of the person lifts that (R-FR-64).")
    if done.combined:
        say("One box for you and your partners counts for you alone (R-FR-21).")


def _clerk(office: Office) -> Clerk:
    from gateway.flow.filing import Clerk

    book, vault = office.store.book, office.keys.vault
    return Clerk(book, office.identity, vault, office.policies(), office.streams, office.partners)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV whose header names the columns; see docs.", dir_okay=False)],
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an import of this file stopped.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Record a whole file; exit 1 where rows were rejected."""
    run(_import(config, file, resume, json))


async def _import(config: Path, path: Path, resume: bool, json: bool) -> None:
    from gateway.commands.importing import columns_of, examine_source, import_rows
    from gateway.commands.office import Writing, open_office
    from gateway.core.columns import check_header
    from gateway.flow.consent_list import ConsentReader

    source = examine_source(path)
    columns = columns_of(source)
    if fault := check_header(columns):
        stop(f"The header cannot be used: {fault}.", 2)
    async with open_office(config, Writing.IMPORT) as office:
        reader = ConsentReader(_clerk(office), columns)
        total = await import_rows(source, True, resume, office.store.book, office.clock, reader, len(columns))
    told = {"rows": total.rows, "recorded": total.recorded, "known": total.known, "rejected": total.rejected}
    show_one({**told, "unproven": total.unproven, "stay_opposed": total.opposed, "combined": total.combined}, json)
    if total.combined:
        say(f"{total.combined} had one box for you and your partners: kept for you alone (R-FR-21).")
    if total.rejected:
        raise typer.Exit(1)


@app.command()
def export(
    advertiser: Annotated[str, typer.Option(help="Only this advertiser's.")] = "",
    history: Annotated[bool, typer.Option("--history", help="Withdrawn records too, with the state of each.")] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write the register with its addresses as CSV on stdout, as `import` reads it; recorded itself."""
    run(_export(config, advertiser, history))


async def _export(config: Path, advertiser: str, history: bool) -> None:
    from gateway.commands.importing import writing_csv
    from gateway.commands.office import Writing, open_office
    from gateway.core.columns import OPTIONAL, REQUIRED, TOLD_ONLY
    from gateway.core.register_row import as_row

    columns = (*REQUIRED, *OPTIONAL, *(TOLD_ONLY if history else ()))
    async with open_office(config, Writing.ACT) as office:
        with writing_csv(columns) as write:
            async for one in consent_proof.of(office).export(advertiser):
                if history or one.consent.withdrawn_at is None:
                    cells = {"address": office.keys.vault.open(one.sealed_address).decode(), **as_row(one.consent, one.last_act)}
                    write([cells[column] for column in columns])


@app.command("list")
def list_(
    advertiser: Annotated[str, typer.Option(help="Only this advertiser's.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List the register by key, without addresses."""
    run(_list(config, advertiser, json))


async def _list(config: Path, advertiser: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.register_row import as_row

    columns = {"person": 32, "advertiser": 16, "purpose": 20, "covers": 8, "audience": 12, "basis": 19, "source": 16}
    columns |= {"collected_at": 25, "state": 9}
    async with open_office(config, Writing.NOTHING) as office:
        begun = json
        async for consent, _ in office.store.book.register(advertiser):
            if not begun:
                out("  ".join(name.ljust(width) for name, width in columns.items()).rstrip())
                begun = True
            row = {"person": consent.person.hex(), **as_row(consent)}
            if json:
                show_one({name: row[name] for name in columns}, json)
            else:
                out("  ".join(row[name].ljust(width) for name, width in columns.items()).rstrip())
