"""The opt-out as a person meets it: a link out of a delivered mail, a real browser, no script, no mouse if need be.

And the mailbox page of the sink: a hostile mail shown there does nothing and fetches nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from gateway.edges.sink import Sink
from gateway.edges.web.mailbox import mailbox
from tests.support.browser import LEAST_CONTRAST, Tab, browsing, tab
from tests.support.doors import TOKEN, Doors, listening
from tests.support.gateway import Running, company, letter, running
from tests.support.sink import running_sink

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pages"), pytest.mark.asyncio(loop_scope="module")]
LEAST_SIZE = 14
LANGUAGES = ("fr", "en")
TITLES = {
    ("fr", "ask"): "Ne plus recevoir ces messages – Maison Exemple SAS",
    ("en", "ask"): "Stop receiving these messages – Maison Exemple SAS",
    ("fr", "done"): "C’est enregistré – Maison Exemple SAS",
    ("en", "done"): "Your choice is recorded – Maison Exemple SAS",
    ("fr", "forged"): "Lien incomplet",
    ("en", "forged"): "Incomplete link",
}


@dataclass
class House:
    """A gateway, the provider it mails to, and a browser."""

    gateway: Running
    sink: Sink
    browser: Browser

    async def link(self, person: str) -> str:
        """The opt-out link of a mail this person really received, as it stands in its text."""
        await self.gateway.consent(person)
        seen = self.sink.count
        assert await self.gateway.send(person) == {}
        received = (await self.sink.wait_for(seen + 1))[-1]
        assert received.recipients == (person,)
        content = message_from_bytes(received.data, policy=policy.default).get_body(("html",)).get_content()
        found = re.search(r'href="(http://127\.0\.0\.1:\d+/u/[a-z2-7]{56})"', content)
        assert found is not None
        return found[1]

    async def may_be_mailed(self, person: str) -> bool:
        """Whether another mail to this person is let out."""
        refused = await self.gateway.send(person, message=letter(person, "Octobre"))
        assert refused == {} or refused[person].startswith("550 5.7.1 [OPPOSED]"), refused
        return refused == {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    async with (
        browsing("the opt-out page works in a browser") as browser,
        running_sink() as (sink, port),
        running(company(folder, port)) as gateway,
    ):
        yield House(gateway, sink, browser)


async def state(page: Page) -> str:
    return str(await page.get_attribute("body", "data-page"))


async def focused(reader: Tab) -> str:
    return str(await reader.ask("() => document.activeElement.value || document.activeElement.textContent.trim()"))


async def tabbed_to(reader: Tab, name: str) -> None:
    """Press Tab until this has the focus."""
    for _ in range(12):
        await reader.page.keyboard.press("Tab")
        if await focused(reader) == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


async def readable(reader: Tab, width: int) -> None:
    """Every piece of text is seen, large enough, with enough contrast, and nothing has to be scrolled sideways."""
    pieces = await reader.texts()
    assert pieces
    poor = [one for one in pieces if not one.seen or one.size < LEAST_SIZE or one.contrast < LEAST_CONTRAST]
    assert poor == []
    assert await reader.ask("() => document.documentElement.scrollWidth") <= width


# The opt-out page


@pytest.mark.parametrize("language", LANGUAGES)
async def test_keyboard_alone_and_no_script_is_enough_to_opt_out(house: House, language: str) -> None:
    person = f"claire-{language}@example.org"
    async with tab(house.browser, locale=language) as reader:
        await reader.page.goto(await house.link(person))
        assert await state(reader.page) == "ask"
        assert await house.may_be_mailed(person)
        await tabbed_to(reader, "advertiser")
        await tabbed_to(reader, {"fr": "Me désinscrire", "en": "Unsubscribe"}[language])
        assert await reader.ask("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
        async with reader.page.expect_navigation():
            await reader.page.keyboard.press("Enter")
        assert await state(reader.page) == "done"
        assert await reader.page.locator("[role=status]").is_visible()
    assert not await house.may_be_mailed(person)


async def test_keyboard_chooses_this_list_only_then_everything(house: House) -> None:
    async with tab(house.browser, locale="fr") as reader:
        await reader.page.goto(await house.link("lou@example.org"))
        await tabbed_to(reader, "advertiser")
        await reader.page.keyboard.press("ArrowDown")
        async with reader.page.expect_navigation():
            await reader.page.keyboard.press("Enter")
        assert "cette liste" in await reader.page.inner_text("[role=status]")
        assert not await house.may_be_mailed("lou@example.org")
        await tabbed_to(reader, "Arrêter tous les messages de Maison Exemple SAS")
        async with reader.page.expect_navigation():
            await reader.page.keyboard.press("Enter")
        assert "plus aucun message de prospection" in await reader.page.inner_text("[role=status]")


async def test_pages_load_nothing_else_keep_nothing_and_run_nothing(house: House) -> None:
    link = await house.link("anne@example.org")
    async with tab(house.browser, script=True, locale="fr") as reader:
        debugger = await reader.page.context.new_cdp_session(reader.page)
        scripts: list[str] = []
        debugger.on("Debugger.scriptParsed", lambda found: scripts.append(found["url"]))
        await debugger.send("Debugger.enable")
        await reader.page.goto(link)
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        assert set(reader.asked) == {link, f"{link}?lang=fr"}
        assert await reader.page.context.cookies() == []
        assert [url for url in scripts if url] == []  # those without an address are the test's own questions
        assert await reader.ask("() => document.querySelectorAll('script, iframe, img, object, link[rel~=stylesheet]').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_pages_are_readable_on_a_narrow_phone_and_say_their_language_and_title(
    house: House, language: str, scheme: str
) -> None:
    link = await house.link(f"paul-{language}-{scheme}@example.org")
    async with tab(house.browser, width=320, locale=language, color_scheme=scheme) as reader:

        async def looked(kind: str) -> None:
            assert await state(reader.page) == kind
            assert await reader.page.get_attribute("html", "lang") == language
            assert await reader.page.title() == TITLES[language, kind]
            await readable(reader, 320)

        await reader.page.goto(link)
        await looked("ask")
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        await looked("done")
        await reader.page.goto(link[:-1])
        await looked("forged")


async def test_other_language_is_one_press_away_and_stays(house: House) -> None:
    async with tab(house.browser, locale="fr") as reader:
        await reader.page.goto(await house.link("max@example.org"))
        await reader.page.get_by_role("link", name="English").click()
        await reader.page.wait_for_selector("html[lang=en]")
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        assert await reader.page.title() == TITLES["en", "done"]


async def test_reloading_and_going_back_are_harmless(house: House) -> None:
    link = await house.link("nora@example.org")
    async with tab(house.browser, locale="fr") as reader:
        await reader.page.goto(link)
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[role=status]")
        first, recorded = await reader.page.content(), (await house.gateway.events()).count(("opposition", "opposed"))
        for _ in range(3):
            await reader.page.reload()
            assert await reader.page.content() == first
        await reader.page.go_back()
        assert await state(reader.page) == "ask"
    assert (await house.gateway.events()).count(("opposition", "opposed")) == recorded
    assert not await house.may_be_mailed("nora@example.org")


async def test_cut_or_altered_link_says_so_and_changes_nothing(house: House) -> None:
    link = await house.link("remi@example.org")
    altered = link[:-1] + ("a" if link[-1] != "a" else "b")
    async with tab(house.browser, locale="fr") as reader:
        shown = set()
        for wrong in (
            altered,
            link[:-1],
            link.rpartition("/")[0] + "/",
            link.rpartition("/")[0] + "/%3Cscript%3Ealert(1)%3C/script%3E",
        ):
            answer = await reader.page.goto(wrong)
            assert answer is not None
            assert answer.status == 404
            assert await state(reader.page) == "forged"
            assert await reader.page.locator("button, form").count() == 0
            shown.add(await reader.page.content())
        assert len(shown) == 1
    assert await house.may_be_mailed("remi@example.org")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_page_that_asks_for_patience_is_readable_and_its_button_works_later(house: House, language: str) -> None:
    doors = Doors()
    async with listening(doors.routes()) as url, tab(house.browser, width=320, locale=language) as reader:
        await reader.page.goto(f"{url}/u/{TOKEN}")
        doors.book.read_only = True
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[data-page=later]")
        await readable(reader, 320)
        doors.book.read_only = False
        await reader.page.locator("button").click()
        await reader.page.wait_for_selector("[data-page=done]")
    assert doors.tally.doors == ["link"]


# The mailbox page of the sink

HOSTILE = """
<html><head><base href="{away}/base/"><meta http-equiv="refresh" content="0;url={away}/refresh">
<link rel="stylesheet" href="{away}/sheet.css"><link rel="prefetch" href="{away}/prefetch">
<link rel="preload" as="image" href="{away}/pre">
<style>@import "{away}/import.css"; body {{ background: url({away}/background) }}
@font-face {{ font-family: x; src: url({away}/font) }} p {{ font-family: x }}</style></head>
<body onload="top.location='{away}/onload'"><p id="p">Bonjour</p>
<script>top.document.title = 'owned'; fetch('{away}/fetch'); new Image().src = '{away}/beacon'; alert(1)</script>
<img src="{away}/pixel.png" onerror="top.document.title='owned'"><img srcset="{away}/set.png 1x"><svg onload="alert(2)"></svg>
<video src="{away}/video" poster="{away}/poster" autoplay></video><audio src="{away}/audio" autoplay></audio>
<iframe src="{away}/frame"></iframe><iframe srcdoc="<script>fetch('{away}/inner')</script>"></iframe>
<object data="{away}/object"></object><embed src="{away}/embed"><input type="image" src="{away}/input">
<form action="{away}/form" method="post"><button id="go">Send</button></form>
<a id="link" href="{away}/link">link</a><a id="top" target="_top" href="{away}/top">top</a>
<a id="new" target="_blank" ping="{away}/ping" href="{away}/new">new</a><a id="js" href="javascript:alert(3)">js</a>
</body></html>"""


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A listener nobody should ever connect to, and what it heard."""
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(b"connected")
        heard.append(await reader.read(200))
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    finally:
        server.close()


