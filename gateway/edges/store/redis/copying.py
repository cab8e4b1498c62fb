"""The shared store as rows: bucket by bucket, stream by stream, in pages, so that the server is never held up.

There is no moment that all rows are of while gateways go on. What protects people comes first and the stand last: with the stand at
which the reading began among its rows (`origin`), a copy says up to where it certainly holds everything.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from redis.exceptions import NoPermissionError

from gateway.edges.store.connection import Refused
from gateway.edges.store.copying import ORIGIN, Batch, Row, Standing, at_once
from gateway.edges.store.marks import FOREIGN_HASH, HISTORY, STAND
from gateway.edges.store.redis import copy_rows
from gateway.edges.store.redis.client import FAILURES, Access, Blocking, blocking_client, owner
from gateway.edges.store.redis.frames import FRAMES, Frame, parsed_frame
from gateway.edges.store.redis.pack import MARKS, PREFIX, Packed, person_of, unpacked, words
from gateway.edges.store.redis.scripts import PAGES
from gateway.edges.store.redis.tables import columns, number_of, rest_of
from gateway.flow.ports import Unavailable

STANDS = 4096
"""Stands in one string of times, as `lua/stood.lua` has it."""
_BUCKETS = 64
_DOUBLE = struct.Struct(">d")
_FRAMES_KNOWN = 20_000

MARK_NAMES: Mapping[str, str] = {STAND: "stand", FOREIGN_HASH: "foreign", HISTORY: "history"}
"""The marks that are state, and their names here."""


@contextmanager
def outside() -> Iterator[None]:
    """What the client raises as `Unavailable`."""
    try:
        yield
    except NoPermissionError as error:
        raise Refused("the store refuses its user a command that a copy needs: allow +@all on ~{gw}*") from error
    except FAILURES as error:
        raise Unavailable("store") from error


def connected(access: Access) -> Blocking:
    """A client of the one server that has our keys now, which answers; raises Unavailable."""
    with outside():
        client = owner(blocking_client(access), MARKS)
        client.exists(MARKS)
    return client


class RedisSource:
    """`copying.Source` over a server; raises Refused where it was begun with other keys, or lacks what its nodes still have."""

    def __init__(self, access: Access, fingerprint: bytes) -> None:
        self.client = connected(access)
        with outside():
            keys, unsettled, emptied = self.client.hmget(MARKS, "keys", "unsettled", "emptied")
        if keys not in (None, fingerprint):
            raise Refused("the store was begun with other keys, or a copy into it was not finished")
        if emptied:
            raise Refused("the store was emptied: what is left of it is no copy of anything")
        if unsettled:
            raise Refused("the store is not whole: wait until every node has told what it has (`gateway node list`)")

    def count(self) -> int:
        """See `Source`; people are reckoned from some buckets."""
        with outside():
            entries = sum(self.client.xlen(f"{PREFIX}j:{writer}") for writer, _, _ in self.standing().heads)
            ranks = sum(self.client.zcard(f"{PREFIX}{name}") for name in ("accepted", "remembered"))
            return int(entries + ranks + sum(self._reckoned(family) for family in "ocs"))

    def batches(self) -> Iterator[Batch]:
        """See `Source`."""
        with outside():
            began = self._stand()
            yield from rows_of(self.client)
            yield ORIGIN, [*lineage(self.client), (f"epoch:{self._epochs():06d}:copy-{secrets.token_hex(6)}", began)]

    def standing(self) -> Standing:
        """See `Source`."""
        with outside():
            return Standing(self._stand(), tuple(_heads(self.client)))

    def served(self) -> bool:
        """Whether a gateway holds a lease."""
        with outside():
            seconds, micros = self.client.time()
            now = seconds * 1000 + micros // 1000
            rows = [unpacked(raw) for raw in self.client.hvals(f"{PREFIX}leases")]
        return any(owner and begun <= now < ends for owner, _, ends, begun, *_ in rows)

    def close(self) -> None:
        """See `Source`."""
        with suppress(*FAILURES):
            self.client.close()

    def _stand(self) -> int:
        return int(self.client.hget(MARKS, "stand") or 0)

    def _epochs(self) -> int:
        return int(self.client.llen(f"{PREFIX}epochs"))

    def _reckoned(self, family: str) -> int:
        held = list(islice(_buckets(self.client, family), 64))
        if not held:
            return 0
        people = sum(self.client.hlen(f"{PREFIX}{family}:{number:05x}") for number in held)
        return int(people * self.client.bitcount(f"{PREFIX}b:{family}") / len(held))


def rows_of(client: Blocking) -> Iterator[Batch]:
    """Every row; oppositions first, then what is on file and beside it, the evidence, and at the end how far it had come."""
    for family in "ocs":
        yield from _family(client, family)
    yield from _papers(client)
    yield from _notes(client)
    yield from _long(client)
    yield from _journal(client)
    yield from _marks(client)


def _family(client: Blocking, family: str) -> Iterator[Batch]:
    """All buckets of a family; each batch is of one table."""
    frames = _KnownFrames(client)
    client.script_load(PAGES.text)
    numbers = _buckets(client, family)
    while some := list(islice(numbers, _BUCKETS)):
        pages = client.execute_command("EVALSHA", PAGES.digest, 1, MARKS, *(f"{PREFIX}{family}:{number:05x}" for number in some))
        filed = [
            (person_of(number, field), unpacked(raw))
            for number, found in zip(some, pages, strict=True)
            for field, raw in sorted(zip(found[::2], found[1::2], strict=True))
        ]
        for table, letter, told in copy_rows.TOLD[family]:
            yield (
                table,
                [told(person, row) for person, file in filed for row in (file.get(letter.encode(), ()) if letter else file)],
            )
        if family == "c":
            known = frames.of([file for _, file in filed])
            yield "consent", [row for person, file in filed for row in copy_rows.consents(person, file, known)]


class _KnownFrames:
    """The frames met so far, a bounded number of them."""

    def __init__(self, client: Blocking) -> None:
        self._client = client
        self._known: dict[bytes, Frame] = {}

    def of(self, files: Sequence[Mapping[bytes, Packed]]) -> Mapping[bytes, Frame]:
        """All that these files quote."""
        if len(self._known) > _FRAMES_KNOWN:
            self._known.clear()
        missing = sorted({row[1] for file in files for row in file.get(b"c", ())}.difference(self._known))
        for some in _parts(missing, 500):
            for digest, raw in zip(some, self._client.hmget(FRAMES, some), strict=True):
                if raw is None:
                    raise Unavailable("store")  # erased while we read, or spoilt: to begin anew tells which
                self._known[digest] = parsed_frame(raw)
        return self._known


def _papers(client: Blocking) -> Iterator[Batch]:
    """The small tables, and those that a sorted set orders."""
    for name in ("tool", "api_key"):
        yield name, [columns(raw, 1) for raw in client.hvals(f"{PREFIX}{name}")]
    yield "cursor", [(words(name), words(value)) for name, value in client.hgetall(f"{PREFIX}cursor").items()]
    yield "partner_list", [copy_rows.published(raw) for raw in client.hvals(f"{PREFIX}lists")]
    yield "pause", [columns(raw) for raw in client.hvals(f"{PREFIX}pauses")]
    yield "pause_past", [columns(raw) for raw in client.lrange(f"{PREFIX}paused", 0, -1)]
    for first in range(0, client.llen(f"{PREFIX}rulings"), at_once("ruling")):
        found = client.lrange(f"{PREFIX}rulings", first, first + at_once("ruling") - 1)
        yield "ruling", [(number, *columns(raw)) for number, raw in enumerate(found, first + 1)]
    yield from _indexed(client, "enrolment", "enrolment:asked", rest_of, lambda _, raw: copy_rows.enrolment(raw))
    yield from _indexed(client, "task", "task:all", rest_of, lambda _, raw: copy_rows.task(raw))
    yield from _indexed(client, "kept", "kept:at", number_of, _kept)
    for hour in client.zrange(f"{PREFIX}tally", 0, -1):
        counts = client.hgetall(f"{PREFIX}tally:{int(hour)}").items()
        yield "tally", [copy_rows.tallied(int(hour), what, count) for what, count in counts]


def _kept(number: Any, raw: bytes) -> Row:
    mailbox, sealed, at, _ = unpacked(raw)
    return number, words(mailbox), sealed, at


def _indexed(
    client: Blocking, table: str, index: str, name: Callable[[bytes], Any], told: Callable[[Any, bytes], Row]
) -> Iterator[Batch]:
    """Rows of a hash in the order of its index; one that moved in it while we read does not come twice."""
    after: bytes | str = "-"
    seen: set[Any] = set()
    while members := client.zrangebylex(f"{PREFIX}{index}", after, "+", start=0, num=at_once(table)):
        names = [one for one in map(name, members) if one not in seen]
        seen.update(names)
        rows = client.hmget(f"{PREFIX}{table}", names) if names else []
        yield table, [told(one, raw) for one, raw in zip(names, rows, strict=True) if raw is not None]
        after = b"(" + members[-1]


def _notes(client: Blocking) -> Iterator[Batch]:
    """What must be told before what was told: a note that ends meanwhile is told twice rather than never."""
    partners = sorted(map(words, client.smembers(f"{PREFIX}partners")))
    for partner in partners:
        after = "-inf"
        while numbers := client.zrangebyscore(f"{PREFIX}outbox:{partner}", after, "+inf", start=0, num=at_once("outbox")):
            rows = client.hmget(f"{PREFIX}outbox", numbers)
            yield "outbox", [copy_rows.note(raw) for raw in rows if raw is not None]
            after = f"({int(numbers[-1])}"
    for partner in partners:
        for _, some in streamed(client, f"told:{partner}", at_once("told")):
            yield "told", [copy_rows.receipt(told[b"r"]) for told in some]
    for partner in sorted(map(words, client.smembers(f"{PREFIX}passed"))):
        for numbers, some in streamed(client, f"passed:{partner}", at_once("transfer")):
            yield "transfer", [(number, *columns(told[b"r"], 0)) for number, told in zip(numbers, some, strict=True)]


def _long(client: Blocking) -> Iterator[Batch]:
    """Keys with the time they were last seen; what is seen anew while we read moves behind the end and is left out."""
    for name in ("accepted", "remembered"):
        newest = client.zrevrange(f"{PREFIX}{name}", 0, 0, withscores=True)
        last, told = float("-inf"), set[bytes]()
        while newest:
            found = client.zrangebyscore(f"{PREFIX}{name}", last, newest[0][1], start=len(told), num=at_once(name), withscores=True)
            if not found:
                break
            yield name, [(key, int(at)) for key, at in found if key not in told]
            told = {key for key, at in found if at == found[-1][1]} | (told if found[-1][1] == last else set())
            last = found[-1][1]


def _journal(client: Blocking) -> Iterator[Batch]:
    """Each chain up to where it was when its turn came, and that as its head."""
    for writer, seq, last in _heads(client):
        for numbers, some in streamed(client, f"j:{writer}", at_once("entry"), seq):
            yield "entry", [(writer, number, told[b"b"], told[b"h"]) for number, told in zip(numbers, some, strict=True)]
        yield "head", [(writer, seq, last)]


def _marks(client: Blocking) -> Iterator[Batch]:
    found = client.hmget(MARKS, *MARK_NAMES.values())
    yield "mark", [(name, int(float(at))) for name, at in zip(MARK_NAMES, found, strict=True) if at is not None]
    yield from _stood(client, int(found[0] or 0))


def _stood(client: Blocking, stand: int) -> Iterator[Batch]:
    """When each stand was reached; those that a new epoch left out were nobody's and get the time before them, as in `lua`."""
    before = 0
    for chunk in range((stand + STANDS - 1) // STANDS):
        raw = client.get(f"{PREFIX}stood:{chunk}") or b""
        rows: list[Row] = []
        for number in range(chunk * STANDS + 1, min((chunk + 1) * STANDS, stand) + 1):
            at = _time(raw, (number - 1) % STANDS)
            before = at or before
            if before:
                rows.append((number, before))
        yield "stood", rows


def _time(raw: bytes, place: int) -> int:
    told = raw[8 * place : 8 * place + 8]
    return int(_DOUBLE.unpack(told)[0]) if len(told) == _DOUBLE.size else 0


def lineage(client: Blocking) -> list[Row]:
    """The epochs and the nodes, as rows of `copying.ORIGIN`."""
    epochs = [unpacked(raw) for raw in client.lrange(f"{PREFIX}epochs", 0, -1)]
    rows: list[Row] = [(f"epoch:{place:06d}:{words(name)}", int(after)) for place, (name, after) in enumerate(epochs)]
    for name, raw in client.hgetall(f"{PREFIX}nodes").items():
        number, turn, retired = unpacked(raw)
        rows.append((f"node:{int(retired)}:{words(number)}:{words(name)}", int(turn)))
    return rows


def _heads(client: Blocking) -> list[tuple[str, int, bytes]]:
    found = [(words(writer), *unpacked(raw)) for writer, raw in client.hgetall(f"{PREFIX}heads").items()]
    return sorted((writer, int(seq), last) for writer, seq, last in found)


def streamed(
    client: Blocking, stream: str, size: int, last: int | None = None
) -> Iterator[tuple[list[int], list[Mapping[bytes, bytes]]]]:
    """A stream's entries with their numbers, page by page."""
    after = "-"
    while found := client.xrange(f"{PREFIX}{stream}", after, "+" if last is None else f"{last}-0", count=size):
        numbers = [int(number.split(b"-")[0]) for number, _ in found]
        yield numbers, [told for _, told in found]
        after = f"({numbers[-1]}-0"


def _buckets(client: Blocking, family: str) -> Iterator[int]:
    bits: bytes = client.get(f"{PREFIX}b:{family}") or b""
    return (8 * at + bit for at, octet in enumerate(bits) if octet for bit in range(8) if octet & 0x80 >> bit)


def _parts(some: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    return (some[start : start + size] for start in range(0, len(some), size))
