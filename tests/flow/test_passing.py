"""Passing people on while they oppose: nobody is given who opposed before, and of whom was given the partner is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.core.address import Address, Identity, parse
from gateway.core.change import Learn, Publish
from gateway.core.evidence import Kind, parse_event
from gateway.core.model import Partner, PersonKey
from gateway.core.record import Audience, Basis, Consent, Covers, Door, NamedPartner, PartnerList, Proof, Scope
from gateway.edges.clock import SystemClock
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.administer import Administer, Reach
from gateway.flow.passing import BATCH, Order, PassingOn
from gateway.flow.subject import Kind as Of
from gateway.flow.subject import Subject
from tests.support.clock import START
from tests.support.company import DAY, FR, MAISON, STREAMS, Reversing

TIERS = Partner("tiers", "Tiers SA", "https://tiers.example/privacy", "", False, True)
OTHER = Partner("autre", "Autre SA", "https://autre.example/privacy", "", False, True)
IDENTITY = Identity(b"pepper")


def at(number: int) -> Address:
    address = parse(f"person{number}@example.org")
    assert isinstance(address, Address)
    return address


def key(number: int) -> PersonKey:
    return IDENTITY.person(at(number))


@dataclass
class House:
    """A collector's register, two partners, an export and an administrator with a store connection of its own."""

    store: SqliteStore
    beside: SqliteStore

    @property
    def journey(self) -> PassingOn:
        """The export."""
        return PassingOn(self.store.book, IDENTITY, Reversing(), {"fr": FR}, STREAMS, SystemClock())

    async def fill(self, people: int) -> None:
        """So many people who agreed to the partners of the list."""
        shown = (NamedPartner("tiers", "Tiers SA", ""), NamedPartner("autre", "Autre SA", ""))
        await self.store.book.commit([], [Publish(PartnerList("maison", "v1", START, shown))])
        whole = Consent(
            person=key(0),
            advertiser="maison",
            purpose="newsletter",
            audience=Audience.CONSUMER,
            basis=Basis.CONSENT,
            source="direct",
            collected_at=START - DAY,
            action="checkbox-ticked",
            wording="Oui, les partenaires",
            partner_list_version="v1",
            recorded_at=START,
            covers=Covers.PARTNERS,
            proof=Proof(presentation="link", form="form-7"),
        )
        learned = [Learn(replace(whole, person=key(n)), Reversing().seal(at(n).wire.encode())) for n in range(people)]
        await self.store.book.commit([], learned)

    async def oppose(self, number: int) -> None:
        """One person says stop, by another process."""
        partners = {one.name: one for one in (TIERS, OTHER)}
        administer = Administer(self.beside.book, IDENTITY, STREAMS, partners, SystemClock())
        await administer.oppose(Subject(key(number), Of.ADDRESS, at(number)), Reach(Scope.ADVERTISER, "maison"), Door.CLI)

    async def told(self) -> set[PersonKey]:
        """Of whose opposition the partner is told."""
        return {note.person for note in await self.store.outbox.pending("tiers")}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store, beside = open_store(tmp_path / "gateway.db", "import"), open_store(tmp_path / "gateway.db", "cli")
    yield House(store, beside)
    await beside.close()
    await store.close()


ORDER = Order(MAISON, TIERS, "newsletter")


async def test_who_opposes_while_an_export_runs_is_not_given_or_the_partner_is_told(house: House) -> None:
    """R-PACK-08, R-FR-35."""
    people = 3 * BATCH
    await house.fill(people)
    opposing = range(0, people, 7)

    async def oppose() -> None:
        for number in opposing:
            await house.oppose(number)

    given: set[str] = set()
    async with asyncio.TaskGroup() as group:
        group.create_task(oppose())
        async for some in house.journey.run(ORDER):
            given |= {one.address for one in some.given}
    opposed = {key(number) for number in opposing}
    left = {IDENTITY.person(at(number)) for number in range(people) if at(number).wire in given}
    assert {key(number) for number in range(people)} - opposed <= left
    assert left & opposed <= await house.told()
    assert await house.store.outbox.pending("autre") == []


async def test_who_opposed_is_given_to_nobody_and_the_register_says_why(house: House) -> None:
    """R-PACK-08."""
    await house.fill(20)
    for number in range(5):
        await house.oppose(number)
    (some,) = [some async for some in house.journey.run(ORDER)]
    assert len(some.given) == 15
    assert {(one.person, one.reason) for one in some.denied} == {(key(number), "OPPOSED") for number in range(5)}


async def test_each_transfer_is_evidence_of_its_own_and_the_export_is_summed_up(house: House) -> None:
    """R-FR-23, R-FR-90."""
    await house.fill(3)
    assert [len(some.given) async for some in house.journey.run(ORDER)] == [3]
    events = [event async for entry in house.store.journal.entries() if (event := parse_event(entry.body))]
    transfers = [event for event in events if event.kind is Kind.TRANSFER]
    assert {event.person for event in transfers} == {key(number).hex() for number in range(3)}
    assert {event.detail for event in transfers} == {"partner=tiers; purpose=newsletter; list=v1"}
    assert events[-1].detail == "partner=tiers; purpose=newsletter; passed=3; refused=0; known=0"
    assert all("example.org" not in str(event) for event in events)


async def test_what_is_given_rests_on_the_record_with_its_proof(house: House) -> None:
    """R-FR-26."""
    await house.fill(1)
    (some,) = [some async for some in house.journey.run(ORDER)]
    assert some.given[0].passing.consent.proof == Proof(presentation="link", form="form-7")


async def test_a_register_longer_than_a_batch_is_passed_on_in_batches_each_registered_before_it_is_given(house: House) -> None:
    """R-FR-23."""
    await house.fill(2 * BATCH + 1)
    sizes = []
    async for some in house.journey.run(ORDER):
        registered = {one.person for one in await house.beside.book.transfers(None, "tiers")}
        assert {IDENTITY.person(_parsed(one.address)) for one in some.given} <= registered
        sizes.append(len(some.given))
    assert sizes == [BATCH, BATCH, 1]


def _parsed(text: str) -> Address:
    address = parse(text)
    assert isinstance(address, Address)
    return address


async def test_an_export_of_one_advertiser_never_reads_out_anothers_people(house: House) -> None:
    """R-DP-23."""
    await house.fill(3)
    other = replace(MAISON, name="autre-annonceur")
    shown = (NamedPartner("tiers", "Tiers SA", ""),)
    await house.store.book.commit([], [Publish(PartnerList(other.name, "v1", START, shown))])
    streams = {"news": replace(STREAMS["news"], advertiser=other)}
    journey = PassingOn(house.store.book, IDENTITY, Reversing(), {"fr": FR}, streams, SystemClock())
    assert [some async for some in journey.run(Order(other, TIERS, "newsletter"))] == []
    assert await house.store.book.transfers() == []
