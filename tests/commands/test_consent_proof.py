"""`gateway consent receipt|confirm|show`: what proves a consent, checked by somebody who knows nothing of the gateway."""

from __future__ import annotations

import csv
import hashlib
import json
from io import StringIO
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.core.columns import OPTIONAL, REQUIRED
from tests.commands.conftest import House

WORDING = "\n  J'accepte de recevoir <la lettre> d'Acme & cie.\r\n\tOui, chaque mois – 👩\u200d💻 \"vraiment\" \n"
ROW = {
    "address": "marie@example.com",
    "advertiser": "acme",
    "purpose": "news",
    "audience": "consumer",
    "basis": "consent",
    "source": "direct",
    "collected_at": "2025-01-01T10:00:00+02:00",
    "action": "checkbox-ticked",
    "wording": WORDING,
    "wording_id": "w-7",
    "form": "https://acme.example/inscription",
    "writer": "crm",
    "language": "fr",
    "covers": "both",
    "partner_list_version": "2025-01",
    "presentation": "full",
}


def sheet(*rows: dict[str, str]) -> bytes:
    """A CSV with every column that any row has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def taken_in(house: House, *rows: dict[str, str], code: int = 0) -> dict[str, Any]:
    """What an import of these rows told."""
    (told,) = house.json("consent", "import", str(house.write("c.csv", sheet(*rows))), code=code)
    return dict(told)


def receipt(house: House, *more: str) -> dict[str, Any]:
    """Marie's receipt."""
    return dict(json.loads(house.gateway("consent", "receipt", "marie@example.com", *more).stdout))


