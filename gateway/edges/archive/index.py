"""The index of an object: where each block begins and which hash it follows, and in which blocks each person is.

Made so that a look takes a few short reads whatever the size: records of a fixed length, and people in buckets by their key's CRC.
Each record and bucket has a CRC of its own, so that a flipped bit is an error and never an entry that is missing.

    block record   offset 8 | hash before 32 | CRC-32 4     one for each block, and one for the end
    bucket record  offset 4 | CRC-32 of the bucket 4        one for each bucket, and one for the end
    buckets        length of key 1 | key | how many 2 | block numbers 2 each, people in order of their key
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

from gateway.edges.archive.block import Unfit
from gateway.edges.archive.shelf import Span

_BLOCK = struct.Struct(">Q32sI")
_BUCKET = struct.Struct(">II")
_MANY = struct.Struct(">H")
PEOPLE = 64
"""People a bucket, about."""
MOST_BLOCKS = 1 << 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block is: its octets, the hash it follows and the one it ends with."""

    start: int
    end: int
    before: bytes
    last: bytes


def buckets_for(people: int) -> int:
    """How many buckets an index of so many people has."""
    return max(1, -(-people // PEOPLE))


def build(ends: Sequence[tuple[int, bytes]], people: Mapping[bytes, Sequence[int]]) -> bytes:
    """The index of blocks that begin at these offsets behind these hashes, the end of the last one included."""
    buckets: list[list[bytes]] = [[] for _ in range(buckets_for(len(people)))]
    for key in people:
        buckets[crc32(key) % len(buckets)].append(key)
    filled = [b"".join([_row(key, people[key]) for key in sorted(bucket)]) for bucket in buckets]  # no sort of all at once
    records, offset = [], 0
    for number, bucket in enumerate(filled):
        records.append(_BUCKET.pack(offset, _bucket_check(number, bucket)))
        offset += len(bucket)
    records.append(_BUCKET.pack(offset, 0))
    return b"".join([*_blocks(ends), *records, *filled])


def _row(key: bytes, blocks: Sequence[int]) -> bytes:
    return bytes((len(key),)) + key + struct.pack(f">H{len(blocks)}H", len(blocks), *blocks)


def _blocks(ends: Iterable[tuple[int, bytes]]) -> Iterable[bytes]:
    for number, (offset, before) in enumerate(ends):
        yield _BLOCK.pack(offset, before, _check(number, offset, before))


def _check(number: int, offset: int, before: bytes) -> int:
    return crc32(before, crc32(b"%d %d" % (number, offset)))


def _bucket_check(number: int, bucket: bytes) -> int:
    """Never 0 for an empty bucket: a hole of zeros in a file must not read as nobody."""
    return crc32(bucket, crc32(b"bucket %d" % number))


def block_span(first: int, count: int = 1) -> Span:
    """Where the records of blocks stand, with the one behind them that says where they end."""
    return first * _BLOCK.size, (first + count + 1) * _BLOCK.size


def read_blocks(records: bytes, first: int) -> list[Place]:
    """The places of the blocks from number `first` on."""
    if len(records) % _BLOCK.size or len(records) < 2 * _BLOCK.size:
        raise Unfit("no block records")
    read = [_BLOCK.unpack_from(records, place) for place in range(0, len(records), _BLOCK.size)]
    for number, (offset, before, check) in enumerate(read, first):
        if check != _check(number, offset, before):
            raise Unfit("a block record is not as written")
    return [Place(one[0], two[0], one[1], two[1]) for one, two in pairwise(read)]


def bucket_span(person: bytes, blocks: int, buckets: int) -> Span:
    """Where the record of the bucket of this person stands, with the one behind it."""
    start = (blocks + 1) * _BLOCK.size + (crc32(person) % buckets) * _BUCKET.size
    return start, start + 2 * _BUCKET.size


def read_bucket(record: bytes, blocks: int, buckets: int) -> tuple[Span, int]:
    """Where the bucket itself stands, and its CRC."""
    if len(record) != 2 * _BUCKET.size:
        raise Unfit("no bucket record")
    (start, check), (end, _) = _BUCKET.iter_unpack(record)
    base = (blocks + 1) * _BLOCK.size + (buckets + 1) * _BUCKET.size
    if end < start:
        raise Unfit("a bucket record is not as written")
    return (base + start, base + end), check


def find(bucket: bytes, check: int, person: bytes, buckets: int) -> Sequence[int]:
    """The numbers of the blocks this person is in."""
    if _bucket_check(crc32(person) % buckets, bucket) != check:
        raise Unfit("a bucket is not as written")
    place = 0
    try:
        while place < len(bucket):
            key_end = place + 1 + bucket[place]
            (many,) = _MANY.unpack_from(bucket, key_end)
            if bucket[place + 1 : key_end] == person:
                return struct.unpack_from(f">{many}H", bucket, key_end + 2)
            place = key_end + 2 + 2 * many
    except struct.error:
        raise Unfit("a bucket is cut") from None
    return ()
