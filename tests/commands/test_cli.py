"""The command line as a whole."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from gateway.cli import build
from gateway.commands import office
from tests.commands.conftest import House

HEAVY = ("apsw", "cryptography", "uvicorn", "starlette", "httpx", "aiosmtpd", "pydantic")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from gateway.cli import build\n"
        "try: build()(['--help'])\n"
        f"except SystemExit: print('heavy:', [name for name in {HEAVY} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.splitlines()[-1] == "heavy: []"


@pytest.mark.parametrize("words", [["tool"], ["oppose"], ["consent"], ["policy"], ["journal"], ["keys"], ["partner"]])
def test_every_noun_explains_itself(house: House, words: list[str]) -> None:
    assert "Usage" in CliRunner().invoke(build(), [*words, "--help"]).output


def test_without_a_configuration_the_beginning_is_told(tmp_path: os.PathLike[str]) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "tool", "list"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "copy gateway.example.toml" in done.stderr


def test_commands_that_write_wait_for_each_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.gateway("oppose", "add", "a@example.com")
    monkeypatch.setattr(office, "LOCK_PATIENCE", 0.2)
    with (house.folder / "var" / "cli.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        assert "still at work" in house.gateway("oppose", "add", "b@example.com", code=1).stderr
        assert time.monotonic() - started < 15  # unasked it waits for 30 seconds
        house.gateway("oppose", "list")
    house.gateway("oppose", "add", "b@example.com")


def test_a_long_import_keeps_no_other_command_waiting(house: House) -> None:
    house.gateway("oppose", "import", str(house.write("l.csv", "email\na@example.com\n")))
    with (house.folder / "var" / "import.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        house.gateway("oppose", "add", "b@example.com")


def test_everything_written_is_private(house: House) -> None:
    house.gateway("oppose", "add", "a@example.com")
    for path in [house.folder / "var", *(house.folder / "var").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
