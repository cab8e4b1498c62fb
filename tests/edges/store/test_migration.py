"""A file of an earlier schema becomes one of ours, with everything in it, and says what it cannot know."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from gateway.core.change import GiveNotice, Learn, Lift, NoteDone, Oppose, Tell, Withdraw
from gateway.core.record import Basis, Block, Facts, Scope, Who
from gateway.edges.store.connection import connect, raise_schema
from gateway.edges.store.instant import micros
from gateway.edges.store.schema import GATEWAY_STEPS
from gateway.edges.store.sqlite import open_store
from gateway.flow.back_ports import Note
from tests.support.people import NOON, PARIS, at, consent, event, notice, opposition, person

ANN, BOB = person(1), person(2)
HALF = consent(ANN, basis=Basis.LEGITIMATE_INTEREST, notice_sent_at=at(-5), missing=("wording", "source"), wording="Schluß\n'é'")
ENDED = consent(ANN, withdrawn_at=at(1))

_CONSENT = "INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def old_file(path: Path) -> apsw.Connection:
    """A file as version 1 left it: five factual commits, three records, an opposition, a notice."""
    file = connect(path)
    raise_schema(file, path, GATEWAY_STEPS[:1])
    key, zone = (ANN, "acme", "newsletter", "consumer"), PARIS.isoformat()
    half = ("legitimate-interest", "direct", zone, "ticked the box", HALF.wording, "", at(-5).isoformat(), "", "", "", None)
    full = ("consent", "direct", zone, "ticked the box", ENDED.wording, "", None, "", "", "", at(1).isoformat())
    file.execute(_CONSENT, (3, *key, *half, '["wording", "source"]', NOON.isoformat(), b"three"))
    file.execute(_CONSENT, (7, *key, *full, "", NOON.isoformat(), b"seven"))
    file.execute(_CONSENT, (8, BOB, *key[1:], *full[:-1], None, "", NOON.isoformat(), b"eight"))
    file.execute("INSERT INTO opposition VALUES (?, 'opposed', 'advertiser', 'acme', '', 'link', ?)", (ANN, micros(NOON)))
    file.execute("INSERT INTO notice VALUES (?, 'acme', 'direct', ?, ?)", (ANN, micros(NOON), "ab" * 8))
    file.execute("INSERT INTO mark VALUES ('stand', 5)")
    return file


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with such a file, closed."""
    old_file(tmp_path / "gateway.db").close()
    return tmp_path / "gateway.db"


async def test_a_file_of_the_first_schema_is_opened_with_everything_in_it(old: Path) -> None:
    store = open_store(old, "n1w0")
    (ann,) = await store.book.facts("acme", [Who(ANN)])
    assert ann == Facts((HALF, ENDED), (opposition(ANN),), (notice(ANN),))
    assert await store.book.consents() == [(HALF, b"three"), (ENDED, b"seven"), (consent(BOB), b"eight")]
    assert store.database.rows("PRAGMA user_version") == [(len(GATEWAY_STEPS),)]
    assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
    assert store.database.rows("SELECT count(*) FROM wording") == [(2,)]
    await store.close()


async def test_records_of_an_old_file_are_known_again_when_they_are_imported_again(old: Path) -> None:
    store = open_store(old, "n1w0")
    await store.book.commit([event()], [Learn(one, b"") for one in (HALF, consent(ANN), consent(BOB))])
    await store.book.commit([event()], [Oppose(opposition(ANN, at=at(9))), GiveNotice(notice(ANN, at=at(9)))])
    assert len(await store.book.consents()) == 3
    assert await store.book.oppositions() == [opposition(ANN)]
    await store.close()


async def test_an_old_file_tells_its_past_from_its_migration_on_and_not_before(old: Path) -> None:
    store = open_store(old, "n1w0")
    before = (await store.book.facts("acme", [Who(ANN)]))[0]
    assert await store.book.stand() == 5 == await store.book.stand_at(datetime.now(UTC))
    lift = Lift(ANN, Block.OPPOSED, Scope.ADVERTISER, "acme", "")
    await store.book.commit([event()], [lift, Withdraw(BOB, "acme", "", at(2))])
    assert await store.book.facts_at("acme", Who(ANN), 5) == before
    assert await store.book.facts_at("acme", Who(BOB), 5) == Facts((consent(BOB),))
    assert await store.book.facts_at("acme", Who(ANN), 6) == Facts(before.consents, (), before.notices)
    assert await store.book.facts_at("acme", Who(ANN), 4) is None
    assert await store.book.stand_at(NOON) == 0
    await store.close()


async def test_an_empty_file_of_the_first_schema_is_as_good_as_a_new_one(tmp_path: Path) -> None:
    file = connect(tmp_path / "gateway.db")
    raise_schema(file, tmp_path / "gateway.db", GATEWAY_STEPS[:1])
    file.close()
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await store.book.commit([event()], [Learn(consent(ANN), b"")])
    assert await store.book.facts_at("acme", Who(ANN), 0) == Facts()
    assert await store.book.facts_at("acme", Who(ANN), 1) == Facts((consent(ANN),))
    await store.close()


async def test_notes_of_a_file_of_the_second_schema_wait_on_for_their_partners(tmp_path: Path) -> None:
    """R-FR-35: due at once, with the address where it is still known; the same note twice is one."""
    file = connect(tmp_path / "gateway.db")
    raise_schema(file, tmp_path / "gateway.db", GATEWAY_STEPS[:1])
    full = ("acme", "newsletter", "consumer", "consent", "direct", None, "", "", "", None, "", "", "", None, "", None)
    for number, sealed in ((1, b"old"), (2, b"new"), (3, b"")):
        file.execute(_CONSENT, (number, ANN, *full, sealed))
    raise_schema(file, tmp_path / "gateway.db", GATEWAY_STEPS[:2])
    rows = [(3, "beta", ANN, 0), (5, "alpha", BOB, 1), (7, "beta", ANN, 2), (9, "beta", person(3), 3)]
    for number, partner, who, minutes in rows:
        file.execute("INSERT INTO outbox VALUES (?, ?, ?, 'acme', 'advertiser', ?)", (number, partner, who, micros(at(minutes))))
    file.execute("DELETE FROM outbox WHERE id = 9")
    file.close()
    store = open_store(tmp_path / "gateway.db", "n1w0")
    first = Note(3, "beta", ANN, "acme", Scope.ADVERTISER, NOON, sealed_address=b"new", due_at=NOON)
    second = Note(5, "alpha", BOB, "acme", Scope.ADVERTISER, at(1), due_at=at(1))
    assert await store.outbox.pending() == await store.outbox.due(at(1), 9) == [first, second]
    assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
    await store.book.commit([], [NoteDone(3, at(4), "ok"), Tell("beta", ANN, "acme", Scope.ADVERTISER, at(5))])
    assert [one.id for one in await store.outbox.pending()] == [5, 10]
    assert [one.id for one in await store.outbox.receipts(NOON)] == [3]
    await store.close()
