"""`gateway serve`: one process, or as many as `[gateway] workers` says, sharing the listeners by SO_REUSEPORT."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import DEFAULT_CONFIG, Config, run, say, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.app import Addresses
    from gateway.settings import Settings

SWITCH_INTERVAL = 0.0005
SHORTEST_PAUSE, LONGEST_PAUSE, GROWN = 1.0, 30.0, 60.0
"""Seconds until a worker that died is started again, doubling while it dies before it has lived so long as a grown one."""
GRACE = 75.0
"""Seconds a worker has to drain before it is killed: longer than one attempt at the provider (60 s)."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    config: Config = DEFAULT_CONFIG,
    worker: Annotated[int, typer.Option(hidden=True, help="Number of this process among several.")] = -1,
    restarts: Annotated[int, typer.Option(hidden=True, help="How often its supervisor started it again.")] = -1,
) -> None:
    """Run the gateway until SIGTERM; then finish what is under way and stop."""
    from gateway.commands.office import read_settings
    from gateway.settings import ConfigurationError

    try:
        settings = read_settings(config)
    except ConfigurationError as error:
        stop(str(error))
    if settings.gateway.workers > 1 and worker < 0:
        raise typer.Exit(asyncio.run(_supervise(settings.gateway.workers, str(config))))
    run(_one(settings, max(worker, 0), restarts), _loop_factory())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed (the extra `fast`): somewhat less time in the loop itself; else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _one(settings: Settings, worker: int, restarts: int) -> None:
    from gateway.app import Gateway
    from gateway.edges.logs import JsonLog, adopt_libraries
    from gateway.rooms import CannotStart

    log = JsonLog()
    adopt_libraries(log)
    # Threads that encode or hash a large message must let the loop in soon: at Python's 5 ms it was kept out for 130 ms.
    sys.setswitchinterval(SWITCH_INTERVAL)
    asked = stop_signal()
    if restarts >= 0:
        _end_with_supervisor(asked)
    try:
        await Gateway(settings, worker, log, max(restarts, 0)).run(asked, _announce)
    except CannotStart as error:
        stop(str(error))


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


def _end_with_supervisor(asked: asyncio.Event) -> None:
    """Stop as if asked to when the supervisor is gone, which holds the other end of the standard input.

    A worker that nobody watches would stand beside its own successor.
    """
    loop = asyncio.get_running_loop()

    def heard() -> None:
        if not os.read(sys.stdin.fileno(), 1):
            loop.remove_reader(sys.stdin.fileno())
            asked.set()

    loop.add_reader(sys.stdin.fileno(), heard)


def _announce(addresses: Addresses) -> None:
    # What start-up made stays: looking through it again and again would hold the loop for tens of milliseconds.
    gc.collect()
    gc.freeze()
    host, port = addresses.submission
    say(f"Serving: tools at {host}:{port}, opt-out pages at {addresses.public_url}.")


async def _supervise(workers: int, config: str) -> int:
    """Keep so many workers running; one that dies is started again. 0 when all ended because they were asked to."""
    asked = stop_signal()
    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(_keep_up(number, config, asked))
    return 0


async def _keep_up(number: int, config: str, asked: asyncio.Event) -> None:
    stopping = asyncio.ensure_future(asked.wait())
    restarts, pause = 0, 0.0
    while not asked.is_set():
        born = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve", "--config", config),
            *("--worker", str(number), "--restarts", str(restarts)),
            stdin=asyncio.subprocess.PIPE,
        )
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await _end(process, ended)
        elif not asked.is_set():
            restarts, pause = restarts + 1, next_pause(pause, time.monotonic() - born)
            say(f"Worker {number} ended with code {ended.result()}; starting it again in {pause:g} s (restart {restarts}).")
            await asyncio.wait({stopping}, timeout=pause)


def next_pause(last: float, lived: float) -> float:
    """Seconds to wait after a worker that lived so long; `last` is the pause before it, 0 before the first."""
    if lived >= GROWN:
        return SHORTEST_PAUSE
    return min(max(2 * last, SHORTEST_PAUSE), LONGEST_PAUSE)


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> None:
    process.terminate()
    await asyncio.wait({ended}, timeout=GRACE)
    if not ended.done():
        process.kill()
        await ended
