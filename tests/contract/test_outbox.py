"""What every outbox promises: a note is there with its opposition, or neither is."""

from __future__ import annotations

import asyncio

from gateway.core.change import Oppose, Tell
from gateway.core.record import Scope
from tests.contract.conftest import Store
from tests.support.people import NOON, at, opposition, person

ANN = person(1)


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
