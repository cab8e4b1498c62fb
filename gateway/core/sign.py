"""The DKIM signer (RFC 6376, 8463): puts nothing on the wire, answers the header fields to put on top of finished bytes.

Sign last: whatever changes a byte afterwards breaks the signature. Always relaxed/relaxed, always the whole body (no `l=`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.core.relaxed import STEP, Chunk, blocks, body_hash, field

LINE = 76
MIN_RSA_BITS = 2048

SES_PROFILE = frozenset({"message-id", "date", "return-path", "bounces-to"})
"""Fields Amazon SES rewrites after us, to be left out of `h=` (R-MBX-21)."""

_HEAD = frozenset({"from", "sender", "reply-to", "to", "cc", "subject", "date", "message-id", "in-reply-to", "references"})
_MIME = frozenset({"mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-language"})
_LIST = frozenset({"list-id", "list-unsubscribe", "list-unsubscribe-post"})
_ONCE = _HEAD | _MIME | _LIST
"""Signed once more than present, so that none can be added (R-STD-41, RFC 6376 8.15)."""

_AS_PRESENT = frozenset({"feedback-id"})
"""Signed but open to one more: providers add their own."""

_PREFIXES = ("content-", "cfbl-")
_FIELD = re.compile(rb"^([A-Za-z0-9-]{1,70})[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.MULTILINE)
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


def sign(chunks: Sequence[Chunk], keys: Sequence[DkimKey], at: int, exclude: frozenset[str] = frozenset()) -> bytes:
    """The complete DKIM-Signature fields, one a key, CRLF-terminated, to go on top of `chunks[0]`.

    `chunks[0]` holds the whole header block; `at` is in epoch seconds; `exclude` names fields, lower case, to leave unsigned (From
    is signed always). The body is hashed once for all keys.
    """
    header, rest = _split(chunks)
    names, signed = _select(header, exclude)
    digest = base64.b64encode(body_hash(rest)).decode("ascii")
    return b"".join(_signature_field(key, at, names, signed, digest) for key in keys)


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


def _select(header: bytes, exclude: frozenset[str]) -> tuple[list[str], bytes]:
    """The names for `h=`, and the canonical fields they stand for: repeated ones bottom up (RFC 6376 5.4.2)."""
    present: dict[str, list[bytes]] = {"from": []}
    for found in _FIELD.finditer(header):
        name = found[1].decode("ascii").lower()
        if name == "from" or ((name in _ONCE or name in _AS_PRESENT or name.startswith(_PREFIXES)) and name not in exclude):
            present.setdefault(name, []).append(found[2])
    names: list[str] = []
    fields: list[bytes] = []
    for name, values in present.items():
        names += [name] * (len(values) + (name in _ONCE))
        fields += [field(name, value) for value in reversed(values)]
    return names, b"".join(line + b"\r\n" for line in fields)


def _signature_field(key: DkimKey, at: int, names: list[str], signed: bytes, digest: str) -> bytes:
    """One folded field; its canonical form is the same lines joined by a space, which is how the verifier unfolds them."""
    lines = [f"v=1; a={key.algorithm}-sha256; c=relaxed/relaxed; t={at};", f"d={key.domain};", f"s={key.selector};"]
    lines += _fold_names(names)
    lines += [f"bh={digest};", "b="]
    covered = signed + b"dkim-signature:" + " ".join(lines).encode("ascii")
    value = "b=" + base64.b64encode(_private_sign(key, covered)).decode("ascii")
    lines[-1:] = [value[start : start + LINE] for start in range(0, len(value), LINE)]
    return b"DKIM-Signature: " + "\r\n ".join(lines).encode("ascii") + b"\r\n"


def _fold_names(names: list[str]) -> list[str]:
    """`h=` on lines of at most 76 characters, broken behind colons (RFC 6376 3.5 allows white space there)."""
    lines = ["h="]
    for name in names:
        if len(lines[-1]) + len(name) >= LINE:
            lines.append("")
        lines[-1] += name + ":"
    lines[-1] = lines[-1][:-1] + ";"
    return lines


def _private_sign(key: DkimKey, covered: bytes) -> bytes:
    match key.private:
        case RSAPrivateKey():
            return key.private.sign(covered, _PADDING, _SHA256)
        case Ed25519PrivateKey():
            return key.private.sign(hashlib.sha256(covered).digest())  # RFC 8463 3: the hash is what is signed
        case _:
            assert_never(key.private)