def shown(sink: Sink) -> AbstractAsyncContextManager[str]:
    """The mailbox page, served."""
    return listening(list(mailbox(sink).routes))  # type: ignore[arg-type]


async def test_hostile_mail_in_the_mailbox_runs_nothing_and_fetches_nothing(house: House) -> None:
    async with elsewhere() as (away, heard), shown(house.sink) as box, tab(house.browser, width=1000, script=True) as reader:
        person = "eve@example.org"
        await house.gateway.consent(person)
        seen = house.sink.count
        subject = "<script>document.title='owned'</script>"
        assert await house.gateway.send(person, message=letter(person, subject, html=HOSTILE.format(away=away))) == {}
        await house.sink.wait_for(seen + 1)
        dialogs: list[str] = []
        reader.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        await reader.page.goto(f"{box}/")
        assert subject in await reader.page.inner_text("table")
        address = f"{box}/{seen}"
        await reader.page.goto(address)
        mail = reader.page.frame_locator("iframe")
        assert await mail.locator("#p").inner_text() == "Bonjour"
        for what in ("go", "top", "js"):
            await mail.locator(f"#{what}").click(no_wait_after=True)
            await reader.page.goto(address)
            await mail.locator("#p").wait_for()
        assert await reader.page.title() == f"Message {seen + 1}"
        assert (dialogs, heard) == ([], [])
        assert set(reader.popups) <= {"about:blank"}  # where the javascript: link leads, which is nowhere


