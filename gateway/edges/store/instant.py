"""Instants as SQLite keeps them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An aware instant as a number, exactly; a naive one is a fault of ours and raises TypeError."""
    return (at - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    """The number back as an aware instant, UTC."""
    return _EPOCH + timedelta(microseconds=number)


def text(at: datetime | None) -> str | None:
    """The instant as ISO 8601 text with the offset it came with: the proof's own words."""
    return None if at is None else at.isoformat()


def parsed(written: str | None) -> datetime | None:
    """What `text` wrote."""
    return None if written is None else datetime.fromisoformat(written)
