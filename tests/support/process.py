"""A gateway in a process of its own, to be killed, ended and started again on the same data and the same ports.

Starting Python and importing everything takes longer than the short lives of a crash test, so `Nursery` imports once and forks
each gateway from there: a real process with its own sockets, files and threads, and a real SIGKILL. `Plain` starts
`python -m gateway serve`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from tests.support.corpora import ROOT
from tests.support.gateway import company, enlist

PATIENCE = 30.0
EVERYTHING = ("gateway.app", "gateway.commands.serve", "gateway.commands.office", "uvicorn.lifespan.off", "uvicorn.loops.asyncio")
"""What a gateway imports until it serves."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a gateway listens through all its lives."""

    submission: int
    inbound: int
    web: int


def free_ports() -> Ports:
    """Three ports nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = Ports(*(one.getsockname()[1] for one in held))
    for one in held:
        one.close()
    return ports


async def found_company(folder: Path, sink_port: int, **parts: str) -> tuple[Path, Ports]:
    """A sample company whose gateway always listens on the same ports: its configuration file, and the ports."""
    company(folder, sink_port, **parts)
    ports, config = free_ports(), folder / "gateway.toml"
    text = config.read_text()
    for table, port in (("submission", ports.submission), ("inbound", ports.inbound), ("web", ports.web)):
        text = text.replace(f'[{table}]\nlisten = "127.0.0.1:0"', f'[{table}]\nlisten = "127.0.0.1:{port}"')
    config.write_text(text)
    return config, ports


class Starter(Protocol):
    """A way to start a gateway process."""

    async def start(self, config: Path) -> int:
        """Start one, and return its process id."""

    async def wait(self, pid: int) -> int:
        """Wait for its end: the exit code, negative for a signal."""


class Plain:
    """Starts gateways as an operator does; `before` is put in front of the command line (strace)."""

    def __init__(self, log: Path, before: tuple[str, ...] = ()) -> None:
        self._log = log
        self._before = before
        self._running: dict[int, asyncio.subprocess.Process] = {}

    async def start(self, config: Path) -> int:
        """See `Starter`."""
        command = (*self._before, sys.executable, "-m", "gateway", "serve", "--config", str(config))
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
        self._running[process.pid] = process
        return process.pid

    async def wait(self, pid: int) -> int:
        """See `Starter`."""
        return await self._running.pop(pid).wait()


class Nursery:
    """Starts gateways by forking a process that has imported everything."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self, config: Path) -> int:
        """See `Starter`."""
        return int(await self._ask(f"start {config}"))

    async def wait(self, pid: int) -> int:
        """See `Starter`."""
        return int(await self._ask(f"wait {pid}"))

    async def _ask(self, line: str) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line.encode() + b"\n")
        async with asyncio.timeout(2 * PATIENCE):
            return await self._process.stdout.readline()


@asynccontextmanager
async def nursery(log: Path) -> AsyncIterator[Nursery]:
    """A nursery that ends, with whatever still runs in it, with the block; gateways log to `log`."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.process"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
        )
    assert process.stdin is not None
    try:
        yield Nursery(process)
    finally:
        process.stdin.close()
        await process.wait()


class Life:
    """One gateway through its lives: at most one process at a time."""

    def __init__(self, starter: Starter, config: Path, ports: Ports) -> None:
        self.ports = ports
        self.pid = 0
        self._starter = starter
        self._config = config

    async def start(self) -> None:
        """Start it and wait until it greets tools."""
        self.pid = await self._starter.start(self._config)
        async with asyncio.timeout(PATIENCE):
            while not await self._greets():
                os.kill(self.pid, 0)
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """SIGKILL, and wait until the system has cleared it away."""
        os.kill(self.pid, signal.SIGKILL)
        await self._ended()

    async def terminate(self) -> int:
        """SIGTERM; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return await self._ended()

    async def _ended(self) -> int:
        pid, self.pid = self.pid, 0
        return await self._starter.wait(pid)

    async def _greets(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.ports.submission)
        except OSError:
            return False
        try:
            async with asyncio.timeout(2):
                return (await reader.readline()).startswith(b"220 ")
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()


@asynccontextmanager
async def living(starter: Starter, config: Path, ports: Ports) -> AsyncIterator[Life]:
    """A gateway that runs when the block begins and does not when it has ended."""
    from gateway.settings import load

    await enlist(load(config, {}))
    life = Life(starter, config, ports)
    try:
        await life.start()
        yield life
    finally:
        if life.pid:
            await life.kill()


def _serve(config: Path) -> int:
    import typer

    from gateway.commands.serve import serve

    try:
        serve(config, -1)
    except typer.Exit as end:
        return end.exit_code
    return 0


def _fork(config: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        code = _serve(config)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _obey() -> None:
    """The nursery's own loop: `start CONFIG` and `wait PID`, one line each; the end of its input ends what it started."""
    for module in EVERYTHING:
        import_module(module)
    running: set[int] = set()
    for line in sys.stdin:
        verb, _, argument = line.strip().partition(" ")
        if verb == "start":
            answer = _fork(Path(argument))
            running.add(answer)
        else:
            _, status = os.waitpid(int(argument), 0)
            answer = os.waitstatus_to_exitcode(status)
            running.discard(int(argument))
        print(answer, flush=True)
    for pid in running:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    _obey()
