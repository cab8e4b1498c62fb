"""The book against a book in memory: any sequence of changes leaves both saying the same."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.core.change import Accept, Change, Enlist, KeepOwnUnsubscribe, Learn, Lift, Oppose, Tell, Withdraw
from gateway.core.evidence import verify
from gateway.core.model import Tool
from gateway.core.record import Basis, Block, Door, Opposition, Scope, Who
from gateway.edges.store.sqlite import SqliteStore, open_store
from tests.support.book import MemoryBook
from tests.support.people import at, consent, event, person

people = st.integers(0, 3).map(person)
minutes = st.integers(0, 500).map(at)
advertisers = st.sampled_from(["acme", "other"])
purposes = st.sampled_from(["newsletter", "offers"])
streams = st.sampled_from(["", "news"])
blocks, scopes = st.sampled_from(Block), st.sampled_from(Scope)
text = st.text(max_size=5)

changes = st.one_of(
    st.builds(Oppose, st.builds(Opposition, people, blocks, scopes, advertisers, streams, st.sampled_from(Door), minutes)),
    st.builds(Lift, people, blocks, scopes, advertisers, streams),
    st.builds(Withdraw, people, advertisers, purposes | st.just(""), minutes),
    st.builds(Accept, st.binary(min_size=1, max_size=1), minutes),
    st.builds(Tell, text, people, advertisers, scopes, minutes),
    st.builds(Enlist, st.builds(Tool, text, st.binary(max_size=32), st.tuples(text), st.none(), minutes, st.none() | minutes)),
)


class Books(RuleBasedStateMachine):
    """Both books take the same changes; the real one is also closed and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.model = MemoryBook()
        self.wordings = 0
        self.events = 0
        self.clock: dict[tuple[bytes, str], int] = {}
        self.store = self.open()

    def open(self) -> SqliteStore:
        return open_store(Path(self.folder.name) / "gateway.db", "n1w0")

    def commit(self, wanted: list[Change]) -> None:
        self.loop.run_until_complete(self.model.commit([], wanted))
        self.loop.run_until_complete(self.store.book.commit([event(self.events)], wanted))
        self.events += 1

    @rule(wanted=st.lists(changes, max_size=4))
    def change(self, wanted: list[Change]) -> None:
        self.commit(wanted)

    @rule(who=people, advertiser=advertisers, purpose=purposes, basis=st.sampled_from(Basis))
    def learn_something_new(self, who: bytes, advertiser: str, purpose: str, basis: Basis) -> None:
        self.wordings += 1
        fresh = consent(person(0), advertiser=advertiser, purpose=purpose, basis=basis, wording=str(self.wordings), person=who)
        self.commit([Learn(fresh, b"%d" % self.wordings)])

    @rule(who=people, stream=streams, header=st.binary(max_size=4))
    def keep_an_unsubscribe_header(self, who: bytes, stream: str, header: bytes) -> None:
        self.clock[who, stream] = self.clock.get((who, stream), 0) + 1
        self.commit([KeepOwnUnsubscribe(who, stream, header, at(self.clock[who, stream]))])

    @precondition(lambda self: self.events % 5 == 4)
    @rule()
    def restart(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.store = self.open()

    @invariant()
    def both_say_the_same(self) -> None:
        self.loop.run_until_complete(self.compare())

    async def compare(self) -> None:
        book, model = self.store.book, self.model
        who = [Who(person(number), (person((number + 1) % 4),)) for number in range(4)]
        for advertiser in ("acme", "other"):
            for real, meant in zip(await book.facts(advertiser, who), await model.facts(advertiser, who), strict=True):
                assert (real.consents, real.notices) == (meant.consents, meant.notices)
                assert set(real.oppositions) == set(meant.oppositions)
                assert len(real.oppositions) == len(meant.oppositions)
        assert await book.consents() == await model.consents()
        assert set(await book.oppositions()) == set(await model.oppositions())
        assert {one.name: one for one in await book.tools()} == {one.name: one for one in await model.tools()}
        notes, meant_notes = [
            [
                (note.partner, note.person, note.advertiser, note.scope, note.at, note.sealed_address)
                for note in await place.pending()
            ]
            for place in (self.store.outbox, model)
        ]
        assert notes == meant_notes
        for one in who:
            assert await book.own_unsubscribe(one.person, "news") == await model.own_unsubscribe(one.person, "news")

    def teardown(self) -> None:
        self.loop.run_until_complete(self.evidence())
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    async def evidence(self) -> None:
        entries = [one async for one in self.store.journal.entries()]
        assert len(entries) == self.events
        assert verify(entries, await self.store.journal.heads()) == []


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
