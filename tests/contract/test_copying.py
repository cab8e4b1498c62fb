"""What every copy promises: both kinds of store hold the same when filled alike, and what went there and came back is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import Digest, Source, copy, digest
from gateway.edges.store.redis.copy_target import RedisTarget
from gateway.edges.store.redis.copying import RedisSource
from gateway.edges.store.sqlite import open_store
from tests.support.filled import fill
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access, shared_store

pytestmark = needs_redis


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    """A file with something in every table."""
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await fill(store.book)
    await store.close()
    return tmp_path / "gateway.db"


def of(source: Source) -> dict[str, Digest]:
    """What a store holds."""
    found = digest(source.batches())
    source.close()
    return found


def of_file(path: Path) -> dict[str, Digest]:
    return of(SqliteSource(path))


def of_server(server: RedisServer) -> dict[str, Digest]:
    return of(RedisSource(access(server.url), FINGERPRINT))


def into_server(path: Path, server: RedisServer) -> None:
    source = SqliteSource(path)
    assert copy(source, RedisTarget(access(server.url), FINGERPRINT)).differing == ()
    source.close()


def into_file(server: RedisServer, path: Path) -> None:
    source = RedisSource(access(server.url), FINGERPRINT)
    assert copy(source, SqliteTarget(path)).differing == ()
    source.close()


async def test_stores_filled_alike_have_the_same_digests(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    async with shared_store(shared_redis.url, tmp_path) as store:
        await fill(store.book)
    assert of_server(shared_redis) == of_file(filled)


async def test_there_and_back_again_nothing_has_changed(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    into_server(filled, shared_redis)
    into_file(shared_redis, tmp_path / "back.db")
    assert of_file(tmp_path / "back.db") == of_file(filled) == of_server(shared_redis)
