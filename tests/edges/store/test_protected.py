"""An old copy of the embedded store that is put back: whoever opposed since is opposed, before anybody reads from it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, timedelta, timezone
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.change import Errand, Forget, ForgetWithdrawn, Learn, Lift, Oppose, Tell, Withdraw
from gateway.core.evidence import Kind, parse_event, verify
from gateway.core.model import PersonKey
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.edges.store.backup import back_up
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import copy
from gateway.edges.store.protecting import Protecting, parse_protecting, protecting_text
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.ports import Unavailable
from tests.support.embedded import lift, opened, oppose, opposed
from tests.support.people import consent, event, person


def put_aside(folder: Path, name: str) -> None:
    source = SqliteSource(folder / "gateway.db")
    back_up(source, folder / name)
    source.close()


def put_back(folder: Path, name: str) -> None:
    """As an administrator does, with the gateway stopped."""
    shutil.copy(folder / name, folder / "gateway.db")


async def put_back_on_record(store: SqliteStore) -> list[str]:
    events = [parse_event(entry.body) async for entry in store.journal.entries()]
    return [one.detail for one in events if one and one.kind is Kind.STORE]


async def test_the_copy_of_last_night_learns_who_opposed_since(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await oppose(store, 1, 2)
        put_aside(tmp_path, "night.db")
        await oppose(store, 3, 4)
        await lift(store, 2, 4)
        await oppose(store, 5)
    put_back(tmp_path, "night.db")
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1, 3, 5]
        assert await put_back_on_record(store) == ["restored=5"]
        assert verify([one async for one in store.journal.entries()], await store.journal.heads()) == []
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1, 3, 5]
        assert await put_back_on_record(store) == ["restored=5"]


async def test_withdrawals_and_erasures_since_are_made_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.book.commit([], [Learn(consent(person(number)), b"sealed") for number in (1, 2)])
        put_aside(tmp_path, "night.db")
        await store.book.commit([], [Withdraw(person(1), "acme", "", event().at), Forget(person(2))])
    put_back(tmp_path, "night.db")
    async with opened(tmp_path) as store:
        assert [one.withdrawn_at for one, _ in await store.book.consents(person(1))] == [event().at]
        assert await store.book.consents(person(2)) == []


async def test_a_lift_in_the_very_last_commit_is_not_made_up(tmp_path: Path) -> None:
    """It may have been under way when the machine stopped: whoever asked for it was never told that it was made."""
    async with opened(tmp_path) as store:
        await oppose(store, 1)
        put_aside(tmp_path, "night.db")
        await lift(store, 1)
    put_back(tmp_path, "night.db")
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1]


async def test_a_new_file_in_the_old_place_knows_every_opposition(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await oppose(store, 1, 2, 3)
        await lift(store, 2)
        await oppose(store, 4)
    (tmp_path / "gateway.db").unlink()
    async with opened(tmp_path) as store:
        assert set(await opposed(store)) >= {1, 3, 4}


async def test_copies_of_several_lives_are_each_made_whole(tmp_path: Path) -> None:
    """Stands come twice where an old copy lives on; the eras tell them apart."""
    async with opened(tmp_path) as store:
        await oppose(store, 1)
        put_aside(tmp_path, "first.db")
        await store.book.commit([], [Learn(consent(person(number)), b"") for number in (1, 2)])
        for number in range(6):
            await store.book.commit([], [Learn(consent(person(number), purpose="offers"), b"")])
        put_aside(tmp_path, "later.db")
    put_back(tmp_path, "first.db")
    async with opened(tmp_path) as store:
        await oppose(store, 2, 3)
    put_back(tmp_path, "later.db")
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1, 2, 3]
        await oppose(store, 4)
    put_back(tmp_path, "first.db")
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1, 2, 3, 4]


async def test_what_went_through_a_copy_and_came_back_loses_no_note(tmp_path: Path) -> None:
    """There and back again the database is another file, which does not remember its commits; the notes stay."""
    async with opened(tmp_path) as store:
        put_aside(tmp_path, "night.db")
        await oppose(store, 1)
        await oppose(store, 2)
        await lift(store, 2)
        await oppose(store, 3)
    source = SqliteSource(tmp_path / "gateway.db")
    assert copy(source, SqliteTarget(tmp_path / "back.db")).differing == ()
    source.close()
    put_back(tmp_path, "back.db")
    async with opened(tmp_path) as store:
        assert await put_back_on_record(store) == []
        await oppose(store, 4)
    put_back(tmp_path, "night.db")
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1, 3, 4]


async def test_a_lift_whose_commit_failed_is_not_told_later(tmp_path: Path) -> None:
    """Noted, then refused by the database: what was never acknowledged must take no protection away."""
    async with opened(tmp_path) as store:
        await oppose(store, 1)
        put_aside(tmp_path, "night.db")
        other = apsw.Connection(str(tmp_path / "gateway.protected.db"))
        other.execute("INSERT INTO note SELECT NULL, batch + 1, era, stand + 1, 1, ? FROM note", (_lifted(1),)).fetchall()
        other.close()
        await oppose(store, 2)
        await oppose(store, 3)
    put_back(tmp_path, "night.db")
    async with opened(tmp_path) as store:
        assert await opposed(store) == [1, 2, 3]


def _lifted(number: int) -> str:
    return protecting_text(Lift(person(number), Block.OPPOSED, Scope.ADVERTISER, "acme", ""))


async def test_commits_that_protect_nobody_leave_the_notes_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.book.commit([event()], [Learn(consent(person(1)), b"sealed")])
        await store.book.touch_probe(event().at)
        assert not (tmp_path / "gateway.protected.db").exists()
        await oppose(store, 1)
        assert (tmp_path / "gateway.protected.db").stat().st_mode & 0o777 == 0o600


async def test_what_cannot_be_noted_is_not_acknowledged_and_not_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await oppose(store, 1)
        other = apsw.Connection(str(tmp_path / "gateway.protected.db"))
        other.execute("DROP TABLE note").fetchall()
        other.close()
        with pytest.raises(Unavailable):
            await oppose(store, 2)
        assert await opposed(store) == [1]
        await store.book.commit([event()], [Learn(consent(person(1)), b"sealed")])


async def test_opposition_is_not_acknowledged_where_the_notes_are_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await oppose(store, 1)
        notes, elsewhere = tmp_path / "gateway.protected.db", tmp_path / "elsewhere.db"
        notes.rename(elsewhere)
        with pytest.raises(Unavailable):
            await oppose(store, 2)
        assert await opposed(store) == [1]
        elsewhere.rename(notes)
        await oppose(store, 2)
        assert await opposed(store) == [1, 2]


async def test_notes_that_cannot_be_read_keep_the_database_shut(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await oppose(store, 1)
    (tmp_path / "gateway.protected.db").write_bytes(b"spoilt" * 4096)
    with pytest.raises(Refused):
        open_store(tmp_path / "gateway.db", "n1w0")


async def test_a_copy_into_another_store_is_made_from_the_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        put_aside(tmp_path, "night.db")
        await oppose(store, 1, 2)
    put_back(tmp_path, "night.db")
    source = SqliteSource(tmp_path / "gateway.db")
    rows = [row for table, some in source.batches() if table == "opposition" for row in some]
    source.close()
    assert {row[0] for row in rows} == {person(1), person(2)}


acts = st.tuples(st.sampled_from(["oppose", "oppose", "lift", "aside", "back"]), st.integers(0, 3))


@given(st.lists(acts, max_size=25))
@settings(max_examples=25, deadline=None)
def test_whatever_is_put_back_whoever_last_opposed_is_opposed(steps: Sequence[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_lives(Path(folder), steps))


async def _lives(folder: Path, steps: Sequence[tuple[str, int]]) -> None:
    against: set[int] = set()
    store = open_store(folder / "gateway.db", "n1w0")
    for what, number in steps:
        match what:
            case "oppose":
                await oppose(store, number)
                against.add(number)
            case "lift":
                await lift(store, number)
                against.discard(number)
            case "aside":
                (folder / f"{number}.db").unlink(missing_ok=True)
                put_aside(folder, f"{number}.db")
            case _ if (folder / f"{number}.db").exists():
                await store.close()
                put_back(folder, f"{number}.db")
                store = open_store(folder / "gateway.db", "n1w0")
        assert set(await opposed(store)) >= against
    await store.close()


people = st.binary(min_size=16, max_size=16).map(PersonKey)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(minutes=-90))]))
protecting = st.one_of(
    st.builds(
        Oppose,
        st.builds(
            Opposition, people, st.sampled_from(Block), st.sampled_from(Scope), st.text(), st.text(), st.sampled_from(Door), moments
        ),
        st.booleans(),
    ),
    st.builds(Lift, people, st.sampled_from(Block), st.sampled_from(Scope), st.text(), st.text()),
    st.builds(Withdraw, people, st.text(), st.text(), moments),
    st.builds(Forget, people, st.text()),
    st.builds(ForgetWithdrawn, people, moments, st.text()),
    st.builds(Tell, st.text(), people, st.text(), st.sampled_from(Scope), moments, st.sampled_from(Errand)),
)


@given(protecting)
def test_a_note_says_what_was_changed(change: Protecting) -> None:
    assert parse_protecting(protecting_text(change)) == change


@given(
    st.text() | st.sampled_from(["[]", '["oppose"]', '["forget","00"]', '["lift","zz","a","b","c","d"]', '["later","00"]', "{}"])
)
def test_a_note_that_cannot_be_read_is_no_note_to_pass_over(text: str) -> None:
    with pytest.raises(Unavailable):
        parse_protecting(text)