async def test_opt_out_link_of_a_mail_in_the_mailbox_opens_the_page_beside_it(house: House) -> None:
    link = await house.link("luc@example.org")
    async with shown(house.sink) as box, tab(house.browser) as reader:
        await reader.page.goto(f"{box}/{house.sink.count - 1}")
        async with reader.page.expect_popup() as beside:
            await (
                reader.page.frame_locator("iframe")
                .get_by_text("Unsubscribe")
                .or_(reader.page.frame_locator("iframe").get_by_text("Se désinscrire"))
                .click()
            )
        page = await beside.value
        await page.wait_for_selector("[data-page=ask]")
        assert page.url == link


async def test_mailbox_is_readable_on_a_phone_and_says_when_it_is_empty(house: House) -> None:
    async with running_sink() as (empty, _), shown(empty) as box, tab(house.browser) as reader:
        await reader.page.goto(box)
        assert "Nothing has arrived yet." in await reader.page.inner_text("body")
        await readable(reader, 390)
    await house.link("zoe@example.org")
    async with shown(house.sink) as box, tab(house.browser) as reader:
        for page in ("/", f"/{house.sink.count - 1}"):
            await reader.page.goto(f"{box}{page}")
            await readable(reader, 390)
            assert await reader.page.get_attribute("html", "lang") == "en"
