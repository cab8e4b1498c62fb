"""What a partner is told, and when again: minimal words, waits that grow, alarms that come once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.address import Address, Identity, parse, shared_hash
from gateway.core.propagation import LIFE, Notice, alarm, next_try, notice_id, read_receipt, receipt_id, write_notice
from gateway.core.record import Scope

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NOTICE = Notice("opp_1", Scope.ADVERTISER, "Jeux & Loisirs SARL", NOW, "Clairé@example.org")


def test_a_notice_says_whom_how_far_and_since_when_and_nothing_else() -> None:
    """R-DP-24."""
    told = json.loads(write_notice(NOTICE))
    assert told == {
        "type": "opposition",
        "timestamp": "2026-11-22T09:00:00Z",
        "data": {"id": "opp_1", "scope": "advertiser", "advertiser": "Jeux & Loisirs SARL", "address": "Clairé@example.org"},
    }


def test_where_a_key_is_shared_the_address_does_not_travel() -> None:
    """R-DP-24."""
    digest = shared_hash(b"k" * 32, "claire@example.org")
    told = write_notice(Notice("opp_1", Scope.ALL, "", NOW, "", digest))
    assert b"claire" not in told
    assert json.loads(told)["data"]["hmac_sha256"] == digest


def test_both_houses_make_the_same_hash_of_every_spelling() -> None:
    """R-DP-24: whose pepper differs, and whose keys of people do."""
    one, other = (Identity(bytes([pepper]) * 32, shared={"jeux": b"k" * 32}) for pepper in (1, 2))
    texts = ("Claire@Example.ORG", "claire@example.org")
    found = [parse(text) for text in texts]
    hashes = {shared_hash(b"k" * 32, address.canonical) for address in found if isinstance(address, Address)}
    assert len(hashes) == 1
    for house in (one, other):
        for address in found:
            assert isinstance(address, Address)
            assert house.of_partner("jeux", hashes.copy().pop()) in house.who(address, hashes=True).also
            assert house.of_partner("jeux", hashes.copy().pop()) not in house.who(address, hashes=False).also
            assert house.of_partner("other", hashes.copy().pop()) not in house.who(address, hashes=True).also


def test_a_message_has_the_same_name_at_every_attempt_and_no_other_has() -> None:
    assert notice_id("voisin", 7, b"person", "at") == notice_id("voisin", 7, b"person", "at")
    assert len({notice_id("voisin", 7), notice_id("voisin", 8), notice_id("voisin7", ""), notice_id("jardin", 7)}) == 4


def test_a_receipt_is_the_same_for_the_same_message_of_the_same_partner() -> None:
    """R-FR-37."""
    assert receipt_id("jeux", "opp_1") == receipt_id("jeux", "opp_1")
    assert (
        len({receipt_id("jeux", "opp_1"), receipt_id("jeux", "opp_2"), receipt_id("maison", "opp_1"), receipt_id("j", "euxopp_1")})
        == 4
    )


@pytest.mark.parametrize(
    ("body", "receipt"),
    [
        (b'{"receipt":"rcp_1"}', "rcp_1"),
        (b'{"receipt":"with space"}', ""),
        (b'{"receipt":"<script>"}', ""),
        (b'{"receipt":"' + b"x" * 81 + b'"}', ""),
        (b'{"receipt":7}', ""),
        (b"[]", ""),
        (b"OK", ""),
        (b"", ""),
        (b"[" * 5000, ""),
        (b'{"receipt":"rcp_1"}' + b" " * 5000, ""),
    ],
)
def test_a_receipt_is_kept_only_where_it_can_be(body: bytes, receipt: str) -> None:
    assert read_receipt(body) == receipt


@given(st.binary(max_size=300))
def test_no_answer_is_an_error(body: bytes) -> None:
    assert len(read_receipt(body)) <= 80


def test_waits_grow_to_an_hour_and_no_further() -> None:
    """R-FR-35: a house that was down for a day is told within an hour of its return."""
    waits = [next_try(number, NOW) - NOW for number in range(40)]
    assert waits == sorted(waits)
    assert waits[0] <= timedelta(seconds=15)
    assert waits[-1] == timedelta(hours=1)
    assert sum(waits, timedelta()) < LIFE


def test_each_alarm_is_given_once() -> None:
    """R-FR-36: 24 hours, 72 hours."""
    hour = timedelta(hours=1)
    given = [(age, alarmed, alarm(age * hour, alarmed)) for age in (0, 23, 24, 71, 72, 900) for alarmed in (0, 24, 72)]
    assert [one for one in given if one[2]] == [(24, 0, 24), (71, 0, 24), (72, 0, 72), (72, 24, 72), (900, 0, 72), (900, 24, 72)]
