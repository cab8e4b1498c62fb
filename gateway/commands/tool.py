"""`gateway tool`: who may send, and into which streams."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_one, show_rows, stop
from gateway.core.model import RefusalMode, Tool

app = typer.Typer(help="Credentials of mailing tools.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The tool's name, which is also its login.")]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="tool")


@app.command()
def add(
    name: Name,
    stream: Annotated[list[str], typer.Option(help="A stream it may send into; the first is its default. Repeat for more.")],
    refusal: Annotated[RefusalMode | None, typer.Option(help="How it hears a refusal, when not as its stream says.")] = None,
    config: Config = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Enlist a tool and print its secret, once."""
    run(_add(config, name, stream, refusal, json))


async def _add(config: Path, name: str, streams: list[str], refusal: RefusalMode | None, json: bool) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    async with open_office(config, Writing.ACT) as office:
        done = await office.administer.tool_add(name, streams, refusal, lambda: secrets.token_urlsafe(32))
    if isinstance(done, Refused):
        stop(done.sentence)
    show_one({"tool": name, "streams": streams, "secret": done}, json)
    say("The secret is shown this once: put it into the tool now. Only its SHA-256 is kept.")


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List tools, revoked ones included."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import Writing, open_office

    async with open_office(config, Writing.NOTHING) as office:
        tools = await office.administer.tools()
    show_rows(("tool", "streams", "refusal", "added", "revoked"), map(_row, tools), json)


def _row(tool: Tool) -> tuple[str, list[str], str, str, str]:
    revoked = tool.revoked_at.isoformat(timespec="seconds") if tool.revoked_at else ""
    return tool.name, list(tool.streams), tool.refusal or "", tool.created_at.isoformat(timespec="seconds"), revoked


@app.command()
def revoke(name: Name, config: Config = DEFAULT_CONFIG) -> None:
    """Refuse the tool's logins from now on."""
    run(_revoke(config, name))


async def _revoke(config: Path, name: str) -> None:
    from gateway.commands.office import Writing, open_office
    from gateway.flow.administer import Refused

    async with open_office(config, Writing.ACT) as office:
        done = await office.administer.tool_revoke(name)
    if isinstance(done, Refused):
        stop(done.sentence)
    say(f"Tool {name} is revoked.")
