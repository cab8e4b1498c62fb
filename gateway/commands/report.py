"""`gateway report`: the record of processing, a period's totals, a remediation's state, whom an incident touched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands import report_partners
from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_one, show_rows, stop

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.flow.period import Accounts, Period
    from gateway.flow.processing import Processing, ProcessingSheet

app = typer.Typer(help="What a data protection officer must be able to show.", no_args_is_help=True)
Since = Annotated[str, typer.Option(help="From when on, ISO 8601; a day begins at 00:00 UTC.")]
Until = Annotated[str, typer.Option(help="To before when, ISO 8601. Empty: now.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    app.command()(report_partners.partners)
    parent.add_typer(app, name="report")


@app.command()
def processing(
    advertiser: Annotated[str, typer.Option(help="Only this advertiser's sheet.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write the sheets as a page into this file.", dir_okay=False)] = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Print the record of processing (GDPR 30) of each advertiser, from the live configuration."""
    run(_processing(config, advertiser, html, json))


async def _processing(config: Path, advertiser: str, html: Path | None, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.commands.plainly import dumped

    async with open_office(config, Writing.NOTHING) as office:
        sheets = _described(office).sheets(await office.store.book.arrangements(), office.clock.now(), advertiser)
        if not sheets:
            stop(f"There is no advertiser {advertiser!r} with a stream." if advertiser else "There is no stream yet.", 2)
        if html is not None:
            _page(office, sheets, html)
    for sheet in sheets:
        out(dumped(sheet)) if json else _as_words(sheet)
        if sheet.undeclared:
            say(f"Undeclared country (set country, R-DP-25): {', '.join(sheet.undeclared)}.")


def _described(office: Office) -> Processing:
    from gateway.flow.processing import Hop, Processing
    from gateway.settings.values import is_loopback

    given = office.settings
    hops = {name: Hop(name, one.host, one.country, one.tls, is_loopback(one.host)) for name, one in given.upstream.items()}
    countries = {name: one.country for name, one in given.partner.items() if one.country}
    return Processing(office.streams, office.partners, office.policies(), hops, countries)


def _page(office: Office, sheets: tuple[ProcessingSheet, ...], file: Path) -> None:
    from gateway.edges.files import folder_of, shipped
    from gateway.edges.web.person_page import ProcessingPage

    page = ProcessingPage((folder_of("pages", office.settings.gateway.templates_dir), shipped("templates") / "pages"))
    file.write_text(page.render(sheets), encoding="utf-8")
    say(f"Page: {file}")


def _as_words(sheet: ProcessingSheet) -> None:
    who = sheet.controller
    out(f"# {who.legal_name or who.name}")
    for name, value in (("address", who.postal_address), ("contact", who.contact), ("dpo", who.dpo), ("privacy", who.privacy_url)):
        if value:
            out(f"{name}: {value}")
    for one in sheet.activities:
        out(f"purpose: {one.purpose} ({one.category}; streams {', '.join(one.streams)}; people: {', '.join(one.people)})")
        out(f"  on the basis of: {'; '.join(one.bases)}")
    out(f"data: {'; '.join(sheet.data)}")
    for recipient in sheet.recipients:
        place = {True: ", OUTSIDE THE EEA", False: "", None: ", country undeclared"}[recipient.outside]
        out(f"recipient: {recipient.name}, {recipient.what}{f', {recipient.country}' if recipient.country else ''}{place}")
    out(f"partner list: {sheet.partner_list or 'none published'}")
    for term in sheet.terms:
        out(f"kept: {term.rule.id} {term.after} {term.rule.says}".replace("  ", " "))
    for measure in sheet.security:
        out(f"security: {measure}")
    out("")


@app.command()
def period(
    since: Annotated[str, typer.Option("--from", help="From when on, ISO 8601; a day begins at 00:00 UTC.")],
    until: Annotated[str, typer.Option("--to", help="To before when, ISO 8601. Empty: now.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Count what was decided and done in a period, by rule and reason (R-FR-93)."""
    run(_period(config, since, until, json))


async def _period(config: Path, since: str, until: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.commands.plainly import dumped

    async with open_office(config, Writing.NOTHING) as office:
        time = moment(since), moment(until) if until else office.clock.now()
        found = await _accounts(office, *time).period(*time)
    told = counted(found)
    if json:
        out(dumped(told))
        return
    for name, value in told.items():
        if isinstance(value, dict):
            show_rows((name, "count"), sorted(value.items(), key=lambda pair: -pair[1] if isinstance(pair[1], int) else 0), False)
            out("")
    show_one({name: str(value) for name, value in told.items() if not isinstance(value, dict)}, False)


def _accounts(office: Office, since: datetime, until: datetime) -> Accounts:
    from gateway.flow.period import Accounts

    return Accounts(office.journal_of(since, until), office.store.outbox, office.store.returns)


def counted(found: Period) -> dict[str, object]:
    """A period's totals by their names; delays in seconds from the person's sign to the record, by door."""
    return {
        "from": found.since,
        "to": found.until,
        "events": found.events,
        "kinds": dict(found.kinds),
        "reasons": dict(found.reasons),
        "rules": dict(found.rules),
        "fates": dict(found.fates),
        "oppositions": dict(found.doors),
        "delay_p50": {door: one.share(0.5) for door, one in found.delays.items()},
        "delay_p99": {door: one.share(0.99) for door, one in found.delays.items()},
        "delay_max": {door: one.longest for door, one in found.delays.items()},
        "partners_waiting": {name: count for name, (count, _) in found.waiting.items()},
        "partners_waiting_since": {name: oldest.isoformat() for name, (_, oldest) in found.waiting.items()},
        "tasks_open": dict(found.tasks),
        "tasks_overdue": {kind: count for kind, count in found.overdue.items() if count},
        "policy_changes": [list(change) for change in found.changes],
    }


@app.command()
def remediation(
    received: Annotated[str, typer.Option(help="Day the authority's notice came, ISO 8601.")],
    rule: Annotated[list[str], typer.Option(help="A rule the notice is about, as R-FR-29; may be repeated.")],
    within: Annotated[str, typer.Option(help="Time to comply, as a calendar duration.")] = "P3M",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Show the deadline of a notice to comply, and what the evidence says since about each rule of it (R-FR-94)."""
    run(_remediation(config, received, rule, within, json))


async def _remediation(config: Path, received: str, ids: list[str], within: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.duration import parse_duration

    span = parse_duration(within)
    if span is None:
        stop(f"{within!r} is no calendar duration such as P3M.", 2)
    async with open_office(config, Writing.NOTHING) as office:
        since, now = moment(received), office.clock.now()
        found = await _accounts(office, since, now).period(since, now)
        packs = list(office.policies().values())
    deadline = span.after(since)
    left = (deadline - now).days
    dates = {"received": received, "deadline": deadline.date().isoformat()}
    show_one({**dates, "days_left": left, "policy_changes": len(found.changes)}, json)
    says = {one: next((pack.rules[one].says for pack in packs if one in pack.rules), "not in a loaded pack") for one in ids}
    show_rows(("rule", "cited", "says"), [(one, found.rules[one], says[one]) for one in ids], json)


@app.command()
def scope(
    since: Since,
    until: Until = "",
    tool: Annotated[str, typer.Option(help="Only what this tool did.")] = "",
    keys: Annotated[Path | None, typer.Option(help="Write the keys of the people concerned here.", dir_okay=False)] = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Tell whom an incident may have touched: people, tools and streams in a time (GDPR 33, R-DP-22)."""
    run(_scope(config, since, until, tool, keys, json))


async def _scope(config: Path, since: str, until: str, tool: str, keys: Path | None, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        time = moment(since), moment(until) if until else office.clock.now()
        found = await _accounts(office, *time).scope(*time, tool)
    tools, streams = ({name: str(count) for name, count in counts.items()} for counts in (found.tools, found.streams))
    show_one({"people": len(found.people), "events": found.events, "tools": tools, "streams": streams}, json)
    if keys is not None:
        _write_keys(keys, found.people)
    say("A breach is notified to the authority within 72 hours of becoming aware of it (GDPR 33(1)).")


def _write_keys(file: Path, people: set[bytes]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{one.hex()}\n" for one in sorted(people)), encoding="ascii")
    say(f"Keys: {file}")


def moment(text: str) -> datetime:
    """A day or an instant as somebody typed it; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        stop(f"{text!r} is no date: write 2026-11-01 or 2026-11-01T09:00+01:00.", 2)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
