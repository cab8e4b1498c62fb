"""Has an earlier verdict again: from the facts, the pack and the configuration that counted then (R-FR-86, R-FR-92).

A verdict is a function of four recorded things - the instant, the stand of the book, the pack and the setup of the stream - so what
was decided can be decided anew years later, and must come out the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.address import Address, Identity
from gateway.core.decide import Question
from gateway.core.evidence import Event, Kind, parse_event
from gateway.core.explain import Explanation, explain
from gateway.core.jurisdiction import choose
from gateway.core.model import Ref
from gateway.core.policy import Policy, read_pack
from gateway.core.record import Ruling
from gateway.core.ruling import PACK, STREAM, Setup, read_setup
from gateway.core.verdict import Allow
from gateway.flow.ports import Book, Journal


@dataclass(frozen=True, slots=True)
class Gone:
    """Why an earlier verdict cannot be had again: one plain sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Retraced:
    """An earlier verdict had again; `recorded` is the journal's event where one was asked for."""

    explanation: Explanation
    at: datetime
    recorded: Event | None = None

    @property
    def agrees(self) -> bool:
        """Whether the verdict is the recorded one: same reason, same basis, same rules in the same order."""
        event, verdict = self.recorded, self.explanation.verdict
        if event is None:
            return True
        basis = verdict.basis.value if isinstance(verdict, Allow) else ""
        return (event.reason, event.basis, event.rules) == (self.explanation.reason, basis, verdict.rules)


class Retrace:
    """Answers about the past; reads only, whoever asks records the look."""

    def __init__(self, book: Book, journal: Journal, identity: Identity) -> None:
        self._book = book
        self._journal = journal
        self._identity = identity

    async def at(self, address: Address, stream: str, moment: datetime) -> Retraced | Gone:
        """What was true for this person and stream at an instant."""
        counted = [one for one in await self._book.rulings() if one.at <= moment]
        setup = next((read_setup(one.text) for one in reversed(counted) if one.kind == STREAM and one.name == stream), None)
        if setup is None:
            return Gone(f"Stream {stream} was not in use at that time.")
        packs = {one.name: one for one in counted if one.kind == PACK and one.name in setup.packs}
        return await self._again(address, setup, packs, await self._book.stand_at(moment), moment)

    async def of(self, address: Address, ref: Ref) -> Retraced | Gone:
        """The very decision a reference names; `address` must be the one it was about, for the journal holds none."""
        entry = await self._journal.entry(ref)
        event = parse_event(entry.body) if entry else None
        if event is None or event.kind is not Kind.DECISION or not event.setup or not event.stand:
            return Gone("That reference names no decision that can be had again.")
        if event.person != self._identity.person(address).hex():
            return Gone("That decision was about somebody else.")
        setup, pack = await self._book.ruling(event.setup), await self._book.ruling(event.policy)
        if setup is None or pack is None:
            return Gone("The pack or the configuration of that decision is not on record.")
        told = await self._again(address, read_setup(setup.text), {pack.name: pack}, int(event.stand), event.at)
        return told if isinstance(told, Gone) else Retraced(told.explanation, event.at, event)

    async def _again(
        self, address: Address, setup: Setup, packs: dict[str, Ruling], stand: int, moment: datetime
    ) -> Retraced | Gone:
        stream = setup.stream
        facts = await self._book.facts_at(stream.advertiser.name, self._identity.who(address, True), stand)
        if facts is None:
            return Gone("Part of what was on record then has been erased since, as the law asks.")
        policies = {name: policy for name, one in packs.items() if isinstance(policy := read_pack(one.text), Policy)}
        if len(policies) < len(packs) or not policies:
            return Gone("The pack of that time cannot be read by this version of the gateway.")
        arrangements = await self._book.arrangements_at(stand)
        policy = choose(policies, stream, facts)
        question = Question(stream, address, setup.missing_notice, moment, arrangements)
        return Retraced(explain(policy, question, facts), moment)
