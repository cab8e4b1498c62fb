"""`gateway tool`."""

from __future__ import annotations

import hashlib

from tests.commands.conftest import House


def test_secret_is_shown_once_and_stored_hashed(house: House) -> None:
    (told,) = house.json("tool", "add", "crm", "--stream", "news")
    secret = told["secret"]
    assert len(secret) >= 43
    stored = b"".join(path.read_bytes() for path in (house.folder / "var").glob("gateway.db*"))
    assert secret.encode() not in stored
    assert hashlib.sha256(secret.encode()).digest() in stored
    for words in (("tool", "list"), ("journal", "show"), ("check",)):
        assert secret not in house.gateway(*words).output


def test_each_tool_has_its_own_secret(house: House) -> None:
    (one,), (two,) = (house.json("tool", "add", name, "--stream", "news") for name in ("one", "two"))
    assert one["secret"] != two["secret"]


def test_a_tool_for_an_unknown_stream_is_refused_with_the_streams_there_are(house: House) -> None:
    assert "there are: news, sales" in house.gateway("tool", "add", "crm", "--stream", "nws", code=1).stderr


def test_a_tool_without_stream_is_misuse(house: House) -> None:
    house.gateway("tool", "add", "crm", code=2)


def test_a_revoked_tool_stays_in_the_list(house: House) -> None:
    house.gateway("tool", "add", "crm", "--stream", "news", "--stream", "sales", "--refusal", "withhold")
    house.gateway("tool", "revoke", "crm")
    (told,) = house.json("tool", "list")
    assert (told["tool"], told["streams"], told["refusal"]) == ("crm", ["news", "sales"], "withhold")
    assert told["revoked"]
    house.gateway("tool", "revoke", "crm", code=1)


def test_reading_makes_no_keys_and_no_database(house: House) -> None:
    assert "Nothing is recorded" in house.gateway("tool", "list", code=1).stderr
    assert not (house.folder / "var").exists()
