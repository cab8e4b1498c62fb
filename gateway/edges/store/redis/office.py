"""Reads the papers around the records out of Redis: tools, keys, rulings, sign-ups, transfers, counts, and a person's side things.

Nothing here is of one moment with anything else: no verdict rests on it. What a login or evidence rests on is read of data that
are known to be whole (`Reads.sure`): a tool that is not there must not be one that was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gateway.core.model import PersonKey, Tool
from gateway.core.record import ApiKey, Enrolment, Ruling, Transfer
from gateway.core.task import Task
from gateway.edges.store import office
from gateway.edges.store.changes import HOUR
from gateway.edges.store.instant import micros
from gateway.edges.store.redis.pack import PREFIX, Packed, pairs, place, unpacked, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.redis.tables import columns, entry, members, named, of_partner, rest_of, streamed, text_key, when
from gateway.flow.ports import Tally

_KEYS_AT_ONCE = 256
_PAGE = 200
_LARGE = 16
"""Of rows that may be long."""

Side = dict[bytes, list[Packed]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SideThings:
    """What there is about a person besides what facts rest on, in the order that `ports.Dossier` tells it."""

    transfers: tuple[Transfer, ...]
    enrolments: tuple[Enrolment, ...]
    own_unsubscribe: tuple[str, ...]
    untold: tuple[str, ...]
    tasks: tuple[Task, ...]


async def side(reads: Reads, person: PersonKey) -> Side:
    """The person's document of family `s`: rows by letter, which `lua/office.lua` names."""
    raw = await reads.plain("HGET", *place("s", person))
    found: Side = unpacked(raw) if raw else {}
    return found


async def side_dossier(reads: Reads, person: PersonKey) -> SideThings:
    """Everything but records, oppositions, notices and acts."""
    about = await side(reads, person)
    transfers, enrolments, tasks = await asyncio.gather(
        _transfers_of(reads, about.get(b"T", [])),
        _enrolments_of(reads, about.get(b"E", [])),
        named(reads, "task", [row[0] for row in about.get(b"K", [])]),
    )
    return SideThings(
        transfers=tuple(transfers),
        enrolments=tuple(enrolments),
        own_unsubscribe=tuple(sorted(words(row[0]) for row in about.get(b"U", []))),
        untold=tuple(sorted({words(row[0]) for row in about.get(b"N", []) if row[1] == b"partner"})),
        tasks=tuple(sorted(map(task, tasks), key=lambda one: (one.opened_at, one.id))),
    )


async def own_unsubscribe(reads: Reads, person: PersonKey, stream: str) -> bytes | None:
    """See `ports.Book`."""
    return latest(await side(reads, person), b"U", stream)


def latest(about: Side, letter: bytes, stream: str) -> bytes | None:
    """What was kept for a stream, of rows (stream, sealed, at)."""
    return next((row[1] for row in about.get(letter, []) if words(row[0]) == stream), None)


async def since(reads: Reads, index: str, keys: Sequence[bytes], last: datetime) -> frozenset[bytes]:
    """Those keys of an index of times that were there since then."""
    found: set[bytes] = set()
    earliest = micros(last)
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        times = await reads.plain("ZMSCORE", PREFIX + index, *some)
        found.update(key for key, at in zip(some, times, strict=True) if at is not None and float(at) >= earliest)
    return frozenset(found)


async def tool(reads: Reads, name: str) -> Tool | None:
    """See `ports.Book`."""
    return await _one(reads.sure("HGET", f"{PREFIX}tool", text_key(name)), _tool)


async def tools(reads: Reads) -> list[Tool]:
    """See `ports.Book`; by name."""
    return sorted(map(_tool, await reads.sure("HVALS", f"{PREFIX}tool")), key=lambda one: one.name)


async def api_key(reads: Reads, name: str) -> ApiKey | None:
    """See `ports.Book`."""
    return await _one(reads.sure("HGET", f"{PREFIX}api_key", text_key(name)), _api_key)


async def api_keys(reads: Reads) -> list[ApiKey]:
    """See `ports.Book`; by name."""
    return sorted(map(_api_key, await reads.sure("HVALS", f"{PREFIX}api_key")), key=lambda one: one.name)


async def ruling(reads: Reads, label: str) -> Ruling | None:
    """See `ports.Book`."""
    at = await reads.sure("HGET", f"{PREFIX}ruling", text_key(label))
    return None if at is None else await _one(reads.sure("LINDEX", f"{PREFIX}rulings", int(at)), _ruling)


