"""`gateway daily`: what is due today - erasures, questions, leftovers - done, or counted with `--dry-run` (R-DP-10).

A running gateway does the same once a day by itself; the questions to people who have been silent for long are its to send.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_rows

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.flow.daily import Daily, Day
    from gateway.flow.keeper import Keeper
    from gateway.flow.store import Store


def register(parent: typer.Typer) -> None:
    """Add this command."""
    parent.command("daily")(daily)


def daily(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due; write and send nothing.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Erase what has reached the end of its time, and count what comes due; running it twice does nothing twice."""
    run(_daily(config, dry_run, json))


async def _daily(config: Path, dry: bool, json: bool) -> None:
    from gateway.archive_rooms import make_daily_archiving
    from gateway.commands.enrol import own_mail
    from gateway.commands.office import Writing, open_office
    from gateway.commands.turn import in_turn
    from gateway.edges.logs import JsonLog
    from gateway.flow.daily import Daily, Office, chores
    from gateway.flow.every_day import work_of_day
    from gateway.flow.officer import Officer
    from gateway.rooms import kept_for, make_enrolling, make_tasks

    async with open_office(config, Writing.DAILY) as office, own_mail(office) as (writer, nouns):

        def work(store: Store) -> Daily:
            book, vault, identity, clock = store.book, office.keys.vault, office.identity, office.clock
            own = writer.under(book)
            asking = make_enrolling(nouns, book, own, identity, vault, office.settings.public_url, clock)
            reminding = make_tasks(nouns, store, vault, clock).daily(Officer(own, identity, nouns.streams).tell)
            place = Office(book, identity, vault, office.policies(), office.streams, clock)
            archiving = make_daily_archiving(store, office.settings.archive, clock, JsonLog())
            return Daily(place, kept_for(office.settings), asking, chores(place, asking, reminding, archiving))

        def turn(keeper: Keeper) -> Awaitable[Day | None]:
            return work_of_day(keeper, lambda lease: work(office.store.under(lease)), office.store.book)

        _told(await (work(office.store).run(dry=True) if dry else in_turn(office, turn)), json)


def _told(day: Day, json: bool) -> None:
    from gateway.commands.plainly import dumped
    from gateway.flow.daily import LISTED, RULES, SWEPT, WRITING

    if json:
        counts = {name: day.counts[name] for name in (*RULES, *day.counts)}
        out(dumped({"at": day.at, "dry_run": day.dry, "counts": counts, "expired_api_keys": day.expired_keys, "ref": day.ref}))
        return
    other = sorted(set(day.counts) - {*WRITING, *LISTED, *SWEPT})
    rows = [(name, RULES.get(name, ""), day.counts[name]) for name in (*WRITING, *SWEPT, *other, *LISTED)]
    show_rows(("class", "rule", "count"), rows, False)
    if day.expired_keys:
        say(f"Expired API keys: {', '.join(day.expired_keys)}.")
    if day.counts["asked"] and not day.dry:
        say("The running gateway sends the questions.")
    if day.counts["to-be-asked"]:
        say(f"{day.counts['to-be-asked']} people could not be asked today, and are kept until they were; see `gateway check`.")
    say("Dry run: nothing was written." if day.dry else f"Recorded as {day.ref}." if day.ref else "Nothing was due.")
