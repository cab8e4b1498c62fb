"""`gateway journal`: whatever is done to the evidence behind the gateway's back is found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.commands.conftest import House

EDITS = {
    "an edit": "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'phone', 'other') AS BLOB) WHERE seq = 2",
    "a deletion": "DELETE FROM entry WHERE seq = 2",
    "a swap": "UPDATE entry SET body = (SELECT body FROM entry AS other WHERE other.seq = 5 - entry.seq) WHERE seq IN (2, 3)",
    "a cut tail": "DELETE FROM entry WHERE seq >= 3; UPDATE head SET seq = 2, hash = (SELECT hash FROM entry WHERE seq = 2)",
}


def recorded(house: House) -> Path:
    for name in ("a", "b", "c", "d"):
        house.gateway("oppose", "add", f"{name}@example.com", "--door", "phone", "--note", name)
    heads = house.folder / "heads"
    house.write("journal.jsonl", house.gateway("journal", "export", "--heads", str(heads)).stdout)
    return heads


@pytest.mark.parametrize("what", EDITS)
def test_verify_finds(house: House, what: str) -> None:
    heads = recorded(house)
    house.gateway("journal", "verify", "--heads", str(heads))
    database = sqlite3.connect(house.folder / "var" / "gateway.db")
    database.executescript(EDITS[what])
    database.commit()
    database.close()
    house.gateway("journal", "verify", "--heads", str(heads), code=1)


def test_an_exported_journal_can_be_proven_without_the_store(house: House) -> None:
    heads = recorded(house)
    exported = house.folder / "journal.jsonl"
    house.gateway("journal", "verify", "--file", str(exported), "--heads", str(heads))
    exported.write_text("".join(exported.read_text().splitlines(keepends=True)[:-1]))
    assert "cut off" in house.gateway("journal", "verify", "--file", str(exported), "--heads", str(heads), code=1).stdout


def test_what_is_no_export_is_misuse(house: House) -> None:
    recorded(house)
    for words in (("--heads", str(house.write("x", "no json"))), ("--file", str(house.write("y", '{"seq": 1}')))):
        house.gateway("journal", "verify", *words, code=2)


def test_a_reference_shows_its_entry(house: House) -> None:
    recorded(house)
    assert "opposition opposed" in house.gateway("journal", "show", "cli-2").stdout
    house.gateway("journal", "show", "cli-99", code=1)
    house.gateway("journal", "show", "nonsense", code=1)


def test_a_persons_entries_are_shown_and_the_look_is_recorded(house: House) -> None:
    recorded(house)
    shown = house.json("journal", "show", "--person", "A@example.com")
    assert [entry["seq"] for entry in shown] == [1, 5]
    assert "a@example.com" not in house.gateway("journal", "show", "--person", "a@example.com").output
