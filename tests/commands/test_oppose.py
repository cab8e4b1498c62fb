"""`gateway oppose`."""

from __future__ import annotations

import csv
import hashlib
import json
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.commands.conftest import House

CONSENTS = "address;advertiser;purpose;audience;basis;source;collected_at;action;wording\n"


def consent(address: str) -> str:
    return f"{address};acme;news;consumer;consent;direct;2025-01-01;checkbox-ticked;v1\n"


def refused(house: House, address: str) -> str:
    result = house.json("explain", address, "--stream", "news", code=1)
    return str(result[0]["reason"])


def test_an_opposed_person_is_refused_however_the_address_is_written(house: House) -> None:
    house.gateway("oppose", "add", "Marie@Example.com", "--door", "phone", "--note", "rang on Monday")
    for spelling in ("marie@example.com", "MARIE@EXAMPLE.COM", " <marie@example.com> "):
        assert refused(house, spelling) == "OPPOSED"


def test_an_address_need_not_stand_in_the_shells_history(house: House) -> None:
    house.gateway("oppose", "add", "-", stdin="marie@example.com\n")
    assert refused(house, "marie@example.com") == "OPPOSED"


def test_import_never_resurrects_an_opposed_person(house: House) -> None:
    file = house.write("c.csv", CONSENTS + consent("marie@example.com") + consent("paul@example.com"))
    house.gateway("oppose", "add", "marie@example.com")
    told = house.gateway("consent", "import", str(file))
    assert "stay opposed (R-FR-64): line 2" in told.stderr
    assert refused(house, "marie@example.com") == "OPPOSED"
    house.gateway("explain", "paul@example.com", "--stream", "news")


def test_a_withdrawn_consent_stays_withdrawn_when_its_file_is_imported_again(house: House) -> None:
    file = house.write("c.csv", CONSENTS + consent("marie@example.com"))
    house.gateway("consent", "import", str(file))
    house.gateway("oppose", "add", "marie@example.com")
    house.gateway("oppose", "remove", "marie@example.com", "--reason", "lifted for the test")
    assert house.json("consent", "import", str(file))[0]["known"] == 1
    assert refused(house, "marie@example.com") == "CONSENT-WITHDRAWN"


