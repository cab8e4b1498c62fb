"""`gateway demo`: the main job on loopback, from nothing, with the very commands an operator types.

A sink plays the provider. Everything lives in one folder, which is removed at the end unless `--keep` is given.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import run, stop
from gateway.commands.serve import stop_signal

if TYPE_CHECKING:
    from gateway.commands.house import House
    from gateway.commands.showing import Stage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running with its URLs until Ctrl-C.")] = False,
    way_back: Annotated[bool, typer.Option("--way-back", help="Play how an answer is heard, by two gateways.")] = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="An empty folder to use, and to leave behind.")] = None,
) -> None:
    """Show the main job on loopback: who is refused and why, what left, the opt-out, the proof."""
    if folder is not None and folder.exists() and any(folder.iterdir()):
        stop(f"{folder} is not empty.", 2)
    place = folder or Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        run(_way_back(place, keep) if way_back else _demo(place, keep))
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


async def _demo(folder: Path, keep: bool) -> None:
    from starlette.routing import Route

    from gateway.commands.showing import Stage
    from gateway.edges.sink import Sink
    from gateway.edges.web.mailbox import mailbox
    from gateway.edges.web.server import Web

    sink = Sink()
    _, port = await sink.start()
    routes = [route for route in mailbox(sink).routes if isinstance(route, Route)]
    page = Web(routes, "127.0.0.1", 0)
    stage = Stage(folder, sink, mailbox_url=f"http://127.0.0.1:{page.port}")
    await stage.prepare(port)
    async with asyncio.TaskGroup() as group, serving(group, stage):
        showing = group.create_task(page.run())
        await _play(stage)
        if keep:
            stage.leave_running()
            await stop_signal().wait()
        page.stop()
        await showing
    await sink.close()


async def _play(stage: Stage) -> None:
    await stage.campaign()
    await stage.what_left()
    await stage.opt_out()
    await stage.proof()


async def _way_back(folder: Path, keep: bool) -> None:
    from gateway.commands.house import House
    from gateway.commands.way_back_story import Story
    from gateway.edges.sink import Sink

    sink = Sink()
    _, port = await sink.start()
    houses = [House(folder / name, sink) for name in ("maison", "voisin")]
    for house in houses:
        house.folder.mkdir(mode=0o700)
    story = Story(*houses)
    await story.prepare(port, (_free_port(), _free_port()))
    async with asyncio.TaskGroup() as group, serving(group, story.maison), serving(group, story.voisin):
        await story.play()
        if keep:
            await stop_signal().wait()
    await sink.close()


@asynccontextmanager
async def serving(group: asyncio.TaskGroup, house: House) -> AsyncIterator[None]:
    """A gateway that serves in this house, its lines beside its configuration."""
    from gateway.app import Gateway
    from gateway.edges.logs import JsonLog, adopt_libraries
    from gateway.settings import load

    asked, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    with (house.folder / "gateway.log").open("w") as lines:
        log = JsonLog(lines)
        adopt_libraries(log)
        gateway = Gateway(load(house.folder / "gateway.toml", {}), log=log)
        task = group.create_task(gateway.run(asked, ready.set_result))
        house.addresses = await ready
        try:
            yield
        finally:
            asked.set()
            await asyncio.wait((task,))


def _free_port() -> int:
    """A loopback port that nobody holds now: the houses must know each other's before they serve."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
