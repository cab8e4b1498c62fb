"""The documentation is current: generated pages match the code, commands and files it names exist, its words are the glossary's."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from gateway.cli import build
from gateway.settings import Settings
from gateway.settings.manual import manual

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACES = ("docs/", "gateway/", "packaging/", "policies/", "templates/", "tests/", "bench/", ".ci/")
"""Where a path in backticks points into the repository."""


def named(path: Path) -> str:
    """A page's name, for the report."""
    return str(path.relative_to(ROOT))


def text(path: Path) -> str:
    """A page."""
    return path.read_text(encoding="utf-8")


def commands() -> dict[str, set[str]]:
    """Every command with its options: `tool add` and the like."""
    found: dict[str, set[str]] = {}

    def walk(command: object, path: str) -> None:
        children = getattr(command, "commands", None)
        if children:
            for name, child in children.items():
                walk(child, f"{path} {name}".strip())
            return
        found[path] = {name for one in getattr(command, "params", []) for name in one.opts} | {"--help"}

    walk(get_command(build()), "")
    return found


COMMANDS = commands()
GROUPS = {name.split()[0] for name in COMMANDS if " " in name}


def uses(page: str) -> Iterator[str]:
    """Every `gateway ...` a page shows, in code blocks and in backticks."""
    joined = page.replace("\\\n", " ")
    yield from re.findall(
        r"^(?:\$ |.* (?:--|exec gateway) )?gateway ((?:[a-z]+ ?)+[^\n#|]*)", "\n".join(blocks(joined)), re.MULTILINE
    )
    yield from re.findall(r"`gateway ([a-z][^`]*)`", joined)


def blocks(page: str) -> list[str]:
    """The code blocks for a shell."""
    return re.findall(r"```(?:sh|console)\n(.*?)```", page, re.DOTALL)


def fault(use: str) -> str:
    """What is wrong with one use of the command; empty when nothing is."""
    words = use.split()
    if words[0] in GROUPS and len(words) > 1:
        verbs = words[1].strip(",.;").split("|")
        missing = [verb for verb in verbs if f"{words[0]} {verb}" not in COMMANDS]
        if missing:
            return f"gateway {words[0]} {missing[0]}"
        name = f"{words[0]} {verbs[0]}"
    elif words[0] in GROUPS or words[0] in COMMANDS:
        name = words[0]
    else:
        return f"gateway {words[0]}"
    strange = set(re.findall(r"(?<!\S)--[a-z0-9-]+", use)) - COMMANDS.get(name, set())
    return f"gateway {name} {' '.join(sorted(strange))}" if strange and name in COMMANDS else ""


def test_configuration_page_is_generated_from_the_models() -> None:
    assert text(ROOT / "docs" / "configuration.md") == manual(), "stale: run `make docs`"


def test_replies_page_is_generated_from_the_table() -> None:
    page = [sys.executable, ".ci/replies_page.py"]
    made = subprocess.run(page, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert text(ROOT / "docs" / "replies.md") == made.stdout, "stale: run `make docs`"


def test_policies_page_is_generated_from_the_packs() -> None:
    page = [sys.executable, ".ci/policies_page.py"]
    made = subprocess.run(page, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert text(ROOT / "docs" / "policies.md") == made.stdout, "stale: run `make docs`"


def test_examples_page_is_what_is_decided() -> None:
    page = [sys.executable, ".ci/examples_page.py"]
    made = subprocess.run(page, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert text(ROOT / "docs" / "examples.md") == made.stdout, "stale: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_command_a_page_shows_exists_with_its_options(page: Path) -> None:
    assert [wrong for use in uses(text(page)) if (wrong := fault(use))] == []


def test_a_command_that_does_not_exist_is_seen() -> None:
    shown = "`gateway keys burn`, `gateway tool add X --colour red`\n```sh\ngateway fly\n```\n"
    assert [fault(use) for use in uses(shown)] == ["gateway fly", "gateway keys burn", "gateway tool add --colour"]


def test_readme_shows_its_two_commands_and_the_makefile_has_them() -> None:
    makefile = text(ROOT / "Makefile")
    for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", "\n".join(map(text, PAGES)), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert {"make demo", "make test"} <= set(re.findall(r"make [a-z]+", text(ROOT / "README.md")))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text(page))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_path_named_exists(page: Path) -> None:
    paths = [path for path in re.findall(r"`([\w./-]+/[\w.-]*)`", text(page)) if path.startswith(PLACES)]
    made_later = ("docs/performance.md", "packaging/provider.password", "bench/out/")
    assert [path for path in paths if not path.startswith(made_later) and not (ROOT / path.rstrip("/")).exists()] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "tools.md"], ids=named)
def test_each_setting_shown_is_a_setting(page: Path) -> None:
    for shown in re.findall(r"```toml\n(.*?)```", text(page), re.DOTALL):
        tables = tomllib.loads(shown)
        assert set(tables) <= set(Settings.model_fields)


def test_readme_configuration_is_sound(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", text(ROOT / "README.md"), re.DOTALL)
    (tmp_path / "gateway.toml").write_text(shown)
    key = [sys.executable, "-m", "gateway", "keys", "new", "maison.example", "--selector", "gw1"]
    subprocess.run(key, cwd=tmp_path, capture_output=True, check=True, env={"PYTHONPATH": str(ROOT)})
    checked = subprocess.run(
        [sys.executable, "-m", "gateway", "check"], cwd=tmp_path, capture_output=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert checked.returncode == 0, checked.stderr.decode()


def test_documentation_keeps_to_the_words_of_the_glossary() -> None:
    glossary = text(ROOT / "docs" / "glossary.md")
    for word in (
        "tool",
        "stream",
        "advertiser",
        "opposition",
        "refusal mode",
        "journal",
        "head",
        "spool",
        "DSN",
        "purpose",
        "source",
    ):
        assert re.search(rf"^\| [^|]*\b{word}\b", glossary, re.MULTILINE), word
    other = re.compile(r"\b(blacklist|whitelist|blocklist|audit log|mail ?server user|sub-?scription list)\b", re.IGNORECASE)
    assert {named(page): found for page in PAGES if (found := other.findall(text(page)))} == {}


def test_every_command_has_words_of_help() -> None:
    def silent(command: object, path: str) -> Iterator[str]:
        if not getattr(command, "help", None):
            yield path
        for name, child in getattr(command, "commands", {}).items():
            yield from silent(child, f"{path} {name}")

    app = build()
    assert isinstance(app, typer.Typer)
    assert list(silent(get_command(app), "gateway")) == []
