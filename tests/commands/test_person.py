"""`gateway person`: every right of a person, and what is left when they were erased."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from gateway.core.change import OpenTask
from gateway.core.model import PersonKey
from gateway.core.task import Task, TaskKind
from gateway.edges.store.sqlite import open_store
from tests.commands.conftest import House

HEADER = "address,advertiser,purpose,audience,basis,source,collected_at,action,wording,partner_list_version,function\n"
MARIE = 'marie@example.com,acme,news,consumer,consent,direct,2025-01-01T10:00:00+02:00,checkbox-ticked,"I want, <b>yes</b>",,\n'
LUC = "luc@example.com,acme,news,consumer,consent,friend,2025-01-01T10:00:00+02:00,checkbox-ticked,partners too,2026-1,keeper\n"
WHY = ("--reason", "letter of 1 March")


@pytest.fixture
def people(house: House) -> House:
    house.gateway("consent", "import", str(house.write("c.csv", HEADER + MARIE + LUC)))
    return house


def sheet(house: House, address: str, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(house.gateway("person", "export", address, *words).stdout)
    return told


def octets(house: House) -> bytes:
    return b"".join(path.read_bytes() for path in (house.folder / "var").glob("gateway.db*"))


def reason(house: House, address: str) -> str:
    told: str = house.json("explain", address, "--stream", "news", code=1)[0]["reason"]
    return told


def test_an_export_holds_every_item_the_law_names(people: House) -> None:
    """R-DP-11, R-FR-92: GDPR 15(1) (a) to (h)."""
    people.gateway("oppose", "add", "luc@example.com")
    told = sheet(people, "luc@example.com")
    assert told["address"] == "luc@example.com"
    assert told["purposes"] == ["news"]
    assert [one["legal_name"] for one in told["controllers"]] == ["Acme SAS"]
    assert [one["name"] for one in told["sources"]] == ["friend"]
    (filed,) = told["records"]
    assert filed["record"]["wording"] == "partners too"
    assert filed["wording_sha256"] == hashlib.sha256(b"partners too").hexdigest()
    assert filed["rule"] == "R-FR-85"
    assert filed["until"].startswith(str(int(filed["ended_at"][:4]) + 5))
    assert [one["block"] for one in told["oppositions"]] == ["opposed"]
    assert told["untold"] == ["friend"]
    assert told["authorities"][0]["url"].startswith("https://www.cnil.fr/")
    assert {"R-FR-84", "R-FR-85"} <= {one["id"] for one in told["rules"] if one["says"]}
    assert {"consent", "opposition"} <= {one["kind"] for one in told["changes"]}


def test_a_record_that_stands_says_when_it_will_be_erased_and_by_which_rule(people: House) -> None:
    """R-DP-11, R-FR-80."""
    (filed,) = sheet(people, "marie@example.com")["records"]
    assert (filed["until"], filed["rule"]) == ("2028-01-01T10:00:00+02:00", "R-FR-80")


def test_the_page_can_be_read_and_loads_nothing(people: House) -> None:
    """R-DP-11, R-DP-16: French and English, nothing of the data is markup."""
    for language, title in (("fr", "Les données que nous avons sur vous"), ("en", "The data we hold about you")):
        file = people.folder / f"{language}.html"
        people.gateway("person", "export", "marie@example.com", "--html", str(file), "--language", language)
        page = file.read_text()
        assert f'<html lang="{language}">' in page
        assert title in page
        assert "I want, &lt;b&gt;yes&lt;/b&gt;" in page
        assert "<script" not in page
        assert not re.search(r"""(?:src|srcset|@import|url\()\s*=?\s*["']?(?:https?:)?//""", page)
        assert file.stat().st_mode & 0o077 == 0


def test_an_unknown_person_is_told_that_nothing_is_held(people: House) -> None:
    file = people.folder / "page.html"
    told = sheet(people, "nobody@example.com", "--html", str(file))
    assert (told["records"], told["oppositions"], told["mails"]) == ([], [], [])
    assert "Nous n’avons rien sur vous." in file.read_text()


def asked(house: House, key: str) -> None:
    """Somebody asked for access, and was answered two days later."""
    day = datetime(2026, 3, 1, tzinfo=UTC)
    who = PersonKey(bytes.fromhex(key))
    task = Task(
        "0f" * 8, TaskKind.RIGHTS, who, "acme", "news", ("access",), "note-to-self", day, day + timedelta(days=31), b"sealed"
    )
    done = replace(task, closed_at=day + timedelta(days=2), closed_by="dpo-name", outcome="answered")

    async def file() -> None:
        store = open_store(house.folder / "var" / "gateway.db", "test")
        await store.book.commit([], [OpenTask(done)])
        await store.close()

    asyncio.run(file())


def test_an_export_tells_what_the_person_asked_and_how_it_ended(people: House) -> None:
    """R-FR-59, R-DP-11: in the JSON and on the page; neither our note nor who dealt with it."""
    asked(people, sheet(people, "marie@example.com")["person"])
    file = people.folder / "page.html"
    told = people.gateway("person", "export", "marie@example.com", "--html", str(file)).stdout
    (task,) = json.loads(told)["tasks"]
    assert (task["kind"], task["asks"], task["outcome"]) == ("rights", ["access"], "answered")
    assert [task[name][:10] for name in ("opened_at", "due_at", "closed_at")] == ["2026-03-01", "2026-04-01", "2026-03-03"]
    assert "exercice d’un droit, accès (acme), clos le 03/03/2026 00:00 UTC, answered." in file.read_text()
    assert not re.search("note-to-self|dpo-name", told + file.read_text())


def test_what_was_asked_goes_along_to_a_corrected_address(people: House) -> None:
    """GDPR 16: the request for the correction itself must stay in the file."""
    asked(people, sheet(people, "marie@example.com")["person"])
    people.gateway("person", "rectify", "marie@example.com", "marie@example.org", *WHY)
    assert [one["outcome"] for one in sheet(people, "marie@example.org")["tasks"]] == ["answered"]
    assert sheet(people, "marie@example.com")["tasks"] == []


def test_what_the_person_gave_can_be_taken_along(people: House) -> None:
    """R-DP-12: only what they gave themselves, under consent."""
    rows = json.loads(people.gateway("person", "export", "marie@example.com", "--portable").stdout)
    assert [(row["purpose"], row["wording"]) for row in rows] == [("news", "I want, <b>yes</b>")]
    text = people.gateway("person", "export", "marie@example.com", "--portable", "--format", "csv").stdout
    assert [row["given_at"] for row in csv.DictReader(StringIO(text))] == ["2025-01-01T10:00:00+02:00"]
    assert json.loads(people.gateway("person", "export", "luc@example.com", "--portable").stdout) == []


def test_an_erased_person_stays_opposed_and_is_gone_from_the_file(people: House) -> None:
    """R-DP-13, R-DP-14, R-FR-84: nothing of the person is left, and the same address is still refused."""
    assert b"partners too" in octets(people)
    assert b"keeper" in octets(people)
    done = people.json("person", "erase", "luc@example.com", *WHY)[0]
    assert (done["records"], done["told"]) == (1, ["friend"])
    left = octets(people)
    assert b"partners too" not in left
    assert b"keeper" not in left
    assert b"luc@example.com" not in left
    told = sheet(people, "luc@example.com")
    assert (told["records"], told["notices"], told["acts"]) == ([], [], [])
    people.gateway("consent", "import", str(people.write("again.csv", HEADER + LUC)))
    assert reason(people, "luc@example.com") == "OPPOSED"
    people.gateway("journal", "verify")


def test_an_erasure_is_one_piece_of_evidence_with_its_reason(people: House) -> None:
    """R-DP-13: what was done and why stays on record, who it was does not."""
    ref = people.json("person", "erase", "luc@example.com", *WHY)[0]["ref"]
    entry = people.gateway("journal", "show", ref).stdout
    assert "erasure erased" in entry
    assert "letter of 1 March" in entry
    assert "luc@" not in entry


def test_partners_hear_of_an_erasure_only_where_they_hold_the_data(people: House) -> None:
    """R-FR-35: GDPR 19."""
    assert people.json("person", "erase", "marie@example.com", *WHY)[0]["told"] == []
    assert people.json("person", "erase", "luc@example.com", *WHY)[0]["told"] == ["friend"]
    assert [row["partner"] for row in people.json("partner", "pending", code=1)] == ["friend"]


def test_what_is_erased_for_an_unknown_person_is_still_opposed(people: House) -> None:
    """R-DP-14: an erasure asked for before the data come is honoured when they do."""
    people.gateway("person", "erase", "later@example.com", *WHY)
    people.gateway("consent", "import", str(people.write("l.csv", HEADER + MARIE.replace("marie", "later"))))
    assert reason(people, "later@example.com") == "OPPOSED"


def test_a_restriction_stops_mail_and_keeps_the_data(people: House) -> None:
    """R-DP-15: GDPR 18."""
    people.gateway("person", "restrict", "marie@example.com", *WHY)
    assert reason(people, "marie@example.com") == "RESTRICTED"
    assert len(sheet(people, "marie@example.com")["records"]) == 1
    people.gateway("person", "restrict", "marie@example.com", *WHY, "--lift")
    people.gateway("explain", "marie@example.com", "--stream", "news")
    people.gateway("person", "restrict", "marie@example.com", *WHY, "--lift", code=1)


def test_lifting_a_restriction_lifts_no_opposition(people: House) -> None:
    """R-FR-64."""
    people.gateway("oppose", "add", "marie@example.com")
    people.gateway("person", "restrict", "marie@example.com", *WHY)
    people.gateway("person", "restrict", "marie@example.com", *WHY, "--lift")
    assert reason(people, "marie@example.com") == "OPPOSED"


def test_a_corrected_address_takes_the_records_along(people: House) -> None:
    """R-DP-15: GDPR 16."""
    done = people.json("person", "rectify", "marie@example.com", "m.martin@example.com", *WHY)[0]
    assert (done["records"], done["oppositions"]) == (1, 0)
    people.gateway("explain", "m.martin@example.com", "--stream", "news")
    assert reason(people, "marie@example.com") == "UNKNOWN-RECIPIENT"
    text = people.gateway("consent", "export").stdout
    assert sorted(row["address"] for row in csv.DictReader(StringIO(text))) == ["luc@example.com", "m.martin@example.com"]
    people.gateway("person", "rectify", "m.martin@example.com", "M.Martin@Example.com", *WHY, code=1)


def test_an_opposition_follows_the_person_to_both_addresses(people: House) -> None:
    """R-FR-64, R-FR-65: neither the old nor the new address can be imported back."""
    people.gateway("oppose", "add", "marie@example.com")
    people.gateway("person", "rectify", "marie@example.com", "m.martin@example.com", *WHY)
    rows = MARIE + MARIE.replace("marie", "m.martin")
    people.gateway("consent", "import", str(people.write("both.csv", HEADER + rows)))
    assert [reason(people, one) for one in ("marie@example.com", "m.martin@example.com")] == ["OPPOSED", "OPPOSED"]


def test_every_look_is_on_record_with_its_reason(people: House) -> None:
    """R-DP-20."""
    sheet(people, "marie@example.com", "--reason", "request 17")
    people.gateway("consent", "show", "marie@example.com")
    looks = people.json("person", "looks", "marie@example.com")
    assert (looks[0]["outcome"], looks[0]["detail"]) == ("person-export", "reason=request 17")
    assert "looks" in [one["outcome"] for one in people.json("person", "looks", "marie@example.com")]


@pytest.mark.parametrize("words", ["of marie@example.com", "x" * 201, "two\nlines"])
def test_a_reason_names_nobody_and_stays_short(people: House, words: str) -> None:
    """R-DP-06: reasons are kept with the evidence for ever."""
    for act in (("export",), ("erase",), ("restrict",), ("looks",)):
        assert people.gateway("person", *act, "marie@example.com", "--reason", words, code=1 if act == ("restrict",) else 2)
    assert len(sheet(people, "marie@example.com")["records"]) == 1


def test_an_erasure_needs_a_reason_and_a_known_advertiser(people: House) -> None:
    people.gateway("person", "erase", "marie@example.com", "--reason", " ", code=2)
    people.gateway("person", "erase", "marie@example.com", *WHY, "--advertiser", "other", code=2)
    assert len(sheet(people, "marie@example.com")["records"]) == 1
