"""How rows become bytes in Redis and come back: msgpack, which the scripts speak too, and the buckets that people are kept in.

Absent is `False`, never nil: a script's array ends at its first hole. Text goes as UTF-8 and comes back as bytes.
"""

from __future__ import annotations

from typing import Any

import msgpack

from gateway.flow.ports import Unavailable

BUCKET_BITS = 18
"""262,144 buckets: 38 people in each at ten millions, 381 at a hundred, so that their hashes stay packed (512 fields)."""
BUCKETS = 1 << BUCKET_BITS

Packed = Any
"""What msgpack knows: numbers, bytes, booleans, lists and maps of them."""


def packed(value: Packed) -> bytes:
    """The value as bytes."""
    found: bytes = msgpack.packb(value, use_bin_type=False, unicode_errors="surrogatepass")
    return found


def unpacked(data: bytes) -> Packed:
    """What `packed`, or a script, made; raises Unavailable for bytes that are neither's."""
    try:
        return msgpack.unpackb(data, raw=True, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise Unavailable("store") from error


def words(data: bytes) -> str:
    """A text that came back."""
    return data.decode("utf-8", "surrogatepass")


def pairs(told: Packed) -> list[tuple[Any, Any]]:
    """Names with their values: by command and by client the library gives them as a map, or one after the other."""
    return list(told.items()) if isinstance(told, dict) else list(zip(told[::2], told[1::2], strict=True))


def bucket(key: bytes) -> int:
    """The number of the bucket that a key is kept in: its first bits, so that buckets in order are keys in order."""
    return int.from_bytes(key[:3].ljust(3, b"\0"), "big") >> (24 - BUCKET_BITS)


def place(family: str, key: bytes) -> tuple[str, bytes]:
    """The hash and the field of a person's rows of one family; the field begins where whole bytes of the bucket end."""
    return f"{PREFIX}{family}:{bucket(key):05x}", key[2:]


def person_of(number: int, field: bytes) -> bytes:
    """The key that `place` put there."""
    return (number >> (BUCKET_BITS - 16)).to_bytes(2, "big") + field


PREFIX = "{gw}"
"""Before every name: one hash tag, so that a Cluster keeps all of a gateway in one slot and a commit can be one script."""
MARKS = PREFIX + "m"
