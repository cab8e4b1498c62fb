"""Who hears of an opposition: every holder of the data and every tool that offered a way out, by whichever door it came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.core.address import Address, Identity, parse, shared_hash
from gateway.core.bouncing import SoftBounds
from gateway.core.change import Change, Errand, KeepOwnUnsubscribe, Learn, NotePassing, Oppose
from gateway.core.evidence import Event
from gateway.core.model import Partner, Ref
from gateway.core.propagation import Notice
from gateway.core.record import ApiKey, Block, Door, Opposition, Scope, Transfer
from gateway.core.token import mint, stream_number
from gateway.edges.store.book import SqliteBook
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.administer import Administer, Reach, Refused
from gateway.flow.bounces import Bounces
from gateway.flow.holders import holders_of, tell_late, tools_of
from gateway.flow.intake import Row, take_in
from gateway.flow.opposition_list import Columns, OppositionReader
from gateway.flow.opposition_rows import OppositionRow, OppositionRows
from gateway.flow.partner_door import PartnerDoor
from gateway.flow.person import PersonFile
from gateway.flow.recognise import Recognising
from gateway.flow.subject import of_address
from gateway.flow.way_back import WayBack
from tests.support.book import MemoryBook
from tests.support.clock import StillClock
from tests.support.company import Reversing
from tests.support.doors import ACME, KEYS, LETTER, OFFERS, Lines, Tally
from tests.support.people import consent

IDENTITY = Identity(b"p" * 32)
FIRST, SECOND, THIRD = (Partner(name, f"{name} SA", "", "", provides=True, receives=True) for name in ("first", "second", "third"))
PARTNERS = (FIRST, SECOND, THIRD)
OTHER = replace(LETTER, name="other-letter", number=stream_number("other-letter"), advertiser=replace(ACME, name="other"))
STREAMS = {one.name: one for one in (LETTER, OFFERS, OTHER)}
ADDRESS = parse("claire@example.org")
assert isinstance(ADDRESS, Address)
CLAIRE = IDENTITY.person(ADDRESS)


class Racing:
    """A real book into which an export registers a transfer right before an opposition is written."""

    def __init__(self, book: SqliteBook) -> None:
        self._book = book
        self.racer = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def _overtaken(self, changes: Sequence[Change]) -> Sequence[Change]:
        if not self.racer or not any(isinstance(change, Oppose) for change in changes):
            return ()
        racer, self.racer = self.racer, ""
        return (NotePassing(Transfer(CLAIRE, "acme", racer, "offers", "", StillClock().now())),)

    async def commit(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Sequence[Ref]:
        """See `ports.Book`."""
        if race := self._overtaken(changes):
            await self._book.commit((), race)
        return await self._book.commit(events, changes)

    def post(self, events: Sequence[Event], changes: Sequence[Change] = ()) -> Awaitable[Sequence[Ref]]:
        """See `ports.Book`."""
        if race := self._overtaken(changes):
            self._book.post((), race)
        return self._book.post(events, changes)


@dataclass
class House:
    """A store and every door into it."""

    store: SqliteStore
    book: Any
    clock: StillClock = field(default_factory=StillClock)

    def administer(self) -> Administer:
        return Administer(self.book, IDENTITY, STREAMS, {one.name: one for one in PARTNERS}, self.clock)

    async def link(self) -> None:
        """The person presses the button."""
        streams = {one.number: one for one in STREAMS.values()}
        way_back = WayBack(self.book, KEYS, streams, PARTNERS, self.clock, Tally(), Lines())
        assert await way_back.oppose(mint(KEYS, LETTER.number, CLAIRE), None, Door.LINK)

    async def command(self) -> None:
        """Somebody types it."""
        subject = of_address(IDENTITY, "claire@example.org")
        await self.administer().oppose(subject, Reach(Scope.ADVERTISER, "acme"), Door.CLI)  # type: ignore[arg-type]

    async def file(self) -> None:
        """A list is imported."""
        reader = OppositionReader(
            self.book, IDENTITY, self.administer(), Columns(0, domains=False, header=False), Reach(Scope.ADVERTISER, "acme")
        )
        rows = [Row(1, ("claire@example.org",))]
        async for _ in take_in(self.book, self.clock, reader, rows, "0" * 64, lambda row, why: None):
            pass

    async def api(self) -> None:
        """A tool calls."""
        key = ApiKey("crm", b"", ("oppositions",), (), self.clock.now())
        rows = OppositionRows(self.book, IDENTITY, self.administer(), self.clock)
        await rows.take([OppositionRow("claire@example.org", advertiser="acme")], key)

    async def partner(self) -> None:
        """A partner that shares nothing else tells us."""
        door = PartnerDoor(self.book, self.store.returns, IDENTITY, self.administer(), self.clock, Tally(), Lines())
        origin = Partner("origin", "Origin SA", "", "", provides=True, receives=True)
        await door.take(origin, "opp_1", Notice("opp_1", Scope.ALL, "", self.clock.now(), "claire@example.org"))

    async def complaint(self) -> None:
        """A mailbox provider reports a complaint."""
        week = timedelta(days=7)
        bounds = SoftBounds(3, week, week)
        bounces = Bounces(self.book, self.store.returns, STREAMS, PARTNERS, bounds, self.clock, Tally(), Lines())
        await bounces.complain(CLAIRE, LETTER, "acme", "", self.clock.now())

    async def erasure(self) -> None:
        """The person asks to be forgotten."""
        partners = {one.name: one for one in PARTNERS}
        file = PersonFile(self.book, self.store.journal, IDENTITY, Reversing(), STREAMS, partners, {}, self.clock)
        assert isinstance(ADDRESS, Address)
        await file.erase(ADDRESS, "asked by letter", "acme")

    async def told(self) -> set[tuple[Errand, str]]:
        """Who is to be told."""
        return {(one.errand, one.partner) for one in await self.store.outbox.pending()}


DOORS: dict[str, Callable[[House], Awaitable[None]]] = {
    "link": House.link,
    "command": House.command,
    "file": House.file,
    "api": House.api,
    "partner": House.partner,
    "complaint": House.complaint,
    "erasure": House.erasure,
}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(tmp_path / "gateway.db", "n1w0")
    one = House(store, Racing(store.book))
    await store.book.commit(
        (),
        [
            Learn(consent(CLAIRE, source="direct"), b"sealed"),
            NotePassing(Transfer(CLAIRE, "acme", FIRST.name, "offers", "", one.clock.now())),
        ],
    )
    yield one
    await store.close()


@every_door
async def test_by_every_door_the_holders_of_the_data_are_told_and_nobody_else(
    house: House, door: Callable[[House], Awaitable[None]]
) -> None:
    """R-FR-35, R-FR-56."""
    await door(house)
    assert await house.told() == {(Errand.PARTNER, "first")}


@every_door
async def test_by_every_door_the_tool_that_offered_a_way_out_is_told(
    house: House, door: Callable[[House], Awaitable[None]]
) -> None:
    """R-FR-51: in the commit of the opposition, and before an erasure forgets what it was; the address stays with the note."""
    kept = [KeepOwnUnsubscribe(CLAIRE, name, b"sealed", house.clock.now()) for name in ("acme-letter", "other-letter")]
    await house.book.commit((), kept)
    await door(house)
    tools = {partner for errand, partner in await house.told() if errand is Errand.TOOL}
    assert tools == ({"acme-letter", "other-letter"} if door is House.partner else {"acme-letter"})
    assert await house.book.own_unsubscribe(CLAIRE, "acme-letter") == b"sealed"
    (note,) = await house.store.outbox.pending("first")
    assert note.sealed_address == b"sealed"


@every_door
async def test_by_every_door_who_was_given_the_data_meanwhile_is_told_too(
    house: House, door: Callable[[House], Awaitable[None]]
) -> None:
    """R-FR-35, R-PACK-08: an export that overtakes the opposition leaves nobody untold."""
    house.book.racer = SECOND.name
    await door(house)
    assert house.book.racer == ""
    assert await house.told() == {(Errand.PARTNER, "first"), (Errand.PARTNER, "second")}


@every_door
async def test_by_every_door_the_same_again_adds_no_note(house: House, door: Callable[[House], Awaitable[None]]) -> None:
    await door(house)
    before = await house.store.outbox.pending()
    await door(house)
    assert await house.store.outbox.pending() == before


async def test_nobody_is_told_what_they_said_themselves(house: House) -> None:
    """R-FR-37: never back to the origin, whether it is found at the first look or at the second."""
    for racer in ("", FIRST.name):
        house.book.racer = racer
        door = PartnerDoor(house.book, house.store.returns, IDENTITY, house.administer(), house.clock, Tally(), Lines())
        notice = Notice("opp_1", Scope.ALL, "", house.clock.now(), "claire@example.org")
        await door.take(FIRST, f"opp_{racer}", notice)
        assert await house.told() == set()


async def test_an_import_of_old_refusals_is_told_of_today(house: House) -> None:
    """R-FR-36: whoever refused years ago is not overdue the moment the list comes in."""
    reader = OppositionReader(
        house.book, IDENTITY, house.administer(), Columns(0, domains=False, header=False, at=1), Reach(Scope.ADVERTISER, "acme")
    )
    rows = [Row(1, ("claire@example.org", "2019-05-01"))]
    async for _ in take_in(house.book, house.clock, reader, rows, "0" * 64, lambda row, why: None):
        pass
    (note,) = await house.store.outbox.pending()
    (filed,) = await house.book.oppositions(CLAIRE)
    assert (note.at, filed.at.year) == (house.clock.now(), 2019)


async def test_where_the_records_cannot_be_read_every_partner_is_told() -> None:
    """R-FR-35: recording the opposition comes first."""
    book = MemoryBook(down=True)
    filed = Opposition(CLAIRE, Block.OPPOSED, Scope.ALL, "", "", Door.LINK, StillClock().now())
    assert await holders_of(book, PARTNERS, CLAIRE) == PARTNERS
    assert await tools_of(book, STREAMS.values(), filed) == ()


async def test_the_second_look_adds_nobody_where_nothing_is_recorded() -> None:
    """After an erasure the records say nothing, and that is no reason to tell everybody."""
    book = MemoryBook()
    filed = Opposition(CLAIRE, Block.OPPOSED, Scope.ALL, "", "", Door.LINK, StillClock().now())
    await tell_late(book, PARTNERS, filed, ())
    assert book.notes == []


async def test_whom_a_hash_meant_is_found_on_record_and_told_to_the_others(house: House) -> None:
    """R-FR-35, R-DP-24: once, though the register is walked again."""
    identity, vault = Identity(b"p" * 32, shared={"first": b"k" * 32}), Reversing()
    partners = {one.name: one for one in PARTNERS}
    administer = Administer(house.book, identity, STREAMS, partners, house.clock)
    door = PartnerDoor(house.book, house.store.returns, identity, administer, house.clock, Tally(), Lines())
    search = Recognising(house.book, house.store.returns, identity, vault, door, partners, Lines())
    for name in ("claire@example.org", "paul@example.org"):
        address = parse(name)
        assert isinstance(address, Address)
        await house.book.commit((), [Learn(consent(identity.person(address), purpose="offers"), vault.seal(name.encode()))])
    await house.book.commit((), [NotePassing(Transfer(CLAIRE, "acme", SECOND.name, "offers", "", house.clock.now()))])
    assert await search.once() == 0
    assert isinstance(ADDRESS, Address)
    digest = shared_hash(b"k" * 32, ADDRESS.canonical)
    await door.take(FIRST, "opp_1", Notice("opp_1", Scope.ADVERTISER, "", house.clock.now(), "", digest))
    assert await house.told() == set()
    assert await search.once() == 1
    (filed,) = await house.book.oppositions(CLAIRE)
    assert (filed.door, filed.scope, filed.advertiser) == (Door.PARTNER, Scope.ADVERTISER, "acme")
    assert await house.told() == {(Errand.PARTNER, "second")}
    assert await search.once() == 0
    await door.take(FIRST, "opp_2", Notice("opp_2", Scope.ADVERTISER, "", house.clock.now(), "", digest))
    assert await search.once() == 0


async def test_a_hash_of_a_partner_that_shares_no_key_is_refused_in_words(house: House) -> None:
    """R-DP-24."""
    door = PartnerDoor(house.book, house.store.returns, IDENTITY, house.administer(), house.clock, Tally(), Lines())
    refused = await door.take(FIRST, "opp_1", Notice("opp_1", Scope.ALL, "", house.clock.now(), "", "a" * 64))
    assert isinstance(refused, Refused)
    assert "send the address" in refused.sentence
    assert not await house.book.has_hashes()
