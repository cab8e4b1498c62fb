"""`gateway demo`: the main job on loopback, from nothing, with the very commands an operator types.

A sink plays the provider. Everything lives in one folder, which is removed at the end unless `--keep` is given.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import run, stop

if TYPE_CHECKING:
    from gateway.commands.showing import Stage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running with its URLs until Ctrl-C.")] = False,
    folder: Annotated[Path | None, typer.Option("--folder", help="An empty folder to use, and to leave behind.")] = None,
) -> None:
    """Show the main job on loopback: who is refused and why, what left, the opt-out, the proof."""
    if folder is not None and folder.exists() and any(folder.iterdir()):
        stop(f"{folder} is not empty.", 2)
    place = folder or Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        run(_demo(place, keep))
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


async def _demo(folder: Path, keep: bool) -> None:
    from starlette.routing import Route

    from gateway.app import Gateway
    from gateway.commands.serve import stop_signal
    from gateway.commands.showing import Stage
    from gateway.edges.logs import JsonLog, adopt_libraries
    from gateway.edges.sink import Sink
    from gateway.edges.web.mailbox import mailbox
    from gateway.edges.web.server import Web
    from gateway.settings import load

    sink = Sink()
    _, port = await sink.start()
    routes = [route for route in mailbox(sink).routes if isinstance(route, Route)]
    page = Web(routes, "127.0.0.1", 0)
    stage = Stage(folder, sink, mailbox_url=f"http://127.0.0.1:{page.port}")
    await stage.prepare(port)
    asked, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    with (folder / "gateway.log").open("w") as lines:
        log = JsonLog(lines)
        adopt_libraries(log)
        async with asyncio.TaskGroup() as group:
            group.create_task(page.run())
            group.create_task(Gateway(load(folder / "gateway.toml", {}), log=log).run(asked, ready.set_result))
            stage.addresses = await ready
            try:
                await _play(stage)
                if keep:
                    stage.leave_running()
                    await stop_signal().wait()
            finally:
                asked.set()
                page.stop()
    await sink.close()


async def _play(stage: Stage) -> None:
    await stage.campaign()
    await stage.what_left()
    await stage.opt_out()
    await stage.proof()
