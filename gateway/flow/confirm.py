"""A confirmation on its way in: looks at what a link would confirm, and confirms it once (R-FR-42 to R-FR-44).

Looking changes nothing. Confirming is one commit: the records, the act, the person's own oppositions that it ends, the evidence.
"""

from __future__ import annotations

import asyncio
import binascii
from base64 import b32decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.core.address import Address, AddressFault, Identity, parse
from gateway.core.blocked import stops
from gateway.core.bouncing import dead_filed
from gateway.core.change import Change, Enrol, Learn, Lift, Stir
from gateway.core.enrol import confirmed, narrowed
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey, Stream
from gateway.core.record import Block, Consent, Covers, Door, Enrolment, Opposition
from gateway.flow.enrol import TOKEN_BYTES, digest
from gateway.flow.ports import Book, Clock, Log, Vault

_LETTERS = 26
_OWN_WILL = (Block.OPPOSED, Block.COMPLAINED)


@dataclass(frozen=True, slots=True)
class Question:
    """What a link asks: whether to confirm these records, or to stay where there are none; `done` once it was confirmed."""

    stream: Stream
    consents: tuple[Consent, ...]
    done: bool


class Confirming:
    """The journey of one press on a confirmation's button."""

    def __init__(self, book: Book, identity: Identity, vault: Vault, streams: Mapping[str, Stream], clock: Clock, log: Log) -> None:
        self._book = book
        self._identity = identity
        self._vault = vault
        self._streams = streams
        self._clock = clock
        self._log = log
        self._one_at_a_time = asyncio.Lock()

    async def look(self, token: str) -> Question | None:
        """What this link asks; None for a forged one and for one whose time is over, which nobody can tell apart."""
        found = await self._find(token)
        return None if found is None else Question(found[1], found[0].consents, found[0].confirmed_at is not None)

    async def confirm(self, token: str) -> Question | None:
        """Confirm; again is the same answer and changes nothing. None as for `look`, Unavailable when it is not recorded."""
        async with self._one_at_a_time:
            found = await self._find(token)
            if found is None:
                return None
            enrolment, stream = found
            if enrolment.confirmed_at is None:
                await self._record(enrolment, stream)
            return Question(stream, enrolment.consents, done=True)

    async def _find(self, token: str) -> tuple[Enrolment, Stream] | None:
        raw = _read(token)
        enrolment = await self._book.enrolment(digest(raw)) if raw is not None else None
        if enrolment is None or self._clock.now() >= enrolment.expires_at:
            return None
        stream = self._streams.get(enrolment.stream)
        return None if stream is None else (enrolment, stream)

    async def _record(self, enrolment: Enrolment, stream: Stream) -> None:
        now = self._clock.now()
        whole = [confirmed(one, now) for one in enrolment.consents]
        standing = await self._standing(enrolment)
        ended = _willed(standing, stream) if any(one.covers is Covers.OWN for one in whole) else []
        alive = dead_filed(standing, enrolment.person, stream.advertiser.name)
        twins = [
            one
            for one in await self._book.enrolments(enrolment.person)
            if (one.stream, one.asked_at) == (enrolment.stream, enrolment.asked_at)
        ]
        changes: list[Change] = [
            *(Enrol(replace(one, confirmed_at=now)) for one in twins),
            *(change for one in ended for change in narrowed(one, stream, self._streams.values(), enrolment.person)),
            *(Lift(one.person, one.block, one.scope, one.advertiser, one.stream) for one in alive),
            *(Learn(one, enrolment.sealed_address) for one in whole),
            Stir(enrolment.person, stream.advertiser.name, now),
        ]
        events = [
            self._confirmed(enrolment, stream),
            *(self._lifted(one, stream) for one in ended),
            *(self._read_again(one, stream) for one in alive),
        ]
        await self._book.commit([*events, *(self._learnt(one, stream) for one in whole)], changes)
        lifts = sum(isinstance(change, Lift) for change in changes)
        self._log.say("enrolment confirmed", stream=stream.name, records=len(whole), lifted=lifts)

    async def _standing(self, enrolment: Enrolment) -> list[Opposition]:
        """What stands under the person's key or a hash of their address; a domain's is not theirs to lift."""
        address = parse(self._vault.open(enrolment.sealed_address).decode(), smtputf8=True)
        keys = [enrolment.person] if isinstance(address, AddressFault) else self._keys(address)
        return [one for key in keys for one in await self._book.oppositions(key)]

    def _keys(self, address: Address) -> Sequence[PersonKey]:
        domains = frozenset(self._identity.who(address, hashes=False).also)
        who = self._identity.who(address, hashes=True)
        return [who.person, *(key for key in who.also if key not in domains)]

    def _confirmed(self, enrolment: Enrolment, stream: Stream) -> Event:
        covers = ",".join(one.covers.value for one in enrolment.consents)
        rules = ("R-FR-42", "R-FR-43") if enrolment.consents else ("R-FR-82",)
        return replace(
            self._event(stream, enrolment.person, Kind.ENROLMENT, "confirmed", rules), detail=f"covers={covers or 'stay'}"
        )

    def _lifted(self, one: Opposition, stream: Stream) -> Event:
        event = self._event(stream, one.person, Kind.LIFT, one.block.value, ("R-FR-44", "R-FR-64"))
        return replace(
            event, door=one.door.value, detail=f"scope={one.scope.value}; reason=the person signed up again and confirmed"
        )

    def _read_again(self, one: Opposition, stream: Stream) -> Event:
        """A button that was in a mail was pressed: somebody reads the mailbox, whatever was reported of it (R-MBX-14)."""
        event = self._event(stream, one.person, Kind.LIFT, one.block.value, ("R-MBX-14",))
        return replace(event, door=one.door.value, detail=f"scope={one.scope.value}; reason=a mail to it was answered")

    def _learnt(self, one: Consent, stream: Stream) -> Event:
        event = self._event(stream, one.person, Kind.CONSENT, "confirmed", ("R-FR-40", "R-FR-42"))
        return replace(event, basis=one.basis.value, detail=f"covers={one.covers.value}")

    def _event(self, stream: Stream, person: PersonKey, kind: Kind, outcome: str, rules: tuple[str, ...]) -> Event:
        return Event(
            self._clock.now(),
            kind,
            outcome,
            stream=stream.name,
            advertiser=stream.advertiser.name,
            person=person.hex(),
            rules=rules,
            door=Door.WEB.value,
        )


def _willed(standing: Sequence[Opposition], stream: Stream) -> list[Opposition]:
    """The person's own will against this list."""
    return [one for one in standing if one.block in _OWN_WILL and stops(stream, one)]


def _read(token: str) -> bytes | None:
    """The bytes of a link's token, read in any case; None for what is none."""
    if len(token) != _LETTERS or not token.isascii():
        return None
    try:
        raw = b32decode(token + "======", casefold=True)
    except binascii.Error:
        return None
    return raw if len(raw) == TOKEN_BYTES else None
