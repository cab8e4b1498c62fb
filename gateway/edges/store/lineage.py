"""Which data came before which: the epochs that data went through, and how far into each they hold what was recorded there.

Stands of two epochs that began from the same data may be the same number, so only a place, an epoch with a stand, tells a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Place = tuple[str, int]
"""An epoch and a stand in it."""


def held(lineage: Sequence[Place]) -> dict[str, int]:
    """Up to which stand data of this lineage, epochs with the stands they began after, hold each epoch but the last.

    A later epoch that began lower began from less: an older copy.
    """
    found: dict[str, int] = {}
    least = None
    for (name, _), (_, after) in reversed([*pairwise(lineage)]):
        least = after if least is None else min(least, after)
        found[name] = least
    return found


def before(place: Place, parents: Mapping[str, Place]) -> dict[str, int]:
    """All that came before this place: up to which stand of its epoch, of the one that this began from, and so on."""
    epoch, stand = place
    found = {epoch: stand}
    while (parent := parents.get(epoch)) is not None and parent[0] not in found:
        epoch, after = parent
        stand = min(stand, after)
        found[epoch] = stand
    return found
