"""What every store promises about what came back: tasks, routes, runs of failures, what was done once, cursors, kept mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from gateway.core.change import (
    Discard,
    Forget,
    KeepForPerson,
    KeepRoutes,
    MoveCursor,
    NoteSoft,
    OpenTask,
    Remember,
)
from gateway.core.task import SoftRun, Task, TaskKind
from tests.contract.conftest import Opening, Store
from tests.support.people import NOON, PARIS, at, event, person

ANN, BOB = person(1), person(2)
DAY = timedelta(days=1)
ASKED = Task("00" * 8, TaskKind.RIGHTS, ANN, "acme", "news", ("access", "erasure"), "answer", NOON, at(60), b"sealed mail")
UNCLEAR = replace(ASKED, id="01" * 8, kind=TaskKind.UNCLEAR, asks=(), due_at=at(5), sealed=b"")
CLOSED = replace(ASKED, closed_at=at(9), closed_by="dpo", outcome="answered", reminded_at=at(3), told_at=PARIS)
RUN = SoftRun(3, PARIS, at(2))


async def test_tasks_wait_by_their_date_until_they_are_closed(store: Store) -> None:
    """R-FR-59: nothing is done because time passed; a task is open until somebody closes it."""
    await store.book.commit([event()], [OpenTask(ASKED), OpenTask(UNCLEAR)])
    assert await store.returns.tasks() == [UNCLEAR, ASKED]
    await store.book.commit([event()], [OpenTask(CLOSED)])
    assert await store.returns.tasks() == [UNCLEAR]
    assert await store.returns.tasks(closed=True) == [UNCLEAR, CLOSED]
    assert await store.returns.task(ASKED.id) == CLOSED
    assert await store.returns.task("ff" * 8) is None


async def test_many_tasks_of_one_date_are_all_read_once(store: Store) -> None:
    tasks = [replace(ASKED, id=f"{number:016x}") for number in range(100)]
    await store.book.commit([], [OpenTask(one) for one in reversed(tasks)])
    assert await store.returns.tasks() == tasks


async def test_the_dossier_tells_the_tasks_about_a_person(store: Store) -> None:
    """R-DP-11: what they asked, by when, and how it ended."""
    await store.book.commit([], [OpenTask(CLOSED), OpenTask(UNCLEAR), OpenTask(replace(UNCLEAR, id="02" * 8, person=BOB))])
    assert (await store.book.dossier(ANN)).tasks == (CLOSED, UNCLEAR)
    assert (await store.book.dossier(person(3))).tasks == ()


async def test_an_erased_persons_closed_tasks_lose_their_text_and_open_ones_when_they_close(store: Store) -> None:
    """GDPR 17 with 12(3): the request itself must still be answered."""
    await store.book.commit(
        [], [OpenTask(ASKED), OpenTask(replace(CLOSED, id="02" * 8)), OpenTask(replace(CLOSED, person=BOB, id="03" * 8))]
    )
    await store.book.commit([event()], [Forget(ANN)])
    assert await store.returns.task(ASKED.id) == ASKED
    assert await store.returns.task("02" * 8) == replace(CLOSED, id="02" * 8, sealed=b"")
    assert await store.returns.task("03" * 8) == replace(CLOSED, id="03" * 8, person=BOB)
    await store.book.commit([event()], [OpenTask(replace(ASKED, reminded_at=at(1)))])
    assert await store.returns.task(ASKED.id) == replace(ASKED, reminded_at=at(1))
    await store.book.commit([event()], [OpenTask(CLOSED)])
    assert await store.returns.task(ASKED.id) == replace(CLOSED, sealed=b"")


async def test_forgetting_for_one_advertiser_leaves_the_tasks_and_runs_of_others(store: Store) -> None:
    other = replace(CLOSED, advertiser="other")
    await store.book.commit([], [OpenTask(other), NoteSoft(ANN, "acme", RUN), NoteSoft(ANN, "other", RUN), Forget(ANN, "acme")])
    assert await store.returns.task(other.id) == other
    assert await store.returns.soft_run(ANN, "acme") is None
    assert await store.returns.soft_run(ANN, "other") == RUN


async def test_the_latest_routes_count_and_go_with_the_person(store: Store) -> None:
    """R-STD-56."""
    await store.book.commit([], [KeepRoutes(ANN, "news", b"new", at(2)), KeepRoutes(BOB, "news", b"bob", NOON)])
    await store.book.commit([], [KeepRoutes(ANN, "news", b"old", at(1))])
    assert await store.returns.routes(ANN, "news") == b"new"
    assert await store.returns.routes(ANN, "orders") is None
    await store.book.commit([event()], [Forget(ANN)])
    assert await store.returns.routes(ANN, "news") is None
    assert await store.returns.routes(BOB, "news") == b"bob"


async def test_routes_older_than_sixty_days_go_while_others_come(store: Store) -> None:
    old, now = [person(number) for number in range(40)], NOON + 61 * DAY
    await store.book.commit([], [KeepRoutes(one, "news", b"old", NOON) for one in old])
    await store.book.commit([], [KeepRoutes(person(number), "news", b"new", now) for number in range(100, 200)])
    assert [await store.returns.routes(one, "news") for one in old] == [None] * len(old)
    assert await store.returns.routes(person(100), "news") == b"new"


async def test_a_run_of_failures_stands_until_it_ends(store: Store) -> None:
    """R-MBX-15."""
    await store.book.commit([], [NoteSoft(ANN, "acme", SoftRun(1, PARIS, PARIS))])
    await store.book.commit([], [NoteSoft(ANN, "acme", RUN)])
    assert await store.returns.soft_run(ANN, "acme") == RUN
    assert await store.returns.soft_run(ANN, "other") is None
    await store.book.commit([], [NoteSoft(ANN, "acme", None), NoteSoft(BOB, "acme", None)])
    assert await store.returns.soft_run(ANN, "acme") is None


async def test_what_was_done_once_is_remembered_for_a_hundred_days(store: Store) -> None:
    keys = [b"ses:%d" % number for number in range(300)]
    await store.book.commit([], [Remember(key, at(number)) for number, key in enumerate(keys)])
    await store.book.commit([], [Remember(keys[0], at(400)), Remember(keys[1], at(-9))])
    assert await store.returns.remembered([*keys, b"other"], NOON) == frozenset(keys)
    assert await store.returns.remembered(keys, at(299)) == {keys[0], keys[299]}
    assert await store.returns.remembered([], NOON) == frozenset()


async def test_older_than_a_hundred_days_goes_while_others_come_whatever_the_keys_look_like(store: Store) -> None:
    old = [b"event-%d" % number for number in range(60)]
    await store.book.commit([], [Remember(key, NOON) for key in old])
    fresh = [b"later-%d" % number for number in range(60)] + [sha256(b"%d" % number).digest() for number in range(60)]
    await store.book.commit([], [Remember(key, NOON + 101 * DAY) for key in fresh])
    assert await store.returns.remembered(old, NOON) == frozenset()
    assert await store.returns.remembered(fresh, NOON) == frozenset(fresh)


async def test_a_cursor_is_where_it_was_last_moved_after_a_restart_too(opened: Opening) -> None:
    async with opened() as store:
        assert await store.returns.cursor("imap/inbox") == ""
        await store.book.commit([], [MoveCursor("imap/inbox", "7:1"), MoveCursor("imap/inbox", "7:2"), MoveCursor("ses", "x")])
    async with opened() as store:
        assert await store.returns.cursor("imap/inbox") == "7:2"


async def test_kept_mail_waits_until_a_person_has_dealt_with_it(store: Store) -> None:
    """R-STD-71."""
    await store.book.commit([], [KeepForPerson(box, b"%d" % n, at(n)) for n, box in enumerate(["abuse", "postmaster"] * 20)])
    kept = await store.returns.kept()
    assert [(one.mailbox, one.sealed_mail, one.at) for one in kept][:2] == [("abuse", b"0", NOON), ("postmaster", b"1", at(1))]
    assert len(kept) == 40
    assert await store.returns.kept("abuse") == kept[::2]
    await store.book.commit([], [Discard(kept[0].id), Discard(kept[0].id), Discard(10_000)])
    assert await store.returns.kept() == kept[1:]