def test_removal_asks_a_reason_and_is_recorded(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com")
    house.gateway("oppose", "remove", "marie@example.com", code=2)
    house.gateway("oppose", "remove", "marie@example.com", "--reason", "", code=1)
    house.gateway("oppose", "remove", "marie@example.com", "--reason", "wrong Marie")
    assert "reason=wrong Marie" in house.gateway("journal", "show").stdout
    house.gateway("oppose", "show", "marie@example.com", code=1)


def test_a_note_that_names_somebody_is_refused(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com", "--note", "same as marie2@example.com", code=1)


def test_whom_nobody_can_be_is_misuse(house: House) -> None:
    house.gateway("oppose", "add", "marie", code=2)
    house.gateway("oppose", "add", "marie@example.com", "--stream", "nowhere", code=2)


def test_a_whole_domain_is_refused(house: House) -> None:
    house.gateway("oppose", "add", "@example.net", "--scope", "all")
    assert refused(house, "anyone@example.net") == "OPPOSED"
    assert refused(house, "anyone@sub.example.net") == "OPPOSED"


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_hashes_of_another_list_stop_the_people_behind_them(house: House, kind: str) -> None:
    hashes = [hashlib.new(kind, address).hexdigest() for address in (b"marie@example.com", b"paul@example.com")]
    file = house.write("h.csv", "\n".join(hashes).upper())
    assert house.json("oppose", "import", str(file), "--hash", kind)[0]["recorded"] == 2
    assert refused(house, "Marie@example.com") == "OPPOSED"
    stored = b"".join(path.read_bytes() for path in (house.folder / "var").glob("gateway.db*"))
    assert bytes.fromhex(hashes[0]) not in stored
    assert hashes[0].encode() not in stored


def test_a_column_of_the_wrong_hash_is_rejected(house: House) -> None:
    file = house.write("h.csv", hashlib.md5(b"marie@example.com").hexdigest())
    house.gateway("oppose", "import", str(file), "--hash", "sha256", code=1)


def test_bad_rows_go_to_the_rejects_file_with_their_reason(house: House) -> None:
    file = house.write("l.csv", "prénom;e-mail\nMarie;marie@example.com\nPaul;paul\nÉva;eva@example.com\n".encode("latin-1"))
    assert house.json("oppose", "import", str(file), code=1) == [{"rows": 3, "recorded": 2, "known": 0, "rejected": 1}]
    rejects = house.folder / "l.csv.rejects.csv"
    rows = list(csv.DictReader(StringIO(rejects.read_text()), delimiter=";"))
    assert [(row["prénom"], row["e-mail"], row["rejected_line"]) for row in rows] == [("Paul", "paul", "3")]
    assert rows[0]["rejected_reason"].startswith("neither an address nor a hash")
    assert rejects.stat().st_mode & 0o077 == 0


def test_a_corrected_rejects_file_is_imported_as_it_is(house: House) -> None:
    file = house.write("l.csv", "email\npaul\n")
    house.gateway("oppose", "import", str(file), code=1)
    rejects = house.folder / "l.csv.rejects.csv"
    rejects.write_text(rejects.read_text().replace("paul", "paul@example.com", 1))
    assert house.json("oppose", "import", str(rejects))[0]["recorded"] == 1


def test_a_file_that_is_no_list_is_misuse(house: House) -> None:
    house.gateway("oppose", "import", str(house.write("l.csv", "name;town\nMarie;Paris\n")), code=2)
    house.gateway("oppose", "import", str(house.write("e.csv", "")), code=2)
    house.gateway("oppose", "import", str(house.folder / "nowhere.csv"), code=2)


def test_an_export_holds_keys_and_no_address(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com")
    (row,) = csv.DictReader(StringIO(house.gateway("oppose", "export").stdout))
    assert "@" not in "".join(row.values())
    assert (row["scope"], row["advertiser"], row["door"]) == ("advertiser", "acme", "cli")


def test_nothing_stored_or_said_holds_an_address(house: House) -> None:
    house.gateway("oppose", "add", "marie@example.com", "--note", "rang")
    house.gateway("oppose", "import", str(house.write("l.csv", "email\nmarie2@example.com\n")))
    said = house.gateway("oppose", "list").output + house.gateway("journal", "show").output
    stored = b"".join(path.read_bytes() for path in (house.folder / "var").glob("*") if path.is_file())
    assert "marie" not in said
    assert b"marie" not in stored


def many(house: House, number: int) -> Path:
    return house.write("many.csv", "email\n" + "".join(f"u{n}@example.com\n" for n in range(number)))


def test_an_import_goes_on_where_it_stopped(house: House) -> None:
    file = many(house, 1500)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    house.write("many.csv.progress", json.dumps({"sha256": digest, "line": 1001}))
    assert house.json("oppose", "import", str(file), "--resume")[0]["rows"] == 500
    assert not (house.folder / "many.csv.progress").exists()


def test_nothing_is_resumed_that_was_not_begun_or_has_changed(house: House) -> None:
    file = many(house, 10)
    house.gateway("oppose", "import", str(file), "--resume", code=2)
    house.write("many.csv.progress", json.dumps({"sha256": "0" * 64, "line": 5}))
    assert "has changed" in house.gateway("oppose", "import", str(file), "--resume", code=2).stderr


KILLED = """
import os, signal, sys
from gateway.cli import main

left = int(sys.argv.pop(1))


def step(event, words):  # the second mark is being opened, or put in the place of the first
    global left
    if event in ("open", "os.rename") and ".progress" in str(words[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


sys.addaudithook(step)
main()
"""


@pytest.mark.slow
def test_an_import_that_is_killed_again_and_again_loses_and_doubles_nobody(house: House) -> None:
    file = many(house, 6_000)
    words = ["oppose", "import", str(file), "--config", str(house.folder / "gateway.toml")]
    kills = 0
    while True:
        resume = ["--resume"] if kills else []
        child = [sys.executable, "-c", KILLED, str(4 + kills % 2), *words, *resume]
        ended = subprocess.run(child, capture_output=True, timeout=60, check=False)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        if ended.returncode == 0:
            break
        kills += 1
    assert kills >= 4
    assert [path.name for path in house.folder.glob("many.csv*")] == ["many.csv"]
    assert len(house.json("oppose", "list")) == 6_000
    events = house.gateway("journal", "export", "--heads", str(house.folder / "heads")).stdout
    assert events.count('\\"kind\\":\\"opposition\\"') == 6_000
    house.gateway("journal", "verify", "--heads", str(house.folder / "heads"))
