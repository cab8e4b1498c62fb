"""How providers prove that a call is theirs: a password, a bearer token, an HMAC, a signature; compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from gateway.edges.providers.reading import moment

AHEAD = timedelta(minutes=5)
"""How far another clock may run before ours."""


class BadKey(Exception):
    """A configured key is none; the text says which kind is wanted."""


def basic(headers: Mapping[str, str], secret: bytes) -> bool:
    """Whether the call carries this `user:password` (RFC 7617)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    try:
        said = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and b":" in secret and hmac.compare_digest(said, secret)


def bearer(headers: Mapping[str, str], secret: bytes) -> bool:
    """Whether the call carries this token (RFC 6750)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(secret) and hmac.compare_digest(given.strip().encode(), secret)


def carries(headers: Mapping[str, str], name: str, secret: bytes) -> bool:
    """Whether a header of this name holds the secret."""
    return bool(secret) and hmac.compare_digest(headers.get(name, "").encode(), secret)


def hex_hmac(secret: bytes, signed: bytes, given: str) -> bool:
    """Whether this is the HMAC-SHA-256 in hexadecimal digits."""
    return hmac.compare_digest(hmac.digest(secret, signed, hashlib.sha256).hex().encode(), given.lower().encode())


def fresh(stamp: str, now: datetime, window: timedelta) -> bool:
    """Whether a time in seconds is no further back than the window, and not in the future."""
    at = moment(stamp)
    return at is not None and -AHEAD <= now - at <= window


def p256_key(text: str) -> ec.EllipticCurvePublicKey:
    """A public key of the curve P-256, in PEM or as the base64 of its DER form."""
    try:
        pem = "-----BEGIN" in text
        key = load_pem_public_key(text.encode()) if pem else load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise BadKey("not a public key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadKey("not a public key of the curve P-256")
    return key


def p256(key: ec.EllipticCurvePublicKey, signed: bytes, given: str) -> bool:
    """Whether this base64 is the key's ECDSA signature with SHA-256."""
    try:
        key.verify(base64.b64decode(given, validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
