"""`gateway partner export` and `transfers`: who may be passed on to a partner, and who was."""

from __future__ import annotations

import json as json_
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, show_rows, stop
from gateway.commands.whom import only_advertiser, read_address

if TYPE_CHECKING:
    from gateway.commands.office import Office
    from gateway.core.model import Advertiser
    from gateway.flow.passing import Denied, Order, Passed, PassingOn

SHOWN = 20
"""So many refused people are named on stderr where no file was given for them."""


class Shape(StrEnum):
    """How the people are written."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(slots=True)
class _Count:
    """What became of everybody."""

    passed: int = 0
    known: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def add(self, some: Passed) -> None:
        """A batch more."""
        self.passed += len(some.given)
        self.known += some.known
        for one in some.denied:
            self.refused[one.reason] = self.refused.get(one.reason, 0) + 1


def export(
    partner: Annotated[str, typer.Argument(help="The configured partner to pass people on to.")],
    purpose: Annotated[str, typer.Option(help="What for: the purpose their consents name.")],
    advertiser: Annotated[str, typer.Option(help="Whose people; needed where there are several advertisers.")] = "",
    shape: Annotated[Shape, typer.Option("--format", help="Of stdout.")] = Shape.CSV,
    known_as: Annotated[
        str, typer.Option("--known-as", help="What the partner's gateway calls itself. Default: its name here.")
    ] = "",
    source: Annotated[str, typer.Option(help="What the partner's gateway calls you. Default: the advertiser's name here.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Give those again who were passed on before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count who would be passed on; nothing is written.")] = False,
    refused: Annotated[Path | None, typer.Option(help="File for who is not passed on and why.", dir_okay=False)] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Pass on those whose consent covers this partner, as CSV its gateway imports; each is registered before the row is written."""
    names = (advertiser, known_as or partner, source)
    run(_export(config, (partner, purpose, again, dry_run), names, (shape, refused)))


async def _export(
    config: Path, what: tuple[str, str, bool, bool], called: tuple[str, str, str], files: tuple[Shape, Path | None]
) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.passing import Order

    partner, purpose, again, dry = what
    # Long work under its own name: nobody who must record an opposition waits for it.
    async with open_office(config, Writing.NOTHING if dry else Writing.IMPORT) as office:
        if partner not in office.partners:
            stop(f"There is no partner {partner}.", 2)
        order = Order(_collector(office, called[0]), office.partners[partner], purpose, again, dry)
        journey = _journey(office)
        if unfit := await journey.unfit(order):
            stop(f"Refused: {unfit.sentence}")
        count = await _write(journey, order, called[1:], files)
    _tell(order, count)


def _collector(office: Office, named: str) -> Advertiser:

    name = only_advertiser(office, named)
    found = next((stream.advertiser for stream in office.streams.values() if stream.advertiser.name == name), None)
    return found if found is not None else stop(f"Advertiser {name} has no stream.", 2)


def _journey(office: Office) -> PassingOn:
    from gateway.flow.passing import PassingOn

    vault = office.keys.vault
    return PassingOn(office.store.book, office.identity, vault, office.policies(), office.streams, office.clock)


async def _write(journey: PassingOn, order: Order, called: tuple[str, str], files: tuple[Shape, Path | None]) -> _Count:
    from gateway.core.passing import Names, passed_row

    names = Names(order.collector.legal_name, called[1] or order.collector.name, called[0])
    count = _Count()
    with _rows(files[0], order.dry) as write, _refusals(files[1]) as refuse:
        async for some in journey.run(order):
            for one in some.given:
                write(passed_row(one.address, one.passing, names, one.at))
            # What is registered as passed on lies with the reader before more is registered.
            sys.stdout.flush()
            for denied in some.denied:
                refuse(denied)
            count.add(some)
    return count


@contextmanager
def _rows(shape: Shape, dry: bool) -> Iterator[Callable[[Mapping[str, str]], object]]:
    """People on stdout."""
    import csv

    from gateway.core.passing import COLUMNS

    if dry:
        yield lambda _: None
    elif shape is Shape.JSONL:
        yield lambda row: out(json_.dumps(dict(row), ensure_ascii=False))
    else:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        yield writer.writerow


@contextmanager
def _refusals(file: Path | None) -> Iterator[Callable[[Denied], None]]:
    """People who are not passed on, by key: into the file, else the first few on stderr."""
    if file is None:
        shown = 0

        def some(denied: Denied) -> None:
            nonlocal shown
            shown += 1
            if shown <= SHOWN:
                say(f"refused {denied.person.hex()} {denied.reason} ({', '.join(denied.rules)})")

        yield some
        return
    import csv

    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(("person", "reason", "rules"))
        yield lambda denied: writer.writerow((denied.person.hex(), denied.reason, " ".join(denied.rules)))


def _tell(order: Order, count: _Count) -> None:
    by = ", ".join(f"{reason} {number}" for reason, number in sorted(count.refused.items()))
    passed = "Would be passed on" if order.dry else "Passed on"
    say(f"{passed}: {count.passed}; refused: {sum(count.refused.values())}{f' ({by})' if by else ''}.")
    if count.known:
        say(f"{count.known} were passed on before and are left out; --again gives them again.")


def transfers(
    address: Annotated[str, typer.Argument(help="Only this person's; - reads it from stdin. The look is recorded.")] = "",
    partner: Annotated[str, typer.Option(help="Only to this partner.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Show who was passed on to which partner, when, for what and under which version of the list."""
    run(_transfers(config, address, partner, json))


async def _transfers(config: Path, address: str, partner: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.subject import Kind, Subject

    async with open_office(config, Writing.ACT if address else Writing.NOTHING) as office:
        person = None
        if address:
            parsed = read_address(address)
            person = office.identity.person(parsed)
            await office.administer.record_look(Subject(person, Kind.ADDRESS, parsed), "transfers")
        found = await office.store.book.transfers(person, partner)
    columns = ("person", "collector", "partner", "purpose", "list", "at")
    rows = (
        (one.person.hex(), one.collector, one.partner, one.purpose, one.list_version, one.at.isoformat(timespec="seconds"))
        for one in found
    )
    show_rows(columns, rows, json)
    say(f"{len(found)} transfers.")
