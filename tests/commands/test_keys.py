"""`gateway keys` and `gateway policy`."""

from __future__ import annotations

import re

from gateway.edges.files import shipped
from tests.commands.conftest import CONFIG, House


def test_a_new_key_is_private_and_its_record_is_printed(house: House) -> None:
    for option in ([], ["--ed25519"]):
        file = house.folder / f"k{len(option)}.pem"
        told = house.gateway("keys", "new", "Acme.Example", "--selector", "gw1", "--file", str(file), *option)
        assert told.stdout.startswith("gw1._domainkey.acme.example. IN TXT")
        assert "PRIVATE" not in told.output
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(house: House) -> None:
    file = house.write("k.pem", "precious")
    house.gateway("keys", "new", "acme.example", "--selector", "gw1", "--file", str(file), code=1)
    assert file.read_text() == "precious"


def test_what_is_no_domain_is_misuse(house: House) -> None:
    house.gateway("keys", "new", "localhost", "--selector", "gw1", "--file", str(house.folder / "k.pem"), code=2)


def test_configured_keys_are_listed_with_the_record_that_was_printed(house: House) -> None:
    printed = house.gateway("keys", "new", "acme.example", "--selector", "gw1", "--file", str(house.folder / "k.pem")).stdout
    dkim = 'dkim = [{ selector = "gw1", key_file = "k.pem" }]\n\n[upstream.out]'
    house.write("gateway.toml", CONFIG.replace("[upstream.out]", dkim))
    (listed,) = house.json("keys", "list")
    assert listed["record"] == "".join(re.findall(r'"([^"]*)"', printed))


def test_rotation_adds_a_key_and_keeps_the_old_ones(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com")
    house.gateway("keys", "rotate")
    assert [(key["name"], key["state"]) for key in house.json("keys", "list")] == [("1", "verifies"), ("2", "in use")]
    assert "token-key" in house.gateway("journal", "show").stdout


def test_the_shipped_pack_meets_its_own_examples(house: House) -> None:
    assert all(result["result"] == "passed" for result in house.json("policy", "test", "fr"))


def test_packs_and_rules_are_listed_with_their_law(house: House) -> None:
    assert [pack["used"] for pack in house.json("policy", "list") if pack["pack"] == "fr"] == [True]
    assert all(rule["says"] and rule["source"] for rule in house.json("policy", "show", "fr"))


def test_an_example_that_is_not_met_is_found_wanting(house: House) -> None:
    own = house.folder / "packs"
    own.mkdir()
    pack = (shipped("policies") / "fr.toml").read_text()
    (own / "fr.toml").write_text(pack.replace('verdict = "allow"', 'verdict = "refuse"', 1))
    house.write("gateway.toml", '[gateway]\npolicies_dir = "packs"\n' + CONFIG)
    house.gateway("policy", "test", code=1)


def test_an_unknown_pack_or_stream_is_told(house: House) -> None:
    house.gateway("policy", "show", "xx", code=1)
    assert "there are: news, sales" in house.gateway("explain", "a@example.com", "--stream", "x", code=2).stderr
