"""What a person or an authority is handed - receipt, file, record of processing - and the opt-out, seen by axe and a phone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.core.change import Publish
from gateway.core.record import Covers, NamedPartner, PartnerList, Proof
from gateway.core.token import mint
from gateway.settings import to_streams
from tests.support.browser import browsing, nothing_for_axe, sound, tab
from tests.support.gateway import WHEN, person
from tests.support.journey import House, house

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pages"), pytest.mark.asyncio(loop_scope="module")]
WHO = "marie@example.org"
PAPERS = {
    "receipt": ("consent", "receipt", WHO),
    "person": ("person", "export", WHO, "--reason", "access request"),
    "processing": ("report", "processing"),
}


@dataclass
class Place:
    """A house with one person on file, and a browser."""

    home: House
    browser: Browser
    folder: Path

    async def paper(self, name: str) -> str:
        """One paper, as the command writes it."""
        made = self.folder / f"{name}.html"
        command = [*PAPERS[name], "--html", str(made), "--config", str(self.folder / "gateway.toml")]
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", *command, stdout=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0
        return made.read_text(encoding="utf-8")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder: Path = tmp_path_factory.mktemp("papers")
    async with browsing("the papers can be read by everybody") as browser, house(folder) as home:
        partners = (NamedPartner("voisin", "Voisin SARL", "https://voisin.example/privacy"),)
        await home.gateway.change(Publish(PartnerList("maison", "2026-09-01", WHEN, partners, "first list")))
        proof = Proof("news-3", "https://maison.example/form", "form", "", "full", "fr")
        wording = "Oui, je souhaite recevoir la lettre mensuelle de Maison Exemple. <b>À bientôt</b> !"
        await home.gateway.consent(WHO, wording=wording, proof=proof)
        await home.gateway.consent(WHO, wording=wording, proof=proof, covers=Covers.PARTNERS, partner_list_version="2026-09-01")
        assert await home.gateway.send(WHO) == {}
        await home.gateway.oppose(WHO)
        yield Place(home, browser, folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAPERS)
async def test_a_paper_is_readable_on_a_phone_and_by_everybody(place: Place, name: str, scheme: str) -> None:
    """R-FR-40, R-DP-11, R-DP-18: nothing is loaded, nothing is hidden, axe finds nothing."""
    async with tab(place.browser, width=320, script=True, color_scheme=scheme) as reader:
        await reader.page.set_content(await place.paper(name))
        await sound(reader)
        await nothing_for_axe(reader)
        assert reader.asked == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_axe_has_nothing_to_say_about_the_opt_out(place: Place, language: str) -> None:
    """R-FR-53."""
    gateway = place.home.gateway
    stream = to_streams(gateway.settings)["news"]
    token = mint(gateway.ring.token_keys, stream.number, gateway.identity.person(person("anne@example.org")))
    async with tab(place.browser, width=320, script=True, locale=language) as reader:
        await reader.page.goto(f"{gateway.addresses.public_url}/u/{token}")
        await nothing_for_axe(reader)
        await reader.page.locator("button").first.click()
        await reader.page.wait_for_selector("body[data-page=done]")
        await nothing_for_axe(reader)
        await reader.page.goto(f"{gateway.addresses.public_url}/u/{token[:-1]}")
        await nothing_for_axe(reader)
