"""What a verdict rests on: facts now and at an earlier stand, from one moment, in one round trip once the frames are known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from gateway.core.model import PersonKey
from gateway.core.record import Facts, Opposition, Who
from gateway.edges.store.redis import people
from gateway.edges.store.redis.frames import Frame, Frames
from gateway.edges.store.redis.pack import MARKS, place
from gateway.edges.store.redis.people import File
from gateway.edges.store.redis.reads import Look, Reads
from gateway.flow.ports import Reading, Unavailable

PEOPLE_AT_ONCE = 256
"""So many people are asked for in one script, which keeps the server for half a millisecond."""
_TRIES = 3

Seen = tuple[Look, Sequence[File], Mapping[bytes, Frame]]
T = TypeVar("T")


async def read(reads: Reads, frames: Frames, advertiser: str, who: Sequence[Who]) -> Reading:
    """What is recorded about each, in order; of many people the first look's stand counts, so that a change between shows."""
    first = await _part(reads, frames, advertiser, who[:PEOPLE_AT_ONCE])
    if len(who) <= PEOPLE_AT_ONCE:
        return first
    facts, last = list(first.facts), first
    for start in range(PEOPLE_AT_ONCE, len(who), PEOPLE_AT_ONCE):
        last = await _part(reads, frames, advertiser, who[start : start + PEOPLE_AT_ONCE])
        facts.extend(last.facts)
    return Reading(facts, first.stand, last.hashes, first.arranged)


async def read_at(reads: Reads, frames: Frames, advertiser: str, who: Who, stand: int) -> Facts | None:
    """What `read` told at that stand; None where it was erased since, or not kept yet."""
    keys = _keys(who)
    kept_from = int(await reads.plain("HGET", MARKS, "history") or 0)  # of a file that kept no ends before, copied here
    look, files, known = await look_up(reads, frames, keys, keys)
    if stand < max(kept_from, people.erased(files[0], advertiser)):
        return None
    against = [
        one
        for key, raw, file in zip(keys, look.rows, files, strict=False)
        for one in people.reaching(people.oppositions(key, raw, file, stand), advertiser)
    ]
    found = people.facts(who.person, files[0], advertiser, known, stand)
    return Facts(found.consents, tuple(against), found.notices, found.last_act)


async def against(reads: Reads, person: PersonKey) -> list[Opposition]:
    """What stands against mail to somebody; of a store that was emptied what the nodes have brought back."""
    look = await reads.rows([place("o", person)], what_is_left=True)
    return people.oppositions(person, look.rows[0])


async def look_up(reads: Reads, frames: Frames, keys: Sequence[PersonKey], persons: Sequence[PersonKey]) -> Seen:
    """The rows of family `o` of these keys, then the files of these persons, with every frame that they quote."""
    places = [*(place("o", key) for key in keys), *(place("c", one) for one in persons)]

    async def look() -> tuple[Look, Sequence[File]]:
        found = await reads.rows(places)
        return found, [people.file(raw) for raw in found.rows[len(keys) :]]

    (found, files), known = await framed(frames, look, lambda seen: seen[1])
    return found, files, known


async def framed(
    frames: Frames, look: Callable[[], Awaitable[T]], files: Callable[[T], Sequence[File]]
) -> tuple[T, Mapping[bytes, Frame]]:
    """What a look gives, with the frames its files quote; looked again where one was erased in between."""
    for _ in range(_TRIES):
        seen = await look()
        known = await frames.have(people.quoted(files(seen)))
        if known is not None:
            return seen, known
    raise Unavailable("store")


async def _part(reads: Reads, frames: Frames, advertiser: str, who: Sequence[Who]) -> Reading:
    persons = list(dict.fromkeys([one.person for one in who]))
    keys = list(dict.fromkeys([key for one in who for key in (one.person, *one.also)]))
    look, files, known = await look_up(reads, frames, keys, persons)
    against = {
        key: people.reaching(people.oppositions(key, raw), advertiser) for key, raw in zip(keys, look.rows, strict=False) if raw
    }
    filed = {one: people.facts(one, file, advertiser, known) for one, file in zip(persons, files, strict=True)}
    return Reading([_whole(one, filed[one.person], against) for one in who], look.stand, look.hashes, look.arranged)


def _whole(who: Who, filed: Facts, against: Mapping[PersonKey, Sequence[Opposition]]) -> Facts:
    if not against:
        return filed
    found = tuple([one for key in _keys(who) for one in against.get(key, ())])
    return Facts(filed.consents, found, filed.notices, filed.last_act)


def _keys(who: Who) -> list[PersonKey]:
    return list(dict.fromkeys((who.person, *who.also)))
