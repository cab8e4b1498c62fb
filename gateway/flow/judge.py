"""Reads the facts about one recipient, lets the core decide, and has the decision on record before anybody acts on it.

Must not answer anybody: it returns verdicts and references; journeys make replies of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from gateway.core.address import Address, Identity
from gateway.core.decide import Question, decide
from gateway.core.evidence import Event, Kind
from gateway.core.jurisdiction import choose, own_pack
from gateway.core.model import Category, Partner, PersonKey, Ref, Stream
from gateway.core.notice import missing_fields
from gateway.core.policy import Policy
from gateway.core.record import NO_ARRANGEMENTS, NamedPartner, Who
from gateway.core.ruling import Setup
from gateway.core.verdict import Allow, Refuse, Undecided, Verdict
from gateway.flow.ports import Book, Clock, Reading, Unavailable

UNREAD = -1
"""The stand of a judgement without facts: no book ever stands there."""
FRESH = timedelta(seconds=60)
"""For how long a verdict may be used again while nothing moved: rules count calendar terms, and one may just have ended."""
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict on one recipient: by which pack, when it was asked for, and the book's stand it rests on."""

    person: PersonKey
    verdict: Verdict
    stand: int
    policy: Policy
    at: datetime


class Judge:
    """The decision with its facts and its evidence (R-FR-01, R-FR-90), by the pack of each recipient (R-PACK-01)."""

    def __init__(
        self, book: Book, identity: Identity, policies: Mapping[str, Policy], partners: Mapping[str, Partner], clock: Clock
    ) -> None:
        self._book = book
        self._identity = identity
        self._policies = policies
        self._partners = partners
        self._clock = clock
        self._setups: dict[tuple[str, Category], tuple[tuple[str, ...], str]] = {}
        self._hashes = False
        self._arrangements = NO_ARRANGEMENTS
        self._arranged = UNREAD

    def person(self, address: Address) -> PersonKey:
        """The key an address is filed under."""
        return self._identity.person(address)

    def partner(self, source: str) -> Partner | None:
        """The configured partner a record's source names, if it is one."""
        return self._partners.get(source)

    def partners_shown(self, stream: Stream, judgement: Judgement) -> tuple[str, tuple[NamedPartner, ...]]:
        """Which version of its advertiser's partner list a copy links, and who in it is new to the person (R-FR-24, R-FR-25)."""
        current = self._arrangements.current(stream.advertiser.name)
        if current is None or "R-FR-25" in judgement.policy.off:
            return "", ()
        if not isinstance(judgement.verdict, Allow) or not judgement.verdict.news:
            return current.version, ()
        told = self._arrangements.version(stream.advertiser.name, judgement.verdict.list_version) or current
        return current.version, tuple(one for one in told.partners if one.name in judgement.verdict.news)

    async def judge(self, stream: Stream, address: Address) -> Judgement:
        """The verdict on fresh facts; Undecided where they cannot be read."""
        now = self._clock.now()
        missing, _ = self._setup(stream)
        try:
            who, reading = await self._read(stream, address)
        except Unavailable:
            policy = own_pack(self._policies, stream)
            verdict = decide(policy, Question(stream, address, missing, now), None)
            return Judgement(self.person(address), verdict, UNREAD, policy, now)
        facts = reading.facts[0]
        policy = choose(self._policies, stream, facts)
        question = Question(stream, address, missing, now, self._arrangements)
        return Judgement(who.person, decide(policy, question, facts), reading.stand, policy, now)

    async def _read(self, stream: Stream, address: Address) -> tuple[Who, Reading]:
        """Facts and arrangements of one stand, so that the same verdict can be had from them again (R-FR-86)."""
        for _ in range(_TRIES):
            who, reading = await self._facts(stream, address)
            if self._arranged in (reading.stand, reading.arranged):
                return who, reading
            arrangements = await self._book.arrangements()
            if await self._arranged_again(stream, reading):
                self._arrangements = arrangements
                self._arranged = reading.stand if reading.arranged is None else reading.arranged
                return who, reading
        raise Unavailable("arrangements")

    async def _arranged_again(self, stream: Stream, reading: Reading) -> bool:
        """Whether no arrangement changed between the reading and now."""
        if reading.arranged is None:
            return await self._book.stand() == reading.stand
        return (await self._book.read(stream.advertiser.name, ())).arranged == reading.arranged

    async def _facts(self, stream: Stream, address: Address) -> tuple[Who, Reading]:
        """The facts under every key they may be filed under; once a foreign hash is known, under the recipient's own too."""
        who = self._identity.who(address, self._hashes)
        reading = await self._book.read(stream.advertiser.name, (who,))
        if reading.hashes and not self._hashes:
            self._hashes = True
            return await self._facts(stream, address)
        return who, reading

    async def again(self, stream: Stream, address: Address, known: Judgement) -> Judgement:
        """The verdict now: the known one while it is fresh and nothing that facts may answer has changed since, else a new one."""
        with suppress(Unavailable):  # then the new one says so
            if self._clock.now() - known.at < FRESH and known.stand == await self._book.stand():
                return known
        return await self.judge(stream, address)

    def pack(self, stream: Stream) -> Policy:
        """The pack of a stream where no recipient is in question."""
        return own_pack(self._policies, stream)

    def policy(self, stream: Stream) -> str:
        """The pack of a stream where no recipient is in question: `pack@version#hash8`."""
        return own_pack(self._policies, stream).label

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
        detail: str = "",
    ) -> Event:
        """The journal's words for a verdict, and for the finished copy where there is one (R-FR-90)."""
        reason, basis = _reason_and_basis(judgement.verdict)
        return Event(
            judgement.at if kind is Kind.DECISION else self._clock.now(),
            kind,
            outcome,
            tool=tool,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            category=stream.category.value,
            person=judgement.person.hex(),
            reason=reason,
            rules=judgement.verdict.rules,
            basis=basis,
            policy=judgement.policy.label,
            template=template,
            message=message,
            body=body,
            about=about,
            detail=detail,
            stand="" if judgement.stand == UNREAD else str(judgement.stand),
            setup=self._setup(stream)[1],
        )

    async def record(self, outcome: str, stream: Stream, tool: str, judgement: Judgement, about: str = "") -> Ref:
        """Have a decision durably on record; raises Unavailable when that cannot be had (R-FR-91)."""
        event = self.event(Kind.DECISION, outcome, stream, tool, judgement, about)
        return (await self._book.commit((event,)))[0]

    def _setup(self, stream: Stream) -> tuple[tuple[str, ...], str]:
        """What the stream's first-contact notice lacks, and the label of its configuration."""
        known = self._setups.get((stream.name, stream.category))
        if known is None:
            # A record without a source is refused before the notice is judged, so any source will do here.
            missing = missing_fields(stream.advertiser, "recorded", None)
            known = self._setups[stream.name, stream.category] = missing, Setup(stream, missing, tuple(self._policies)).label
        return known


def _reason_and_basis(verdict: Verdict) -> tuple[str, str]:
    match verdict:
        case Allow():
            return "", verdict.basis.value
        case Refuse() | Undecided():
            return verdict.reason.value, ""
        case _:
            assert_never(verdict)
