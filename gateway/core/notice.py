"""Says what the person must be told - who writes, from where the address comes, which rights, how to stop - as text and as HTML.

The words are in `templates/notice/`, this room only fills them in; what comes from configuration or partners is data, never
template.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import NamedTuple

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.core.model import Advertiser, Partner, Stream
from gateway.core.record import NamedPartner
from gateway.core.verdict import Due

LANGUAGES = ("fr", "en")
_TEXT_WIDTH = 72
_HTML_WIDTH = 400
# Stands for the opt-out address while a rendering is kept: a private-use character that cleaned data cannot hold.
_URL_HERE = "\ue000"
_UNSEEN = re.compile("[\\s\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff]+")
_WEB_ADDRESS = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")
_UNKNOWN_SOURCES = ("", "unknown", "inconnu", "inconnue")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one message in both forms; `template` is the hash of the template sources they were made from (R-FR-29).

    `lines` is the HTML again, in pieces of whole lines; every second one, from the first, is the same object for everybody, so that
    it need be encoded only once.
    """

    text: str
    html: str
    template: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeFault:
    """The words cannot be composed: a template is missing or broken, or `missing` facts are not configured."""

    what: str
    missing: tuple[str, ...] = ()


def missing_fields(advertiser: Advertiser, source: str, partner: Partner | None) -> tuple[str, ...]:
    """What a first-contact notice must say and nobody has configured (R-FR-30, GDPR 14(1)-(2)); a DPO only if there is one."""
    named = (partner.legal_name or partner.name) if partner else source
    unknown = clean(named).lower() in _UNKNOWN_SOURCES
    return _missing_identity(advertiser) + (() if advertiser.privacy_url else ("privacy_url",)) + (("source",) if unknown else ())


def clean(value: str) -> str:
    """Foreign text on one line: controls, line breaks, zero-width and direction marks become a blank."""
    return _UNSEEN.sub(" ", value).strip()


def is_web_address(text: str) -> bool:
    """Whether a text can stand as a link in mail and pages without any escape but HTML's own."""
    return _WEB_ADDRESS.fullmatch(text) is not None


def _missing_identity(advertiser: Advertiser) -> tuple[str, ...]:
    facts = {
        "legal_name": advertiser.legal_name,
        "postal_address": advertiser.postal_address,
        "contact": advertiser.contact,
    }
    return tuple(name for name, value in facts.items() if not clean(value))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a collector's mail shows of its partners: where its current list is, and who in it is new to this person.

    R-FR-24, R-FR-25. No address where the advertiser has published no list.
    """

    url: str = ""
    news: tuple[NamedPartner, ...] = ()


NO_PARTNERS = Shown()


class _Case(NamedTuple):
    """Everything that shapes the words except the person's own address: what a rendering is kept under."""

    stream: Stream
    due: Due
    source: str
    partner: Partner | None
    authority_url: str
    authority_name: str
    language: str
    shown: Shown


@dataclass(frozen=True, slots=True)
class _Kept:
    """A rendering cut where the opt-out address goes; the HTML first into lines that have none of it and lines that do, in turn."""

    text: tuple[str, ...]
    html: tuple[tuple[str, ...], ...]
    template: str


