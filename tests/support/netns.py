"""Machines of their own for tests: network namespaces on one switch, any two of which can be parted without a word.

    async with network() as net:                         # needs root; `needs_root` skips saying so
        redis, node = await net.machine("redis"), await net.machine("node1")
        server = RedisServer(tmp_path, host=redis.address, before=redis.inside)   # or process.Plain(log, before=node.inside)
        await node.run("redis-cli", "-h", redis.address, "PING")
        await net.part(node, redis)                      # each sends into the void: no reset, no refusal, no error
        await net.part(node, redis, back=False)          # what node says still arrives, and it hears nothing
        await net.join(node, redis)
        net.here                                         # the test itself stands on the switch too, and can be parted from others

Parted are two machines by giving each a wrong hardware address of the other, so that every other two go on: a test speaks with a
node that has lost its server. Everything is named after the switch and ends with it, with all processes inside; what a killed run
has left is cleared away by the next one.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

IP = shutil.which("ip") or "/usr/sbin/ip"
_NOBODY = "02:00:00:00:00:01"
_PREFIX = "gwt"


def _why_not() -> str:
    """Why there can be no namespaces here; nothing where there can."""
    if os.geteuid() != 0 or not Path(IP).exists():
        return "root and iproute2 needed"
    name = f"{_PREFIX}probe{os.getpid()}"
    if subprocess.run((IP, "netns", "add", name), check=False, capture_output=True).returncode:
        return "the system refuses them"
    subprocess.run((IP, "netns", "del", name), check=True)
    return ""


WHY_NOT = _why_not()
needs_root = pytest.mark.skipif(bool(WHY_NOT), reason=f"unproven here: parted networks ({WHY_NOT})")


class NoNetwork(Exception):
    """The system refused what a network needs."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One namespace with its own loopback and one address on the switch; the test's own place has no name."""

    name: str
    address: str
    device: str
    hardware: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What is put before a command to run it there; the process keeps the id it was started with."""
        return (IP, "netns", "exec", self.name) if self.name else ()

    async def run(self, *words: str, patience: float = 20.0) -> tuple[int, str]:
        """Run a command there to its end: its exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *self.inside, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(patience):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, said.decode(errors="replace").strip()


class Network:
    """One switch, the test's own address on it, and the machines."""

    def __init__(self, number: int) -> None:
        self._name = f"{_PREFIX}{number}"
        self._subnet = f"198.18.{number}"
        self._machines: list[Machine] = []
        self.here = Machine("", f"{self._subnet}.1", self._name, "")

    async def open(self) -> None:
        """Put the test itself on the switch."""
        await _ip("link", "set", self._name, "alias", f"tests of process {os.getpid()}")
        await _ip("addr", "add", f"{self.here.address}/24", "dev", self._name)
        await _ip("link", "set", self._name, "up")
        self.here = await self._settled(self.here)

    async def machine(self, name: str) -> Machine:
        """A new machine on the switch; its name is for those who read what is left over."""
        number = len(self._machines) + 2
        space, port = f"{self._name}-{name}", f"{self._name}v{number}"
        await _ip("netns", "add", space)
        bare = Machine(space, f"{self._subnet}.{number}", "eth0", "")
        self._machines.append(bare)
        await _ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        await _ip("link", "set", port, "master", self._name, "up")
        await _ip("-n", space, "link", "set", "lo", "up")
        await _ip("-n", space, "addr", "add", f"{bare.address}/24", "dev", "eth0")
        await _ip("-n", space, "link", "set", "eth0", "up")
        self._machines[-1] = await self._settled(bare)
        return self._machines[-1]

    async def part(self, one: Machine, other: Machine, *, there: bool = True, back: bool = True) -> None:
        """Let nothing `one` sends reach `other` (there), nor the reverse (back)."""
        if there:
            await self._teach(one, other, _NOBODY)
        if back:
            await self._teach(other, one, _NOBODY)

    async def join(self, one: Machine, other: Machine) -> None:
        """Let everything between the two pass again."""
        await self._teach(one, other, other.hardware)
        await self._teach(other, one, one.hardware)

    async def unplug(self, one: Machine) -> None:
        """Take a machine off the switch: its own system knows, and says so to programs inside."""
        await _ip(*_at(one), "link", "set", one.device, "down")

    async def plug(self, one: Machine) -> None:
        """Put it on again; from whom it was parted it has forgotten."""
        await _ip(*_at(one), "link", "set", one.device, "up")

    async def close(self) -> None:
        """End everything: the processes inside, the machines, the switch."""
        await _clear(self._name)

    async def _settled(self, bare: Machine) -> Machine:
        said = json.loads(await _ip(*_at(bare), "-j", "link", "show", "dev", bare.device))
        return replace(bare, hardware=said[0]["address"])

    async def _teach(self, pupil: Machine, other: Machine, hardware: str) -> None:
        """Tell one where the other is, for good."""
        where = ("lladdr", hardware, "dev", pupil.device, "nud", "permanent")
        await _ip(*_at(pupil), "neigh", "replace", other.address, *where)


@asynccontextmanager
async def network() -> AsyncIterator[Network]:
    """A switch of its own; it ends with everything on it, also where the test failed."""
    await _clear_left_over()
    net = await _claim()
    try:
        await net.open()
        yield net
    finally:
        await net.close()


async def _claim() -> Network:
    """The first free number: the system gives a name to one only, whoever else is testing."""
    for number in range(1, 255):
        with suppress(NoNetwork):
            await _ip("link", "add", f"{_PREFIX}{number}", "address", f"02:00:c6:12:{number:02x}:01", "type", "bridge")
            return Network(number)
    raise NoNetwork("no free switch")


async def _clear_left_over() -> None:
    """End the networks of runs that were killed."""
    for link in json.loads(await _ip("-j", "link", "show", "type", "bridge")):
        name, owner = link.get("ifname", ""), link.get("ifalias", "").rpartition(" ")[2]
        if name.startswith(_PREFIX) and owner.isdigit() and not _lives(int(owner)):
            with suppress(NoNetwork):  # another run is at it too
                await _clear(name)


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _clear(switch: str) -> None:
    """End one network by its name, the switch last: whoever makes it next finds nothing in its way.

    A port is not left to the end of its namespace, which connections that are still ending can put off.
    """
    for link in json.loads(await _ip("-j", "link", "show", "type", "veth")):
        if link.get("ifname", "").startswith(f"{switch}v"):
            await _ip("link", "del", link["ifname"])
    for line in (await _ip("netns", "list")).splitlines():
        space = line.split()[0]
        if space.startswith(f"{switch}-"):
            for pid in (await _ip("netns", "pids", space)).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            await _ip("netns", "del", space)
    await _ip("link", "del", switch)


def _at(machine: Machine) -> tuple[str, ...]:
    return ("-n", machine.name) if machine.name else ()


async def _ip(*words: str) -> str:
    """Ask the system, and return what it says."""
    process = await asyncio.create_subprocess_exec(IP, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(20):
        said, refused = await process.communicate()
    if process.returncode:
        raise NoNetwork(f"ip {' '.join(words)}: {refused.decode().strip()}")
    return said.decode()
