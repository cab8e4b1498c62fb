"""The pages of a sign-up: `/s/STREAM` asks, `/c/TOKEN` shows what a link would confirm and confirms it by POST. Knows no rule.

One answer whatever is on record about an address (no enumeration); looking changes nothing; no cookie, no script, no redirect, no
log line about who asked (R-FR-43, R-DP-16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.core.address import Address, AddressFault, parse_typed
from gateway.core.enrol import Form, Offer, enough
from gateway.core.record import Covers
from gateway.edges.web.pages import NAMES, Pages, Writer, writer
from gateway.edges.web.public import METHODS, RETRY_AFTER, Failures, page_headers, read_body
from gateway.edges.web.turnstile import Turnstile
from gateway.flow.confirm import Confirming, Question
from gateway.flow.enrol import Enrolling
from gateway.flow.ports import Clock, Unavailable

POSTS_A_MINUTE = 60
"""From one peer; behind a proxy that is not in `[web] proxy_from` that is everybody, so it is no tight limit."""

POSTS_AN_HOUR = 5
"""For one address, whoever sends them; how many mails come of it is `core.enrol`'s to bound."""

MAX_FIELDS = 20
TRAP = "website"
"""A field no person sees: whoever fills it in is thanked and forgotten."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form said, as it was typed."""

    address: str = ""
    ticked: frozenset[Covers] = frozenset()
    mark: str = ""
    trapped: bool = False


def read_sent(body: bytes) -> Sent:
    """The fields of an urlencoded form; what does not parse says nothing, and never fails."""
    try:
        pairs = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS))
    except ValueError:
        return Sent()
    ticked = frozenset(covers for covers in Covers if pairs.get(covers.value) == "yes")
    return Sent(pairs.get("email", "")[:320], ticked, pairs.get("mark", ""), bool(pairs.get(TRAP)))


