"""Writes the mail the gateway itself sends - the question of a double opt-in, whether somebody stays, a notice of rights.

Words come from locked templates (`templates/mail/`), facts from the configuration and the caller; nobody else's text becomes
template. Pure: the instant and the random word come in. The result lacks only its signatures, as a tool's message does.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from enum import StrEnum

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.core.address import Address
from gateway.core.compose import Draft, Letterhead, list_headers, opt_out_url
from gateway.core.model import Partner, PersonKey
from gateway.core.notice import LANGUAGES, NoticeFault, Words, clean, is_web_address
from gateway.core.sign import prepare
from gateway.core.token import mint
from gateway.core.verdict import Due

_WIDTH = 72
_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
}
_DAYS = {"de": "{day}. {month} {year}", "es": "{day} de {month} de {year}"}


class MailKind(StrEnum):
    """What one of our own mails is for; none of them is advertising."""

    DOI = "doi"
    DOI_REMINDER = "doi-reminder"
    STAY = "stay"
    RIGHTS_NOTICE = "rights-notice"
    ACK = "ack"
    TASK = "task"
    PASSED_ON = "passed-on"
    PARTNER = "partner"
    UNTOLD = "untold"
    WAY_OUT = "way-out"


PLAIN = {
    MailKind.ACK: ("fr", "en", "de", "es", "it"),
    MailKind.TASK: LANGUAGES,
    MailKind.PARTNER: LANGUAGES,
    MailKind.UNTOLD: LANGUAGES,
}
"""The kinds that are short plain text (R-STD-62), and the languages they are written in; `core.acknowledge` writes them."""

LETTERS = (MailKind.DOI, MailKind.DOI_REMINDER, MailKind.STAY, MailKind.RIGHTS_NOTICE)
"""The kinds written here, as text and as a page. What is passed on, or asked of a tool, is nobody's template."""

_QUESTIONS = (MailKind.DOI, MailKind.DOI_REMINDER, MailKind.STAY)
_STEMS = {kind: "doi" if kind is MailKind.DOI_REMINDER else kind.value for kind in LETTERS}


@dataclass(frozen=True, slots=True)
class Letter:
    """One own mail to one person: `words` are `link`, `until` and `partners` for a question, `source` for a notice of rights."""

    kind: MailKind
    person: PersonKey
    to: Address
    words: Mapping[str, str]
    language: str
    partner: Partner | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """What travels with an own mail in the spool, so that its delivery can be recorded; never on the wire.

    Of several mails that say the same `once` only the first is delivered.
    """

    kind: MailKind
    person: PersonKey
    template: str
    source: str = ""
    once: str = ""


def write_slip(slip: Slip) -> str:
    """The slip as text."""
    return json.dumps([slip.kind.value, slip.person.hex(), slip.template, slip.source, *([slip.once] if slip.once else [])])


def read_slip(text: str) -> Slip | None:
    """The slip of a kept mail; None for text that is none."""
    try:
        kind, person, template, source, *once = json.loads(text)
        (only,) = once or ("",)
        return Slip(MailKind(kind), PersonKey(bytes.fromhex(person)), str(template), str(source), str(only))
    except (ValueError, TypeError):
        return None


def say_day(moment: datetime, language: str) -> str:
    """A day in words."""
    month = _MONTHS[language if language in _MONTHS else LANGUAGES[0]].split()[moment.month - 1]
    first = language == "fr" and moment.day == 1
    day = "1er" if first else moment.day
    return _DAYS.get(language, "{day} {month} {year}").format(day=day, month=month, year=moment.year)


class OwnTemplates:
    """The templates of our own mail, compiled once: `sources` maps names such as `doi.fr.txt.j2` to their text."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = dict(sorted(sources.items()))
        self._text = _environment(self._sources, html=False)
        self._html = _environment(self._sources, html=True)

    def faults(self) -> tuple[str, ...]:
        """Templates that lack or do not compile: for `gateway check` and the start."""
        needed = {f"{stem}.{language}.{form}.j2" for stem in _STEMS.values() for language in LANGUAGES for form in ("txt", "html")}
        needed |= {f"{kind.value}.{language}.txt.j2" for kind, languages in PLAIN.items() for language in languages}
        found = [f"{name} is missing" for name in sorted(needed - self._sources.keys())]
        for name in self._sources:
            try:
                self._html.get_template(name)
            except TemplateError as fault:
                found.append(f"{name}: {fault}")
        return tuple(found)

    def render(self, kind: MailKind, language: str, facts: Mapping[str, object]) -> tuple[str, Words] | NoticeFault:
        """The subject, which is the text template's first line, and the words."""
        stem = f"{_STEMS[kind]}.{language}"
        try:
            subject, _, text = self._text.get_template(f"{stem}.txt.j2").render(facts).strip().partition("\n")
            html = self._html.get_template(f"{stem}.html.j2").render({**facts, "subject": subject})
        except TemplateError as fault:
            return NoticeFault(f"template: {fault}")
        link = facts["link"] or facts["opt_out_url"]
        if not subject or str(link) not in text or str(link) not in html:
            return NoticeFault("template does not show its link")
        return clean(subject), Words(_wrapped(text), html.strip() + "\n", self._hash(stem))

    def render_plain(self, stem: str, facts: Mapping[str, object]) -> tuple[str, Words] | NoticeFault:
        """The subject and the text of a kind that has no page."""
        try:
            subject, _, text = self._text.get_template(f"{stem}.txt.j2").render(facts).strip().partition("\n")
        except TemplateError as fault:
            return NoticeFault(f"template: {fault}")
        return clean(subject), Words(_wrapped(text), "", self._hash(stem))

    def _hash(self, stem: str) -> str:
        digest = hashlib.sha256()
        for name, source in self._sources.items():
            if name.startswith(f"{stem}.") or name.count(".") == 2:  # the frame and what all include
                digest.update(f"{name}\0{source}\0".encode())
        return digest.hexdigest()[:16]


