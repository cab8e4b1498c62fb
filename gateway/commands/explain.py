"""`gateway explain`: why this person may, or might not, be mailed in this stream, now or at an earlier time (R-FR-92)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, out, run, say, stop
from gateway.commands.whom import AddressText, read_address

if TYPE_CHECKING:
    from gateway.core.explain import Explanation


def register(parent: typer.Typer) -> None:
    """Add this command."""
    parent.command("explain")(explain)


def explain(
    address: AddressText,
    stream: Annotated[str, typer.Option(help="The stream whose mail is meant.")] = "",
    at: Annotated[str, typer.Option(help="An earlier time, ISO 8601: what was true then, by the pack of then.")] = "",
    ref: Annotated[str, typer.Option(help="The decision a refusal's ref= names: had again, and compared with the record.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Tell what would be decided now, with the law behind it; exit 1 where mail is refused. The look is recorded."""
    if bool(stream) == bool(ref) or (at and ref):
        stop("Name a stream (and a time, if not now), or the reference of one decision.", 2)
    run(_explain(config, address, stream, json) if not (at or ref) else _retrace(config, address, (stream, at, ref), json))


async def _explain(config: Path, text: str, name: str, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        stream = office.streams.get(name)
        if stream is None:
            stop(f"There is no stream {name!r}; there are: {', '.join(sorted(office.streams)) or 'none'}.", 2)
        told = await office.report().explain(address, stream)
    _tell(told, json)


async def _retrace(config: Path, text: str, which: tuple[str, str, str], json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.core.model import Ref
    from gateway.flow.retrace import Gone, Retrace

    stream, at, ref = which
    address = read_address(text)
    async with open_office(config, Writing.ACT) as office:
        await office.report().look(address, "earlier explanation", stream)
        retrace = Retrace(office.store.book, office.journal, office.identity)
        found = await (retrace.of(address, Ref(ref)) if ref else retrace.at(address, stream, _moment(at)))
    if isinstance(found, Gone):
        stop(found.sentence)
    say(f"As of {found.at.isoformat()}, under {found.explanation.policy}:")
    if not found.agrees:
        say("THE RECORD SAYS OTHERWISE: the journal's entry of this decision differs from what is decided from the same facts.")
    _tell(found.explanation, json)


def _moment(text: str) -> datetime:
    """The time meant; one without offset is local time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        stop("Not a time: write it as 2026-11-21T09:30:00+01:00.", 2)


def _tell(told: Explanation, json: bool) -> None:
    from gateway.core.verdict import Allow

    out(_as_json(told) if json else "\n".join(told.lines()))
    if not isinstance(told.verdict, Allow):
        raise typer.Exit(1)


def _as_json(told: Explanation) -> str:
    from json import dumps

    from gateway.core.verdict import Allow, Refuse, Undecided

    match told.verdict:
        case Allow() as allow:
            verdict = {"verdict": "allow", "basis": allow.basis.value, "due": allow.due.value}
        case Refuse():
            verdict = {"verdict": "refuse", "reason": told.reason}
        case Undecided():
            verdict = {"verdict": "wait", "reason": told.reason}
        case _:
            assert_never(told.verdict)
    rules = [{"id": rule.id, "says": rule.says, "source": rule.source} for rule in told.rules]
    words = {"headline": told.headline, "on_record": told.on_record, "to_change": told.to_change, "policy": told.policy}
    return dumps({**verdict, **words, "rules": rules}, ensure_ascii=False)
