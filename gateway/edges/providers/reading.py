"""Reading a provider's JSON: whatever is missing or of another type reads as empty, so that no event can make a reader fail."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from gateway.core.bouncing import Means, means, sound_status, status_of
from gateway.core.signal import Effect, Reported, Signal, Told
from gateway.core.token import LENGTH
from gateway.flow.ports import Compute
from gateway.flow.provider_events import Batch, Occurrence, Refusal

_TOKEN = re.compile(rf"(?<![a-z0-9])[a-z2-7]{{{LENGTH}}}(?![a-z0-9])", re.IGNORECASE)
_TEXT_READ, _TOKENS = 4000, 8
_EFFECTS = {Told.BOUNCE: Effect.REVIEW, Told.COMPLAINT: Effect.SUPPRESS, Told.OPT_OUT: Effect.SUPPRESS}


class Malformed(Exception):
    """The body is not JSON, or not of the shape that the provider sends."""


def decode(body: bytes) -> object:
    """The JSON value; Malformed for anything else, however deep or large its parts."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed from None


def table(value: object, *path: str) -> Mapping[str, object]:
    """The object at the end of this path; empty where there is none."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: object) -> Iterator[Mapping[str, object]]:
    """The objects of a list, all of them: what is left out here would be answered as if it had been recorded."""
    if isinstance(value, list):
        yield from (row for row in value if isinstance(row, dict))


def text(value: object, *path: str) -> str:
    """The text at the end of this path, numbers as they are written; empty where there is none."""
    *way, last = path
    found = table(value, *way).get(last)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found) if not isinstance(found, int) or abs(found) < 10**18 else ""


def tokens(values: Iterable[object]) -> tuple[str, ...]:
    """Texts shaped like tokens of ours, in these values; they are checked by whoever acts on them."""
    found: dict[str, None] = {}
    for value in values:
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str) and len(found) < _TOKENS:
                found.update(dict.fromkeys(_TOKEN.findall(one[:_TEXT_READ])))
    return tuple(found)[:_TOKENS]


def status(given: str, said: str = "") -> str:
    """An enhanced status: the one given where it is specific, else the one in the server's answer, else the vague one."""
    given = sound_status(given)
    if given and not given.endswith(".0.0"):
        return given
    return status_of(said) or given


def moment(value: str) -> datetime | None:
    """An instant from seconds since 1970; None where it is none."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def digest(event: object) -> str:
    """A name for an event that its provider gives none: the same for the same content; Malformed where it is too deep."""
    try:
        return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    except RecursionError:
        raise Malformed from None


async def opened(compute: Compute, body: bytes, read: Callable[[bytes], Batch]) -> Batch | Refusal:
    """What a proven body says, read off the loop where it is large."""
    try:
        return await compute(len(body), partial(read, body))
    except Malformed:
        return Refusal.MALFORMED


def occurrence(  # one event has this many sides
    number: str,
    told: Told,
    address: str,
    why: str,
    *,
    status: str = "",
    hard: bool | None = None,
    found: tuple[str, ...] = (),
    provider: str = "",
) -> Occurrence:
    """One event in the words of the house; a status that says the mailbox is dead counts more than the provider's class."""
    dead = means(Reported("", status)) is Means.DEAD
    reported = Reported(address[:1000], status, None if dead and hard is False else hard)
    effect = _EFFECTS.get(told, Effect.NONE)
    return Occurrence(number, Signal(told, effect, why, reported=(reported,), tokens=found, provider=provider, machine=True))


def batch(found: Iterable[Occurrence | None]) -> Batch:
    """All events of a call; None is one that nobody knows here."""
    every = list(found)
    known = tuple(one for one in every if one is not None)
    return Batch(known, len(every) - len(known))
