"""The daily job over a real store: each class at its boundary, twice a day, cut short, dry; and what is left in the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import apsw
import pytest

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Accept, Change, Forget, GiveNotice, IssueKey, KeepForPerson, KeepOwnUnsubscribe, Learn, Oppose, Stir
from gateway.core.duration import Duration
from gateway.core.evidence import parse_event
from gateway.core.model import Advertiser, Category, PersonKey, RefusalMode, Stream
from gateway.core.policy import Policy
from gateway.core.record import (
    ApiKey,
    Block,
    Consent,
    Door,
    NoticeGiven,
    NoticeKind,
    Opposition,
    Relation,
    RelationKind,
    Scope,
    Traits,
)
from gateway.edges.files import read_policy
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.daily import Daily, Day, Office
from tests.support.clock import StillClock
from tests.support.people import consent

DAY = timedelta(days=1)
START = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
ACME = Advertiser("acme", "Acme SAS", "", "", "", "", ("acme.example",))
NEWS = Stream("news", 1, ACME, Category.MARKETING, "newsletter", "fr", "out", RefusalMode.REJECT, "fr", ())


def pack(name: str) -> Policy:
    found = read_policy(name)
    assert isinstance(found, Policy)
    return found


PACKS = {name: pack(name) for name in ("fr", "de")}


def address(name: str) -> Address:
    found = parse(f"{name}@example.com")
    assert isinstance(found, Address)
    return found


@dataclass
class Asker:
    """Says that mail is on its way; `dies_at` stands for a process killed while it asks."""

    dies_at: int = 0
    asked: list[str] = field(default_factory=list)

    async def ask_to_stay(self, stream: Stream, address: Address, since: datetime) -> str:
        if len(self.asked) + 1 == self.dies_at:
            raise asyncio.CancelledError
        self.asked.append(address.wire)
        return "sent"


@dataclass
class House:
    """A store with its keys, a clock, and who is asked."""

    folder: Path
    store: SqliteStore
    ring: KeyRing
    identity: Identity
    clock: StillClock
    asker: Asker = field(default_factory=Asker)

    def key(self, name: str) -> PersonKey:
        return self.identity.person(address(name))

    def learn(self, name: str, **different: object) -> Learn:
        one = consent(self.key(name), **{"collected_at": START, **different})
        return Learn(one, self.ring.vault.seal(address(name).wire.encode()))

    async def know(self, *changes: Change) -> None:
        await self.store.book.commit((), changes)

    async def run(self, at: datetime, dry: bool = False) -> Day:
        self.clock._start, self.clock._gone = at, timedelta()
        place = Office(self.store.book, self.identity, self.ring.vault, PACKS, MappingProxyType({"news": NEWS}), self.clock)
        return await Daily(place, Duration(12, 0), self.asker).run(dry)

    async def consents(self, name: str) -> list[tuple[Consent, bytes]]:
        return list(await self.store.book.consents(self.key(name)))

    def rows(self) -> dict[str, list[object]]:
        """All state but counters, by table; the evidence by its bodies."""
        with closing(apsw.Connection(str(self.folder / "gateway.db"), flags=apsw.SQLITE_OPEN_READONLY)) as file:
            found: dict[str, list[object]] = {"entry": sorted(file.execute("SELECT body FROM entry").fetchall())}
            for table, columns in TABLES.items():
                found[table] = sorted(file.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            return found

    def octets(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("gateway.db*")) if not path.name.endswith("-shm"))


TABLES = {
    "consent": "person, advertiser, purpose, withdrawn_at, length(sealed_address)",
    "notice": "person, advertiser, kind, source, at",
    "opposition": "person, block, scope, advertiser, at",
    "act": "person, advertiser, at",
    "own_unsubscribe": "person, stream",
    "accepted": "key",
    "kept": "mailbox, at",
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path) as one:
        yield one


class opened:  # noqa: N801 - reads as a verb
    """A house in a folder, closed when the block ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        ring = KeyRing.open(folder / "keys", may_create=True)
        store = open_store(folder / "gateway.db", "daily")
        self.house = House(folder, store, ring, Identity(ring.pepper), StillClock())

    async def __aenter__(self) -> House:
        return self.house

    async def __aexit__(self, *_: object) -> None:
        await self.house.store.close()


