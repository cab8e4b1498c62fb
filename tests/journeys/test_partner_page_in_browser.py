"""The page of an advertiser's partners in a real browser: narrow, keyboard alone, light and dark, measured, checked by axe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.core.change import Publish
from gateway.core.record import NamedPartner, PartnerList
from tests.support.browser import browsing, sound, tab
from tests.support.gateway import WHEN
from tests.support.journey import House, house

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pages"), pytest.mark.asyncio(loop_scope="module")]
PARTNERS = (
    NamedPartner("voisin", "Voisin SARL", "https://voisin.example/privacy"),
    NamedPartner("cousin", "Cousin et Filles de la Très Longue Rue de l’Exemple SAS", "https://cousin.example/privacy"),
    NamedPartner("mot", "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "https://mot.example/"),
    NamedPartner("hostile", "<img src=x onerror=document.title='owned'>\u202e", "https://hostile.example/"),
)
TITLES = {"fr": "Partenaires – Maison Exemple SAS", "en": "Partners – Maison Exemple SAS"}


@dataclass
class Place:
    """A gateway with three versions of a list, and a browser."""

    home: House
    browser: Browser

    @property
    def page(self) -> str:
        """Where the current list is."""
        return f"{self.home.gateway.addresses.public_url}/p/maison"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder: Path = tmp_path_factory.mktemp("place")
    async with browsing("the partner page works in a browser") as browser, house(folder) as home:
        for number, partners in enumerate((PARTNERS[:1], PARTNERS[1:2], PARTNERS)):
            at = WHEN + timedelta(days=number)
            await home.gateway.change(Publish(PartnerList("maison", at.date().isoformat(), at, partners, "because")))
        yield Place(home, browser)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_is_readable_on_a_narrow_phone(place: Place, language: str, scheme: str) -> None:
    """R-FR-25."""
    async with tab(place.browser, width=320, locale=language, color_scheme=scheme) as reader:
        for path in ("", "/2026-09-01", "/nothing"):
            await reader.page.goto(place.page + path)
            assert await reader.page.get_attribute("html", "lang") == language
            await sound(reader)
        await reader.page.goto(place.page)
        assert await reader.page.title() == TITLES[language]


async def test_keyboard_alone_reaches_every_version_and_comes_back(place: Place) -> None:
    """R-FR-24."""
    async with tab(place.browser, locale="fr") as reader:
        await reader.page.goto(place.page)
        seen = []
        for _ in range(30):
            await reader.page.keyboard.press("Tab")
            seen.append(str(await reader.ask("() => document.activeElement.textContent.trim()")))
            if seen[-1] == "Version 2026-09-01":
                break
        assert "Politique de confidentialité de Voisin SARL" in seen
        assert await reader.ask("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
        async with reader.page.expect_navigation():
            await reader.page.keyboard.press("Enter")
        assert reader.page.url == f"{place.page}/2026-09-01"
        assert "n’est plus à jour" in await reader.page.inner_text("main")
        async with reader.page.expect_navigation():
            await reader.page.get_by_role("link", name="voir la liste à jour").press("Enter")
        assert reader.page.url == place.page


async def test_the_other_language_is_one_press_away_and_stays(place: Place) -> None:
    async with tab(place.browser, locale="fr") as reader:
        await reader.page.goto(place.page)
        await reader.page.get_by_role("link", name="English").click()
        await reader.page.wait_for_selector("html[lang=en]")
        await reader.page.get_by_role("link", name="Version 2026-09-02").click()
        await reader.page.wait_for_url("**/2026-09-02?lang=en")
        assert await reader.page.get_attribute("html", "lang") == "en"


async def test_it_loads_nothing_else_keeps_nothing_and_a_hostile_name_runs_nothing(place: Place) -> None:
    """R-FR-34."""
    async with tab(place.browser, script=True, locale="fr") as reader:
        await reader.page.goto(place.page)
        assert reader.asked == [place.page]
        assert await reader.page.context.cookies() == []
        assert await reader.ask("() => document.querySelectorAll('script, iframe, img, object, link[rel~=stylesheet]').length") == 0
        assert await reader.page.title() == TITLES["fr"]
        assert "<img src=x onerror" in await reader.page.inner_text("main")
