"""What every store and its archive promise together: entries move and are never lost, doubled, changed or forgotten unproven."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.duration import Duration
from gateway.core.evidence import GENESIS, link, parse_event
from gateway.core.model import Ref
from gateway.edges.archive.folder import Folder
from gateway.edges.archive.shelf import Shelf, Span
from gateway.edges.archive.shelved import KEPT_MANIFESTS, ShelvedArchive
from gateway.flow.archive_ports import Damaged
from gateway.flow.archiving import Archived, Archiving, DailyArchiving, Plan
from gateway.flow.period import Accounts
from gateway.flow.ports import Entry, Journal, Unavailable
from gateway.flow.whole_journal import WholeJournal
from tests.contract.conftest import Opening, Store
from tests.support.clock import StillClock
from tests.support.people import at, event, person

CLOCK = StillClock(at(60 * 24 * 40))
EVERYTHING = Plan(at(60 * 24 * 39), most=300)


class StillLog:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """See `ports.Log`."""
        self.said.append(what)


async def listed(journal: Journal, writer: str = "", after: int = 0) -> list[Entry]:
    return [one async for one in journal.entries(writer, after)]


async def archive_with(store: Store, shelf: Shelf, plan: Plan = EVERYTHING) -> Archived:
    return await Archiving(store.book, store.journal, ShelvedArchive(shelf), CLOCK).run(plan)


def whole(store: Store, folder: Path) -> WholeJournal:
    return WholeJournal(store.journal, ShelvedArchive(Folder(folder)))


async def filled(store: Store, count: int = 1000) -> list[Entry]:
    """So many entries, a minute apart, about seven people and nobody."""
    await store.book.commit([event(number, person(number % 8) if number % 8 else None) for number in range(count)])
    return await listed(store.journal)


async def test_archived_and_live_entries_are_one_journal_in_order(store: Store, tmp_path: Path) -> None:
    before = await filled(store)
    done = await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(750)))
    assert [run.entries for run in done.runs] == [300, 300, 150]
    assert (done.entries, done.trimmed, done.breaks) == (750, 750, [])
    live = await listed(store.journal)
    assert [entry.seq for entry in live[:2]] == [751, 752]
    journal = whole(store, tmp_path / "a")
    assert (await listed(journal))[:1000] == before
    for after in (0, 1, 255, 256, 299, 300, 749, 750, 751, 999):
        assert (await listed(journal, "n1w0", after))[: 1000 - after] == before[after:]
    for number in (1, 256, 257, 300, 301, 750, 751, 1000):
        assert await journal.entry(Ref(f"n1w0-{number}")) == before[number - 1]
    for nothing in ("n1w0-0", "n1w0-9999", "other-1", "n1w0-x", "", "n1w0-" + "9" * 30):
        assert await journal.entry(Ref(nothing)) is None
    checked = await journal.verify()
    assert (checked.breaks, checked.entries) == ((), 1003)
    assert await journal.heads() == await store.journal.heads()


async def test_a_persons_timeline_spans_both(opened: Opening, tmp_path: Path) -> None:
    async with opened("n1w0") as store, opened("n1w1") as other:
        for minutes in range(0, 600, 2):
            await store.book.commit([event(minutes, person(minutes % 3))])
            await other.book.commit([event(minutes + 1, person(minutes % 3))])
        before = await store.journal.of_person(person(1))
        await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(400), most=64))
        journal = whole(store, tmp_path / "a")
        assert await journal.of_person(person(1)) == before
        assert len(await store.journal.of_person(person(1))) < len(before)
        assert await journal.of_person(person(77)) == []


async def test_nothing_young_is_archived_and_a_wrong_clock_holds_nothing_up(store: Store, tmp_path: Path) -> None:
    await store.book.commit([event(1), event(60 * 24 * 400), event(3), event(50), event(4)])
    done = await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(50)))
    assert done.entries == 3
    assert (await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(50)))).entries == 0


async def test_a_second_run_goes_on_where_the_first_ended_and_a_third_does_nothing(store: Store, tmp_path: Path) -> None:
    before = await filled(store)
    shelf = Folder(tmp_path / "a")
    await archive_with(store, shelf, replace(EVERYTHING, until=at(200)))
    done = await archive_with(store, shelf, replace(EVERYTHING, until=at(500)))
    assert [run.label for run in done.runs] == ["n1w0-201..500"]
    assert (await archive_with(store, shelf, replace(EVERYTHING, until=at(500)))).runs == []
    assert (await listed(whole(store, tmp_path / "a")))[:1000] == before


async def test_each_archived_run_is_on_record_with_its_digest(store: Store, tmp_path: Path) -> None:
    await filled(store, 300)
    done = await archive_with(store, Folder(tmp_path / "a"))
    told = [found for entry in await listed(store.journal) if (found := parse_event(entry.body)) and found.outcome == "archived"]
    assert [one.detail for one in told] == [f"writer=n1w0; entries=1-300; sha256={done.runs[0].digest.hex()}"]


async def test_without_trimming_everything_stays_and_is_there_once(store: Store, tmp_path: Path) -> None:
    before = await filled(store, 700)
    done = await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, trim=False))
    assert (done.entries, done.trimmed) == (700, 0)
    assert (await listed(store.journal))[:700] == before
    assert (await listed(whole(store, tmp_path / "a")))[:700] == before
    later = await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(-1)))
    assert (later.entries, later.trimmed) == (0, 700)
    assert (await listed(whole(store, tmp_path / "a")))[:700] == before


async def test_a_dry_run_counts_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    before = await filled(store, 700)
    done = await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, dry=True))
    assert (done.entries, done.runs, done.trimmed) == (700, [], 0)
    assert await listed(store.journal) == before
    assert not (tmp_path / "a").exists()


async def test_a_quiet_chain_waits_until_there_is_enough_or_it_is_old(store: Store, tmp_path: Path) -> None:
    await filled(store, 100)
    waiting = replace(EVERYTHING, until=at(100), least=500)
    assert (await archive_with(store, Folder(tmp_path / "a"), waiting)).entries == 0
    young = replace(waiting, until=at(0) + timedelta(days=30, seconds=-1))
    assert (await archive_with(store, Folder(tmp_path / "a"), young)).entries == 0
    assert (await archive_with(store, Folder(tmp_path / "a"), replace(young, until=at(0) + timedelta(days=30)))).entries == 100


async def test_a_chain_with_enough_does_not_wait(store: Store, tmp_path: Path) -> None:
    await filled(store, 100)
    done = await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(100), least=100))
    assert done.entries == 100


async def test_a_fully_archived_chain_goes_on(opened: Opening, tmp_path: Path) -> None:
    async with opened("n1w1") as other:
        await other.book.commit([event(number) for number in range(10)])
    async with opened("n1w0") as store:
        await archive_with(store, Folder(tmp_path / "a"))
        again = await archive_with(store, Folder(tmp_path / "a"))
        assert (again.entries, again.trimmed) == (0, 0)
    async with opened("n1w1") as other:
        assert await other.book.commit([event(11)]) == [Ref("n1w1-11")]
        journal = whole(other, tmp_path / "a")
        assert [entry.seq for entry in await listed(journal, "n1w1")] == list(range(1, 12))
        assert (await journal.verify()).breaks == ()


async def test_a_chain_that_does_not_hold_is_neither_archived_nor_trimmed(store: Store, tmp_path: Path) -> None:
    before = await filled(store, 700)

    class Edited:
        """The same store with one entry changed, as if somebody had edited the file."""

        def __getattr__(self, name: str) -> object:
            return getattr(store.journal, name)

        async def entries(self, writer: str = "", after: int = 0) -> object:
            async for entry in store.journal.entries(writer, after):
                yield replace(entry, body=entry.body.replace(b"crm", b"cms")) if entry.seq == 450 else entry

    edited: Journal = Edited()  # type: ignore[assignment]
    done = await Archiving(store.book, edited, ShelvedArchive(Folder(tmp_path / "a")), CLOCK).run(EVERYTHING)
    assert [(run.first, run.last) for run in done.runs] == [(1, 300)]
    assert [(found.seq, "changed" in found.why) for found in done.breaks] == [(450, True)]
    assert (await listed(store.journal))[0].seq == 301
    assert (await listed(whole(store, tmp_path / "a")))[:700] == before


async def test_another_archive_than_the_one_trimmed_into_is_refused(store: Store, tmp_path: Path) -> None:
    await filled(store, 700)
    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(300)))
    done = await archive_with(store, Folder(tmp_path / "b"))
    assert [found.why for found in done.breaks] == ["entries 1 to 300 are neither here nor in the archive"]
    assert done.runs == []
    missing = await whole(store, tmp_path / "b").verify()
    assert [found.why for found in missing.breaks] == ["entries 1 to 300 before it are missing"]


async def test_a_store_from_an_older_copy_is_not_archived_into_a_newer_archive(
    store: Store, opened: Opening, tmp_path: Path
) -> None:
    await filled(store, 10)

    class Older:
        """The store as a copy of an earlier day would be: its chain ends sooner."""

        def __getattr__(self, name: str) -> object:
            return getattr(store.journal, name)

        async def heads(self) -> Sequence[tuple[str, int, bytes]]:
            return [("n1w0", 5, (await listed(store.journal))[4].hash)]

    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, trim=False))
    older: Journal = Older()  # type: ignore[assignment]
    done = await Archiving(store.book, older, ShelvedArchive(Folder(tmp_path / "a")), CLOCK).run(EVERYTHING)
    assert [found.why for found in done.breaks] == ["the archive has entries up to 10: this store is an older one"]


class Failing(Folder):
    """A folder whose call number `fails` does not come back, before or after it took effect."""

    def __init__(self, root: Path, fails: int, *, after: bool) -> None:
        super().__init__(root)
        self._left = fails
        self._after = after

    async def put(self, name: str, content: bytes) -> None:
        await self._perhaps(False)
        await super().put(name, content)
        await self._perhaps(True)

    async def get(self, name: str) -> bytes:
        await self._perhaps(self._after)
        return await super().get(name)

    async def parts(self, name: str, spans: Sequence[Span]) -> Sequence[bytes]:
        await self._perhaps(self._after)
        return await super().parts(name, spans)

    async def names(self, prefix: str) -> Sequence[str]:
        await self._perhaps(self._after)
        return await super().names(prefix)

    async def _perhaps(self, after: bool) -> None:
        if after is self._after:
            self._left -= 1
            if self._left == 0:
                raise Unavailable("archive: it is gone")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_run_that_fails_at_any_step_loses_and_doubles_nothing_and_is_finished_by_the_next(
    store: Store, tmp_path: Path, after: bool
) -> None:
    before = await filled(store, 500)
    plan = replace(EVERYTHING, most=200, until=at(500))
    for step in range(1, 100):
        shelf = Failing(tmp_path / "a", step, after=after)
        try:
            await archive_with(store, shelf, plan)
        except Unavailable:
            journal = whole(store, tmp_path / "a")
            assert (await listed(journal, "n1w0"))[:500] == before
            assert (await journal.verify()).breaks == ()
        else:
            break
    assert step > 3
    assert (await listed(store.journal))[0].seq >= 500
    assert (await listed(whole(store, tmp_path / "a")))[:500] == before
    assert sorted(path.name[:39] for path in (tmp_path / "a" / "journal" / "n1w0").glob("*.gz")) == [
        f"{first:019}-{last:019}" for first, last in ((1, 200), (201, 400), (401, 500))
    ]


async def test_what_cannot_be_read_back_as_written_is_not_named_and_nothing_is_trimmed(store: Store, tmp_path: Path) -> None:
    before = await filled(store, 300)

    class Lying(Folder):
        """A folder on a disk that loses a bit."""

        async def get(self, name: str) -> bytes:
            found = await super().get(name)
            return found if "manifest" in name else found[:-20] + bytes((found[-20] ^ 1,)) + found[-19:]

    with pytest.raises(Damaged, match="cannot be read back"):
        await archive_with(store, Lying(tmp_path / "a"))
    assert await listed(store.journal) == before
    assert await ShelvedArchive(Folder(tmp_path / "a")).runs() == ()


@pytest.mark.parametrize("moment", ["manifest/", "journal/"])
async def test_of_two_runs_at_once_one_gives_way_and_nothing_is_lost(store: Store, tmp_path: Path, moment: str) -> None:
    before = await filled(store, 600)
    folder = tmp_path / "a"

    class Overtaken(Folder):
        """A folder into which another process archives while this one is about to write its object, or its manifest."""

        async def put(self, name: str, content: bytes) -> None:
            if name.startswith(moment) and not (folder / "manifest").exists():
                await archive_with(store, Folder(folder), replace(EVERYTHING, until=at(100), trim=True))
            await super().put(name, content)

    with pytest.raises(Unavailable, match="meanwhile"):
        await archive_with(store, Overtaken(folder))
    assert (await listed(whole(store, folder)))[:600] == before
    await archive_with(store, Folder(folder))
    assert (await listed(whole(store, folder)))[:600] == before
    assert (await whole(store, folder).verify()).breaks == ()


async def test_only_the_latest_manifests_are_kept(store: Store, tmp_path: Path) -> None:
    await filled(store, 200)
    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, most=20))
    names = sorted(path.name for path in (tmp_path / "a" / "manifest").iterdir())
    assert names == [f"{number:08}.json" for number in range(10 - KEPT_MANIFESTS + 1, 11)]


async def test_a_reader_is_not_disturbed_by_entries_that_move_while_it_reads(store: Store, tmp_path: Path) -> None:
    before = await filled(store, 1500)
    seen = []
    async for entry in whole(store, tmp_path / "a").entries():
        seen.append(entry)
        if entry.seq in (100, 700):
            await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(entry.seq + 600)))
    assert seen[:1500] == before
    assert [entry.seq for entry in seen] == list(range(1, len(seen) + 1))


TAMPERED = {
    "content changed": ("journal/n1w0/*1-*300.jsonl.gz", lambda old: old[:500] + bytes((old[500] ^ 4,)) + old[501:]),
    "content cut": ("journal/n1w0/*1-*300.jsonl.gz", lambda old: old[:-100]),
    "content gone": ("journal/n1w0/*1-*300.jsonl.gz", lambda _: None),
    "index changed": ("journal/n1w0/*1-*300.index", lambda old: old[:-3] + bytes((old[-3] ^ 1,)) + old[-2:]),
    "index gone": ("journal/n1w0/*1-*300.index", lambda _: None),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_verify_names_what_was_tampered_with_and_no_reader_is_given_it(store: Store, tmp_path: Path, what: str) -> None:
    before = await filled(store, 900)
    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(900)))
    pattern, change = TAMPERED[what]
    (path,) = (tmp_path / "a").glob(pattern)
    changed = change(path.read_bytes())
    if changed is None:
        path.unlink()
    else:
        path.write_bytes(changed)
    journal = whole(store, tmp_path / "a")
    found = (await journal.verify()).breaks
    assert found[0].writer == "n1w0"
    assert found[0].seq == 1
    assert path.name.split(".")[0] in found[0].why
    seen: list[Entry] = []
    try:
        seen += [entry async for entry in journal.entries()]
        seen += await journal.of_person(person(3))
    except Damaged:
        pass
    assert all(entry in before or entry.seq > 900 for entry in seen)


@pytest.mark.parametrize("change", [lambda old: old[:-9], lambda _: b"{}", lambda old: old.replace(b'"first": 1,', b'"first": 2,')])
async def test_a_manifest_that_is_none_is_refused(store: Store, tmp_path: Path, change: object) -> None:
    await filled(store, 300)
    await archive_with(store, Folder(tmp_path / "a"))
    (path,) = (tmp_path / "a" / "manifest").iterdir()
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(Damaged, match=r"manifest/00000001\.json"):
        await whole(store, tmp_path / "a").verify()
    with pytest.raises(Damaged):
        await archive_with(store, Folder(tmp_path / "a"))


@pytest.mark.parametrize("field", ["last", "hash", "sha256", "index_sha256", "size", "buckets"])
async def test_a_manifest_that_tells_something_else_is_found_and_nothing_is_trimmed_by_it(
    store: Store, tmp_path: Path, field: str
) -> None:
    await filled(store, 600)
    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(300), trim=False))
    (path,) = (tmp_path / "a" / "manifest").iterdir()
    told = json.loads(path.read_bytes())
    old = told["runs"][0][field]
    told["runs"][0][field] = old - 1 if isinstance(old, int) and old > 1 else 2 if old == 1 else "0" * 64
    path.write_text(json.dumps(told))
    assert (await whole(store, tmp_path / "a").verify()).breaks
    done = await archive_with(store, Folder(tmp_path / "a"))
    assert done.breaks
    assert (await listed(store.journal))[0].seq == 1


async def test_an_archive_written_anew_with_other_events_differs_from_the_live_chain(store: Store, tmp_path: Path) -> None:
    """Somebody who rewrites the archive from its first entry on, hashes, indexes, manifest and all, meets the live chain's own."""
    before = await filled(store, 600)
    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(300)))
    forged, last = [], GENESIS
    for entry in before[:300]:
        body = entry.body.replace(b'"crm"', b'"abc"')
        last = link(last, "n1w0", entry.seq, body)
        forged.append(Entry("n1w0", entry.seq, body, last))
    other = ShelvedArchive(Folder(tmp_path / "b"))
    sealing = other.begin("n1w0", 1, GENESIS)
    await sealing.add(forged)
    await other.name(await other.keep(sealing))
    found = (await whole(store, tmp_path / "b").verify()).breaks
    assert [(one.seq, one.why) for one in found] == [(301, "changed, or does not follow the entry before it")]


