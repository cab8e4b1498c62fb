"""`gateway journal archive`: the older part of the evidence into a folder or a bucket, and out of the store once that is proven."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, stop

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.flow.archive_ports import Run
    from gateway.flow.archiving import Archived
    from gateway.flow.keeper import Keeper
    from gateway.flow.store import Store
    from gateway.settings import Settings


def archive(
    until: Annotated[str, typer.Option(help="Archive entries from before this day (UTC). Empty: all but `keep_live`.")] = "",
    trim: Annotated[bool, typer.Option("--trim/--no-trim", help="Whether the store forgets what is archived.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Follow the chains and count; write and forget nothing.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Move older entries into the archive: followed, written, read back, named in the manifest, and only then forgotten."""
    run(_archive(config, until, trim, dry_run, json))


async def _archive(config: Path, until: str, trim: bool, dry: bool, json: bool) -> None:
    from gateway.archive_rooms import make_archiving, open_archive
    from gateway.commands.office import Writing, open_office
    from gateway.commands.turn import in_turn
    from gateway.flow.archiving import Plan

    async with open_office(config, Writing.NOTHING if dry else Writing.ARCHIVE) as office:
        place = open_archive(office.settings.archive)
        if place is None:
            stop("No [archive] is configured: name a folder or a bucket.", 2)
        plan = Plan(_moment(office.settings, until, office.clock.now()), trim, dry)
        say(f"Entries from before {plan.until.isoformat(timespec='seconds')}.")

        def work(store: Store) -> Awaitable[Archived]:
            return make_archiving(store, place, office.clock, lambda one: _told(one, json)).run(plan)

        def turn(keeper: Keeper) -> Awaitable[Archived | None]:
            return keeper.did(lambda lease: work(office.store.under(lease)))

        done = await (work(office.store) if dry else in_turn(office, turn))
    _conclude(done, plan.dry, json)


def _moment(settings: Settings, until: str, now: datetime) -> datetime:
    """Before when: a day that was named, or the latest that `keep_live` allows."""
    from gateway.archive_rooms import keep_live

    latest = keep_live(settings.archive).before(now)
    if not until:
        return latest
    try:
        day = datetime.fromisoformat(until).replace(tzinfo=UTC)
    except ValueError:
        stop("--until is no day: write it as 2026-11-21.", 2)
    if day > latest:
        stop(f"--until is too late: [archive] keep_live keeps entries since {latest.date().isoformat()} live.", 2)
    return day


def _told(one: Run, json: bool) -> None:
    """A line for each object, as soon as it is done."""
    if json:
        days = {"from": one.earliest.isoformat(), "to": one.latest.isoformat()}
        out(_dumped({"run": one.label, "entries": one.entries, "bytes": one.size, "sha256": one.digest.hex(), **days}))
    else:
        say(f"{one.label}: {one.entries} entries in {one.size / 1e6:.1f} MB, written, read back and proven.")


def _conclude(done: Archived, dry: bool, json: bool) -> None:
    breaks = [{"writer": found.writer, "entry": found.seq, "why": found.why} for found in done.breaks]
    if json:
        told = {"dry_run": dry, "archived": done.entries, "objects": len(done.runs), "found": done.adopted}
        out(_dumped({**told, "trimmed": done.trimmed, "breaks": breaks}))
    for found in done.breaks:
        say(f"{found.writer}-{found.seq}: {found.why}.")
    if done.breaks:
        stop(f"{len(done.breaks)} chains do not hold: from there on, nothing of them was archived or forgotten.")
    if dry:
        say(f"Dry run: {done.entries} entries would be archived; nothing was written.")
    else:
        say(f"{done.entries} entries archived in {len(done.runs)} objects, {done.trimmed} forgotten by the store.")


def _dumped(told: object) -> str:
    from json import dumps

    return dumps(told, ensure_ascii=False)
