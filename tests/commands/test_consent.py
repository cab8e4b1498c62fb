"""`gateway consent`."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from tests.commands.conftest import House

HEADER = "address,advertiser,purpose,audience,basis,source,collected_at,action,wording\n"
ROW = "marie@example.com,acme,news,consumer,consent,direct,2025-01-01T10:00:00+02:00,checkbox-ticked,v1\n"
ADD = ("consent", "add", "marie@example.com", "--purpose", "news", "--source", "direct", "--collected-at", "2025-01-01")


def test_a_consent_with_its_proof_lets_mail_out(house: House) -> None:
    assert house.json(*ADD, "--action", "checkbox-ticked", "--wording", "v1")[0]["state"] == "recorded"
    house.gateway("explain", "marie@example.com", "--stream", "news")
    house.gateway("explain", "marie@example.com", "--stream", "sales", code=1)


def test_a_consent_without_proof_is_kept_but_not_usable(house: House) -> None:
    file = house.write("c.csv", HEADER + ROW.replace("v1", ""))
    assert house.json("consent", "import", str(file))[0]["unproven"] == 1
    assert house.json("explain", "marie@example.com", "--stream", "news", code=1)[0]["reason"] == "CONSENT-UNPROVEN"


def test_a_prechecked_box_is_no_consent(house: House) -> None:
    told = house.gateway(*ADD, "--action", "prechecked", "--wording", "v1", code=1)
    assert "NO-CONSENT-ACT" in told.stderr


def test_an_opposed_person_stays_opposed_when_a_consent_is_added(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com")
    assert house.json(*ADD, "--action", "checkbox-ticked", "--wording", "v1")[0]["stays_opposed"] is True
    assert house.json("explain", "marie@example.com", "--stream", "news", code=1)[0]["reason"] == "OPPOSED"


def test_importing_a_file_again_changes_nothing(house: House) -> None:
    file = house.write("c.csv", HEADER + ROW + ROW.upper().replace("ACME,NEWS", "acme,news").replace("V1", "v1"))
    house.gateway("consent", "import", str(file))
    assert house.json("consent", "import", str(file))[0]["recorded"] == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace("marie@example.com", "marie"), "BAD-ADDRESS address (not-qualified)"),
        (ROW.replace("acme", "other"), "UNKNOWN-ADVERTISER advertiser"),
        (ROW.replace("direct", "unknown"), "SOURCE-MISSING source"),
        (ROW.replace("2025-01-01T10:00:00+02:00", "soon"), "BAD-DATE collected_at"),
        (ROW.replace(",v1", ""), "has 8 cells where the header has 9"),
        (ROW.replace("direct", '"direct'), "a quote is never closed"),
    ],
)
def test_bad_rows_go_to_the_rejects_file_with_their_reason(house: House, row: str, reason: str) -> None:
    file = house.write("c.csv", HEADER + row + ROW)
    assert house.json("consent", "import", str(file), code=1)[0]["recorded"] == 1
    (rejected,) = csv.DictReader(StringIO((house.folder / "c.csv.rejects.csv").read_text()))
    assert (rejected["rejected_line"], rejected["rejected_reason"]) == ("2", reason)


def test_a_header_that_misses_a_column_is_misuse_and_records_nothing(house: House) -> None:
    file = house.write("c.csv", HEADER.replace(",source", "") + ROW)
    assert "MISSING-COLUMN source" in house.gateway("consent", "import", str(file), code=2).stderr


def test_the_list_shows_no_address_and_the_export_gives_them_back(house: House) -> None:
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + ROW)))
    assert "marie" not in house.gateway("consent", "list").output
    (row,) = csv.DictReader(StringIO(house.gateway("consent", "export").stdout))
    assert (row["address"], row["wording"]) == ("marie@example.com", "v1")


def test_addresses_are_sealed_in_the_database(house: House) -> None:
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + ROW)))
    assert b"marie" not in b"".join(path.read_bytes() for path in (house.folder / "var").glob("gateway.db*"))


def test_an_export_can_be_imported_elsewhere_without_those_who_left(house: House) -> None:
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + ROW + ROW.replace("marie", "paul"))))
    house.gateway("oppose", "add", "paul@example.com")
    exported = house.gateway("consent", "export").stdout
    assert "paul" not in exported
    assert house.json("consent", "import", str(house.write("again.csv", exported)))[0]["known"] == 1
    assert "withdrawn" in house.gateway("consent", "export", "--history").stdout


def test_looking_at_a_person_is_recorded(house: House) -> None:
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + ROW)))
    assert house.json("consent", "show", "marie@example.com")[0]["state"] == "usable"
    assert "look consents" in house.gateway("journal", "show").stdout
