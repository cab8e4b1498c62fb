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
from hashlib import sha256

from gateway.core.model import PersonKey

LENGTH = 56
PROBE_STREAM = 0
"""The stream number of the self-test's token; no stream has it."""

MAX_KEY_ID = 31
SECRET_BYTES = 32

_VERSION = 1 << 5  # three bits of version above five bits of key id
_PERSON, _MAC = 16, 16
_CLAIM = 1 + 2 + _PERSON


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
    claim = bytes([_VERSION | keys.current]) + stream_number.to_bytes(2, "big") + person
    return base64.b32encode(claim + _mac(keys.secrets[keys.current], claim)).decode("ascii").lower()


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
    return hmac.digest(secret, claim, "sha256")[:_MAC]
