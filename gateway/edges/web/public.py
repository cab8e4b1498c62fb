"""The public side of the opt-out: one URL, GET shows a page, POST records (RFC 8058 3.1). Knows no rule.

GET, HEAD and OPTIONS change nothing (R-FR-54). No cookie, no redirect, no log line about who asked (R-DP-16). The token is the
authority, so there is deliberately no CSRF check.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.core.record import Door, Scope
from gateway.edges.web.pages import Pages
from gateway.flow.ports import Clock, Unavailable
from gateway.flow.way_back import Holder, WayBack

MAX_BODY = 8192
BODY_PATIENCE = 10.0
RETRY_AFTER = 60
FAILURES_A_MINUTE = 30
METHODS = ("GET", "HEAD", "OPTIONS", "POST")
_SCOPES = {scope.value: scope for scope in Scope}
_PART = re.compile(
    rb'name="?(List-Unsubscribe|scope)"?[^\r\n]{0,100}\r?\n(?:[^\r\n]{1,200}\r?\n){0,4}\r?\n([^\r\n]{0,40})', re.IGNORECASE
)


class Failures:
    """Counts wrong tokens per peer, to slow down guessing; a right token is never refused for it.

    Peers are kept as salted digests for one minute, in memory only (R-DP-16, T9).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = -1
        self._salt = b""
        self._counts: dict[bytes, int] = {}

    def too_many(self, peer: str) -> bool:
        """Count one more failure of this peer; True once it made more than `FAILURES_A_MINUTE` within the minute."""
        minute = int(self._clock.monotonic() // 60)
        if minute != self._minute or len(self._counts) >= 10_000:
            self._minute, self._salt, self._counts = minute, secrets.token_bytes(16), {}
        key = hashlib.blake2b(peer.encode(), digest_size=8, key=self._salt).digest()
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] > FAILURES_A_MINUTE


@dataclass(frozen=True, slots=True)
class Form:
    """What a POST's body said; an empty, unknown or broken body says nothing, and still opts out."""

    scope: Scope | None
    door: Door


def read_form(content_type: str, body: bytes) -> Form:
    """The two fields that matter, from urlencoded or multipart bytes (RFC 8058 3.1); never fails."""
    if content_type.lower().startswith("multipart/"):
        fields = {name.decode("ascii").lower(): value.decode("latin-1").strip() for name, value in _PART.findall(body)}
    else:
        try:
            pairs = parse_qsl(body.decode("latin-1"), max_num_fields=20)
        except ValueError:
            pairs = []
        fields = {name.lower(): value.strip() for name, value in pairs}
    one_click = fields.get("list-unsubscribe", "").lower() == "one-click"
    return Form(_SCOPES.get(fields.get("scope", "")), Door.ONE_CLICK if one_click else Door.LINK)


class _Anything(Convertor[str]):
    """Whatever follows `/u/`, slashes and line breaks included: a token cut or mangled gets the same answer as any other."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """As it came."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


register_url_convertor("anything", _Anything())


def page_headers(pages: Pages) -> dict[str, str]:
    """What every page says that a person acts on: keep nothing, run nothing, frame nothing, tell nobody (R-DP-16)."""
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": pages.policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Vary": "Accept-Language",
    }


class OptOut:
    """The endpoint behind `/u/TOKEN`."""

    def __init__(self, way_back: WayBack, pages: Pages, clock: Clock) -> None:
        self._way_back = way_back
        self._pages = pages
        self._failures = Failures(clock)
        self._headers = page_headers(pages)

    def routes(self) -> list[Route]:
        """The endpoint, for every path below `/u/`."""
        return [Route("/u/{token:anything}", self.answer, methods=list(METHODS))]

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=self._headers | {"Allow": ", ".join(METHODS)})
        token = request.path_params["token"]
        holder = self._way_back.who_is(token)
        if holder is None:
            return self._forged(request)
        if request.method == "POST":
            return await self._oppose(request, token, holder)
        return self._page(self._pages.ask(self._language(request, holder), holder.stream))

    async def _oppose(self, request: Request, token: str, holder: Holder) -> Response:
        body = await read_body(request)
        if isinstance(body, int):
            return Response(status_code=body, headers=self._headers | {"Connection": "close"})
        form = read_form(request.headers.get("content-type", ""), body)
        language = self._language(request, holder)
        try:
            done = await self._way_back.oppose(token, form.scope, form.door)
        except Unavailable:
            page = self._pages.later(language, holder.stream, form.scope)
            return self._page(page, 503, {"Retry-After": str(RETRY_AFTER)})
        if done is None:
            return self._forged(request)
        return self._page(self._pages.done(language, done.stream, done.scope))

    def _forged(self, request: Request) -> Response:
        """One same answer for whatever is wrong with a token, GET or POST alike (R-STD-32, T9)."""
        page = self._pages.forged(self._language(request, None))
        if self._failures.too_many(request.client.host if request.client else ""):
            return self._page(page, 429, {"Retry-After": str(RETRY_AFTER)})
        return self._page(page, 404)

    def _language(self, request: Request, holder: Holder | None) -> str:
        otherwise = holder.stream.language if holder and holder.stream else ""
        return self._pages.language(request.query_params.get("lang", ""), request.headers.get("accept-language", ""), otherwise)

    def _page(self, page: bytes, status: int = 200, more: dict[str, str] | None = None) -> Response:
        return Response(page, status, self._headers | (more or {}), "text/html; charset=utf-8")


async def read_body(request: Request) -> bytes | int:
    """The body, or the status that refuses it: too long, too slow, or broken off."""
    taken = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            async for chunk in request.stream():
                taken += chunk
                if len(taken) > MAX_BODY:
                    return 413
    except TimeoutError:
        return 408
    except ClientDisconnect:
        return 400
    return bytes(taken)
