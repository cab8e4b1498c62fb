"""Events that providers report over HTTP, on their way in: each once, whoever is meant found, all of one call in one commit.

What a provider's words mean is its room's business (`edges/providers`); what follows from them is `flow.bounces`'.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from gateway.core.address import Address, AddressFault, Identity, parse_typed
from gateway.core.model import PersonKey, Stream
from gateway.core.provider_of import UNKNOWN, provider_of
from gateway.core.record import Door
from gateway.core.signal import Reported, Signal, Told
from gateway.flow.back_ports import Returns
from gateway.flow.bounces import MEMORY, Bounces, Case
from gateway.flow.intake import breathe
from gateway.flow.ports import Clock, Log
from gateway.flow.way_back import WayBack

AT_ONCE = 200
_DOORS = {Told.BOUNCE: Door.BOUNCE, Told.DELIVERED: Door.BOUNCE, Told.COMPLAINT: Door.COMPLAINT, Told.OPT_OUT: Door.API}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of a call: `id` is the provider's own, the same however often it is sent; `signal` names one recipient.

    `since` is when an entry of a provider's list was made: a consent given after it is newer proof than the entry.
    """

    id: str
    signal: Signal
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One genuine call; `unknown` counts events that nobody knows here.

    `once` is a word of the proof that may come with no other body; `body` is the SHA-256 of what was sent.
    """

    occurrences: tuple[Occurrence, ...] = ()
    unknown: int = 0
    once: str = ""
    body: bytes = b""


class Refusal(Enum):
    """Why a call changes nothing: not proven to come from the provider, or not what it sends."""

    FORGED = "forged"
    MALFORMED = "malformed"


class Room(Protocol):
    """Reads one provider's calls."""

    async def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch | Refusal:
        """What a call says, or why it says nothing; Unavailable where the proof cannot be had now. Header names in lower case."""


class EventTally(Protocol):
    """Counts events by provider and by what they told; both closed."""

    def reported(self, provider: str, told: str, many: int = 1) -> None:
        """So many more."""


@dataclass(frozen=True, slots=True)
class Source:
    """One configured provider, and the advertisers that mail through it (empty: every one)."""

    name: str
    advertisers: tuple[str, ...] = ()


class ProviderEvents:
    """Takes calls. A token of ours in an event says who is meant and in which stream, else the address does: calls are proven."""

    def __init__(
        self,
        bounces: Bounces,
        returns: Returns,
        way_back: WayBack,
        identity: Identity,
        advertisers: Sequence[str],
        tally: EventTally,
        clock: Clock,
        log: Log,
    ) -> None:
        self._bounces = bounces
        self._returns = returns
        self._way_back = way_back
        self._identity = identity
        self._advertisers = tuple(advertisers)
        self._tally = tally
        self._clock = clock
        self._log = log

    async def take(self, source: Source, room: Room, headers: Mapping[str, str], body: bytes) -> Refusal | None:
        """Record one call durably, then return; a repeat is answered alike and changes nothing. Unavailable: not recorded."""
        opened = await room.open(headers, body, self._clock.now())
        if isinstance(opened, Refusal):
            self._tally.reported(source.name, opened.value)
            self._log.say("provider event refused", provider=source.name, why=opened.value)
            return opened
        return None if await self.file(source, opened) is not None else Refusal.FORGED

    async def file(self, source: Source, batch: Batch) -> int | None:
        """Record what a provider said, and how many of its events were new; None where its proof was used for another body."""
        if batch.unknown:
            self._tally.reported(source.name, "unknown", batch.unknown)
        marks = _marks(source.name, batch)
        keys: dict[bytes, Occurrence] = {}
        for number, one in enumerate(batch.occurrences):
            await breathe(number)
            if one.signal.told in _DOORS:
                keys[_key(source.name, one)] = one
        known = await self._known([*marks, *keys])
        if marks and marks[0] in known and marks[1] not in known:
            self._tally.reported(source.name, Refusal.FORGED.value)
            return None
        fresh = {key: one for key, one in keys.items() if key not in known}
        await self._record(source, batch, fresh, marks)
        self._tally.reported(source.name, "repeated", len(keys) - len(fresh))
        return len(fresh)

    async def _known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those that were taken already; a large call is looked up in parts, so that nobody else waits."""
        known: set[bytes] = set()
        for start in range(0, len(keys), AT_ONCE):
            known |= await self._returns.remembered(keys[start : start + AT_ONCE], self._clock.now() - MEMORY)
            await asyncio.sleep(0)
        return known

    async def _record(self, source: Source, batch: Batch, fresh: Mapping[bytes, Occurrence], marks: Sequence[bytes]) -> None:
        cases, lost = [], 0
        for number, one in enumerate(fresh.values()):
            await breathe(number)
            case = self._case(source, one.signal, one.since)
            if case is None:
                lost += 1
            else:
                cases.append(case)
        acting = [key for key, one in fresh.items() if one.signal.told is not Told.DELIVERED]
        await self._bounces.record(cases, [*acting, *marks] if acting else [])
        for told, many in Counter(one.signal.told for one in batch.occurrences).items():
            self._tally.reported(source.name, told.value, many)
        if lost:
            self._log.say("provider event about nobody", provider=source.name, many=lost)

    def _case(self, source: Source, signal: Signal, since: datetime | None) -> Case | None:
        reported = signal.reported[0] if signal.reported else Reported("")
        parsed = parse_typed(reported.address)
        address = None if isinstance(parsed, AddressFault) else parsed
        person, stream = self._who(signal.tokens, address)
        if person is None:
            return None
        if stream is not None and source.advertisers and stream.advertiser.name not in source.advertisers:
            stream = None  # a provider speaks for the advertisers it was configured for, and for nobody else
        return Case(
            person,
            signal.told,
            reported,
            self._clock.now(),
            stream,
            source.advertisers or self._advertisers,
            _DOORS[signal.told],
            provider_of(address.domain) if address else UNKNOWN,
            source.name,
            since,
        )

    def _who(self, tokens: Sequence[str], address: Address | None) -> tuple[PersonKey | None, Stream | None]:
        for token in tokens:
            holder = self._way_back.who_is(token)
            if holder is not None and not holder.probe:
                return holder.person, holder.stream
        return (self._identity.person(address) if address else None), None


def _key(name: str, one: Occurrence) -> bytes:
    return _digest("event", name, one.signal.told.value, one.id)


def _marks(name: str, batch: Batch) -> tuple[bytes, ...]:
    """That a proof was used, and for which body."""
    if not batch.once:
        return ()
    return _digest("proof", name, batch.once), _digest("proof", name, batch.once, batch.body.hex())


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