class SignUp:
    """The endpoints behind `/s/STREAM` and `/c/TOKEN`."""

    def __init__(self, enrolling: Enrolling, confirming: Confirming, forms: Mapping[str, Form], pages: Pages, clock: Clock) -> None:
        self._enrolling = enrolling
        self._confirming = confirming
        self._forms = forms
        self._pages = pages
        self._failures = Failures(clock)
        self._peers = Turnstile(POSTS_A_MINUTE, 60, clock)
        self._addresses = Turnstile(POSTS_AN_HOUR, 3600, clock)
        self._headers = page_headers(pages)

    def routes(self) -> list[Route]:
        """Every path below `/s/` and `/c/`."""
        methods = list(METHODS)
        return [
            Route("/s/{stream:anything}", self.sign_up, methods=methods),
            Route("/c/{token:anything}", self.confirm, methods=methods),
        ]

    # Signing up

    async def sign_up(self, request: Request) -> Response:
        """Answer one request for a form."""
        if request.method == "OPTIONS":
            return self._options()
        form = self._forms.get(request.path_params["stream"])
        if form is None:
            return self._page(self._pages.render("noform", self._language(request), Writer()), 404)
        language = self._spoken(request, form)
        try:
            shown = await self._enrolling.offer(form, language)
            if request.method == "POST":
                return await self._posted(request, form, shown)
        except Unavailable:
            return self._wait(language, writer(form.stream))
        return self._form(form, shown, Sent())

    async def _posted(self, request: Request, form: Form, shown: Offer) -> Response:
        body = await read_body(request)
        if isinstance(body, int):
            return Response(status_code=body, headers=self._headers | {"Connection": "close"})
        sent = read_sent(body)
        if self._peers.refuses(request.client.host if request.client else ""):
            return self._form(form, shown, sent, "busy", 429)
        if sent.trapped:
            return self._thanks(shown)
        address = parse_typed(sent.address)
        if isinstance(address, AddressFault):
            return self._form(form, shown, sent, "address", 422)
        if sent.mark != shown.mark:
            return self._form(form, shown, Sent(sent.address), "changed", 409)
        if not enough(sent.ticked & shown.boxes.keys()):
            return self._form(form, shown, sent, "nothing", 422)
        if self._addresses.refuses(address.canonical):
            return self._form(form, shown, sent, "busy", 429)
        return await self._recorded(form, shown, sent, address)

    async def _recorded(self, form: Form, shown: Offer, sent: Sent, address: Address) -> Response:
        try:
            await self._enrolling.sign_up(shown, sent.ticked & shown.boxes.keys(), address)
        except Unavailable:
            return self._form(form, shown, sent, "later", 503)
        return self._thanks(shown)

    def _form(self, form: Form, shown: Offer, sent: Sent, error: str = "", status: int = 200) -> Response:
        page = self._pages.render(
            "signup",
            shown.language,
            writer(form.stream),
            languages=[(code, NAMES.get(code, code)) for code in self._pages.languages if code in form.words],
            purposes=shown.purposes,
            boxes={covers.value: wording for covers, wording in shown.boxes.items()},
            ticked={covers.value for covers in sent.ticked},
            partners=shown.partners,
            address=sent.address,
            mark=shown.mark,
            trap=TRAP,
            error=error,
        )
        return self._page(page, status, {"Retry-After": str(RETRY_AFTER)} if status in (429, 503) else None)

    def _thanks(self, shown: Offer) -> Response:
        return self._page(self._pages.render("signup-sent", shown.language, writer(shown.stream)))

    # Confirming

    async def confirm(self, request: Request) -> Response:
        """Answer one request for a confirmation."""
        if request.method == "OPTIONS":
            return self._options()
        token = request.path_params["token"]
        language = self._language(request)
        try:
            act = self._confirming.confirm if request.method == "POST" else self._confirming.look
            question = await act(token)
        except Unavailable:
            return self._wait(language, Writer())
        if question is None:
            return self._ended(request, language)
        return self._question(request, question)

    def _question(self, request: Request, question: Question) -> Response:
        asked = next((one.proof.language for one in question.consents if one.proof.language), question.stream.language)
        wanted = request.query_params.get("lang", "")
        language = self._pages.language(wanted or asked, request.headers.get("accept-language", ""))
        versions = [one.partner_list_version for one in question.consents if one.covers is Covers.PARTNERS]
        page = self._pages.render(
            "confirmed" if question.done else "confirm",
            language,
            writer(question.stream),
            wordings=[one.wording for one in question.consents],
            collector=question.stream.advertiser.name,
            version=next(iter(versions), ""),
        )
        return self._page(page)

    def _ended(self, request: Request, language: str) -> Response:
        """One same answer for a forged link and for one whose time is over."""
        page = self._pages.render("ended", language, Writer())
        if self._failures.too_many(request.client.host if request.client else ""):
            return self._page(page, 429, {"Retry-After": str(RETRY_AFTER)})
        return self._page(page, 404)

    # Both

    def _wait(self, language: str, who: Writer) -> Response:
        return self._page(self._pages.render("wait", language, who), 503, {"Retry-After": str(RETRY_AFTER)})

    def _spoken(self, request: Request, form: Form) -> str:
        """A language the form has words in."""
        language = self._language(request, form.stream.language)
        if language in form.words:
            return language
        return form.stream.language if form.stream.language in form.words else next(iter(form.words))

    def _language(self, request: Request, otherwise: str = "") -> str:
        return self._pages.language(request.query_params.get("lang", ""), request.headers.get("accept-language", ""), otherwise)

    def _options(self) -> Response:
        return Response(status_code=204, headers=self._headers | {"Allow": ", ".join(METHODS)})

    def _page(self, page: bytes, status: int = 200, more: Mapping[str, str] | None = None) -> Response:
        return Response(page, status, self._headers | dict(more or {}), "text/html; charset=utf-8")
