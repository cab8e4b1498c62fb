"""Three Redis primaries that share the slots of a Cluster; the one that owns a key may have a replica that takes its place.

async with running_cluster(tmp_path, replica_for=b"{gw}") as cluster:   # some 3 s; what `RedisServer` takes, for each
    cluster.url                                                         # redis+cluster://...
    owner = await cluster.owner(b"{gw}")                                # the server that has this key now
    await cluster.fail_over(b"{gw}")                                    # kills it; its replica has taken its place
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.peer import free_port, until
from tests.support.redis_servers import RedisServer, one_authority, running_redis

SLOTS = 16384
NODE_TIMEOUT = 1.0
_SHARES = ((0, 5460), (5461, 10922), (10923, 16383))


def slot_of(key: bytes) -> int:
    """The slot of a key, which is that of its hash tag where it has one (Redis Cluster specification, hash tags)."""
    opened, _, rest = key.partition(b"{")
    tag, closing, _ = rest.partition(b"}")
    return crc_hqx(tag if opened != key and closing and tag else key, 0) % SLOTS


class Cluster:
    """The servers of one Cluster."""

    def __init__(self, servers: tuple[RedisServer, ...]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        """All servers, as the gateway's configuration says it."""
        scheme = "rediss" if self.servers[0].ca_file else "redis"
        return f"{scheme}+cluster://{','.join(f'{one.host}:{one.port}' for one in self.servers)}"

    async def owner(self, key: bytes) -> RedisServer:
        """The living server that owns the key in the eyes of most of the living; a test fails where there is none."""
        seen = [port for one in self.servers if one.runs and (port := await _owner_seen_by(one, slot_of(key)))]
        most = max(set(seen), key=seen.count)
        return next(one for one in self.servers if one.port == most)

    async def fail_over(self, key: bytes) -> RedisServer:
        """Kill the owner of a key and wait until its replica is in its place: the new owner."""
        before = await self.owner(key)
        await before.kill()

        async def another() -> bool:
            return (await self.owner(key)).port != before.port and await self._is_well()

        await until(another, "the replica has taken the place of the owner", pause=0.02)
        return await self.owner(key)

    async def well(self, known: int = 0) -> None:
        """Wait until every living server finds the Cluster in order, and knows that many."""

        async def so() -> bool:
            return await self._is_well(known)

        await until(so, "the Cluster is in order", pause=0.02)

    async def _is_well(self, known: int = 0) -> bool:
        for one in self.servers:
            if one.runs:
                said = await one.command("CLUSTER", "INFO")
                assert isinstance(said, bytes)
                facts = dict(line.split(":", 1) for line in said.decode().splitlines())
                if facts["cluster_state"] != "ok" or int(facts["cluster_known_nodes"]) < known:
                    return False
        return True


@asynccontextmanager
async def running_cluster(folder: Path, *, replica_for: bytes | None = None, **options: Any) -> AsyncIterator[Cluster]:
    """Three primaries that are in order, and a replica in step for the owner of `replica_for`; all are killed at the end."""
    options["tls"] = one_authority(options.get("tls", False))
    async with AsyncExitStack() as stack:
        servers = []
        for number in range(3 if replica_for is None else 4):
            servers.append(await stack.enter_async_context(_member(folder / f"server{number}", **options)))
        cluster = Cluster(tuple(servers))
        for one, (first, last) in zip(servers, _SHARES, strict=False):
            await one.command("CLUSTER", "ADDSLOTSRANGE", first, last)
        await _introduce(servers)
        await cluster.well(known=len(servers))
        if replica_for is not None:
            await _follow(servers[3], await cluster.owner(replica_for))
        yield cluster


def _member(folder: Path, **options: Any) -> Any:
    own = {"cluster_enabled": "yes", "cluster_port": str(free_port()), "cluster_node_timeout": f"{NODE_TIMEOUT * 1000:.0f}"}
    if options["tls"]:
        own["tls_cluster"] = "yes"
    return running_redis(folder, **own | options)


async def _introduce(servers: list[RedisServer]) -> None:
    """Everyone meets everyone, which is quicker than hearing of each other."""
    for number, one in enumerate(servers):
        await one.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for number, one in enumerate(servers):
        for other in servers[number + 1 :]:
            bus = (await other.command("CONFIG", "GET", "cluster-port"))[1]  # type: ignore[index]
            await one.command("CLUSTER", "MEET", other.host, other.port, bus)


async def _follow(replica: RedisServer, owner: RedisServer) -> None:
    """Make one the replica of another, and wait until it has everything and every server knows."""
    name = await owner.command("CLUSTER", "MYID")
    await replica.command("CLUSTER", "REPLICATE", name)

    async def linked() -> bool:
        facts = await owner.info("replication")
        return "state=online" in facts.get("slave0", "")

    await until(linked, "the replica has what its primary has", pause=0.02)


async def _owner_seen_by(server: RedisServer, slot: int) -> int:
    """The port of the server that owns a slot; 0 where that one does not know."""
    ranges = await server.command("CLUSTER", "SLOTS")
    for first, last, primary, *_ in ranges:  # type: ignore[union-attr]
        if first <= slot <= last:
            return int(primary[1])
    return 0
