"""Leases in Redis, by the server's own clock; the number of each is the fence that commits ask (`lua/commit.lua`)."""

from __future__ import annotations

from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.scripts import LEASE
from gateway.flow.lease_ports import Lease


class RedisLeases:
    """`lease_ports.Leases` over the server that the book writes."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
        """See `Leases`."""
        number = int(await self._reads.script(LEASE, (name, owner, int(seconds * 1000), "")))
        return Lease(name, number) if number else None

    async def release(self, lease: Lease, owner: str) -> None:
        """See `Leases`."""
        await self._reads.script(LEASE, (lease.name, owner, "", lease.number))
