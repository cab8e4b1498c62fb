"""A collector and its partner, each with its own keys and store: what leaves one is judged by the other."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import build
from tests.commands.conftest import House

COLLECTOR = """
[advertiser.jeux]
legal_name = "Jeux & Loisirs SARL"
postal_address = "3 place du Jeu, 13001 Marseille"
contact = "contact@jeux.example"
privacy_url = "https://jeux.example/donnees"
from_domains = ["jeux.example"]

[upstream.out]
host = "127.0.0.1"
tls = "none"

[stream.letter]
advertiser = "jeux"
purpose = "newsletter"
upstream = "out"
relates_to = ["*"]

[partner.maison]
legal_name = "Maison Exemple SAS"
privacy_url = "https://maison.example/privacy"
role = "receives"

[partner.tiers]
legal_name = "Tiers SA"
privacy_url = "https://tiers.example/privacy"
role = "both"
"""
PARTNER = """
[advertiser.maison]
legal_name = "Maison Exemple SAS"
postal_address = "1 rue de l'Exemple, 75001 Paris"
contact = "contact@maison.example"
privacy_url = "https://maison.example/privacy"
from_domains = ["maison.example"]

[upstream.out]
host = "127.0.0.1"
tls = "none"

[stream.offers]
advertiser = "maison"
purpose = "newsletter"
upstream = "out"
relates_to = ["*"]

[partner.jeux]
legal_name = "Jeux & Loisirs SARL"
privacy_url = "https://jeux.example/donnees"
role = "provides"

[partner.tiers]
legal_name = "Tiers SA"
privacy_url = "https://tiers.example/privacy"
role = "receives"
"""
HEADER = (
    "address,advertiser,purpose,audience,basis,source,collected_at,action,wording,covers,partner_list_version,presentation,"
    "function,optout_offered,form\n"
)
ASKED = "2026-10-01T10:00:00+02:00"
WORDS = "« Oui, les offres des partenaires. »"


def person(address: str, covers: str, version: str = "v1", asked: str = ASKED) -> str:
    """A row of the collector's register."""
    return f'{address},jeux,newsletter,consumer,consent,direct,{asked},checkbox-ticked,"{WORDS}",{covers},{version},link,,,form-7\n'


def professional(address: str, offered: str) -> str:
    """A professional in the collector's register, with or without the right to refuse at collection."""
    return f"{address},jeux,newsletter,professional,legitimate-interest,direct,{ASKED},form,Informé,own,,,achats,{offered},\n"


