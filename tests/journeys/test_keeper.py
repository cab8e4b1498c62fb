"""Two workers, one keeper: killed or stopped, it is followed within 15 seconds, and nothing it does afterwards counts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from time import monotonic

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway import app
from gateway.core.address import Identity
from gateway.core.change import Learn, MoveCursor, Oppose, Tell
from gateway.core.evidence import parse_event, verify
from gateway.core.record import Audience, Basis, Block, Consent, Door, Opposition, Scope
from gateway.edges.keys import KeyRing
from gateway.edges.logs import JsonLog
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow import keeper as keeping
from tests.journeys.test_workers import children, until_two_workers
from tests.support.gateway import WHEN, company, person
from tests.support.journey import house
from tests.support.process import PATIENCE, Life, Plain, found_company, living
from tests.support.sink import running_sink
from tests.support.telling import ear

pytestmark = pytest.mark.slow

FOLLOWED_WITHIN = 15.0


@dataclass(frozen=True)
class Held:
    """Who has the lease, as its row in the store says."""

    number: int
    worker: int


def holder(store: SqliteStore) -> Held | None:
    """The keeper of the moment; None where the lease was given back."""
    found = store.database.rows("SELECT number, owner FROM lease WHERE name = 'keeper' AND owner != ''")
    return Held(found[0][0], int(found[0][1].partition("/")[0][-1])) if found else None


def pid_of(supervisor: int, worker: int) -> int:
    """The process of a worker."""
    wanted = ["--worker", str(worker)]
    for pid in children(supervisor):
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        if any(words[at : at + 2] == wanted for at in range(len(words))):
            return pid
    raise AssertionError("no such worker")


async def until(condition: Callable[[], Awaitable[object]], patience: float = PATIENCE) -> float:
    """Wait for it; how long it took."""
    began = monotonic()
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110 another process's affair
            await asyncio.sleep(0.05)
    return monotonic() - began


async def keeper(store: SqliteStore, after: int = 0) -> Held:
    """The keeper, as soon as there is one with a greater number."""
    found: list[Held] = []

    async def there() -> bool:
        one = holder(store)
        found[:] = [one] if one is not None and one.number > after else []
        return bool(found)

    await until(there)
    return found[0]


async def oppose(store: SqliteStore, folder: Path, address: str) -> None:
    """Somebody on record says stop, and the partner must be told."""
    ring = KeyRing.load(folder / "keys")
    key = Identity(ring.pepper).person(person(address))
    words = ("checkbox-ticked", "I want the newsletter")
    consent = Consent(key, "maison", "newsletter", Audience.CONSUMER, Basis.CONSENT, "direct", WHEN, *words)
    await store.book.commit((), [Learn(consent, ring.vault.seal(address.encode()))])
    opposition = Opposition(key, Block.OPPOSED, Scope.ADVERTISER, "maison", "", Door.LINK, WHEN)
    await store.book.commit((), [Oppose(opposition), Tell("voisin", key, "maison", Scope.ADVERTISER, WHEN)])


async def told(store: SqliteStore) -> Counter[str]:
    """How often each person's note is on record as acknowledged."""
    events = [parse_event(entry.body) async for entry in store.journal.entries()]
    return Counter(event.person for event in events if event is not None and event.outcome == "acknowledged")


async def company_with_partner(folder: Path, sink: int, webhook: str) -> tuple[Path, Life]:
    """Two workers of a company whose partner is told over a webhook."""
    config, ports = await found_company(folder, sink, gateway="workers = 2")
    (folder / "secret").write_text("a secret that two houses share..")
    (folder / "secret").chmod(0o600)
    config.write_text(f'{config.read_text()}webhook = "{webhook}"\nsecret_file = "secret"\n')
    return config, Life(Plain(folder / "log"), config, ports)


async def test_a_killed_keeper_is_followed_and_its_restart_is_counted(tmp_path: Path) -> None:
    async with running_sink() as (_, port), ear() as partner:
        config, shape = await company_with_partner(tmp_path, port, partner.url)
        async with living(Plain(tmp_path / "log"), config, shape.ports) as life:
            await until_two_workers(life.pid)
            store = open_store(tmp_path / "var" / "gateway.db", "cli")
            first = await keeper(store)
            os.kill(pid_of(life.pid, first.worker), signal.SIGKILL)
            began = monotonic()
            await keeper(store, after=first.number)
            assert monotonic() - began < FOLLOWED_WITHIN
            await oppose(store, tmp_path / "var", "claire@example.org")

            async def heard() -> bool:
                return sum((await told(store)).values()) == 1

            await until(heard)

            async def counted() -> bool:
                return (await restarts(life)).get(str(first.worker)) == 1.0

            await until(counted)
            assert await life.terminate() == 0
            await store.close()


async def restarts(life: Life) -> dict[str, float]:
    """The count of each worker, as whichever of them answers tells it."""
    try:
        async with httpx.AsyncClient(timeout=5) as browser:
            text = (await browser.get(f"http://127.0.0.1:{life.ports.web}/metrics")).text
    except httpx.HTTPError:
        return {}
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    return {one.labels["worker"]: one.value for one in samples if one.name == "gateway_worker_restarts_total"}


