"""Reads single HTML tags where they stand: name, attributes, declared size, and whether anybody would see them.

It finds no tags (`html` tells which are real) and changes nothing. Offsets are over the page, so that what is found can be cut out.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from gateway.core.html import tag_end

_NAME = re.compile(rb"<([A-Za-z][^\s/>]*+)")
_ATTRIBUTE = re.compile(rb"[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>]*+)))?")
_MOST = 1000
_NUMBER = re.compile(r"\s*\+?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s*(px|pt|em|rem|%|vw|vh)?", re.IGNORECASE)
_DECLARATION = re.compile(r"([a-z-]{2,40})\s*:([^;]*)")
_CSS_COMMENT = re.compile(r"/\*[^*]*+(?>(?:\*(?!/)[^*]*+)*)\*/")


class Attribute(NamedTuple):
    """One attribute's value: its span over the page without quotes, and what it says."""

    start: int
    end: int
    text: str


class Tag(NamedTuple):
    """One start tag: `page[start:end]`, with its first attribute of each name."""

    name: str
    start: int
    end: int
    attributes: dict[str, Attribute]

    def says(self, name: str) -> str:
        """An attribute's text, outer white space removed; empty where it has none."""
        return self.attributes[name].text.strip() if name in self.attributes else ""


class Look(NamedTuple):
    """How a tag would be shown: declared width and height in pixels (None: not said), and whether it is hidden."""

    width: float | None
    height: float | None
    hidden: bool


def read(page: bytes, start: int) -> Tag | None:
    """The tag that begins here; None where it never ends."""
    found = _NAME.match(page, start)
    end = tag_end(page, found.end()) if found else -1
    if found is None or end < 0:
        return None
    attributes: dict[str, Attribute] = {}
    at = found.end()
    while len(attributes) < _MOST and (one := _ATTRIBUTE.match(page, at, end - 1)):
        at = one.end()
        group = one.lastindex or 1
        begin, after = one.span(group) if group > 1 else (at, at)
        text = page[begin:after].decode("latin-1")
        attributes.setdefault(one[1].decode("latin-1").lower(), Attribute(begin, after, unescape(text) if "&" in text else text))
    return Tag(found[1].decode("latin-1").lower(), start, end, attributes)


def look(tag: Tag) -> Look:
    """What its attributes and its own style declare; a style outweighs an attribute, as in a browser."""
    width, height = _pixels(tag.says("width")), _pixels(tag.says("height"))
    hidden = "hidden" in tag.attributes
    if "style" not in tag.attributes:
        return Look(width, height, hidden)
    style = declarations(tag.says("style"))
    width = _least(_pixels(style.get("width", "")), width, style.get("max-width", ""))
    height = _least(_pixels(style.get("height", "")), height, style.get("max-height", ""))
    hidden = hidden or style.get("display") == "none" or style.get("visibility") in ("hidden", "collapse")
    hidden = hidden or _pixels(style.get("opacity", "")) == 0
    return Look(width, height, hidden)


def declarations(style: str) -> dict[str, str]:
    """A style attribute's declarations, lower case; of several the last counts, unless an earlier one is important."""
    found: dict[str, str] = {}
    important: set[str] = set()
    for name, value in _DECLARATION.findall(_CSS_COMMENT.sub(" ", style.lower())):
        plain = value.replace("!important", "").strip()
        forced = plain != value.strip()
        if forced or name not in important:
            found[name] = plain
        if forced:
            important.add(name)
    return found


def _least(styled: float | None, declared: float | None, at_most: str) -> float | None:
    size = declared if styled is None else styled
    limit = _pixels(at_most)
    return limit if limit is not None and (size is None or limit < size) else size


def _pixels(text: str) -> float | None:
    """A length in pixels; None for what depends on something else, except zero, which never does."""
    found = _NUMBER.match(text) if text else None
    if found is None:
        return None
    number = float(found[1])
    return number if number == 0 or (found[2] or "px").lower() in ("px", "pt") else None
