"""Makes links lead where their detour through a click tracker leads, where that can be read from the link itself (R-FR-79).

A link whose own address says that it is a way to unsubscribe is left as the tool made it, detour or not: it must work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from urllib.parse import unquote

from gateway.core import steps
from gateway.core.cut import Cut
from gateway.core.tags import Tag
from gateway.core.weblink import host, target, within

_REACH = 8192
_LINKS = re.compile(rb"<a(?:rea)?[\s/>]")
_IN_TEXT = re.compile(rb"https?://[!#-;=?-\[\]_a-z~]{4,4000}", re.IGNORECASE)
_WAY_OUT = re.compile(
    r"unsub|opt-?out|d[eé]s(?:ins|abo)|abmeld|abbestell|austrag|cancella|darse-?de-?baja|preferenc", re.IGNORECASE
)


def places(low: bytes) -> set[int]:
    """Where links begin, as they are spelled; `low` is the page in lower case."""
    return {found.start() for found in steps.matches(_LINKS, low, _REACH)}


def detours(tags: Iterable[Tag], hosts: frozenset[str]) -> list[Tag]:
    """The links among these tags that pass through one of the hosts, ways out left aside."""
    found = [tag for tag in tags if tag.name in ("a", "area") and within(host(tag.says("href")), hosts)]
    return [tag for tag in found if not _leads_out(tag.says("href"))]


def straight(tag: Tag, hosts: frozenset[str]) -> Cut | None:
    """The cut that takes the detour out of a link; None where only the redirector knows where it leads."""
    led = target(tag.says("href"), hosts)
    link = tag.attributes["href"]
    return Cut(link.start, link.end, escape(led).encode("ascii")) if led else None


def in_text(text: bytes, hosts: frozenset[str]) -> tuple[list[Cut], int]:
    """The cuts that take the detours out of a plain text's links, and how many lead nobody knows where."""
    cuts: list[Cut] = []
    left = 0
    for found in steps.matches(_IN_TEXT, text, _REACH):
        url = found[0].rstrip(b".,;:!?)'").decode("ascii")
        if not within(host(url), hosts) or _leads_out(url):
            continue
        led = target(url, hosts)
        left += not led
        if led:
            cuts.append(Cut(found.start(), found.start() + len(url), led.encode("ascii")))
    return cuts, left


def _leads_out(url: str) -> bool:
    return bool(_WAY_OUT.search(unquote(url.partition("?")[0])))
