"""What a verdict rests on, read from the raw rows of people: the same records, in the same order, as the embedded store gives."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.model import PersonKey
from gateway.core.record import Facts, Opposition, Scope, Who
from gateway.edges.store.redis.codes import BLOCK, DOOR, SCOPE
from gateway.edges.store.redis.pack import Packed, place, unpacked, words
from gateway.edges.store.redis.reads import Reads
from gateway.edges.store.rows import opposition
from gateway.flow.ports import Reading


async def read(reads: Reads, advertiser: str, who: Sequence[Who]) -> Reading:
    """What is recorded about each, in order, from one moment and in one round trip."""
    people = list(dict.fromkeys([one.person for one in who]))
    keys = list(dict.fromkeys([key for one in who for key in (one.person, *one.also)]))
    look = await reads.rows([*(place("o", key) for key in keys), *(place("c", one) for one in people)])
    against = {key: oppositions(key, found) for key, found in zip(keys, look.rows, strict=False) if found}
    facts = [
        Facts(
            (),
            tuple(
                filed
                for key in dict.fromkeys((one.person, *one.also))
                for filed in against.get(key, ())
                if filed.scope is Scope.ALL or filed.advertiser == advertiser
            ),
        )
        for one in who
    ]
    return Reading(facts, look.stand, look.hashes, look.arranged)


def oppositions(person: PersonKey, raw: bytes) -> list[Opposition]:
    """A person's row of family `o`, ordered as the embedded store orders them."""
    rows = sorted(opposition_row(person, row) for row in unpacked(raw))
    return [opposition(row) for row in rows]


def opposition_row(person: PersonKey, row: Packed) -> tuple[bytes, str, str, str, str, str, int]:
    """The columns of `rows.OPPOSITION_COLUMNS`."""
    block, scope, advertiser, stream, door, at = row[:6]
    return person, BLOCK.word(block), SCOPE.word(scope), words(advertiser), words(stream), DOOR.word(door), at
