"""A real HAProxy on loopback ports, balancing TCP over what stands behind it, in the configuration a test writes in one line.

    async with running_haproxy(tmp_path / "balancer", Front("mail", (node1, node2)), Front("web", (web1, web2))) as balancer:
        balancer.port("mail")                     # where clients go
        await balancer.kill(); await balancer.start()   # the same ports

A place is "host:port", or a port of this machine.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.peer import Peer, free_port, hangs_up

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
needs_haproxy = pytest.mark.skipif(not Path(HAPROXY).exists(), reason="unproven here: a real balancer (no haproxy)")

_CONFIG = """
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 2s
  timeout client 120s
  timeout server 120s
  timeout check 1s
  retries 3
  option redispatch 1
listen ready
  bind {host}:{ready}
  tcp-request connection reject
"""


@dataclass(frozen=True, slots=True)
class Front:
    """One place clients go to, and those who serve them."""

    name: str
    places: tuple[str | int, ...]
    proxy: str = "send-proxy-v2"
    """What the servers are told of the client: `send-proxy` (version 1), `send-proxy-v2` or nothing."""
    checked: bool = False
    """Whether each server is tried each 200 ms (with the same header and LOCAL, where version 2), and left out while it is gone."""
    balance: str = "roundrobin"
    host: str = "127.0.0.1"
    port: int = 0
    """A free one unless given; on another machine's address it must be given."""

    def lines(self, port: int) -> str:
        """What haproxy.cfg says."""
        words = " ".join(word for word in (self.proxy, "check inter 200 fall 2 rise 1" if self.checked else "") if word)
        servers = (place if isinstance(place, str) else f"127.0.0.1:{place}" for place in self.places)
        head = f"listen {self.name}\n  bind {self.host}:{port}\n  balance {self.balance}\n"
        return head + "".join(f"  server s{number} {server} {words}\n" for number, server in enumerate(servers, 1))


class HAProxy(Peer):
    """One balancer."""

    def __init__(self, folder: Path, fronts: tuple[Front, ...], before: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder / "haproxy.log", before)
        self._folder, self._ready, self._host = folder, free_port(), fronts[0].host
        self._ports = {front.name: front.port or free_port(front.host) for front in fronts}
        lines = "".join(front.lines(self._ports[front.name]) for front in fronts)
        (folder / "haproxy.cfg").write_text(_CONFIG.format(ready=self._ready, host=self._host) + lines)

    def port(self, name: str) -> int:
        """Where clients of one front go."""
        return self._ports[name]

    async def start(self) -> None:
        """Start it and wait until all its fronts listen; no server sees a connection of that."""
        await self.launch((HAPROXY, "-db", "-f", str(self._folder / "haproxy.cfg")), self._listens, self._folder)

    async def stop(self) -> None:
        """SIGTERM: it closes everything at once."""
        await self.end(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL."""
        await self.end(signal.SIGKILL)

    async def _listens(self) -> bool:
        return await hangs_up(self._host, self._ready)


@asynccontextmanager
async def running_haproxy(folder: Path, *fronts: Front) -> AsyncIterator[HAProxy]:
    """A balancer that runs; it is killed at the end."""
    balancer = HAProxy(folder, fronts)
    try:
        await balancer.start()
        yield balancer
    finally:
        await balancer.kill()