@dataclass
class Pair:
    """Both houses."""

    collector: House
    partner: House

    def collected(self, *rows: str) -> None:
        """What the collector's forms brought in."""
        self.collector.gateway("consent", "import", str(self.collector.write("c.csv", HEADER + "".join(rows))))

    def publish(self, version: str, *partners: str) -> None:
        """A version of the collector's list."""
        names = [word for name in partners for word in ("--partner", name)]
        self.collector.gateway("partner", "publish", *names, "--version", version, "--reason", "contracts")

    def learn(self, version: str, *names: str) -> None:
        """The same version as the partner knows it."""
        words = [word for name in names for word in ("--name", name)]
        self.partner.gateway("partner", "learn", "--collector", "jeux", "--version", version, *words)

    def export(self, *more: str, to: str = "maison") -> dict[str, dict[str, str]]:
        """What is written for the partner, by address."""
        told = self.collector.gateway("partner", "export", to, "--purpose", "newsletter", *more)
        return {row["address"]: row for row in csv.DictReader(StringIO(told.stdout))}

    def refused(self, *more: str, to: str = "maison") -> list[str]:
        """The reasons for whoever is not passed on, in a file without addresses."""
        file = self.collector.folder / "refused.csv"
        self.collector.gateway("partner", "export", to, "--purpose", "newsletter", "--refused", str(file), *more)
        text = file.read_text()
        assert "@" not in text
        return sorted(row["reason"] for row in csv.DictReader(StringIO(text)))

    def handed_over(self, *more: str) -> None:
        """Export, carried to the partner and imported there as it is."""
        told = self.collector.gateway("partner", "export", "maison", "--purpose", "newsletter", *more)
        self.partner.gateway("consent", "import", str(self.partner.write("from-jeux.csv", told.stdout)))

    def explained(self, house: House, address: str, stream: str) -> dict[str, object]:
        """What a house would do about a person."""
        place = ["--config", str(house.folder / "gateway.toml")]
        told = CliRunner().invoke(build(), ["explain", address, "--stream", stream, "--json", *place])
        assert told.exit_code in (0, 1), told.output
        result = json.loads(told.stdout)
        assert isinstance(result, dict)
        return result


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    houses = []
    for name, config in (("jeux", COLLECTOR), ("maison", PARTNER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gateway.toml").write_text(config)
        houses.append(House(tmp_path / name))
    return Pair(*houses)


def test_what_the_collector_passes_on_the_partner_may_use_after_the_first_contact_notice(pair: Pair) -> None:
    """R-FR-20, R-FR-23, R-FR-29."""
    pair.publish("v1", "maison")
    pair.learn("v1", "Maison Exemple SAS", "Somebody Else SA")
    pair.collected(person("claire@example.org", "partners"))
    pair.handed_over()
    told = pair.explained(pair.partner, "claire@example.org", "offers")
    assert (told["verdict"], told["due"]) == ("allow", "full-notice")
    assert "jeux" in str(told["on_record"])
    (record,) = pair.partner.json("consent", "show", "claire@example.org")
    assert record["wording"] == WORDS
    assert record["form"] == "form-7"


def test_a_row_carries_its_proof_and_says_when_and_by_whom_it_was_passed_on(pair: Pair) -> None:
    """R-FR-20, R-FR-23."""
    from hashlib import sha256

    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"))
    before = datetime.now(UTC)
    (row,) = pair.export().values()
    assert row["wording_sha256"] == sha256(WORDS.encode()).hexdigest()
    assert (row["collector"], row["source"], row["advertiser"]) == ("Jeux & Loisirs SARL", "jeux", "maison")
    assert (row["covers"], row["partner_list_version"], row["collected_at"]) == ("own", "v1", ASKED)
    assert before <= datetime.fromisoformat(row["transferred_at"]) <= datetime.now(UTC)
    assert row["acquired_at"] == row["transferred_at"]
    (transfer,) = pair.collector.json("partner", "transfers", "--partner", "maison")
    assert (transfer["purpose"], transfer["list"]) == ("newsletter", "v1")
    assert "transfer passed" in pair.collector.gateway("journal", "show").stdout


def test_names_the_partner_knows_both_by_can_be_said(pair: Pair) -> None:
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"))
    (row,) = pair.export("--known-as", "shop", "--source", "games").values()
    assert (row["advertiser"], row["source"]) == ("shop", "games")


def test_json_lines_say_the_same(pair: Pair) -> None:
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"))
    told = pair.collector.gateway("partner", "export", "maison", "--purpose", "newsletter", "--format", "jsonl")
    (row,) = [json.loads(line) for line in told.stdout.splitlines()]
    assert (row["address"], row["partner_list_version"]) == ("claire@example.org", "v1")


@pytest.mark.parametrize("partners", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_consent_for_us_and_consent_for_partners_each_open_their_own_door(pair: Pair, own: bool, partners: bool) -> None:
    """R-FR-22: the table of four cells, from the collector's form to the partner's mail."""
    pair.publish("v1", "maison")
    pair.learn("v1", "Maison Exemple SAS")
    boxes = [*(["own"] if own else []), *(["partners"] if partners else [])]
    pair.collected(person("marc@example.org", "own"), *(person("claire@example.org", box) for box in boxes))
    pair.handed_over()
    assert (pair.explained(pair.collector, "claire@example.org", "letter")["verdict"] == "allow") is own
    assert (pair.explained(pair.partner, "claire@example.org", "offers")["verdict"] == "allow") is partners


def test_own_consent_alone_is_never_passed_on_and_one_box_for_both_is_own_consent(pair: Pair) -> None:
    """R-FR-21, R-FR-22."""
    pair.publish("v1", "maison")
    pair.collected(person("marc@example.org", "own"), person("lea@example.org", "combined"))
    assert pair.export() == {}
    assert pair.refused() == ["NO-CONSENT", "NO-CONSENT"]


def test_who_opposed_is_passed_on_to_nobody(pair: Pair) -> None:
    """R-PACK-08."""
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"), person("paul@example.org", "partners"))
    pair.collector.gateway("oppose", "add", "paul@example.org", "--scope", "stream", "--stream", "letter")
    assert set(pair.export()) == {"claire@example.org"}
    assert pair.refused("--again") == ["OPPOSED"]


def test_an_address_that_was_passed_on_before_the_consent_is_refused_by_the_partner(pair: Pair) -> None:
    """R-FR-23."""
    pair.publish("v1", "maison")
    pair.learn("v1", "Maison Exemple SAS")
    pair.collected(person("claire@example.org", "partners"))
    told = pair.collector.gateway("partner", "export", "maison", "--purpose", "newsletter").stdout
    rows = list(csv.DictReader(StringIO(told)))
    rows[0]["acquired_at"] = "2026-09-30T10:00:00+02:00"
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    pair.partner.gateway("consent", "import", str(pair.partner.write("early.csv", text.getvalue())))
    assert pair.explained(pair.partner, "claire@example.org", "offers")["reason"] == "TRANSFER-BEFORE-CONSENT"


def test_a_list_that_does_not_name_the_partner_lets_nothing_through_on_either_side(pair: Pair) -> None:
    """R-FR-20, R-FR-25."""
    pair.publish("v1", "tiers")
    pair.collected(person("claire@example.org", "partners"))
    command = ("partner", "export", "maison", "--purpose", "newsletter")
    assert "does not name 'maison'" in pair.collector.gateway(*command, code=1).stderr
    pair.publish("v2", "maison", "tiers")
    assert pair.refused() == ["PARTNER-NOT-NAMED"]
    pair.learn("v1", "Tiers SA")
    pair.collected(person("paul@example.org", "partners", "v2"))
    pair.handed_over()
    assert pair.explained(pair.partner, "paul@example.org", "offers")["reason"] == "PARTNER-NOT-NAMED"
    pair.learn("v2", "Tiers SA", "Maison Exemple SAS")
    assert pair.explained(pair.partner, "paul@example.org", "offers")["verdict"] == "allow"


def test_a_partner_that_left_the_list_is_given_nobody_any_more(pair: Pair) -> None:
    """R-FR-25."""
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"))
    pair.publish("v2", "tiers")
    assert "does not name" in pair.collector.gateway("partner", "export", "maison", "--purpose", "newsletter", code=1).stderr


def test_what_a_partner_received_it_passes_on_to_nobody(pair: Pair) -> None:
    """R-FR-27."""
    pair.publish("v1", "maison")
    pair.learn("v1", "Maison Exemple SAS")
    pair.collected(person("claire@example.org", "partners"))
    pair.handed_over()
    partner = Pair(pair.partner, pair.collector)
    partner.publish("m1", "tiers")
    assert partner.export(to="tiers") == {}
    assert partner.refused(to="tiers") == ["NO-CONSENT"]
    received = pair.export("--again")["claire@example.org"] | {
        "covers": "partners",
        "partner_list_version": "m1",
        "presentation": "full",
    }
    text = StringIO()
    writer = csv.DictWriter(text, list(received))
    writer.writeheader()
    writer.writerow(received)
    pair.partner.gateway("consent", "import", str(pair.partner.write("claimed.csv", text.getvalue())))
    assert partner.refused(to="tiers") == ["NO-CONSENT"]


def test_a_professional_who_was_informed_and_could_refuse_is_passed_on_without_consent(pair: Pair) -> None:
    """R-FR-39."""
    pair.publish("v1", "maison")
    pair.collected(professional("buyer@client.example", "yes"), professional("seller@client.example", "no"))
    (row,) = pair.export().values()
    assert (row["address"], row["basis"], row["function"]) == ("buyer@client.example", "legitimate-interest", "achats")
    assert pair.refused("--again") == ["NO-CONSENT"]


def test_who_was_passed_on_is_left_out_the_next_time_unless_asked_for_again(pair: Pair) -> None:
    """R-FR-23."""
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"))
    first = pair.export()
    assert pair.export() == {}
    assert pair.export("--again") == first
    pair.collected(person("claire@example.org", "partners"), person("paul@example.org", "partners"))
    assert set(pair.export()) == {"paul@example.org"}
    assert len(pair.collector.json("partner", "transfers")) == 2
    assert pair.collector.gateway("journal", "show").stdout.count("transfer again") == 1


def test_a_dry_run_counts_and_writes_nothing(pair: Pair) -> None:
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"), person("marc@example.org", "own"))
    before = pair.collector.gateway("journal", "show").stdout
    told = pair.collector.gateway("partner", "export", "maison", "--purpose", "newsletter", "--dry-run")
    assert told.stdout == ""
    assert "Would be passed on: 1; refused: 1 (NO-CONSENT 1)." in told.stderr
    assert pair.collector.gateway("journal", "show").stdout == before
    assert pair.collector.json("partner", "transfers") == []


def test_an_opposition_reaches_the_partner_that_received_and_the_collector_that_gave(pair: Pair) -> None:
    """R-FR-35."""
    pair.publish("v1", "maison", "tiers")
    pair.learn("v1", "Maison Exemple SAS")
    pair.collected(person("claire@example.org", "partners"), person("marc@example.org", "own"))
    pair.handed_over()
    pair.collector.gateway("oppose", "add", "claire@example.org")
    pair.collector.gateway("oppose", "add", "marc@example.org")
    assert [note["partner"] for note in pair.collector.json("partner", "pending", code=1)] == ["maison"]
    pair.partner.gateway("oppose", "add", "claire@example.org")
    assert [note["partner"] for note in pair.partner.json("partner", "pending", code=1)] == ["jeux"]


def test_looking_up_one_persons_transfers_is_recorded(pair: Pair) -> None:
    """R-DP-20."""
    pair.publish("v1", "maison")
    pair.collected(person("claire@example.org", "partners"), person("paul@example.org", "partners"))
    pair.export()
    assert len(pair.collector.json("partner", "transfers", "claire@example.org")) == 1
    assert "look transfers" in pair.collector.gateway("journal", "show").stdout


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("nobody", "--purpose", "newsletter"), 2, "no partner nobody"),
        (("maison", "--purpose", "newsletter"), 1, "has published no partner list"),
        (("maison", "--purpose", "a@example.com"), 1, "names no address"),
    ],
)
def test_an_export_that_could_pass_on_nobody_says_why(pair: Pair, words: tuple[str, ...], code: int, why: str) -> None:
    pair.collected(person("claire@example.org", "partners"))
    if "@" in words[-1]:
        pair.publish("v1", "maison")
    assert why in pair.collector.gateway("partner", "export", *words, code=code).stderr
