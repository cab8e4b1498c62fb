"""`gateway sync`: makes our suppressions and a provider's own list agree, in either direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_one, stop

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.commands.office import Office
    from gateway.flow.provider_events import Source
    from gateway.flow.sync import Listing, Sync

Name = Annotated[str, typer.Argument(metavar="PROVIDER", help="A [provider.NAME] of the configuration, with an API key.")]


def register(parent: typer.Typer) -> None:
    """Add this group."""
    app = typer.Typer(help="Suppression lists of providers: read theirs, tell them ours.", no_args_is_help=True)
    app.command("pull")(pull)
    app.command("push")(push)
    parent.add_typer(app, name="sync")


def pull(provider: Name, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Record the bounces, complaints and unsubscribes that the provider lists; the next time only what is new."""
    run(_pull(config, provider, json))


def push(provider: Name, config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Put everybody who opposed an advertiser of this provider on its list, as far as their address is still known."""
    run(_push(config, provider, json))


async def _pull(config: Path, provider: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.IMPORT) as office:
        sync, source, listing = _built(office, provider)
        done = await sync.pull(source, listing)
    show_one({"provider": provider, "entries": done.entries, "new": done.fresh}, json)


async def _push(config: Path, provider: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.IMPORT) as office:
        sync, source, listing = _built(office, provider)
        if office.settings.provider[provider].kind == "ses":
            stop("SES's list holds back service mail too; an opposition to advertising does not belong there.")
        done = await sync.push(source, listing, {stream.advertiser.name for stream in office.streams.values()})
    show_one({"provider": provider, "told": done.told, "known": done.known, "without_address": done.nameless}, json)
    if done.nameless:
        say(f"{done.nameless} cannot be named: only the key of their address is kept. Their mail is refused here all the same.")


def _built(office: Office, name: str) -> tuple[Sync, Source, Listing]:
    from io import StringIO

    from gateway.edges.logs import JsonLog
    from gateway.edges.metrics import Metrics
    from gateway.flow.bounces import Bounces
    from gateway.flow.provider_events import ProviderEvents, Source
    from gateway.flow.sync import Sync
    from gateway.flow.way_back import WayBack
    from gateway.provider_rooms import make_listing, soft_bounds
    from gateway.rooms import CannotStart

    given = office.settings.provider.get(name)
    if given is None:
        stop(f"There is no [provider.{name}].", 2)
    try:
        listing = make_listing(name, given, office.clock.now)
    except CannotStart as fault:
        stop(str(fault))
    if listing is None:
        stop(f"A provider of kind {given.kind} has no list that could be asked.")
    book, returns, clock = office.store.book, office.store.returns, office.clock
    partners, log, meter = tuple(office.partners.values()), JsonLog(StringIO()), Metrics()
    numbers = {stream.number: stream for stream in office.streams.values()}
    way_back = WayBack(book, office.keys.token_keys, numbers, partners, clock, meter, log)
    bounces = Bounces(book, returns, office.streams, partners, soft_bounds(office.settings), clock, meter, log)
    advertisers = tuple(dict.fromkeys(stream.advertiser.name for stream in office.streams.values()))
    events = ProviderEvents(bounces, returns, way_back, office.identity, advertisers, meter, clock, log)
    return Sync(book, returns, events, office.keys.vault, clock), Source(name, given.advertisers), listing
