"""`gateway stream`: how streams stand, and letting one wait or go on by hand, with a reason (R-MBX-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_rows, stop

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.core.complaint_rate import Rate
    from gateway.flow.complaints import StreamStanding

COLUMNS = ("stream", "paused", "provider", "delivered", "complained", "share", "days_below_0.3%_at_google")
Name = Annotated[str, typer.Argument(metavar="STREAM", help="A [stream.NAME] of the configuration.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the evidence.", prompt=False)]


def register(parent: typer.Typer) -> None:
    """Add this group."""
    app = typer.Typer(help="How streams stand; pause and resume them.", no_args_is_help=True)
    app.command("list")(list_streams)
    app.command("pause")(pause)
    app.command("resume")(resume)
    app.command("canary")(canary)
    parent.add_typer(app, name="stream")


def list_streams(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Show each stream, whether it waits, and who complained in the last 24 hours, by mailbox provider."""
    run(_list(config, json))


def pause(stream: Name, reason: Why, config: Config = DEFAULT_CONFIG) -> None:
    """Let a stream's marketing mail wait: tools are answered 451 until it is resumed."""
    run(_turn(config, stream, reason, paused=True))


def resume(stream: Name, reason: Why, config: Config = DEFAULT_CONFIG) -> None:
    """Let a paused stream go on; complaints up to this hour no longer count against it."""
    run(_turn(config, stream, reason, paused=False))


def canary(stream: Name, config: Config = DEFAULT_CONFIG) -> None:
    """Print the stream's canary address: put it on your list, and a provider that replaces our way out is found out."""
    run(_canary(config, stream))


async def _canary(config: Path, stream: str) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.canary import address_of

    async with open_office(config, Writing.NOTHING) as office:
        known, domain = office.streams.get(stream), office.settings.inbound.domain
        if known is None:
            stop(f"There is no stream {stream}.", 2)
        if domain is None:
            stop("There is no [inbound] domain that mail could come back to.")
        out(address_of(known, office.keys.token_keys, domain))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.complaints import Pausing

    async with open_office(config, Writing.NOTHING) as office:
        standing = await Pausing(office.store.book, office.streams, office.clock).standing()
    rows = [_row(one, rate) for one in standing for rate in one.rates or (None,)]
    show_rows(COLUMNS, rows, json)


def _row(one: StreamStanding, rate: Rate | None) -> tuple[str | bool | int | float | None, ...]:
    counted = (rate.provider, rate.delivered, rate.complained, round(rate.share, 5)) if rate else ("", 0, 0, 0.0)
    mitigated = one.mitigated if rate and rate.provider == "google" else None
    return (one.stream, one.paused, *counted, mitigated)


async def _turn(config: Path, stream: str, reason: str, paused: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.complaints import Pausing

    if not reason.strip():
        stop("A reason is needed: it is part of the evidence.", 2)
    async with open_office(config, Writing.ACT) as office:
        if stream not in office.streams:
            stop(f"There is no stream {stream}.", 2)
        pausing = Pausing(office.store.book, office.streams, office.clock)
        done = await (pausing.pause if paused else pausing.resume)(stream, Writing.ACT.value, reason)
    word = "waits" if paused else "goes on"
    say(f"{stream} {word}." if done else f"{stream} {'waits already' if paused else 'was not paused'}: nothing changed.")
