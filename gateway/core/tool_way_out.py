"""The way out that a tool itself had put into its mail, as it is kept and as it can be taken for the person (R-FR-51). Pure.

Taken are a one-click link, where the tool offered it as one (RFC 8058), and a mailto link (RFC 6068). A plain link is not opened:
what a GET does is nobody's promise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gateway.core.address import Address, AddressFault, parse

ONE_CLICK = b"List-Unsubscribe=One-Click"
"""The body of a one-click POST, and the value that offers it (RFC 8058 3.1)."""

_OFFERED = b"\r\nList-Unsubscribe-Post: " + ONE_CLICK
_LINK = re.compile(r"<([^<>]{1,2048})>")
_SCHEMES = ("https:", "http:")
_MOST = 8
_SUBJECT, _BODY = 500, 2000


@dataclass(frozen=True, slots=True)
class OneClick:
    """A link to POST to."""

    url: str


@dataclass(frozen=True, slots=True)
class MailOut:
    """A mail to write: one address, subject and text as the tool gave them, on one line and without control characters."""

    to: Address
    subject: str
    text: str


WayOut = OneClick | MailOut


def as_kept(field: bytes, posts: Sequence[bytes]) -> bytes:
    """What is sealed of a tool's own List-Unsubscribe: its value, and whether a List-Unsubscribe-Post offered one click."""
    offered = any(value.strip().lower() == ONE_CLICK.lower() for value in posts)
    return field + (_OFFERED if field and offered else b"")


def ways_out(kept: bytes) -> tuple[WayOut, ...]:
    """The ways out in what was kept that may be taken, one-click links first; empty where there is none."""
    value, offered, _ = kept.partition(_OFFERED)
    links = [link.strip() for link in _LINK.findall(value.decode("ascii", "replace"))[:_MOST]]
    clicks = [OneClick(link) for link in links if offered and link.lower().startswith(_SCHEMES)]
    return (*clicks, *(mail for link in links if (mail := _mail(link))))


def _mail(link: str) -> MailOut | None:
    scheme, _, rest = link.partition(":")
    if scheme.lower() != "mailto":
        return None
    try:
        parts = urlsplit(f"//x/?{rest.partition('?')[2]}")
    except ValueError:
        return None
    to = parse(unquote(rest.partition("?")[0], errors="replace"))
    if isinstance(to, AddressFault):
        return None
    fields = {name.lower(): unquote(value, errors="replace") for name, _, value in _pairs(parts.query)}
    return MailOut(to, _plain(fields.get("subject", ""), _SUBJECT), _plain(fields.get("body", ""), _BODY))


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&")[:_MOST]]


def _plain(text: str, most: int) -> str:
    """One line: whatever would end a header field, or hide in one, becomes a space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]
