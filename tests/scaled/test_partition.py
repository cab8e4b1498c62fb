"""A gateway that is cut off from the store refuses for now and never guesses; the one beside it goes on.

Each gateway stands on a machine of its own (a network namespace), with a relay to its loopback, as its listeners stay there.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.edges.sink import Sink
from gateway.settings import load
from tests.scaled.table import ROWS, Row
from tests.scaled.test_faults import DELIVERY, sending
from tests.scaled.watch import recovered
from tests.support.estate import DOORS, KEYS, Estate, Node, apart
from tests.support.gateway import enlist
from tests.support.haproxy import Front, HAProxy, needs_haproxy, running_haproxy
from tests.support.load import Load, Session, write
from tests.support.netns import Machine, Network, needs_root, network
from tests.support.process import Life, Plain, Ports, found_company
from tests.support.redis_servers import RedisServer, needs_redis

pytestmark = [needs_redis, needs_haproxy, needs_root, pytest.mark.slow, pytest.mark.xdist_group("scaled")]
CUTS = 20


async def test_a_gateway_cut_off_from_the_store_refuses_and_never_guesses(share: float, tmp_path: Path) -> None:
    cuts, healed = max(3, math.ceil(CUTS * share)), []
    async with parted_estate(tmp_path) as (net, redis, machines, one):
        async with sending(one.load):
            await recovered(one)
            for number in range(cuts):
                cut = number % len(machines)
                await net.part(machines[cut], redis)
                for turn in range(3):
                    heard = await tried(one, one.nodes[cut], number * 10 + turn)
                    assert heard == "" or heard.startswith("4"), heard
                assert await recovered(one, [one.nodes[1 - cut]]) < 30
                await net.join(machines[cut], redis)
                healed.append(await recovered(one))
        found = await one.found()
    ROWS.append(Row("gateway cut off from the store", cuts, tuple(healed), found))
    print(found)
    assert not found.violations, found
    assert found.counts["opt_outs"] > 0
    assert max(healed) <= 30


async def tried(one: Estate, node: Node, number: int) -> str:
    """The last answer to a mail that may leave; empty where the gateway hung up or said nothing at all."""
    session = Session(node.life.ports, one.load.diary)
    message_id, text = f"<cut.{number}@maison.example>", f"Nouvelles de la coupure {number}".encode()
    one.load.diary.texts[message_id] = text
    attempt = await session.send(message_id, [one.load.customers[0]], write(message_id, text, 400))
    session.close()
    return attempt.final or next(iter(attempt.answers.values()), "")


@asynccontextmanager
async def parted_estate(folder: Path) -> AsyncIterator[tuple[Network, Machine, list[Machine], Estate]]:
    """Two gateways and a store, each on a machine of its own; the provider and everybody else are on the test's."""
    sink = Sink(keep=1_000_000)
    _, port = await sink.start()
    async with network() as net, AsyncExitStack() as stack:
        stack.push_async_callback(sink.close)
        place = await net.machine("store")
        redis = RedisServer(folder / "redis", host=place.address, before=place.inside)
        stack.push_async_callback(redis.kill)
        await redis.start()
        to_sink = await stack.enter_async_context(
            running_haproxy(folder / "sink", Front("sink", (port,), "", host=net.here.address))
        )
        machines = [await net.machine(name) for name in "ab"]
        inside: list[Ports] = []
        configs: list[Path] = []
        for machine, name in zip(machines, "ab", strict=True):
            home = folder / name
            (home / "var").mkdir(mode=0o700, parents=True)
            for key in KEYS if configs else ():
                given = configs[0].parent / key
                (shutil.copytree if given.is_dir() else shutil.copy)(given, home / key)
            lines = f'store = "redis://{place.address}:{redis.port}"\nnode = "{name}"\n[redis]\nnetwork = "private"\n'
            config, ports = await found_company(home, port, gateway=lines, delivery=DELIVERY)
            fronts = [Front(door, (getattr(ports, door),), "", host=machine.address) for door in DOORS]
            sinks = Front("sink", (f"{net.here.address}:{to_sink.port('sink')}",), "", port=port)
            relay = HAProxy(home / "relay", (*fronts, sinks), machine.inside)
            stack.push_async_callback(relay.kill)
            await relay.start()
            inside.append(Ports(*(relay.port(door) for door in DOORS)))
            configs.append(config)
            if len(configs) == 1:
                await apart(enlist(load(config, {})))
        yield net, place, machines, await _behind(stack, folder, sink, machines, inside, configs)


async def _behind(
    stack: AsyncExitStack, folder: Path, sink: Sink, machines: list[Machine], inside: list[Ports], configs: list[Path]
) -> Estate:
    """The gateways, running, with a door each on this machine's loopback and one for both."""
    fronts = [
        Front(f"{door}-{number}", (f"{machine.address}:{getattr(ports, door)}",), "")
        for number, (machine, ports) in enumerate(zip(machines, inside, strict=True))
        for door in DOORS
    ]
    both = [
        Front(door, tuple(f"{one.address}:{getattr(ports, door)}" for one, ports in zip(machines, inside, strict=True)), "")
        for door in DOORS
    ]
    balancer = await stack.enter_async_context(running_haproxy(folder / "balancer", *fronts, *both))
    nodes = []
    for number, (machine, config) in enumerate(zip(machines, configs, strict=True)):
        ports = Ports(*(balancer.port(f"{door}-{number}") for door in DOORS))
        life = Life(Plain(folder / f"{number}.log", machine.inside), config, ports)
        stack.push_async_callback(_ended, life)
        await life.start()
        nodes.append(Node(config.parent, load(config, {}), life))
    load_ = Load(Ports(*map(balancer.port, DOORS)), sink, 7, folder.name)
    await apart(load_.consent(nodes[0].settings))
    return Estate(nodes, sink, load_, balancer)


async def _ended(life: Life) -> None:
    if life.pid:
        await life.kill()
