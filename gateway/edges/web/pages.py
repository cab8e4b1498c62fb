"""The pages a recipient may see, from `templates/pages/`: rendered here, worded there. Decides nothing and records nothing.

A language is a set of files `ask.xx.html.j2`, `done...`, `forged...`, `later...`; every page is rendered once at start, so that a
broken template stops the start and not the person.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.core.model import Advertiser, Stream
from gateway.core.record import Scope

KINDS = ("ask", "done", "forged", "later")
NAMES = {"fr": "Français", "en": "English", "de": "Deutsch", "es": "Español", "it": "Italiano"}


@dataclass(frozen=True, slots=True)
class Link:
    """Something to show, and where it leads when that is safe to follow."""

    text: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who is writing, as the templates may say it (R-FR-53, R-FR-71); all empty when nobody can be named."""

    name: str = ""
    postal_address: str = ""
    contact: Link = Link()
    privacy: Link = Link()
    dpo: Link = Link()
    list: str = ""


def writer(stream: Stream | None) -> Writer:
    """The advertiser of a stream; nobody for a stream no longer configured."""
    return Writer() if stream is None else imprint(stream.advertiser, stream.purpose or stream.name)


def imprint(who: Advertiser, purpose: str = "") -> Writer:
    """An advertiser, writing for a purpose or for none in particular."""
    name = who.legal_name or who.name
    return Writer(name, who.postal_address, link(who.contact), link(who.privacy_url), link(who.dpo), purpose)


def link(text: str) -> Link:
    """A configured contact made clickable: web and mail addresses only, anything else stays text."""
    if text.startswith(("https://", "http://")):
        return Link(text, text)
    if "@" in text and not any(mark in text for mark in " <>\"'?&"):
        return Link(text.removeprefix("mailto:"), f"mailto:{text.removeprefix('mailto:')}")
    return Link(text)


class Pages:
    """Every page in every language, and the content security policy that fits them."""

    def __init__(self, folder: Path, shipped: Path | None = None) -> None:
        """`shipped` is where templates come from that an operator's own folder lacks."""
        style = (folder / "page.css").read_text(encoding="utf-8")
        digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        self.languages = tuple(sorted(path.name.split(".")[1] for path in folder.glob("ask.*.html.j2")))
        self._default = "fr" if "fr" in self.languages else self.languages[0]
        self._environment = Environment(
            loader=FileSystemLoader([folder, shipped or folder]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            auto_reload=False,
        )
        self._templates = frozenset(self._environment.list_templates())
        self._environment.globals["style"] = Markup(style)  # noqa: S704  the operator's own file, not input
        self._environment.globals["languages"] = [(code, NAMES.get(code, code)) for code in self.languages]
        self._made: dict[tuple[str, str, Writer, str], bytes] = {}
        for language in self.languages:
            for kind in KINDS:
                self._page(kind, language, Writer(), "")

    def language(self, wanted: str, accepted: str, otherwise: str = "") -> str:
        """Which language to speak: the one asked for, else the browser's best (RFC 9110 12.5.4), else the stream's."""
        if wanted in self.languages:
            return wanted
        for code in _preferences(accepted):
            if code in self.languages:
                return code
        return otherwise if otherwise in self.languages else self._default

    def ask(self, language: str, stream: Stream | None) -> bytes:
        """The page with the button."""
        return self._page("ask", language, writer(stream), "")

    def done(self, language: str, stream: Stream | None, scope: Scope) -> bytes:
        """It is recorded: the same words the first and every later time."""
        return self._page("done", language, writer(stream), scope.value)

    def later(self, language: str, stream: Stream | None, scope: Scope | None) -> bytes:
        """It could not be recorded; try again."""
        return self._page("later", language, writer(stream), scope.value if scope else "")

    def forged(self, language: str) -> bytes:
        """The one answer to every token that is not ours."""
        return self._page("forged", language, Writer(), "")

    def render(self, kind: str, language: str, who: Writer, **facts: object) -> bytes:
        """A page of another room in the same frame, from its own facts and `KIND.LANGUAGE.html.j2`; nothing is kept.

        Where nobody wrote it in that language, another one is spoken.
        """
        spoken = next((code for code in (language, self._default) if f"{kind}.{code}.html.j2" in self._templates), "en")
        template = self._environment.get_template(f"{kind}.{spoken}.html.j2")
        return template.render(page=kind, lang=spoken, who=who, **facts).encode()

    def _page(self, kind: str, language: str, who: Writer, scope: str) -> bytes:
        """Rendered once for each of the few combinations the configuration allows."""
        key = (kind, language, who, scope)
        if key not in self._made:
            template = self._environment.get_template(f"{kind}.{language}.html.j2")
            text = template.render(page=kind, lang=language, who=who, scope=scope)
            if f'data-page="{kind}"' not in text:
                raise ValueError(f"page {kind}.{language}: the mark data-page is gone, the self-test could not know it")
            self._made[key] = text.encode()
        return self._made[key]


def _preferences(accepted: str) -> list[str]:
    """The primary language tags of an Accept-Language, best first; what does not parse counts as refused."""
    ranked: list[tuple[float, int, str]] = []
    for place, item in enumerate(accepted[:200].split(",")):
        tag, _, weight = item.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        if quality > 0:
            ranked.append((-quality, place, tag.strip().split("-")[0].lower()))
    return [code for _, _, code in sorted(ranked)]
