"""What every copy promises: both kinds of store hold the same when filled alike, and what went there and came back is the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.change import Oppose
from gateway.core.evidence import verify
from gateway.core.model import Ref
from gateway.core.record import Consent, Who
from gateway.edges.store.connection import Refused
from gateway.edges.store.copy_sqlite import SqliteSource, SqliteTarget
from gateway.edges.store.copying import Digest, Row, Source, copy, digest
from gateway.edges.store.redis import copy_rows
from gateway.edges.store.redis.copy_target import RedisTarget
from gateway.edges.store.redis.copying import RedisSource
from gateway.edges.store.redis.frames import frame_of, parsed_frame
from gateway.edges.store.redis.operations_facts import consent_row
from gateway.edges.store.redis.pack import packed, unpacked
from gateway.edges.store.redis.store import open_redis
from gateway.edges.store.rows import whole_consent
from gateway.edges.store.sqlite import open_store
from tests.contract.conftest import Store
from tests.support.any_record import CONSENTS
from tests.support.cluster import running_cluster
from tests.support.filled import ANN, PEOPLE, fill
from tests.support.people import NOON, at, event, opposition, person
from tests.support.redis_servers import RedisServer, needs_redis
from tests.support.shared_store import FINGERPRINT, access, shared_store

pytestmark = needs_redis


@pytest.fixture
async def filled(tmp_path: Path) -> Path:
    """A file with something in every table."""
    store = open_store(tmp_path / "gateway.db", "n1w0")
    await fill(store.book)
    await store.close()
    return tmp_path / "gateway.db"


def of(source: Source) -> dict[str, Digest]:
    """What a store holds."""
    found = digest(source.batches())
    source.close()
    return found


def of_file(path: Path) -> dict[str, Digest]:
    return of(SqliteSource(path))


def of_server(server: RedisServer) -> dict[str, Digest]:
    return of(RedisSource(access(server.url), FINGERPRINT))


def into_server(path: Path, server: RedisServer) -> None:
    source = SqliteSource(path)
    assert copy(source, RedisTarget(access(server.url), FINGERPRINT)).differing == ()
    source.close()


def into_file(server: RedisServer, path: Path) -> None:
    source = RedisSource(access(server.url), FINGERPRINT)
    assert copy(source, SqliteTarget(path)).differing == ()
    source.close()


async def test_stores_filled_alike_have_the_same_digests(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    async with shared_store(shared_redis.url, tmp_path) as store:
        await fill(store.book)
    assert of_server(shared_redis) == of_file(filled)


async def test_there_and_back_again_nothing_has_changed(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    into_server(filled, shared_redis)
    into_file(shared_redis, tmp_path / "back.db")
    assert of_file(tmp_path / "back.db") == of_file(filled) == of_server(shared_redis)


async def answers(store: Store, stands: range) -> dict[str, object]:
    """What every port says, about everybody and at every stand, in the order in which it says it."""
    book, outbox, returns, journal = store.book, store.outbox, store.returns, store.journal
    told: dict[str, object] = {}
    for who in (*PEOPLE, person(99)):
        for advertiser in ("acme", "other"):
            asked = Who(who, (person(99),))
            told[f"facts {who.hex()} {advertiser}"] = await book.facts(advertiser, [asked])
            told[f"then {who.hex()} {advertiser}"] = [await book.facts_at(advertiser, asked, stand) for stand in stands]
            told[f"soft {who.hex()} {advertiser}"] = await returns.soft_run(who, advertiser)
        told[f"person {who.hex()}"] = (
            await book.dossier(who),
            await book.consents(who),
            await book.oppositions(who),
            await book.transfers(who),
            await book.enrolments(who),
            await journal.of_person(who),
            [(await book.own_unsubscribe(who, stream), await returns.routes(who, stream)) for stream in ("news", "sales")],
        )
    told["register"] = [one async for one in book.register()]
    told["everybody"] = (await book.consents(), await book.oppositions(), await book.transfers(), await book.enrolments())
    told["arrangements"] = [await book.arrangements(), *[await book.arrangements_at(stand) for stand in stands]]
    told["stands"] = [await book.stand_at(at(minutes)) for minutes in range(-2, stands.stop - 1)]
    told["office"] = (
        [await book.tools(), await book.api_keys(), await book.rulings(), await book.tallies(NOON), await book.has_hashes()],
        [await book.ruling("fr@1"), await book.tool("odoo"), await book.api_key("crm"), await book.enrolment(b"e" * 32)],
        [await book.accepted([bytes([number]) * 32 for number in range(256)], at(8)), await book.leftovers(at(99), at(1))],
    )
    told["outbox"] = (
        [await outbox.pending(), await outbox.pending("friend"), await outbox.due(at(35), 9), await outbox.next_due()],
        [await outbox.receipts(NOON), await outbox.receipts(at(51)), await outbox.receipts(NOON, "other")],
    )
    told["returns"] = (
        [await returns.tasks(), await returns.tasks(closed=True), await returns.task("1" * 16), await returns.kept()],
        [await returns.remembered([b"once", bytes(range(40))], NOON), await returns.cursor("imap:box")],
    )
    told["journal"] = ([one async for one in journal.entries()], await journal.heads(), await journal.entry(Ref("n1w0-7")))
    return told


async def test_every_port_answers_alike_on_the_other_side_and_back(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    into_server(filled, shared_redis)
    into_file(shared_redis, tmp_path / "back.db")
    first, back = open_store(filled, "n1w0"), open_store(tmp_path / "back.db", "n1w0")
    stands = range(await first.book.stand() + 1)
    async with shared_store(shared_redis.url, tmp_path) as shared:
        expected = await answers(first, stands)
        assert await answers(shared, stands) == expected
    assert await answers(back, stands) == expected
    await first.close()
    await back.close()


async def test_life_goes_on_after_a_move(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    """Chains follow their heads, stands and numbers are new, and going back takes along what came meanwhile."""
    into_server(filled, shared_redis)
    async with shared_store(shared_redis.url, tmp_path) as shared:
        heads = await shared.journal.heads()
        notes = {one.id for one in (*await shared.outbox.pending(), *await shared.outbox.receipts(NOON))}
        await fill(shared.book)
        assert verify([one async for one in shared.journal.entries()], heads) == []
        assert len({one.id for one in (*await shared.outbox.pending(), *await shared.outbox.receipts(NOON))}) > len(notes)
    into_file(shared_redis, tmp_path / "back.db")
    back = open_store(tmp_path / "back.db", "n1w0")
    await back.book.commit([event()], [Oppose(opposition(ANN, stream="new"))])
    assert await back.book.stand_at(at(10_000)) == await back.book.stand()
    assert await back.book.facts_at("acme", Who(ANN), 5) is not None
    await fill(back.book)
    assert verify([one async for one in back.journal.entries()], heads) == []
    await back.close()
    assert (
        digest(SqliteSource(tmp_path / "back.db").batches())["entry"].rows
        == 3 * digest(SqliteSource(filled).batches())["entry"].rows + 1
    )


@pytest.mark.slow
async def test_a_cluster_is_copied_into_and_out_of_as_one_server_is(filled: Path, tmp_path: Path) -> None:
    async with running_cluster(tmp_path / "cluster") as cluster:
        source = SqliteSource(filled)
        assert copy(source, RedisTarget(access(cluster.url), FINGERPRINT)).differing == ()
        source.close()
        assert of(RedisSource(access(cluster.url), FINGERPRINT)) == of_file(filled)
        async with shared_store(cluster.url, tmp_path) as store:
            assert len(await store.book.oppositions(PEOPLE[3])) == 1


async def test_nothing_is_copied_onto_anything(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    into_server(filled, shared_redis)
    before = of_server(shared_redis)
    with pytest.raises(Refused, match="holds something"):
        RedisTarget(access(shared_redis.url), FINGERPRINT)
    assert of_server(shared_redis) == before


async def test_a_server_that_was_only_looked_into_is_empty(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    async with shared_store(shared_redis.url, tmp_path) as store:
        await store.book.stand()
    into_server(filled, shared_redis)
    assert of_server(shared_redis) == of_file(filled)


async def test_other_keys_open_neither_the_source_nor_what_was_copied(
    filled: Path, shared_redis: RedisServer, tmp_path: Path
) -> None:
    into_server(filled, shared_redis)
    with pytest.raises(Refused, match="other keys"):
        RedisSource(access(shared_redis.url), b"\x01" * 32)
    with pytest.raises(Refused):
        open_redis(access(shared_redis.url), "n1w0", node="n1", folder=tmp_path, fingerprint=b"\x01" * 32)


async def test_no_gateway_gets_into_a_copy_that_is_not_whole(filled: Path, shared_redis: RedisServer, tmp_path: Path) -> None:
    """Cut short at any point, by a crash of the copying process: gateways stay out, and the next copy clears it away."""
    source, target = SqliteSource(filled), RedisTarget(access(shared_redis.url), FINGERPRINT)
    for table, rows in source.batches():
        target.put(table, rows)
        with pytest.raises(Refused):
            open_redis(access(shared_redis.url), "n1w0", node="n1", folder=tmp_path, fingerprint=FINGERPRINT)
    with pytest.raises(Refused):
        RedisSource(access(shared_redis.url), FINGERPRINT)
    into_server(filled, shared_redis)
    assert of_server(shared_redis) == of_file(filled)


async def test_a_copy_that_arrived_otherwise_leaves_the_server_empty(filled: Path, shared_redis: RedisServer) -> None:
    class Losing(RedisTarget):
        """Loses some oppositions on the way."""

        def put(self, table: str, rows: Sequence[Row]) -> None:
            super().put(table, rows[1:] if table == "opposition" else rows)

    source = SqliteSource(filled)
    assert copy(source, Losing(access(shared_redis.url), FINGERPRINT)).differing == ("opposition",)
    source.close()
    assert await shared_redis.command("DBSIZE") == 0


async def test_a_past_that_was_not_kept_is_not_made_up_on_the_other_side(
    filled: Path, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """Files of an early schema kept no ends: before that stand facts cannot be told, wherever the file went."""
    other = apsw.Connection(str(filled))
    other.execute("INSERT INTO mark VALUES ('history', 5)").fetchall()
    other.close()
    into_server(filled, shared_redis)
    assert of_server(shared_redis)["mark"] == of_file(filled)["mark"]
    async with shared_store(shared_redis.url, tmp_path) as shared:
        assert await shared.book.facts_at("acme", Who(ANN), 4) is None
        assert await shared.book.facts_at("acme", Who(ANN), 5) is not None


zones = st.sampled_from(
    [UTC, timezone(timedelta(hours=1)), timezone(timedelta(hours=-3, minutes=-30)), timezone(timedelta(seconds=7))]
)
moments = st.datetimes(timezones=zones)


@given(CONSENTS, moments, moments, st.text(), st.binary(max_size=40), st.none() | st.integers(2, 9))
def test_a_record_comes_back_whatever_it_says(
    one: Consent, collected: datetime, ended: datetime, words: str, sealed: bytes, until: int | None
) -> None:
    record = replace(one, collected_at=collected, withdrawn_at=ended, wording=words, function=words, missing=(words,))
    filed = consent_row(record, sealed)
    filed[0], filed[-2:] = 7, [1, False if until is None else until]
    digest_, text = frame_of(record)
    (row,) = copy_rows.consents(record.person, {b"c": [unpacked(packed(filed))]}, {digest_: parsed_frame(text)})
    assert whole_consent(row[:25]) == (record, sealed)
    assert copy_rows.FILED["consent"][2](row) == (record.person, filed)
