"""`gateway policy diff`: packs by name or by file, and what the exit code says."""

from __future__ import annotations

from gateway.edges.files import shipped
from tests.commands.conftest import House

UK = (shipped("policies") / "uk.toml").read_text(encoding="utf-8")


def test_the_same_pack_is_no_difference(house: House) -> None:
    told = house.gateway("policy", "diff", "uk", str(house.write("copy.toml", UK)))
    assert told.stdout == ""
    assert "No difference" in told.stderr


def test_a_stricter_pack_is_told_for_people_and_for_machines(house: House) -> None:
    file = str(house.write("uk-strict.toml", UK.replace('b2b_mode = "opt-out"', 'b2b_mode = "strict"')))
    told = house.gateway("policy", "diff", "uk", file, code=1)
    assert "parameter R-FR-11 b2b_mode\n  - opt-out\n  + strict\n" in told.stdout
    rows = house.json("policy", "diff", "uk", file, code=1)
    assert rows[0] == {"kind": "parameter", "rule": "R-FR-11", "what": "b2b_mode", "old": "opt-out", "new": "strict"}
    changed = {row["what"]: row["new"] for row in rows if row["kind"] == "verdict"}
    assert changed["The staff of a company are written to until they object."] == "refuse: NO-CONSENT"


def test_two_packs_are_compared_by_name(house: House) -> None:
    rows = house.json("policy", "diff", "us", "ca", code=1)
    assert {"kind": "parameter", "rule": "R-FR-03", "what": "consumer", "old": "opt-out", "new": "opt-in"} in rows


def test_a_file_finds_the_lists_beside_it(house: House) -> None:
    (house.folder / "lists").mkdir()
    house.write("lists/free-mail.txt", "freemail.example\n")
    rows = house.json("policy", "diff", "uk", str(house.write("mine.toml", UK)), code=1)
    assert [(row["rule"], row["what"], row["new"]) for row in rows] == [("R-FR-10", "domains", "1 in all")]


def test_a_pack_that_cannot_be_read_is_told_with_its_line(house: House) -> None:
    assert "nowhere.toml" in house.gateway("policy", "diff", "uk", "nowhere", code=1).stderr
    broken = house.write("broken.toml", UK.replace("business_days = 0", "business_days = -1"))
    assert f"{broken}:" in house.gateway("policy", "diff", "uk", str(broken), code=1).stderr
