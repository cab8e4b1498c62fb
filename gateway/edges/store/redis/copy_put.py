"""What each row of a copy becomes in Redis besides a person's own rows: as the scripts in `lua/` would have left it."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from gateway.core.evidence import written
from gateway.edges.store.copying import ORIGIN, Row
from gateway.edges.store.redis.copy_rows import Cells, absent, enrolment_row, task_row
from gateway.edges.store.redis.copying import MARK_NAMES, STANDS
from gateway.edges.store.redis.frames import FRAMES, frame_of
from gateway.edges.store.redis.pack import MARKS, PREFIX, Packed, packed
from gateway.edges.store.redis.tables import when
from gateway.edges.store.rows import whole_consent

_CONSENT = 25
_FRAMES_KNOWN = 20_000
_NUMBERS = PREFIX + "numbers"


class Commands:
    """Commands that go out together, each a list of words."""

    def __init__(self) -> None:
        self.told: list[list[Packed]] = []

    def hset(self, key: str, field: Packed, value: Packed) -> None:
        """HSET, one field."""
        self.told.append(["HSET", key, _word(field), _word(value)])

    def zadd(self, key: str | bytes, member: bytes, score: int) -> None:
        """ZADD, one member."""
        self.told.append(["ZADD", key, str(score), member])

    def xadd(self, key: str | bytes, number: int, *fields: str | bytes) -> None:
        """XADD under a number of ours."""
        self.told.append(["XADD", key, f"{number}-0", *fields])

    def say(self, *words: str | bytes) -> None:
        """Any other."""
        self.told.append([*words])


class Numbers:
    """What is counted while a copy comes in: the numbers that the next rows go on from, and those of the writers."""

    def __init__(self) -> None:
        self._highest: dict[str, dict[str, int]] = defaultdict(dict)
        self._writers: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._quoted: set[bytes] = set()

    def follow(self, stream: str, place: int) -> int:
        """A place in a stream behind the one given out before, at this one if it can be."""
        self._ends[stream] = max(place, self._ends.get(stream, 0) + 1)
        return self._ends[stream]

    def quotes(self, digest: bytes) -> bool:
        """Whether a frame must be put: it was not lately."""
        new = digest not in self._quoted
        if new:
            self._quoted = self._quoted if len(self._quoted) < _FRAMES_KNOWN else set()
            self._quoted.add(digest)
        return new

    def saw(self, key: str, name: str, number: int) -> None:
        """A number that was used."""
        self._highest[key][name] = max(self._highest[key].get(name, 0), number)

    def references(self, rows: Sequence[Row]) -> Iterator[tuple[bytes, bytes]]:
        """Of entries about somebody: the person, and what refers to the entry."""
        for row in rows:
            writer, seq, body, _ = _cells(row)
            if person := _person(body):
                number = self._writers.setdefault(writer, len(self._writers) + 1)
                yield person, struct.pack(">H", number) + seq.to_bytes(6, "big")

    def told(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Hashes and their fields."""
        yield from self._highest.items()
        if self._writers:
            yield f"{PREFIX}writers", self._writers


BESIDE: Mapping[str, str] = {"transfer": "T", "enrolment": "E", "outbox": "N", "task": "K"}
"""Tables whose rows are also noted beside their persons, with the letter in family s."""


def beside(table: str, rows: Sequence[Row]) -> Iterator[tuple[bytes, Packed]]:
    """The persons of these rows, and what is noted of each."""
    for row in map(_cells, rows):
        match table:
            case "transfer":
                yield row[1], [row[3], row[0], row[6]]
            case "enrolment":
                yield row[1], [row[0]]
            case "outbox":
                yield row[2], [row[1], row[6], row[3], row[4], row[0]]
            case _:
                if row[2]:
                    yield row[2], [row[0]]


def add(pipe: Commands, numbers: Numbers, table: str, rows: Sequence[Row]) -> None:
    """Everything else that these rows become."""
    if table == "stood":
        _stood(pipe, rows)
    elif table in _ADD:
        for row in rows:
            _ADD[table](pipe, numbers, _cells(row))


