"""Opens each store that the contract binds; a new store joins by one entry in `STORES`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from gateway.edges.store.spool import SqliteSpool, open_spool
from gateway.edges.store.sqlite import open_store
from gateway.flow.back_ports import Outbox, Returns
from gateway.flow.lease_ports import LeasedBook, Leases
from gateway.flow.ports import Book, Journal
from tests.support.people import NOON
from tests.support.redis_servers import needs_redis, running_redis
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


STORES = {"sqlite": sqlite, "redis": redis}


@pytest.fixture(params=[pytest.param("sqlite"), pytest.param("redis", marks=needs_redis)])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opening]:
    """Opens the store under test, as often as wanted: `async with opened(writer="n1w1") as store`."""
    async with STORES[request.param](tmp_path) as opening:
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
