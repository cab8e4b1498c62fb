"""Files that mean harm, or were made by accident: a clear reason for each row, nothing half-written, memory bounded."""

from __future__ import annotations

import csv
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from tests.commands.conftest import House
from tests.commands.test_consent_proof import ROW, sheet, taken_in
from tests.support.corpora import ROOT

PLAIN = ROW | {"covers": "own", "wording": "Oui"}
MEASURED = """
import sys
from gateway.cli import build
sys.argv = ["gateway", *sys.argv[1:]]
try:
    build()()
finally:
    peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))
    print(int(peak.split()[1]) // 1024, file=sys.stderr)
"""


def rejected(house: House, *rows: dict[str, str]) -> list[tuple[str, str]]:
    """Line and reason of each rejected row."""
    taken_in(house, *rows, code=1)
    text = (house.folder / "c.csv.rejects.csv").read_text()
    return [(one["rejected_line"], one["rejected_reason"]) for one in csv.DictReader(StringIO(text, newline=""))]


def records(house: House) -> int:
    """How many records there are."""
    return (
        len(house.gateway("consent", "list", "--json").stdout.splitlines()) if (house.folder / "var" / "gateway.db").exists() else 0
    )


def measured(house: House, *words: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """A command in a process of its own, and the most memory it held, in MB."""
    command = [sys.executable, "-c", MEASURED, *words, "--config", str(house.folder / "gateway.toml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    return done, int(done.stderr.split()[-1])


def test_each_bad_row_has_its_reason_and_the_good_ones_are_recorded(house: House) -> None:
    """R-FR-04, R-FR-05, R-FR-28."""
    bad = {
        "address": ("marie@example.com\n@", "BAD-ADDRESS address (character)"),
        "advertiser": ("nobody", "UNKNOWN-ADVERTISER advertiser"),
        "wording": ("\x1b[2J\x1b[31mOui", "CHARACTER wording"),
        "form": ("\u202egpj.exe", "CHARACTER form"),
        "source": ("friend\x00", "CHARACTER source"),
        "collected_at": ("9999-12-31", "BAD-DATE collected_at"),
        "audience": ("everybody", "NOT-A-CHOICE audience"),
        "minor": ("perhaps", "NOT-YES-OR-NO minor"),
        "prechecked": ("oui", "NO-CONSENT-ACT prechecked"),
        "withdrawn_at": ("1999-01-01", "CONTRADICTION withdrawn_at (before it began)"),
        "purpose": ("x" * 300, "TOO-LONG purpose"),
    }
    rows = [PLAIN | {name: value} for name, (value, _) in bad.items()]
    found = rejected(house, *rows, PLAIN)
    assert [reason for _, reason in found] == [reason for _, reason in bad.values()]
    assert records(house) == 1


@pytest.mark.parametrize("first", [True, False])
def test_contradictory_rows_are_told_and_the_withdrawal_counts(house: House, first: bool) -> None:
    """R-FR-45."""
    ended = PLAIN | {"withdrawn_at": "2025-02-01T00:00:00+01:00"}
    rows = (ended, PLAIN) if first else (PLAIN, ended)
    ((line, reason),) = rejected(house, *rows)
    assert (line, reason) == ("3" if first else "2", "CONTRADICTION withdrawn_at (another row says it was withdrawn)")
    assert [one["state"] for one in house.json("consent", "show", "marie@example.com")] == ["withdrawn"]


def test_the_same_row_twice_is_one_record(house: House) -> None:
    told = taken_in(house, PLAIN, PLAIN, PLAIN)
    assert (told["recorded"], told["known"]) == (1, 2)


def test_opposed_people_are_recorded_reported_and_stay_opposed(house: House) -> None:
    """R-FR-64."""
    house.gateway("oppose", "add", "marie@example.com")
    told = taken_in(house, PLAIN, PLAIN | {"address": "paul@example.com"})
    assert (told["recorded"], told["stay_opposed"]) == (2, 1)
    assert house.json("explain", "marie@example.com", "--stream", "news", code=1)[0]["reason"] == "OPPOSED"


def test_one_box_for_both_is_told(house: House) -> None:
    """R-FR-21."""
    assert taken_in(house, PLAIN | {"covers": "combined"})["combined"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
def test_a_file_of_a_usual_encoding_keeps_its_words(house: House, encoding: str) -> None:
    row = PLAIN | {"wording": "J'accepte l'été, ça va"}
    file = house.write("c.csv", sheet(row).decode().encode(encoding))
    house.gateway("consent", "import", str(file))
    assert house.json("consent", "show", "marie@example.com")[0]["wording"] == row["wording"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_of_another_encoding_is_refused_whole_with_advice(house: House, encoding: str) -> None:
    file = house.write("c.csv", sheet(PLAIN).decode().encode(encoding))
    assert "UTF-8" in house.gateway("consent", "import", str(file), code=2).stderr
    assert records(house) == 0


def test_octets_outside_the_encoding_are_never_taken_for_words(house: House) -> None:
    """R-FR-40: a wording that was not read exactly is no proof."""
    row = sheet(PLAIN | {"wording": "J'accepte l'ete?"}).replace(b"ete?", b"\xe9t\xe9 \x81")
    house.write("c.csv", row)
    told = house.json("consent", "import", str(house.folder / "c.csv"), code=1)[0]
    assert (told["rejected"], told["recorded"]) == (1, 0)


@pytest.mark.slow
def test_a_line_of_100_mb_costs_one_row_and_little_memory(house: House) -> None:
    good = sheet(PLAIN, PLAIN | {"address": "paul@example.com"}).split(b"\r\n")
    file = house.folder / "c.csv"
    with file.open("wb") as out:
        out.write(good[0] + b"\r\n" + good[1] + b"\r\n")
        for mark in (b"x", b'"', b"\0"):
            for _ in range(100):
                out.write(mark * 1_000_000)
            out.write(b"\r\n")
        out.write(good[2] + b"\r\n")
    _, idle = measured(house, "consent", "list")
    done, peak = measured(house, "consent", "import", str(file))
    print(f"peak {peak} MB, idle {idle} MB")
    assert done.returncode == 1, done.stderr
    assert "2 recorded, 0 known already, 3 rejected" in done.stderr
    assert peak < 150
    assert (house.folder / "c.csv.rejects.csv").stat().st_size < 10_000


@pytest.mark.slow
def test_an_export_holds_little_memory_however_large_the_register(house: House) -> None:
    rows = "".join(
        f"p{n}@example.com,acme,news,consumer,consent,direct,2025-01-01,ticked,{'Oui ' * 100}{n},page {n}\n" for n in range(20_000)
    )
    header = "address,advertiser,purpose,audience,basis,source,collected_at,action,wording,form\n"
    few = header + "".join(rows.splitlines(keepends=True)[:200])
    peaks = []
    for text in (few, header + rows):
        done, _ = measured(house, "consent", "import", str(house.write("c.csv", text)))
        assert done.returncode == 0, done.stderr
        done, peak = measured(house, "consent", "export")
        peaks.append(peak)
    assert done.stdout.count("@example.com") == 20_000
    print(f"peak of 200 rows {peaks[0]} MB, of 20,000 rows {peaks[1]} MB")
    assert peaks[1] - peaks[0] < 20  # SQLite's page cache fills up; the rows themselves would be 40


def test_nothing_is_written_of_a_file_whose_header_is_wrong(house: House) -> None:
    file = house.write("c.csv", sheet(PLAIN | {"colour\x1b[2J": "red"}))
    told = house.gateway("consent", "import", str(file), code=2).stderr
    assert "UNKNOWN-COLUMN colour" in told
    assert "\x1b" not in told
    assert not Path(house.folder / "var" / "gateway.db").exists()
