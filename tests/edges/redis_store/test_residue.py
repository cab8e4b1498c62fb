"""What must not be found in the server's files once it was erased and compacted (R-DP-10), nor in this machine's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.change import Change, Forget, ForgetWithdrawn, GiveNotice, Learn, Oppose, Stir, Withdraw
from gateway.core.record import Facts, Proof, Who
from gateway.edges.store.redis.frames import FRAMES
from gateway.edges.store.redis.pack import MARKS
from gateway.flow.ports import Unavailable
from tests.support.people import NOON, at, consent, event, notice, opposition, person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import shared_store

pytestmark = needs_redis

ANN, BOB = person(1), person(2)
TRACES = (b"zebra-wording", b"zebra-function", b"zebra-sealed", b"zebra-page")
RECORD = consent(ANN, wording="zebra-wording", function="zebra-function", proof=Proof(form="zebra-page"))
FILED: tuple[Change, ...] = (
    Learn(RECORD, b"zebra-sealed"),
    Learn(consent(BOB), b"bob"),
    GiveNotice(notice(ANN)),
    Stir(ANN, "acme", NOON),
    Oppose(opposition(ANN)),
)


def found(*folders: Path) -> set[bytes]:
    """Which of the traces are anywhere in the files below."""
    raw = b"".join(path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file())
    return {trace for trace in TRACES if trace in raw}


async def frames(server: RedisServer) -> int:
    answer = await server.command("HLEN", FRAMES)
    assert isinstance(answer, int)
    return answer


async def test_nothing_erased_is_left_in_any_file_after_compacting(redis_server: RedisServer, tmp_path: Path) -> None:
    """R-DP-10."""
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        await store.book.commit([event()], FILED)
        assert found(redis_server.folder) == set(TRACES)
        await store.book.commit([event(1)], [Forget(ANN)])
        await store.book.compact()
        assert found(redis_server.folder, tmp_path / "own") == set()
        assert await frames(redis_server) == 1
        assert [one for one, _ in await store.book.consents()] == [consent(BOB)]
        assert await store.book.oppositions() == [opposition(ANN)]


async def test_records_whose_time_as_proof_is_over_leave_no_trace_either(redis_server: RedisServer, tmp_path: Path) -> None:
    """R-DP-10, R-FR-85."""
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        await store.book.commit([event()], [*FILED, Withdraw(ANN, "acme", "", at(1))])
        await store.book.commit([event()], [ForgetWithdrawn(ANN, at(2))])
        await store.book.compact()
        assert found(redis_server.folder, tmp_path / "own") == set()


async def test_where_nothing_was_erased_nothing_is_written_anew(redis_server: RedisServer, tmp_path: Path) -> None:
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        await store.book.commit([event()], FILED)
        before = sorted(path.name for path in (redis_server.folder / "appendonlydir").iterdir())
        await store.book.compact()
        assert sorted(path.name for path in (redis_server.folder / "appendonlydir").iterdir()) == before


async def test_what_others_still_quote_stays(redis_server: RedisServer, tmp_path: Path) -> None:
    """A frame goes with the last record that quotes it."""
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        await store.book.commit([event()], [Learn(consent(person(number)), b"") for number in range(3)])
        for number in range(3):
            await store.book.commit([event()], [Forget(person(number))])
            await store.book.compact()
            assert await frames(redis_server) == (number < 2)
        assert await store.book.consents() == []


async def test_a_record_that_comes_back_after_compacting_brings_its_frame_again(redis_server: RedisServer, tmp_path: Path) -> None:
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        await store.book.commit([event()], [Learn(RECORD, b"")])
        await store.book.commit([event()], [Forget(ANN)])
        await store.book.compact()
        await store.book.commit([event()], [Learn(RECORD, b"again")])
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        assert await store.book.consents() == [(RECORD, b"again")]


async def test_a_frame_that_is_no_longer_there_is_no_guess(redis_server: RedisServer, tmp_path: Path) -> None:
    """Unreadable is said to be so: a person without records would be another person."""
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        await store.book.commit([event()], [Learn(RECORD, b"")])
        await redis_server.command("DEL", FRAMES)
        with pytest.raises(Unavailable):
            await store.book.facts("acme", [Who(ANN)])


async def test_nothing_is_told_of_stands_whose_ends_a_copy_did_not_bring(redis_server: RedisServer, tmp_path: Path) -> None:
    """An embedded store of an earlier release kept no ends: see its mark `history`."""
    async with shared_store(redis_server.url, tmp_path / "own") as store:
        for number in range(3):
            await store.book.commit([event()], [Oppose(opposition(person(number)))])
        await redis_server.command("HSET", MARKS, "history", 2)
        assert await store.book.facts_at("acme", Who(ANN), 1) is None
        assert await store.book.facts_at("acme", Who(ANN), 2) == Facts((), (opposition(ANN),))
