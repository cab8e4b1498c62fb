"""Packs and templates from disk: shipped ones, own ones, and every fault with its file and line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.core.policy import Policy
from gateway.edges.files import FileFault, policy_names, read_policy, read_templates, shipped

FR = (shipped("policies") / "fr.toml").read_text(encoding="utf-8")


def fault_of(folder: Path, text: str | bytes) -> FileFault:
    (folder / "mine.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    fault = read_policy("mine", folder)
    assert isinstance(fault, FileFault), fault
    return fault


def mine(old: str = "", new: str = "") -> str:
    assert old in FR
    return FR.replace('name = "fr"', 'name = "mine"', 1).replace(old, new, 1)


def test_the_shipped_pack_is_found_by_name() -> None:
    policy = read_policy("fr")
    assert isinstance(policy, Policy)
    assert policy.label.startswith("fr@2026-11")
    assert "fr" in policy_names()


def test_an_own_pack_wins_over_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "fr.toml").write_text(re.sub(r'(?m)^version = ".*"$', 'version = "ours-1"', FR), encoding="utf-8")
    policy = read_policy("fr", tmp_path)
    assert isinstance(policy, Policy)
    assert policy.label.startswith("fr@ours-1#")


def test_any_change_of_a_byte_changes_the_label(tmp_path: Path) -> None:
    (tmp_path / "fr.toml").write_text(FR + "# note\n", encoding="utf-8")
    changed, given = read_policy("fr", tmp_path), read_policy("fr")
    assert isinstance(changed, Policy)
    assert isinstance(given, Policy)
    assert changed.label != given.label


def line_with(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(part))


@pytest.mark.parametrize(
    ("old", "new", "at", "why"),
    [
        ('b2b_mode = "opt-out"', 'b2b_mode = "sometimes"', "b2b_mode", "'opt-out' or 'strict'"),
        ('b2b_mode = "opt-out"', 'b2b_mode = "strict"\ntypo = 1', "typo", "is not known"),
        ("[rule.R-FR-19]", "[rule.R-FR-999]", "[rule.R-FR-999]", "is not known"),
        ("[rule.R-FR-63]", "[rule.R-FR-63]\nenabled  = false", "enabled  =", "floor"),
        ("[rule.R-FR-04]", "[rule.R-FR-04]\nenabled = 0", "enabled", "boolean"),
        ('language = "fr"', 'language = "français"', "language", "match"),
        ('url = "https://www.cnil.fr/fr/plaintes"', 'url = "javascript:alert(1)"', "url", "URL"),
        ("\n[[case]]", "\n[[case]]\nwho = 1", "who", "is not known"),
        ("\n[[case]]", '\n[[case]]\nto = "nobody"', "to", "no address"),
    ],
)
def test_a_faulty_pack_is_refused_with_its_line(tmp_path: Path, old: str, new: str, at: str, why: str) -> None:
    text = mine(old, new)
    fault = fault_of(tmp_path, text)
    assert why in fault.why
    assert fault.line == line_with(text, at), str(fault)
    assert str(fault).startswith(f"{tmp_path / 'mine.toml'}:{fault.line}: ")


def test_a_missing_rule_is_named(tmp_path: Path) -> None:
    start, end = FR.index("[rule.R-FR-20]"), FR.index("[rule.R-FR-28]")
    fault = fault_of(tmp_path, (FR[:start] + FR[end:]).replace('name = "fr"', 'name = "mine"', 1))
    assert fault.why == "rule.R-FR-20 is missing"


def test_an_example_of_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    assert "R-FR-77" in fault_of(tmp_path, mine('rules = ["R-FR-15"]', 'rules = ["R-FR-77"]')).why


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = = 2\n", 2), ("a = 1\nb =", 2), (b"a = 1\n\n# \xff", 3)])
def test_text_that_is_no_toml_is_refused_with_its_line(tmp_path: Path, text: str | bytes, line: int) -> None:
    assert fault_of(tmp_path, text).line == line


def test_a_pack_must_be_named_like_its_file(tmp_path: Path) -> None:
    assert fault_of(tmp_path, FR).line == line_with(FR, "name")


def test_an_oversized_file_is_not_read(tmp_path: Path) -> None:
    assert "longer" in fault_of(tmp_path, "#" * (1 << 20) + "#").why


@pytest.mark.parametrize("name", ["../fr", "", "FR", "a/b", "a" * 40, "."])
def test_only_plain_names_reach_the_disk(tmp_path: Path, name: str) -> None:
    assert isinstance(read_policy(name, tmp_path), FileFault)


def test_an_absent_pack_is_a_fault_not_a_crash(tmp_path: Path) -> None:
    assert isinstance(read_policy("nowhere", tmp_path), FileFault)


def test_own_templates_win_file_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "probe"
    folder.mkdir()
    (folder / "fr.txt").write_text("Bonjour é\n", encoding="utf-8")
    (folder / ".hidden").write_text("no", encoding="utf-8")
    assert read_templates("probe", tmp_path) == {"fr.txt": "Bonjour é\n"}
    assert isinstance(read_templates("absent", tmp_path), FileFault)
