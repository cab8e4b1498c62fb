"""First contact: somebody whose address came from a partner is told so in full once, then in a line - and can say stop."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.core.record import Audience, Basis
from tests.support.gateway import letter
from tests.support.journey import House, house, one_click, text

BUYER = "buyer@client.example"
RIGHTS = "https://www.cnil.fr/fr/plaintes"


async def known_through_a_partner(home: House) -> None:
    await home.gateway.consent(
        BUYER,
        audience=Audience.PROFESSIONAL,
        basis=Basis.LEGITIMATE_INTEREST,
        source="voisin",
        function="purchasing",
        action="",
        wording="",
        acquired_at=datetime.now(UTC),
    )


async def test_the_first_mail_carries_the_full_notice_and_the_second_a_source_line(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await known_through_a_partner(home)
        assert await home.gateway.send(BUYER, message=letter(BUYER, "Un")) == {}
        first = (await home.arrived(1))[BUYER]
        assert await home.gateway.send(BUYER, message=letter(BUYER, "Deux")) == {}
        second = (await home.arrived(2))[BUYER]
        for kind in ("plain", "html"):
            told = text(first, kind)
            for fact in ("Voisin SARL", "Maison Exemple SAS", "dpo@maison.example", RIGHTS, "https://maison.example/privacy"):
                assert fact in told, (kind, fact)
            assert "Voisin SARL" in text(second, kind)
            assert RIGHTS not in text(second, kind)
            assert "Maison Exemple SAS" in text(second, kind)
        assert await one_click(second) == 200
        assert "[OPPOSED]" in (await home.gateway.send(BUYER, message=letter(BUYER, "Trois")))[BUYER]


@pytest.mark.parametrize("answer", ["550", "451"])
async def test_a_notice_that_the_provider_did_not_take_is_sent_again(tmp_path: Path, answer: str) -> None:
    async with house(tmp_path, plan={"end": [answer]}, delivery='on_defer = "return"') as home:
        await known_through_a_partner(home)
        assert (await home.gateway.send(BUYER, message=letter(BUYER, "Un")))[""].startswith(answer)
        assert await home.gateway.send(BUYER, message=letter(BUYER, "Deux")) == {}
        assert RIGHTS in text((await home.arrived(1))[BUYER])


async def test_somebody_who_signed_up_reads_no_words_about_where_the_address_came_from(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent("claire@example.org")
        await home.gateway.send("claire@example.org")
        assert RIGHTS not in text((await home.arrived(1))["claire@example.org"])


async def test_the_evidence_names_the_words_that_were_used(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await known_through_a_partner(home)
        await home.gateway.send(BUYER)
        (attempt,) = [event for event in await home.evidence() if event.kind.value == "attempt"]
        assert len(attempt.template) == 16
        assert attempt.basis == "legitimate-interest"
        assert "R-FR-29" in attempt.rules
