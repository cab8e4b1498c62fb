"""`gateway report partners`: whether partners acknowledge what they are told, and who is late (R-FR-36)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.flow.back_ports import Note

COLUMNS = ("partner", "waiting", "oldest", "alarmed", "acknowledged", "not_acknowledged", "slowest_hours")


def partners(
    days: Annotated[int, typer.Option(min=1, help="Receipts of so many days.")] = 30,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Tell for each partner what waits, since when, and what was acknowledged; exit 1 where one is late by a day or more."""
    run(_partners(config, days, json))


async def _partners(config: Path, days: int, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.change import Errand

    async with open_office(config, Writing.NOTHING) as office:
        waiting = [note for note in await office.store.outbox.pending() if note.errand is Errand.PARTNER]
        ended = await office.store.outbox.receipts(datetime.now(UTC) - timedelta(days=days))
        names = sorted({*office.partners, *(note.partner for note in waiting)})
    told = [note for note in ended if note.errand is Errand.PARTNER]
    show_rows(COLUMNS, [_row(name, waiting, told) for name in names], json)
    late = Counter(note.alarmed for note in waiting if note.alarmed)
    if late:
        say(f"Not acknowledged for 24 hours: {late.total()}, of which for 72 hours: {late[72]}.")
        raise typer.Exit(1)


def _row(name: str, waiting: Sequence[Note], told: Sequence[Note]) -> tuple[str | int, ...]:
    waits = [note for note in waiting if note.partner == name]
    ended = [note for note in told if note.partner == name]
    oldest = min((note.at for note in waits), default=None)
    slowest = max((note.told_at - note.at for note in ended if note.done and note.told_at), default=timedelta())
    return (
        name,
        len(waits),
        oldest.isoformat(timespec="seconds") if oldest else "",
        max((note.alarmed for note in waits), default=0),
        sum(note.done for note in ended),
        sum(not note.done for note in ended),
        f"{slowest.total_seconds() / 3600:.2f}",
    )