async def test_a_period_is_counted_over_both_and_reads_only_what_it_needs(store: Store, tmp_path: Path) -> None:
    await filled(store, 900)
    counted = await Accounts(store.journal, store.outbox, store.returns).period(at(350), at(700))
    await archive_with(store, Folder(tmp_path / "a"), replace(EVERYTHING, until=at(650)))
    (tmp_path / "a" / "journal" / "n1w0" / f"{1:019}-{300:019}.jsonl.gz").unlink()
    journal = WholeJournal(store.journal, ShelvedArchive(Folder(tmp_path / "a")), at(350), at(700))
    again = await Accounts(journal, store.outbox, store.returns).period(at(350), at(700))
    assert (again.events, again.kinds) == (counted.events, counted.kinds)


async def test_the_daily_job_archives_what_has_waited_and_says_when_it_cannot(store: Store, tmp_path: Path) -> None:
    await filled(store, 300)
    log = StillLog()
    archiving = Archiving(store.book, store.journal, ShelvedArchive(Folder(tmp_path / "a")), CLOCK)
    daily = DailyArchiving(archiving, Duration(0, 7), log)
    assert await daily.daily(CLOCK.now(), True) == {"archived": 300, "trimmed": 0, "not-archived": 0}
    assert await daily.daily(CLOCK.now(), False) == {"archived": 300, "trimmed": 299, "not-archived": 0}
    elsewhere = Archiving(store.book, store.journal, ShelvedArchive(Failing(tmp_path / "a", 1, after=False)), CLOCK)
    assert await DailyArchiving(elsewhere, Duration(0, 7), log).daily(CLOCK.now(), False) == {"not-archived": 1}
    assert log.said == ["journal-not-archived"]
