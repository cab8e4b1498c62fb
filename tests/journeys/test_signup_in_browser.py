"""The sign-up pages in a real browser: keyboard alone, no script, a narrow phone, light and dark, measured and checked by axe."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from gateway.core.change import Publish
from gateway.core.record import NamedPartner, PartnerList
from tests.support.browser import AXE, Tab, browsing, nothing_for_axe, sound, tab
from tests.support.gateway import WHEN
from tests.support.journey import House, house, text

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pages"), pytest.mark.asyncio(loop_scope="module")]
FORM = """
[stream.news.form]
enabled = true

[stream.news.form.fr]
wording_own = "Oui, je souhaite recevoir par courriel la lettre mensuelle de Maison Exemple."
wording_partners = "Oui, Maison Exemple peut transmettre mon adresse aux partenaires ci-dessous, pour leurs propres offres."
wording_tracking = "Oui, Maison Exemple peut mesurer si j’ouvre ses messages."
purposes = ["vous envoyer notre lettre, une fois par mois", "vous informer de nos nouveautés"]

[stream.news.form.en]
wording_own = "Yes, I would like to receive the monthly letter of Maison Exemple by email."
wording_partners = "Yes, Maison Exemple may pass my address to the partners below, for offers of their own."
wording_tracking = "Yes, Maison Exemple may measure whether I open its messages."
purposes = ["send you our letter, once a month", "tell you about what is new"]
"""
BUTTONS = {"fr": ("M’inscrire", "Je confirme"), "en": ("Subscribe", "I confirm")}


@dataclass
class Place:
    """A gateway with a form and partners, and a browser."""

    home: House
    browser: Browser

    @property
    def form(self) -> str:
        """Where the form is."""
        return f"{self.home.gateway.addresses.public_url}/s/news"

    async def link(self, address: str) -> str:
        """The confirmation's address in the mail this person gets."""
        for count in range(1, 100):
            mails = await self.home.arrived(count)
            if address in mails:
                found = re.search(r"http://127\.0\.0\.1:\d+/c/[a-z2-7]{26}\b", text(mails[address]))
                assert found is not None
                return found[0]
        raise AssertionError("no mail")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder: Path = tmp_path_factory.mktemp("place")
    async with browsing("the sign-up pages work in a browser") as browser, house(folder, stream=FORM) as home:
        partners = (
            NamedPartner("voisin", "Voisin SARL", "https://voisin.example/privacy"),
            NamedPartner("cousin", "Cousin et Filles de la Très Longue Rue SAS", "https://cousin.example/privacy"),
        )
        await home.gateway.change(Publish(PartnerList("maison", "2026-09", WHEN, partners)))
        yield Place(home, browser)


async def tabbed_to(reader: Tab, name: str) -> None:
    """Press Tab until the field of this name, or the button that says so, has the focus."""
    for _ in range(16):
        await reader.page.keyboard.press("Tab")
        if await reader.ask("() => document.activeElement.name || document.activeElement.textContent.trim()") == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_keyboard_alone_signs_up_and_confirms_on_a_narrow_phone(place: Place, language: str, scheme: str) -> None:
    address = f"claire-{language}-{scheme}@example.org"
    async with tab(place.browser, width=320, locale=language, color_scheme=scheme) as reader:
        await reader.page.goto(place.form)
        assert await reader.page.get_attribute("html", "lang") == language
        await sound(reader)
        await tabbed_to(reader, "email")
        await reader.page.keyboard.type(address)
        await tabbed_to(reader, "own")
        await reader.page.keyboard.press("Space")
        await tabbed_to(reader, BUTTONS[language][0])
        assert await reader.ask("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
        async with reader.page.expect_navigation():
            await reader.page.keyboard.press("Enter")
        assert await reader.page.get_attribute("body", "data-page") == "signup-sent"
        await sound(reader)
        await reader.page.goto(await place.link(address))
        assert await reader.page.get_attribute("body", "data-page") == "confirm"
        await sound(reader)
        await tabbed_to(reader, BUTTONS[language][1])
        async with reader.page.expect_navigation():
            await reader.page.keyboard.press("Enter")
        assert await reader.page.locator("[role=status]").is_visible()
        await sound(reader)
        await reader.page.goto(f"{place.form.removesuffix('/s/news')}/c/none")
        await sound(reader)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_form_without_a_tick_says_so_where_a_reader_hears_it(place: Place, language: str) -> None:
    async with tab(place.browser, width=320, locale=language) as reader:
        await reader.page.goto(place.form)
        await reader.page.fill("#email", "nobody@example.org")
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=alert]")
        assert await reader.page.input_value("#email") == "nobody@example.org"
        assert await reader.page.locator("input[aria-describedby=error]").count() == 3
        await sound(reader)


async def test_pages_load_nothing_else_and_keep_nothing(place: Place) -> None:
    async with tab(place.browser, script=True, locale="fr") as reader:
        await reader.page.goto(place.form)
        await reader.page.fill("#email", "anne@example.org")
        await reader.page.locator("input[name=own]").check()
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        link = await place.link("anne@example.org")
        await reader.page.goto(link)
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        assert set(reader.asked) == {place.form, f"{place.form}?lang=fr", link, f"{link}?lang=fr"}
        assert await reader.page.context.cookies() == []


async def test_nothing_is_ticked_and_the_trap_is_seen_by_nobody(place: Place) -> None:
    async with tab(place.browser, locale="fr") as reader:
        await reader.page.goto(place.form)
        assert await reader.page.locator("input:checked").count() == 0
        assert not await reader.page.locator("input[name=website]").is_visible()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in tests/journeys")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_axe_has_nothing_to_say_about_any_of_the_pages(place: Place, language: str, scheme: str) -> None:
    address = f"axe-{language}-{scheme}@example.org"
    async with tab(place.browser, width=320, script=True, locale=language, color_scheme=scheme) as reader:
        await reader.page.goto(place.form)
        await nothing_for_axe(reader)
        await reader.page.fill("#email", address)
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=alert]")
        await nothing_for_axe(reader)
        await reader.page.locator("input[name=own]").check()
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        await nothing_for_axe(reader)
        await reader.page.goto(await place.link(address))
        await nothing_for_axe(reader)
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        await nothing_for_axe(reader)
        await reader.page.goto(f"{place.form.removesuffix('/s/news')}/c/none")
        await nothing_for_axe(reader)
