"""Has the day's work done once a day by one of all processes, which the store remembers (R-DP-10).

The day counts as done when all of it is: a run that was cut short is finished by the next, which finds the rest in the records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.core.change import MoveCursor
from gateway.flow.back_ports import Returns
from gateway.flow.daily import Daily, Day
from gateway.flow.keeper import Keeper
from gateway.flow.lease_ports import Lease
from gateway.flow.ports import Book, Clock, Log, Unavailable

LEASE = "daily"
"""Held while the work is done, by a gateway or by `gateway daily`."""
LAST_DONE = "daily"
"""The cursor with the last day done, as ISO text, which sorts."""


class EveryDay:
    """Looks from time to time whether the day is done; `daily` is the work under a lease."""

    def __init__(
        self, keeper: Keeper, daily: Callable[[Lease], Daily], book: Book, returns: Returns, clock: Clock, log: Log
    ) -> None:
        self._keeper = keeper
        self._daily = daily
        self._book = book
        self._returns = returns
        self._clock = clock
        self._log = log

    async def run(self, after: float, look: float) -> None:
        """Look after so many seconds, and then every `look` seconds, until cancelled."""
        await asyncio.sleep(after)
        while True:
            try:
                await self.once()
            except Unavailable as failure:
                self._log.say("daily-failed", outside=failure.what)  # the day is not marked: the next look tries again
            await asyncio.sleep(look)

    async def once(self) -> None:
        """Do the day's work unless it is done; a clock that goes back repeats no day."""
        today = self._clock.now().date().isoformat()
        if await self._returns.cursor(LAST_DONE) >= today:
            return
        day = await work_of_day(self._keeper, self._daily, self._book)
        if day is not None:
            await self._book.commit((), (MoveCursor(LAST_DONE, today),))
            self._log.say("daily", did=day.did)


async def work_of_day(keeper: Keeper, daily: Callable[[Lease], Daily], book: Book) -> Day | None:
    """Do what is due under the lease, then rewrite the tables something was erased from; None where another is at it.

    The rewriting needs no lease: it changes no record, and nobody could renew one while it takes.
    """
    day = await keeper.did(lambda lease: daily(lease).run(compact=False))
    if day is not None:
        await book.compact()
    return day
