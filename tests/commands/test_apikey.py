"""`gateway apikey`."""

from __future__ import annotations

import hashlib

import pytest

from tests.commands.conftest import House


def test_a_key_is_shown_once_and_only_its_digest_is_kept(house: House) -> None:
    (told,) = house.json("apikey", "add", "crm", "--may", "consents", "--may", "acts", "--advertiser", "acme", "--expires", "P1Y")
    name, _, secret = told["bearer"].partition(".")
    assert (name, told["may"], told["advertisers"]) == ("crm", ["consents", "acts"], ["acme"])
    kept = b"".join(path.read_bytes() for path in (house.folder / "var").glob("gateway.db*"))
    assert secret.encode() not in kept
    assert hashlib.sha256(secret.encode()).digest() in kept
    (listed,) = house.json("apikey", "list")
    assert secret not in str(listed)
    assert listed["expires"][:4] > listed["added"][:4]
    assert listed["revoked"] == ""


def test_a_revoked_key_stays_in_the_list_and_its_name_can_be_given_again(house: House) -> None:
    house.gateway("apikey", "add", "crm", "--may", "consents")
    house.gateway("apikey", "add", "crm", "--may", "acts", code=1)
    house.gateway("apikey", "revoke", "crm")
    house.gateway("apikey", "revoke", "crm", code=1)
    assert house.json("apikey", "list")[0]["revoked"]
    house.gateway("apikey", "add", "crm", "--may", "acts")
    assert house.json("apikey", "list")[0]["may"] == ["acts"]
    shown = house.gateway("journal", "show").stdout
    assert shown.count("api-key-added") == 2
    assert shown.count("api-key-revoked") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("CRM", "--may", "consents"), 1),
        (("a.b", "--may", "consents"), 1),
        (("crm", "--may", "everything"), 1),
        (("crm", "--may", "consents", "--advertiser", "nobody"), 1),
        (("crm", "--may", "consents", "--expires", "tomorrow"), 2),
        (("crm", "--may", "consents", "--expires", "P0D"), 2),
        (("crm",), 2),
    ],
)
def test_a_key_that_makes_no_sense_is_not_issued(house: House, words: tuple[str, ...], code: int) -> None:
    house.gateway("apikey", "add", *words, code=code)
