"""`gateway person`: what one person may ask of us - to see, take along, erase, restrict or correct their file (GDPR 15 to 20).

Make sure first that whoever asks holds the mailbox: answer to that address (GDPR 12(6)).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_one, show_rows, stop
from gateway.commands.whom import AddressText, read_address
from gateway.core.record import Door

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.commands.office import Office
    from gateway.core.dossier_words import Given, Sheet
    from gateway.flow.person import Erased, PersonFile

app = typer.Typer(help="One person's file and rights.", no_args_is_help=True)
Why = Annotated[str, typer.Option("--reason", help="Why; recorded with the act, so it names nobody.")]
LOOKS = ("at", "outcome", "detail", "ref")


class Asked(StrEnum):
    """By which way a person's request came."""

    POST = Door.POST.value
    PHONE = Door.PHONE.value
    REPLY = Door.REPLY.value
    WEB = Door.WEB.value
    CLI = Door.CLI.value


class Shape(StrEnum):
    """How the portable file is written."""

    JSON = "json"
    CSV = "csv"


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="person")


@app.command()
def export(
    address: AddressText,
    reason: Why = "access request",
    html: Annotated[Path | None, typer.Option(help="Write a page the person can read into this file.", dir_okay=False)] = None,
    language: Annotated[str, typer.Option(help="Language of the page and of the rules: fr or en. Empty: the person's pack.")] = "",
    portable: Annotated[bool, typer.Option("--portable", help="Only what the person gave under consent (GDPR 20).")] = False,
    shape: Annotated[Shape, typer.Option("--format", help="Of the portable file.")] = Shape.JSON,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print everything held about a person as JSON; the look is recorded."""
    run(_export(config, address, reason, html, language, shape if portable else None))


async def _export(config: Path, text: str, reason: str, html: Path | None, language: str, portable: Shape | None) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.commands.plainly import dumped
    from gateway.flow.administer import Refused

    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        files = _files(office)
        if portable is not None:
            given = await files.portable(address, reason)
            if isinstance(given, Refused):
                stop(given.sentence, 2)
            _portable(given, portable)
            return
        sheet = await files.sheet(address, reason, language)
        if isinstance(sheet, Refused):
            stop(sheet.sentence, 2)
        if html is not None:
            _page(office, sheet, html)
    out(dumped(sheet, indent=2))


def _files(office: Office) -> PersonFile:
    from gateway.flow.person import PersonFile

    return PersonFile(
        office.store.book,
        office.journal,
        office.identity,
        office.keys.vault,
        office.streams,
        office.partners,
        office.policies(),
        office.clock,
    )


def _page(office: Office, sheet: Sheet, file: Path) -> None:
    """The page, readable by its owner alone: it holds a person's data."""
    from gateway.edges.files import folder_of, shipped
    from gateway.edges.web.person_page import PersonPage

    page = PersonPage((folder_of("pages", office.settings.gateway.templates_dir), shipped("templates") / "pages"))
    file.touch(mode=0o600)
    file.write_text(page.render(sheet), encoding="utf-8")
    say(f"Page: {file}")


def _portable(rows: Sequence[Given], shape: Shape) -> None:
    from dataclasses import asdict, fields

    from gateway.commands.importing import writing_csv
    from gateway.commands.plainly import dumped
    from gateway.core.dossier_words import Given

    if shape is Shape.JSON:
        out(dumped(rows, indent=2))
        return
    columns = [field.name for field in fields(Given)]
    with writing_csv(columns) as write:
        for one in rows:
            write([asdict(one)[column] for column in columns])


@app.command()
def erase(
    address: AddressText,
    reason: Why,
    advertiser: Annotated[str, typer.Option(help="Only this advertiser's file. Empty: everything.")] = "",
    door: Annotated[Asked, typer.Option(help="By which way the request came.")] = Asked.POST,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Erase a person's file, keep their opposition, and tell the partners that hold it."""
    run(_erase(config, address, reason, advertiser, Door(door.value), json))


async def _erase(config: Path, text: str, reason: str, advertiser: str, door: Door, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        done = await _files(office).erase(address, reason, advertiser, door)
        if isinstance(done, Refused):
            stop(done.sentence, 2)
        say("Making what was erased unreadable in the file...")
        await office.store.book.compact()
    _told(done, advertiser, json)


def _told(done: Erased, advertiser: str, json: bool) -> None:
    from gateway.commands.plainly import dumped

    if json:
        out(dumped(done))
    else:
        erased = f"{done.records} records, {done.notices} notices, {done.sign_ups} sign-ups"
        show_one({"erased": erased, "partners told": list(done.told), "ref": done.ref}, False)
    scope = f"for advertiser {advertiser}" if advertiser else "for every advertiser"
    say(f"Kept, and to be told to the person: their opposition {scope}, as a keyed digest without address or name, so that the")
    say("same address is refused if it is ever imported again (GDPR 17(3)(b) and 21(3)); the journal's entries, under the same")
    say("key, as evidence (GDPR 17(3)(e)).")
    if done.transfers_kept:
        say(f"{done.transfers_kept} passings to partners stay on record, because those partners must be told (GDPR 19).")
    say("Mail of this person that waits in a spool is dropped at its next attempt. Mail kept for a human is not searched.")


@app.command()
def restrict(
    address: AddressText,
    reason: Why,
    lift: Annotated[bool, typer.Option("--lift", help="End the restriction.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Keep a person's data and send nothing until the restriction is lifted (GDPR 18)."""
    run(_restrict(config, address, reason, lift, json))


async def _restrict(config: Path, text: str, reason: str, lift: bool, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Lifted, Refused

    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        files = _files(office)
        done = await files.unrestrict(address, reason) if lift else await files.restrict(address, reason)
    match done:
        case Refused():
            stop(done.sentence, 1)
        case Lifted():
            show_one({"state": "lifted", "still_stands": [one.block.value for one in done.standing]}, json)
        case _:
            show_one({"state": "restricted", "ref": done}, json)


@app.command()
def rectify(
    old: Annotated[str, typer.Argument(help="The address on record.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="The address the person has now.", metavar="NEW")],
    reason: Why,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Move a person's file to their new address; what they opposed is opposed under both."""
    run(_rectify(config, old, new, reason, json))


async def _rectify(config: Path, old: str, new: str, reason: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    before, after = read_address(old), read_address(new)
    async with open_office(config, Writing.ACT) as office:
        done = await _files(office).rectify(before, after, reason)
        if isinstance(done, Refused):
            stop(done.sentence, 1)
        await office.store.book.compact()
    show_one({"records": done.records, "oppositions": done.oppositions, "partners_to_tell": list(done.partners)}, json)
    if done.partners:
        say("These partners hold the old address: tell them of the new one (GDPR 19).")


@app.command()
def looks(address: AddressText, reason: Why = "review of looks", config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List who looked into a person's file, when and why (R-DP-20); this look is recorded too."""
    run(_looks(config, address, reason, json))


async def _looks(config: Path, text: str, reason: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        found = await _files(office).looks(address, reason)
    if isinstance(found, Refused):
        stop(found.sentence, 2)
    show_rows(LOOKS, [(one.at.isoformat(timespec="seconds"), one.outcome, one.detail, one.ref) for one in found], json)
