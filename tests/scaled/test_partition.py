"""A gateway that is cut off from the store refuses for now and never guesses; the one beside it goes on.

Each gateway stands on a machine of its own (a network namespace), with a relay to its loopback, as its listeners stay there.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.edges.sink import Sink
from gateway.settings import load
from tests.scaled.table import ROWS, Row
from tests.scaled.test_faults import DELIVERY, sending
from tests.scaled.watch import RECOVERS_WITHIN, recovered
from tests.support.estate import DOORS, LEAVERS, Estate, Node, apart, share_keys
from tests.support.gateway import enlist
from tests.support.haproxy import Front, HAProxy, needs_haproxy, running_haproxy
from tests.support.load import Diary, Load, Session, write
from tests.support.netns import Machine, Network, needs_root, network
from tests.support.peer import free_port
from tests.support.process import Life, Plain, Ports, found_company
from tests.support.redis_servers import RedisServer, needs_redis

pytestmark = [needs_redis, needs_haproxy, needs_root, pytest.mark.slow, pytest.mark.xdist_group("scaled")]
CUTS = 20


async def test_a_gateway_cut_off_from_the_store_refuses_and_never_guesses(share: float, tmp_path: Path) -> None:
    cuts, healed = max(2, math.ceil(CUTS * share)), []
    async with parted_estate(tmp_path) as parted:
        one = parted.estate
        async with sending(one.load):
            await recovered(one)
            for number in range(cuts):
                cut = number % len(one.nodes)
                await parted.part(cut)
                for turn in range(3):
                    heard = await tried(one, one.nodes[cut], number * 10 + turn)
                    assert heard.startswith("4"), heard
                assert await recovered(one, [one.nodes[1 - cut]]) <= RECOVERS_WITHIN
                await parted.join(cut)
                healed.append(await recovered(one))
            await one.load.reach(0, opted_out=1)
        found = await one.found()
    ROWS.append(Row("gateway cut off from the store", cuts, tuple(healed), found))
    print(found)
    assert not found.violations, found
    assert found.counts["opt_outs"] > 0
    assert max(healed) <= RECOVERS_WITHIN


async def tried(one: Estate, node: Node, number: int) -> str:
    """The last thing a gateway said to a mail that may leave."""
    diary = Diary()
    session = Session(node.life.ports, diary)
    message_id, text = f"<cut.{number}@maison.example>", f"Nouvelles de la coupure {number}".encode()
    one.load.diary.texts[message_id] = text
    await session.send(message_id, [one.load.customers[0]], write(message_id, text, 400))
    session.close()
    one.load.diary.tries += diary.tries
    one.load.diary.replies += diary.replies
    return diary.replies[-1].decode() if diary.replies else ""


@dataclass(frozen=True, slots=True)
class Site:
    """One gateway's machine, its configuration, and where its doors are on the switch."""

    machine: Machine
    config: Path
    doors: Ports

    def places(self, door: str) -> str:
        """One of them."""
        return f"{self.machine.address}:{getattr(self.doors, door)}"


@dataclass(frozen=True, slots=True)
class Parted:
    """Two gateways and a store, each on a machine of its own."""

    net: Network
    store: Machine
    sites: Sequence[Site]
    estate: Estate

    async def part(self, number: int) -> None:
        """Cut one gateway off from the store."""
        await self.net.part(self.sites[number].machine, self.store)

    async def join(self, number: int) -> None:
        """Let them see each other again."""
        await self.net.join(self.sites[number].machine, self.store)


@asynccontextmanager
async def parted_estate(folder: Path) -> AsyncIterator[Parted]:
    """Everything runs when the block begins; the provider and everybody else are on the test's own machine."""
    sink = Sink(keep=1_000_000)
    async with network() as net, AsyncExitStack() as stack:
        _, port = await sink.start()
        stack.push_async_callback(sink.close)
        store, url = await _store(stack, net, folder)
        provider = await stack.enter_async_context(
            running_haproxy(folder / "sink", Front("sink", (port,), "", host=net.here.address))
        )
        way = f"{net.here.address}:{provider.port('sink')}", port
        sites: list[Site] = []
        for name in "ab":
            sites.append(await _site(stack, await net.machine(name), folder / name, url, way, sites[:1]))
        yield Parted(net, store, sites, await _estate(stack, folder, sites, sink))


async def _store(stack: AsyncExitStack, net: Network, folder: Path) -> tuple[Machine, str]:
    place = await net.machine("store")
    redis = RedisServer(folder / "redis", host=place.address, port=free_port(), before=place.inside)
    stack.push_async_callback(redis.kill)
    await redis.start()
    return place, redis.url


async def _site(
    stack: AsyncExitStack, machine: Machine, home: Path, store: str, provider: tuple[str, int], first: Sequence[Site]
) -> Site:
    """A machine with a gateway to be, and a relay between its loopback and the switch; the first makes the keys."""
    (home / "var").mkdir(mode=0o700, parents=True)
    for one in first:
        share_keys(one.config.parent, home)
    outside, port = provider
    lines = f'store = "{store}"\nnode = "{home.name}"\n[redis]\nnetwork = "private"\n'
    config, ports = await found_company(home, port, gateway=lines, delivery=DELIVERY)
    fronts = [Front(door, (getattr(ports, door),), "", host=machine.address, port=free_port()) for door in DOORS]
    relay = HAProxy(home / "relay", (*fronts, Front("sink", (outside,), "", port=port)), machine.inside)
    stack.push_async_callback(relay.kill)
    await relay.start()
    if not first:
        await apart(enlist(load(config, {})))
    return Site(machine, config, Ports(*map(relay.port, DOORS)))


async def _estate(stack: AsyncExitStack, folder: Path, sites: Sequence[Site], sink: Sink) -> Estate:
    """The gateways, running, with a door each on this machine's loopback and one for both."""
    own = [Front(f"{door}-{number}", (site.places(door),), "") for number, site in enumerate(sites) for door in DOORS]
    both = [Front(door, tuple(site.places(door) for site in sites), "") for door in DOORS]
    balancer = await stack.enter_async_context(running_haproxy(folder / "balancer", *own, *both))
    nodes = []
    for number, site in enumerate(sites):
        ports = Ports(*(balancer.port(f"{door}-{number}") for door in DOORS))
        life = Life(Plain(folder / f"{number}.log", site.machine.inside), site.config, ports)
        stack.push_async_callback(_ended, life)
        await life.start()
        nodes.append(Node(site.config.parent, load(site.config, {}), life))
    tools = Load(Ports(*map(balancer.port, DOORS)), sink, 7, folder.name, leavers=LEAVERS)
    await apart(tools.consent(nodes[0].settings))
    return Estate(nodes, sink, tools, balancer)


async def _ended(life: Life) -> None:
    if life.pid:
        await life.kill()