async def rulings(reads: Reads, kind: str) -> list[Ruling]:
    """See `ports.Book`; in the order in which they were adopted."""
    found: list[Ruling] = []
    at = 0
    while page := await reads.sure("LRANGE", f"{PREFIX}rulings", at, at + _LARGE - 1):
        found.extend(one for one in map(_ruling, page) if kind in ("", one.kind))
        at += len(page)
    return found


async def enrolment(reads: Reads, digest: bytes) -> Enrolment | None:
    """See `ports.Book`."""
    return await _one(reads.sure("HGET", f"{PREFIX}enrolment", digest), _enrolment)


async def enrolments(reads: Reads, person: PersonKey | None) -> list[Enrolment]:
    """See `ports.Book`; by when they were asked for."""
    if person is not None:
        return await _enrolments_of(reads, (await side(reads, person)).get(b"E", []))
    found: list[Enrolment] = []
    async for page in members(reads, "enrolment:asked", _PAGE):
        found.extend(map(_enrolment, await named(reads, "enrolment", [rest_of(member) for member in page])))
    return found


async def transfers(reads: Reads, person: PersonKey | None, partner: str) -> list[Transfer]:
    """See `ports.Book`; everyone's in the order in which they were recorded."""
    if person is not None:
        known = (await side(reads, person)).get(b"T", [])
        return await _transfers_of(reads, [row for row in known if partner in ("", words(row[0]))])
    partners = [text_key(partner)] if partner else list(await reads.plain("SMEMBERS", f"{PREFIX}passed"))
    found: list[tuple[int, Transfer]] = []
    for one in partners:
        async for page in streamed(reads, of_partner("passed", one)):
            found.extend((number, _transfer(number, raw)) for number, raw in page)
    if len(partners) > 1:
        found.sort(key=lambda each: each[0])
    return [each for _, each in found]


async def tallies(reads: Reads, first: datetime) -> list[Tally]:
    """See `ports.Book`; the hour that `first` falls in is among them."""
    hours = await reads.plain("ZRANGEBYSCORE", f"{PREFIX}tally", f"({micros(first) - HOUR}", "+inf")
    found: list[Tally] = []
    for start in range(0, len(hours), _PAGE):
        some = hours[start : start + _PAGE]
        for hour, counts in zip(some, await reads.plainly([("HGETALL", f"{PREFIX}tally:{int(at)}") for at in some]), strict=True):
            found.extend(sorted(_tallies(int(hour), counts), key=lambda one: (one.stream, one.provider, one.what)))
        await asyncio.sleep(0)
    return found


async def leftovers(reads: Reads, accepted_before: datetime, kept_before: datetime) -> tuple[int, int]:
    """See `ports.Book`."""
    keys, kept = await reads.plainly(
        [
            ("ZCOUNT", f"{PREFIX}accepted", "-inf", f"({micros(accepted_before)}"),
            ("ZLEXCOUNT", f"{PREFIX}kept:at", "-", b"(" + when(micros(kept_before))),
        ]
    )
    return int(keys), int(kept)


def task(raw: bytes) -> Task:
    """A row of a task, whether it was forgotten and its place left alone."""
    return office.task(columns(raw, 2, 9, 16)[:15])


async def _one(asked: Awaitable[bytes | None], read: Callable[[bytes], T]) -> T | None:
    raw = await asked
    return None if raw is None else read(raw)


async def _enrolments_of(reads: Reads, rows: Sequence[Packed]) -> list[Enrolment]:
    found = map(_enrolment, await named(reads, "enrolment", [row[0] for row in rows]))
    return sorted(found, key=lambda one: (one.asked_at, one.id))


async def _transfers_of(reads: Reads, rows: Sequence[Packed]) -> list[Transfer]:
    asked = [(of_partner("passed", partner), f"{number}-0") for partner, number, _ in rows]
    answers = await reads.plainly([("XRANGE", stream, number, number) for stream, number in asked]) if asked else []
    found = sorted(entry(one) for answer in answers for one in answer)
    return sorted((_transfer(number, raw) for number, raw in found), key=lambda one: one.at)


def _tool(raw: bytes) -> Tool:
    return office.tool(columns(raw, 1))


def _api_key(raw: bytes) -> ApiKey:
    return office.api_key(columns(raw, 1))


def _ruling(raw: bytes) -> Ruling:
    return office.ruling(columns(raw))


def _enrolment(raw: bytes) -> Enrolment:
    return office.enrolment(columns(raw, 0, 1, 4, 10)[:9])


def _transfer(number: int, raw: bytes) -> Transfer:
    return office.transfer((*columns(raw, 0), number))


def _tallies(hour: int, counts: Packed) -> list[Tally]:
    return [office.tally((*map(words, unpacked(what)), hour, int(count))) for what, count in pairs(counts)]