def opposed(key: PersonKey, block: Block = Block.OPPOSED) -> Oppose:
    return Oppose(Opposition(key, block, Scope.ADVERTISER, "acme", "", Door.LINK, START))


def stay(house: House, at: datetime) -> GiveNotice:
    return GiveNotice(NoticeGiven(house.key("marie"), "acme", "", at, "ab", NoticeKind.STAY))


THREE_YEARS = datetime(2029, 3, 31, 12, 0, tzinfo=UTC)
CONTRACT = Relation(RelationKind.CONTRACT, START, ended_at=datetime(2028, 2, 29, 12, 0, tzinfo=UTC))
Given = Callable[[House], list[Change]]

CLASSES: list[tuple[str, Given, datetime]] = [
    ("asked", lambda h: [h.learn("marie")], THREE_YEARS),
    ("asked", lambda h: [h.learn("marie"), Stir(h.key("marie"), "acme", START + DAY)], THREE_YEARS.replace(month=4, day=1)),
    ("forgotten", lambda h: [h.learn("marie", traits=Traits(country="DE"))], THREE_YEARS),
    ("forgotten", lambda h: [h.learn("marie"), stay(h, THREE_YEARS + DAY)], THREE_YEARS + 31 * DAY),
    ("forgotten", lambda h: [h.learn("marie"), opposed(h.key("marie"))], THREE_YEARS),
    ("forgotten", lambda h: [h.learn("marie"), opposed(h.identity.domain("example.com"))], THREE_YEARS),
    (
        "former-customers-forgotten",
        lambda h: [h.learn("marie", relation=CONTRACT), opposed(h.key("marie"), Block.BOUNCED)],
        datetime(2031, 2, 28, 12, 0, tzinfo=UTC),
    ),
    ("unproven-forgotten", lambda h: [h.learn("marie", missing=("wording",))], THREE_YEARS),
    ("files-ended", lambda h: [h.learn("marie", withdrawn_at=START)], datetime(2031, 3, 31, 12, 0, tzinfo=UTC)),
    (
        "files-ended",
        lambda h: [h.learn("marie", withdrawn_at=START, traits=Traits(country="DE"))],
        datetime(2030, 3, 31, 12, 0, tzinfo=UTC),
    ),
    (
        "proofs-ended",
        lambda h: [
            h.learn("marie", withdrawn_at=datetime(2024, 2, 29, 12, 0, tzinfo=UTC)),
            h.learn("marie", purpose="events", collected_at=datetime(2028, 1, 1, tzinfo=UTC)),
        ],
        datetime(2029, 2, 28, 12, 0, tzinfo=UTC),
    ),
    ("old-delivery-keys", lambda h: [Accept(b"k" * 16, START)], START + DAY),
    ("old-kept-mail", lambda h: [KeepForPerson("abuse", b"sealed", START)], datetime(2027, 3, 31, 12, 0, tzinfo=UTC)),
]


@pytest.mark.parametrize(("kind", "given", "end"), CLASSES, ids=[f"{kind}-{n}" for n, (kind, _, _) in enumerate(CLASSES)])
async def test_each_class_is_due_after_its_end_and_not_before(house: House, kind: str, given: Given, end: datetime) -> None:
    """R-FR-80, R-FR-82, R-FR-83, R-FR-85, R-DP-09, R-DP-10."""
    await house.know(*given(house))
    for early in (DAY, timedelta()):
        day = await house.run(end - early, dry=True)
        assert day.counts[kind] == 0
        assert day.did == 0
    assert (await house.run(end + DAY, dry=True)).counts[kind] == 1
    day = await house.run(end + DAY)
    assert (day.counts[kind], day.did) == (1, 1)
    assert day.ref is not None


