"""The gate of the HTTP API: who calls, may they, not too often; and problems as every refusal tells them (RFC 6750, RFC 9457).

Refusals quote nothing of what was sent, and a wrong key looks the same whether its name exists or not.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.core.record import ApiKey
from gateway.edges.web.public import Failures
from gateway.edges.web.turnstile import Turnstile
from gateway.flow.api_keys import ApiKeys, Denial, May
from gateway.flow.ports import Clock

CALLS_A_MINUTE = 600
BODY_PATIENCE = 60.0
RETRY_AFTER = 60
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex"}
_TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    408: "Request timeout",
    413: "Content too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    503: "Service unavailable",
}


def problem(status: int, detail: str, more: Mapping[str, str] | None = None) -> Response:
    """A refusal as problem+json; those that may be repeated say when."""
    told = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
    wait = {"Retry-After": str(RETRY_AFTER)} if status in (429, 503) else {}
    return Response(json.dumps(told), status, {**HEADERS, **wait, **(more or {})}, "application/problem+json")


class Gate:
    """Lets calls in by their key; counts them by the minute."""

    def __init__(self, keys: ApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._failures = Failures(clock)
        self._calls = Turnstile(CALLS_A_MINUTE, 60, clock)

    async def admit(self, request: Request, may: May) -> ApiKey | Response:
        """The caller's key, or the refusal; asked before a single octet of the body is read."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        known = await self._keys.recognise(bearer.strip(), may) if scheme.lower() == "bearer" else Denial.UNKNOWN
        match known:
            case ApiKey():
                return problem(429, "This key calls too often.") if self._calls.refuses(known.name) else known
            case Denial.NOT_ALLOWED:
                return problem(403, "This key may not do that.")
            case Denial.UNKNOWN:
                if self._failures.too_many(request.client.host if request.client else ""):
                    return problem(429, "Too many wrong keys.")
                return problem(401, "A key is needed: Authorization: Bearer NAME.SECRET.", {"WWW-Authenticate": "Bearer"})


async def small_body(request: Request, most: int) -> bytes | Response:
    """A body that fits in one look, or the refusal."""
    taken = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            async for chunk in request.stream():
                taken += chunk
                if len(taken) > most:
                    return problem(413, f"The body is longer than {most} octets.")
    except TimeoutError:
        return problem(408, "The body did not come in time.")
    except ClientDisconnect:
        return problem(400, "The body broke off.")
    return bytes(taken)
