"""Reads a web address as a browser would: which host it names, and where it would send a person on to.

Pure text work; nothing is fetched. Knows no list: hosts to compare with come in.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Set
from urllib.parse import quote, unquote

_DROPPED = re.compile(r"[\t\r\n]")
_WEB = re.compile(r"\s*(?:https?:[/\\]*|[/\\]{2})(?:[^/\\?#@]*@)?(\[[^/\\?#\]]*\]|[^/\\?#:]*)", re.IGNORECASE)
_WHOLE = re.compile(r"https?://[^\s/?#@]+(?:[/?#]|\Z)", re.IGNORECASE)
_CODED_WHOLE = re.compile(r"https?%3a", re.IGNORECASE)
_CODED = re.compile(r"[A-Za-z0-9_-]{16,4000}={0,2}")
_SAFE = ":/?#[]@!$&'+*(),;=%~"
_NAMED = (
    "url",
    "u",
    "target",
    "to",
    "dest",
    "destination",
    "redirect",
    "redirect_url",
    "redirect_to",
    "r",
    "link",
    "href",
    "l",
    "q",
)
_HOPS = 3


def host(url: str) -> str:
    """The lower-case host of a whole or scheme-less web address; empty for everything that is not fetched from another host."""
    found = _WEB.match(_DROPPED.sub("", url))
    return found[1].lower().rstrip(".") if found else ""


def within(name: str, hosts: Set[str]) -> bool:
    """Whether a host is one of these, or below one."""
    while name:
        if name in hosts:
            return True
        name = name.partition(".")[2]
    return False


def target(url: str, through: Set[str]) -> str:
    """Where a redirect on one of those hosts leads, if its address says so; empty where only the redirector knows.

    Read are a whole address as a parameter, as a path segment, or as base64 of one; several redirects in a row are followed.
    """
    for _ in range(_HOPS):
        url = _next(_DROPPED.sub("", url))
        if not url or not within(host(url), through):
            return url
    return ""


def _next(url: str) -> str:
    """Where one redirect leads."""
    plain = url.partition("#")[0]
    path, _, query = plain.partition("?")
    pairs = [pair.partition("=") for pair in query.replace(";", "&").split("&")[:100]]
    found = {name.lower(): led for name, _, value in reversed(pairs) if (led := _whole(value))}
    for name in _NAMED:
        if name in found:
            return found[name]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        return ""
    return next((led for segment in path.split("/")[3:][:50] if (led := _whole(segment) or _from_base64(segment))), "")


def _whole(coded: str) -> str:
    """A whole web address that a piece of another one spells; empty for anything else."""
    text = unquote(coded)
    if _CODED_WHOLE.match(text):
        text = unquote(text)
    return _sound(text)


def _from_base64(segment: str) -> str:
    if not _CODED.fullmatch(segment):
        return ""
    letters = segment.rstrip("=")
    try:
        return _sound(base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4)).decode("ascii"))
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _sound(text: str) -> str:
    """The address with everything escaped that could end an attribute or a line; empty where it is none."""
    return quote(text, safe=_SAFE) if _WHOLE.match(text) and text.isprintable() else ""