@pytest.mark.parametrize(("kind", "given", "end"), CLASSES, ids=[f"{kind}-{n}" for n, (kind, _, _) in enumerate(CLASSES)])
async def test_a_second_run_of_the_same_day_changes_nothing(house: House, kind: str, given: Given, end: datetime) -> None:
    """R-DP-10."""
    await house.know(*given(house))
    await house.run(end + DAY)
    before, asked = house.rows(), list(house.asker.asked)
    assert (await house.run(end + DAY + timedelta(hours=3))).did == 0
    assert (house.rows(), house.asker.asked) == (before, asked)


async def test_a_dry_run_writes_and_sends_nothing(house: House) -> None:
    """R-DP-10."""
    for _, given, _ in (CLASSES[0], *CLASSES[-3:]):
        await house.know(*given(house))
    before = house.rows()
    day = await house.run(datetime(2040, 1, 1, tzinfo=UTC), dry=True)
    assert day.did > 0
    assert (house.rows(), house.asker.asked, day.ref) == (before, [], None)


async def test_a_yes_keeps_the_person_and_silence_does_not(house: House) -> None:
    """R-FR-82."""
    await house.know(house.learn("marie"), house.learn("paul"))
    assert (await house.run(THREE_YEARS + DAY)).counts["asked"] == 2
    assert (await house.run(THREE_YEARS + 2 * DAY)).counts["waiting-for-answer"] == 2
    await house.know(Stir(house.key("marie"), "acme", THREE_YEARS + 5 * DAY))
    assert (await house.run(THREE_YEARS + 40 * DAY)).counts["forgotten"] == 1
    assert await house.consents("marie")
    assert not await house.consents("paul")
    assert len(house.asker.asked) == 2
    assert (await house.run(datetime(2032, 4, 6, tzinfo=UTC))).counts["asked"] == 1, "the next term asks again"


async def test_a_restricted_file_is_left_alone(house: House) -> None:
    """R-DP-15: GDPR 18."""
    restricted = Opposition(house.key("marie"), Block.RESTRICTED, Scope.ALL, "", "", Door.CLI, START)
    await house.know(house.learn("marie"), house.learn("marie", purpose="b", withdrawn_at=START), Oppose(restricted))
    day = await house.run(datetime(2040, 1, 1, tzinfo=UTC))
    assert (day.did, day.counts["restricted-left-alone"]) == (0, 1)
    assert len(await house.consents("marie")) == 2


async def test_the_proof_of_a_withdrawal_outlives_the_file_without_its_address(house: House) -> None:
    """R-FR-82, R-FR-85: what is asked to be kept as proof needs no address any more."""
    withdrawn = datetime(2029, 3, 1, 12, 0, tzinfo=UTC)
    await house.know(
        house.learn("marie", purpose="events", withdrawn_at=withdrawn), house.learn("marie"), opposed(house.key("marie"))
    )
    assert (await house.run(THREE_YEARS + DAY)).counts["forgotten"] == 1
    ((kept, sealed),) = await house.consents("marie")
    assert (kept.purpose, kept.withdrawn_at, sealed) == ("events", withdrawn, b"")
    assert (await house.run(withdrawn.replace(year=2034) + DAY)).counts["files-ended"] == 1
    assert not await house.consents("marie")


async def test_an_opposition_survives_every_purge(house: House) -> None:
    """R-FR-84."""
    await house.know(house.learn("marie"), opposed(house.key("marie")))
    await house.run(datetime(2099, 1, 1, tzinfo=UTC))
    assert not await house.consents("marie")
    assert [one.block for one in await house.store.book.oppositions(house.key("marie"))] == [Block.OPPOSED]


