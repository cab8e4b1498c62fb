"""Several gateways with one shared store, as a company runs them that outgrew one machine: each in a folder of its own.

Tools and people reach them through one pair of ports (a balancer's), so that a request finds whoever lives. When everything has
stopped, one check reads what the tool saw, what left, the store and the journal (reliability 4.1).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import apsw

from gateway.edges.sink import Sink
from gateway.flow.ports import Entry
from gateway.settings import Settings, load
from gateway.store_rooms import open_keys, open_truth
from tests.support.gateway import enlist
from tests.support.haproxy import Front, HAProxy, running_haproxy
from tests.support.invariants import Found, Run, check_many
from tests.support.load import Load
from tests.support.process import Life, Nursery, Plain, Ports, found_company

T = TypeVar("T")
PARTNER = "@voisin.example"
"""Whom the gateways write to by themselves, to tell of oppositions: no mail of a tool."""
DOORS = ("submission", "inbound", "web")
LEAVERS = 600
"""So many people that somebody opts out in each of many runs."""
KEYS = ("dkim.pem", "dkim-ed25519.pem", "var/keys")
"""What every machine of one company has a copy of."""


@dataclass
class Node:
    """One gateway of the estate: its folder, its settings, its process."""

    folder: Path
    settings: Settings
    life: Life

    def waiting(self) -> int:
        """How many rows its spool holds, whoever has it open."""
        found = 0
        for path in (self.folder / "var").glob("spool-*.db"):
            with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as spool:
                found += int(str(spool.execute("SELECT count(*) FROM parcel").fetchall()[0][0]))
        return found


@dataclass
class Estate:
    """The gateways, what stands before and behind them, and what tools and people saw."""

    nodes: Sequence[Node]
    sink: Sink
    load: Load
    balancer: HAProxy
    lost: list[Entry] = field(default_factory=list)
    """Evidence that was destroyed with the store."""

    @property
    def ports(self) -> Ports:
        """Where tools and people knock."""
        return self.load.ports

    async def rest(self, patience: float = 60) -> None:
        """Let every gateway run, and wait until none owns a message any more."""
        for node in self.nodes:
            if not node.life.pid:
                await node.life.start()
        async with asyncio.timeout(patience):
            while any(node.waiting() for node in self.nodes):  # noqa: ASYNC110 - other processes empty them
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Stop every gateway once it has nothing left to do."""
        await self.rest()
        for node in self.nodes:
            assert await node.life.terminate() == 0

    async def found(self) -> Found:
        """Stop everything that is at rest, and check every invariant."""
        await self.end()
        while any(node.waiting() for node in self.nodes):  # a note to a partner became a letter at the last moment
            await self.end()
        basis = frozenset([*self.load.customers, *self.load.leavers])
        first = self.nodes[0]
        received = [one for one in self.sink.messages if not one.recipient.endswith(PARTNER)]
        beside = [one for one in self.sink.messages if one.recipient.endswith(PARTNER)]
        run = Run(first.folder, self.load.diary, received, basis, beside)
        found = await apart(self._check(first, run))
        found.violations.extend(self._refused_for_nothing())
        found.counts["told to wait"] = sum(line.startswith(b"4") for line in self.load.diary.replies)
        return found

    async def _check(self, first: Node, run: Run) -> Found:
        store = open_truth(first.settings, open_keys(first.settings, may_create=False), "reader")
        return await check_many(run, store, [node.folder / "var" for node in self.nodes], self.lost)

    def _refused_for_nothing(self) -> Iterator[str]:
        """Whoever consented and never opposed is mailed now or later, never refused for good; no tool is taken for a stranger."""
        if strangers := sum(line.startswith(b"535") for line in self.load.diary.replies):
            yield f"I9 a tool with the right password heard 535, {strangers} times"
        customers = frozenset(self.load.customers)
        for one in self.load.diary.tries:
            for address, answer in one.answers.items():
                if address in customers and answer.startswith("5"):
                    yield f"I9 {address} consented and heard {answer}"


@asynccontextmanager
async def estate(
    folder: Path, starter: Nursery | Plain, sink: Sink, store: str, seed: int, count: int = 2, **parts: str
) -> AsyncIterator[Estate]:
    """So many gateways, running, behind a balancer; nodes are called a, b, c. `parts` add lines to the tables of their names."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    _, port = await sink.start()
    nodes: list[Node] = []
    try:
        for number in range(count):
            nodes.append(await _node(folder / "abcdef"[number], nodes[:1], starter, port, store, parts))
        fronts = [Front(name, tuple(getattr(node.life.ports, name) for node in nodes), proxy="", checked=True) for name in DOORS]
        async with running_haproxy(folder / "balancer", *fronts) as balancer:
            ports = Ports(*map(balancer.port, DOORS))
            yield Estate(nodes, sink, await _load(ports, sink, seed, folder.name, nodes[0]), balancer)
    finally:
        for node in nodes:
            if node.life.pid:
                await node.life.kill()
        await sink.close()


async def apart(work: Coroutine[Any, Any, T]) -> T:
    """The value of what opens the store, which waits for its server: a link to it may live in this very loop."""
    return await asyncio.to_thread(asyncio.run, work)


def share_keys(first: Path, other: Path) -> None:
    """Give another machine a copy of what the first one made."""
    for name in KEYS:
        given = first / name
        (shutil.copytree if given.is_dir() else shutil.copy)(given, other / name)


async def _load(ports: Ports, sink: Sink, seed: int, name: str, node: Node) -> Load:
    load = Load(ports, sink, seed, name, leavers=LEAVERS)
    await apart(load.consent(node.settings))
    return load


async def _node(
    folder: Path, first: Sequence[Node], starter: Nursery | Plain, sink: int, store: str, parts: dict[str, str]
) -> Node:
    """One more gateway, running; the first makes the keys, the others get a copy."""
    (folder / "var").mkdir(mode=0o700, parents=True)
    for one in first:
        share_keys(one.folder, folder)
    lines = f'store = "{store}"\nnode = "{folder.name}"\n{parts.get("gateway", "")}'
    config, ports = await found_company(folder, sink, **{**parts, "gateway": lines})
    settings = load(config, {})
    if not first:
        await apart(enlist(settings))
    life = Life(starter, config, ports)
    await life.start()
    return Node(folder, settings, life)
