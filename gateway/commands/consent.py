"""`gateway consent`: on what grounds people may be written to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_one, show_rows, stop
from gateway.commands.whom import AddressText, read_address
from gateway.core.record import Audience, Basis, Consent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.commands.office import Office
    from gateway.flow.consent_list import ConsentReader

app = typer.Typer(help="The register of consents and other grounds.", no_args_is_help=True)
COLUMNS = ("person", "advertiser", "purpose", "audience", "basis", "source", "collected_at", "state")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="consent")


@app.command()
def add(
    address: AddressText,
    purpose: Annotated[str, typer.Option(help="What the person agreed to, as the stream's purpose says it.")],
    source: Annotated[str, typer.Option(help="'direct', a partner's name, or where the address came from.")],
    collected_at: Annotated[str, typer.Option(help="When, ISO 8601.")],
    action: Annotated[str, typer.Option(help="What the person did: checkbox-ticked, doi-confirmed, form...")],
    wording: Annotated[str, typer.Option(help="The words the person agreed to, or their version.")],
    advertiser: Annotated[str, typer.Option(help="To whom; needed where there are several.")] = "",
    audience: Annotated[Audience, typer.Option(help="In which capacity.")] = Audience.CONSUMER,
    basis: Annotated[Basis, typer.Option(help="On what grounds.")] = Basis.CONSENT,
    function: Annotated[str, typer.Option(help="A professional's function.")] = "",
    partner_list_version: Annotated[str, typer.Option(help="The partner list that named the advertiser.")] = "",
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
    run(_add(config, address, given, json))


async def _add(config: Path, address: str, given: dict[str, str], json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.consent_list import record_one

    async with open_office(config, Writing.ACT) as office:
        given["advertiser"] = given["advertiser"] or _only_advertiser(office)
        row = {"address": read_address(address).wire, **given}
        done = await record_one(office.store.book, office.clock, _reader(office, tuple(row)), tuple(row.values()))
    if isinstance(done, str):
        stop(f"Refused: {done}.")
    state = "known already" if done.known else "unproven" if done.unproven else "recorded"
    show_one({"state": state, "stays_opposed": bool(done.opposed)}, json)
    if done.opposed:
        say("This person opposed and stays opposed: only a fresh act of the person lifts that (R-FR-64).")


def _only_advertiser(office: Office) -> str:
    if len(office.settings.advertiser) != 1:
        stop("Say for which advertiser: --advertiser.", 2)
    return next(iter(office.settings.advertiser))


def _reader(office: Office, columns: Sequence[str]) -> ConsentReader:
    from gateway.flow.consent_list import ConsentReader

    book, vault = office.store.book, office.keys.vault
    return ConsentReader(book, office.identity, vault, office.policies(), office.streams, office.partners, columns)


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

    async with open_office(config, Writing.NOTHING) as office:
        register_ = await office.store.book.consents(None, advertiser)
    show_rows(COLUMNS, (_row(consent) for consent, _ in register_), json)


@app.command()
def show(address: AddressText, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Show one person's records with their proof, history included; the look is recorded."""
    run(_show(config, address, json))


async def _show(config: Path, address: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.ACT) as office:
        records = await office.report().consents(read_address(address))
    if not records:
        stop("Nothing is recorded about this person.")
    for consent in records:
        show_one(_proof(consent), json)
        if not json and consent is not records[-1]:
            out("")


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
    from gateway.core.register import check_header

    source = examine_source(path)
    columns = columns_of(source)
    if fault := check_header(columns):
        stop(f"The header cannot be used: {fault.reason.value} {fault.field}.", 2)
    async with open_office(config, Writing.IMPORT) as office:
        reader = _reader(office, columns)
        total = await import_rows(source, True, resume, office.store.book, office.clock, reader, len(columns))
    told = {"rows": total.rows, "recorded": total.recorded, "known": total.known, "rejected": total.rejected}
    show_one({**told, "unproven": total.unproven, "stay_opposed": total.opposed}, json)
    if total.rejected:
        raise typer.Exit(1)


@app.command()
def export(
    advertiser: Annotated[str, typer.Option(help="Only this advertiser's.")] = "",
    history: Annotated[
        bool, typer.Option("--history", help="Withdrawn records too, with their state: proof, not for import.")
    ] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write the register with its addresses as CSV on stdout, as `import` reads it; recorded itself."""
    run(_export(config, advertiser, history))


async def _export(config: Path, advertiser: str, history: bool) -> None:
    from gateway.commands.importing import writing_csv
    from gateway.commands.office import Writing, open_office
    from gateway.core.register import OPTIONAL, REQUIRED

    columns = (*REQUIRED, *OPTIONAL, *(("state", "recorded_at") if history else ()))
    async with open_office(config, Writing.ACT) as office:
        records = await office.report().export_consents(advertiser)
        with writing_csv(columns) as write:
            for consent, sealed in records:
                if history or consent.withdrawn_at is None:
                    cells = {"address": office.keys.vault.open(sealed).decode(), **_proof(consent)}
                    write([cells[column] for column in columns])


def _proof(consent: Consent) -> dict[str, str]:
    """Everything on record, as words."""
    return {
        "person": consent.person.hex(),
        "advertiser": consent.advertiser,
        "purpose": consent.purpose,
        "audience": consent.audience.value,
        "basis": consent.basis.value,
        "source": consent.source,
        "collected_at": consent.collected_at.isoformat() if consent.collected_at else "",
        "action": consent.action,
        "wording": consent.wording,
        "function": consent.function,
        "notice_sent_at": consent.notice_sent_at.isoformat() if consent.notice_sent_at else "",
        "partner_list_version": consent.partner_list_version,
        "product_family": consent.product_family,
        "professional_proof": consent.professional_proof,
        "state": _state(consent),
        "recorded_at": consent.recorded_at.isoformat(timespec="seconds") if consent.recorded_at else "",
    }


def _state(consent: Consent) -> str:
    if consent.withdrawn_at:
        return f"withdrawn {consent.withdrawn_at.isoformat(timespec='seconds')}"
    return f"unproven: lacks {', '.join(consent.missing)}" if consent.missing else "usable"


def _row(consent: Consent) -> tuple[str, ...]:
    proof = _proof(consent)
    return tuple(proof[column] for column in COLUMNS)
