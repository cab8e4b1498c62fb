"""A file of the embedded store, as tests use it whose people have numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.core.change import Lift, Oppose
from gateway.core.record import Block, Scope, Who
from gateway.edges.store.sqlite import SqliteStore, open_store
from tests.support.people import event, opposition, person

DATABASE = "gateway.db"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteStore]:
    """The file in that folder, in use."""
    store = open_store(folder / DATABASE, "n1w0")
    try:
        yield store
    finally:
        await store.close()


async def oppose(store: SqliteStore, *numbers: int) -> None:
    """One commit each."""
    for number in numbers:
        await store.book.commit([event(number, person(number))], [Oppose(opposition(person(number)))])


async def lift(store: SqliteStore, *numbers: int) -> None:
    """One commit each."""
    for number in numbers:
        await store.book.commit([event()], [Lift(person(number), Block.OPPOSED, Scope.ADVERTISER, "acme", "")])


async def opposed(store: SqliteStore) -> list[int]:
    """Who of the first ten."""
    found = await store.book.facts("acme", [Who(person(number)) for number in range(10)])
    return [number for number, one in enumerate(found) if one.oppositions]
