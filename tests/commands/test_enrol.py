"""`gateway enrol`: asks for a confirmation where one is needed, says why not, and lists who waits without naming anybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.core.sign import Algorithm
from gateway.edges.keys import write_dkim_key
from gateway.edges.store.spool import open_spool
from tests.commands.conftest import CONFIG, House

CLAIRE = "claire@example.org"
PROOF = ("--purpose", "news", "--source", "salon", "--collected-at", "2026-01-05", "--action", "paper", "--wording", "Oui")


@pytest.fixture
def signing(tmp_path: Path) -> House:
    """A house whose advertiser can sign."""
    write_dkim_key(tmp_path / "dkim.pem", Algorithm.ED25519, "acme.example", "s1")
    key = 'privacy_url = "https://acme.example/privacy"\ndkim = [{ selector = "s1", key_file = "dkim.pem" }]\n'
    (tmp_path / "gateway.toml").write_text(
        CONFIG.replace('from_domains = ["acme.example"]\n', f'from_domains = ["acme.example"]\n{key}')
    )
    return House(tmp_path)


def kept(house: House) -> int:
    async def count() -> int:
        spool = open_spool(house.folder / "var" / "letters.db")
        try:
            return await spool.depth()
        finally:
            await spool.close()

    return asyncio.run(count())


def test_a_record_that_waits_is_asked_about_once(signing: House) -> None:
    """R-FR-42, R-FR-43."""
    signing.gateway("consent", "add", CLAIRE, *PROOF)
    assert signing.json("enrol", "ask", CLAIRE, "--stream", "news") == [{"asked": "sent"}]
    (row,) = signing.json("enrol", "list")
    assert (row["stream"], row["covers"], row["reminded_at"]) == ("news", "own", "")
    assert "@" not in str(row)
    assert kept(signing) == 1
    assert signing.json("enrol", "ask", CLAIRE, "--stream", "news", code=1) == [{"asked": "asked-already"}]
    assert kept(signing) == 1


def test_nobody_is_asked_without_a_record_or_against_their_will(signing: House) -> None:
    """R-FR-44."""
    assert signing.json("enrol", "ask", CLAIRE, "--stream", "news", code=1) == [{"asked": "nothing-waits"}]
    signing.gateway("oppose", "add", CLAIRE)
    signing.gateway("consent", "add", CLAIRE, *PROOF)
    refused = signing.gateway("enrol", "ask", "-", "--stream", "news", code=1, stdin=f"{CLAIRE}\n")
    assert "R-FR-44" in refused.stderr
    assert CLAIRE not in refused.output
    assert kept(signing) == 0


def test_an_unknown_stream_is_misuse(signing: House) -> None:
    signing.gateway("enrol", "ask", CLAIRE, "--stream", "none", code=2)


def test_without_a_key_that_signs_nothing_is_asked(house: House) -> None:
    """R-STD-46."""
    house.gateway("consent", "add", CLAIRE, *PROOF)
    assert "own mail" in house.gateway("enrol", "ask", CLAIRE, "--stream", "news", code=1).stderr
    assert house.gateway("enrol", "list").stdout == ""
