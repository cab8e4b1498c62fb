"""Passes people on to a partner: decided person by person, registered before anything leaves (R-FR-20, R-FR-23, R-FR-39).

What is yielded was durably registered, but for a dry order; who writes it out may be killed at any time, and the register then says
more than was given, never less. Opposed people are given to nobody (R-PACK-08), those included who opposed meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import attrgetter

from gateway.core.address import Address, AddressFault, Identity, parse_typed
from gateway.core.change import NotePassing
from gateway.core.evidence import Event, Kind
from gateway.core.jurisdiction import choose
from gateway.core.model import Advertiser, Category, Partner, PersonKey, Stream
from gateway.core.partners import Passing, may_pass
from gateway.core.policy import Policy
from gateway.core.question import Question
from gateway.core.record import Consent, Transfer, Who
from gateway.core.verdict import Refuse
from gateway.flow.administer import Refused, unfit_note
from gateway.flow.intake import breathe
from gateway.flow.ports import Book, Clock, Vault

BATCH = 500
_SUBSTANCE: Callable[[Consent], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Consent) if field.name != "proof")
)
"""All of a record that facts hold too."""
NO_ADDRESS = "NO-ADDRESS"


@dataclass(frozen=True, slots=True)
class Order:
    """What to pass: a collector's people, to a partner, for a purpose; `again` those too who were passed before; `dry` nothing."""

    collector: Advertiser
    partner: Partner
    purpose: str
    again: bool = False
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """One person to write out, and when they were registered as passed on."""

    address: str
    passing: Passing
    at: datetime


@dataclass(frozen=True, slots=True)
class Denied:
    """One person who is not passed on, by key, and why."""

    person: PersonKey
    reason: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of some people; `known` counts those passed on before, who are left out."""

    given: Sequence[Given] = ()
    denied: Sequence[Denied] = ()
    known: int = 0


@dataclass(slots=True)
class _Person:
    """One person's records with their proof, and the address."""

    key: PersonKey
    records: list[Consent] = field(default_factory=list)
    sealed: bytes = b""


@dataclass(frozen=True, slots=True)
class _May:
    """A person who may be passed on; `before` is the transfer registered earlier, if any."""

    address: Address
    key: PersonKey
    passing: Passing
    policy: str
    before: Transfer | None = None


