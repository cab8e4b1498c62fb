"""Asks a provider's HTTP API: verified TLS, no redirect, no address but the configured one; failures in the house's one word."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import httpx

from gateway.edges.providers.reading import Malformed, decode
from gateway.flow.ports import Unavailable

SECONDS = 30.0
MAX_BODY = 32 * 1024 * 1024
_FINE = range(200, 300)

Sign = Callable[[str, str, bytes], Mapping[str, str]]
"""The headers that prove a request: of its method, URL and body."""


def _unsigned(method: str, url: str, body: bytes) -> Mapping[str, str]:  # noqa: ARG001  see `Sign`
    return {}


@dataclass(frozen=True, slots=True)
class Api:
    """One provider's API at its base URL; `headers` prove who asks, or `sign` does."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    sign: Sign = _unsigned

    async def get(self, path: str, **query: str | int) -> object:
        """What a GET answers; an empty value is left out of the query, `from_` is written `from`."""
        asked = urlencode({name.rstrip("_"): value for name, value in query.items() if value != ""})
        return await self._ask("GET", f"{path}?{asked}" if asked else path, None)

    async def follow(self, link: str) -> object:
        """The next page that an answer named; Unavailable where it leads to another house."""
        parts, own = urlsplit(link), urlsplit(self.base)
        if parts.scheme and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise Unavailable("the provider's API named another host")
        return await self._ask("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, None)

    async def send(self, method: str, path: str, value: object) -> None:
        """Send JSON; anything but success is Unavailable."""
        await self._ask(method, path, value)

    async def _ask(self, method: str, path: str, value: object) -> object:
        url, body = self.base.rstrip("/") + path, b"" if value is None else json.dumps(value).encode()
        headers = {"Accept": "application/json", **self.headers, **self.sign(method, url, body)}
        if value is not None:
            headers["Content-Type"] = "application/json"
        try:
            status, answer = await _fetch(method, url, body, headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as failure:
            raise Unavailable(f"the provider's API: {type(failure).__name__}") from None
        if status not in _FINE:
            raise Unavailable(f"the provider's API answered {status}")
        try:
            return decode(answer) if answer.strip() else {}
        except Malformed:
            if method != "GET":
                return {}
            raise Unavailable("the provider's API answered no JSON") from None


async def _fetch(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    taken = bytearray()
    async with (
        httpx.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False) as client,
        client.stream(method, url, content=body, headers=dict(headers)) as answer,
    ):
        async for chunk in answer.aiter_bytes():
            taken += chunk
            if len(taken) > MAX_BODY:
                raise Unavailable("the provider's API: too long an answer")
        return answer.status_code, bytes(taken)
