"""Whatever happens to people's files, the shared book tells it as the embedded one does, now and of every earlier stand."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.change import Change, Forget, ForgetWithdrawn, Learn
from gateway.core.record import Arrangements, Audience, Basis, Covers, Entity, Proof, Relation, RelationKind, Traits
from gateway.edges.store.sqlite import open_store
from gateway.flow.ports import Book
from tests.contract.test_history import WHO, advertisers, minutes, people, purposes, remembered
from tests.support.people import at, consent, event
from tests.support.redis_servers import needs_redis, running_redis
from tests.support.shared_store import shared_store

ZONES = [UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=3, minutes=30)), timezone(timedelta(seconds=75))]
DAYS = [(1, 1, 2), (1969, 7, 20, 20, 17), (2026, 3, 1, 12), (9999, 12, 30, 1, 2, 3, 4)]
moments = st.builds(lambda day, zone: datetime(*day, tzinfo=zone), st.sampled_from(DAYS), st.sampled_from(ZONES))  # type: ignore[misc]
times = st.none() | minutes | moments
words = st.sampled_from(["", "a", "é", "\udcff", "x" * 300])
records = st.builds(
    consent,
    people,
    advertiser=advertisers,
    purpose=purposes,
    audience=st.sampled_from(Audience),
    basis=st.sampled_from([Basis.CONSENT, Basis.EXISTING_CUSTOMER]),
    covers=st.sampled_from([Covers.OWN, Covers.PARTNERS]),
    wording=st.sampled_from(["yes", "oui", "w" * 400]),
    source=words.filter(lambda word: "\udcff" not in word),
    function=st.sampled_from(["", "buyer"]),
    collected_at=times,
    notice_sent_at=times,
    recorded_at=times,
    acquired_at=times,
    withdrawn_at=times,
    missing=st.sampled_from([(), ("wording",), ("source", "action")]),
    traits=st.builds(Traits, st.sampled_from(["", "FR"]), st.sampled_from(Entity), minor=st.booleans()),
    relation=st.none() | st.builds(Relation, st.sampled_from(RelationKind), times, st.sampled_from(["", "shop"]), times),
    proof=st.builds(Proof, *[st.sampled_from(["", "p"])] * 6, st.none() | minutes),
)
changes = st.one_of(
    remembered,
    st.builds(Learn, st.builds(consent, people, collected_at=times), st.just(b"1")),
    st.builds(Learn, records, st.sampled_from([b"", b"\x00\xff" * 30, b"sealed"])),
    st.builds(Forget, people, advertisers | st.just("")),
    st.builds(ForgetWithdrawn, people, minutes | moments, advertisers | st.just("")),
)
commits = st.lists(st.lists(changes, max_size=6), max_size=8)


async def told(book: Book, stands: list[int]) -> list[object]:
    """All there is to say."""
    said: list[object] = [await book.consents(), await book.oppositions(), await book.has_hashes()]
    said.append(_ordered(await book.arrangements()))
    said.append([one async for one in book.register()])
    said.append([one async for one in book.register("acme")])
    for advertiser in ("acme", "other"):
        said.append(await book.facts(advertiser, WHO))
        said.extend([await book.facts_at(advertiser, one, stand) for one in WHO for stand in stands])
    said.extend([await book.dossier(one.person) for one in WHO])
    said.extend([await book.consents(one.person, "other") for one in WHO])
    said.extend([_ordered(await book.arrangements_at(stand)) for stand in stands])
    said.extend([await book.stand_at(at(number)) for number in range(-2, 12)])
    return said


def _ordered(one: Arrangements) -> tuple[object, ...]:
    return list(one.lists.items()), sorted(one.paused)


def written(said: list[object]) -> list[str]:
    """Offsets included, which equality leaves out."""
    return [repr(one) for one in said]


async def both(wanted: list[list[Change]], folder: Path) -> None:
    async with running_redis(folder / "redis") as server, shared_store(server.url, folder) as shared:
        embedded = open_store(folder / "gateway.db", "n1w0")
        try:
            stands = [0]
            for number, some in enumerate(wanted):
                for store in (embedded, shared):
                    await store.book.commit([event(number, WHO[0].person)], some)
                stands.append(await embedded.book.stand())
                assert await shared.book.stand() == stands[-1]
            assert written(await told(shared.book, stands)) == written(await told(embedded.book, stands))
        finally:
            await embedded.close()


@needs_redis
@given(wanted=commits)
@settings(max_examples=25, deadline=None)
def test_both_books_tell_the_same(wanted: list[list[Change]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(both(wanted, Path(folder)))
