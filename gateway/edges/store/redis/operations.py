"""Turns each change into the operation that the commit script knows; decides nothing, and reads nothing.

What an operation does to the rows is told beside it, in `lua/`; the promises it keeps are `core.change`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.change import FACTUAL, Change, Lift, Oppose
from gateway.edges.store.changes import dated
from gateway.edges.store.instant import micros
from gateway.edges.store.redis.codes import BLOCK, DOOR, SCOPE
from gateway.edges.store.redis.pack import Packed, packed, place

Operation = list[Packed]


def operations(changes: Sequence[Change]) -> bytes:
    """What the script is to do, in order."""
    return packed([_operation(change) for change in changes])


def factual_at(changes: Sequence[Change], events_at: int | None) -> int | None:
    """The instant of a commit that facts may read otherwise after; None for one they cannot."""
    factual = [change for change in changes if isinstance(change, FACTUAL)]
    if not factual:
        return None
    return max(map(dated, factual)) if events_at is None else events_at


def _operation(change: Change) -> Operation:
    match change:
        case Oppose(one, foreign_hash):
            key = [BLOCK.code(one.block), SCOPE.code(one.scope), one.advertiser, one.stream]
            return [
                "oppose",
                list(place("o", one.person)),
                list(place("c", one.person)),
                [*key, DOOR.code(one.door), micros(one.at)],
                foreign_hash,
            ]
        case Lift(person, block, scope, advertiser, stream):
            return [
                "lift",
                list(place("o", person)),
                list(place("c", person)),
                [BLOCK.code(block), SCOPE.code(scope), advertiser, stream],
            ]
        case _:
            raise NotImplementedError(type(change).__name__)
