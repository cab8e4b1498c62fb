"""What is taken out of a text part before it leaves: open trackers and the detours of tracked links, as cuts (R-FR-75, R-FR-79).

Candidates are found as they are spelled; only where one is suspect is the page walked to see which tags a browser would read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core import clicks as links
from gateway.core import steps, trackers
from gateway.core.cut import Cut
from gateway.core.html import real
from gateway.core.tags import Tag, read
from gateway.core.weblink import within

_REACH = 512
_HOST = re.compile(rb"//([a-z0-9._-]{1,253})")


@dataclass(frozen=True, slots=True)
class Sieve:
    """What to look for: trackers, detours, and the hosts known for each."""

    trackers: bool
    tracker_hosts: frozenset[str]
    clicks: bool
    click_hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sifted:
    """What was found in a part: the cuts, how many trackers and detours they end, how many detours stay for lack of a known end."""

    cuts: tuple[Cut, ...] = ()
    trackers: int = 0
    clicks: int = 0
    left: int = 0


NOTHING = Sifted()


def total(found: Sequence[Sifted]) -> Sifted:
    """What was found in several parts, as one count."""
    some = [one for one in found if one is not NOTHING]
    if not some:
        return NOTHING
    return Sifted((), sum(one.trackers for one in some), sum(one.clicks for one in some), sum(one.left for one in some))


def sift(content: bytes, is_page: bool, sieve: Sieve) -> Sifted:
    """What is to be taken out of a page, or of a plain text; its charset must be ASCII-like."""
    low = steps.lower(content)
    named = {found[1] for found in steps.matches(_HOST, low, _REACH)}
    tracked = sieve.clicks and _any_of(named, sieve.click_hosts)
    if not is_page:
        cuts, left = links.in_text(content, sieve.click_hosts) if tracked else ([], 0)
        return Sifted(tuple(cuts), 0, len(cuts), left) if cuts or left else NOTHING
    places = trackers.places(low, _any_of(named, sieve.tracker_hosts)) if sieve.trackers else set()
    tags = _candidates(content, sorted(places | links.places(low) if tracked else places))
    if not tags:
        return NOTHING
    seen = Counter([tag.says("src") for tag in tags])
    ways = links.detours(tags, sieve.click_hosts) if tracked else []
    suspect = {tag.start for tag in ways}
    if sieve.trackers:
        suspect |= {tag.start for tag in tags if tag.name == "style" or trackers.silenced(content, tag, sieve.tracker_hosts, seen)}
    true = set(real(content, sorted(suspect))) if suspect else suspect
    return _found(content, [tag for tag in tags if tag.start in true], [tag for tag in ways if tag.start in true], sieve, seen)


def _any_of(named: set[bytes], hosts: frozenset[str]) -> bool:
    return any(within(one.decode(), hosts) for one in named)


def _found(page: bytes, tags: Sequence[Tag], ways: Sequence[Tag], sieve: Sieve, seen: Counter[str]) -> Sifted:
    """The cuts of tags that are real."""
    silent = [trackers.silenced(page, tag, sieve.tracker_hosts, seen) if sieve.trackers else [] for tag in tags]
    shorter = [links.straight(tag, sieve.click_hosts) for tag in ways]
    known = [cut for cut in shorter if cut]
    cuts = sorted([*known, *(cut for cuts in silent for cut in cuts)])
    return Sifted(tuple(cuts), sum(bool(cuts) for cuts in silent), len(known), len(shorter) - len(known))


def _candidates(page: bytes, places: Sequence[int]) -> list[Tag]:
    """The tags at these places, none within another.

    Where one seems to be, somebody has nested what a browser does not nest: then only real ones are read, so that the time stays
    linear in the page.
    """
    tags: list[Tag] = []
    at = 0
    for place in places:
        tag = read(page, place) if place >= at else None
        if tag is None:
            return [tag for one in real(page, places) if (tag := read(page, one))]
        tags.append(tag)
        at = tag.end
    return tags
