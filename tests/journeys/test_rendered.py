"""Real newsletters with our words in them, as a person sees them: in Chromium, on a phone and on a desk, in light and in dark."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route

from tests.core.test_html_templates import wrapped
from tests.support.browser import LEAST_CONTRAST, Tab, browsing, tab
from tests.support.corpora import corpus
from tests.support.letters import MARK, SHOWN, leaves, words

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("rendered"), pytest.mark.asyncio(loop_scope="module")]
WORDS = words(shown=SHOWN)
PER_SOURCE = 2
LEAST_SIZE = 10
ADDRESS = "http://mail.test/"
ENCODINGS = ("8bit", "quoted-printable", "base64")
MUST_SAY = (
    "Éditions Acme SAS",
    "Jeux & Loisirs SARL",
    "Vos autres droits",
    "rectifier ou effacer",
    "Se désinscrire",
    "liste à jour",
    "Sport & Santé SAS",
)

# Our words are the smallest element that holds all our links and says who writes; the rest is the tool's own page.
LOOK = """([mark, name]) => {
  const links = [...document.querySelectorAll(`a[href*="${mark}"]`)];
  let ours = links[0];
  while (ours && !(links.every((link) => ours.contains(link)) && ours.textContent.includes(name))) ours = ours.parentElement;
  if (!ours) return { links: 0 };
  const shown = [...seen.textNodes(document.body), ...document.body.querySelectorAll("img")].filter((node) => {
    const element = node.parentElement;
    return !ours.contains(node) && seen.boxes(node).some((box) => !seen.unseen(box, element));
  });
  const after = shown.filter((node) => ours.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING);
  const top = ours.getBoundingClientRect().top;
  const before = shown.filter((node) => !after.includes(node)).flatMap((node) => seen.boxes(node));
  const gap = Math.min(...before.map((box) => top - box.bottom));
  globalThis.ours = ours;
  return {
    links: links.length,
    after: after.map((node) => node.data ?? node.src),
    gap: before.length ? gap : 0,
    times: document.body.innerText.split("Pourquoi vous recevez ce message").length - 1,
  };
}"""


@dataclass(frozen=True)
class Letter:
    """One message as it left: its HTML part, decoded, and the charset it names."""

    name: str
    page: bytes
    charset: str


def sample() -> list[tuple[str, bytes]]:
    """Some pages of every source, evenly spread, and every page that does not close its body."""
    folder = corpus("html-templates")
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    sources: dict[str, list[str]] = {}
    chosen = []
    for row in sorted((row for row in rows if row["kind"] == "html"), key=lambda row: row["sha256"]):
        of_source = sources.setdefault(row["file"].split("/")[0], [])
        if len(of_source) < PER_SOURCE or not row["has_body_close"]:
            of_source.append(row["file"])
            chosen.append(row["file"])
    return [(name, re.sub(rb"\r\n|\r|\n", b"\r\n", (folder / name).read_bytes()) + b"\r\n") for name in sorted(chosen)]


def letters() -> list[Letter]:
    """Each page of the sample as HTML only and beside a text, one of three encodings each."""
    made = []
    for number, (name, page) in enumerate(sample()):
        for alternative in (False, True):
            encoding = ENCODINGS[(number + alternative) % 3]
            raw = leaves(wrapped(page, encoding, alternative), WORDS)
            part = next(part for part in message_from_bytes(raw).walk() if part.get_content_type() == "text/html")
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            made.append(Letter(f"{name} {encoding} {alternative}", payload, str(part.get_content_charset())))
    return made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with browsing("the notice is readable in real newsletters") as started:
        yield started


async def opened(reader: Tab, letter: Letter) -> None:
    async def serve(route: Route) -> None:
        await route.fulfill(body=letter.page, content_type=f"text/html; charset={letter.charset}")

    await reader.page.route(ADDRESS, serve)
    await reader.page.goto(ADDRESS, wait_until="domcontentloaded")
    await reader.page.unroute(ADDRESS)


async def faults(reader: Tab, width: int) -> list[str]:
    """What keeps a person from reading our words on the page that is open."""
    look: dict[str, Any] = await reader.ask(LOOK, [MARK, MUST_SAY[0]])
    if look["links"] != WORDS.html.count(MARK):
        return [f"{look['links']} links"]
    found = [f"not once but {look['times']} times"] if look["times"] != 1 else []
    found += [f"{look['gap']:.0f}px from the page above"] if look["gap"] < 0 else []
    found += [f"before {text!r}" for text in look["after"]]
    pieces = await reader.texts("globalThis.ours")
    said = " ".join(piece.text for piece in pieces if piece.seen)
    found += [f"does not show {text!r}" for text in MUST_SAY if text not in said]
    for piece in pieces:
        if not piece.seen:
            found.append(f"{piece.text[:30]!r} {piece.why or 'covered'}")
        if piece.size < LEAST_SIZE or piece.contrast < LEAST_CONTRAST or piece.right > width:
            found.append(f"{piece.text[:30]!r} {piece.size}px, contrast {piece.contrast:.1f}, ends at {piece.right:.0f}px")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_our_words_are_seen_once_below_everything_else_and_readable(browser: Browser, scheme: str) -> None:
    wrong: list[str] = []
    async with tab(browser, color_scheme=scheme) as reader:
        for letter in letters():
            await opened(reader, letter)
            for width in (390, 800):
                await reader.page.set_viewport_size({"width": width, "height": 800})
                wrong += [f"{letter.name} at {width}: {fault}" for fault in await faults(reader, width)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("style", "complaint"),
    [
        ("", ""),
        ("* { color: #fff !important } body, div, table, td { background: #000 !important }", ""),
        ("td, div { background-image: linear-gradient(#000, #333) !important }", ""),
        ("a { font-size: 20px; color: #fff }", ""),
        ("p { display: none }", "no size"),
        ("a { opacity: 0 }", "opacity"),
        ("a { visibility: hidden }", "visibility"),
        ("td { position: absolute; left: -5000px }", "off the page"),
        ("body > div { height: 60px; overflow: hidden }", "clipped"),
        ("body::after { content: ''; position: fixed; inset: 0 }", "covered"),
        ("p { font-size: 8px !important }", "8px"),
        ("p { width: 900px }", "ends at"),
        ("p { background: #444 !important }", "contrast"),
        ("h1 { position: absolute; top: 300px }", "from the page above"),
    ],
)
async def test_style_sheets_that_repaint_are_withstood_and_those_that_hide_are_noticed(
    browser: Browser, style: str, complaint: str
) -> None:
    page = f"<html><head><style>{style}</style></head><body><h1>Soldes</h1></body></html>\r\n".encode()
    raw = leaves(wrapped(page, "8bit", False), WORDS)
    async with tab(browser) as reader:
        await opened(reader, Letter("ours", raw.partition(b"\r\n\r\n")[2], "utf-8"))
        found = await faults(reader, 390)
    assert any(complaint in fault for fault in found) if complaint else not found, found
