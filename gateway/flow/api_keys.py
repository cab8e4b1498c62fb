"""Keys of the HTTP API: issued once, kept as digests, limited to what they may do and for whom.

Who holds a key speaks for the advertisers it names and does nothing else; adding and ending one is on record.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gateway.core.change import IssueKey
from gateway.core.duration import Duration
from gateway.core.evidence import Event, Kind
from gateway.core.record import ApiKey
from gateway.flow.administer import Refused
from gateway.flow.ports import Book, Clock

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NOBODY = bytes(32)


class May(StrEnum):
    """What a key can be allowed to do."""

    CONSENTS = "consents"
    ACTS = "acts"
    OPPOSITIONS = "oppositions"


class Denial(StrEnum):
    """Why a key does not open a door."""

    UNKNOWN = "unknown"
    NOT_ALLOWED = "not-allowed"


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key: what its holder must be given, this once."""

    key: ApiKey
    bearer: str


class ApiKeys:
    """Issues, ends and recognises keys."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    async def add(
        self,
        name: str,
        may: Sequence[str],
        advertisers: Sequence[str],
        known: Sequence[str],
        life: Duration | None,
        new_secret: Callable[[], str],
    ) -> Issued | Refused:
        """A new key; `known` are the configured advertisers, no `advertisers` means every one."""
        if refused := await self._unfit(name, may, advertisers, known):
            return refused
        secret, now = new_secret(), self._clock.now()
        ends = life.after(now) if life else None
        key = ApiKey(name, _digest(secret), tuple(dict.fromkeys(may)), tuple(dict.fromkeys(advertisers)), now, ends)
        detail = f"may={','.join(key.may)}; advertisers={','.join(key.advertisers) or 'all'}"
        await self._book.commit([Event(at=now, kind=Kind.TOOL, outcome="api-key-added", tool=name, detail=detail)], [IssueKey(key)])
        return Issued(key, f"{name}.{secret}")

    async def _unfit(self, name: str, may: Sequence[str], advertisers: Sequence[str], known: Sequence[str]) -> Refused | None:
        if not _NAME.fullmatch(name):
            return Refused(f"{name!r} is no name for a key: lower-case letters, digits, '_' and '-', 63 at most.")
        if not may:
            return Refused("A key needs something it may do.")
        if wrong := next((one for one in may if one not in set(May)), None):
            return Refused(f"A key cannot be allowed {wrong!r}; it can: {', '.join(May)}.")
        if wrong := next((one for one in advertisers if one not in known), None):
            return Refused(f"There is no advertiser {wrong!r}; there are: {', '.join(known) or 'none'}.")
        standing = await self._book.api_key(name)
        if standing is not None and _lives(standing, self._clock.now()):
            return Refused(f"There is a key {name!r} already; revoke it first to give it a new secret.")
        return None

    async def revoke(self, name: str) -> ApiKey | Refused:
        """Refuse this key from now on; its name stays in the list, because the evidence names it."""
        key = await self._book.api_key(name)
        if key is None:
            return Refused(f"There is no key {name!r}.")
        if key.revoked_at is not None:
            return Refused(f"Key {name!r} was revoked already.")
        now = self._clock.now()
        ended = replace(key, revoked_at=now)
        await self._book.commit([Event(at=now, kind=Kind.TOOL, outcome="api-key-revoked", tool=name)], [IssueKey(ended)])
        return ended

    async def every(self) -> Sequence[ApiKey]:
        """Every key, ended ones included."""
        return await self._book.api_keys()

    async def recognise(self, bearer: str, may: May) -> ApiKey | Denial:
        """The key of a bearer text, if it lives and may do this; an unknown name costs the same comparison as a known one."""
        name, _, secret = bearer.partition(".")
        key = await self._book.api_key(name) if _NAME.fullmatch(name) else None
        same = hmac.compare_digest(key.secret_sha256 if key else _NOBODY, _digest(secret))
        if key is None or not same or not _lives(key, self._clock.now()):
            return Denial.UNKNOWN
        return key if may in key.may else Denial.NOT_ALLOWED


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _lives(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)
