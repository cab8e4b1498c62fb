"""What must not be found in the files: erased data once compacted, and addresses or their plain hashes ever."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from gateway.core.address import Address, Identity, parse
from gateway.core.change import (
    Change,
    Enrol,
    Forget,
    GiveNotice,
    KeepOwnUnsubscribe,
    KeepRoutes,
    Learn,
    NoteDone,
    NotePassing,
    OpenTask,
    Oppose,
    Stir,
    Tell,
    Withdraw,
)
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey
from gateway.core.record import Enrolment, Proof, Scope, Transfer
from gateway.core.task import Task, TaskKind
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import SqliteStore, open_store
from gateway.flow.ports import Unavailable
from tests.support.people import NOON, at, consent, event, notice, opposition, person

ANN = person(1)
TRACES = (b"zebra-wording", b"zebra-function", b"zebra-sealed", b"zebra-page", b"zebra-header", b"zebra-sign-up")
RECORD = consent(ANN, wording="zebra-wording", function="zebra-function", proof=Proof(form="zebra-page"))
SIGN_UP = Enrolment(b"d", ANN, "news", (consent(ANN, action="zebra-sign-up"),), b"zebra-sealed", NOON, at(9))

KNOWN = [f"person{number}@shop.example" for number in range(40)]
HASHES = ("md5", "sha1", "sha256")


def found(folder: Path, traces: tuple[bytes, ...] = TRACES) -> set[bytes]:
    """Which of these bytes are anywhere in the files, pages in use or not."""
    raw = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    return {trace for trace in traces if trace in raw}


async def crowd(store: SqliteStore, first: int) -> None:
    """Neighbours, so that pages fill, split and are freed."""
    many = [person(number) for number in range(first, first + 400)]
    await store.book.commit([event()], [Learn(consent(one, wording=f"w{one.hex()}"), bytes(60)) for one in many])


async def file_of_ann(store: SqliteStore) -> None:
    await crowd(store, 100)
    await store.book.commit([event()], [Learn(RECORD, b"zebra-sealed"), KeepOwnUnsubscribe(ANN, "news", b"zebra-header", NOON)])
    await store.book.commit([event()], [Enrol(SIGN_UP), Withdraw(ANN, "acme", "", at(1))])
    await crowd(store, 1000)


async def test_what_was_forgotten_is_gone_from_the_files_after_compacting(tmp_path: Path) -> None:
    """R-DP-10: looked for byte by byte, in the database and in its log."""
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await file_of_ann(store)
    assert found(tmp_path) == set(TRACES)
    await store.book.commit([event()], [Forget(ANN)])
    await store.book.compact()
    assert found(tmp_path) == set()
    assert len(await store.book.consents()) == 800
    await store.book.commit([event()], [Oppose(opposition(ANN))])
    await store.close()
    assert found(tmp_path) == set()


async def test_what_came_back_from_a_forgotten_person_is_gone_too(tmp_path: Path) -> None:
    """R-DP-10: routes at once, the text of a task when it is closed, the address with a note when it has ended."""
    traces = (b"zebra-routes", b"zebra-task", b"zebra-open", b"zebra-address")
    store = open_store(tmp_path / "gateway.db", "n1w0")
    done = Task("00" * 8, TaskKind.RIGHTS, ANN, "acme", "news", (), "", NOON, at(9), b"zebra-task" * 900, closed_at=at(1))
    waits = replace(done, id="01" * 8, sealed=b"zebra-open" * 900, closed_at=None)
    tell = Tell("friend", ANN, "acme", Scope.ALL, NOON)
    filed = [Learn(RECORD, b"zebra-address"), KeepRoutes(ANN, "news", b"zebra-routes", NOON), OpenTask(done), OpenTask(waits)]
    await store.book.commit([event()], [*filed, tell, Forget(ANN)])
    await store.book.compact()
    assert found(tmp_path, traces) == {b"zebra-open", b"zebra-address"}
    (note,) = await store.outbox.pending()
    await store.book.commit([event()], [NoteDone(note.id, at(2), "ok"), OpenTask(replace(waits, closed_at=at(3)))])
    await store.book.compact()
    assert found(tmp_path, traces) == set()
    await store.close()


def marked(number: int) -> bytes:
    """A person's mark again and again: within a page, over a few, or over many."""
    return b"zebra-%06d." % number * (1, 3, 9, 40, 300, 900)[number % 6]


def files_of(number: int) -> list[Change]:
    """A record with a wording of its own, an own unsubscribe, routes, a sign-up, a task that is closed, a note that has ended."""
    who, mark = person(number), marked(number)
    record = consent(who, wording=mark.decode(), function=mark[:13].decode())
    task = Task(f"{number:016x}", TaskKind.RIGHTS, who, "acme", "news", (), "", NOON, at(9), mark, closed_at=NOON)
    changes = [Learn(record, mark), KeepOwnUnsubscribe(who, "news", mark, NOON), KeepRoutes(who, "news", mark, NOON)]
    sign_up = Enrol(Enrolment(hashlib.sha256(who).digest(), who, "news", (consent(who, action=mark.decode()),), mark, NOON, at(9)))
    return [*changes, sign_up, *([OpenTask(task), Tell("friend", who, "acme", Scope.ALL, NOON)] if number % 5 == 0 else [])]


