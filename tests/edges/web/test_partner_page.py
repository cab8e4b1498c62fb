"""The public page of an advertiser's partners over real HTTP and the real store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from gateway.core.change import Publish
from gateway.core.record import NamedPartner, PartnerList
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.edges.web.pages import Pages
from gateway.edges.web.partner_page import PartnerPage
from tests.support.clock import START
from tests.support.doors import ACME, PAGES, listening

ALPHA = NamedPartner("alpha", "Alpha & Fils SARL", "https://alpha.example/vie-privee?a=1&b=2")
BETA = NamedPartner("beta", "Bêta SA", "https://beta.example/privacy")
FRENCH, ENGLISH = {"Accept-Language": "fr"}, {"Accept-Language": "en-GB,en;q=0.9"}


@dataclass
class Site:
    """The page and the store it is made from."""

    store: SqliteStore
    client: httpx.AsyncClient

    async def publish(self, version: str, *partners: NamedPartner, at: datetime = START) -> None:
        """One more version of ACME's list."""
        await self.store.book.commit([], [Publish(PartnerList("acme", version, at, partners, "because"))])

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """One answer."""
        return await self.client.get(path, headers=headers or FRENCH)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = open_store(tmp_path / "gateway.db", "gw0")
    routes = PartnerPage(store.book, Pages(PAGES), {"acme": ACME}).routes()
    async with listening(routes) as url, httpx.AsyncClient(base_url=url) as client:
        yield Site(store, client)
    await store.close()


def said(answer: httpx.Response) -> str:
    body = LexborHTMLParser(answer.text).body
    assert body is not None
    return re.sub(r"\s+", " ", body.text(separator=" ").replace("\xa0", " "))


def links(answer: httpx.Response) -> list[str]:
    return [node.attributes["href"] or "" for node in LexborHTMLParser(answer.text).css("a")]


async def test_the_current_list_shows_names_privacy_policies_version_and_date(site: Site) -> None:
    """R-FR-24, R-FR-25."""
    await site.publish("2026-03-02", ALPHA, BETA)
    for headers, date in ((FRENCH, "2 mars 2026"), (ENGLISH, "2 March 2026")):
        answer = await site.client.get("/p/acme", headers=headers)
        assert answer.status_code == 200
        for fact in ("Alpha & Fils SARL", "Bêta SA", "2026-03-02", date, "Acme Outillage SAS", "12 rue des Lilas"):
            assert fact in said(answer)
        assert {ALPHA.privacy_url, BETA.privacy_url, "acme/2026-03-02"} <= set(links(answer))


async def test_a_published_version_is_seen_at_once(site: Site) -> None:
    """R-FR-25."""
    await site.publish("v1", ALPHA)
    assert "Bêta SA" not in said(await site.get("/p/acme"))
    await site.publish("v2", ALPHA, BETA, at=START + timedelta(days=1))
    assert "Bêta SA" in said(await site.get("/p/acme"))


async def test_every_earlier_version_stays_to_be_read_and_leads_to_the_current_one(site: Site) -> None:
    """R-FR-24."""
    await site.publish("v1", ALPHA)
    await site.publish("v2", BETA, at=START + timedelta(days=1))
    current, old = await site.get("/p/acme"), await site.get("/p/acme/v1")
    assert "Ajouté : Bêta SA. Retiré : Alpha & Fils SARL." in said(current)
    assert ("Alpha & Fils SARL Politique" in said(old), "Bêta SA Politique" in said(old)) == (True, False)
    assert "n’est plus à jour" in said(old)
    followed = {str(old.url.join(link)) for link in links(old)} & {str(current.url.join(link)) for link in links(current)}
    assert {str(current.url) + "/v1", str(current.url) + "/v2"} <= followed
    assert str(current.url) in {str(old.url.join(link)) for link in links(old)}
    assert "à jour, version v2" in said(await site.get("/p/acme/v2"))


