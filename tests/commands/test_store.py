"""`gateway store`: moving there and back, comparing, backing up, as an administrator types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.edges.keys import KeyRing
from gateway.edges.store.backup_proof import read_proof
from gateway.edges.store.sqlite import open_store
from gateway.store_rooms import DATABASE, KEYS, fingerprint
from tests.commands.conftest import House
from tests.support.filled import fill
from tests.support.redis_servers import RedisServer, needs_redis


@pytest.fixture
async def kept(house: House) -> Path:
    """The data folder of a house with something in every table."""
    folder = house.folder / "var"
    KeyRing.open(folder / KEYS, may_create=True)
    store = open_store(folder / DATABASE, "n1w0")
    await fill(store.book)
    await store.close()
    return folder


@needs_redis
def test_a_move_there_and_back_leaves_everything_as_it_was(house: House, kept: Path, shared_redis: RedisServer) -> None:
    before = house.json("store", "digest")
    assert house.json("store", "copy", "sqlite", shared_redis.url) == before
    assert house.json("store", "digest", shared_redis.url) == before
    (kept / DATABASE).rename(kept / "old.db")
    assert house.json("store", "copy", shared_redis.url, "sqlite") == before
    assert house.json("store", "digest", str(kept / "old.db")) == before


@needs_redis
def test_a_taken_target_is_refused(house: House, kept: Path, shared_redis: RedisServer) -> None:
    house.gateway("store", "copy", "sqlite", shared_redis.url)
    assert "holds something" in house.gateway("store", "copy", "sqlite", shared_redis.url, code=1).output
    assert "exists" in house.gateway("store", "copy", shared_redis.url, "sqlite", code=1).output


@needs_redis
def test_a_copy_belongs_to_the_keys_of_its_gateway(house: House, kept: Path, shared_redis: RedisServer) -> None:
    house.gateway("store", "copy", "sqlite", shared_redis.url)
    (kept / KEYS).rename(kept / "other")
    KeyRing.open(kept / KEYS, may_create=True)
    assert "other keys" in house.gateway("store", "copy", shared_redis.url, str(kept / "new.db"), code=1).output


async def test_what_is_served_from_is_copied_only_when_that_is_meant(house: House, kept: Path) -> None:
    store = open_store(kept / DATABASE, "n1w0")
    await store.leases.take("keeper", "n1w0/1", 60)
    assert "Stop every gateway" in house.gateway("store", "copy", "sqlite", str(kept / "new.db"), code=1).output
    assert not (kept / "new.db").exists()
    house.gateway("store", "copy", "sqlite", str(kept / "new.db"), "--live")
    await store.close()


def test_a_backup_is_a_store_that_has_the_same_digests(house: House, kept: Path) -> None:
    before = house.json("store", "digest")
    (kept / "night").mkdir()
    assert house.json("store", "backup", str(kept / "night")) == before
    (path,) = (kept / "night").iterdir()
    assert house.json("store", "digest", str(path)) == before
    assert path.stat().st_mode & 0o777 == 0o600
    proof = read_proof(path)
    assert proof is not None
    assert proof.keys == fingerprint(KeyRing.open(kept / KEYS, may_create=False))
    assert "exists" in house.gateway("store", "backup", str(path), code=1).output


@needs_redis
def test_a_shared_store_is_backed_up_into_a_file_as_well(house: House, kept: Path, shared_redis: RedisServer) -> None:
    before = house.json("store", "digest")
    house.gateway("store", "copy", "sqlite", shared_redis.url)
    toml = house.folder / "gateway.toml"
    toml.write_text(f'[gateway]\nstore = "{shared_redis.url}"\n' + toml.read_text())
    assert house.json("store", "backup", str(kept / "night.db")) == before
    assert house.json("store", "digest") == before


@pytest.mark.parametrize("place", ["redis://user:secret@127.0.0.1:1", "redis://10.0.0.1", "http://x.example"])
def test_a_place_that_would_tell_a_secret_is_refused(house: House, kept: Path, place: str) -> None:
    told = house.gateway("store", "digest", place, code=1).output
    assert "Not done" in told
    assert "secret@" not in told


def test_a_store_that_is_not_there_is_not_made(house: House) -> None:
    assert "no such file" in house.gateway("store", "digest", code=1).output
    assert "no such file" in house.gateway("store", "copy", "sqlite", str(house.folder / "new.db"), code=1).output
    assert not (house.folder / "new.db").exists()


@needs_redis
def test_a_file_that_was_left_for_a_shared_store_is_not_started_from_again(
    house: House, kept: Path, shared_redis: RedisServer
) -> None:
    """It does not know who opposed there; what comes back from the shared store does."""
    toml = house.folder / "gateway.toml"
    alone = toml.read_text()
    house.gateway("store", "copy", "sqlite", shared_redis.url)
    toml.write_text(f'[gateway]\nstore = "{shared_redis.url}"\n' + alone)
    house.gateway("oppose", "add", "ann@example.com", "--advertiser", "acme")
    toml.write_text(alone)
    assert "does not know who opposed" in house.gateway("oppose", "list", code=1).output
    (kept / DATABASE).rename(kept / "old.db")
    assert "does not know who opposed" in house.gateway("oppose", "add", "bob@example.com", "--advertiser", "acme", code=1).output
    assert not (kept / DATABASE).exists()
    house.gateway("store", "copy", shared_redis.url, "sqlite")
    assert house.json("oppose", "show", "ann@example.com")


@pytest.mark.parametrize("place", ["redis:/127.0.0.1", "localhost:6379"])
def test_a_mistyped_url_makes_no_file_of_that_name(house: House, kept: Path, place: str) -> None:
    assert "is no store URL" in house.gateway("store", "copy", "sqlite", place, code=1).output
    assert "is no store URL" in house.gateway("store", "digest", place, code=1).output


def test_a_backup_goes_into_a_folder_that_is_there(house: House, kept: Path) -> None:
    assert "make it first" in house.gateway("store", "backup", str(kept / "unmounted"), code=1).output
    assert "make it first" in house.gateway("store", "backup", str(kept / "unmounted" / "night.db"), code=1).output
    assert not (kept / "unmounted").exists()
    (kept / "plain").touch()
    assert "make it first" in house.gateway("store", "backup", str(kept / "plain" / "night.db"), code=1).output
    assert "is no folder" in house.gateway("store", "copy", "sqlite", str(kept / "plain" / "night.db"), code=1).output


@needs_redis
def test_a_server_that_is_not_there_or_refuses_the_account_is_named(
    house: House, kept: Path, shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = house.gateway("store", "digest", "redis://127.0.0.1:1", code=1).output
    assert "127.0.0.1:1" in told
    assert "does not answer" in told
    assert "password" not in told
    monkeypatch.setenv("GATEWAY_REDIS_PASSWORD", "not-its-own")
    for words in (("copy", "sqlite", shared_redis.url), ("digest", shared_redis.url)):
        told = house.gateway("store", *words, code=1).output
        assert "refuses the password" in told
        assert "answer" not in told
        assert "not-its-own" not in told


@pytest.mark.parametrize("command", [("digest",), ("copy", "sqlite")])
def test_no_store_is_talked_to_in_clear_beyond_loopback(house: House, kept: Path, command: tuple[str, ...]) -> None:
    told = house.gateway("store", *command, "redis://192.0.2.1:6379", code=1).output
    assert "the store at 192.0.2.1 crosses the network in clear" in told


@pytest.mark.parametrize("command", [("digest",), ("copy", "sqlite")])
def test_a_missing_extra_is_named(house: House, kept: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.setattr("gateway.store_rooms.find_spec", lambda _: None)
    assert "compliance-gateway[redis]" in house.gateway("store", *command, "redis://127.0.0.1:1", code=1).output
