"""The DKIM signer (RFC 6376, 8463): puts nothing on the wire, answers the header fields to put on top of finished bytes.

Sign last: whatever changes a byte afterwards breaks the signature. Always relaxed/relaxed, always the whole body (no `l=`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.core.relaxed import STEP, Chunk, blocks, body_hash, fields

LINE = 76
MIN_RSA_BITS = 2048

SES_PROFILE = frozenset({"message-id", "date", "return-path", "bounces-to"})
"""Fields Amazon SES rewrites after us, to be left out of `h=` (R-MBX-21)."""

_HEAD = {b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references"}
_MIME = {b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-language"}
_LIST = {b"list-id", b"list-unsubscribe", b"list-unsubscribe-post"}
_ONCE = frozenset(_HEAD | _MIME | _LIST)
"""Signed once more than present, so that none can be added (R-STD-41, RFC 6376 8.15)."""

_SIGNED = _ONCE | {b"feedback-id"}
"""Feedback-ID is signed but open to one more: providers add their own."""

_PREFIXED = re.compile(rb"(?:content|cfbl)-[a-z0-9-]*\Z")
_LONGEST = 70
_DOMAIN = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*\Z")
_PADDING, _SHA256 = PKCS1v15(), SHA256()


class Algorithm(StrEnum):
    """The two signature algorithms, by the name of their key type (`k=`)."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key and where its public half is published; `subdomains` lets it sign for From domains below its own."""

    domain: str
    selector: str
    algorithm: Algorithm
    private: RSAPrivateKey | Ed25519PrivateKey
    subdomains: bool = False


@dataclass(frozen=True, slots=True)
class KeyFault:
    """Why a key cannot be used: one line that holds nothing of the key."""

    why: str


def load_key(pem: bytes, domain: str, selector: str, *, subdomains: bool = False) -> DkimKey | KeyFault:
    """Read an unencrypted PEM private key, RSA of at least 2048 bits or Ed25519 (R-STD-42, 43)."""
    if not _DOMAIN.match(domain) or not _DOMAIN.match(selector):
        return KeyFault("domain or selector is not a lower-case ASCII domain name")
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return KeyFault("not an unencrypted PEM private key")
    if isinstance(private, Ed25519PrivateKey):
        return DkimKey(domain, selector, Algorithm.ED25519, private, subdomains)
    if not isinstance(private, RSAPrivateKey):
        return KeyFault("neither an RSA nor an Ed25519 key")
    if private.key_size < MIN_RSA_BITS:
        return KeyFault(f"RSA key of {private.key_size} bits, {MIN_RSA_BITS} needed")
    return DkimKey(domain, selector, Algorithm.RSA, private, subdomains)


def keys_for(keys: Iterable[DkimKey], from_domain: str) -> tuple[DkimKey, ...]:
    """The keys that may sign for a From domain: its own, and a parent's where configured so; none means 550 (R-STD-46)."""
    name = from_domain.lower()
    return tuple(key for key in keys if key.domain == name or (key.subdomains and name.endswith("." + key.domain)))


def public_record(key: DkimKey) -> str:
    """The value of the TXT record at `selector._domainkey.domain` (RFC 6376 3.6.1, RFC 8463 4)."""
    match key.private:
        case RSAPrivateKey():
            public = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        case Ed25519PrivateKey():
            public = key.private.public_key().public_bytes_raw()
        case _:
            assert_never(key.private)
    return f"v=DKIM1; k={key.algorithm}; p={base64.b64encode(public).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Unsigned:
    """All of one DKIM-Signature but the signature: the octets it covers, and the field before `b=`."""

    key: DkimKey
    covered: bytes
    field: bytes


def sign(chunks: Sequence[Chunk], keys: Sequence[DkimKey], at: int, exclude: frozenset[str] = frozenset()) -> bytes:
    """The complete DKIM-Signature fields, one a key, CRLF-terminated, to go on top of `chunks[0]`: `prepare` to `finish` in one."""
    return b"".join([finish(one, private_sign(one)) for one in prepare(chunks, keys, at, exclude)])


