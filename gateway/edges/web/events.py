"""`POST /events/NAME`: what a provider reports about mail of ours. Recorded first, then answered; 503 where it was not recorded.

Who calls is proven by the provider's own scheme, never by an API key. No answer quotes what was sent, and a name that is not
configured answers like a path that does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.edges.web.gate import HEADERS, problem, small_body
from gateway.edges.web.public import Failures
from gateway.flow.ports import Clock, Unavailable
from gateway.flow.provider_events import ProviderEvents, Refusal, Room, Source

MAX_BODY = 1024 * 1024
AT_ONCE = 8
PATIENCE = 10.0


class Events:
    """The door of all configured providers."""

    def __init__(self, events: ProviderEvents, rooms: Mapping[Source, Room], clock: Clock) -> None:
        self._events = events
        self._rooms = {source.name: (source, room) for source, room in rooms.items()}
        self._failures = Failures(clock)
        self._slots = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[Route]:
        """The one path; none where no provider is configured."""
        return [Route("/events/{name}", self.take, methods=["POST"])] if self._rooms else []

    async def take(self, request: Request) -> Response:
        """One call."""
        known = self._rooms.get(request.path_params["name"])
        if known is None:
            return Response("Not Found", 404, HEADERS, "text/plain")
        try:
            async with asyncio.timeout(PATIENCE):
                await self._slots.acquire()
        except TimeoutError:
            return problem(503, "Too many calls at once, try again.")
        try:
            return await self._read(*known, request)
        finally:
            self._slots.release()

    async def _read(self, source: Source, room: Room, request: Request) -> Response:
        body = await small_body(request, MAX_BODY)
        if isinstance(body, Response):
            return body
        try:
            refused = await self._events.take(source, room, dict(request.headers), body)
        except Unavailable:
            return problem(503, "It cannot be recorded now, try again.")
        match refused:
            case None:
                return Response(status_code=200, headers=HEADERS)
            case Refusal.MALFORMED:
                return problem(400, "The body is not what this provider sends.")
            case Refusal.FORGED:
                if self._failures.too_many(request.client.host if request.client else ""):
                    return problem(429, "Too many calls without proof.")
                return problem(401, "The call is not proven to come from the provider.", {"WWW-Authenticate": "Basic"})
