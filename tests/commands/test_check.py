"""`gateway check`, and what a wrong configuration does to every other command."""

from __future__ import annotations

import tomllib

import pytest

from gateway.core.sign import Algorithm
from gateway.edges.keys import write_dkim_key
from tests.commands.conftest import CONFIG, House
from tests.support.dns import Zone, served


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


def test_nobody_sends_under_the_name_of_everybodys_mailboxes(house: House) -> None:
    """R-MBX-07."""
    house.write("gateway.toml", CONFIG.replace('from_domains = ["acme.example"]', 'from_domains = ["acme.example", "gmail.com"]'))
    assert "gmail.com is a domain of everybody's mailboxes" in house.gateway("check", code=1).stderr
    house.write("gateway.toml", CONFIG.replace('from_domains = ["acme.example"]', 'from_domains = ["mail.freemail.example"]'))
    assert "R-MBX-07" in house.gateway("check", code=1).stderr


def test_marketing_and_service_mail_under_one_key_are_noted(house: House) -> None:
    """R-MBX-13."""
    write_dkim_key(house.folder / "dkim.pem", Algorithm.ED25519, "acme.example", "s1")
    keyed = CONFIG.replace('["acme.example"]', '["acme.example"]\ndkim = [{ selector = "s1", key_file = "dkim.pem" }]')
    house.write("gateway.toml", keyed)
    assert "R-MBX-13" not in house.gateway("check").stderr
    house.write("gateway.toml", keyed + '[stream.service]\nadvertiser = "acme"\nupstream = "out"\ncategory = "transactional"\n')
    assert "R-MBX-13" in house.gateway("check").stderr


@pytest.mark.parametrize(("domain", "noted"), [("mail.acme.example", False), ("acme.example", False), ("notacme.example", True)])
def test_a_return_path_outside_the_sending_domain_is_noted(house: House, domain: str, noted: bool) -> None:
    """R-MBX-06: SPF then says nothing for DMARC."""
    captured = CONFIG.replace("[stream.sales]", 'bounces = "capture"\n[stream.sales]')
    house.write("gateway.toml", captured + f'[inbound]\nlisten = "127.0.0.1:0"\ndomain = "{domain}"\n')
    assert ("SPF does not align" in house.gateway("check").stderr) is noted


def test_a_name_server_is_given_by_address(house: House) -> None:
    house.write("gateway.toml", '[gateway]\nresolver = ["dns.example:53"]\n' + CONFIG)
    assert "must be an address" in house.gateway("check", code=1).stderr


def test_the_dns_of_sending_domains_is_told_with_what_to_publish(house: House) -> None:
    """R-MBX-06."""
    write_dkim_key(house.folder / "dkim.pem", Algorithm.ED25519, "acme.example", "s1")
    zone = Zone()
    zone.put("acme.test", "MX", "10 mx.acme.test.")
    with served(zone) as (host, port):
        keyed = CONFIG.replace('["acme.example"]', '["acme.test"]\ndkim = [{ selector = "s1", key_file = "dkim.pem" }]')
        house.write("gateway.toml", f'[gateway]\nresolver = ["{host}:{port}"]\n{keyed}')
        told = house.gateway("check", "--dns", code=1).stdout
        (shown,) = house.json("check", "--dns", code=1)
        (without,) = house.json("check")
    assert 's1._domainkey.acme.test. IN TXT "v=DKIM1; k=ed25519; p=' in told
    found = {finding["check"]: finding["standing"] for finding in shown["dns"]}
    assert found == {"dkim s1": "bad", "dmarc": "bad", "spf": "warn", "mail": "good"}
    assert "dns" not in without
