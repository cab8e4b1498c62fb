"""The opaque word in links, mailto and Reply-To that says who stops what: needs no look-up, cannot be guessed, never expires.

35 bytes as 56 base32 characters (RFC 4648 6), lower case, read in any case: version and key id (1), stream (2), person (16) and
their MAC (16).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from gateway.core.model import PersonKey

LENGTH = 56
PROBE_STREAM = 0
"""The stream number of the self-test's token; no stream has it."""

MAX_KEY_ID = 31
SECRET_BYTES = 32

_VERSION = 1 << 5  # three bits of version above five bits of key id
_PERSON, _MAC = 16, 16
_CLAIM = 1 + 2 + _PERSON
_FIRST = Struct(">BH")

_GROUPS, _LANES = Struct("5s" * 7), Struct("3x5s" * 7)
_HALVES = tuple(
    (int(lane * (LENGTH * 2 // len(lane)), 16), gap) for lane, gap in (("00000000000fffff", 12), ("000003ff", 6), ("001f", 3))
)
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256)


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """Secrets by key id (0 to 31): new tokens use `current`, old ids keep verifying for ever."""

    current: int
    secrets: Mapping[int, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a genuine token says: this person, in this stream."""

    stream_number: int
    person: PersonKey


def stream_number(name: str) -> int:
    """The first two bytes of SHA-256(name); where they are 0, which is the probe's, 1."""
    return int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:2], "big") or 1


def mint(keys: TokenKeys, stream_number: int, person: PersonKey) -> str:
    """The token of a person (16 bytes) in a stream: 56 lower-case characters, the same one every time for the same key."""
    claim = _FIRST.pack(_VERSION | keys.current, stream_number) + person
    return _base32(claim + _mac(keys.secrets[keys.current], claim))


def read(keys: TokenKeys, text: str) -> Claim | None:
    """What the token claims, or None for anything that is not ours, whatever it is and wherever it differs (T9)."""
    if len(text) != LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b32decode(text, casefold=True)
    except binascii.Error:
        return None
    if len(raw) != _CLAIM + _MAC:
        return None
    claim, mac = raw[:_CLAIM], raw[_CLAIM:]
    secret = keys.secrets.get(claim[0] ^ _VERSION)
    genuine = hmac.compare_digest(_mac(secret or bytes(SECRET_BYTES), claim), mac)  # as much work for an unknown key
    if not genuine or not secret:
        return None
    return Claim(int.from_bytes(claim[1:3], "big"), PersonKey(claim[3:]))


def _mac(secret: bytes, claim: bytes) -> bytes:
    mac = _keyed(secret).copy()
    mac.update(claim)
    return mac.digest()[:_MAC]


@lru_cache(maxsize=MAX_KEY_ID + 2)  # every key id, and the null key
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")


def _base32(raw: bytes) -> str:
    """`base64.b32encode` in lower case, for 35 bytes: all 56 characters at a time, since each message has one.

    Every 5 bytes get a lane of 8; three shifts push halves apart, 20 bits, then 10, then 5, until each byte holds 5.
    """
    digits = int.from_bytes(_LANES.pack(*_GROUPS.unpack(raw)), "big")
    for low, gap in _HALVES:
        digits = (digits & low) | ((digits & ~low) << gap)
    return digits.to_bytes(LENGTH, "big").translate(_ALPHABET).decode("ascii")
