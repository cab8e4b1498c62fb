"""What is seen from outside names nobody: logs, metrics, journal, database (R-DP-01, R-DP-06)."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from gateway.edges.store.sqlite import open_store
from tests.support.gateway import company, letter, running
from tests.support.sink import running_sink

ADDRESS = re.compile(rb"[\w.+-]+@[\w-]+\.[\w.]+")
OURS = (b"@maison.example", b"@back.example.com")


def strangers(raw: bytes) -> set[bytes]:
    """Addresses in some bytes that are not the company's own, public ones."""
    return {found for found in ADDRESS.findall(raw) if not found.endswith(OURS)}


async def test_no_address_or_subject_in_logs_metrics_journal_or_database(tmp_path: Path) -> None:
    async with running_sink() as (sink, port), running(company(tmp_path, port)) as gateway:
        await gateway.consent("claire@example.org")
        await gateway.oppose("marc@example.org")
        await gateway.send("claire@example.org", message=letter("claire@example.org", subject="Confidentiel"))
        await gateway.send(["claire@example.org", "marc@example.org", "nobody@example.org", "permerror@example.org"])
        await gateway.send("x" * 70 + "@example.org")
        await sink.wait_for(1)
        async with httpx.AsyncClient() as browser:
            figures = (await browser.get(f"{gateway.addresses.public_url}/metrics")).content
            await browser.get(f"{gateway.addresses.public_url}/u/claire@example.org")
        store = open_store(gateway.database, "reader")
        journal = b"".join([entry.body async for entry in store.journal.entries()])
        await store.close()
        logged = gateway.log.getvalue().encode()
    files = b"".join(path.read_bytes() for path in tmp_path.joinpath("var").glob("gateway.db*"))
    assert logged
    assert b"gateway_decisions_total" in figures
    for place in (logged, figures, journal, files):
        assert not strangers(place)
        assert b"Confidentiel" not in place
    assert b"claire" not in files