def draft_own(templates: OwnTemplates, head: Letterhead, letter: Letter, now: datetime, word: str) -> Draft | NoticeFault:
    """The whole message but its signatures; `word` is random, for the Message-ID and the boundary (R-FR-43)."""
    sender = head.stream.advertiser.sender
    keys = head.dkim.get(sender.rpartition("@")[2])
    if not keys:
        return NoticeFault("no key signs for the sender's domain", ("sender",))
    language = letter.language if letter.language in LANGUAGES else LANGUAGES[0]
    token = "" if letter.kind in (MailKind.DOI, MailKind.DOI_REMINDER) else mint(head.tokens, head.stream.number, letter.person)
    facts = _facts(head, letter, language, token)
    if isinstance(facts, NoticeFault):
        return facts
    written = templates.render(letter.kind, language, facts)
    if isinstance(written, NoticeFault):
        return written
    subject, words = written
    put = list_headers(head, token) if token else []
    fields = [*_fields(head, letter, subject, language, now, word), *put]
    raw = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in fields) + b"\r\n" + _body(words, word)
    return Draft((raw,), prepare((raw,), keys, int(now.timestamp()), head.unsigned), words.template, b"")


def _fields(head: Letterhead, letter: Letter, subject: str, language: str, now: datetime, word: str) -> list[tuple[str, bytes]]:
    advertiser = head.stream.advertiser
    return [
        ("From", show_mailbox(clean(advertiser.legal_name or advertiser.name), advertiser.sender).encode()),
        ("To", letter.to.wire.encode()),
        ("Subject", encoded_word(subject, "Subject").encode()),
        ("Date", format_datetime(now).encode()),
        ("Message-ID", f"<{word}@{head.hostname}>".encode()),
        ("Auto-Submitted", b"auto-generated"),
        ("Content-Language", language.encode()),
        ("MIME-Version", b"1.0"),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{word}"'.encode()),
    ]


def _facts(head: Letterhead, letter: Letter, language: str, token: str) -> dict[str, object] | NoticeFault:
    """The allow-listed variables of the templates; a link is a web address or the mail is not written."""
    advertiser, words = head.stream.advertiser, letter.words
    link = words.get("link", "") if letter.kind in _QUESTIONS else ""
    if letter.kind in _QUESTIONS and not is_web_address(link):
        return NoticeFault("link is not a web address", ("link",))
    notice = _notice(head, letter, language, token) if letter.kind is MailKind.RIGHTS_NOTICE else None
    if isinstance(notice, NoticeFault):
        return notice
    return {
        "language": language,
        "reminder": letter.kind is MailKind.DOI_REMINDER,
        "link": link,
        "until": clean(words.get("until", "")),
        "partners": bool(words.get("partners")),
        "purpose": clean(head.stream.purpose),
        "legal_name": clean(advertiser.legal_name),
        "postal_address": clean(advertiser.postal_address),
        "contact": clean(advertiser.contact),
        "dpo": clean(advertiser.dpo),
        "privacy_url": advertiser.privacy_url if is_web_address(advertiser.privacy_url) else "",
        "opt_out_url": opt_out_url(head, token) if token else "",
        "notice": notice.html if notice else "",
        "notice_text": notice.text if notice else "",
    }


def _notice(head: Letterhead, letter: Letter, language: str, token: str) -> Words | NoticeFault:
    """The whole first-contact notice, as a newsletter would carry it (R-FR-29, R-FR-32)."""
    url = opt_out_url(head, token)
    source = letter.words.get("source", "")
    authority = head.authority_url, head.authority_name
    return head.notices.compose(head.stream, Due.FULL_NOTICE, source, letter.partner, url, *authority, language)


def _body(words: Words, boundary: str) -> bytes:
    """Text and HTML in quoted-printable: seven bits and short lines, whatever the next hop can do."""
    parts = b"".join(
        b"--%b\r\nContent-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
        % (boundary.encode(), form, quoted_printable(text))
        for form, text in ((b"plain", words.text), (b"html", words.html))
    )
    return parts + b"--%b--\r\n" % boundary.encode()


def quoted_printable(text: str) -> bytes:
    """A text in seven bits and short lines."""
    return binascii.b2a_qp(text.encode(), istext=True).replace(b"\n", b"\r\n")


def show_mailbox(name: str, address: str) -> str:
    """A display name and an address, which is plain ASCII by configuration."""
    return formataddr((name, address)) if name.isascii() else f"{encoded_word(name, 'From')}\r\n <{address}>"


def encoded_word(text: str, field: str) -> str:
    """A text as the value of a field (RFC 2047)."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, header_name=field).encode(linesep="\r\n")


def _wrapped(text: str) -> str:
    lines: list[str] = []
    for line in text.strip().splitlines():
        lines += textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _environment(sources: Mapping[str, str], html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(sources),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
