"""The self-test's HTTP client: fetches our own configured URL the way a mailbox provider would; implements `probe.Fetch`.

TLS is verified, redirects are not followed, every call makes its own connection so that DNS and TLS are tested too.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from gateway.flow.ports import Unavailable

SECONDS = 2.0
MAX_BODY = 65536


class Fetcher:
    """GET and POST with verified TLS; `ca_file` names an authority of one's own."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._tls = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)

    async def get(self, url: str) -> tuple[int, bytes]:
        """Status and body; Unavailable when there is no answer."""
        return await self._ask("GET", url, b"", {})

    async def post(self, url: str, body: bytes, content_type: str) -> tuple[int, bytes]:
        """Status and body; Unavailable when there is no answer."""
        return await self._ask("POST", url, body, {"Content-Type": content_type})

    async def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """One request; the reason of a failure is the library's word for it, never its text, which quotes the URL."""
        taken = bytearray()
        try:
            async with (
                httpx.AsyncClient(verify=self._tls, timeout=SECONDS, trust_env=False, follow_redirects=False) as client,
                client.stream(method, url, content=body, headers=headers) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    taken += chunk
                    if len(taken) > MAX_BODY:
                        break
                return answer.status_code, bytes(taken)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
            raise Unavailable(type(failure).__name__) from None
