"""`gateway check`, and what a wrong configuration does to every other command."""

from __future__ import annotations

import tomllib

import pytest

from tests.commands.conftest import CONFIG, House


def test_the_effective_configuration_is_shown_with_every_default(house: House) -> None:
    shown = tomllib.loads(house.gateway("check").stdout)
    assert shown["submission"]["limits"]["recipients"] == 100
    assert shown["stream"]["news"]["policy"] == "fr"


def test_what_check_shows_is_a_configuration(house: House) -> None:
    shown = house.gateway("check").stdout
    house.write("gateway.toml", shown)
    assert tomllib.loads(house.gateway("check").stdout) == tomllib.loads(shown)


def test_a_fault_is_told_with_its_line_and_exit_1(house: House) -> None:
    house.write("gateway.toml", CONFIG.replace('upstream = "out"', 'upstrem = "out"', 1))
    told = house.gateway("check", code=1).stderr
    assert 'gateway.toml:14: [stream.news] upstrem: is unknown; did you mean "upstream"?' in told
    (faults,) = house.json("check", code=1)
    assert {fault["line"] for fault in faults["faults"]} == {12, 14}


def test_no_command_works_on_a_wrong_configuration(house: House) -> None:
    house.write("gateway.toml", "[gateway]\nworkers = 0\n")
    for words in (("tool", "list"), ("oppose", "add", "a@example.com"), ("partner", "list"), ("policy", "test")):
        assert "gateway.toml:2" in house.gateway(*words, code=1).stderr


def test_a_file_that_is_not_there_is_told(house: House) -> None:
    (house.folder / "gateway.toml").unlink()
    assert "cannot be read" in house.gateway("check", code=1).stderr


def test_a_policy_pack_that_does_not_exist_is_a_fault(house: House) -> None:
    house.write("gateway.toml", '[gateway]\npolicies = ["fr", "xx"]\n' + CONFIG)
    assert "xx" in house.gateway("check", code=1).stderr


def test_lost_keys_are_a_fault_not_an_occasion_to_make_new_ones(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com")
    (house.folder / "var" / "keys" / "pepper").unlink()
    house.gateway("check", code=1)
    house.gateway("oppose", "add", "paul@example.com", code=1)
    assert not (house.folder / "var" / "keys" / "pepper").exists()


def test_an_unknown_variable_refuses(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_UPSTREM_OUT_PASSWORD", "x")
    assert "GATEWAY_UPSTREM_OUT_PASSWORD in the environment is unknown" in house.gateway("check", code=1).stderr


def test_partners_are_listed_with_what_they_must_be_told(house: House) -> None:
    assert house.json("partner", "list")[0]["role"] == "provides"
    house.gateway("oppose", "add", "marie@example.com")
    (note,) = house.json("partner", "pending", code=1)
    assert (note["partner"], note["advertiser"], note["scope"]) == ("friend", "acme", "advertiser")
