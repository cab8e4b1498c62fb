"""`gateway task`: what waits for a person - requests about rights, answers nobody could read for sure (R-FR-58, R-FR-61)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_one, show_rows, stop
from gateway.core.deadline import Outcome

if TYPE_CHECKING:
    from gateway.commands.office import Office, Writing
    from gateway.core.task import Task
    from gateway.flow.tasks import Tasks

app = typer.Typer(help="What waits for a person: read, close, extend.", no_args_is_help=True)
COLUMNS = ("task", "kind", "due", "state", "asks", "advertiser", "stream", "person", "note")
TaskId = Annotated[str, typer.Argument(help="The task, as `gateway task list` names it.", show_default=False)]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="task")


@app.command("list")
def list_(
    closed: Annotated[bool, typer.Option("--closed", help="The closed ones too.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """List tasks by their date, without addresses; exit 1 where one is overdue."""
    run(_list(config, closed, json))


async def _list(config: Path, closed: bool, json: bool) -> None:
    from gateway.commands.office import Writing
    from gateway.core.deadline import overdue

    async with _desk(config, Writing.NOTHING) as (office, tasks):
        now = office.clock.now()
        found = await tasks.waiting(closed=closed)
    rows = [
        (
            one.id,
            one.kind.value,
            one.due_at.date().isoformat(),
            one.outcome or ("overdue" if overdue(one, now) else "extended" if one.told_at else "open"),
            ",".join(one.asks),
            one.advertiser,
            one.stream,
            one.person.hex(),
            one.note,
        )
        for one in found
    ]
    show_rows(COLUMNS, rows, json)
    late = sum(overdue(one, now) for one in found)
    if not json:
        say(f"{sum(one.open for one in found)} open, {late} overdue.")
    if late:
        raise typer.Exit(1)


@app.command()
def show(
    task: TaskId,
    reason: Annotated[str, typer.Option(help="Why you read it; recorded, names nobody.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print the mail a task came from, as it came; that you read it is recorded (R-DP-20)."""
    run(_show(config, task, reason))


async def _show(config: Path, task: str, reason: str) -> None:
    from gateway.commands.office import Writing
    from gateway.flow.administer import Refused

    async with _desk(config, Writing.ACT) as (_, tasks):
        looked = await tasks.look(task, reason)
    if isinstance(looked, Refused):
        stop(looked.sentence)
    _describe(looked.task)
    if not looked.mail:
        say("There is no mail with it, or it was erased when the task was closed.")
    typer.echo(looked.mail, nl=False)


def _describe(task: Task) -> None:
    say(f"{task.kind.value}: {task.note}; asks: {', '.join(task.asks) or 'nothing in particular'}.")
    say(f"Opened {task.opened_at.date().isoformat()}, due {task.due_at.date().isoformat()}, {task.outcome or 'open'}.")


@app.command()
def close(
    task: TaskId,
    outcome: Annotated[Outcome, typer.Option(help="An unclear answer was refused or harmless; the rest is answered or done.")],
    note: Annotated[str, typer.Option(help="One line for the evidence; names nobody.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """End a task. `refused` records an opposition; `harmless` lets mail to the person go on."""
    run(_close(config, task, outcome, note, json))


async def _close(config: Path, task: str, outcome: Outcome, note: str, json: bool) -> None:
    from gateway.commands.office import Writing
    from gateway.flow.administer import Refused

    async with _desk(config, Writing.ACT) as (_, tasks):
        ended = await tasks.close(task, outcome, note)
    if isinstance(ended, Refused):
        stop(ended.sentence)
    show_one({"task": ended.id, "outcome": ended.outcome}, json)


@app.command()
def extend(
    task: TaskId,
    told: Annotated[str, typer.Option(help="Day on which the person was told that it takes longer, and why; ISO 8601.")],
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Give a request two months more, where the person was told before the first month ended (R-FR-61)."""
    run(_extend(config, task, told, json))


async def _extend(config: Path, task: str, told: str, json: bool) -> None:
    from gateway.commands.office import Writing
    from gateway.commands.report import moment
    from gateway.flow.administer import Refused

    async with _desk(config, Writing.ACT) as (_, tasks):
        longer = await tasks.extend(task, moment(told))
    if isinstance(longer, Refused):
        stop(longer.sentence)
    show_one({"task": longer.id, "due": longer.due_at.date().isoformat()}, json)


@app.command()
def remind(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Remind the officer of requests 20 days old and of everything overdue, as the daily job does; the running gateway sends it."""
    run(_remind(config, dry_run, json))


async def _remind(config: Path, dry: bool, json: bool) -> None:
    from gateway.commands.enrol import own_mail
    from gateway.commands.office import Writing
    from gateway.flow.officer import Officer

    async with _desk(config, Writing.ACT) as (office, tasks), own_mail(office) as (writer, nouns):
        officer = Officer(writer, office.identity, nouns.streams)
        counts = await tasks.remind(office.clock.now(), dry, officer.tell)
    show_one(dict(counts), json)


@asynccontextmanager
async def _desk(config: Path, writing: Writing) -> AsyncIterator[tuple[Office, Tasks]]:
    from gateway.commands.office import open_office
    from gateway.flow.tasks import Tasks

    async with open_office(config, writing) as office:
        store, partners = office.store, office.partners.values()
        yield office, Tasks(store.book, store.returns, office.keys.vault, office.streams, partners, office.clock)
