"""A collector's mail shows its partners, and one it newly names may be given a person only after that (R-FR-24, R-FR-25)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from gateway.core.change import Publish
from gateway.core.record import Covers, NamedPartner, PartnerList, Proof
from gateway.edges.clock import SystemClock
from gateway.edges.files import read_policy
from gateway.edges.store.sqlite import open_store
from gateway.flow.passing import Order, PassingOn
from gateway.settings import to_partners, to_streams
from tests.support.gateway import WHEN, letter
from tests.support.journey import House, house, text

CLAIRE = "claire@example.org"
OLD = NamedPartner("ancien", "Ancien SA", "https://ancien.example/privacy")
NEW = NamedPartner("voisin", "Voisin SARL", "https://voisin.example/privacy")
REFUSE = "To refuse that your address be passed"


async def publish(home: House, version: str, *partners: NamedPartner) -> None:
    at = WHEN + timedelta(days=int(version.removeprefix("v")))
    await home.gateway.change(Publish(PartnerList("maison", version, at, partners, "because")))


async def subscribed(home: House, version: str = "v1") -> None:
    """Two boxes ticked: for us, and for the partners of the list that was shown."""
    await home.gateway.consent(CLAIRE)
    proof = Proof(presentation="link")
    await home.gateway.consent(CLAIRE, covers=Covers.PARTNERS, partner_list_version=version, proof=proof)


async def passed(home: House) -> Sequence[str]:
    """The versions under which somebody would be passed on to the new partner now, or why nobody would be."""
    store = open_store(home.gateway.database, "reader")
    streams = to_streams(home.gateway.settings)
    policy = read_policy("fr")
    journey = PassingOn(store.book, home.gateway.identity, home.gateway.ring.vault, {"fr": policy}, streams, SystemClock())  # type: ignore[dict-item]
    partner = to_partners(home.gateway.settings)["voisin"]
    try:
        done = [some async for some in journey.run(Order(streams["news"].advertiser, partner, "newsletter", dry=True))]
    finally:
        await store.close()
    return [one.passing.list_version for some in done for one in some.given] + [one.reason for some in done for one in some.denied]


async def mail(home: House, number: int, subject: str) -> EmailMessage:
    message = letter(CLAIRE, subject)
    message["Content-Language"] = "en"
    assert await home.gateway.send(CLAIRE, message=message) == {}
    return (await home.arrived(number))[CLAIRE]


async def test_a_new_partner_waits_until_a_mail_has_named_it(tmp_path: Path) -> None:
    """R-FR-24, R-FR-25."""
    async with house(tmp_path) as home:
        await publish(home, "v1", OLD)
        await subscribed(home)
        first = await mail(home, 1, "Un")
        link = f"{home.gateway.addresses.public_url}/p/maison"
        for kind in ("plain", "html"):
            assert link in str(first.get_body((kind,)).get_content())
            assert REFUSE not in text(first, kind)
        await publish(home, "v2", OLD, NEW)
        assert await passed(home) == ["PARTNER-NOT-NAMED"]
        second = await mail(home, 2, "Deux")
        for kind in ("plain", "html"):
            content = str(second.get_body((kind,)).get_content())
            assert link in content
            assert NEW.privacy_url in content
            assert "Voisin SARL" in text(second, kind)
            assert REFUSE in text(second, kind)
            assert "Ancien SA" not in text(second, kind)
        assert await passed(home) == ["v2"]
        third = await mail(home, 3, "Trois")
        assert REFUSE not in text(third)
        assert link in str(third.get_body(("plain",)).get_content())


@pytest.mark.parametrize("answer", ["550", "451"])
async def test_a_mail_the_provider_did_not_take_told_nobody(tmp_path: Path, answer: str) -> None:
    """R-FR-24, R-FR-31."""
    async with house(tmp_path, plan={"end": [answer]}, delivery='on_defer = "return"') as home:
        await publish(home, "v1", OLD)
        await subscribed(home)
        await publish(home, "v2", OLD, NEW)
        assert (await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Un")))[""].startswith(answer)
        assert await passed(home) == ["PARTNER-NOT-NAMED"]
        assert "Voisin SARL" in text(await mail(home, 1, "Deux"))
        assert await passed(home) == ["v2"]


async def test_kept_mail_tells_of_the_list_that_holds_when_it_leaves(tmp_path: Path) -> None:
    """R-FR-24."""
    async with house(tmp_path, plan={"end": ["451", "451"]}, delivery='budget = "1s"\nretry = ["200ms"]') as home:
        await publish(home, "v1", OLD)
        await subscribed(home)
        await publish(home, "v2", OLD, NEW)
        assert "Voisin SARL" in text(await mail(home, 1, "Un"))


async def test_somebody_who_shares_nothing_reads_the_link_and_no_news(tmp_path: Path) -> None:
    """R-FR-25."""
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        await publish(home, "v1", OLD)
        await publish(home, "v2", OLD, NEW)
        message = await mail(home, 1, "Un")
        assert "/p/maison" in text(message)
        assert "Voisin SARL" not in text(message)


async def test_an_advertiser_without_a_list_links_none(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        assert "/p/" not in text(await mail(home, 1, "Un"))


async def test_the_link_of_a_mail_shows_the_list_that_was_published_a_moment_ago(tmp_path: Path) -> None:
    """R-FR-25."""
    async with house(tmp_path) as home, httpx.AsyncClient() as browser:
        await publish(home, "v1", OLD)
        await home.gateway.consent(CLAIRE)
        found = re.search(r'href="(http[^"]+/p/maison)"', str((await mail(home, 1, "Un")).get_body(("html",)).get_content()))
        assert found is not None
        assert "Ancien SA" in (await browser.get(found[1])).text
        await publish(home, "v2", NEW)
        answer = await browser.get(found[1])
        assert answer.status_code == 200
        assert "Voisin SARL" in answer.text
        assert NEW.privacy_url in answer.text
        assert "Ancien SA" in (await browser.get(f"{found[1]}/v1")).text
