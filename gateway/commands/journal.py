"""`gateway journal`: the evidence, shown, proven, taken out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_rows, stop
from gateway.commands.journal_archive import archive
from gateway.commands.whom import read_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.flow.ports import Entry
    from gateway.flow.report import Checked, Head

app = typer.Typer(help="The evidence of every decision and change.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    app.command()(archive)
    parent.add_typer(app, name="journal")


@app.command()
def show(
    ref: Annotated[str, typer.Argument(help="The ref= of a refusal; without it, the latest entries.")] = "",
    person: Annotated[str, typer.Option(help="All entries about this address; - reads it from stdin. The look is recorded.")] = "",
    last: Annotated[int, typer.Option(help="How many of the latest entries of each writer.", min=1)] = 20,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Show one entry, a person's entries, or the latest ones."""
    run(_show(config, ref, person, last, json))


async def _show(config: Path, ref: str, person: str, last: int, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.model import Ref

    address = read_address(person) if person else None
    async with open_office(config, Writing.ACT if address else Writing.NOTHING) as office:
        if address is not None:
            entries = list(await office.report().events_of(address))
        elif ref:
            entry = await office.journal.entry(Ref(ref))
            entries = [entry] if entry else []
        else:
            journal = office.journal
            entries = [
                entry for writer, seq, _ in await journal.heads() async for entry in journal.entries(writer, max(0, seq - last))
            ]
    if not entries:
        stop("There is no such entry, neither in the store nor where [archive] says.")
    for entry in entries:
        out(_as_json(entry) if json else _as_words(entry))


@app.command()
def verify(
    heads: Annotated[
        Path | None, typer.Option(help="Heads exported earlier and kept elsewhere: finds a cut tail.", exists=True)
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Check an exported journal instead of the store.", exists=True)] = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Prove that no entry was edited, deleted, swapped or cut off; exit 1 where one was."""
    run(_verify(config, heads, file, json))


async def _verify(config: Path, heads: Path | None, file: Path | None, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.edges.journal_files import Malformed, read_heads
    from gateway.flow.report import check
    from gateway.flow.whole_journal import WholeJournal

    try:
        known = read_heads(heads) if heads else []
        if file is not None:
            _told(await check(_streamed(file), known), json)
            return
    except Malformed as error:
        stop(str(error), 2)
    async with open_office(config, Writing.NOTHING) as office:
        journal = office.journal
        checked = await (journal.verify(known) if isinstance(journal, WholeJournal) else office.report().verify(known))
    _told(checked, json)


async def _streamed(file: Path) -> AsyncIterator[Entry]:
    from gateway.edges.journal_files import read_entries

    for entry in read_entries(file):
        yield entry


def _told(checked: Checked, json: bool) -> None:
    show_rows(("writer", "entry", "why"), [(found.writer, found.seq, found.why) for found in checked.breaks], json)
    if checked.breaks:
        if any(found.why.startswith("entries 1 to ") for found in checked.breaks):
            say("A chain that lacks its beginning may have been archived: does [archive] name the place it went to?")
        stop(f"{checked.entries} entries: the chain does not hold in {len(checked.breaks)} places.")
    say(f"{checked.entries} entries: every chain holds.")


@app.command()
def export(
    heads: Annotated[Path, typer.Option(help="File for the heads; keep it elsewhere, it proves that nothing was cut off.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write every entry as JSON lines on stdout, and the heads into a file."""
    run(_export(config, heads))


async def _export(config: Path, heads: Path) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.edges.journal_files import entry_line, write_heads

    reached: dict[str, Head] = {}
    async with open_office(config, Writing.NOTHING) as office:
        async for entry in office.journal.entries():
            out(entry_line(entry))
            reached[entry.writer] = (entry.writer, entry.seq, entry.hash)
    write_heads(heads, reached.values())
    say(f"Heads of {len(reached)} chains: {heads}")


def _as_json(entry: Entry) -> str:
    from gateway.edges.journal_files import entry_line

    return entry_line(entry)


def _as_words(entry: Entry) -> str:
    from gateway.core.evidence import parse_event

    event = parse_event(entry.body)
    if event is None:
        return f"{entry.writer}-{entry.seq}  unreadable"
    told = {
        "person": event.person,
        "stream": event.stream,
        "advertiser": event.advertiser,
        "tool": event.tool,
        "reason": event.reason,
        "basis": event.basis,
        "rules": " ".join(event.rules),
        "policy": event.policy,
        "door": event.door,
        "about": event.about,
        "message": event.message,
        "body": event.body,
        "template": event.template,
        "detail": event.detail,
    }
    words = "  ".join(f"{name}={value}" for name, value in told.items() if value)
    at = event.at.isoformat(timespec="seconds")
    return f"{entry.writer}-{entry.seq}  {at}  {event.kind.value} {event.outcome}  {words}".rstrip()
