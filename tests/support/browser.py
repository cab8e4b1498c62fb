"""A real Chromium, the system's own, that reaches loopback and nothing else; and what a person sees in it, measured.

Pages run no script of their own unless a test says so; what a test asks of a page is asked through the debugging protocol.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, Route, async_playwright

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
LEAST_SIZE = 14
AXE = Path(__file__).parents[1] / "journeys" / "node_modules" / "axe-core" / "axe.min.js"
SEEN = Path(__file__).with_name("seen.js").read_text(encoding="utf-8")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Text:
    """One piece of text of a page: why it is not seen (empty when it is), its size in pixels, its contrast, its right edge."""

    text: str
    why: str
    covered: bool
    size: float
    contrast: float
    right: float

    @property
    def seen(self) -> bool:
        """Whether it has a size, is neither hidden, nor clipped, nor covered."""
        return not self.why and not self.covered


@dataclass
class Tab:
    """One page, and every address it asked for."""

    page: Page
    asked: list[str] = field(default_factory=list)
    popups: list[str] = field(default_factory=list)

    async def ask(self, expression: str, *given: Any) -> Any:
        """What a JavaScript function answers in the page; it may call `seen`."""
        await self.page.evaluate(f"() => {{ if (!globalThis.seen) {{ {SEEN} }} }}")
        return await self.page.evaluate(expression, *given)

    async def texts(self, root: str = "document.body") -> list[Text]:
        """Every piece of text below an element, the hidden ones too."""
        return [Text(**one) for one in await self.ask(f"() => seen.texts({root})")]


@asynccontextmanager
async def browsing(promise: str) -> AsyncIterator[Browser]:
    """A started browser; skips, saying which promise is left unproven, where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip(f"chromium is not installed: it is left unproven that {promise}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(browser: Browser, width: int = 390, height: int = 800, script: bool = False, **more: Any) -> AsyncIterator[Tab]:
    """A fresh profile with one page; everything beyond loopback is refused, and shows in `asked` all the same."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=script, service_workers="block", **more
    )
    context.set_default_timeout(10_000)
    await context.route("**/*", _only_loopback)
    one = Tab(await context.new_page())

    def note(request: Request) -> None:
        if not request.url.startswith("data:"):
            one.asked.append(request.url)

    context.on("request", note)
    one.page.on("popup", lambda page: one.popups.append(page.url))
    try:
        yield one
    finally:
        await context.close()


async def _only_loopback(route: Route) -> None:
    if urlsplit(route.request.url).hostname == "127.0.0.1":
        await route.continue_()
    else:
        await route.abort()


async def sound(reader: Tab, width: int = 320) -> None:
    """Readable, and nothing to scroll sideways."""
    pieces = await reader.texts()
    poor = [one for one in pieces if not one.seen or one.size < LEAST_SIZE or one.contrast < LEAST_CONTRAST]
    assert poor == []
    assert await reader.ask("() => document.documentElement.scrollWidth") <= width


async def nothing_for_axe(reader: Tab) -> None:
    """What axe-core finds on the page, which is nothing; the script is the test's own, asked through the debugging protocol."""
    await reader.page.evaluate(AXE.read_text(encoding="utf-8"))
    told = "one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 90)).join(' | ')}`"
    found = await reader.page.evaluate(f"async () => (await axe.run()).violations.map({told})")
    assert found == [], found
