"""`gateway consent show|confirm|receipt`: one person's consents and what proves them; every look is recorded (R-DP-20)."""

from __future__ import annotations

import json as jsons
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_one, stop
from gateway.commands.whom import AddressText, only_advertiser, read_address

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.core.receipt import Cell, Receipt
    from gateway.flow.consents import Consents

ByAdvertiser = Annotated[str, typer.Option("--advertiser", help="Only this advertiser's.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.command()(show)
    parent.command()(confirm)
    parent.command()(receipt)


def of(office: Office) -> Consents:
    """The register of this house."""
    from gateway.flow.consents import Consents

    return Consents(office.store.book, office.journal, office.identity, office.clock)


def show(address: AddressText, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Show one person's records with their whole proof, history included; the look is recorded."""
    run(_show(config, address, json))


async def _show(config: Path, address: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.receipt import record_table

    async with open_office(config, Writing.ACT) as office:
        records = await office.report().consents(read_address(address))
    if not records:
        stop("Nothing is recorded about this person.")
    for consent in records:
        told = {"person": consent.person.hex(), **record_table(consent)}
        show_one(told if json else {name: _indented(cell) for name, cell in told.items() if cell not in ("", False, [])}, json)
        if not json and consent is not records[-1]:
            out("")


def _indented(cell: Cell) -> Cell:
    """Words of several lines are set off, so that none of them can pass for a fact of ours."""
    return "\n    | ".join(cell.splitlines()) if isinstance(cell, str) else cell


def confirm(
    address: AddressText,
    purpose: Annotated[str, typer.Option(help="The purpose they signed up for.")],
    proof: Annotated[str, typer.Option(help="How they confirmed, in a line that names nobody: it is kept in the evidence.")],
    at: Annotated[str, typer.Option(help="When they confirmed, ISO 8601; now where it is not said.")] = "",
    advertiser: Annotated[str, typer.Option(help="To whom; needed where there are several.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Record that a person confirmed their sign-up by another way than the link (R-FR-42); exit 1 where none waits."""
    run(_confirm(config, address, purpose, proof, (at, advertiser), json))


async def _confirm(config: Path, address: str, purpose: str, proof: str, rest: tuple[str, str], json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.columns import read_moment
    from gateway.flow.administer import unfit_note

    at, advertiser = rest
    if refused := unfit_note(proof):
        stop(refused.sentence, 2)
    async with open_office(config, Writing.ACT) as office:
        now = office.clock.now()
        moment = read_moment(at, now) if at else now
        if moment is None:
            stop("--at is no date between 1900 and today.", 2)
        whom = advertiser or only_advertiser(office, "")
        done = await of(office).confirm(read_address(address), whom, purpose, moment, Writing.ACT.value, proof)
    if not done:
        stop("No sign-up of this person waits to be confirmed for this purpose.")
    show_one({"confirmed": len(done), "confirmed_at": moment.isoformat()}, json)


def receipt(
    address: AddressText,
    advertiser: ByAdvertiser = "",
    purpose: Annotated[str, typer.Option(help="Only this purpose.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write it as a page to this file too.", dir_okay=False)] = None,
    language: Annotated[str, typer.Option(help="The page's language.")] = "fr",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print what proves a person's consents, as JSON from which anybody can recompute each hash; the look is recorded."""
    run(_receipt(config, address, (advertiser, purpose), html, language))


async def _receipt(config: Path, address: str, only: tuple[str, str], html: Path | None, language: str) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.receipt import as_table

    async with open_office(config, Writing.ACT) as office:
        legal_names = {name: given.legal_name for name, given in office.settings.advertiser.items()}
        found = await of(office).receipt(read_address(address), legal_names, *only)
        templates = office.settings.gateway.templates_dir
    if found is None:
        stop("Nothing is recorded about this person.")
    if html is not None:
        _write_page(found, templates, html, language)
    out(jsons.dumps(as_table(found), ensure_ascii=False, indent=2))


def _write_page(found: Receipt, templates: Path | None, path: Path, language: str) -> None:
    from gateway.edges.files import folder_of, shipped
    from gateway.edges.web.receipt_page import LANGUAGES, ReceiptPage

    if language not in LANGUAGES:
        stop(f"There is no page in {language!r}; there are: {', '.join(LANGUAGES)}.", 2)
    page = ReceiptPage(folder_of("pages", templates), shipped("templates") / "pages").render(found, language)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(page)
    except OSError as error:
        stop(f"{path} cannot be written: {error.strerror}.")
    say(f"The page is in {path}.")
