"""A hash reads the same however the library gives it; what was packed comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.store.redis.pack import packed, pairs, unpacked


@given(st.dictionaries(st.binary(), st.binary()))
def test_a_hash_reads_the_same_as_a_map_and_one_after_the_other(told: dict[bytes, bytes]) -> None:
    row = [part for pair in told.items() for part in pair]
    assert pairs(told) == pairs(row) == list(told.items())


def test_a_name_without_a_value_is_no_hash() -> None:
    with pytest.raises(ValueError, match="zip"):
        pairs([b"a", b"1", b"b"])


@given(st.recursive(st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(), st.lists))
def test_what_was_packed_comes_back(value: object) -> None:
    assert unpacked(packed(value)) == value
