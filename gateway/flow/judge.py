"""Reads the facts about one recipient, lets the core decide, and has the decision on record before anybody acts on it.

Must not answer anybody: it returns verdicts and references; journeys make replies of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from gateway.core.address import Address, Identity
from gateway.core.decide import Question, decide
from gateway.core.evidence import Event, Kind
from gateway.core.model import Partner, PersonKey, Ref, Stream
from gateway.core.notice import missing_fields
from gateway.core.policy import Policy
from gateway.core.record import Who
from gateway.core.verdict import Allow, Refuse, Undecided, Verdict
from gateway.flow.ports import Book, Clock, Reading, Unavailable

UNREAD = -1
"""The stand of a judgement without facts: no book ever stands there."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict on one recipient, with the key it is filed under and the book's stand it rests on."""

    person: PersonKey
    verdict: Verdict
    stand: int


class Judge:
    """The decision with its facts and its evidence (R-FR-01, R-FR-90)."""

    def __init__(
        self, book: Book, identity: Identity, policies: Mapping[str, Policy], partners: Mapping[str, Partner], clock: Clock
    ) -> None:
        self._book = book
        self._identity = identity
        self._policies = policies
        self._partners = partners
        self._clock = clock
        self._missing: dict[str, tuple[str, ...]] = {}
        self._hashes = False

    def person(self, address: Address) -> PersonKey:
        """The key an address is filed under."""
        return self._identity.person(address)

    def partner(self, source: str) -> Partner | None:
        """The configured partner a record's source names, if it is one."""
        return self._partners.get(source)

    async def judge(self, stream: Stream, address: Address) -> Judgement:
        """The verdict on fresh facts; Undecided where they cannot be read."""
        question = Question(stream, address, self._missing_notice(stream), self._clock.now())
        policy = self._policies[stream.policy]
        try:
            who, reading = await self._read(stream, address)
        except Unavailable:
            return Judgement(self.person(address), decide(policy, question, None), UNREAD)
        return Judgement(who.person, decide(policy, question, reading.facts[0]), reading.stand)

    async def _read(self, stream: Stream, address: Address) -> tuple[Who, Reading]:
        """The facts under every key they may be filed under; once a foreign hash is known, under the recipient's own too."""
        who = self._identity.who(address, self._hashes)
        reading = await self._book.read(stream.advertiser.name, (who,))
        if reading.hashes and not self._hashes:
            self._hashes = True
            return await self._read(stream, address)
        return who, reading

    async def again(self, stream: Stream, address: Address, known: Judgement | None) -> Judgement:
        """The verdict now: the known one while nothing that facts may answer has changed since, else a new one."""
        try:
            if known is not None and known.stand == await self._book.stand():
                return known
        except Unavailable:
            known = None
        return await self.judge(stream, address)

    def policy(self, stream: Stream) -> str:
        """By which pack a stream is judged: `pack@version#hash8`."""
        return self._policies[stream.policy].label

    def event(
        self,
        kind: Kind,
        outcome: str,
        stream: Stream,
        tool: str,
        judgement: Judgement,
        about: str = "",
        *,
        body: str = "",
        template: str = "",
        message: str = "",
    ) -> Event:
        """The journal's words for a verdict, and for the finished copy where there is one (R-FR-90)."""
        verdict = judgement.verdict
        match verdict:
            case Allow():
                reason, basis = "", verdict.basis.value
            case Refuse() | Undecided():
                reason, basis = verdict.reason.value, ""
            case _:
                assert_never(verdict)
        return Event(
            self._clock.now(),
            kind,
            outcome,
            tool=tool,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            category=stream.category.value,
            person=judgement.person.hex(),
            reason=reason,
            rules=verdict.rules,
            basis=basis,
            policy=self.policy(stream),
            template=template,
            message=message,
            body=body,
            about=about,
        )

    async def record(self, outcome: str, stream: Stream, tool: str, judgement: Judgement, about: str = "") -> Ref:
        """Have a decision durably on record; raises Unavailable when that cannot be had (R-FR-91)."""
        event = self.event(Kind.DECISION, outcome, stream, tool, judgement, about)
        return (await self._book.commit((event,)))[0]

    def _missing_notice(self, stream: Stream) -> tuple[str, ...]:
        known = self._missing.get(stream.name)
        if known is None:
            # A record without a source is refused before the notice is judged, so any source will do here.
            known = self._missing[stream.name] = missing_fields(stream.advertiser, "recorded", None)
        return known
