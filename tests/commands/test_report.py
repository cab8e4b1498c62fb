"""`gateway report` and `gateway daily`: what a data protection officer prints."""

from __future__ import annotations

import json

from tests.commands.conftest import CONFIG, House

HEADER = "address,advertiser,purpose,audience,basis,source,collected_at,action,wording\n"
ROW = "marie@example.com,acme,news,consumer,consent,direct,2025-01-01T10:00:00+02:00,checkbox-ticked,v1\n"


def known(house: House, config: str = CONFIG) -> House:
    house.write("gateway.toml", config)
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + ROW)))
    return house


def test_the_record_of_processing_comes_from_the_configuration(house: House) -> None:
    """R-FR-95, R-DP-17, R-DP-18: GDPR 30(1)."""
    (sheet,) = known(house).json("report", "processing")
    assert sheet["controller"]["legal_name"] == "Acme SAS"
    assert [one["purpose"] for one in sheet["activities"]] == ["news", "sales"]
    assert {term["rule"]["id"]: term["after"] for term in sheet["terms"]} == {
        "R-FR-80": "P3Y",
        "R-FR-82": "P30D",
        "R-FR-83": "P3Y",
        "R-FR-84": "",
        "R-FR-85": "P5Y",
    }
    assert sheet["security"]


def test_a_transfer_outside_the_eea_is_shown_and_an_undeclared_country_is_named(house: House) -> None:
    """R-DP-25: GDPR 44 to 46."""
    host = 'host = "127.0.0.1"\ntls = "none"'
    declared = CONFIG.replace(host, 'host = "smtp.example.com"\ncountry = "US"').replace(
        'legal_name = "Friend SARL"', 'legal_name = "Friend SARL"\nrole = "receives"'
    )
    result = known(house, declared).gateway("report", "processing", "--json")
    (sheet,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["name"], one["country"], one["outside"]) for one in sheet["recipients"]] == [
        ("out", "US", True),
        ("Friend SARL", "", None),
    ]
    assert "Friend SARL" in result.stderr
    file = house.folder / "a30.html"
    house.gateway("report", "processing", "--html", str(file))
    assert "outside the EEA" in file.read_text()


def test_an_undeclared_provider_is_noted_by_check(house: House) -> None:
    """R-DP-25."""
    house.write("gateway.toml", CONFIG.replace('host = "127.0.0.1"\ntls = "none"', 'host = "smtp.example.com"'))
    noted = house.gateway("check").stderr
    assert "[upstream.out] has no country" in noted
    assert "[upstream.out]" not in house.gateway("report", "processing", code=1).stderr


def test_a_period_counts_what_was_decided_and_done(house: House) -> None:
    """R-FR-93."""
    known(house).gateway("oppose", "add", "marie@example.com", "--door", "phone")
    (told,) = house.json("report", "period", "--from", "2026-01-01")
    assert told["oppositions"] == {"phone": 1}
    assert told["kinds"]["opposition opposed"] == 1
    assert told["rules"]["R-FR-63"] == 1
    assert (told["delay_p50"], told["delay_p99"], told["delay_max"]) == ({}, {}, {})
    (before,) = house.json("report", "period", "--from", "2020-01-01", "--to", "2020-02-01")
    assert before["events"] == 0


def test_a_remediation_shows_its_deadline_and_the_rules_at_stake(house: House) -> None:
    """R-FR-94."""
    case, rule = known(house).json("report", "remediation", "--received", "2020-11-30", "--rule", "R-FR-40")
    assert case["deadline"] == "2021-02-28"
    assert (rule["rule"], rule["cited"]) == ("R-FR-40", 1)


def test_an_incident_can_be_measured_without_naming_anybody(house: House) -> None:
    """R-DP-22: GDPR 33(3)."""
    keys = house.folder / "keys.txt"
    (told,) = known(house).json("report", "scope", "--since", "2020-01-01", "--keys", str(keys))
    assert told["people"] == 1
    assert len(keys.read_text().strip()) == 32
    assert keys.stat().st_mode & 0o077 == 0
    (none,) = house.json("report", "scope", "--since", "2020-01-01", "--tool", "nobody")
    assert none["people"] == 0


def test_a_bad_date_is_misuse(house: House) -> None:
    known(house).gateway("report", "period", "--from", "yesterday", code=2)


def test_the_daily_job_counts_and_does(house: House) -> None:
    """R-DP-10, R-FR-80: what nobody can prove goes at the end of its time, and nobody is asked about it."""
    row = ROW.replace("2025-01-01", "2019-01-01").replace(",v1", ",")
    known(house).gateway("consent", "import", str(house.write("old.csv", HEADER + row.replace("marie", "old"))))
    (dry,) = house.json("daily", "--dry-run")
    assert (dry["counts"]["unproven-forgotten"], dry["ref"]) == (1, None)
    (done,) = house.json("daily")
    assert done["counts"]["unproven-forgotten"] == 1
    assert done["ref"]
    (again,) = house.json("daily")
    assert (again["counts"]["unproven-forgotten"], again["ref"]) == (0, None)
    house.gateway("journal", "verify")
