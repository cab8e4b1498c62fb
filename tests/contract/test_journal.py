"""What every journal promises: one unbroken chain a writer, in the order of the commits."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.evidence import parse_event, verify
from gateway.core.model import Ref
from gateway.flow.ports import Entry, Journal
from tests.contract.conftest import Opening, Store
from tests.support.people import event, person


async def listed(journal: Journal, writer: str = "", after: int = 0) -> list[Entry]:
    return [one async for one in journal.entries(writer, after)]


async def test_events_are_numbered_from_one_in_the_order_of_their_commit(store: Store) -> None:
    assert await store.book.commit([event(1), event(2)]) == [Ref("n1w0-1"), Ref("n1w0-2")]
    assert await store.book.commit([]) == []
    assert await store.book.commit([event(3)]) == [Ref("n1w0-3")]
    assert [parse_event(one.body) for one in await listed(store.journal)] == [event(1), event(2), event(3)]


async def test_concurrent_commits_make_one_chain_that_verifies(store: Store) -> None:
    refs = await asyncio.gather(*(store.book.commit([event(number)]) for number in range(700)))
    assert len({one for (one,) in refs}) == 700
    entries = await listed(store.journal)
    assert [one.seq for one in entries] == list(range(1, 701))
    assert verify(entries, await store.journal.heads()) == []


async def test_a_reference_finds_its_entry(store: Store) -> None:
    await store.book.commit([event(1), event(2)])
    found = await store.journal.entry(Ref("n1w0-2"))
    assert found is not None
    assert (found.writer, found.seq, parse_event(found.body)) == ("n1w0", 2, event(2))


@pytest.mark.parametrize("ref", ["", "n1w0", "n1w0-", "n1w0-x", "n1w0-0", "n1w0-2", "n1w0-²", "n1w0-" + "9" * 30, "other-1", "-1"])
async def test_a_reference_to_nothing_finds_nothing(store: Store, ref: str) -> None:
    await store.book.commit([event()])
    assert await store.journal.entry(Ref(ref)) is None


async def test_one_persons_entries_come_oldest_first_whoever_wrote_them(opened: Opening) -> None:
    ann = person(1)
    async with opened("n1w0") as one, opened("n1w1") as other:
        await other.book.commit([event(1, ann, "first")])
        await one.book.commit([event(2, ann, "second"), event(2, person(2)), event(2)])
        await other.book.commit([event(3, ann, "third")])
        events = [parse_event(entry.body) for entry in await one.journal.of_person(ann)]
        assert [found and found.outcome for found in events] == ["first", "second", "third"]
        assert await one.journal.of_person(person(9)) == []


async def test_entries_of_one_writer_can_be_read_from_any_number_on(opened: Opening) -> None:
    async with opened("n1w0") as one, opened("n1w1") as other:
        await one.book.commit([event(number) for number in range(1100)])
        await other.book.commit([event(), event()])
        assert [entry.seq for entry in await listed(one.journal, "n1w0", 598)] == list(range(599, 1101))
        assert [(entry.writer, entry.seq) for entry in await listed(one.journal)][1099:] == [
            ("n1w0", 1100),
            ("n1w1", 1),
            ("n1w1", 2),
        ]
        assert [entry.seq for entry in await listed(one.journal, "nobody")] == []


async def test_a_writer_goes_on_where_it_stopped_and_heads_tell_every_chain(opened: Opening) -> None:
    async with opened("n1w0") as store:
        await store.book.commit([event(1)])
    async with opened("n1w0") as store, opened("n1w1") as other:
        assert await store.book.commit([event(2)]) == [Ref("n1w0-2")]
        await other.book.commit([event(3)])
        last = {entry.writer: (entry.seq, entry.hash) for entry in await listed(store.journal)}
        assert {writer: (seq, found) for writer, seq, found in await store.journal.heads()} == last
        assert verify(await listed(store.journal), await store.journal.heads()) == []


async def test_a_trimmed_chain_keeps_its_head_and_its_last_two_entries_and_goes_on(opened: Opening) -> None:
    async with opened("n1w0") as store, opened("n1w1") as other:
        await store.book.commit([event(number, person(number)) for number in range(1, 1301)])
        await other.book.commit([event(number) for number in range(1, 6)])
        before = await store.journal.heads()
        await store.journal.trim("n1w0", 1200)
        assert [entry.seq for entry in await listed(store.journal, "n1w0")] == list(range(1201, 1301))
        assert await store.journal.entry(Ref("n1w0-1200")) is None
        assert await store.journal.of_person(person(1200)) == []
        assert len(await listed(store.journal, "n1w1")) == 5
        await store.journal.trim("n1w0", 9_999)
        assert [entry.seq for entry in await listed(store.journal, "n1w0")] == [1299, 1300]
        assert await store.journal.heads() == before
    async with opened("n1w0") as store:
        assert await store.book.commit([event(1)]) == [Ref("n1w0-1301")]
        left = await listed(store.journal, "n1w0")
        assert [found.why for found in verify(left)] == ["entries 1 to 1298 before it are missing"]


@pytest.mark.parametrize(("writer", "upto"), [("nobody", 5), ("n1w0", 0), ("n1w0", -1), ("n1w0", 1)])
async def test_trimming_what_is_not_there_or_is_the_chains_end_changes_nothing(store: Store, writer: str, upto: int) -> None:
    await store.book.commit([event(1), event(2)])
    await store.journal.trim(writer, upto)
    assert [entry.seq for entry in await listed(store.journal)] == [1, 2]
