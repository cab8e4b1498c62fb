"""Tokens: only ours are read, whatever is done to them."""

from __future__ import annotations

import base64
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import PersonKey
from gateway.core.token import LENGTH, PROBE_STREAM, Claim, TokenKeys, mint, read, stream_number

KEYS = TokenKeys(2, {1: b"a" * 32, 2: b"b" * 32})
PERSON = PersonKey(bytes(range(16)))
TOKEN = mint(KEYS, 513, PERSON)
ALPHABET = string.ascii_lowercase + "234567"

persons = st.binary(min_size=16, max_size=16).map(PersonKey)
numbers = st.integers(0, 65535)


@given(numbers, persons)
def test_token_says_who_and_which_stream(number: int, person: PersonKey) -> None:
    token = mint(KEYS, number, person)
    assert len(token) == LENGTH
    assert set(token) <= set(ALPHABET)
    assert read(KEYS, token) == Claim(number, person)


@given(numbers, persons)
def test_token_is_the_claim_and_its_mac_in_base32(number: int, person: PersonKey) -> None:
    claim = b"\x22" + number.to_bytes(2, "big") + person
    mac = hmac.digest(b"b" * 32, claim, "sha256")[:16]
    assert mint(KEYS, number, person) == base64.b32encode(claim + mac).decode().lower()


@given(st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH))
def test_letter_case_does_not_matter(upper: list[bool]) -> None:
    text = "".join(c.upper() if up else c for c, up in zip(TOKEN, upper, strict=True))
    assert read(KEYS, text) == Claim(513, PERSON)


def test_old_key_keeps_verifying_after_rotation() -> None:
    old = mint(TokenKeys(1, {1: b"a" * 32}), 7, PERSON)
    assert read(KEYS, old) == Claim(7, PERSON)
    assert mint(KEYS, 7, PERSON) != old


def test_token_of_an_unknown_key_is_refused() -> None:
    assert read(TokenKeys(1, {1: b"a" * 32}), TOKEN) is None
    assert read(TokenKeys(3, {3: bytes(32)}), mint(TokenKeys(4, {4: bytes(32)}), 7, PERSON)) is None


def test_unknown_key_id_with_a_mac_under_the_null_key_is_refused() -> None:
    assert read(KEYS, mint(TokenKeys(9, {9: bytes(32)}), 7, PERSON)) is None


def test_every_single_character_mutation_is_refused() -> None:
    for place, right in enumerate(TOKEN):
        for wrong in ALPHABET + "0189=-_. é\0\u0130\u017f":
            if wrong != right:
                assert read(KEYS, TOKEN[:place] + wrong + TOKEN[place + 1 :]) is None


def test_cut_stretched_swapped_and_shifted_tokens_are_refused() -> None:
    for place in range(LENGTH):
        forged = [TOKEN[:place], TOKEN[place + 1 :], TOKEN[:place] + "a" + TOKEN[place:]]
        forged += [TOKEN[place:] + TOKEN[:place]] if place else []
        forged += (
            [TOKEN[:place] + TOKEN[place + 1] + TOKEN[place] + TOKEN[place + 2 :]]
            if len(set(TOKEN[place : place + 2])) == 2
            else []
        )
        for text in forged:
            assert read(KEYS, text) is None


@pytest.mark.parametrize(
    "text", ["", "=" * 56, "a" * 56, "A" * 48 + "=" * 8, "\ud800" * 56, "ı" * 56, TOKEN + "\n", " " + TOKEN[1:], "é" * 28]
)
def test_garbage_is_refused_without_a_fuss(text: str) -> None:
    assert read(KEYS, text) is None


@given(st.text(max_size=80) | st.text(ALPHABET + "=", min_size=56, max_size=56))
def test_no_text_raises(text: str) -> None:
    assert read(KEYS, text) is None


@given(st.text(max_size=40))
def test_no_stream_has_the_number_of_the_probe(name: str) -> None:
    assert 0 < stream_number(name) < 65536
    assert stream_number(name) != PROBE_STREAM


def test_secrets_are_not_shown() -> None:
    assert "bbb" not in repr(KEYS)
