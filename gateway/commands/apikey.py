"""`gateway apikey`: who may talk to the HTTP API, about what, for whom, until when."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_one, show_rows, stop

if TYPE_CHECKING:
    from gateway.core.duration import Duration
    from gateway.core.record import ApiKey

app = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The key's name, which is also in the evidence.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="apikey")


@app.command()
def add(
    name: Name,
    may: Annotated[list[str], typer.Option(help="What it may do: consents, acts, oppositions. Repeat for more.")],
    advertiser: Annotated[
        list[str] | None, typer.Option(help="For whom; every advertiser where it is not said. Repeat for more.")
    ] = None,
    expires: Annotated[str, typer.Option(help="How long it lives, such as P1Y; until revoked where it is not said.")] = "",
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Issue a key and print it, once."""
    from gateway.core.duration import parse_duration

    life = parse_duration(expires) if expires else None
    if expires and (life is None or not (life.months or life.days)):
        stop("--expires is a duration such as P1Y, P6M or P90D.", 2)
    run(_add(config, name, may, advertiser or [], life, json))


async def _add(config: Path, name: str, may: list[str], advertisers: list[str], life: Duration | None, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused
    from gateway.flow.api_keys import ApiKeys

    async with open_office(config, Writing.ACT) as office:
        keys = ApiKeys(office.store.book, office.clock)
        known = tuple(office.settings.advertiser)
        done = await keys.add(name, may, advertisers, known, life, lambda: secrets.token_urlsafe(32))
    if isinstance(done, Refused):
        stop(done.sentence)
    show_one({"key": name, "may": done.key.may, "advertisers": done.key.advertisers, "bearer": done.bearer}, json)
    say("It is shown this once: send it as `Authorization: Bearer ...`. Only the SHA-256 of its secret is kept.")


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List keys, ended ones included."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        keys = await office.store.book.api_keys()
    show_rows(("key", "may", "advertisers", "added", "expires", "revoked"), map(_row, keys), json)


def _row(key: ApiKey) -> tuple[str, tuple[str, ...], tuple[str, ...], str, str, str]:
    dates = (key.created_at, key.expires_at, key.revoked_at)
    added, expires, revoked = (at.isoformat(timespec="seconds") if at else "" for at in dates)
    return key.name, key.may, key.advertisers, added, expires, revoked


@app.command()
def revoke(name: Name, config: Config = DEFAULT_CONFIG) -> None:
    """Refuse the key from now on."""
    run(_revoke(config, name))


async def _revoke(config: Path, name: str) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused
    from gateway.flow.api_keys import ApiKeys

    async with open_office(config, Writing.ACT) as office:
        done = await ApiKeys(office.store.book, office.clock).revoke(name)
    if isinstance(done, Refused):
        stop(done.sentence)
    say(f"Key {name} is revoked.")
