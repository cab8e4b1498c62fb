"""`gateway store`: copy everything from one kind of store into the other, compare two, put a backup aside."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, ended_with_words, progress, say, show_rows, stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.edges.store.copying import Copied, Digest, Source
    from gateway.settings import Settings

app = typer.Typer(help="The store itself: copy, compare, back up.", no_args_is_help=True)

_PLACE = '"sqlite" is the configured data_dir\'s file; else a file, or a store URL.'
Place = Annotated[str, typer.Argument(help=_PLACE, metavar="STORE")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="store")


@app.command()
def copy(
    source: Annotated[str, typer.Argument(help=_PLACE, metavar="FROM")],
    target: Annotated[str, typer.Argument(help="Where nothing is yet; named in the same way.", metavar="TO")],
    live: Annotated[bool, typer.Option("--live", help="While gateways serve: for a test or a backup, not to move.")] = False,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Copy people, evidence and everything else, read it back and prove that it is the same; exit 1 where it is not."""
    with ended_with_words():
        _copy(_settings(config), source, target, live, json)


def _copy(settings: Settings, source: str, target: str, live: bool, json: bool) -> None:
    from gateway.store_rooms import open_source

    with closing(open_source(settings, source, still=not live)) as opened:
        if not live and opened.served():
            stop("A gateway serves from this store. Stop every gateway to move; a test or a backup is made with --live.")
        copied, behind = _copied(opened, settings, target, live)
    _tell(copied, json)
    if live:
        say(f"Gateways may have gone on: {behind} changes came meanwhile. To move, stop every gateway and copy again.")
    else:
        say("Before a gateway starts again: [gateway] store names the new place, and the old store is put where none starts on it.")


def _copied(opened: Source, settings: Settings, target: str, live: bool) -> tuple[Copied, int]:
    from gateway.edges.store import copying
    from gateway.store_rooms import open_target

    began = opened.standing().stand
    into = open_target(settings, target)
    with progress("Copying", opened.count()) as done:
        copied = copying.copy(opened, into, done, still=not live)
    return copied, opened.standing().stand - began


@app.command()
def digest(store: Place = "", config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """Say how many rows each table has and what they come to, so that two stores can be compared, whatever kind each is."""
    with ended_with_words():
        from gateway.edges.store import copying
        from gateway.store_rooms import open_source

        settings = _settings(config)
        with closing(open_source(settings, store or settings.gateway.store)) as opened:
            found = copying.Digests()
            with progress("Reading", opened.count()) as done:
                for table, rows in opened.batches():
                    found.add(table, rows)
                    done(found.rows)
        _show(found.told(), json)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A folder, for a file named by the time; or a new file, NAME.db.", metavar="PATH")],
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Put a copy of the configured store aside as a gateway.db, proven, while gateways serve."""
    with ended_with_words():
        from gateway.edges.store.backup_folder import name_of

        settings = _settings(config)
        begun = datetime.now(UTC)
        path = target / name_of(begun) if target.is_dir() else _new_file(target)
        _show(_backed_up(settings, path, begun), json)
        say(f"{path}: the same on both sides. It names nobody without the folder {settings.gateway.data_dir / 'keys'}:")
        say("keep that elsewhere, and never beside it.")


def _new_file(target: Path) -> Path:
    """The file a backup goes to. A folder that is not there is none: the disk that belongs there may not be mounted."""
    if target.suffix != ".db":
        stop(f"{target} is no folder: make it first. A new file's name ends in .db.")
    if not target.parent.is_dir():
        stop(f"{target.parent} is no folder: make it first.")
    return target


def _backed_up(settings: Settings, path: Path, begun: datetime) -> Mapping[str, Digest]:
    from gateway.store_rooms import put_aside

    return put_aside(settings, path, begun, shown=partial(progress, "Copying"))


def _settings(config: Path) -> Settings:
    from gateway.commands.office import read_settings

    return read_settings(config)


def _tell(copied: Copied, json: bool) -> None:
    _unless_differing(copied, json)
    _show(copied.read, json)
    say(f"{sum(one.rows for one in copied.read.values())} rows: the same on both sides.")


def _unless_differing(copied: Copied, json: bool) -> None:
    if not copied.differing:
        return
    rows = [(name, copied.read[name].rows, copied.written[name].rows) for name in copied.differing if name in copied.read]
    show_rows(("differing", "read", "written"), rows, json)
    stop(f"The copy differs in: {', '.join(copied.differing)}. It was thrown away; the source is as it was.")


def _show(found: Mapping[str, Digest], json: bool) -> None:
    show_rows(("table", "rows", "digest"), [(name, one.rows, one.sum) for name, one in found.items()], json)
