"""Writes a copy into an empty server, which no gateway can settle with before it is whole: until then it bears the keys of none.

Rows of a person are put beside what is there of them already: nobody else writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from secrets import token_hex

from gateway.edges.store.connection import Refused
from gateway.edges.store.copying import ORIGIN, Batch, Row
from gateway.edges.store.redis import copy_put
from gateway.edges.store.redis.aside import ASIDE, Aside
from gateway.edges.store.redis.client import FAILURES, Access, Blocking
from gateway.edges.store.redis.copy_rows import FILED
from gateway.edges.store.redis.copying import connected, lineage, outside, rows_of
from gateway.edges.store.redis.durability import look
from gateway.edges.store.redis.pack import MARKS, PREFIX, Packed, bucket, packed, place
from gateway.edges.store.redis.scripts import PUT

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
        self._aside = Aside(self._client)
        with outside():
            if faults := look(self._client, access, replicas).faults:
                raise Refused("the store is not safe: " + ". ".join(map(str, faults)))
            keys, emptied = self._client.hmget(MARKS, "keys", "emptied")
            if keys != UNFINISHED and not emptied and self._client.exists(*(PREFIX + name for name in _HELD)):
                raise Refused("the store holds something: a copy is only written into an empty one (FLUSHDB)")
            _shut(self._client)
            if keys != UNFINISHED:
                self._aside.fill()
            _clear(self._client)
            self._client.script_load(PUT.text)

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """See `Target`."""
        if not rows:
            return
        commands, filed, referred = copy_put.Commands(), [], list[Packed]()
        if table in FILED:
            family, letter, filing = FILED[table]
            filed.append(_filed(family, letter, map(filing, rows)))
        if table in copy_put.BESIDE:
            filed.append(_filed("s", copy_put.BESIDE[table], copy_put.beside(table, rows)))
        if table == "entry":
            referred = _referred(self._numbers.references(rows))
        copy_put.add(commands, self._numbers, table, rows)
        with outside():
            arguments = (packed(commands.told), packed(filed), packed(referred))
            self._client.execute_command("EVALSHA", PUT.digest, 1, MARKS, *arguments)

    def written(self) -> Iterator[Batch]:
        """See `Target`."""
        with outside():
            for key, numbers in self._numbers.told():
                self._client.hset(key, mapping=numbers)
            yield from rows_of(self._client)
            yield ORIGIN, lineage(self._client)

    def finish(self) -> None:
        """See `Target`; whoever settles next begins a new epoch, and every node tells what the copy lacks."""
        for table, rows in self._aside.batches():
            self.put(table, rows)
        with outside():
            for key, numbers in self._numbers.told():
                self._client.hset(key, mapping=numbers)
            # No node could tell again what the copy brought: data that are older are not whole (`lua/nodes.lua`).
            self._client.hset(f"{PREFIX}bygone", f"copied:{token_hex(4)}", int(self._client.hget(MARKS, "stand") or 0))
            self._client.hset(MARKS, "keys", self._fingerprint)
            self._aside.drop()
            if self._replicas and self._client.wait(self._replicas, _PATIENCE) < self._replicas:
                raise Refused("the copy did not reach as many replicas as are declared")
            self._client.close()

    def abandon(self) -> None:
        """See `Target`; where the server cannot be reached what is there still bears the keys of nobody."""
        with suppress(*FAILURES):
            _shut(self._client)
            _clear(self._client)
            self._aside.restore()
            self._client.delete(MARKS)  # nodes that had one here find it emptied again, and bring what they have
        with suppress(*FAILURES):
            self._client.close()


def _filed(family: str, letter: str, rows: Iterable[tuple[bytes, Packed]]) -> Packed:
    """Rows to be put among those of their persons, as `lua/put.lua` takes them."""
    of: dict[bytes, list[Packed]] = defaultdict(list)
    for person, row in rows:
        of[person].append(row)
    return [family, letter, *([(at := place(family, person))[0], bucket(person), at[1], some] for person, some in of.items())]


def _referred(references: Iterable[tuple[bytes, bytes]]) -> list[Packed]:
    """Which entries are about whom."""
    of: dict[bytes, list[bytes]] = defaultdict(list)
    for person, reference in references:
        of[person].append(reference)
    return [[*place("p", person), b"".join(some)] for person, some in of.items()]


def _shut(client: Blocking) -> None:
    """From now on no gateway finds the data it has settled with, and none can settle."""
    pipe = client.pipeline(transaction=True)
    pipe.delete(MARKS)
    pipe.hset(MARKS, "keys", UNFINISHED)
    pipe.execute()


def _clear(client: Blocking) -> None:
    """Remove everything of ours but the mark and what lies aside; a server may hold more than that."""
    cursor = 0
    while True:
        cursor, names = client.scan(cursor, match=f"{PREFIX}*", count=_KEYS_AT_ONCE)
        if gone := [name for name in names if name != MARKS.encode() and not name.startswith(ASIDE)]:
            client.unlink(*gone)
        if cursor == 0:
            return
