"""The shared store beside the embedded one: `python -m bench.scaled [--people N] [--rounds N]`, 4 KiB and 50 KiB messages.

One gateway on SQLite, one on Redis over TCP (log synced before each answer), and two on the same Redis behind a balancer, in turn
and in one run; everything on, one worker each. The server's own CPU is told apart from the gateways'.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from bench.gateway import Gateway, signing_key
from bench.messages import write_samples
from bench.people import stock, stocked
from bench.processes import answers, cpu_seconds, free_port, start, stop, wait_until
from bench.rounds import LEAST, Numbers, Run, load, say
from bench.sink import Sink
from bench.systems import System
from gateway.edges.keys import KeyRing
from gateway.edges.store.redis.client import Access
from gateway.edges.store.redis.location import Location, read_location
from gateway.edges.store.redis.store import open_redis
from gateway.store_rooms import fingerprint

OUT = Path(__file__).resolve().parent / "out"
_DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")
_PACKED = ("--hash-max-listpack-value", "512", "--hash-max-listpack-entries", "512")
_BALANCER = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen smtp
    bind 127.0.0.1:{port}
    balance roundrobin
{servers}
"""


class Server:
    """A Redis server with the same people as the embedded store."""

    def __init__(self, folder: Path, people: Path, known: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), *_DURABLE, *_PACKED]
        self._process = start(command, folder / "redis.log")
        wait_until(lambda: _pings(port), 20, "redis-server")
        self.url = f"redis://127.0.0.1:{port}"
        self.pid = self._process.pid
        (folder / "filler").mkdir(mode=0o700)
        asyncio.run(self._fill(folder / "filler", people, known))

    async def _fill(self, folder: Path, people: Path, known: int) -> None:
        location = read_location(self.url)
        assert isinstance(location, Location)
        ring = KeyRing.load(people / "keys")
        store = open_redis(Access(location), "import0", node="a", folder=folder, fingerprint=fingerprint(ring))
        await stock(store.book, ring, known, batch=1000)
        await store.close()

    def stop(self) -> None:
        """End it, by process id."""
        stop(self._process)


def _pings(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as one:
            one.sendall(b"PING\r\n")
            return one.recv(7).startswith(b"+PONG")
    except OSError:
        return False


class Two:
    """Two gateways on one Redis, behind a balancer that only passes on what comes."""

    login = Gateway.login

    def __init__(self, folder: Path, nodes: Sequence[Gateway], sink: Sink) -> None:
        self.name = "redis, two nodes"
        self.sink: Sink | None = sink
        self.port = free_port()
        self._nodes = nodes
        config = folder / "haproxy.cfg"
        servers = "\n".join(f"    server n{number} 127.0.0.1:{node.port}" for number, node in enumerate(nodes))
        config.write_text(_BALANCER.format(port=self.port, servers=servers))
        self._process = start([shutil.which("haproxy") or "/usr/sbin/haproxy", "-f", config], folder / "haproxy.log")
        wait_until(lambda: answers(self.port), 20, "haproxy")

    def roots(self) -> list[int]:
        """The gateways; the balancer is not part of them."""
        return [pid for node in self._nodes for pid in node.roots()]

    def stop(self) -> None:
        """End the balancer; the gateways have their own end."""
        stop(self._process)


SINGLE = 7
"""Runs with one session."""


def main() -> int:
    """Measure and print; the figures also go to bench/out/scaled.json."""
    order = argparse.ArgumentParser(prog="python -m bench.scaled")
    order.add_argument("--people", type=int, default=60_000)
    order.add_argument("--rounds", type=int, default=5)
    order.add_argument("--seconds", type=float, default=4.0)
    given = order.parse_args()
    OUT.mkdir(exist_ok=True)
    os.environ["BENCH_PEOPLE"] = str(given.people)  # for the source: it writes to nobody else
    key = signing_key(OUT / "rsa.pem")
    people, _ = stocked(OUT / "scaled", given.people)
    samples = [sample for name, sample in write_samples(OUT).items() if name != "5m"]
    with ExitStack() as stack:
        server = Server(OUT / "scaled" / "redis", people, given.people)
        stack.callback(server.stop)
        systems = _systems(stack, server, people, key)
        numbers, told = Numbers(), []
        for sample in samples:
            counts = {}
            for system in systems:
                counts[system.name] = max(LEAST[sample.name], int(load(system, sample, 400, 20, numbers).rate * given.seconds))
            for turn in range(given.rounds):
                for system in systems:
                    told.append(_once(server, system, sample, counts[system.name], 20, numbers))
                    say(f"round {turn + 1}  {told[-1]}")
            for _ in range(SINGLE):  # in turn, as the machine may be slower a minute later
                for system in systems[:2]:
                    told.append(_once(server, system, sample, 400, 1, numbers))
                    say(f"one session  {told[-1]}")
    (OUT / "scaled.json").write_text(json.dumps(told, indent=1))
    _print(told)
    return 0


def _systems(stack: ExitStack, server: Server, people: Path, key: Path) -> list[System]:
    folder = OUT / "scaled"

    def sink() -> Sink:
        one = Sink(OUT)
        stack.callback(one.stop)
        return one

    def gateway(name: str, to: Sink, store: str, node: str) -> Gateway:
        one = Gateway(name, folder / f"g-{node}", people, key, to, store=store, node=node)
        stack.callback(one.stop)
        return one

    alone = gateway("sqlite", sink(), "sqlite", "s")
    on_redis = gateway("redis, one node", sink(), server.url, "b")
    shared = sink()
    two = Two(folder, [gateway("c", shared, server.url, "c"), gateway("d", shared, server.url, "d")], shared)
    stack.callback(two.stop)
    return [alone, on_redis, two]


def _once(server: Server, system: System, sample: object, count: int, sessions: int, numbers: Numbers) -> dict[str, object]:
    before = cpu_seconds([server.pid])
    run: Run = load(system, sample, count, sessions, numbers)  # type: ignore[arg-type]
    return asdict(run) | {"sessions": sessions, "redis_cpu": (cpu_seconds([server.pid]) - before) / count * 1e3}


def _print(told: list[dict[str, object]]) -> None:
    print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}; medians of {len(told)} runs")
    print("| store | message | sessions | messages/s | CPU ms, gateways | CPU ms, redis | p50 ms | p99 ms |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    for where in dict.fromkeys((one["system"], one["size"], one["sessions"]) for one in told):
        runs = [one for one in told if (one["system"], one["size"], one["sessions"]) == where]
        figures = [statistics.median(float(str(one[name])) for one in runs) for name in ("rate", "cpu", "redis_cpu", "p50", "p99")]
        print(f"| {' | '.join(map(str, where))} | " + " | ".join(f"{one:.2f}" for one in figures) + " |")


if __name__ == "__main__":
    sys.exit(main())
