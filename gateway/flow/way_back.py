"""An opposition on its way in: who holds this token, and record first, answer after. Knows no web and no mail.

The token is the whole authority (R-STD-32): no look-up, no expiry, never burnt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core.change import Change, Withdraw
from gateway.core.model import Partner, PersonKey, Stream
from gateway.core.oppose import Act, meaning, opposition
from gateway.core.record import Door, Opposition, Scope
from gateway.core.token import PROBE_STREAM, TokenKeys, read
from gateway.flow.holders import holders_of, tell_late, tools_of
from gateway.flow.ports import Book, Clock, Log, Meter, Unavailable

PATIENCE = 5.0
"""Seconds the book has to record an opposition before the person is told to try again."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who a valid token speaks for; `stream` is None for one no longer configured, and for the probe."""

    person: PersonKey
    stream: Stream | None
    probe: bool


@dataclass(frozen=True, slots=True)
class Done:
    """A recorded opposition, as the person may be told it: the same words for the first and for any later time."""

    stream: Stream | None
    scope: Scope
    probe: bool


class WayBack:
    """The journey of one sign from a recipient."""

    def __init__(
        self,
        book: Book,
        keys: TokenKeys,
        streams: Mapping[int, Stream],
        partners: Sequence[Partner],
        clock: Clock,
        meter: Meter,
        log: Log,
    ) -> None:
        self._book = book
        self._keys = keys
        self._streams = streams
        self._advertisers = frozenset(stream.advertiser.name for stream in streams.values())
        self._partners = partners
        self._clock = clock
        self._meter = meter
        self._log = log

    def who_is(self, token: str) -> Holder | None:
        """Who holds this token; None for every text that is not one of ours, whatever is wrong with it (R-STD-32)."""
        claim = read(self._keys, token)
        if claim is None:
            return None
        return Holder(claim.person, self._streams.get(claim.stream_number), claim.stream_number == PROBE_STREAM)

    async def oppose(self, token: str, scope: Scope | None, door: Door, said_at: datetime | None = None) -> Done | None:
        """Record the opposition durably, then return; None for a forged token, Unavailable when it is not recorded.

        The self-test's token proves that the store can be written and opposes nobody.
        """
        holder = self.who_is(token)
        return None if holder is None else await self.oppose_for(holder, scope, door, said_at)

    async def oppose_for(self, holder: Holder, scope: Scope | None, door: Door, said_at: datetime | None = None) -> Done:
        """The same for somebody who is known already: the holder of a token, or who proved that they wrote (R-FR-57)."""
        act = Act(holder.person, holder.stream, scope, door, self._clock.now(), said_at=said_at)
        try:
            async with asyncio.timeout(PATIENCE):
                await (self._book.touch_probe(act.at) if holder.probe else self._record(act))
        except TimeoutError:
            raise Unavailable("book") from None
        return Done(holder.stream, opposition(act).scope, holder.probe)

    async def _record(self, act: Act) -> None:
        """Write it, unless the very same stands and nothing is left to withdraw.

        A repeat adds no state and no journal entry: a link pressed a thousand times must not grow the evidence. A consent
        that came after the opposition makes the act a fresh one, which is written.
        """
        started = self._clock.monotonic()
        filed = opposition(act)
        holders = await holders_of(self._book, self._partners, filed.person, filed.advertiser)
        tools = await tools_of(self._book, self._streams.values(), filed)
        event, changes = meaning(act, self._advertisers, holders, tools)
        if await stands(self._book, filed, changes):
            self._log.say("opposition repeated", door=act.door.value, scope=filed.scope.value)
            return
        (ref,) = await self._book.commit([event], changes)
        await tell_late(self._book, self._partners, filed, holders)
        self._meter.opposed(act.door.value, act.delay + self._clock.monotonic() - started)
        self._log.say("opposed", ref=ref, door=act.door.value, scope=filed.scope.value, stream=event.stream)


async def stands(book: Book, filed: Opposition, changes: Sequence[Change]) -> bool:
    """Whether this very opposition is filed and nothing is left to withdraw: a repeat, which adds nothing."""
    if not any(_same(filed, one) for one in await book.oppositions(filed.person)):
        return False
    withdrawals = [change for change in changes if isinstance(change, Withdraw)]
    return not any(
        consent.withdrawn_at is None and consent.advertiser == change.advertiser and change.purpose in ("", consent.purpose)
        for consent, _ in await book.consents(filed.person)
        for change in withdrawals
    )


def _same(one: Opposition, other: Opposition) -> bool:
    return (one.block, one.scope, one.advertiser, one.stream) == (other.block, other.scope, other.advertiser, other.stream)
