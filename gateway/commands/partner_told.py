"""`gateway partner pending`, `receipts`, `tell` and `done`: what partners must be told, were told, and are told by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows, stop

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.flow.handing_over import HandingOver

PARTNER = "Only what this partner must be told."


def pending(
    partner: Annotated[str, typer.Option(help=PARTNER)] = "",
    tools: Annotated[bool, typer.Option("--tools", help="What tools must be told, by stream, instead.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List oppositions not yet acknowledged by partners, with the state of each; exit 1 where there are any."""
    run(_pending(config, partner, tools, json))


async def _pending(config: Path, partner: str, tools: bool, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.change import Errand

    wanted = Errand.TOOL if tools else Errand.PARTNER
    async with open_office(config, Writing.NOTHING) as office:
        notes = [note for note in await office.store.outbox.pending(partner) if note.errand is wanted]
    rows = [
        (
            *(note.id, note.partner, note.person.hex(), note.advertiser, note.scope.value, _at(note.at)),
            *(note.attempts, note.said, _at(note.due_at), note.alarmed),
        )
        for note in notes
    ]
    columns = ("note", wanted.value, "person", "advertiser", "scope", "at", "attempts", "said", "next", "alarmed")
    show_rows(columns, rows, json)
    say(f"{len(rows)} not yet acknowledged.")
    if rows:
        raise typer.Exit(1)


def receipts(
    partner: Annotated[str, typer.Option(help="Only of this partner.")] = "",
    days: Annotated[int, typer.Option(min=1, help="Of so many days.")] = 30,
    tools: Annotated[bool, typer.Option("--tools", help="Of tools, by stream, instead.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List what was told, when, and the receipt for it; what was given up is listed too."""
    run(_receipts(config, partner, days, tools, json))


async def _receipts(config: Path, partner: str, days: int, tools: bool, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.change import Errand

    wanted = Errand.TOOL if tools else Errand.PARTNER
    async with open_office(config, Writing.NOTHING) as office:
        notes = await office.store.outbox.receipts(datetime.now(UTC) - timedelta(days=days), partner)
    rows = [
        (
            *(note.id, note.partner, note.person.hex(), note.advertiser, note.scope.value, _at(note.at), _at(note.told_at)),
            *("acknowledged" if note.done else "not acknowledged", note.receipt),
        )
        for note in notes
        if note.errand is wanted
    ]
    show_rows(("note", wanted.value, "person", "advertiser", "scope", "at", "told", "outcome", "receipt"), rows, json)


def tell(
    partner: Annotated[str, typer.Argument(help="The partner to be told.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write what a partner must still be told as CSV on stdout: by keyed hash where a key is shared, else by address."""
    run(_tell(config, partner))


async def _tell(config: Path, partner: str) -> None:
    from gateway.commands.importing import writing_csv
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    async with open_office(config, Writing.ACT) as office:
        written = await _handing_over(office).write(partner)
    if isinstance(written, Refused):
        stop(written.sentence)
    with writing_csv(("hmac_sha256" if written.hashed else "address", "scope", "advertiser", "at")) as write:
        for one in written.entries:
            write((one.whom, one.scope.value, one.advertiser, _at(one.at)))
    say(f"{len(written.entries)} written. Once the partner has them: gateway partner done {partner}")
    if written.unknown:
        say(f"{written.unknown} more have no address on record: see gateway partner pending --partner {partner}")


def done(
    partner: Annotated[str, typer.Argument(help="The partner that has what `tell` wrote.")],
    receipt: Annotated[str, typer.Option(help="What it answered; recorded, names nobody.")] = "",
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Record that a partner has what was written for it, which ends its task."""
    run(_done(config, partner, receipt))


async def _done(config: Path, partner: str, receipt: str) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    async with open_office(config, Writing.ACT) as office:
        ended = await _handing_over(office).done(partner, receipt)
    if isinstance(ended, Refused):
        stop(ended.sentence)
    say(f"{ended} recorded as told.")


def _handing_over(office: Office) -> HandingOver:
    from gateway.flow.handing_over import HandingOver
    from gateway.settings import to_lines

    store, lines = office.store, to_lines(office.settings)
    legal_names = {stream.advertiser.name: stream.advertiser.legal_name for stream in office.streams.values()}
    return HandingOver(store.book, store.outbox, store.returns, lines, legal_names, office.keys.vault, office.clock)


def _at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
