"""`gateway partner`: who gave us addresses or receives some, the lists that name them, and what they must still be told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands import partner_notice, partner_passing, partner_told
from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows, stop
from gateway.commands.whom import only_advertiser

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.commands.office import Office
    from gateway.core.record import NamedPartner
    from gateway.flow.administer import Refused
    from gateway.flow.partners import Listed, PartnerLists

app = typer.Typer(help="Partners: their lists, what is passed to them, and what they must be told.", no_args_is_help=True)
MAX_FILE = 1 << 20


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    for notice in (partner_passing.export, partner_passing.transfers, partner_notice.overdue, partner_notice.notify):
        app.command()(notice)
    for command in (partner_told.pending, partner_told.receipts, partner_told.tell, partner_told.done):
        app.command()(command)
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
def publish(
    reason: Annotated[str, typer.Option(help="Why the list changes; recorded.")],
    partner: Annotated[list[str] | None, typer.Option(help="A configured partner; once for each in the list.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Publish a list that names nobody.")] = False,
    advertiser: Annotated[str, typer.Option(help="Whose list; needed where there are several.")] = "",
    version: Annotated[str, typer.Option(help="Its name. Default: today's date, then .2, .3.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Publish a new version of an advertiser's partner list; it is public at once and never changed; exit 1 where refused."""
    if bool(partner) == nobody:
        stop("Name each partner with --partner, or nobody with --nobody.", 2)
    run(_publish(config, advertiser, partner or [], (reason, version), json))


async def _publish(config: Path, advertiser: str, names: Sequence[str], words: tuple[str, str], json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.ACT) as office:
        name = only_advertiser(office, advertiser)
        done = _done(await _lists(office).publish(name, names, *words))
    _show([done], json)
    say(f"Published: {office.settings.public_url}/p/{name}")
    if done.changed.added:
        say("Each new partner may write to a person only once a mail of yours has told them (R-FR-24).")


@app.command()
def learn(
    collector: Annotated[str, typer.Option(help="The configured partner whose list it is.")],
    version: Annotated[str, typer.Option(help="The version, as the collector's records quote it.")],
    name: Annotated[list[str] | None, typer.Option(help="An organisation the list names; once for each.")] = None,
    names: Annotated[Path | None, typer.Option(help="File with one name a line.", dir_okay=False, exists=True)] = None,
    since: Annotated[str, typer.Option(help="From when on it was shown, ISO 8601. Default: now.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Record whom another collector's list named, so that what comes from there can be judged here (R-FR-20)."""
    if bool(name) == (names is not None):
        stop("Give the names with --name, or a file of them with --names.", 2)
    run(_learn(config, collector, version, name or _read_names(names), since, json))


async def _learn(config: Path, collector: str, version: str, names: Sequence[str], since: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.ACT) as office:
        lists = _lists(office)
        done = _done(await lists.learn(collector, version, names, _moment(since, office.clock.now())))
        ours = lists.named_of_ours(done.list)
    _show([done], json)
    say(f"Of your advertisers it names: {', '.join(ours)}." if ours else "It names none of your advertisers.")


def _moment(text: str, now: datetime) -> datetime | None:
    from gateway.core.columns import read_moment

    moment = read_moment(text, now) if text else None
    if text and moment is None:
        stop("--since is no date that can be read, or lies ahead.", 2)
    return moment


def _read_names(file: Path | None) -> list[str]:
    if file is None:
        return []
    with file.open("rb") as opened:
        raw = opened.read(MAX_FILE + 1)
    if len(raw) > MAX_FILE:
        stop(f"{file.name} is longer than {MAX_FILE} bytes.", 2)
    try:
        lines = raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        stop(f"{file.name} is not UTF-8.", 2)
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@app.command()
def lists(
    advertiser: Annotated[str, typer.Option(help="Only this collector's: an advertiser, or a partner.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Show every version of the partner lists and what it changed, newest first."""
    run(_show_lists(config, advertiser, json))


async def _show_lists(config: Path, advertiser: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        found = await _lists(office).lists(advertiser)
    if not found:
        stop("No partner list is recorded.")
    _show(found, json)


def _lists(office: Office) -> PartnerLists:
    from gateway.flow.partners import PartnerLists

    advertisers = {stream.advertiser.name: stream.advertiser for stream in office.streams.values()}
    return PartnerLists(office.store.book, advertisers, office.partners, office.clock)


def _done(done: Listed | Refused) -> Listed:
    from gateway.flow.administer import Refused

    if isinstance(done, Refused):
        stop(f"Refused: {done.sentence}")
    return done


def _show(found: Sequence[Listed], json: bool) -> None:
    columns = ("collector", "version", "at", "partners", "added", "removed", "altered", "reason")
    rows = [
        (
            one.list.collector,
            one.list.version,
            one.list.at.isoformat(timespec="seconds"),
            *map(_names, (one.list.partners, one.changed.added, one.changed.removed, one.changed.altered)),
            one.list.reason,
        )
        for one in found
    ]
    show_rows(columns, rows, json)


def _names(partners: Sequence[NamedPartner]) -> list[str]:
    return [one.legal_name or one.name for one in partners]