def _origin(pipe: Commands, _: Numbers, row: Cells) -> None:
    name, number = row
    kind, first, rest = name.split(":", 2)
    if kind == "epoch":
        pipe.say("RPUSH", f"{PREFIX}epochs", packed([rest, number]))
    else:
        node_id, _, node = rest.partition(":")
        pipe.hset(f"{PREFIX}nodes", node, packed([node_id, number, int(first)]))


def _mark(pipe: Commands, _: Numbers, row: Cells) -> None:
    name, at = row
    pipe.hset(MARKS, MARK_NAMES[name], at)
    if name == "stand":
        pipe.hset(MARKS, "arranged", at)


def _consent(pipe: Commands, numbers: Numbers, row: Cells) -> None:
    digest, text = frame_of(whole_consent(row[:_CONSENT])[0])
    if numbers.quotes(digest):
        pipe.hset(FRAMES, digest, text)
        pipe.hset(f"{PREFIX}quoted", digest, row[_CONSENT])
    numbers.saw(MARKS, "records", row[_CONSENT - 1])


def _routes(pipe: Commands, _: Numbers, row: Cells) -> None:
    person, stream, _sealed, at = row
    pipe.zadd(f"{PREFIX}routes", person + _octets(stream), at)


def _partner_list(pipe: Commands, numbers: Numbers, row: Cells) -> None:
    number, collector, version = row[:3]
    name = b"%d:%b%b" % (len(_octets(collector)), _octets(collector), _octets(version))
    pipe.hset(f"{PREFIX}lists", name, packed([*row[1:], number]))
    numbers.saw(MARKS, "lists", number)


def _ruling(pipe: Commands, _: Numbers, row: Cells) -> None:
    number, kind, name, label = row[:4]
    pipe.say("RPUSH", f"{PREFIX}rulings", packed(absent(row[1:])))
    pipe.say("HSETNX", f"{PREFIX}ruling", _octets(label), str(number - 1))
    pipe.hset(f"{PREFIX}ruling:last", packed([kind, name]), _octets(label))


def _transfer(pipe: Commands, numbers: Numbers, row: Cells) -> None:
    number, partner = row[0], _octets(row[3])
    pipe.say("SADD", f"{PREFIX}passed", partner)
    pipe.xadd(PREFIX.encode() + b"passed:" + partner, number, "r", packed(list(row[1:])))
    numbers.saw(_NUMBERS, "transfer", number)


def _enrolment(pipe: Commands, _: Numbers, row: Cells) -> None:
    kept, asked = enrolment_row(row)
    pipe.hset(f"{PREFIX}enrolment", row[0], packed(kept))
    pipe.zadd(f"{PREFIX}enrolment:asked", asked, 0)


def _outbox(pipe: Commands, numbers: Numbers, row: Cells) -> None:
    number, partner, due = row[0], _octets(row[1]), row[10]
    queued = when(due) + number.to_bytes(6, "big")
    pipe.hset(f"{PREFIX}outbox", number, packed([*row, queued]))
    pipe.zadd(f"{PREFIX}outbox:due", queued, 0)
    pipe.zadd(PREFIX.encode() + b"outbox:" + partner, b"%d" % number, number)
    pipe.say("SADD", f"{PREFIX}partners", partner)
    numbers.saw(_NUMBERS, "note", number)


