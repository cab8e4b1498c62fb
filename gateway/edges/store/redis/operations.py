"""Turns each change into the operation that the commit script knows; decides nothing, and reads nothing.

What an operation does to the rows is told beside it, in `lua/`; the promises it keeps are `core.change`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.change import FACTUAL, Change
from gateway.edges.store.changes import dated
from gateway.edges.store.redis.operations_facts import Operation, factual_operation, frames
from gateway.edges.store.redis.operations_office import operation
from gateway.edges.store.redis.pack import packed


def operations(changes: Sequence[Change]) -> bytes:
    """What the script is to do, in order."""
    return packed([*frames(changes), *(_operation(change) for change in changes)])


def factual_at(changes: Sequence[Change], events_at: int | None) -> int | None:
    """The instant of a commit that facts may read otherwise after; None for one they cannot."""
    factual = [change for change in changes if isinstance(change, FACTUAL)]
    if not factual:
        return None
    return max(map(dated, factual)) if events_at is None else events_at


def _operation(change: Change) -> Operation:
    if isinstance(change, FACTUAL):
        return factual_operation(change)
    return operation(change)
