"""A program of somebody else (Redis, HAProxy) run by one test: in its own folder, logging there, ended with the test.

It is no part of a loop, so that a server may outlive the test it was started in. It dies with the process that started it, even
where that one is killed, as far as `setpriv` is there to see to it.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Awaitable, Callable
from errno import EADDRNOTAVAIL
from pathlib import Path

PATIENCE = 20.0
_SETPRIV = shutil.which("setpriv")
_DIES_WITH_US = (_SETPRIV, "--pdeathsig", "KILL") if _SETPRIV else ()
_BELOW_EPHEMERAL = range(12_000, 32_000)


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now, out of those the system never gives to a connection.

    A client that keeps asking for a dead port of its own machine is one day given that very port as its own, connects to itself,
    and the server cannot come back.
    """
    while True:
        port = secrets.choice(_BELOW_EPHEMERAL)
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((host, port))
            except OSError as error:
                if error.errno == EADDRNOTAVAIL:
                    raise
                continue
        return port


async def until(holds: Callable[[], Awaitable[bool]], what: str, patience: float = PATIENCE, pause: float = 0.005) -> None:
    """Ask again and again until it holds; a test fails with `what` where it never does."""
    try:
        async with asyncio.timeout(patience):
            while not await holds():  # noqa: ASYNC110 another process does not set our events
                await asyncio.sleep(pause)
    except TimeoutError:
        raise AssertionError(f"after {patience:g} s still not: {what}") from None


async def hangs_up(host: str, port: int) -> bool:
    """Whether a program takes connections there to close them.

    That one can be made says less: the system takes connections as soon as that one port listens, be the program half way
    through its ports.
    """
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True
    finally:
        writer.close()


class Peer:
    """One process through its lives: at most one at a time."""

    def __init__(self, log: Path, before: tuple[str, ...] = ()) -> None:
        self.log = log
        self._before = before
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that runs now, or ran last."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it is there; a frozen one is."""
        return self._process is not None and self._process.poll() is None

    async def launch(self, words: tuple[str, ...], ready: Callable[[], Awaitable[bool]], cwd: Path) -> None:
        """Start it and wait until it is ready; what it said is told where it ends before."""
        assert not self.runs
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 some ms, and no loop to be tied to
                [*_DIES_WITH_US, *self._before, *words], cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        async def ready_or_gone() -> bool:
            assert self.runs, self.log.read_text(errors="replace")[-2000:]
            return await ready()

        await until(ready_or_gone, f"{words[0]} is ready")

    async def end(self, number: signal.Signals) -> None:
        """Send it a signal that ends it, and wait until the system has cleared it away; nothing where it is gone already."""
        if not self.runs:
            return
        assert self._process is not None
        self._process.send_signal(number)
        if number is not signal.SIGKILL:
            self._process.send_signal(signal.SIGCONT)  # a frozen one would not hear

        async def gone() -> bool:
            return not self.runs

        await until(gone, f"the end of process {self._process.pid}")

    def freeze(self) -> None:
        """SIGSTOP: its connections stay and are accepted further by the system, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
