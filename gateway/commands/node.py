"""`gateway node`: the machines that share a store, who of them is waited for, and what is done about what is gone for good."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, Json, run, say, show_rows, stop

if TYPE_CHECKING:
    from gateway.edges.store.redis.nodes import Node

app = typer.Typer(help="The machines that share a store.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The machine's name, as `gateway node list` tells it.", show_default=False)]


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="node")


@app.command("list")
def list_(config: Config = DEFAULT_CONFIG, json: Json = False) -> None:
    """List them; exit 1 where marketing waits for one of them."""
    run(_list(config, json))


async def _list(config: Path, json: bool) -> None:
    from gateway.commands.office import Writing, look_on

    async with look_on(config, Writing.NOTHING) as store:
        nodes = await store.nodes.known()
    show_rows(("node", "state", "heard"), [(one.name, _state(one), "yes" if one.heard else "no") for one in nodes], json)
    if not all(one.there for one in nodes):
        say("Marketing waits until each has told what it has. One that never comes back: gateway node retire NAME.")
        raise typer.Exit(1)


def _state(node: Node) -> str:
    if node.there:
        return "gone" if node.gone else "here"
    return "gone, and waited for: restore a newer backup, or retire it" if node.gone else "waited for"


@app.command()
def retire(name: Name, config: Config = DEFAULT_CONFIG) -> None:
    """Wait for it no longer; what it alone had recorded is given up. On record."""
    run(_retire(config, name))


async def _retire(config: Path, name: str) -> None:
    from gateway.commands.office import Writing, look_on
    from gateway.edges.clock import SystemClock

    async with look_on(config, Writing.ACT) as store:
        known = [one for one in await store.nodes.known() if one.name == name]
        if not known:
            stop(f"No node is called {name}: gateway node list.")
        if all(one.gone and one.there for one in known):
            stop(f"{name} is gone already, and nobody waits for it.")
        ref = await store.nodes.retire(name, SystemClock().now())
    say(f"{name} is waited for no longer (ref={ref}). If it comes back, it joins again and tells what it has.")


@app.command("begin-anew")
def begin_anew(
    yes: Annotated[bool, typer.Option("--yes", help="What was in the store is to stay lost.")] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Go on with an emptied store without putting a copy back: consents, tools and evidence stay lost. On record."""
    if not yes:
        stop("Only the oppositions are left. To have everything back: gateway store copy BACKUP STORE. To do without: --yes.", 2)
    run(_begin_anew(config))


async def _begin_anew(config: Path) -> None:
    from gateway.commands.office import Writing, look_on
    from gateway.edges.clock import SystemClock

    async with look_on(config, Writing.ACT) as store:
        if not await store.nodes.emptied():
            stop("The store was not emptied.")
        ref = await store.nodes.begin_anew(SystemClock().now())
    say(f"The store begins anew with the oppositions that the nodes have (ref={ref}). Restart every gateway: each puts on record")
    say("again by which texts it judges. Then enlist the tools and import the consents again.")
