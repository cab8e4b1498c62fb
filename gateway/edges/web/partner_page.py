"""The public page of an advertiser's partners: the current list, its changes, every earlier version (R-FR-24, R-FR-25).

Made anew from the store for each request, so that a new version shows at once. No cookie, no log line about who asked (R-DP-16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.core.model import Advertiser
from gateway.core.notice import LANGUAGES, clean
from gateway.core.own_mail import say_day
from gateway.core.partner_list import Changed, history
from gateway.core.record import NamedPartner, PartnerList
from gateway.edges.web.pages import Link, Pages, Writer, imprint, link
from gateway.flow.ports import Book, Unavailable

METHODS = ("GET", "HEAD")
# One second: a published version shows within it, and a whole campaign's readers behind one cache ask us once in it.
CACHED = "public, max-age=1"
_FRESH = "no-store"
_DOWN = "La liste ne peut pas être lue, réessayez dans une minute.\nThe list cannot be read, try again in a minute.\n"


@dataclass(frozen=True, slots=True)
class _Partner:
    """A partner as the template shows it."""

    name: str
    privacy: Link


@dataclass(frozen=True, slots=True)
class _Version:
    """A line of the history."""

    version: str
    date: str
    href: str
    shown: bool
    changed: Mapping[str, Sequence[_Partner]]


class PartnerPage:
    """The pages below `/p/`: `/p/ADVERTISER` and `/p/ADVERTISER/VERSION`."""

    def __init__(self, book: Book, pages: Pages, advertisers: Mapping[str, Advertiser]) -> None:
        self._book = book
        self._pages = pages
        self._writers = {name: imprint(one) for name, one in advertisers.items()}
        self._headers = {
            "Content-Security-Policy": pages.policy,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex, nofollow",
            "Vary": "Accept-Language",
        }

    def routes(self) -> list[Route]:
        """Every path below `/p/`, so that a mangled one gets a page too."""
        return [Route("/p/{path:path}", self.answer, methods=list(METHODS))]

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        wanted = request.query_params.get("lang", "")
        language = self._pages.language(wanted, request.headers.get("accept-language", ""))
        collector, slash, version = request.path_params["path"].partition("/")
        try:
            lists = (await self._book.arrangements()).lists.get(collector, ()) if collector in self._writers else ()
        except Unavailable:
            more = {"Retry-After": "60", "Cache-Control": _FRESH}
            return Response(_DOWN, 503, self._headers | more, "text/plain; charset=utf-8")
        shown = lists[-1] if lists and not slash else next((one for one in lists if one.version == version), None)
        if shown is None:
            return self._page(self._pages.render("unlisted", language, Writer()), 404, _FRESH)
        keep = f"?lang={language}" if wanted == language else ""
        return self._page(self._list(language, lists, shown, bool(slash), keep), 200, CACHED)

    def _list(self, language: str, lists: Sequence[PartnerList], shown: PartnerList, by_version: bool, keep: str) -> bytes:
        """Links are relative: the gateway may stand below a path of its own."""
        collector = shown.collector
        below = "" if by_version else f"{collector}/"
        versions = [
            _Version(one.version, _day(one.at, language), f"{below}{one.version}", one is shown, _clean(changed))
            for one, changed in history(lists)
        ]
        return self._pages.render(
            "partners",
            language,
            self._writers[collector],
            current=shown is lists[-1],
            collector=collector,
            version=shown.version,
            date=_day(shown.at, language),
            partners=[_shown(one) for one in shown.partners],
            versions=versions,
            keep=keep,
        )

    def _page(self, page: bytes, status: int, cached: str) -> Response:
        return Response(page, status, self._headers | {"Cache-Control": cached}, "text/html; charset=utf-8")


def _shown(one: NamedPartner) -> _Partner:
    """One partner, whatever its name holds: data, and never markup (R-FR-34)."""
    return _Partner(clean(one.legal_name), link(one.privacy_url))


def _clean(changed: Changed) -> dict[str, list[_Partner]]:
    sides = {"added": changed.added, "removed": changed.removed, "altered": changed.altered}
    return {side: [_shown(one) for one in some] for side, some in sides.items()}


def _day(at: datetime, language: str) -> str:
    return say_day(at, language) if language in LANGUAGES else at.date().isoformat()