async def test_what_was_erased_is_gone_from_the_file(house: House) -> None:
    """R-DP-10: not only from what a query answers."""
    words = "a wording that nobody else agreed to"
    one = house.learn("marie", wording=words, function="keeper of the seal")
    own = KeepOwnUnsubscribe(house.key("marie"), "news", b"their own unsubscribe, sealed", START)
    await house.know(one, own, opposed(house.key("marie")), KeepForPerson("abuse", b"a sealed complaint", START))
    traces = (words.encode(), b"keeper of the seal", one.sealed_address, own.sealed_header, b"a sealed complaint")
    assert all(trace in house.octets() for trace in traces)
    await house.run(THREE_YEARS + DAY)
    left = house.octets()
    assert [trace for trace in traces if trace in left] == []
    entries = [parse_event(entry.body) async for entry in house.store.journal.entries()]
    assert [(event.outcome, event.rules) for event in entries if event and event.person] == [("forgotten", ("R-FR-80",))]


async def test_counts_go_into_the_evidence_without_a_person(house: House) -> None:
    """R-DP-10, R-FR-90."""
    await house.know(house.learn("marie"), house.learn("paul"), Accept(b"k" * 16, START))
    day = await house.run(THREE_YEARS + DAY)
    assert day.ref is not None
    entry = await house.store.journal.entry(day.ref)
    assert entry is not None
    event = parse_event(entry.body)
    assert event is not None
    assert (event.kind.value, event.person, event.detail) == ("retention", "", "asked=2; old-delivery-keys=1")


async def test_expired_api_keys_are_listed_and_not_touched(house: House) -> None:
    key = ApiKey("crm", b"d" * 32, ("consents",), ("acme",), START, expires_at=START + 10 * DAY)
    await house.know(IssueKey(key), IssueKey(replace(key, name="old", revoked_at=START)))
    assert (await house.run(START + 10 * DAY - timedelta(seconds=1))).expired_keys == ()
    day = await house.run(START + 10 * DAY)
    assert (day.expired_keys, day.did) == (("crm",), 0)


@pytest.mark.parametrize("dies_at", [1, 3, 5])
async def test_a_run_that_was_killed_is_finished_by_the_next(tmp_path: Path, dies_at: int) -> None:
    """R-DP-10."""
    ends = []
    for name, dies in (("whole", 0), ("killed", dies_at)):
        async with opened(tmp_path / name) as house:
            for number in range(6):
                await house.know(house.learn(f"asked{number}"), house.learn(f"gone{number}"))
                await house.know(opposed(house.key(f"gone{number}")))
            house.asker.dies_at = dies
            if dies:
                with pytest.raises(asyncio.CancelledError):
                    await house.run(THREE_YEARS + DAY)
                house.asker.dies_at = 0
            await house.run(THREE_YEARS + DAY)
            ends.append({table: len(rows) for table, rows in house.rows().items() if table != "entry"})
            assert sorted(house.asker.asked) == [f"asked{number}@example.com" for number in range(6)]
            for number in range(6):
                assert not await house.consents(f"gone{number}")
    assert ends[0] == ends[1]


async def test_an_advertiser_that_left_the_configuration_is_judged_by_the_strictest_pack(house: House) -> None:
    """R-PACK-01: nobody can ask for it any more, so its people are forgotten when their time is over."""
    one = consent(house.key("marie"), advertiser="gone", collected_at=START)
    await house.know(Learn(one, house.ring.vault.seal(b"marie@example.com")))
    assert (await house.run(THREE_YEARS)).did == 0
    assert (await house.run(THREE_YEARS + DAY)).counts["forgotten"] == 1


async def test_a_file_forgotten_by_hand_meanwhile_needs_nothing_more(house: House) -> None:
    await house.know(house.learn("marie"), Forget(house.key("marie")))
    assert (await house.run(datetime(2040, 1, 1, tzinfo=UTC))).did == 0
