"""A notice that is too late for advertising is mailed by itself, and only then may advertising go (R-FR-32)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import build
from gateway.core.record import Audience, Basis
from tests.support.gateway import letter, threaded
from tests.support.journey import House, house, text

BUYER = "buyer@client.example"
OPPOSED = "opposed@client.example"


async def command(folder: Path, *words: str) -> Result:
    """Run a command beside the gateway."""
    place = ["--config", str(folder / "gateway.toml")]
    return await threaded(partial(CliRunner().invoke, build(), [*words, *place]))


async def held(home: House, person: str, days: int) -> None:
    """Somebody a partner passed on so many days ago."""
    await home.gateway.consent(
        person,
        audience=Audience.PROFESSIONAL,
        basis=Basis.LEGITIMATE_INTEREST,
        source="voisin",
        function="purchasing",
        acquired_at=datetime.now(UTC) - timedelta(days=days),
    )


async def test_who_is_overdue_gets_the_notice_alone_and_then_advertising(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-FR-32."""
    monkeypatch.setattr("gateway.flow.deliver.IDLE", 0.05)
    async with house(tmp_path, stream='language = "en"') as home:
        await held(home, BUYER, 60)
        await held(home, OPPOSED, 60)
        await held(home, "fresh@client.example", 1)
        await home.gateway.oppose(OPPOSED)
        assert "[NOTICE-OVERDUE]" in (await home.gateway.send(BUYER, message=letter(BUYER, "Un")))[BUYER]
        listed = await command(tmp_path, "partner", "overdue", "--json")
        assert listed.exit_code == 1, listed.output
        rows = [json.loads(line) for line in listed.stdout.splitlines()]
        assert sorted((row["state"], row["stopped"]) for row in rows) == [("overdue", ""), ("overdue", "opposed")]
        assert "@" not in listed.stdout
        rehearsed = await command(tmp_path, "partner", "notify", "--dry-run")
        assert "Dry run: 1 sent, 1 stopped." in rehearsed.stderr
        told = await command(tmp_path, "partner", "notify")
        assert told.exit_code == 0, told.output
        assert "1 sent, 1 stopped." in told.stderr
        notice = (await home.arrived(1))[BUYER]
        assert "Voisin SARL" in text(notice)
        assert "Bonjour" not in text(notice)
        again = await command(tmp_path, "partner", "notify")
        assert "sent" not in again.stderr
        assert await home.gateway.send(BUYER, message=letter(BUYER, "Deux")) == {}
        assert set(await home.arrived(2)) == {BUYER}
        assert (await command(tmp_path, "partner", "overdue")).stderr == "1 overdue, 0 due soon.\n"


async def test_a_term_that_is_no_duration_is_misuse(tmp_path: Path) -> None:
    async with house(tmp_path):
        assert (await command(tmp_path, "partner", "overdue", "--within", "7 days")).exit_code == 2
        assert (await command(tmp_path, "partner", "overdue", "--within", "P1Y")).exit_code == 0
