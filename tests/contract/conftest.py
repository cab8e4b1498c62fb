"""Opens each store that the contract binds; a new store joins by one entry in `STORES`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from gateway.edges.store.redis.pack import PREFIX
from gateway.edges.store.spool import SqliteSpool, open_spool
from gateway.edges.store.sqlite import open_store
from gateway.flow.back_ports import Outbox, Returns
from gateway.flow.lease_ports import Lease, LeasedBook, Leases
from gateway.flow.ports import Book, Journal
from gateway.flow.store import Store as LeasedStore
from tests.support.cluster import Cluster
from tests.support.people import NOON
from tests.support.redis_fixtures import emptied
from tests.support.redis_servers import needs_redis, running_redis
from tests.support.sentinel import Watched
from tests.support.shared_store import shared_store


class Store(Protocol):
    """What every store offers, whatever is behind it."""

    @property
    def book(self) -> LeasedBook: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def returns(self) -> Returns: ...
    @property
    def leases(self) -> Leases: ...
    def under(self, lease: Lease) -> LeasedStore: ...


Opening = Callable[..., AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Opening]:
    """The embedded store; each opening sees the same file."""

    @asynccontextmanager
    async def opened(writer: str = "n1w0") -> AsyncIterator[Store]:
        store = open_store(folder / "gateway.db", writer)
        try:
            yield store
        finally:
            await store.close()

    yield opened


@asynccontextmanager
async def redis(folder: Path) -> AsyncIterator[Opening]:
    """The shared store on one server; each opening is another process of one machine."""
    async with running_redis(folder / "redis") as server:
        yield partial(shared_store, server.url, folder)


@asynccontextmanager
async def redis_sentinel(folder: Path, watched: Watched) -> AsyncIterator[Opening]:
    """The same on a primary that its Sentinels name."""
    await emptied(watched.primary)
    yield partial(shared_store, watched.url, folder)


@asynccontextmanager
async def redis_cluster(folder: Path, cluster: Cluster) -> AsyncIterator[Opening]:
    """The same on the server of a Cluster that owns the gateway's keys."""
    await emptied(await cluster.owner(PREFIX.encode()))
    yield partial(shared_store, cluster.url, folder)


STORES: dict[str, Callable[..., AbstractAsyncContextManager[Opening]]] = {
    "sqlite": sqlite,
    "redis": redis,
    "redis-sentinel": redis_sentinel,
    "redis-cluster": redis_cluster,
}
SHARED = {"redis-sentinel": "_shared_sentinels", "redis-cluster": "_shared_cluster"}
"""Servers that take seconds to start, and serve many tests one after the other."""


@pytest.fixture(
    params=[
        pytest.param("sqlite"),
        pytest.param("redis", marks=needs_redis),
        pytest.param("redis-sentinel", marks=(needs_redis, pytest.mark.slow)),
        pytest.param("redis-cluster", marks=(needs_redis, pytest.mark.slow)),
    ]
)
def kind(request: pytest.FixtureRequest) -> tuple[str, list[Any]]:
    """The name of the store under test, and the servers that it is given, if any."""
    return request.param, [request.getfixturevalue(SHARED[request.param])] if request.param in SHARED else []


@pytest.fixture
async def opened(kind: tuple[str, list[Any]], tmp_path: Path) -> AsyncIterator[Opening]:
    """Opens the store under test, as often as wanted: `async with opened(writer="n1w1") as store`."""
    name, servers = kind
    async with STORES[name](tmp_path, *servers) as opening:
        yield opening


@pytest.fixture
async def store(opened: Opening) -> AsyncIterator[Store]:
    """The store under test, open and empty."""
    async with opened() as one:
        yield one


@pytest.fixture
def book(store: Store) -> Book:
    """Its book."""
    return store.book


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[SqliteSpool]:
    """A spool, open and empty; it thinks it is noon."""
    one = open_spool(tmp_path / "spool-0.db", lambda: NOON)
    yield one
    await one.close()
