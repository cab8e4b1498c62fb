"""Counts how often somebody came by lately, to turn away what comes too often; in memory only, by salted digest (R-DP-16)."""

from __future__ import annotations

import hashlib
import secrets

from gateway.flow.ports import Clock

MOST_KEPT = 10_000


class Turnstile:
    """Lets each name pass `most` times in every window of so many seconds."""

    def __init__(self, most: int, seconds: int, clock: Clock) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._window = -1
        self._salt = b""
        self._counts: dict[bytes, int] = {}

    def refuses(self, name: str) -> bool:
        """Count one more pass; True once it is one too many."""
        window = int(self._clock.monotonic() // self._seconds)
        if window != self._window or len(self._counts) >= MOST_KEPT:
            self._window, self._salt, self._counts = window, secrets.token_bytes(16), {}
        key = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8, key=self._salt).digest()
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] > self._most
