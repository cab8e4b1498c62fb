"""How commands speak: data on stdout, words on stderr, 0 done, 1 refused or found wanting, 2 misuse (design 9)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

Config = Annotated[
    Path, typer.Option("--config", envvar="GATEWAY_CONFIG", help="Configuration file.", show_default=True, dir_okay=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON value a line, for machines.")]
DEFAULT_CONFIG = Path("gateway.toml")

Cell = str | int | float | bool | None | Sequence[str] | Mapping[str, str]


class Quiet:
    """Implements `ports.Log` for a command that says itself what came of it."""

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """See `ports.Log`."""


def say(words: str) -> None:
    """Tell a person something."""
    typer.echo(words, err=True)


def out(line: str) -> None:
    """Print one line of data; a long list is not flushed line by line."""
    sys.stdout.write(f"{line}\n")


def stop(words: str, code: int = 1) -> NoReturn:
    """Tell why the command ends here, and end it."""
    say(words)
    raise typer.Exit(code)


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[Cell]], as_json: bool) -> None:
    """Print a list: JSON lines for machines, aligned columns for people."""
    if as_json:
        for row in rows:
            out(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False))
        return
    table = [tuple(columns), *(tuple(_plain(cell) for cell in row) for row in rows)]
    if len(table) == 1:
        return
    widths = [max(len(row[place]) for row in table) for place in range(len(columns))]
    for row in table:
        out("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_one(facts: Mapping[str, Cell], as_json: bool) -> None:
    """Print one thing: a JSON object, or one line a fact."""
    if as_json:
        out(json.dumps(facts, ensure_ascii=False))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        out(f"{name.ljust(width)}  {_plain(value)}".rstrip())


def _plain(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case str():
            return cell
        case Mapping():
            return ", ".join(f"{name}={value}" for name, value in cell.items())
        case Sequence():
            return ", ".join(cell)
        case _:
            return str(cell)


def run(work: Coroutine[Any, Any, None], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    """Do a command's work; see `ended_with_words`."""
    with ended_with_words(), asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


@contextmanager
def ended_with_words() -> Iterator[None]:
    """Faults of the configuration and of the outside world end the command with words and exit code 1."""
    from gateway.edges.keys import KeyFault
    from gateway.flow.ports import Unavailable
    from gateway.settings import ConfigurationError, MissingSecret

    try:
        yield
    except (ConfigurationError, KeyFault, MissingSecret) as error:
        stop(str(error))
    except Unavailable as error:
        stop(f"Not done: {error.what}.")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal; the callable takes how much is done so far."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