def prepare(
    chunks: Sequence[Chunk], keys: Sequence[DkimKey], at: int, exclude: frozenset[str] = frozenset()
) -> tuple[Unsigned, ...]:
    """What each key is to sign: cheap, where `private_sign` is not.

    `chunks[0]` holds the whole header block; `at` is in epoch seconds; `exclude` names fields, lower case, to leave unsigned (From
    is signed always). The body is hashed once for all keys.
    """
    header, rest = _split(chunks)
    seen, signed = _select(header, exclude)
    listed, digest = _listed(seen), binascii.b2a_base64(body_hash(rest), newline=False)
    return tuple([_unsigned(key, at, listed, signed, digest) for key in keys])


def private_sign(unsigned: Unsigned) -> bytes:
    """The private operation: nearly all the time a signature takes, and other threads run meanwhile."""
    match unsigned.key.private:
        case RSAPrivateKey():
            return unsigned.key.private.sign(unsigned.covered, _PADDING, _SHA256)
        case Ed25519PrivateKey():
            return unsigned.key.private.sign(hashlib.sha256(unsigned.covered).digest())  # RFC 8463 3: the hash is what is signed
        case _:
            assert_never(unsigned.key.private)


def finish(unsigned: Unsigned, signature: bytes) -> bytes:
    """The whole field, folded, CRLF-terminated."""
    value = b"b=" + binascii.b2a_base64(signature, newline=False)
    lines = [value[start : start + LINE] for start in range(0, len(value), LINE)]
    return unsigned.field + b"\r\n ".join(lines) + b"\r\n"


def body_digest(chunks: Iterable[Chunk]) -> str:
    """SHA-256 in hex of the exact bytes handed to the provider (R-FR-90)."""
    digest = hashlib.sha256()
    for block in blocks(chunks):
        digest.update(block)
    return digest.hexdigest()


def _split(chunks: Sequence[Chunk]) -> tuple[bytes, list[Chunk]]:
    """The header block without its blank line, and the body."""
    first: Chunk = chunks[0] if chunks else b""
    header = bytes(first[:STEP])
    end = header.find(b"\r\n\r\n")
    if end < 0 and len(first) > STEP:
        header = bytes(first)
        end = header.find(b"\r\n\r\n")
    if end < 0:
        return header, list(chunks[1:])
    return header[:end], [memoryview(first)[end + 4 :], *chunks[1:]]


def _select(header: bytes, exclude: frozenset[str]) -> tuple[tuple[bytes, ...], bytes]:
    """The names of the fields to sign as they come, and their canonical form: like names together, bottom up (RFC 6376 5.4.2)."""
    left_out = {name.encode() for name in exclude} - {b"from"}
    seen: list[bytes] = []
    signed = {b"from": b""}
    for line in fields(header):
        raw, _, value = line.partition(b":")
        name = _signed_name(raw) if len(raw) <= _LONGEST else b""
        if name and name not in left_out:
            seen.append(name)
            signed[name] = b"%b:%b\r\n%b" % (name, value.strip(b" "), signed.get(name, b""))
    return tuple(seen), b"".join(signed.values())


@lru_cache(maxsize=256)
def _signed_name(raw: bytes) -> bytes:
    """The name in lower case where such fields are signed, else nothing."""
    name = raw.rstrip(b" ").lower()
    return name if name in _SIGNED or _PREFIXED.match(name) else b""


def _unsigned(key: DkimKey, at: int, listed: bytes, signed: bytes, digest: bytes) -> Unsigned:
    """One field as it will stand; its canonical form is the same lines joined by a space, as the verifier unfolds them."""
    tags = f"v=1; a={key.algorithm.value}-sha256; c=relaxed/relaxed; t={at};\r\n d={key.domain};\r\n s={key.selector};\r\n "
    lines = b"%b%b\r\n bh=%b;\r\n " % (tags.encode("ascii"), listed, digest)
    covered = b"%bdkim-signature:%bb=" % (signed, lines.replace(b"\r\n", b""))
    return Unsigned(key, covered, b"DKIM-Signature: " + lines)


@lru_cache(maxsize=64)
def _listed(seen: tuple[bytes, ...]) -> bytes:
    """`h=` on lines of at most 76 characters, broken behind colons (RFC 6376 3.5); a tool's mail is all alike."""
    lines, count = [b"h="], Counter(seen)
    for name in dict.fromkeys((b"from", *seen)):
        for _ in range(count[name] + (name in _ONCE)):
            if len(lines[-1]) + len(name) >= LINE:
                lines.append(b"")
            lines[-1] += name + b":"
    return b"\r\n ".join(lines)[:-1] + b";"
