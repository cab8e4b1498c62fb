"""An opposition that a partner tells us: recorded, passed on to everybody else who holds the data, acknowledged (R-FR-37).

Who says so was proven by the caller. The same message again gets the same receipt and changes nothing; what stands already is told
to nobody, so that houses that tell each other fall silent (R-FR-35).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.core.address import Address, AddressFault, Identity
from gateway.core.change import Change, MoveCursor, Remember
from gateway.core.evidence import Event
from gateway.core.evidence import Kind as What
from gateway.core.model import Partner
from gateway.core.propagation import Notice, receipt_id
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.flow.administer import Administer, Reach, Refused
from gateway.flow.back_ports import Returns
from gateway.flow.ports import Book, Clock, Log, Meter, Unavailable
from gateway.flow.subject import Kind, Subject, of_address

PATIENCE = 5.0
"""Seconds the book has before the partner is told to come again."""

HASHES_HEARD = "partner-hashes-heard"
"""The cursor that moves whenever somebody is opposed under a hash: then it is worth looking who that may be."""

MEMORY = timedelta(days=100)
"""A message is known again for longer than a partner repeats it."""


class PartnerDoor:
    """The journey of one partner's message."""

    def __init__(
        self, book: Book, returns: Returns, identity: Identity, administer: Administer, clock: Clock, meter: Meter, log: Log
    ) -> None:
        self._book = book
        self._returns = returns
        self._identity = identity
        self._administer = administer
        self._clock = clock
        self._meter = meter
        self._log = log
        self._one_at_a_time = asyncio.Lock()

    async def take(self, partner: Partner, message: str, notice: Notice) -> str | Refused:
        """The receipt, once it is recorded; Unavailable where it is not. `message` is the name the partner gave it."""
        subject = self._subject(partner, notice)
        if isinstance(subject, Refused):
            return subject
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE), self._one_at_a_time:
                receipt, changes = await self._record(partner, message, notice, subject)
                await self._administer.look_again(changes, partner.name)
        except TimeoutError:
            raise Unavailable("book") from None
        if changes:
            self._meter.opposed(Door.PARTNER.value, self._clock.monotonic() - started)
        self._log.say("partner told us", partner=partner.name, recorded=bool(changes))
        return receipt

    def _subject(self, partner: Partner, notice: Notice) -> Subject | Refused:
        """Whom it is about; a hash can be recognised only where we share the key it was made with (R-DP-24)."""
        if notice.digest:
            if not self._identity.shares(partner.name):
                return Refused("No key for hashes is shared with you: send the address.")
            return Subject(self._identity.of_partner(partner.name, notice.digest), Kind.HASH)
        found = of_address(self._identity, notice.address)
        return Refused("The address is none.") if isinstance(found, AddressFault) else found

    async def _record(self, partner: Partner, message: str, notice: Notice, subject: Subject) -> tuple[str, Sequence[Change]]:
        """The receipt, and the changes of an opposition that was new."""
        now, receipt = self._clock.now(), receipt_id(partner.name, message)
        known = hashlib.sha256(f"partner\0{receipt}".encode()).digest()[:16]
        if await self._returns.remembered([known], now - MEMORY):
            return receipt, ()
        everything = notice.scope is Scope.ALL
        events, changes = await self._meant(partner, subject, everything, min(notice.at, now), f"receipt={receipt}")
        if not events:
            events = [_heard_again(subject, partner, receipt, now)]
        remembered: list[Change] = [Remember(known, now)]
        if subject.kind is Kind.HASH:
            remembered.append(MoveCursor(HASHES_HEARD, receipt))
        await self._book.commit(events, [*changes, *remembered])
        return receipt, changes

    async def recognised(self, partner: Partner, address: Address, heard: Opposition) -> bool:
        """Somebody on record is who a partner's hash meant: theirs from now on, and told to the others; whether it was new."""
        subject = Subject(self._identity.person(address), Kind.ADDRESS, address)
        async with self._one_at_a_time:
            events, changes = await self._meant(partner, subject, False, heard.at, "recognised by hash")
            if not events:
                return False
            await self._book.commit(events, changes)
        await self._administer.look_again(changes, partner.name)
        return True

    async def _meant(
        self, partner: Partner, subject: Subject, everything: bool, at: datetime, note: str
    ) -> tuple[list[Event], list[Change]]:
        """What is new in it beside what stands."""
        standing = await self._book.oppositions(subject.key)
        events: list[Event] = []
        changes: list[Change] = []
        for reach in await self._reaches(partner, everything, subject):
            if not any(_covers(one, reach) for one in standing):
                words = f"from={partner.name}; {note}"
                event, following = await self._administer.meaning(subject, reach, Door.PARTNER, at, words, partner.name)
                events.append(event)
                changes.extend(following)
        return events, changes

    async def _reaches(self, partner: Partner, everything: bool, subject: Subject) -> Sequence[Reach]:
        """Each advertiser of ours that shares the person with this partner; everything where nobody can say (R-FR-35).

        A partner's lists are not ours: however narrow the refusal was there, it ends what rests on the sharing.
        """
        names: set[str] = set()
        if not everything and subject.kind is Kind.ADDRESS:
            whose = (partner.name, partner.legal_name)
            names |= {one.advertiser for one, _ in await self._book.consents(subject.key) if one.source in whose}
            names |= {one.collector for one in await self._book.transfers(subject.key) if one.partner in whose}
        reaches = [self._administer.reach(Scope.ADVERTISER, name, "") for name in sorted(names)]
        return [one for one in reaches if isinstance(one, Reach)] or [Reach(Scope.ALL)]


def _covers(standing: Opposition, reach: Reach) -> bool:
    same = standing.scope is Scope.ALL or (standing.scope, standing.advertiser) == (reach.scope, reach.advertiser)
    return standing.block is Block.OPPOSED and same


def _heard_again(subject: Subject, partner: Partner, receipt: str, now: datetime) -> Event:
    detail = f"of={subject.kind.value}; from={partner.name}; receipt={receipt}"
    whom, rules = subject.key.hex(), ("R-FR-37",)
    return Event(now, What.PROPAGATION, "heard-again", person=whom, rules=rules, door=Door.PARTNER.value, detail=detail)
