"""Writes a copy into an empty server, which no gateway can settle with before it is whole: until then it bears the keys of none.

Rows of a person are put beside what is there of them already: nobody else writes. Each writer has a token among the marks, which
every write asks for: one that was followed by another, and goes on, spoils nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex

from gateway.core.evidence import GENESIS, Event, canonical, link
from gateway.edges.store.connection import Refused
from gateway.edges.store.copying import ORIGIN, Batch, Row
from gateway.edges.store.redis import copy_put
from gateway.edges.store.redis.aside import ASIDE, Aside
from gateway.edges.store.redis.client import FAILURES, Access
from gateway.edges.store.redis.copy_rows import FILED
from gateway.edges.store.redis.copying import connected, lineage, outside, rows_of
from gateway.edges.store.redis.durability import look
from gateway.edges.store.redis.pack import MARKS, PREFIX, Packed, bucket, packed, place
from gateway.edges.store.redis.scripts import PUT

UNFINISHED = b"copying"
"""In the place of the mark of the keys: whoever settles finds that its own are others."""
RESTORING = PREFIX + "restoring"
"""While this is there, the copy that gateways put back by themselves is being written (`lua/offer.lua`)."""
SET_ASIDE = "aside"
"""The mark that all evidence of before the copy has been laid aside, so that what is there now came with the copy."""

_HELD = (
    *("b:o", "b:c", "b:s", "heads", "writers", "numbers", "frames", "lists", "pauses", "paused", "tool", "api_key", "rulings"),
    *("enrolment", "outbox", "partners", "passed", "task", "kept", "cursor", "tally", "accepted", "remembered", "staged"),
)
"""Where anything was ever recorded, one of these is there."""
_STAY = frozenset({MARKS.encode(), RESTORING.encode()})
_KEYS_AT_ONCE = 1_000
_PATIENCE = 10_000
"""Milliseconds that replicas get to have the end of a copy."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A copy that `lua/offer.lua` began: under which token, how many ms that lasts, what is on record once it has ended.

    `still` is called before each write, and ends it by raising.
    """

    token: str
    lasts: int
    event: Event
    still: Callable[[], None] = lambda: None


class RedisTarget:
    """`copying.Target`: a server that holds nothing of ours; `fingerprint` tells the keys that the copy belongs to."""

    def __init__(self, access: Access, fingerprint: bytes, replicas: int = 0, begun: Begun | None = None) -> None:
        self._client = connected(access)
        self._fingerprint = fingerprint
        self._replicas = replicas
        self._begun = begun
        self._token = begun.token if begun else token_hex(8)
        self._numbers = copy_put.Numbers()
        self._aside = Aside(self._client, self._say)
        with outside():
            if faults := look(self._client, access, replicas).faults:
                raise Refused("the store is not safe: " + ". ".join(map(str, faults)))
            self._client.script_load(PUT.text)
            if begun is None:
                self._begin()
            if not self._client.hexists(MARKS, SET_ASIDE):
                self._aside.fill()
                self._say("HSET", MARKS, SET_ASIDE, "1")
            self._clear()

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
            self._write(commands.told, filed, referred)

    def written(self) -> Iterator[Batch]:
        """See `Target`."""
        with outside():
            self._count()
            for batch in rows_of(self._client):
                self._write()
                yield batch
            yield ORIGIN, lineage(self._client)

    def finish(self) -> None:
        """See `Target`; whoever settles next begins a new epoch, and every node tells what the copy lacks."""
        for table, rows in self._aside.batches():
            self.put(table, rows)
        if self._begun:
            self._put_on_record(self._begun.event)
        with outside():
            self._count()
            if self._replicas and self._client.wait(self._replicas, _PATIENCE) < self._replicas:
                raise Refused("the copy did not reach as many replicas as are declared")
            stand = self._client.hget(MARKS, "stand") or b"0"
            self._write(
                [
                    *self._aside.dropping(),
                    # No node could tell again what the copy brought: data that are older are not whole (`lua/nodes.lua`).
                    ["HSET", f"{PREFIX}bygone", f"copied:{token_hex(4)}", stand],
                    ["HDEL", MARKS, "copier", "restoring", SET_ASIDE],
                    ["DEL", RESTORING],
                    ["HSET", MARKS, "keys", self._fingerprint],
                ]
            )
            self._client.close()

    def abandon(self) -> None:
        """See `Target`; where the server cannot be reached what is there still bears the keys of nobody."""
        with suppress(*FAILURES):
            self._clear()
            self._say("HDEL", MARKS, SET_ASIDE)
            self._aside.restore()
            self._say("DEL", MARKS, RESTORING)  # nodes that had one here find it emptied again, and bring what they have
        with suppress(*FAILURES):
            self._client.close()

    def _begin(self) -> None:
        """From now on no gateway finds the data it has settled with, none can settle, and no other copy goes on."""
        keys, emptied, copier, aside = self._client.hmget(MARKS, "keys", "emptied", "copier", SET_ASIDE)
        if keys != UNFINISHED and not emptied and self._client.exists(*(PREFIX + name for name in _HELD)):
            raise Refused("the store holds something: a copy is only written into an empty one (FLUSHDB)")
        pipe = self._client.pipeline(transaction=True)
        pipe.delete(MARKS, RESTORING)
        pipe.hset(MARKS, mapping={"keys": UNFINISHED, "copier": self._token})
        if keys == UNFINISHED and (aside or not copier):  # an earlier release laid everything aside before it said so
            pipe.hset(MARKS, SET_ASIDE, "1")
        pipe.execute()

    def _clear(self) -> None:
        """Remove everything of ours but the marks and what lies aside; a server may hold more than that."""
        cursor = 0
        while True:
            cursor, names = self._client.scan(cursor, match=f"{PREFIX}*", count=_KEYS_AT_ONCE)
            if gone := [name for name in names if name not in _STAY and not name.startswith(ASIDE)]:
                for first in range(0, len(gone), _KEYS_AT_ONCE):
                    self._say("UNLINK", *gone[first : first + _KEYS_AT_ONCE])
            if cursor == 0:
                return

    def _put_on_record(self, event: Event) -> None:
        """In a chain of its own, so that it is there exactly where the copy is."""
        body, writer = canonical(event), f"restore.{token_hex(4)}"
        last = link(GENESIS, writer, 1, body)
        self.put("entry", [(writer, 1, body, last)])
        self.put("head", [(writer, 1, last)])

    def _count(self) -> None:
        for key, numbers in self._numbers.told():
            self._say("HSET", key, *(word for name, number in numbers.items() for word in (name, str(number))))

    def _say(self, *words: str | bytes) -> None:
        self._write([[*words]])

    def _write(self, commands: Sequence[Packed] = (), filed: Sequence[Packed] = (), referred: Sequence[Packed] = ()) -> None:
        """Write, where we are still the one who copies; without anything to write it is only said that we are at it."""
        lasts = 0
        if self._begun:
            self._begun.still()
            lasts = self._begun.lasts
        arguments = (packed(list(commands)), packed(list(filed)), packed(list(referred)), self._token, lasts)
        self._client.execute_command("EVALSHA", PUT.digest, 1, MARKS, *arguments)


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
