"""The running gateway backs its store up by itself, whichever kind it is: proven, on record, and shown to whoever watches it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import app
from gateway.edges.store.backup_proof import FORM, Unreadable, read_proof, whole
from gateway.edges.store.copy_sqlite import SqliteSource
from gateway.edges.store.copying import digest
from gateway.store_rooms import fingerprint
from tests.support.journey import House, house
from tests.support.peer import until
from tests.support.redis_servers import RedisServer

EVERY = 0.2


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other quickly."""
    monkeypatch.setattr(app, "DAILY_AFTER", EVERY)
    monkeypatch.setattr(app, "DAILY_LOOK", EVERY)


def lines(folder: Path, store: str = "sqlite") -> str:
    return f'store = "{store}"\n[backup]\nfolder = "{folder}"\nevery = "1h"\n'


def made(folder: Path) -> list[Path]:
    """Whole backups."""
    return sorted(folder.glob("gateway-*Z.db"))


def said(home: House, what: str) -> list[dict[str, object]]:
    """Lines of the log."""
    told = [json.loads(line) for line in home.gateway.log.getvalue().splitlines()]
    return [one for one in told if one["what"] == what]


async def figure(home: House, name: str) -> float:
    async with httpx.AsyncClient(timeout=10) as browser:
        text = (await browser.get("http://{}:{}/metrics".format(*home.gateway.addresses.web))).text
    return next(one.value for family in text_string_to_metric_families(text) for one in family.samples if one.name == name)


async def backed_up(home: House, folder: Path) -> Path:
    """Wait for the first, and for what is said of it."""

    async def there() -> bool:
        return bool(said(home, "backed-up"))

    await until(there, "a backup is made", pause=0.05)
    (path,) = made(folder)
    return path


async def test_a_gateway_backs_its_file_up_and_shows_how_old_that_is(tmp_path: Path) -> None:
    nights = tmp_path / "nights"
    async with house(tmp_path, gateway=lines(nights)) as home:
        await home.gateway.consent("claire@example.org")
        path = await backed_up(home, nights)
        begun = await figure(home, "gateway_backup_begun_seconds")
        assert abs(datetime.now(UTC).timestamp() - begun) < 60
        assert await figure(home, "gateway_backup_failures_total") == 0

        async def recorded() -> bool:
            return any(event.outcome == "backed-up" for event in await home.evidence())

        await until(recorded, "it is on record", pause=0.05)
        proof = read_proof(path)
        assert proof is not None
        assert (proof.keys, proof.form) == (fingerprint(home.gateway.ring), FORM)
        source = SqliteSource(path)
        assert whole(digest(source.batches())) == proof.digest
        source.close()


async def test_a_gateway_backs_a_shared_store_up_while_it_sends(tmp_path: Path, shared_redis: RedisServer) -> None:
    nights = tmp_path / "nights"
    async with house(tmp_path, gateway=lines(nights, shared_redis.url)) as home:
        path = await backed_up(home, nights)
        assert read_proof(path) is not None
        assert await shared_redis.command("EXISTS", "{gw}restoring") == 0


async def test_a_backup_that_fails_is_counted_and_mail_goes_on(tmp_path: Path) -> None:
    nights = tmp_path / "nights"
    async with house(tmp_path, gateway=lines(nights)) as home:
        await backed_up(home, nights)
        await home.gateway.consent("claire@example.org")
        for path in made(nights):
            path.unlink()
        nights.rmdir()
        nights.write_text("somebody put a file in its place")

        async def failed() -> bool:
            return await figure(home, "gateway_backup_failures_total") > 1  # and is tried again

        await until(failed, "it is counted", pause=0.05)
        assert said(home, "backup-failed")[0]["outside"] == "the folder of backups: File exists"
        assert await home.gateway.send("claire@example.org") == {}
        nights.unlink()
        await until(lambda: _there(nights), "it is made after all", pause=0.05)


async def _there(nights: Path) -> bool:
    try:
        return any(read_proof(path) for path in made(nights))
    except Unreadable:
        return False
