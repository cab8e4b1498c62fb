"""Takes the pictures of the documentation from a running gateway: `python -m tests.support.pictures`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.core.change import Publish
from gateway.core.record import NamedPartner, PartnerList
from tests.support.browser import browsing, tab
from tests.support.corpora import ROOT
from tests.support.gateway import WHEN
from tests.support.journey import house

PICTURES = ROOT / "docs" / "images"
FORM = """
[stream.news.form]
enabled = true

[stream.news.form.en]
wording_own = "Yes, I would like to receive the monthly letter of Maison Exemple by email."
wording_partners = "Yes, Maison Exemple may pass my address to the partners below, for offers of their own."
purposes = ["send you our letter, once a month", "tell you about what is new"]
"""
PARTNERS = (
    NamedPartner("voisin", "Voisin SARL", "https://voisin.example/privacy"),
    NamedPartner("cousin", "Cousin et Filles SAS", "https://cousin.example/privacy"),
)
WHO = "marie@example.org"
WORDING = "Yes, I would like to receive the monthly letter of Maison Exemple by email."
CONSENT = [
    *("add", WHO, "--purpose", "newsletter", "--source", "direct", "--collected-at", "2026-09-01T10:30:00+02:00"),
    *(
        "--action",
        "checkbox-ticked",
        "--wording",
        WORDING,
        "--set",
        "wording_id=news-3",
        "--set",
        "form=https://maison.example/letter",
    ),
    *("--set", "writer=web form", "--set", "language=en"),
]


async def take(folder: Path) -> None:
    """The sign-up form, the partner page and a consent receipt."""
    async with browsing("pictures") as browser, house(folder, stream=FORM) as home, tab(browser, 640, 900, locale="en") as reader:
        public = home.gateway.addresses.public_url
        for number, partners in enumerate((PARTNERS[:1], PARTNERS)):
            version = ("2026-09", "2026-10")[number]
            await home.gateway.change(Publish(PartnerList("maison", version, WHEN, partners, "new partner")))
        for name, path in (("sign-up", "/s/news"), ("partners", "/p/maison")):
            await reader.page.goto(public + path)
            await reader.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        paper = folder / "receipt.html"
        for command in (CONSENT, ["receipt", WHO, "--html", str(paper), "--language", "en"]):
            whole = [sys.executable, "-m", "gateway", "consent", *command, "--config", str(folder / "gateway.toml")]
            await asyncio.to_thread(subprocess.run, whole, check=True, stdout=subprocess.DEVNULL)
        await reader.page.goto("about:blank")
        await reader.page.set_content(paper.read_text(encoding="utf-8"))
        await reader.page.screenshot(path=PICTURES / "receipt.png", full_page=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(take(Path(made)))
