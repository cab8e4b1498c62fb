"""What an operator's machines may ask: alive, ready and if not why, and the figures. Holds no personal data.

Kept apart from the public routes so that they can sit on another listener.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.flow.ports import Unavailable

Check = Callable[[], Awaitable[str]]
"""Empty when all is well, else one sentence about what is missing, without personal data."""

PATIENCE = 2.0


class Health:
    """The three routes; `checks` by name (looked at anew each time), `figures` gives (content type, body)."""

    def __init__(self, checks: Mapping[str, Check], figures: Callable[[], tuple[str, bytes]]) -> None:
        self._checks = checks
        self._figures = figures

    def routes(self) -> list[Route]:
        """`/healthz`, `/readyz`, `/metrics`."""
        return [
            Route("/healthz", self.alive, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def missing(self) -> dict[str, str]:
        """What is missing now, by name of the check; all checks run at once, none longer than two seconds."""
        told = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
        return {name: words for name, words in zip(self._checks, told, strict=True) if words}

    async def alive(self, _: Request) -> Response:
        """The process answers."""
        return JSONResponse({"alive": True}, headers=_FRESH)

    async def ready(self, _: Request) -> Response:
        """200 when mail may flow, else 503 and the list of what is missing."""
        missing = await self.missing()
        told = [{"what": name, "why": words} for name, words in missing.items()]
        return JSONResponse({"ready": not told, "missing": told}, 503 if told else 200, _FRESH)

    async def metrics(self, _: Request) -> Response:
        """The figures in Prometheus' text format."""
        kind, body = self._figures()
        return Response(body, 200, {**_FRESH, "Content-Type": kind})


_FRESH = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


async def _ask(check: Check) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return "does not answer"
    except Unavailable as missing:
        return f"{missing.what} is unavailable"