def test_the_hash_of_the_wording_can_be_had_again_from_the_receipt_alone(house: House) -> None:
    """R-FR-40, GDPR 7(1): from the JSON, by its own account of what was hashed and how."""
    taken_in(house, ROW)
    told = receipt(house)
    assert (told["hash_algorithm"], told["address"]) == ("SHA-256", "marie@example.com")
    assert [one["covers"] for one in told["records"]] == ["own", "partners"]
    for record in told["records"]:
        assert record["wording"] == WORDING
        assert hashlib.sha256(record["wording"].encode("utf-8")).hexdigest() == record["wording_sha256"]
        assert len(record["wording"].encode("utf-8")) == record["wording_octets"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_hash_can_be_had_again_from_the_page_alone(house: House, language: str) -> None:
    """R-FR-40, GDPR 7(1)."""
    taken_in(house, ROW)
    page = house.folder / "receipt.html"
    receipt(house, "--html", str(page), "--language", language)
    assert page.stat().st_mode & 0o077 == 0
    tree = LexborHTMLParser(page.read_bytes().decode())
    words = [node.text() for node in tree.css("[data-wording]")]
    hashes = [node.text() for node in tree.css("[data-sha256]")]
    assert words == [WORDING, WORDING]
    assert [hashlib.sha256(one.encode()).hexdigest() for one in words] == hashes
    assert not tree.css("script, img, link[rel=stylesheet]")
    assert tree.css_first("html").attributes["lang"] == language


def test_a_receipt_holds_every_field_that_proves_a_consent(house: House) -> None:
    """R-FR-40."""
    taken_in(house, ROW)
    record = receipt(house)["records"][1]
    for name in ("purpose", "source", "action", "wording_id", "form", "writer", "language", "partner_list_version", "presentation"):
        assert record[name] == ROW[name]
    assert record["collected_at"] == "2025-01-01T10:00:00+02:00"
    assert (record["channel"], record["advertiser_legal_name"], record["state"]) == ("email", "Acme SAS", "usable")
    assert record["recorded_at"]


def test_the_journal_vouches_for_what_a_receipt_says(house: House) -> None:
    """R-FR-40, R-FR-90: reference, chained hash and wording hash are those of the exported journal."""
    taken_in(house, ROW)
    (entry, *_) = receipt(house)["records"][0]["journal"]
    exported = [
        json.loads(line) for line in house.gateway("journal", "export", "--heads", str(house.folder / "heads")).stdout.splitlines()
    ]
    found = next(one for one in exported if f"{one['writer']}-{one['seq']}" == entry["reference"])
    assert found["hash"] == entry["hash"]
    assert hashlib.sha256(WORDING.encode()).hexdigest() == entry["wording_sha256"]
    assert entry["wording_sha256"] in json.dumps(found)


def test_a_receipt_tells_the_whole_history_with_what_was_withdrawn(house: House) -> None:
    """R-FR-40, R-FR-45: earlier versions and ends stay."""
    taken_in(house, ROW)
    taken_in(house, ROW | {"wording": "Autre texte", "collected_at": "2025-06-01T10:00:00+02:00", "covers": "own"})
    house.gateway("oppose", "add", "marie@example.com")
    told = receipt(house)
    assert [(one["wording"] == WORDING, one["state"]) for one in told["records"]] == [
        (True, "withdrawn"),
        (True, "withdrawn"),
        (False, "withdrawn"),
    ]
    assert "opposition" in [one["kind"] for one in told["history"]]
    assert "cli" in [one.get("door") for one in told["history"]]


def test_a_receipt_can_be_narrowed_and_the_look_is_recorded(house: House) -> None:
    """R-DP-20."""
    taken_in(house, ROW, ROW | {"purpose": "offers", "covers": "own"})
    assert [one["purpose"] for one in receipt(house, "--purpose", "offers")["records"]] == ["offers"]
    house.gateway("consent", "receipt", "marie@example.com", "--advertiser", "other", code=1)
    house.gateway("consent", "receipt", "nobody@example.com", code=1)
    assert house.gateway("journal", "show").stdout.count("look receipt") == 3


def test_show_prints_the_whole_proof_and_no_word_can_pass_for_ours(house: House) -> None:
    taken_in(house, ROW | {"wording": "Oui\nstate  usable", "action": ""}, code=0)
    shown = house.gateway("consent", "show", "marie@example.com").stdout
    assert "\nstate  usable" not in shown
    assert "w-7" in shown
    assert "unproven" in shown


def test_what_is_exported_can_be_taken_in_by_an_empty_house(house: House, tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = [
        ROW,
        ROW | {"address": "paul@example.com", "covers": "tracking", "withdrawn_at": "2026-01-01T00:00:00+01:00"},
        ROW | {"address": "zoé@example.com", "basis": "existing-customer", "relation": "purchase", "relation_at": "2025-01-01"},
        ROW | {"address": "anne@example.com", "minor": "yes", "country": "de", "last_contact_at": "2026-02-03T04:05:06-07:00"},
        ROW | {"address": "jean@example.com", "action": "bulk", "covers": "own"},
    ]
    taken_in(house, *rows)
    exported = house.gateway("consent", "export", "--history").stdout
    elsewhere = House(tmp_path_factory.mktemp("elsewhere"))
    (elsewhere.folder / "gateway.toml").write_text((house.folder / "gateway.toml").read_text())
    told = elsewhere.json("consent", "import", str(elsewhere.write("again.csv", exported)))[0]
    assert (told["rejected"], told["rows"]) == (0, 8)

    def content(text: str) -> list[dict[str, str]]:
        found = list(csv.DictReader(StringIO(text, newline="")))
        assert set(found[0]) == {*REQUIRED, *OPTIONAL, "state", "recorded_at"}
        return sorted(({k: v for k, v in one.items() if k != "recorded_at"} for one in found), key=lambda one: sorted(one.items()))

    assert content(elsewhere.gateway("consent", "export", "--history").stdout) == content(exported)


# Confirming


def test_an_operator_can_record_that_a_sign_up_was_confirmed(house: House) -> None:
    """R-FR-42: a new version; the earlier one stays."""
    taken_in(house, ROW | {"covers": "own", "source": "business-card"})
    confirm = ("consent", "confirm", "marie@example.com", "--purpose", "news", "--proof", "letter of 3 March")
    (told,) = house.json(*confirm, "--at", "2025-03-03T09:00:00+01:00")
    assert told == {"confirmed": 1, "confirmed_at": "2025-03-03T09:00:00+01:00"}
    assert [one["confirmed_at"] for one in receipt(house)["records"]] == ["", "2025-03-03T09:00:00+01:00"]
    house.gateway(*confirm, code=1)
    house.gateway(*confirm[:-1], "for marie@example.com", code=2)
    assert "letter of 3 March" in house.gateway("journal", "export", "--heads", str(house.folder / "heads")).stdout


def test_what_was_withdrawn_cannot_be_confirmed(house: House) -> None:
    """R-FR-45."""
    taken_in(house, ROW)
    house.gateway("oppose", "add", "marie@example.com")
    house.gateway("consent", "confirm", "marie@example.com", "--purpose", "news", "--proof", "letter", code=1)


# Other columns of `add`


def test_add_takes_every_other_column(house: House) -> None:
    """R-FR-41."""
    add = ("consent", "add", "a@example.com", "--purpose", "news", "--source", "direct", "--collected-at", "2025-01-01")
    add += ("--action", "bulk", "--wording", "Oui")
    assert house.json(*add)[0]["missing"] == ["batch"]
    assert house.json(*add, "--set", "batch=query of 3 March", "--set", "operator=jd")[0]["state"] == "recorded"
    house.gateway(*add, "--set", "colour=red", code=2)
