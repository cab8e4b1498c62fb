"""`gateway journal archive`: what it moves, what it refuses, and that every command reads both halves."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.evidence import Event, Kind
from gateway.edges.store.sqlite import open_store
from gateway.flow.every_day import LEASE
from gateway.settings.archive import CREDENTIALS
from tests.commands.conftest import CONFIG, House
from tests.support.s3 import BUCKET, KEY, REGION, SECRET, s3

OLD = datetime.now(UTC) - timedelta(days=60)
ADDRESS = "ann@example.com"


def furnished(house: House, table: str = 'folder = "archive"') -> None:
    """A house with an archive, three hundred old entries of a gateway, half of them about Ann, and some of today."""
    (house.folder / "gateway.toml").write_text(f"{CONFIG}\n[archive]\n{table}\n")
    house.gateway("oppose", "add", ADDRESS, "--door", "phone", "--note", "a")
    (mine,) = house.json("journal", "show", "cli-1")
    person = json.loads(mine["body"])["person"]
    one = Event(OLD, Kind.DECISION, "allow", tool="crm", stream="news", rules=("R-FR-10",))
    asyncio.run(_recorded(house.folder / "var" / "gateway.db", [replace(one, person=person if n % 2 else "") for n in range(300)]))


async def _recorded(path: Path, events: Sequence[Event]) -> None:
    store = open_store(path, "gw0")
    await store.book.commit(events)
    await store.close()


def test_what_is_old_is_moved_and_every_command_reads_it_as_before(house: House) -> None:
    furnished(house)
    exported = house.gateway("journal", "export", "--heads", str(house.folder / "heads")).stdout
    period = house.json("report", "period", "--from", OLD.isoformat())[0]["kinds"]
    size = len(house.json("journal", "show", "--person", ADDRESS))
    lines = house.json("journal", "archive")
    assert (lines[0]["run"], lines[0]["entries"]) == ("gw0-1..300", 300)
    assert lines[-1] == {"dry_run": False, "archived": 300, "objects": 1, "found": 0, "trimmed": 298, "breaks": []}
    assert house.json("journal", "show", "gw0-1") == [json.loads(exported.splitlines()[1])]
    assert len(house.json("journal", "show", "--person", ADDRESS)) == size + 1
    again = house.gateway("journal", "export", "--heads", str(house.folder / "later")).stdout
    assert [line for line in again.splitlines() if '"gw0"' in line] == [line for line in exported.splitlines() if '"gw0"' in line]
    later = house.json("report", "period", "--from", OLD.isoformat())[0]["kinds"]
    assert later["decision allow"] == period["decision allow"] == 300
    assert "every chain holds" in house.gateway("journal", "verify", "--heads", str(house.folder / "heads")).output
    house.write("whole.jsonl", again)
    house.gateway("journal", "verify", "--file", str(house.folder / "whole.jsonl"), "--heads", str(house.folder / "heads"))
    assert "0 entries archived" in house.gateway("journal", "archive").output


def test_the_command_waits_while_a_gateway_is_at_the_days_work(house: House) -> None:
    furnished(house)

    async def begun(seconds: float) -> None:
        store = open_store(house.folder / "var" / "gateway.db", "gw1")
        assert await store.leases.take(LEASE, "gw0/1", seconds)
        await store.close()

    asyncio.run(begun(1.5))
    free = datetime.now(UTC) + timedelta(seconds=1.4)
    assert "300 entries would be archived" in house.gateway("journal", "archive", "--dry-run").output  # needs no turn
    assert house.json("journal", "archive")[-1]["archived"] == 300
    (mine,) = house.json("journal", "show", "archive-1")
    assert datetime.fromisoformat(json.loads(mine["body"])["at"]) >= free


def test_verify_finds_a_tampered_archive_and_show_refuses_it(house: House) -> None:
    furnished(house)
    house.gateway("journal", "archive")
    (path,) = (house.folder / "archive" / "journal" / "gw0").glob("*.gz")
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes((content[100] ^ 1,)) + content[101:])
    assert "damaged" in house.gateway("journal", "verify", code=1).output
    assert "damaged" in house.gateway("journal", "show", "gw0-1", code=1).output
    path.unlink()
    assert "missing" in house.gateway("journal", "verify", code=1).output


def test_a_dry_run_and_no_trim_leave_the_store_as_it_is(house: House) -> None:
    furnished(house)
    assert "300 entries would be archived" in house.gateway("journal", "archive", "--dry-run").output
    assert not (house.folder / "archive").exists()
    assert house.json("journal", "archive", "--no-trim")[-1]["trimmed"] == 0
    assert house.json("journal", "archive")[-1] == {
        "dry_run": False,
        "archived": 0,
        "objects": 0,
        "found": 0,
        "trimmed": 298,
        "breaks": [],
    }


def test_an_edited_journal_is_not_archived(house: House) -> None:
    furnished(house)
    database = sqlite3.connect(house.folder / "var" / "gateway.db")
    database.execute("UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'crm', 'cms') AS BLOB) WHERE seq = 200")
    database.commit()
    database.close()
    said = house.gateway("journal", "archive", code=1).output
    assert "gw0-200: changed" in said
    assert not list((house.folder / "archive").rglob("*.gz"))
    assert house.json("journal", "show", "gw0-1")


@pytest.mark.parametrize("words", [("--until", "yesterday"), ("--until", "2999-01-01")])
def test_a_day_that_is_none_or_too_late_is_misuse(house: House, words: tuple[str, ...]) -> None:
    furnished(house)
    house.gateway("journal", "archive", *words, code=2)


def test_only_what_is_before_the_day_named_is_archived(house: House) -> None:
    furnished(house)
    assert house.json("journal", "archive", "--until", (OLD - timedelta(days=1)).date().isoformat())[-1]["archived"] == 0
    assert house.json("journal", "archive", "--until", (OLD + timedelta(days=1)).date().isoformat())[-1]["archived"] == 300


def test_without_an_archive_it_is_misuse(house: House) -> None:
    house.gateway("oppose", "add", ADDRESS, "--door", "phone", "--note", "a")
    assert "[archive]" in house.gateway("journal", "archive", code=2).output


def test_a_bucket_needs_only_its_table_and_the_key_in_the_environment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3() as service:
        table = f'bucket = "{BUCKET}"\nregion = "{REGION}"\nendpoint = "{service.endpoint}"\nprefix = "gateway/one"'
        monkeypatch.setenv(CREDENTIALS, f"{KEY}:{SECRET}")
        furnished(house, table)
        assert house.json("journal", "archive")[-1]["archived"] == 300
        assert all(key.startswith("gateway/one/") for key in service.objects)
        house.gateway("journal", "verify")
        monkeypatch.setenv(CREDENTIALS, f"{KEY}:wrong")
        said = house.gateway("journal", "show", "gw0-1", code=1).output
        assert "does not admit these credentials" in said
        assert "wrong" not in said


def test_the_daily_job_tells_what_it_archived(house: House) -> None:
    furnished(house)
    asyncio.run(_recorded(house.folder / "var" / "gateway.db", [Event(OLD, Kind.DECISION, "allow")] * 20_000))
    (told,) = house.json("daily")
    assert (told["counts"]["journal-archived"], told["counts"]["journal-trimmed"]) == (20_300, 20_298)
    house.gateway("journal", "verify")


def test_an_archive_that_is_not_named_any_more_is_asked_for(house: House) -> None:
    furnished(house)
    house.gateway("journal", "archive")
    (house.folder / "gateway.toml").write_text(CONFIG)
    told = house.gateway("journal", "verify", code=1).output
    assert "entries 1 to 298 before it are missing" in told
    assert "[archive]" in told
    assert "[archive]" in house.gateway("journal", "show", "gw0-1", code=1).output