def numbers_in(folder: Path) -> set[int]:
    """Whose marks are anywhere in the files."""
    raw = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    return {int(number) for number in re.findall(rb"zebra-(\d{6})\.", raw)}


@pytest.mark.slow
async def test_ten_thousand_erasures_among_overflow_pages_leave_nothing_of_the_erased(tmp_path: Path) -> None:
    """R-DP-10: people come and go in any order, rows move between pages, and pages change hands."""
    store = open_store(tmp_path / "gateway.db", "n1w0")
    lots = random.Random(4)
    stay: set[int] = set()
    for first in range(0, 12_000, 500):
        await store.book.commit([event()], [one for number in range(first, first + 500) for one in files_of(number)])
        stay |= set(range(first, first + 500))
        gone = lots.sample(sorted(stay), 400 if first < 11_500 else len(stay) - 2_000)
        for start in range(0, len(gone), 50):
            await store.book.commit([event()], [Forget(person(number)) for number in gone[start : start + 50]])
        stay -= set(gone)
    await store.book.commit([event()], [NoteDone(note.id, at(1), "ok") for note in await store.outbox.pending()])
    assert len(stay) == 2_000
    assert numbers_in(tmp_path) > stay
    await store.book.compact()
    assert numbers_in(tmp_path) == stay
    assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
    assert {one.person for one, _ in await store.book.consents()} == {person(number) for number in stay}
    await store.close()


async def test_a_wording_others_were_shown_too_stays(tmp_path: Path) -> None:
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await store.book.commit([event()], [Learn(RECORD, b""), Learn(consent(person(2), wording="zebra-wording"), b""), Forget(ANN)])
    await store.book.compact()
    assert [one.wording for one, _ in await store.book.consents()] == ["zebra-wording"]
    assert found(tmp_path) == {b"zebra-wording"}
    await store.close()


async def test_a_file_that_somebody_still_reads_is_compacted_the_next_time(tmp_path: Path) -> None:
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await file_of_ann(store)
    await store.database.write(lambda connection: connection.set_busy_timeout(100))
    other = apsw.Connection(str(tmp_path / "gateway.db"))
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM consent").fetchall()
    await store.book.commit([event()], [Forget(ANN)])
    with pytest.raises(Unavailable):
        await store.book.compact()
    other.execute("COMMIT")
    other.close()
    await store.book.compact()
    assert found(tmp_path) == set()
    await store.close()


def whole_files(identity: Identity, ring: KeyRing) -> list[Change]:
    """Every kind of record about everyone, sealed as the journeys seal."""
    changes: list[Change] = []
    for name in KNOWN:
        mailbox = parse(name)
        assert isinstance(mailbox, Address)
        key, sealed = identity.person(mailbox), ring.vault.seal(name.encode())
        changes += [
            Learn(consent(key, proof=Proof(form="page", writer="crm")), sealed),
            Oppose(opposition(key)),
            GiveNotice(notice(key)),
            Stir(key, "acme", NOON),
            NotePassing(Transfer(key, "acme", "friend", "offers", "1", NOON)),
            Enrol(Enrolment(hashlib.sha256(key).digest(), key, "news", (consent(key),), sealed, NOON, at(9))),
            KeepOwnUnsubscribe(key, "news", ring.vault.seal(b"<mailto:" + name.encode() + b">"), NOON),
        ]
    return changes


def plain_traces(name: str) -> tuple[bytes, ...]:
    """The address, and what anyone could compute from it, raw and in hexadecimal."""
    traces = [name.encode()]
    for algorithm in HASHES:
        digest = hashlib.new(algorithm, name.encode()).digest()
        traces += [digest, digest[:16], digest.hex().encode(), digest.hex().upper().encode()]
    return tuple(traces)


async def test_no_address_and_no_plain_hash_of_one_is_in_the_files(tmp_path: Path) -> None:
    """R-DP-01, R-DP-02: addresses are guessable, so only a keyed hash may stand for one."""
    ring = KeyRing.open(tmp_path / "keys", may_create=True)
    identity = Identity(ring.pepper)
    store = open_store(tmp_path / "store" / "gateway.db", "n1w0")
    changes = whole_files(identity, ring)
    keys = [change.consent.person for change in changes if isinstance(change, Learn)]
    await store.book.commit([Event(NOON, Kind.IMPORT, "imported", person=key.hex()) for key in keys], changes)
    assert found(tmp_path / "store", tuple(keys)) == set(keys)
    assert found(tmp_path / "store", tuple(trace for name in KNOWN for trace in plain_traces(name))) == set()
    await store.close()


def test_a_plain_hash_would_be_found(tmp_path: Path) -> None:
    """The test above looks in the right way: a store that kept plain hashes would fail it."""
    digest = PersonKey(hashlib.sha256(KNOWN[0].encode()).digest()[:16])
    (tmp_path / "gateway.db").write_bytes(b"page" + digest + b"page")
    assert found(tmp_path, plain_traces(KNOWN[0])) == {digest}
