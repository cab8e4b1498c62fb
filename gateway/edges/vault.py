"""Seals addresses and kept mail with AES-GCM-SIV (RFC 8452); the keys live in the key folder, never in a store or its backups.

A sealed value is: key id (1 byte), nonce (12 random bytes), ciphertext with its tag. It names its key, so that keys can change.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from gateway.flow.ports import Unavailable

KEY_BYTES = 32
_NONCE = 12


class AesVault:
    """`ports.Vault` over 32-byte keys by id (0 to 255): seals with `current`, opens with any."""

    __slots__ = ("_ciphers", "_current")

    def __init__(self, current: int, keys: Mapping[int, bytes]) -> None:
        self._current = current
        self._ciphers = {number: AESGCMSIV(key) for number, key in keys.items()}

    def seal(self, plain: bytes) -> bytes:
        """Encrypt; the same plain text gives another result each time."""
        label = bytes([self._current])
        nonce = secrets.token_bytes(_NONCE)
        return label + nonce + self._ciphers[self._current].encrypt(nonce, plain, label)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; Unavailable when the key is not here, or the bytes are not what was sealed."""
        label, nonce = sealed[:1], sealed[1 : 1 + _NONCE]
        cipher = self._ciphers.get(label[0]) if label else None
        if cipher is None or len(nonce) < _NONCE:
            raise Unavailable("vault")
        try:
            return cipher.decrypt(nonce, sealed[1 + _NONCE :], label)
        except (InvalidTag, ValueError):
            raise Unavailable("vault") from None
