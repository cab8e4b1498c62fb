"""A file that a machine opens after it worked on a shared store: refused unless it holds what that machine saw there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.core.change import Oppose
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteTarget
from gateway.edges.store.copying import copy
from gateway.edges.store.redis.copying import RedisSource
from gateway.edges.store.redis.notes import FILE, NodeJournal
from gateway.edges.store.redis.standing import Standing
from gateway.edges.store.shared_since import refuse_if_left_behind
from gateway.edges.store.sqlite import open_store
from tests.support.machine import machine, oppose
from tests.support.people import event, opposition, person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access

DATABASE = "gateway.db"


async def served(path: Path, *numbers: int) -> None:
    """A life of that file, in which these opposed."""
    store = open_store(path, "n1w0")
    for number in numbers:
        await store.book.commit([event(number, person(number))], [Oppose(opposition(person(number)))])
    await store.close()


def copied(server: RedisServer, path: Path) -> None:
    source = RedisSource(access(server.url), FINGERPRINT)
    assert copy(source, SqliteTarget(path)).differing == ()
    source.close()


@needs_redis
async def test_a_file_that_has_come_further_by_itself_is_not_taken_for_the_shared_store(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    await served(tmp_path / DATABASE, 1, 2, 3, 4, 5)
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(9))
        assert await store.book.stand() < 5
    with pytest.raises(Refused, match="shared store"):
        refuse_if_left_behind(tmp_path / DATABASE)


@needs_redis
async def test_a_place_without_a_file_knows_nobody_who_opposed_in_the_shared_store(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
    with pytest.raises(Refused, match="shared store"):
        refuse_if_left_behind(tmp_path / DATABASE)


@needs_redis
async def test_the_shared_store_that_was_copied_back_is_let_in_and_so_are_its_later_lives(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
    copied(redis_server, tmp_path / DATABASE)
    for number in (2, 3):
        refuse_if_left_behind(tmp_path / DATABASE)
        await served(tmp_path / DATABASE, number)
    refuse_if_left_behind(tmp_path / DATABASE)


@needs_redis
async def test_a_copy_that_came_further_elsewhere_than_the_shared_store_is_refused_where_that_went_on(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with machine(redis_server.url, tmp_path, "a") as store:
        await oppose(store, person(1))
        copied(redis_server, tmp_path / "copy.db")
        await oppose(store, person(2))
    await served(tmp_path / "copy.db", 3, 4, 5)
    shutil.copy(tmp_path / "copy.db", tmp_path / DATABASE)
    with pytest.raises(Refused, match="shared store"):
        refuse_if_left_behind(tmp_path / DATABASE)


async def test_a_machine_that_never_reached_a_shared_store_keeps_its_file(tmp_path: Path) -> None:
    await served(tmp_path / DATABASE, 1)
    NodeJournal(tmp_path / FILE, Standing()).close()
    refuse_if_left_behind(tmp_path / DATABASE)
    refuse_if_left_behind(tmp_path / "other.db")
