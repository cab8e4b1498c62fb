"""Reports about addresses, taken one at a time as mail brings them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.bouncing import SoftBounds
from gateway.core.evidence import Kind
from gateway.core.record import Block, Door, Scope
from gateway.core.signal import Reported
from gateway.flow.bounces import Bounces
from gateway.flow.ports import Unavailable
from tests.support.doors import ACME, ANNE, LETTER, OFFERS, PARTNERS, Doors

OTHER = replace(LETTER, name="other-letter", advertiser=replace(ACME, name="other"))
HARD, FULL, POLICY = Reported("", "5.1.1"), Reported("", "4.2.2"), Reported("", "5.7.1", True)


def taking(doors: Doors, *streams: object) -> Bounces:
    every = {one.name: one for one in (LETTER, OFFERS, OTHER)}
    return Bounces(doors.book, doors.book, every, PARTNERS, SoftBounds(), doors.clock, doors.tally, doors.lines)


async def test_a_dead_mailbox_is_dead_for_one_advertiser_and_opposes_nothing() -> None:
    """R-MBX-14."""
    doors = Doors()
    await taking(doors).take(ANNE, LETTER, "", HARD, doors.clock.now())
    (filed,) = await doors.book.oppositions(ANNE)
    assert (filed.block, filed.scope, filed.advertiser) == (Block.BOUNCED, Scope.ADVERTISER, "acme")
    assert [event.kind for event in doors.book.events] == [Kind.RETURN]
    assert doors.book.notes == []
    assert doors.tally.doors == []


async def test_a_dead_mailbox_reported_again_adds_nothing() -> None:
    doors = Doors()
    bounces = taking(doors)
    for _ in range(5):
        await bounces.take(ANNE, LETTER, "", HARD, doors.clock.now())
    assert len(doors.book.events) == 1


async def test_the_same_report_twice_counts_once() -> None:
    doors = Doors()
    bounces = taking(doors)
    for _ in range(9):
        await bounces.take(ANNE, LETTER, "", FULL, doors.clock.now(), key=b"the very same report")
    run = await doors.book.soft_run(ANNE, "acme")
    assert run is not None
    assert run.count == 1


async def test_policy_rejections_never_kill_however_many() -> None:
    """R-STD-64."""
    doors = Doors()
    for _ in range(30):
        await taking(doors).take(ANNE, LETTER, "", POLICY, doors.clock.now())
        doors.clock.advance(days=1)
    assert await doors.book.oppositions(ANNE) == []
    assert {event.outcome for event in doors.book.events} == {"policy"}


async def test_soft_failures_of_one_advertiser_are_not_those_of_another() -> None:
    """R-MBX-15."""
    doors = Doors()
    bounces = taking(doors)
    for number in range(8):
        await bounces.take(ANNE, LETTER if number % 2 else OTHER, "", FULL, doors.clock.now())
        doors.clock.advance(days=4)
    assert await doors.book.oppositions(ANNE) == []
    await bounces.take(ANNE, LETTER, "", FULL, doors.clock.now())
    (filed,) = await doors.book.oppositions(ANNE)
    assert (filed.block, filed.advertiser) == (Block.BOUNCED, "acme")
    assert doors.book.events[-1].detail == "status=4.2.2; soft; run=5"
    assert await doors.book.soft_run(ANNE, "acme") is None


async def test_a_report_about_nobodys_mail_is_on_record_and_suppresses_nobody() -> None:
    doors = Doors()
    await taking(doors).take(ANNE, None, "", HARD, doors.clock.now())
    assert await doors.book.oppositions(ANNE) == []
    assert [event.outcome for event in doors.book.events] == ["dead"]


async def test_a_complaint_by_mail_is_filed_counted_and_told() -> None:
    """R-STD-66, R-MBX-10."""
    doors = Doors()
    bounces = taking(doors)
    for _ in range(2):
        await bounces.complain(ANNE, LETTER, "", "google", doors.clock.now())
    (filed,) = await doors.book.oppositions(ANNE)
    assert (filed.block, filed.door) == (Block.COMPLAINED, Door.COMPLAINT)
    tallies = await doors.book.tallies(doors.clock.now() - timedelta(days=1))
    assert [(one.stream, one.provider, one.count) for one in tallies] == [("acme-letter", "google", 1)]
    assert [note.partner for note in await doors.book.pending()] == ["Fichier+"]
    assert doors.tally.doors == ["complaint"]


async def test_a_complaint_of_an_unknown_stream_charges_none_of_several() -> None:
    doors = Doors()
    await taking(doors).complain(ANNE, None, "acme", "google", doors.clock.now())
    (filed,) = await doors.book.oppositions(ANNE)
    assert (filed.scope, filed.advertiser) == (Scope.ADVERTISER, "acme")
    assert await doors.book.tallies(doors.clock.now() - timedelta(days=1)) == []
    assert doors.book.events[0].stream == ""


async def test_a_complaint_of_an_unknown_advertiser_stops_everything() -> None:
    """R-FR-67: nobody can say whose mail it was."""
    doors = Doors()
    await taking(doors).complain(ANNE, None, "", "google", doors.clock.now())
    assert [one.scope for one in await doors.book.oppositions(ANNE)] == [Scope.ALL]


@pytest.mark.parametrize("fault", ["down", "read_only"])
async def test_what_is_not_recorded_is_said(fault: str) -> None:
    doors = Doors()
    setattr(doors.book, fault, True)
    with pytest.raises(Unavailable):
        await taking(doors).take(ANNE, LETTER, "", HARD, doors.clock.now())
    with pytest.raises(Unavailable):
        await taking(doors).complain(ANNE, LETTER, "", "", doors.clock.now(), key=b"k")
    assert doors.book.changes == []
