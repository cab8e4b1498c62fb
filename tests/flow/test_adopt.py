"""Which text counted from when: shipped packs are recorded as found, an own pack that changed waits for a name and a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.policy import Policy, PolicyFault, parse, read_pack
from gateway.core.ruling import Setup, read_setup
from gateway.edges.files import policy_names, read_policy
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.adopt import Adoption
from tests.support.clock import StillClock
from tests.support.company import Company


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = open_store(tmp_path / "gateway.db", "test")
    yield store
    await store.close()


def pack(version: str = "", name: str = "fr") -> Policy:
    """A shipped pack, or the same under another version."""
    found = read_policy(name)
    assert isinstance(found, Policy)
    if not version:
        return found
    changed = read_pack(found.text.replace(f'"version": "{found.version}"', f'"version": "{version}"'))
    assert isinstance(changed, Policy)
    return changed


@pytest.mark.parametrize("name", policy_names())
def test_a_pack_is_had_again_from_its_ruling(name: str) -> None:
    """R-FR-86, R-PACK-02: lists and parameters included; examples decide nothing and stay in the file."""
    known = pack(name=name)
    again = read_pack(known.text)
    assert not isinstance(again, PolicyFault)
    assert replace(again, cases=known.cases, text=known.text) == known
    assert read_pack(again.text) == again


def test_a_stream_is_had_again_from_its_ruling() -> None:
    """R-FR-86"""
    for stream in Company().streams.values():
        setup = Setup(stream, ("privacy_url",), ("fr", "us"))
        again = read_setup(setup.text)
        assert again.label == setup.label
        assert (again.stream.name, again.stream.advertiser, again.packs) == (stream.name, stream.advertiser, ("fr", "us"))


async def test_what_comes_with_the_gateway_is_recorded_once(store: SqliteStore) -> None:
    """R-FR-86"""
    adoption = Adoption(store.book, StillClock())
    setups = [Setup(stream, (), ("fr",)) for stream in Company().streams.values()]
    for _ in range(2):
        assert await adoption.at_start({"fr": pack()}, (), setups) == ()
    kept = await store.book.rulings()
    assert [one.label for one in kept] == [pack().label, *(setup.label for setup in setups)]
    assert kept[0].reason == "came with the gateway"
    assert await adoption.at_start({"fr": pack("2027-01")}, (), setups) == ()
    assert [one.label for one in await store.book.rulings("pack")] == [pack().label, pack("2027-01").label]


async def test_an_own_pack_that_changed_counts_only_once_it_is_signed(store: SqliteStore) -> None:
    """R-FR-86: versioned, dated, with reason and author."""
    adoption = Adoption(store.book, StillClock())
    assert await adoption.at_start({"fr": pack()}, ("fr",), ()) == ()
    (unsigned,) = await adoption.at_start({"fr": pack("ours-2")}, ("fr",), ())
    assert "gateway policy adopt fr" in str(unsigned)
    assert await adoption.sign(pack("ours-2"), "DPO", "shorter retention")
    assert not await adoption.sign(pack("ours-2"), "DPO", "again")
    assert await adoption.at_start({"fr": pack("ours-2")}, ("fr",), ()) == ()
    last = (await store.book.rulings("pack"))[-1]
    assert (last.author, last.reason) == ("DPO", "shorter retention")


async def test_going_back_to_an_earlier_pack_is_a_change_too(store: SqliteStore) -> None:
    """R-FR-86: the order of rulings is kept, so that any time in between can be judged by what counted then."""
    adoption = Adoption(store.book, StillClock())
    for version in ("a", "b", "a"):
        assert await adoption.sign(pack(version), "DPO", "trial")
    assert [one.label.split("#")[0] for one in await store.book.rulings("pack")] == ["fr@a", "fr@b", "fr@a"]


def test_a_pack_of_another_time_that_cannot_be_read_is_a_fault() -> None:
    """R-PACK-02"""
    assert isinstance(parse({"name": "fr"}, "0"), PolicyFault)
