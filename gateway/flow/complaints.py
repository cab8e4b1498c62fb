"""Watches how many recipients complain, by stream and mailbox provider, and lets a stream wait when they are too many (R-MBX-10).

Marketing streams are paused by it; of service mail it only warns: a password must reach who asks for it. A person resumes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.core.change import Count, Pause, Resume
from gateway.core.complaint_rate import EVERYBODY, MITIGATION_DAYS, RESUMED, WINDOW, Level, Rate, mitigated_days, rates
from gateway.core.evidence import Event, Kind
from gateway.core.model import Category, Stream
from gateway.core.rulebook import Complaints as Bounds
from gateway.flow.lease_ports import Overtaken
from gateway.flow.ports import Book, Clock, Log, Unavailable

EVERY = 60.0
GATEWAY = "gateway"
"""Who paused, in the evidence, when nobody did by hand."""


@dataclass(frozen=True, slots=True)
class StreamStanding:
    """One stream as people are shown it: paused or not, its rates of 24 hours, days of good conduct at Gmail (R-MBX-11)."""

    stream: str
    paused: bool
    rates: tuple[Rate, ...]
    mitigated: int

    @property
    def overall(self) -> Rate | None:
        """The rate over all providers; None where nothing was counted."""
        return next((rate for rate in self.rates if rate.provider == EVERYBODY), None)


class Pausing:
    """Pauses and resumes streams, with the evidence."""

    def __init__(self, book: Book, streams: Mapping[str, Stream], clock: Clock) -> None:
        self._book = book
        self._streams = streams
        self._clock = clock

    async def pause(self, stream: str, by: str, why: str) -> bool:
        """Let a stream's mail wait; False where it does already."""
        if stream in (await self._book.arrangements()).paused:
            return False
        now = self._clock.now()
        await self._book.commit((self._event(stream, "paused", by, why),), (Pause(stream, now, why),))
        return True

    async def resume(self, stream: str, by: str, why: str) -> bool:
        """Let a stream's mail go on; what was complained about up to this hour no longer counts. False where it was not paused."""
        if stream not in (await self._book.arrangements()).paused:
            return False
        now = self._clock.now()
        changes = (Resume(stream), Count(stream, EVERYBODY, RESUMED, now))
        await self._book.commit((self._event(stream, "resumed", by, why),), changes)
        return True

    async def standing(self) -> list[StreamStanding]:
        """Every configured stream."""
        now = self._clock.now()
        paused = (await self._book.arrangements()).paused
        tallies = await self._book.tallies(now - timedelta(days=MITIGATION_DAYS))
        counted = rates(tallies, now - WINDOW)
        return [
            StreamStanding(
                name,
                name in paused,
                tuple(rate for rate in counted if rate.stream == name),
                mitigated_days(tallies, name, "google", now),
            )
            for name in self._streams
        ]

    def _event(self, stream: str, outcome: str, by: str, why: str) -> Event:
        known = self._streams.get(stream)
        return Event(
            self._clock.now(),
            Kind.STREAM,
            outcome,
            tool=by,
            stream=stream,
            advertiser=known.advertiser.name if known else "",
            category=known.category.value if known else "",
            rules=("R-MBX-10",),
            detail=why,
        )


class Complaints:
    """The watch: one round a minute, in one of the processes that share a store."""

    def __init__(
        self,
        book: Book,
        streams: Mapping[str, Stream],
        bounds: Callable[[Stream], Bounds | None],
        clock: Clock,
        log: Log,
        show: Callable[[Sequence[Rate]], None],
        every: float = EVERY,
    ) -> None:
        self._book = book
        self._streams = streams
        self._bounds = bounds
        self._pausing = Pausing(book, streams, clock)
        self._clock = clock
        self._log = log
        self._show = show
        self._every = every
        self._warned: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Look every minute; never returns."""
        while True:
            try:
                await self.once()
            except Overtaken:
                raise  # another process does this now
            except Unavailable as failure:
                self._log.say("complaints-not-counted", outside=failure.what)
            await asyncio.sleep(self._every)

    async def once(self) -> None:
        """One round: the DPO is told by log line and metric when a rate rises over a bound, once each time it does."""
        since = self._clock.now() - WINDOW
        counted = rates(await self._book.tallies(since), since)
        self._show(counted)
        for rate in counted:
            stream = self._streams.get(rate.stream)
            bounds = self._bounds(stream) if stream else None
            if stream is not None and bounds is not None:
                await self._judge(stream, rate, bounds)

    async def _judge(self, stream: Stream, rate: Rate, bounds: Bounds) -> None:
        key = rate.stream, rate.provider
        level = rate.level(bounds.warn, bounds.pause, bounds.least)
        if level is Level.FINE:
            self._warned.discard(key)
            return
        if key not in self._warned:
            self._warned.add(key)
            self._log.say("complaints-high", level=level.value, **_told(rate))
        if level is Level.PAUSE and stream.category is Category.MARKETING:
            why = f"{rate.complained} complaints, {rate.delivered} delivered in 24 hours at {rate.provider}"
            if await self._pausing.pause(stream.name, GATEWAY, why):
                self._log.say("stream-paused", **_told(rate))


def _told(rate: Rate) -> dict[str, str | int | float]:
    return {
        "stream": rate.stream,
        "provider": rate.provider,
        "complained": rate.complained,
        "delivered": rate.delivered,
        "share": round(rate.share, 6),
    }
