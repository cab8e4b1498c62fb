"""Blocks: some hundred entries, gzipped by themselves, one event a line; `zcat` of an object shows its events in order.

The hashes are not stored: they follow from the one before the block, and the last must be the one the index tells. So no entry
comes out of a block that is not, octet for octet, the one that was chained.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from gzip import compress

from gateway.core.evidence import link
from gateway.flow.ports import Entry

ENTRIES = 256
"""Entries of a block: some 30 kB compressed, unpacked and followed in under a millisecond."""
_GZIP = 31
_LEVEL = 6
_LARGEST = 64 << 20
"""Octets of an unpacked block at most, so that a forged one cannot fill the memory."""


class Unfit(Exception):
    """The bytes are no block that leads from the one hash to the other."""


def pack(entries: Sequence[Entry]) -> bytes:
    """A block of these entries."""
    if any(b"\n" in entry.body for entry in entries):
        raise Unfit("a body of two lines")
    return compress(b"".join([entry.body + b"\n" for entry in entries]), _LEVEL, mtime=0)


def unpack(packed: bytes, writer: str, first: int, count: int, before: bytes, last: bytes) -> list[Entry]:
    """The entries of a block that begins with number `first` behind the hash `before`; raises `Unfit`."""
    bodies = _plain(packed).split(b"\n")
    if len(bodies) != count + 1 or bodies.pop():
        raise Unfit("another number of entries")
    entries, found = [], before
    for seq, body in enumerate(bodies, first):
        found = link(found, writer, seq, body)
        entries.append(Entry(writer, seq, body, found))
    if found != last:
        raise Unfit("other entries than were chained")
    return entries


def _plain(packed: bytes) -> bytes:
    opened = zlib.decompressobj(_GZIP)
    try:
        plain = opened.decompress(packed, _LARGEST)
    except zlib.error:
        raise Unfit("not gzip") from None
    if not opened.eof or opened.unused_data:
        raise Unfit("cut, or longer than a block")
    return plain
