"""The vault: what is sealed opens again with its key, and with nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.vault import AesVault
from gateway.flow.ports import Unavailable

OLD, NEW = b"o" * 32, b"n" * 32
VAULT = AesVault(2, {1: OLD, 2: NEW})


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(plain: bytes) -> None:
    assert VAULT.open(VAULT.seal(plain)) == plain


def test_sealing_twice_shows_no_likeness() -> None:
    assert VAULT.seal(b"anne@example.com") != VAULT.seal(b"anne@example.com")
    assert b"anne" not in VAULT.seal(b"anne@example.com")


def test_old_key_still_opens_after_rotation() -> None:
    assert VAULT.open(AesVault(1, {1: OLD}).seal(b"x")) == b"x"


def test_any_changed_byte_is_refused() -> None:
    sealed = VAULT.seal(b"anne@example.com")
    for place in range(len(sealed)):
        with pytest.raises(Unavailable):
            VAULT.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])


def test_same_key_under_another_id_is_refused() -> None:
    sealed = AesVault(1, {1: NEW}).seal(b"x")
    with pytest.raises(Unavailable):
        VAULT.open(b"\x02" + sealed[1:])


@given(st.binary(max_size=60))
def test_garbage_is_unavailable_and_nothing_else(sealed: bytes) -> None:
    with pytest.raises(Unavailable):
        VAULT.open(sealed)


def test_foreign_key_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="vault"):
        AesVault(3, {3: NEW}).open(VAULT.seal(b"x"))
