"""The opt-out's self-test, through the public URL as a mailbox provider would use it (R-FR-52). While it fails, marketing waits.

It presses no one's button: its token belongs to the probe's stream, which opposes nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from gateway.flow.ports import Clock, Log, Unavailable

EVERY = 60.0
AGAIN = 10.0
LIMIT = 2.0
STRIKES = 2
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


class Fetch(Protocol):
    """A plain HTTP client that verifies TLS and follows no redirect; raises Unavailable when there is no answer."""

    async def get(self, url: str) -> tuple[int, bytes]:
        """Status and body."""

    async def post(self, url: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        """Status and body."""


class Probe:
    """Healthy from the first success on, until `STRIKES` rounds in a row have failed.

    Not healthy before the first success: a link that was never seen to work is not sent out. Two strikes, ten seconds apart, so
    that one lost packet does not stop a campaign, yet a dead link goes out for little more than one interval.
    """

    def __init__(
        self,
        fetch: Fetch,
        public_url: str,
        token: Callable[[], str],
        clock: Clock,
        log: Log,
        show: Callable[[bool], None],
        every: float = EVERY,
        again: float = AGAIN,
    ) -> None:
        self._fetch = fetch
        self._base = public_url.rstrip("/")
        self._token = token
        self._clock = clock
        self._log = log
        self._show = show
        self._every = every
        self._again = again
        self._failures = 0
        self._why = "never tested"
        self._healthy = False
        self._since = clock.now()
        show(False)

    @property
    def healthy(self) -> bool:
        """Whether marketing mail may be accepted."""
        return self._healthy

    @property
    def since(self) -> datetime:
        """Since when it has been in this state."""
        return self._since

    @property
    def why(self) -> str:
        """What the last round found wanting; empty after a success."""
        return self._why

    async def run(self) -> None:
        """Test at start and every minute, sooner after a failure; never returns."""
        while True:
            passed = await self.once()
            await asyncio.sleep(self._every if passed else self._again)

    async def once(self) -> bool:
        """One round; True when it passed."""
        self._why = await self._fault()
        self._failures = self._failures + 1 if self._why else 0
        if self._why:
            self._log.say("opt-out self-test failed", why=self._why, failures=self._failures)
        if not self._why or self._failures >= STRIKES:
            self._become(not self._why)
        return not self._why

    def _become(self, healthy: bool) -> None:
        if healthy is not self._healthy:
            self._healthy, self._since = healthy, self._clock.now()
            self._log.say("opt-out works" if healthy else "opt-out down, marketing waits")
            self._show(healthy)

    async def _fault(self) -> str:
        """What is wrong, in few words without the URL; empty when the page shows and the button records."""
        url = f"{self._base}/u/{self._token()}"
        try:
            async with asyncio.timeout(LIMIT):
                status, body = await self._fetch.get(url)
            if status != 200 or b'data-page="ask"' not in body:
                return f"GET answers {status}" + ("" if status != 200 else " but not with our page")
            async with asyncio.timeout(LIMIT):
                status, body = await self._fetch.post(url, ONE_CLICK, FORM)
            if status != 200 or b'data-page="done"' not in body:
                return f"POST answers {status}" + ("" if status != 200 else " but not with our page")
        except TimeoutError:
            return f"no answer within {LIMIT:g} s"
        except Unavailable as missing:
            return f"no answer: {missing.what}"
        return ""