class PassingOn:
    """The journey of one export."""

    def __init__(
        self,
        book: Book,
        identity: Identity,
        vault: Vault,
        policies: Mapping[str, Policy],
        streams: Mapping[str, Stream],
        clock: Clock,
    ) -> None:
        self._book = book
        self._identity = identity
        self._vault = vault
        self._policies = policies
        self._streams = streams
        self._clock = clock

    async def unfit(self, order: Order) -> Refused | None:
        """Why nobody at all may be passed on: the partner receives nothing, or no current list names it (R-FR-25)."""
        name = order.collector.name
        if not order.partner.receives:
            return Refused(f"Partner {order.partner.name!r} receives nothing: its role must be 'receives' or 'both'.")
        current = (await self._book.arrangements()).current(name)
        if current is None:
            return Refused(f"Advertiser {name!r} has published no partner list.")
        if not current.names(order.partner.name):
            return Refused(f"The current list of {name!r}, version {current.version}, does not name {order.partner.name!r}.")
        if self._stream(order) is None:
            return Refused(f"Advertiser {name!r} has no marketing stream.")
        return unfit_note(order.purpose)

    async def run(self, order: Order) -> AsyncIterator[Passed]:
        """Everybody in the register, some at a time, and at the end one event about the whole."""
        stream = self._stream(order)
        if stream is None:
            return
        passed = denied = known = 0
        async for people in self._people(order.collector.name):
            some = await self._some(order, stream, people)
            passed, denied, known = passed + len(some.given), denied + len(some.denied), known + some.known
            yield some
        if not order.dry:
            detail = f"{_about(order)}; passed={passed}; refused={denied}; known={known}"
            event = Event(self._clock.now(), Kind.EXPORT, "partner", advertiser=order.collector.name, detail=detail)
            await self._book.commit((event,))

    async def _people(self, collector: str) -> AsyncIterator[Sequence[_Person]]:
        people: list[_Person] = []
        async for consent, sealed in self._book.register(collector):
            if not people or people[-1].key != consent.person:
                if len(people) == BATCH:
                    yield people
                    people = []
                people.append(_Person(consent.person))
            people[-1].records.append(consent)
            people[-1].sealed = sealed or people[-1].sealed
        if people:
            yield people

    async def _some(self, order: Order, stream: Stream, people: Sequence[_Person]) -> Passed:
        found = {person.key: self._open(person) for person in people}
        lost = [Denied(key, NO_ADDRESS) for key, address in found.items() if address is None]
        addresses = {key: address for key, address in found.items() if address is not None}
        stand, may, denied = await self._judge(order, stream, addresses)
        judged = [await self._known(order, one) for one in may]
        known = [one for one in judged if one.before is not None and not order.again]
        wanted = [one for one in judged if one.before is None or order.again]
        now = self._clock.now()
        if wanted and not order.dry:
            await self._register(order, wanted, now)
            wanted, late = await self._still(order, stream, wanted, stand)
            denied += late
        whole = {person.key: person.records for person in people}
        given = [
            Given(one.address.wire, _proven(one.passing, whole[one.key]), one.before.at if one.before else now) for one in wanted
        ]
        return Passed(given, [*lost, *denied], len(known))

    def _open(self, person: _Person) -> Address | None:
        address = parse_typed(self._vault.open(person.sealed).decode()) if person.sealed else None
        return None if isinstance(address, AddressFault) else address

    async def _judge(
        self, order: Order, stream: Stream, addresses: Mapping[PersonKey, Address]
    ) -> tuple[int, list[_May], list[Denied]]:
        """The verdict on each, and the book's stand it rests on."""
        if not addresses:
            return 0, [], []
        stand = await self._book.stand()
        arrangements = await self._book.arrangements()
        hashes = await self._book.has_hashes()
        who = [Who(key, self._identity.who(address, hashes).also) for key, address in addresses.items()]
        may: list[_May] = []
        denied: list[Denied] = []
        for number, (one, facts) in enumerate(zip(who, await self._book.facts(order.collector.name, who), strict=True)):
            await breathe(number)
            policy = choose(self._policies, stream, facts)
            question = Question(stream, addresses[one.person], (), self._clock.now(), arrangements)
            verdict = may_pass(policy, question, facts, order.partner.name)
            if isinstance(verdict, Refuse):
                denied.append(Denied(one.person, verdict.reason.value, verdict.rules))
            else:
                may.append(_May(question.address, one.person, verdict, policy.label))
        return stand, may, denied

    def _stream(self, order: Order) -> Stream | None:
        """A stream of the collector's for this purpose: one of its own, or any other made to be for it."""
        own = [
            stream
            for stream in self._streams.values()
            if stream.advertiser.name == order.collector.name and stream.category is Category.MARKETING
        ]
        found = next((stream for stream in own if stream.purpose == order.purpose), None)
        return found or (replace(own[0], purpose=order.purpose) if own else None)

    async def _known(self, order: Order, one: _May) -> _May:
        """The same with the transfer that is on record for this partner, purpose and version of the list."""
        for transfer in await self._book.transfers(one.key, order.partner.name):
            told = transfer.collector, transfer.purpose, transfer.list_version
            if told == (order.collector.name, order.purpose, one.passing.list_version):
                return _May(one.address, one.key, one.passing, one.policy, transfer)
        return one

    async def _register(self, order: Order, wanted: Iterable[_May], now: datetime) -> None:
        """Have the transfers on record before the data leave (R-FR-23); one given again is an event and no second transfer."""
        events: list[Event] = []
        changes: list[NotePassing] = []
        for one in wanted:
            events.append(_event(order, one, now))
            if one.before is None:
                version = one.passing.list_version
                transfer = Transfer(one.key, order.collector.name, order.partner.name, order.purpose, version, now)
                changes.append(NotePassing(transfer))
        await self._book.commit(events, changes)

    async def _still(self, order: Order, stream: Stream, wanted: list[_May], stand: int) -> tuple[list[_May], list[Denied]]:
        """Those who may be passed on even now: who opposed before the register named the partner, the partner never hears of."""
        if await self._book.stand() == stand:
            return wanted, []
        _, may, denied = await self._judge(order, stream, {one.key: one.address for one in wanted})
        left = {one.key for one in may}
        return [one for one in wanted if one.key in left], denied


def _proven(passing: Passing, records: Iterable[Consent]) -> Passing:
    """The same by the record with its proof, which facts leave out."""
    known = _SUBSTANCE(passing.consent)
    whole = next((one for one in records if _SUBSTANCE(one) == known), passing.consent)
    return Passing(whole, passing.list_version)


def _about(order: Order) -> str:
    return f"partner={order.partner.name}; purpose={order.purpose}"


def _event(order: Order, one: _May, now: datetime) -> Event:
    return Event(
        now,
        Kind.TRANSFER,
        "again" if one.before else "passed",
        advertiser=order.collector.name,
        person=one.key.hex(),
        rules=("R-FR-20", "R-FR-23"),
        basis=one.passing.consent.basis.value,
        policy=one.policy,
        detail=f"{_about(order)}; list={one.passing.list_version}",
    )
