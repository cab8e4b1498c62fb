"""What every outbox promises: a note is there with its opposition, or neither is, and waits until it has ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.core.change import Alarmed, Errand, Forget, KeepOwnUnsubscribe, Learn, NoteDone, Oppose, Tell, TryAgain
from gateway.core.record import Scope
from gateway.flow.back_ports import Note
from tests.contract.conftest import Opening, Store
from tests.support.people import NOON, at, consent, event, opposition, person

ANN, BOB = person(1), person(2)
TOLD = Tell("beta", ANN, "acme", Scope.ADVERTISER, NOON)
TOOL = Tell("news", ANN, "acme", Scope.ADVERTISER, NOON, Errand.TOOL)


async def only(store: Store) -> Note:
    (note,) = await store.outbox.pending()
    return note


async def test_notes_wait_in_the_order_they_were_recorded(store: Store) -> None:
    await store.book.commit([], [Oppose(opposition(ANN)), Tell("beta", ANN, "acme", Scope.ADVERTISER, at(2))])
    await store.book.commit([], [Tell("alpha", ANN, "acme", Scope.ALL, NOON), Tell("beta", person(2), "acme", Scope.STREAM, at(3))])
    notes = await store.outbox.pending()
    assert [(one.partner, one.person, one.scope, one.at) for one in notes] == [
        ("beta", ANN, Scope.ADVERTISER, at(2)),
        ("alpha", ANN, Scope.ALL, NOON),
        ("beta", person(2), Scope.STREAM, at(3)),
    ]
    assert await store.outbox.pending("alpha") == [notes[1]]
    assert await store.outbox.pending("nobody") == []


async def test_many_notes_are_all_read(store: Store) -> None:
    await store.book.commit([], [Tell("beta", person(number), "acme", Scope.ALL, NOON) for number in range(1201)])
    assert [one.person for one in await store.outbox.pending("beta")] == [person(number) for number in range(1201)]


async def test_a_failed_commit_leaves_no_note(store: Store) -> None:
    tell = Tell("beta", ANN, "acme", Scope.ALL, NOON)
    (failure,) = await asyncio.gather(
        store.book.commit([], [tell, Oppose(opposition(ANN, at=None))]),
        return_exceptions=True,
    )
    assert isinstance(failure, Exception)
    assert await store.outbox.pending() == []


async def test_a_note_carries_the_newest_address_of_its_person_whoever_keeps_it(store: Store) -> None:
    """R-FR-35: an erasure in the same commit, or later, does not stop it."""
    records = [
        Learn(consent(ANN), b"first"),
        Learn(consent(ANN, advertiser="other"), b"newest"),
        Learn(consent(ANN, purpose="offers"), b""),
    ]
    await store.book.commit([event()], [*records, Learn(consent(BOB), b"bob")])
    await store.book.commit([event()], [TOLD, Tell("beta", person(3), "acme", Scope.ALL, NOON), Forget(ANN)])
    assert [one.sealed_address for one in await store.outbox.pending()] == [b"newest", b""]


async def test_what_waits_already_is_not_told_twice(store: Store) -> None:
    await store.book.commit([], [TOLD, replace(TOLD, at=at(5))])
    await store.book.commit([], [TOLD])
    first = await only(store)
    assert (first.at, first.due_at, first.sealed_address) == (NOON, NOON, b"")
    await store.book.commit([event()], [Learn(consent(ANN), b"known now"), TOLD])
    assert await only(store) == replace(first, sealed_address=b"known now")
    others = [TOOL, replace(TOLD, partner="alpha"), replace(TOLD, scope=Scope.ALL), replace(TOLD, advertiser="other")]
    await store.book.commit([], [*others, replace(TOLD, person=BOB)])
    assert len(await store.outbox.pending()) == 6
    await store.book.commit([], [NoteDone(first.id, at(1), "beta-1"), replace(TOLD, at=at(9))])
    assert [
        (one.at, one.errand) for one in await store.outbox.pending("beta") if one.person == ANN and one.advertiser == "acme"
    ] == [
        (NOON, Errand.PARTNER),
        (at(9), Errand.PARTNER),
    ]


async def test_notes_come_due_when_they_are_to_be_tried_again(store: Store) -> None:
    """R-FR-35, R-FR-36."""
    await store.book.commit([], [replace(TOLD, at=at(2)), TOOL, replace(TOLD, person=BOB, at=at(9))])
    assert await store.outbox.next_due() == NOON
    assert [one.partner for one in await store.outbox.due(at(8), 10)] == ["news", "beta"]
    tool = (await store.outbox.due(NOON, 1))[0]
    await store.book.commit(
        [], [TryAgain(tool.id, at(30), "503"), TryAgain(tool.id, at(40), "timeout"), Alarmed(tool.id, 72), Alarmed(tool.id, 24)]
    )
    assert [one.due_at for one in await store.outbox.due(at(60), 2)] == [at(2), at(9)]
    assert await store.outbox.next_due() == at(2)
    waiting = replace(tool, attempts=2, due_at=at(40), said="timeout", alarmed=72)
    assert (await store.outbox.due(at(60), 3))[2] == waiting
    assert await store.outbox.due(at(1), 10) == []


async def test_a_note_that_ended_is_a_receipt_without_an_address(opened: Opening) -> None:
    """R-FR-37: every partner's receipt is kept, and nothing that says who it was about but the key."""
    async with opened() as store:
        await store.book.commit([event()], [Learn(consent(ANN), b"sealed"), TOLD, replace(TOLD, person=BOB), TOOL])
        first, second, third = await store.outbox.pending()
        await store.book.commit(
            [event()],
            [
                TryAgain(first.id, at(9), "503"),
                NoteDone(first.id, at(5), "beta-77"),
                NoteDone(second.id, at(3), "given up", done=False),
            ],
        )
        await store.book.commit(
            [event()], [NoteDone(first.id, at(8), "other"), TryAgain(first.id, at(8), "other"), NoteDone(999, at(1), "none")]
        )
        assert await only(store) == third
    async with opened() as store:
        gone = replace(second, sealed_address=b"", due_at=None, told_at=at(3), receipt="given up", done=False)
        told = replace(first, sealed_address=b"", due_at=None, attempts=1, said="503", told_at=at(5), receipt="beta-77", done=True)
        assert await store.outbox.receipts(NOON) == [gone, told]
        assert await store.outbox.receipts(at(4)) == [told]
        assert await store.outbox.receipts(NOON, "news") == []
        assert (await store.book.dossier(ANN)).untold == ()
        await store.book.commit([], [TOLD])
        assert (await store.outbox.pending())[1].id > third.id


async def test_many_receipts_of_one_instant_are_all_read(store: Store) -> None:
    await store.book.commit([], [replace(TOLD, person=person(number)) for number in range(1201)])
    await store.book.commit([], [NoteDone(note.id, NOON, "done") for note in await store.outbox.pending()])
    assert len(await store.outbox.receipts(NOON, "beta")) == len(await store.outbox.receipts(NOON)) == 1201
    assert await store.outbox.next_due() is None


async def test_a_tools_own_unsubscribe_outlives_an_erasure_until_the_tool_was_told(store: Store) -> None:
    """R-FR-51."""
    keep = [KeepOwnUnsubscribe(ANN, stream, b"header", NOON) for stream in ("news", "orders")]
    await store.book.commit([event()], [*keep, TOOL, Forget(ANN)])
    assert await store.book.own_unsubscribe(ANN, "news") == b"header"
    assert await store.book.own_unsubscribe(ANN, "orders") is None
    assert (await store.book.dossier(ANN)).untold == ()
    await store.book.commit([event()], [NoteDone((await only(store)).id, at(1), "200")])
    assert await store.book.own_unsubscribe(ANN, "news") is None