async def test_a_stopped_keeper_is_followed_and_nothing_it_does_afterwards_counts(tmp_path: Path) -> None:
    """It stands still in the middle of telling a partner, whose answer waits for it when it goes on."""
    async with running_sink() as (_, port), ear() as partner:
        config, shape = await company_with_partner(tmp_path, port, partner.url)
        async with living(Plain(tmp_path / "log"), config, shape.ports) as life:
            await until_two_workers(life.pid)
            store = open_store(tmp_path / "var" / "gateway.db", "cli")
            first = await keeper(store)
            old = pid_of(life.pid, first.worker)
            partner.gate.clear()
            await oppose(store, tmp_path / "var", "claire@example.org")

            async def asked() -> bool:
                return partner.at_once == 1

            await until(asked)
            os.kill(old, signal.SIGSTOP)
            try:
                began = monotonic()
                second = await keeper(store, after=first.number)
                assert monotonic() - began < FOLLOWED_WITHIN
                assert second.worker != first.worker
                partner.gate.set()  # both requests are answered, the old keeper's too

                async def acknowledged() -> bool:
                    return bool(await told(store))

                await until(acknowledged)
            finally:
                os.kill(old, signal.SIGCONT)

            async def stood_down() -> bool:
                return f'"number":{first.number},"time"' in lost(tmp_path / "log")

            await until(stood_down)
            assert holder(store) == second
            await oppose(store, tmp_path / "var", "denis@example.org")

            async def both() -> bool:
                return len(await told(store)) == 2

            await until(both)
            assert set((await told(store)).values()) == {1}
            keys = Counter(headers["webhook-id"] for headers, _ in partner.heard)
            assert sorted(keys.values()) == [1, 2]  # the same id both times: what the partner heard twice, it takes once
            assert await life.terminate() == 0
            entries = [entry async for entry in store.journal.entries()]
            assert verify(entries, await store.journal.heads()) == []
            await store.close()


def lost(log: Path) -> str:
    """The lines in which a keeper said that it gave its lease back."""
    return "\n".join(line for line in log.read_text().splitlines() if '"lease-given-back"' in line)


async def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    """Nobody would start them again, and the next supervisor's would stand beside them."""
    async with running_sink() as (_, port):
        config, ports = await found_company(tmp_path, port, gateway="workers = 2")
        async with living(Plain(tmp_path / "log"), config, ports) as life:
            workers = await until_two_workers(life.pid)
            await life.kill()

            async def gone() -> bool:
                return not any(os.path.exists(f"/proc/{pid}") for pid in workers)  # noqa: ASYNC240, PTH110 no disk is asked

            await until(gone, 2 * PATIENCE)


# In this process


async def test_the_first_refused_write_stops_every_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No renewal tells it here: what a job hears from the store does."""
    monkeypatch.setattr(keeping, "EVERY", 60.0)
    monkeypatch.setattr(keeping, "LOOK", 60.0)
    async with house(tmp_path) as home:
        store = open_store(home.gateway.database, "cli")
        first = await keeper(store)
        assert await store.leases.take("keeper", "gw0/9999", 60.0) is not None
        await oppose(store, tmp_path / "var", "claire@example.org")

        async def overtaken() -> bool:
            return '"what":"keeper-overtaken"' in home.gateway.log.getvalue()

        assert await until(overtaken) < keeping.LENGTH - keeping.MARGIN
        assert (holder(store) or first).number == first.number + 1
        (waits,) = await store.outbox.pending()
        assert waits.attempts == 0
        await store.close()


async def test_the_day_is_done_once_whoever_is_the_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R-DP-10."""
    for name in ("DAILY_AFTER", "DAILY_LOOK"):
        monkeypatch.setattr(app, name, 0.05)
    monkeypatch.setattr(keeping, "LOOK", 0.05)
    async with running_sink() as (_, port):
        settings = company(tmp_path, port, gateway="workers = 2")
        KeyRing.open(settings.gateway.data_dir / "keys", may_create=True)
        store = open_store(settings.gateway.data_dir / "gateway.db", "cli")
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            both = [Worker(number) for number in range(2)]
            for one in both:
                group.create_task(app.Gateway(settings, one.number, JsonLog(one.log)).run(one.stop, one.ready.set_result))
                await one.ready
            first = both[(await keeper(store)).worker]
            (second,) = [one for one in both if one is not first]
            await until(first.did_the_day)
            first.stop.set()
            await until(second.is_keeper)
            await asyncio.sleep(0.5)
            assert (first.days, second.days) == (1, 0)
            await store.book.commit((), [MoveCursor("daily", "2026-01-01")])  # as if it were another day
            await until(second.did_the_day)
            assert (first.days, second.days) == (1, 1)
            second.stop.set()
        await store.close()


class Worker:
    """One of two gateways in this process."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.log = StringIO()
        self.stop = asyncio.Event()
        self.ready: asyncio.Future[app.Addresses] = asyncio.get_running_loop().create_future()

    @property
    def days(self) -> int:
        """How often it did the day's work."""
        return self.log.getvalue().count('"what":"daily"')

    async def did_the_day(self) -> bool:
        """Whether it did."""
        return self.days > 0

    async def is_keeper(self) -> bool:
        """Whether it was ever the keeper."""
        return '{"lease":"keeper"' in self.log.getvalue()
