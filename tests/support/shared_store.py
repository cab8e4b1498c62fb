"""Opens the shared store as one process of a machine does: `async with shared_store(server.url, folder, "n1w0") as store`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.edges.store.redis.client import Access
from gateway.edges.store.redis.location import Location, read_location
from gateway.edges.store.redis.store import RedisStore, open_redis

FINGERPRINT = bytes(32)
"""Of the keys that all machines of the tests have."""


def access(url: str) -> Access:
    """What a store URL without secrets gives."""
    location = read_location(url)
    assert isinstance(location, Location), location
    return Access(location)


@asynccontextmanager
async def shared_store(
    url: str, folder: Path, writer: str = "n1w0", node: str = "n1", replicas: int = 0
) -> AsyncIterator[RedisStore]:
    """The store at that URL, for a machine whose own files are in `folder`."""
    store = open_redis(access(url), writer, node=node, folder=folder, fingerprint=FINGERPRINT, replicas=replicas)
    try:
        yield store
    finally:
        await store.close()
