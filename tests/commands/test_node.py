"""`gateway node`: who shares the store, and what is done about one that never comes back, as an administrator types it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import CONFIG, House
from tests.support.redis_servers import RedisServer, needs_redis

Machine = Callable[[str], House]


@pytest.fixture
def machine(tmp_path: Path, shared_redis: RedisServer) -> Machine:
    """A machine of that name, with the keys of the first; its first command makes it a node."""

    def made(name: str) -> House:
        house = House(tmp_path / name)
        house.folder.mkdir()
        given = f'[gateway]\nnode = "{name[0]}"\nstore = "{shared_redis.url}"\n'
        house.write("gateway.toml", given + CONFIG)
        keys = next(tmp_path.glob("*/var/keys"), None)
        if keys:
            shutil.copytree(keys, house.folder / "var/keys")
        house.gateway("oppose", "add", f"{name}@example.com", "--advertiser", "acme")
        return house

    return made


@needs_redis
def test_nodes_are_listed_by_name(machine: Machine) -> None:
    machine("b")
    told = machine("a").json("node", "list")
    assert [(one["node"], one["state"]) for one in told] == [("a", "here"), ("b", "here")]


@needs_redis
def test_retirement_is_on_record_and_done_once(machine: Machine) -> None:
    one, _ = machine("a"), machine("b")
    one.gateway("node", "retire", "b")
    assert [(one["node"], one["state"]) for one in one.json("node", "list")] == [("a", "here"), ("b", "gone")]
    assert "gone already" in one.gateway("node", "retire", "b", code=1).output
    assert "No node is called c" in one.gateway("node", "retire", "c", code=1).output
    shown = one.gateway("journal", "show").output
    assert "node-retired" in shown
    assert "node=b" in shown


@needs_redis
def test_machine_with_a_new_disk_is_refused_until_the_old_one_is_retired(machine: Machine, tmp_path: Path) -> None:
    old = machine("a")
    machine("b")
    shutil.rmtree(old.folder / "var")
    shutil.copytree(tmp_path / "b/var/keys", old.folder / "var/keys")
    refused = old.gateway("oppose", "add", "p@example.com", "--advertiser", "acme", code=1).output
    assert "gateway node retire a" in refused
    old.gateway("node", "retire", "a")
    old.gateway("oppose", "add", "p@example.com", "--advertiser", "acme")
    assert [(one["node"], one["state"]) for one in old.json("node", "list")] == [("a", "here"), ("a", "gone"), ("b", "here")]


@needs_redis
def test_emptied_store_begins_anew_only_when_somebody_says_so(machine: Machine, shared_redis: RedisServer) -> None:
    one = machine("a")
    assert "not emptied" in one.gateway("node", "begin-anew", "--yes", code=1).output
    asyncio.run(shared_redis.command("FLUSHALL"))
    one.gateway("oppose", "add", "p@example.com", "--advertiser", "acme")
    one.gateway("tool", "list", code=1)
    assert "gateway store copy" in one.gateway("node", "begin-anew", code=2).output
    one.gateway("node", "begin-anew", "--yes")
    assert one.json("tool", "list") == []
    assert "begun-anew" in one.gateway("journal", "show").output
    assert len(one.json("oppose", "list")) == 2


def test_gateway_with_a_store_of_its_own_has_no_nodes(house: House) -> None:
    assert "for itself" in house.gateway("node", "list", code=1).output
