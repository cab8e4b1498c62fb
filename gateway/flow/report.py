"""What the data protection officer asks: why this verdict, what is on record about a person, does the evidence hold (R-FR-92).

Reads only, except for the trace that every look into a person's file leaves (R-DP-20).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.core.address import Address, Identity
from gateway.core.decide import Question
from gateway.core.evidence import Break, ChainCheck, Event, Kind, parse_event
from gateway.core.explain import Explanation, explain
from gateway.core.jurisdiction import choose
from gateway.core.model import PersonKey, Ref, Stream
from gateway.core.notice import missing_fields
from gateway.core.policy import Policy
from gateway.core.record import Consent
from gateway.flow.ports import Book, Clock, Entry, Journal

Head = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True)
class Checked:
    """The end of a check of the evidence: how many entries were seen, where they break, and the heads they lead to."""

    entries: int
    breaks: tuple[Break, ...]
    heads: tuple[Head, ...]


class Report:
    """Answers from live facts and from the journal."""

    def __init__(self, book: Book, journal: Journal, identity: Identity, policies: Mapping[str, Policy], clock: Clock) -> None:
        self._book = book
        self._journal = journal
        self._identity = identity
        self._policies = policies
        self._clock = clock

    async def explain(self, address: Address, stream: Stream) -> Explanation:
        """What would be decided now for this person in this stream, and why; the look is recorded."""
        person = self._identity.person(address)
        await self._look(person, "explanation", stream)
        who = self._identity.who(address, await self._book.has_hashes())
        (facts,) = await self._book.facts(stream.advertiser.name, [who])
        missing = missing_fields(stream.advertiser, "recorded", None)
        question = Question(stream, address, missing, self._clock.now(), await self._book.arrangements())
        return explain(choose(self._policies, stream, facts), question, facts)

    async def look(self, address: Address, what: str, stream: str = "") -> None:
        """Leave the trace of a look that somebody else's reading is (R-DP-20)."""
        await self._record_look(self._identity.person(address), what, stream)

    async def consents(self, address: Address, advertiser: str = "") -> Sequence[Consent]:
        """A person's records, history included; the look is recorded."""
        person = self._identity.person(address)
        await self._look(person, "consents")
        return [consent for consent, _ in await self._book.consents(person, advertiser)]

    async def events_of(self, address: Address) -> Sequence[Entry]:
        """A person's journal entries, oldest first; the look is recorded."""
        person = self._identity.person(address)
        await self._look(person, "journal")
        return await self._journal.of_person(person)

    async def entry(self, ref: Ref) -> tuple[Entry, Event | None] | None:
        """The entry that a refusal's `ref=` names, and what it tells."""
        entry = await self._journal.entry(ref)
        return None if entry is None else (entry, parse_event(entry.body))

    async def verify(self, exported: Iterable[Head] = ()) -> Checked:
        """Follow every chain from its first entry to its head, and to heads exported earlier (R-DP-21)."""
        heads = tuple(await self._journal.heads())
        return await check(self._journal.entries(), [*heads, *exported], heads)

    async def _look(self, person: PersonKey, what: str, stream: Stream | None = None) -> None:
        await self._record_look(person, what, stream.name if stream else "")

    async def _record_look(self, person: PersonKey, what: str, name: str) -> None:
        await self._book.commit([Event(at=self._clock.now(), kind=Kind.LOOK, outcome=what, stream=name, person=person.hex())])


async def check(entries: AsyncIterator[Entry], heads: Iterable[Head], current: tuple[Head, ...] = ()) -> Checked:
    """Check entries as they stream by, from a store or from an exported file."""
    chain, seen, breaks = ChainCheck(heads), 0, []
    async for entry in entries:
        seen += 1
        if found := chain.see(entry):
            breaks.append(found)
    return Checked(seen, (*breaks, *chain.end()), current)
