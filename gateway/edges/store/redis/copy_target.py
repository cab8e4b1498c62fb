"""Writes a copy into an empty server, which no gateway can settle with before it is whole: until then it bears the keys of none.

Rows of a person are put beside what is there of them already: nobody else writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from gateway.edges.store.connection import Refused
from gateway.edges.store.copying import ORIGIN, Batch, Row
from gateway.edges.store.redis import copy_put
from gateway.edges.store.redis.client import FAILURES, Access, Blocking
from gateway.edges.store.redis.copy_rows import FILED
from gateway.edges.store.redis.copying import connected, lineage, outside, rows_of
from gateway.edges.store.redis.durability import look
from gateway.edges.store.redis.pack import MARKS, PREFIX, Packed, bucket, packed, place, unpacked

UNFINISHED = b"copying"
"""In the place of the mark of the keys: whoever settles finds that its own are others."""

_HELD = (
    *("b:o", "b:c", "b:s", "heads", "writers", "numbers", "frames", "lists", "pauses", "paused", "tool", "api_key", "rulings"),
    *("enrolment", "outbox", "partners", "passed", "task", "kept", "cursor", "tally", "accepted", "remembered", "staged"),
)
"""Where anything was ever recorded, one of these is there."""
_KEYS_AT_ONCE = 1_000
_PATIENCE = 10_000
"""Milliseconds that replicas get to have the end of a copy."""


class RedisTarget:
    """`copying.Target`: a server that holds nothing of ours; `fingerprint` tells the keys that the copy belongs to."""

    def __init__(self, access: Access, fingerprint: bytes, replicas: int = 0) -> None:
        self._client = connected(access)
        self._fingerprint = fingerprint
        self._replicas = replicas
        self._numbers = copy_put.Numbers()
        with outside():
            if faults := look(self._client, access, replicas).faults:
                raise Refused("the store is not safe: " + ". ".join(map(str, faults)))
            unfinished = self._client.hget(MARKS, "keys") == UNFINISHED
            if not unfinished and self._client.exists(*(PREFIX + name for name in _HELD)):
                raise Refused("the store holds something: a copy is only written into an empty one (FLUSHDB)")
            _clear(self._client)
            self._client.hset(MARKS, "keys", UNFINISHED)

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """See `Target`."""
        if not rows:
            return
        with outside():
            if table in FILED:
                family, letter, filing = FILED[table]
                self._file(family, letter, map(filing, rows))
            if table in copy_put.BESIDE:
                self._file("s", copy_put.BESIDE[table], copy_put.beside(table, rows))
            if table == "entry":
                self._refer(rows)
            pipe = self._client.pipeline(transaction=False)
            copy_put.add(pipe, self._numbers, table, rows)
            if len(pipe):
                pipe.execute()

    def written(self) -> Iterator[Batch]:
        """See `Target`."""
        with outside():
            for key, numbers in self._numbers.told():
                self._client.hset(key, mapping=numbers)
            yield from rows_of(self._client)
            yield ORIGIN, lineage(self._client)

    def finish(self) -> None:
        """See `Target`; whoever settles next begins a new epoch, and every node tells what the copy lacks."""
        with outside():
            self._client.hset(MARKS, "keys", self._fingerprint)
            if self._replicas and self._client.wait(self._replicas, _PATIENCE) < self._replicas:
                raise Refused("the copy did not reach as many replicas as are declared")
            self._client.close()

    def abandon(self) -> None:
        """See `Target`; where the server cannot be reached what is there still bears the keys of nobody."""
        with suppress(*FAILURES):
            self._client.hset(MARKS, "keys", UNFINISHED)
            _clear(self._client)
        with suppress(*FAILURES):
            self._client.close()

    def _file(self, family: str, letter: str, rows: Iterable[tuple[bytes, Packed]]) -> None:
        """Put rows among those of their persons, and show that their buckets hold somebody."""
        filed: dict[bytes, list[Packed]] = defaultdict(list)
        for person, row in rows:
            filed[person].append(row)
        pipe = self._client.pipeline(transaction=False)
        for person, raw in zip(filed, self._found(family, filed), strict=True):
            pipe.hset(*place(family, person), packed(_with(raw, letter, filed[person])))
            pipe.setbit(f"{PREFIX}b:{family}", bucket(person), 1)
        pipe.execute()

    def _refer(self, rows: Sequence[Row]) -> None:
        """Note beside each person which entries are about them."""
        filed: dict[bytes, list[bytes]] = defaultdict(list)
        for person, reference in self._numbers.references(rows):
            filed[person].append(reference)
        if not filed:
            return
        pipe = self._client.pipeline(transaction=False)
        for person, raw in zip(filed, self._found("p", filed), strict=True):
            pipe.hset(*place("p", person), b"".join([raw or b"", *filed[person]]))
        pipe.execute()

    def _found(self, family: str, persons: Iterable[bytes]) -> list[bytes | None]:
        pipe = self._client.pipeline(transaction=False)
        for person in persons:
            pipe.hget(*place(family, person))
        found: list[bytes | None] = pipe.execute()
        return found


def _with(raw: bytes | None, letter: str, more: list[Packed]) -> Packed:
    """What is there of a person, with these rows behind it."""
    if not letter:
        return [*(unpacked(raw) if raw else ()), *more]
    file = unpacked(raw) if raw else {}
    name = letter.encode()
    return file | {name: [*file.get(name, ()), *more]}


def _clear(client: Blocking) -> None:
    """Remove everything of ours; a server may hold more than that."""
    cursor = 0
    while True:
        cursor, names = client.scan(cursor, match=f"{PREFIX}*", count=_KEYS_AT_ONCE)
        if names:
            client.unlink(*names)
        if cursor == 0:
            return
