"""Oppositions handed to a partner as a file: written, marked, ended by a person's word, all of it on record."""

from __future__ import annotations

import csv
from hashlib import sha256
from hmac import digest
from io import StringIO

import pytest

from tests.commands.conftest import CONFIG, House

PEOPLE = """address,advertiser,purpose,audience,basis,source,collected_at,action,wording
claire@example.org,acme,news,consumer,consent,friend,2026-10-01T10:00:00+02:00,checkbox-ticked,Oui
paul@example.org,acme,news,consumer,consent,friend,2026-10-01T10:00:00+02:00,checkbox-ticked,Oui
"""
HASH_KEY = "a key for hashes, long enough here"


@pytest.fixture
def known(house: House) -> House:
    house.gateway("consent", "import", str(house.write("people.csv", PEOPLE)))
    return house


def told(house: House) -> list[dict[str, str]]:
    """What the file for the partner holds."""
    return list(csv.DictReader(StringIO(house.gateway("partner", "tell", "friend").stdout)))


def test_what_waits_is_written_and_ends_when_a_person_says_so(known: House) -> None:
    """R-FR-38."""
    known.gateway("oppose", "add", "claire@example.org")
    (row,) = told(known)
    assert (row["address"], row["scope"], row["advertiser"]) == ("claire@example.org", "advertiser", "Acme SAS")
    (note,) = known.json("partner", "pending", code=1)
    assert (note["partner"], note["said"]) == ("friend", "written")
    assert "1 recorded as told" in known.gateway("partner", "done", "friend", "--receipt", "letter of 3 March").stderr
    assert known.json("partner", "pending") == []
    (receipt,) = known.json("partner", "receipts")
    assert (receipt["outcome"], receipt["receipt"]) == ("acknowledged", "by hand: letter of 3 March")
    journal = known.gateway("journal", "show").stdout
    assert "export partner-tell" in journal
    assert "propagation told-by-hand" in journal
    assert "claire" not in journal


def test_what_came_after_the_file_is_not_ended_by_it(known: House) -> None:
    """R-FR-38: nobody is taken for told who stands in no file."""
    known.gateway("oppose", "add", "claire@example.org")
    assert len(told(known)) == 1
    known.gateway("oppose", "add", "paul@example.org")
    known.gateway("partner", "done", "friend")
    (note,) = known.json("partner", "pending", code=1)
    assert note["said"] == ""
    assert [row["address"] for row in told(known)] == ["paul@example.org"]


def test_nothing_is_ended_that_was_not_written(known: House) -> None:
    known.gateway("oppose", "add", "claire@example.org")
    assert "comes first" in known.gateway("partner", "done", "friend", code=1).stderr
    assert len(known.json("partner", "pending", code=1)) == 1


def test_where_a_key_is_shared_the_file_holds_hashes(known: House) -> None:
    """R-DP-24."""
    secret = known.write("hash.key", HASH_KEY)
    secret.chmod(0o600)
    known.write("gateway.toml", CONFIG + 'hash_key_file = "hash.key"\n')
    known.gateway("oppose", "add", "claire@example.org")
    (row,) = told(known)
    assert "address" not in row
    assert row["hmac_sha256"] == digest(HASH_KEY.encode(), b"claire@example.org", sha256).hex()


def test_somebody_without_an_address_on_record_is_counted_and_stays(house: House) -> None:
    """R-FR-35."""
    house.gateway("oppose", "add", "unknown@example.org")
    result = house.gateway("partner", "tell", "friend")
    assert result.stdout.splitlines() == ["address,scope,advertiser,at"]
    assert "1 more have no address" in result.stderr
    assert len(house.json("partner", "pending", code=1)) == 1


def test_a_partner_nobody_knows_is_a_mistake(known: House) -> None:
    known.gateway("oppose", "add", "claire@example.org")
    assert "no partner 'nobody'" in known.gateway("partner", "tell", "nobody", code=1).stderr


def test_a_secret_that_is_too_short_is_said(known: House) -> None:
    secret = known.write("short.key", "short")
    secret.chmod(0o600)
    known.write("gateway.toml", CONFIG + 'secret_file = "short.key"\n')
    assert "[partner.friend] secret_file: needs 24 octets" in known.gateway("partner", "tell", "friend", code=1).stderr
    known.write("gateway.toml", CONFIG + 'hash_key_file = "short.key"\n')
    assert "[partner.friend] hash_key_file: needs 24 octets" in known.gateway("partner", "tell", "friend", code=1).stderr


def test_the_report_says_who_is_late(known: House) -> None:
    """R-FR-36."""
    known.gateway("oppose", "add", "claire@example.org")
    (row,) = known.json("report", "partners")
    assert (row["partner"], row["waiting"], row["alarmed"], row["acknowledged"]) == ("friend", 1, 0, 0)
    told(known)
    known.gateway("partner", "done", "friend")
    (row,) = known.json("report", "partners")
    assert (row["waiting"], row["acknowledged"], row["oldest"]) == (0, 1, "")


def test_what_tools_must_be_told_is_listed_apart(known: House) -> None:
    """R-FR-51."""
    known.gateway("oppose", "add", "claire@example.org")
    assert known.json("partner", "pending", "--tools") == []
    assert known.json("partner", "receipts", "--tools") == []


def test_a_partner_that_cannot_be_told_without_a_person_is_noted(known: House) -> None:
    """R-FR-38."""
    note = "[partner.friend] has no webhook or no secret"
    assert note in known.gateway("check").stderr
    known.write("long.key", HASH_KEY).chmod(0o600)
    known.write("gateway.toml", CONFIG + 'secret_file = "long.key"\nwebhook = "https://friend.example/hooks"\n')
    assert note not in known.gateway("check").stderr
