"""Instants of records as they stand in Redis: as short as they can be, and exactly what they were, offset included.

UTC within what a double holds exactly is a number of microseconds; another is [seconds, microseconds, offset in seconds]; what is
no such instant (naive, or of an odd offset) is its ISO 8601 text. Absent is False.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from gateway.edges.store.instant import instant, micros
from gateway.edges.store.redis.pack import Packed, words

_EXACT = 2**53
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - of whatever offset
_SECOND = timedelta(seconds=1)


def moment(at: datetime | None) -> Packed:
    """The instant packed; equal texts, and only they, give equal values, so that a script can compare."""
    if at is None:
        return False
    offset = at.utcoffset()
    if offset is None or offset % _SECOND:
        return at.isoformat()
    number = micros(at)
    if not offset and abs(number) < _EXACT:
        return number
    return [*divmod(number, 1_000_000), offset // _SECOND]


def parsed_moment(told: Packed) -> datetime | None:
    """What `moment` packed."""
    if isinstance(told, list):
        seconds, rest, offset = told
        local = _EPOCH + timedelta(seconds=seconds + offset, microseconds=rest)  # which UTC may have no year for
        return local.replace(tzinfo=timezone(timedelta(seconds=offset)))
    if isinstance(told, bytes):
        return datetime.fromisoformat(words(told))
    return None if told is False else instant(told)
