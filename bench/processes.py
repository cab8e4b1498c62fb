"""Starts and stops the programs under test by process id, and reads their CPU time and memory from /proc.

Nothing here is ever ended by name: what was started is remembered, and only that is stopped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Something under test did not start, answer or finish; the text says what."""


def start(command: Sequence[str | Path], log: Path, **more: object) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its words going to `log`."""
    with log.open("ab") as words:
        kept: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": words, "stderr": words, "start_new_session": True, **more}
        return subprocess.Popen([str(word) for word in command], **kept)  # type: ignore[call-overload,no-any-return]


def stop(process: subprocess.Popen[bytes], patience: float = 20.0) -> None:
    """End it: politely, then not."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(patience)


def wait_until(true: Callable[[], bool], patience: float, what: str) -> None:
    """Look every 10 ms until it holds; Failed when it does not in time."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise Failed(f"{what} within {patience:.0f} s: it did not happen")
        time.sleep(0.01)


def answers(port: int) -> bool:
    """Whether an SMTP server greets on this loopback port."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as peer:
            greeted = peer.recv(100).startswith(b"220")
            peer.sendall(b"QUIT\r\n")
            return greeted
    except OSError:
        return False


def free_port() -> int:
    """A loopback port that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, so that index 0 is the state; empty where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))

    def below(pid: int) -> Iterator[int]:
        yield pid
        for child in children.get(pid, ()):
            yield from below(child)

    return list(below(root))


def cpu_seconds(roots: Sequence[int]) -> float:
    """User and system time of these process trees, children that ended and were waited for included."""
    total = 0
    for root in roots:
        for pid in tree(root):
            if stat := _stat(pid):
                total += sum(int(field) for field in stat[11:15])
    return total / TICK


def peak_memory(roots: Sequence[int]) -> int:
    """The sum of the largest resident sizes (VmHWM) of these trees, in bytes."""
    total = 0
    for root in roots:
        for pid in tree(root):
            with suppress(OSError, StopIteration):
                status = Path(f"/proc/{pid}/status").read_text().splitlines()
                total += int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024
    return total
