"""Brings one kept own mail one step further: asks once more whether it may go, hands it over, records what came of it.

A notice counts as given only when the provider took it (R-FR-31). Retries are the spool's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from gateway.core.address import AddressFault, Identity, parse
from gateway.core.blocked import stops
from gateway.core.change import Accept, Change, GiveNotice
from gateway.core.compose import delivery_key
from gateway.core.evidence import Event, Kind
from gateway.core.model import Fate, Outcome, PersonKey, Ref, Stream
from gateway.core.own_mail import MailKind, Slip
from gateway.core.record import Block, NoticeGiven, NoticeKind, Who
from gateway.flow.ports import Book, Clock, Log, OptOutHealth, Parcel, Provider, Unavailable

STOPPED_BY: Mapping[MailKind, frozenset[Block]] = {
    MailKind.DOI: frozenset({Block.BOUNCED}),
    MailKind.DOI_REMINDER: frozenset({Block.BOUNCED, Block.OPPOSED, Block.COMPLAINED, Block.PENDING}),
    MailKind.STAY: frozenset(Block),
    MailKind.RIGHTS_NOTICE: frozenset({Block.BOUNCED, Block.RESTRICTED}),
    MailKind.ACK: frozenset({Block.BOUNCED}),
    MailKind.TASK: frozenset(),
    MailKind.PASSED_ON: frozenset(),
    MailKind.PARTNER: frozenset({Block.BOUNCED}),
    MailKind.UNTOLD: frozenset(),
    MailKind.WAY_OUT: frozenset(),
}
"""A question the person called for goes to somebody opposed (R-FR-44), and so does what the law wants said (R-FR-32), or the answer
to what they wrote (R-FR-60). What is passed on goes to people of the advertiser."""

ONCE_FOR = timedelta(hours=24)
"""How long a mail that says `once` is known to have been delivered: as long as the store keeps such marks."""

Undelivered = Callable[[PersonKey, Stream, bytes, str], Awaitable[None]]
"""Opens a task for a person's mail that the advertiser's mailbox does not take: whose, in which stream, the mail, its `once`."""

_GIVES = {MailKind.STAY: NoticeKind.STAY, MailKind.RIGHTS_NOTICE: NoticeKind.FIRST_CONTACT}
_FINAL = (Fate.DELIVERED, Fate.REFUSED)


class OwnDelivery:
    """Delivers own mail, one attempt at a time."""

    def __init__(
        self,
        book: Book,
        identity: Identity,
        providers: Mapping[str, Provider],
        health: OptOutHealth,
        clock: Clock,
        log: Log,
        undelivered: Undelivered | None = None,
    ) -> None:
        self._undelivered = undelivered
        self._under_way: set[bytes] = set()
        self._book = book
        self._identity = identity
        self._providers = providers
        self._health = health
        self._clock = clock
        self._log = log

    async def carry(self, parcel: Parcel, slip: Slip, stream: Stream) -> bool:
        """Whether the row has reached its end; Unavailable when what must be on record cannot be."""
        mark = delivery_key("sent", (slip.once or parcel.decision, parcel.addressee.address))
        if mark in self._under_way:
            return False  # its twin is on its way: at the next time it is known what became of that
        self._under_way.add(mark)
        try:
            return await self._carry(parcel, slip, stream, mark)
        finally:
            self._under_way.discard(mark)

    async def _carry(self, parcel: Parcel, slip: Slip, stream: Stream, mark: bytes) -> bool:
        if await self._book.accepted((mark,), parcel.accepted_at - (ONCE_FOR if slip.once else timedelta(hours=1))):
            return True  # delivered before a crash; only the row was left
        expired = self._clock.now() >= parcel.expires_at
        if await self._stopped(parcel, slip, stream):
            await self._book.commit((self._event(parcel, slip, stream, Kind.OUTCOME, "dropped"),))
            return True
        if _offers_a_way_out(slip.kind) and not self._health.healthy:
            return await self._give_up(parcel, slip, stream) if expired else False
        (attempt,) = await self._book.commit((self._event(parcel, slip, stream, Kind.ATTEMPT, "begin"),))
        envelope = replace(parcel.envelope, slip="")
        provider = self._providers[stream.upstream]
        outcome = await provider.deliver(envelope.sender, parcel.addressee, envelope, (parcel.message,))
        if slip.kind is MailKind.PASSED_ON and outcome.fate is Fate.REFUSED:
            await self._leave_to_a_person(parcel, slip, stream)
        await self._record(parcel, slip, stream, outcome, attempt, mark)
        self._log.say("own-mail", stream=stream.name, kind=slip.kind.value, fate=outcome.fate.value)
        if outcome.fate in _FINAL:
            return True
        return await self._give_up(parcel, slip, stream) if expired else False

    async def _stopped(self, parcel: Parcel, slip: Slip, stream: Stream) -> bool:
        address = parse(parcel.addressee.address, smtputf8=True)
        if isinstance(address, AddressFault):
            return True
        blocks = await blocks_of(self._book, self._identity.who(address, await self._book.has_hashes()), stream)
        return bool(blocks & STOPPED_BY[slip.kind])

    async def _record(self, parcel: Parcel, slip: Slip, stream: Stream, outcome: Outcome, attempt: Ref, mark: bytes) -> None:
        now = self._clock.now()
        said = f"{outcome.stage.value} {outcome.code or ''} {outcome.enhanced}".strip()
        event = self._event(parcel, slip, stream, Kind.OUTCOME, outcome.fate.value, attempt, said)
        changes: list[Change] = []
        if outcome.fate is Fate.DELIVERED:
            changes.append(Accept(mark, now))
            if kind := _GIVES.get(slip.kind):
                source = slip.source if kind is NoticeKind.FIRST_CONTACT else ""
                changes.append(GiveNotice(NoticeGiven(slip.person, stream.advertiser.name, source, now, slip.template, kind)))
        try:
            await self._book.commit((event,), changes)
        except Unavailable:
            # The provider has spoken and the attempt is on record: a second copy would be worse than a missing outcome.
            self._log.say("outcome-not-recorded", stream=stream.name, ref=attempt, fate=outcome.fate.value)

    async def _give_up(self, parcel: Parcel, slip: Slip, stream: Stream) -> bool:
        if slip.kind is MailKind.PASSED_ON:
            await self._leave_to_a_person(parcel, slip, stream)
        await self._book.commit((self._event(parcel, slip, stream, Kind.OUTCOME, "failed"),))
        return True

    async def _leave_to_a_person(self, parcel: Parcel, slip: Slip, stream: Stream) -> None:
        """What a person wrote is never lost: where it cannot be passed on, somebody must read it here."""
        if self._undelivered is not None:
            await self._undelivered(slip.person, stream, parcel.message, slip.once)

    def _event(
        self, parcel: Parcel, slip: Slip, stream: Stream, kind: Kind, outcome: str, about: str = "", said: str = ""
    ) -> Event:
        return Event(
            self._clock.now(),
            kind,
            outcome,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            person=slip.person.hex(),
            template=slip.template,
            body=sha256(parcel.message).hexdigest(),
            about=about or parcel.decision,
            detail=f"{slip.kind.value} {said}".strip(),
        )


async def blocks_of(book: Book, who: Who, stream: Stream) -> frozenset[Block]:
    """Why mail of a stream would not reach a person; under every key they may be filed under."""
    (facts,) = await book.facts(stream.advertiser.name, (who,))
    return frozenset(one.block for one in facts.oppositions if stops(stream, one))


def _offers_a_way_out(kind: MailKind) -> bool:
    """Whether it shows an opt-out link, and so waits while that does not work (R-FR-52)."""
    return kind in _GIVES
