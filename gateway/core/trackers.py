"""Tells which tags of a page only report that it was opened, and how to silence them (R-FR-75).

Reads one tag at a time and changes nothing; whether a person consented is decided elsewhere (R-FR-76). A message that names no
recipient - one static image for everybody - cannot report who opened it: such a spacer stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

from gateway.core import steps
from gateway.core.cut import Cut
from gateway.core.tags import Look, Tag, look
from gateway.core.weblink import host, within

PIXEL = 2
"""The largest side, in pixels, of an image that shows nothing."""

_REACH = 32
_IMAGES = re.compile(rb"<im(?:g|age)[\s/>]")
_LOADERS = re.compile(rb"<(?:img|image|input|iframe|embed|object|audio|video|source|track|bgsound|link|style)[\s/>]")
_PAINTED = re.compile(rb"url\(|background\s{0,9}=")
_VOID = frozenset(("img", "image", "input", "embed", "source", "track", "bgsound", "link"))
_LOADED = ("src", "srcset", "data", "poster", "background")
_CSS_URL = re.compile(rb"[uU][rR][lL]\(\s{0,99}[\"']?([^\"')\s]{0,4000})|@[iI][mM][pP][oO][rR][tT]\s{1,99}[\"']([^\"'\s]{0,4000})")
_STYLE_END = re.compile(rb"</[sS][tT][yY][lL][eE](?=[\s/>])")
_NEAR = 4096
_SIZED = re.compile(rb"(?:width|height)(\s{0,9}[=:]\s{0,9}[\"']?(?:[3-9]|[1-9][0-9]))?")
_IN_PIXELS = re.compile(rb"\s(?:width|height)\s{0,9}=\s{0,9}[\"']?[0-9]{1,6}(?:px)?[\"'\s>/]")
_SLY = re.compile(rb"none|hidden|collapse|opacity|[&\\<]|/\*")

_PIECE = re.compile(r"[A-Za-z0-9_~%=-]{5,}")
_EXTENSION = re.compile(r"\.(?:gif|png|jpe?g|webp|bmp|svg|php|aspx?|jsp)\Z", re.IGNORECASE)
_NO_ID = re.compile(r"\d{1,4}x\d{1,4}|(?:19|20)\d\d(?:[01]\d(?:[0-3]\d)?)?|[a-z]+-?\d{1,3}(?:px)?|\d{1,3}[a-z]{0,3}", re.IGNORECASE)
_LONG_LABEL = 24
_SPACER = re.compile(r"spacer|blank|clear|transp|shim|empty|void|dot|1x1|pixel_?trans", re.IGNORECASE)
_TELLING = re.compile(
    r"(?<![a-z])(?:e?-?mail[-_]?|open[-_]?)?(?:opens?|opened|track|tracker|tracking|trk|pixel|px|beacon|bcn)(?![a-z])",
    re.IGNORECASE,
)
_NAMED_AS_ONE = re.compile(r"(?<![a-z])(?:o|oo|op|wf)/|(?:blank|spacer|pixel|dot|clear|open|o)\.gif\Z", re.IGNORECASE)


def places(low: bytes, listed: bool) -> set[int]:
    """Where tags begin, as they are spelled, that could report an opening; `low` is the page in lower case.

    `listed` says that a known tracker's host is named somewhere: then every tag that loads something is looked at.
    """
    if listed:
        found = {one.start() for one in steps.matches(_LOADERS, low, _REACH)}
    else:
        found = {at for one in steps.matches(_IMAGES, low, _REACH) if not _plainly_shown(low, at := one.start())}
    # A quick look spares most small pages a slow one; in a large page it would itself take long.
    return found | _painted(low) if len(low) > steps.STEP or b"url(" in low or b"background" in low else found


def _plainly_shown(low: bytes, at: int) -> bool:
    """Whether an image surely shows something: all sizes it declares are larger than a pixel, and nothing may hide it."""
    end = low.find(b">", at, at + _NEAR) + 1
    tag = low[at:end]
    return (
        all(_SIZED.findall(tag))
        and _IN_PIXELS.search(tag) is not None
        and _SLY.search(tag, 1) is None
        and not tag.count(b'"') % 2
        and not tag.count(b"'") % 2
    )


def _painted(low: bytes) -> set[int]:
    """Where tags begin that may paint a background from elsewhere."""
    found: set[int] = set()
    last = 0
    for paint in steps.matches(_PAINTED, low, _REACH):
        start = low.rfind(b"<", max(last, paint.start() - _NEAR), paint.start())
        if start >= 0:
            last = start
            if low[start + 1 : start + 2].isalpha():
                found.add(start)
    return found


def silenced(page: bytes, tag: Tag, hosts: frozenset[str], seen: Counter[str]) -> list[Cut]:
    """The cuts that silence a tag: all of it where it has no content, else the addresses it loads; none where it reports nothing.

    `hosts` serve nothing but trackers; `seen` counts how often each address is loaded in the page.
    """
    if tag.name == "style":
        return _style_sheet(page, tag, hosts)
    loaded = [(start, end, url) for start, end, url in _loaded(page, tag) if host(url)]
    if not loaded:
        return []
    if not any(within(host(url), hosts) for _, _, url in loaded):
        seeming, image = look(tag), tag.name in ("img", "image")
        if not any(_reports(url, seeming, image, seen[url]) for _, _, url in loaded):
            return []
    if tag.name in _VOID:
        return [Cut(tag.start, tag.end, b"")]
    return [Cut(start, end, b"") for start, end, _ in loaded]


def _loaded(page: bytes, tag: Tag) -> Iterator[tuple[int, int, str]]:
    """(start, end, address) of everything a tag loads when it is shown."""
    for name in (*_LOADED, "href") if tag.name == "link" else _LOADED:
        if name in tag.attributes:
            start, end, text = tag.attributes[name]
            for one in text.split(",") if name == "srcset" else (text,):
                yield start, end, one.strip().partition(" ")[0] if name == "srcset" else one.strip()
    if "style" in tag.attributes:
        yield from _painted_by(page, tag.attributes["style"].start, tag.attributes["style"].end)


def _painted_by(page: bytes, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """(start, end, address) of what CSS between two places loads; its quotes may be written as character references."""
    for found in _CSS_URL.finditer(page, start, end):
        begin, after = found.span(found.lastindex or 1)
        yield begin, after, unescape(page[begin:after].decode("latin-1")).strip("\"' ")


def _style_sheet(page: bytes, tag: Tag, hosts: frozenset[str]) -> list[Cut]:
    """The addresses of known trackers in a style sheet, blanked; what else it loads is not known to be unseen."""
    close = _STYLE_END.search(page, tag.end)
    inside = _painted_by(page, tag.end, close.start() if close else len(page))
    return [Cut(start, end, b"") for start, end, url in inside if within(host(url), hosts)]


def _reports(url: str, seeming: Look, image: bool, times: int) -> bool:
    """Whether what is loaded from here, and shown so, is there only to be loaded."""
    sides = [side for side in (seeming.width, seeming.height) if side is not None]
    if seeming.hidden or 0 in sides:
        return individual(url) or _telling(url)  # an image for small screens is hidden, too, until a media query shows it
    if sides and max(sides) <= PIXEL:
        return not _is_spacer(url, times)
    if sides and min(sides) <= PIXEL:
        return individual(url) and _telling(url)
    # Nothing said about its size: some tools append such a pixel, named for what it is.
    return image and not sides and individual(url) and (_telling(url) or bool(_NAMED_AS_ONE.search(_path(url))))


def _telling(url: str) -> bool:
    return bool(_TELLING.search(_path(url)))


def _is_spacer(url: str, times: int) -> bool:
    """An invisible image that keeps a distance and cannot tell one person from another: named for it, or used again and again."""
    if individual(url) or "?" in url:
        return False
    return bool(_SPACER.search(_path(url).rpartition("/")[2])) or (times > 1 and not _telling(url))


@lru_cache(maxsize=1024)
def individual(url: str) -> bool:
    """Whether an address holds something that could stand for one person: an id, a token, a mail address."""
    path, query = _EXTENSION.sub("", _path(url)), url.partition("?")[2]
    if "@" in unquote(path) or "@" in unquote(query):
        return True
    labels = [label for label in host(url).split(".") if len(label) >= _LONG_LABEL]  # shorter ones name a customer of a CDN
    return any(_like_an_id(piece) for text in (path, query, *labels) for piece in _PIECE.findall(text))


def _like_an_id(piece: str) -> bool:
    """Digits alone, letters with several digits, or a long run that is no words; sizes, dates and numbered names are none."""
    if _NO_ID.fullmatch(piece):
        return False
    digits = sum(letter.isdigit() for letter in piece)
    if digits == len(piece) or (digits >= 2 and len(piece) >= 6):
        return True
    return len(piece) >= 20 and "-" not in piece and "_" not in piece


def _path(url: str) -> str:
    return url.partition("?")[0].partition("//")[2].partition("/")[2]
