"""What every spool promises: mail that was kept stays until it is settled, and nobody gets it twice at once."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.core.model import Ref
from gateway.edges.store.spool import IN_ROW, SqliteSpool
from gateway.flow.ports import Addressee, Envelope
from tests.support.people import NOON, at

ENVELOPE = Envelope("crm", "news", "bounces@acme.example", smtputf8=True, eight_bit=False, ret="HDRS", envid="QQ+2B1", slip="doi")
ANN = Addressee("ann@example.com", "FAILURE,DELAY", "rfc822;ann@example.com")
BOB = Addressee("bob@example.com")


async def keep(spool: SqliteSpool, message: bytes, *to: Addressee, due: datetime = NOON) -> None:
    await spool.keep(ENVELOPE, message, [(one, Ref(f"n1w0-{number}")) for number, one in enumerate(to, 1)], due, at(600))


@pytest.mark.parametrize("size", [0, 1000, IN_ROW, IN_ROW + 1, 3 * IN_ROW])
async def test_a_kept_message_comes_back_byte_for_byte(spool: SqliteSpool, size: int) -> None:
    message = bytes(number % 251 for number in range(size))
    await keep(spool, message, ANN, BOB)
    ann, bob = await spool.due(NOON, 10)
    assert (ann.envelope, ann.addressee, ann.message, ann.attempts) == (ENVELOPE, ANN, message, 0)
    assert (ann.accepted_at, ann.expires_at, ann.decision) == (NOON, at(600), Ref("n1w0-1"))
    assert (bob.addressee, bob.decision, bob.message_id) == (BOB, Ref("n1w0-2"), ann.message_id)
    assert bob.message is ann.message


async def test_nothing_is_due_before_its_time(spool: SqliteSpool) -> None:
    await keep(spool, b"x", ANN, due=at(5))
    assert await spool.due(at(4), 10) == []
    assert await spool.next_due() == at(5)
    assert len(await spool.due(at(5), 10)) == 1


async def test_a_leased_parcel_is_given_to_nobody_else(spool: SqliteSpool) -> None:
    await keep(spool, b"x", ANN, BOB)
    (first,) = await spool.due(NOON, 1)
    (second,) = await spool.due(NOON, 10)
    assert first.id != second.id
    assert await spool.due(NOON, 10) == []
    assert await spool.next_due() is None
    assert await spool.depth() == 2


async def test_the_most_overdue_goes_first(spool: SqliteSpool) -> None:
    await keep(spool, b"late", ANN, due=at(2))
    await keep(spool, b"early", BOB, due=at(1))
    assert [one.message for one in await spool.due(at(3), 10)] == [b"early", b"late"]


async def test_a_postponed_parcel_counts_its_attempt_and_is_due_again(spool: SqliteSpool) -> None:
    await keep(spool, b"x", ANN)
    (parcel,) = await spool.due(NOON, 10)
    await spool.postpone(parcel, at(10))
    assert await spool.due(at(9), 10) == []
    assert await spool.next_due() == at(10)
    (again,) = await spool.due(at(10), 10)
    assert (again.id, again.attempts) == (parcel.id, 1)


async def test_a_message_goes_with_its_last_recipient(spool: SqliteSpool) -> None:
    await keep(spool, b"x" * (IN_ROW + 1), ANN, BOB)
    ann, bob = await spool.due(NOON, 10)
    await spool.settle(ann)
    await spool.postpone(bob, NOON)
    (bob,) = await spool.due(NOON, 10)
    assert len(bob.message) == IN_ROW + 1
    await spool.settle(bob)
    assert await spool.depth() == 0
    assert await spool.due(at(999), 10) == []
    assert await spool.next_due() is None


async def test_the_room_left_is_known(spool: SqliteSpool) -> None:
    assert spool.free_bytes() > 0
