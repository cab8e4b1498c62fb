"""A house with a configuration and an empty data folder, and the command line to run in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import build

CONFIG = """
[advertiser.acme]
legal_name = "Acme SAS"
postal_address = "1 rue de l'Exemple, 75000 Paris"
contact = "contact@acme.example"
from_domains = ["acme.example"]

[upstream.out]
host = "127.0.0.1"
tls = "none"

[stream.news]
advertiser = "acme"
upstream = "out"

[stream.sales]
advertiser = "acme"
upstream = "out"

[partner.friend]
legal_name = "Friend SARL"
"""


@dataclass
class House:
    """`gateway` in one folder."""

    folder: Path

    def gateway(self, *words: str, code: int = 0, stdin: str = "") -> Result:
        """Run a command and expect its exit code."""
        place = [] if words[:2] == ("keys", "new") else ["--config", str(self.folder / "gateway.toml")]
        result = CliRunner().invoke(build(words[0]), [*words, *place], input=stdin)
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    def json(self, *words: str, code: int = 0) -> list[Any]:
        """The values a command prints with --json."""
        return [json.loads(line) for line in self.gateway(*words, "--json", code=code).stdout.splitlines()]

    def write(self, name: str, text: str | bytes) -> Path:
        """A file in the house."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "gateway.toml").write_text(CONFIG)
    return House(tmp_path)
