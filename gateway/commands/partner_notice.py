"""`gateway partner overdue` and `notify`: who must still be told where their address comes from, and telling them (R-FR-32)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_one, stop
from gateway.commands.whom import only_advertiser

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.core.duration import Duration
    from gateway.flow.partners import DueNotice, NoticesDue
    from gateway.flow.rights_notice import RightsNotices

Within = Annotated[str, typer.Option(help="Due within this calendar time, such as P7D. Default: what the pack says.")]
WIDTHS = {"person": 32, "advertiser": 16, "source": 24, "due": 25, "state": 10, "stopped": 10}


def overdue(
    within: Within = "",
    advertiser: Annotated[str, typer.Option(help="Only this advertiser's.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List first-contact notices that are overdue or due soon, by key, without addresses; exit 1 where any is overdue."""
    run(_overdue(config, _duration(within), advertiser, json))


async def _overdue(config: Path, within: Duration | None, advertiser: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    late = soon = 0
    async with open_office(config, Writing.NOTHING) as office:
        async for notice in _due(office).listed(office.clock.now(), within):
            if advertiser in ("", notice.advertiser):
                late, soon = late + notice.overdue, soon + (not notice.overdue)
                _show(notice, "overdue" if notice.overdue else "due", late + soon == 1, json)
    say(f"{late} overdue, {soon} due soon.")
    if late:
        raise typer.Exit(1)


def notify(
    advertiser: Annotated[str, typer.Option(help="Who tells; needed where there are several advertisers.")] = "",
    within: Within = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell who would be mailed.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Mail the notice of rights, without any advertising, to those `overdue` lists; the running gateway sends it."""
    run(_notify(config, advertiser, (_duration(within), dry_run), json))


async def _notify(config: Path, named: str, how: tuple[Duration | None, bool], json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    counts: Counter[str] = Counter()
    async with open_office(config, Writing.IMPORT) as office, _notices(office) as journey:
        async for one in journey.run(only_advertiser(office, named), *how):
            counts[one.state.value] += 1
            _show(one.notice, one.state.value, counts.total() == 1, json)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    say(f"{'Dry run: ' if how[1] else ''}{told or 'nobody must be told'}.")


@asynccontextmanager
async def _notices(office: Office) -> AsyncIterator[RightsNotices]:
    """The journey beside a running gateway: mail goes into the spool that the gateway empties."""
    from gateway.commands.enrol import own_mail
    from gateway.flow.rights_notice import RightsNotices

    async with own_mail(office) as (writer, _):
        yield RightsNotices(_due(office), writer, office.journal, office.keys.vault, office.clock)


def _due(office: Office) -> NoticesDue:
    from gateway.flow.partners import NoticesDue

    return NoticesDue(office.store.book, office.identity, office.keys.vault, office.policies(), office.streams)


def _show(notice: DueNotice, state: str, first: bool, json: bool) -> None:
    row = {
        "person": notice.person.hex(),
        "advertiser": notice.advertiser,
        "source": notice.source,
        "due": notice.due.isoformat(timespec="seconds"),
        "state": state,
        "stopped": notice.stopped,
    }
    if json:
        show_one(row, json)
        return
    if first:
        out("  ".join(name.ljust(width) for name, width in WIDTHS.items()).rstrip())
    out("  ".join(row[name].ljust(width) for name, width in WIDTHS.items()).rstrip())


def _duration(text: str) -> Duration | None:
    from gateway.core.duration import parse_duration

    found = parse_duration(text) if text else None
    if text and found is None:
        stop("--within is no calendar duration such as P7D or P1M.", 2)
    return found
