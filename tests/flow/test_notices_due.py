"""Who must be told within the month where their address comes from: to the day, month ends and leap days included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.core.address import Identity
from gateway.core.change import Change, GiveNotice, Learn, Oppose, Withdraw
from gateway.core.duration import Duration
from gateway.core.model import PersonKey
from gateway.core.record import Audience, Basis, Block, Consent, Door, NoticeGiven, NoticeKind, Opposition, Proof, Scope
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.partners import DueNotice, NoticesDue
from tests.support.company import FR, MAISON, NEWS, STREAMS, Reversing, address

ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@client.example"
ACQUIRED = datetime(2026, 3, 2, 9, tzinfo=UTC)
DUE = datetime(2026, 4, 2, 9, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WEEK = Duration(0, 7)


@dataclass
class Records:
    """A register and who in it must be told."""

    store: SqliteStore
    identity: Identity
    due: NoticesDue

    def key(self, text: str) -> PersonKey:
        """Whose file it is."""
        return self.identity.person(address(text))

    async def write(self, *changes: Change) -> None:
        """Change the book."""
        await self.store.book.commit([], changes)

    async def from_partner(self, text: str = ANN, **changed: object) -> None:
        """A record a partner gave."""
        whole = Consent(
            person=self.key(text),
            advertiser="maison",
            purpose="newsletter",
            audience=Audience.CONSUMER,
            basis=Basis.CONSENT,
            source="voisin",
            collected_at=ACQUIRED - timedelta(days=9),
            action="checkbox-ticked",
            wording="Oui",
            recorded_at=ACQUIRED + timedelta(days=3),
            acquired_at=ACQUIRED,
        )
        await self.write(Learn(replace(whole, **changed), Reversing().seal(text.encode())))  # type: ignore[arg-type]

    async def listed(self, now: datetime, within: Duration | None = None) -> list[DueNotice]:
        """Who is on the list."""
        return [one async for one in self.due.listed(now, within)]

    async def people(self, now: datetime) -> set[PersonKey]:
        """Whose keys are on it."""
        return {one.person for one in await self.listed(now)}


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    store = open_store(tmp_path / "gateway.db", "gw0")
    identity = Identity(b"pepper")
    yield Records(store, identity, NoticesDue(store.book, identity, Reversing(), {"fr": FR}, STREAMS))
    await store.close()


@pytest.mark.parametrize(
    ("acquired", "due"),
    [
        (datetime(2026, 1, 31, 10, tzinfo=UTC), datetime(2026, 2, 28, 10, tzinfo=UTC)),
        (datetime(2028, 1, 31, 10, tzinfo=UTC), datetime(2028, 2, 29, 10, tzinfo=UTC)),
        (datetime(2028, 2, 29, 10, tzinfo=UTC), datetime(2028, 3, 29, 10, tzinfo=UTC)),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 31, 23, 59, tzinfo=UTC)),
        (
            datetime(2026, 8, 31, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 9, 30, 1, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
async def test_the_term_is_one_calendar_month_to_the_instant(records: Records, acquired: datetime, due: datetime) -> None:
    """R-FR-32."""
    await records.from_partner(acquired_at=acquired)
    (one,) = await records.listed(due)
    assert (one.due, one.overdue, one.source, one.advertiser) == (due, False, "voisin", "maison")
    (late,) = await records.listed(due + TICK)
    assert late.overdue


async def test_it_is_listed_a_week_before_and_not_a_moment_earlier(records: Records) -> None:
    """R-FR-32."""
    await records.from_partner()
    start = DUE - timedelta(days=7)
    assert await records.listed(start - TICK) == []
    assert len(await records.listed(start)) == 1
    assert len(await records.listed(start - timedelta(days=7), Duration(0, 14))) == 1
    assert await records.listed(start, Duration(0, 6)) == []


async def test_without_a_day_of_acquisition_the_day_of_filing_counts(records: Records) -> None:
    """R-FR-32."""
    await records.from_partner(acquired_at=None)
    (one,) = await records.listed(DUE + timedelta(days=3))
    assert one.due == DUE + timedelta(days=3)


async def test_who_was_told_gave_the_address_or_left_is_not_listed(records: Records) -> None:
    """R-FR-29, R-FR-31, R-FR-33."""
    late = DUE + timedelta(days=90)
    await records.from_partner(ANN)
    await records.from_partner(BOB, source="direct")
    await records.from_partner(EVE)
    assert await records.people(late) == {records.key(ANN), records.key(EVE)}
    await records.write(Withdraw(records.key(EVE), "maison", "", ACQUIRED))
    await records.write(GiveNotice(NoticeGiven(records.key(ANN), "maison", "1", ACQUIRED, "", NoticeKind.PARTNER_LIST)))
    await records.write(GiveNotice(NoticeGiven(records.key(ANN), "maison", "another", ACQUIRED, "")))
    assert await records.people(late) == {records.key(ANN)}
    await records.write(GiveNotice(NoticeGiven(records.key(ANN), "maison", "voisin", ACQUIRED, "")))
    assert await records.people(late) == set()


async def test_each_source_is_told_of_once_by_the_earliest_of_its_terms(records: Records) -> None:
    """R-FR-32."""
    await records.from_partner(purpose="offers", acquired_at=ACQUIRED + timedelta(days=1))
    await records.from_partner()
    await records.from_partner(purpose="more", acquired_at=ACQUIRED + timedelta(days=2))
    await records.from_partner(source="annuaire", acquired_at=ACQUIRED + timedelta(days=5))
    found = {one.source: one.due for one in await records.listed(DUE + timedelta(days=30))}
    assert found == {"voisin": DUE, "annuaire": DUE + timedelta(days=5)}


@pytest.mark.parametrize("block", list(Block))
async def test_who_no_mail_would_reach_is_listed_with_the_reason(records: Records, block: Block) -> None:
    """R-FR-32: the duty stands, but an opposition outranks it."""
    await records.from_partner()
    await records.write(Oppose(Opposition(records.key(ANN), block, Scope.ADVERTISER, "maison", "", Door.LINK, ACQUIRED)))
    (one,) = await records.listed(DUE)
    assert one.stopped == block.value


async def test_an_opposition_of_the_whole_domain_is_seen_and_one_of_a_single_list_is_not_one_to_all(records: Records) -> None:
    """R-FR-66."""
    await records.from_partner(EVE)
    await records.write(Oppose(Opposition(records.key(EVE), Block.OPPOSED, Scope.STREAM, "maison", "news", Door.LINK, ACQUIRED)))
    assert [one.stopped for one in await records.listed(DUE)] == [""]
    domain = records.identity.domain("client.example")
    await records.write(Oppose(Opposition(domain, Block.OPPOSED, Scope.ALL, "", "", Door.LINK, ACQUIRED)))
    assert [one.stopped for one in await records.listed(DUE)] == ["opposed"]


async def test_unproven_records_count_too_and_each_advertiser_owes_its_own_notice(tmp_path: Path, records: Records) -> None:
    """R-FR-32: the duty follows from holding the data, not from being allowed to use them."""
    other = replace(NEWS, name="other", number=77, advertiser=replace(MAISON, name="autre"))
    due = NoticesDue(records.store.book, records.identity, Reversing(), {"fr": FR}, {**STREAMS, "other": other})
    await records.from_partner(missing=("wording",))
    await records.from_partner(advertiser="autre", proof=Proof(language="en"))
    await records.from_partner(advertiser="gone")
    found = {one.advertiser: one.language async for one in due.listed(DUE)}
    assert found == {"maison": "fr", "autre": "en"}
    assert await due.daily(DUE, True) == {"due-soon": 2}
    assert await due.daily(DUE + TICK, True) == {"overdue": 2}


async def test_a_long_register_is_read_person_by_person(records: Records) -> None:
    """R-FR-32."""
    for number in range(150):
        await records.from_partner(f"p{number}@example.org")
    assert len(await records.people(DUE)) == 150