def _told(pipe: Commands, numbers: Numbers, row: Cells) -> None:
    """Receipts come in the order of their times, of which several may fall into one millisecond."""
    number, partner, told_at = row[0], _octets(row[1]), row[10]
    stream = PREFIX.encode() + b"told:" + partner
    place = numbers.follow(stream.decode("utf-8", "surrogatepass"), told_at // 1000)
    pipe.xadd(stream, place, "r", packed(list(row)))
    pipe.say("SADD", f"{PREFIX}partners", partner)
    numbers.saw(_NUMBERS, "note", number)


def _task(pipe: Commands, _: Numbers, row: Cells) -> None:
    kept = task_row(row)
    pipe.hset(f"{PREFIX}task", row[0], packed(kept))
    pipe.zadd(f"{PREFIX}task:all", kept[-1], 0)
    if row[11] is None:
        pipe.zadd(f"{PREFIX}task:open", kept[-1], 0)


def _kept(pipe: Commands, numbers: Numbers, row: Cells) -> None:
    number, mailbox, sealed, at = row
    pipe.hset(f"{PREFIX}kept", number, packed([mailbox, sealed, at, when(at)]))
    pipe.zadd(f"{PREFIX}kept:at", when(at) + number.to_bytes(6, "big"), 0)
    numbers.saw(_NUMBERS, "kept", number)


def _tally(pipe: Commands, _: Numbers, row: Cells) -> None:
    hour, stream, provider, what, count = row
    pipe.hset(f"{PREFIX}tally:{hour}", packed([stream, provider, what]), count)
    pipe.zadd(f"{PREFIX}tally", b"%d" % hour, hour)


def _entry(pipe: Commands, _: Numbers, row: Cells) -> None:
    writer, seq, body, last = row
    pipe.xadd(f"{PREFIX}j:{writer}", seq, "b", body, "h", last)


_ADD: Mapping[str, Callable[[Commands, Numbers, Cells], None]] = {
    ORIGIN: _origin,
    "mark": _mark,
    "consent": _consent,
    "routes": _routes,
    "tool": lambda pipe, _, row: pipe.hset(f"{PREFIX}tool", _octets(row[0]), packed(absent(row))),
    "api_key": lambda pipe, _, row: pipe.hset(f"{PREFIX}api_key", _octets(row[0]), packed(absent(row))),
    "cursor": lambda pipe, _, row: pipe.hset(f"{PREFIX}cursor", _octets(row[0]), _octets(row[1])),
    "ruling": _ruling,
    "partner_list": _partner_list,
    "pause": lambda pipe, _, row: pipe.hset(f"{PREFIX}pauses", _octets(row[0]), packed(list(row))),
    "pause_past": lambda pipe, _, row: pipe.say("RPUSH", f"{PREFIX}paused", packed(list(row))),
    "transfer": _transfer,
    "enrolment": _enrolment,
    "outbox": _outbox,
    "told": _told,
    "task": _task,
    "kept": _kept,
    "tally": _tally,
    "accepted": lambda pipe, _, row: pipe.zadd(f"{PREFIX}accepted", row[0], row[1]),
    "remembered": lambda pipe, _, row: pipe.zadd(f"{PREFIX}remembered", row[0], row[1]),
    "entry": _entry,
    "head": lambda pipe, _, row: pipe.hset(f"{PREFIX}heads", _octets(row[0]), packed([row[1], row[2]])),
}


def _stood(pipe: Commands, rows: Sequence[Row]) -> None:
    """Times of stands that follow each other go together."""
    pairs = [(int(stand), int(at)) for stand, at in map(_cells, rows)]
    for _, run in groupby(enumerate(pairs), lambda one: (one[1][0] - one[0], (one[1][0] - 1) // STANDS)):
        some = [pair for _, pair in run]
        chunk, offset = divmod(some[0][0] - 1, STANDS)
        pipe.say("SETRANGE", f"{PREFIX}stood:{chunk}", str(8 * offset), struct.pack(f">{len(some)}d", *(at for _, at in some)))


def _person(body: bytes) -> bytes:
    """Whom an entry is about; a spoilt body says nobody."""
    try:
        return bytes.fromhex(written(body, "person").decode("ascii"))
    except ValueError:
        return b""


def _word(value: Packed) -> Packed:
    """Numbers as text: a script would pass large ones on inexactly."""
    return str(value) if isinstance(value, int) else value


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _cells(row: Row) -> Cells:
    return row