async def test_a_list_of_nobody_says_so(site: Site) -> None:
    await site.publish("v1", ALPHA)
    await site.publish("v2", at=START + timedelta(days=1))
    answer = await site.get("/p/acme")
    assert answer.status_code == 200
    assert "n’est transmise à personne" in said(answer)


@pytest.mark.parametrize(
    "path", ["/p/", "/p/nobody", "/p/acme/", "/p/acme/v9", "/p/acme/v1/", "/p/%3Cscript%3E", "/p/acme/../x", "/p/ACME"]
)
async def test_what_is_not_there_is_one_same_page_in_both_languages(site: Site, path: str) -> None:
    await site.publish("v1", ALPHA)
    for headers, words in ((FRENCH, "pas de liste ici"), (ENGLISH, "no list here")):
        answer = await site.client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
        assert words in said(answer)
        assert "script>" not in answer.text


async def test_an_advertiser_without_a_list_has_no_page(site: Site) -> None:
    assert (await site.get("/p/acme")).status_code == 404


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{7*7}}", "a\r\nb", "x\u202egnp", "&lt;b&gt;", "</li></ul><h1>"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_partner_name_is_only_text(site: Site, name: str) -> None:
    """R-FR-34."""
    await site.publish("v1", NamedPartner("x", "Plain SA", "https://x.example/"))
    plain = LexborHTMLParser((await site.get("/p/acme")).text)
    await site.publish("v2", NamedPartner("x", name, "javascript:alert(1)"), at=START + timedelta(days=1))
    answer = await site.get("/p/acme")
    assert {node.tag for node in LexborHTMLParser(answer.text).css("*")} <= {node.tag for node in plain.css("*")} | {"p", "a"}
    assert not [href for href in links(answer) if href.startswith("javascript:")]
    assert "\u202e" not in answer.text
    assert "49" not in said(answer)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
async def test_any_path_gets_a_page_and_never_a_fault(site: Site, path: str) -> None:
    assert (await site.client.get("/p/" + quote(path, safe="/", errors="replace"))).status_code in (200, 404)


async def test_the_page_may_be_kept_for_a_second_sets_no_cookie_and_asks_nobody_else(site: Site) -> None:
    """R-DP-16."""
    await site.publish("v1", ALPHA)
    answer = await site.get("/p/acme")
    assert answer.headers["cache-control"] == "public, max-age=1"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["vary"] == "Accept-Language"
    assert "set-cookie" not in answer.headers
    assert not re.search(r"<script|<img|<iframe|<link(?! rel=.icon)|@import|url\(", answer.text)


async def test_only_looking_is_possible(site: Site) -> None:
    await site.publish("v1", ALPHA)
    assert (await site.client.head("/p/acme")).status_code == 200
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await site.client.request(method, "/p/acme")).status_code == 405


async def test_the_language_that_was_asked_for_stays(site: Site) -> None:
    await site.publish("v1", ALPHA)
    answer = await site.get("/p/acme?lang=en", **FRENCH)
    assert "The partners of" in said(answer)
    assert "acme/v1?lang=en" in links(answer)


async def test_a_store_that_cannot_be_read_asks_for_patience(site: Site) -> None:
    await site.publish("v1", ALPHA)
    await site.store.close()
    answer = await site.get("/p/acme")
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["cache-control"]) == (503, "60", "no-store")


async def test_own_templates_of_another_language_fall_back_to_the_shipped_page(tmp_path: Path, site: Site) -> None:
    own = tmp_path / "pages"
    own.mkdir()
    for file in PAGES.iterdir():
        if file.name.split(".")[0] in ("layout", "page", "ask", "done", "forged", "later", "who"):
            (own / file.name.replace(".fr.", ".de.")).write_text(file.read_text(encoding="utf-8").replace("who.fr", "who.de"))
    await site.publish("v1", ALPHA)
    routes = PartnerPage(site.store.book, Pages(own, PAGES), {"acme": ACME}).routes()
    async with listening(routes) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/p/acme", headers={"Accept-Language": "de"})
    assert answer.status_code == 200
    assert LexborHTMLParser(answer.text).css_first("html").attributes["lang"] == "en"
