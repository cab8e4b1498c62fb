"""The content rules in a whole gateway: real sockets, real SQLite, real name servers on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.core.change import Count
from gateway.edges.clock import SystemClock
from gateway.edges.store.sqlite import open_store
from gateway.flow.complaints import Complaints
from gateway.rooms import CannotStart
from gateway.settings import load, to_streams
from tests.support.company import FR
from tests.support.desk import Lines
from tests.support.dns import Zone, name_server
from tests.support.gateway import company, letter
from tests.support.house import until
from tests.support.journey import house, text

CLAIRE = "claire@example.org"
PIXEL = '<img src="https://pixels.example/open?id=5f3a9c1b" width="1" height="1">'


async def test_a_pixel_never_reaches_the_provider_and_the_signature_holds(tmp_path: Path) -> None:
    """R-FR-75: the self-check verifies every signature here."""
    async with house(tmp_path, delivery="self_check = 1.0") as home:
        await home.gateway.consent(CLAIRE)
        assert await home.gateway.send(CLAIRE, message=letter(CLAIRE, html=f"<p>Bonjour {PIXEL}</p>")) == {}
        got = (await home.arrived(1))[CLAIRE]
        assert "pixels.example" not in text(got, "html")
        assert "<p>Bonjour </p>" in text(got, "html")


async def test_what_a_message_lacks_is_told_at_the_end_of_data(tmp_path: Path) -> None:
    """R-FR-72, R-MBX-18."""
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        assert "[SUBJECT]" in (await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Re: votre devis")))[""]
        forwarded = b"Received: from a.example by b.example; x\r\nDelivered-To: x@b.example\r\n"
        raw = forwarded + letter(CLAIRE).as_bytes().replace(b"news@maison", b"news@elsewhere").replace(b"\n", b"\r\n")
        assert "[NOT-ORIGINATED]" in (await home.gateway.send(CLAIRE, message=raw))[""]


async def test_an_advertisement_in_a_service_stream_meets_the_opposition(tmp_path: Path) -> None:
    """R-FR-16."""
    async with house(tmp_path) as home:
        await home.gateway.oppose(CLAIRE)
        assert await home.gateway.send(CLAIRE, login="mautic+service", message=letter(CLAIRE, "Commande 1")) == {}
        assert "[OPPOSED]" in str(await home.gateway.send(CLAIRE, login="mautic+service", message=letter(CLAIRE, "Vente flash")))
        assert set(await home.arrived(1)) == {CLAIRE}


async def test_deliveries_are_counted_in_the_store_and_a_pause_is_obeyed_at_once(tmp_path: Path) -> None:
    """R-MBX-10."""
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        assert await home.gateway.send(CLAIRE) == {}
        store = open_store(home.gateway.database, "cli")
        try:
            (tally,) = await store.book.tallies(datetime.now(UTC))
            assert (tally.stream, tally.provider, tally.what, tally.count) == ("news", "other", "delivered", 1)
            now = datetime.now(UTC)
            counted = [
                Count("news", "google", what, now) for what, times in (("delivered", 1000), ("complained", 3)) for _ in range(times)
            ]
            await store.book.commit((), counted)
            streams = to_streams(home.gateway.settings)
            await Complaints(store.book, streams, lambda _: FR.book.complaints, SystemClock(), Lines(), lambda _: None).once()
        finally:
            await store.close()
        assert "[STREAM-PAUSED]" in (await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Deux")))[CLAIRE]


async def test_a_domain_nobody_could_verify_is_held_where_configured_so(tmp_path: Path) -> None:
    """R-MBX-05, R-MBX-06."""
    async with name_server(Zone()) as zone:
        parts = {"gateway": f'resolver = ["{zone.address[0]}:{zone.address[1]}"]', "delivery": 'preflight = "hold"'}
        async with house(tmp_path, **parts) as home:
            await home.gateway.consent(CLAIRE)
            await until(lambda: '"inbound"' in home.gateway.log.getvalue())
            assert "[ALIGNMENT]" in (await home.gateway.send(CLAIRE))[""]
            assert await home.gateway.send(CLAIRE, login="mautic+service", message=letter(CLAIRE, "Commande 1")) == {}
            lines = [json.loads(line) for line in home.gateway.log.getvalue().splitlines()]
            assert {line["check"] for line in lines if "check" in line} == {"dkim s1", "dkim e1", "dmarc", "spf", "mail", "inbound"}


async def test_a_gateway_that_would_write_in_everybodys_name_does_not_start(tmp_path: Path) -> None:
    """R-MBX-07."""
    company(tmp_path, 2525)
    file = tmp_path / "gateway.toml"
    file.write_text(file.read_text().replace('["maison.example"]', '["maison.example", "gmail.com"]'))
    with pytest.raises(CannotStart, match="R-MBX-07"):
        await Gateway(load(file, {})).run(None, lambda _: None)  # type: ignore[arg-type]