class Notices:
    """The notice templates, compiled once: `sources` maps names such as `footer.fr.txt.j2` to their text."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = dict(sorted(sources.items()))
        self._text = _environment(self._sources, html=False)
        self._html = _environment(self._sources, html=True)
        self._kept = lru_cache(maxsize=1024)(self._rendered)

    def compose(
        self,
        stream: Stream,
        due: Due,
        source: str,
        partner: Partner | None,
        opt_out_url: str,
        authority_url: str,
        authority_name: str,
        language: str,
        shown: Shown = NO_PARTNERS,
    ) -> Words | NoticeFault:
        """The words due to one person; an unknown language is French."""
        if not is_web_address(opt_out_url):
            return NoticeFault("opt-out address is not a web address")
        tongue = language.lower()[:2]
        tongue = tongue if tongue in LANGUAGES else LANGUAGES[0]
        kept = self._kept(_Case(stream, due, source, partner, authority_url, authority_name, tongue, shown))
        if isinstance(kept, NoticeFault):
            return kept
        link = escape(opt_out_url)
        lines = tuple([piece[0] if len(piece) == 1 else link.join(piece) for piece in kept.html])
        return Words(opt_out_url.join(kept.text), "".join(lines), kept.template, lines)

    def faults(self) -> tuple[str, ...]:
        """Templates that do not compile, and names that lack: for `gateway check`."""
        found = [f"{name} is missing" for name in _names() if name not in self._sources]
        for name in self._sources:
            try:
                self._html.get_template(name)
            except TemplateError as fault:
                found.append(f"{name}: {fault}")
        return tuple(found)

    def _rendered(self, case: _Case) -> _Kept | NoticeFault:
        advertiser = case.stream.advertiser
        missing = _missing_identity(advertiser)
        if case.due is Due.FULL_NOTICE:
            missing = missing_fields(advertiser, case.source, case.partner)
        if missing:
            return NoticeFault("facts are not configured", missing)
        facts = _facts(case)
        if isinstance(facts, NoticeFault):
            return facts
        try:
            text = self._text.get_template("frame.txt.j2").render(facts)
            html = self._html.get_template("frame.html.j2").render(facts)
        except TemplateError as fault:
            return NoticeFault(f"template: {fault}")
        if _URL_HERE not in text or _URL_HERE not in html:
            return NoticeFault("template does not show the opt-out address")
        if hidden := _hidden(case.shown, text, html):
            return NoticeFault("template does not show the partners", hidden)
        return _Kept(tuple(_wrapped_text(text).split(_URL_HERE)), _cut(_wrapped_html(html)), self._hash(case.language))

    def _hash(self, language: str) -> str:
        """16 hex digits over every template a rendering in that language could have used."""
        digest = hashlib.sha256()
        for name, source in self._sources.items():
            if name.startswith("frame.") or f".{language}." in name:
                digest.update(f"{name}\0{source}\0".encode())
        return digest.hexdigest()[:16]


def _names() -> tuple[str, ...]:
    parts = tuple(
        f"{part}.{language}.{form}.j2"
        for language in LANGUAGES
        for part in ("footer", "notice", "partners")
        for form in ("txt", "html")
    )
    return ("frame.txt.j2", "frame.html.j2", *parts)


def _environment(sources: Mapping[str, str], html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(sources),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _facts(case: _Case) -> dict[str, object] | NoticeFault:
    """The allow-listed variables of the templates, every value cleaned; links only where they are web addresses."""
    advertiser = case.stream.advertiser
    partner = case.partner
    web = {
        "privacy_url": advertiser.privacy_url,
        "authority_url": case.authority_url,
        "source_privacy_url": partner.privacy_url if partner else "",
        "partners_url": case.shown.url,
    }
    wrong = [name for name, url in web.items() if url and not is_web_address(url)]
    wrong += ["news" for one in case.shown.news if not is_web_address(one.privacy_url)]
    if wrong:
        return NoticeFault("not a web address", tuple(wrong))
    return {
        **web,
        "language": case.language,
        "full_notice": case.due is Due.FULL_NOTICE,
        "source_line": case.due is Due.SOURCE_LINE and clean(case.source).lower() not in _UNKNOWN_SOURCES,
        "direct": case.source == "direct",
        "source": clean((partner.legal_name or partner.name) if partner else case.source),
        "legal_name": clean(advertiser.legal_name),
        "postal_address": clean(", ".join(line for line in advertiser.postal_address.splitlines() if line.strip())),
        "contact": clean(advertiser.contact),
        "contact_href": _href(clean(advertiser.contact)),
        "dpo": clean(advertiser.dpo),
        "dpo_href": _href(clean(advertiser.dpo)),
        "purpose": clean(case.stream.purpose),
        "authority_name": clean(case.authority_name) or "CNIL",
        "opt_out_url": _URL_HERE,
        "news": [(clean(one.legal_name), one.privacy_url) for one in case.shown.news],
    }


def _hidden(shown: Shown, text: str, html: str) -> tuple[str, ...]:
    """What the law wants shown of partners and the templates left out: an operator's own frame may know no list."""
    due = {"list": shown.url, **{one.name: one.privacy_url for one in shown.news}}
    return tuple(name for name, url in due.items() if url not in text or escape(url) not in html)


def _href(contact: str) -> str:
    """What a contact links to: a mail or web address as it is, anything else to nothing."""
    if _MAIL_ADDRESS.fullmatch(contact):
        return f"mailto:{contact}"
    return contact if is_web_address(contact) else ""


def _wrapped_text(text: str) -> str:
    """Paragraph lines of at most 72 characters, addresses whole, no blank at a line's end, no two empty lines running."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        lines += textwrap.wrap(line, _TEXT_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _wrapped_html(html: str) -> str:
    """Source lines short enough for any transfer encoding, empty ones left out."""
    lines: list[str] = []
    for line in html.splitlines():
        lines += textwrap.wrap(line.strip(), _HTML_WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _cut(html: str) -> tuple[tuple[str, ...], ...]:
    """Lines without the address, then lines with it, and so on; each piece cut where it stands."""
    pieces = [""]
    for line in html.splitlines(keepends=True):
        if (_URL_HERE in line) == len(pieces) % 2:
            pieces.append("")
        pieces[-1] += line
    return tuple(tuple(piece.split(_URL_HERE)) for piece in pieces)
