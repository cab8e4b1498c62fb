"""AUTH PLAIN and LOGIN (RFC 4954, 4616) read into credentials, and the throttle on guessing.

Whether they are right is the desk's to say; no secret and no account name is kept here, and none is logged.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from dataclasses import dataclass, field

from gateway.core.reply import (
    AUTH_ABORTED,
    AUTH_BAD,
    AUTH_DECODING,
    AUTH_EMPTY_CHALLENGE,
    AUTH_MECHANISM,
    AUTH_PASSWORD,
    AUTH_USERNAME,
    BAD_ARGUMENTS,
    Reply,
)
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.stream import Stream

_WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client claims; `repr` hides the secret."""

    login: str
    secret: bytes = field(repr=False)


async def credentials(stream: Stream, argument: bytes) -> Credentials | Reply:
    """Hold the exchange that AUTH's argument begins; a reply says why there are no credentials."""
    mechanism, _, initial = argument.partition(b" ")
    match mechanism.upper():
        case b"PLAIN":
            return await _plain(stream, initial.strip())
        case b"LOGIN":
            return await _login(stream, initial.strip())
        case b"":
            return BAD_ARGUMENTS
        case _:
            return AUTH_MECHANISM


async def _plain(stream: Stream, initial: bytes) -> Credentials | Reply:
    response = _decode(initial, stream.limits) if initial else await _challenge(stream, AUTH_EMPTY_CHALLENGE)
    if isinstance(response, Reply):
        return response
    parts = response.split(b"\0")
    if len(parts) != 3:
        return AUTH_DECODING
    acting_as, login, secret = parts
    return _claim(login, secret) if acting_as in (b"", login) else AUTH_BAD


async def _login(stream: Stream, initial: bytes) -> Credentials | Reply:
    login = _decode(initial, stream.limits) if initial else await _challenge(stream, AUTH_USERNAME)
    if isinstance(login, Reply):
        return login
    secret = await _challenge(stream, AUTH_PASSWORD)
    return secret if isinstance(secret, Reply) else _claim(login, secret)


async def _challenge(stream: Stream, challenge: Reply) -> bytes | Reply:
    stream.answer(challenge)
    response = await stream.line(stream.limits.auth_answer + 2, stream.limits.idle_before_auth)
    if isinstance(response, Reply):
        return response if response.close else AUTH_DECODING
    return AUTH_ABORTED if response == b"*" else _decode(response, stream.limits)


def _decode(response: bytes, limits: Limits) -> bytes | Reply:
    if len(response) > limits.auth_answer:
        return AUTH_DECODING
    if response == b"=":
        return b""  # RFC 4954 4: an empty initial response
    try:
        return base64.b64decode(response, validate=True)
    except binascii.Error:
        return AUTH_DECODING


def _claim(login: bytes, secret: bytes) -> Credentials | Reply:
    try:
        return Credentials(login.decode(), secret)
    except UnicodeDecodeError:
        return AUTH_BAD


class Throttle:
    """Counts failed logins of the last minute, per account and address and per account, in a table of bounded size.

    An address that has not failed is always heard, whatever others did to the account: guessing never locks its owner out (T2).
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.auth_failures_per_minute
        self._watched = limits.auth_accounts_watched
        self._failures: OrderedDict[int, list[float]] = OrderedDict()

    def allows(self, login: str, address: str, now: float) -> bool:
        """Whether this account may be tried from this address now."""
        here = self._recent(hash((login, address)), now)
        everywhere = self._recent(hash(login), now)
        return here == 0 or (here < self._limit and everywhere < self._limit)

    def failed(self, login: str, address: str, now: float) -> None:
        """Remember a failed login."""
        for key in (hash((login, address)), hash(login)):
            times = self._failures.setdefault(key, [])
            times.append(now)
            del times[: -self._limit]
            self._failures.move_to_end(key)
        while len(self._failures) > self._watched:
            self._failures.popitem(last=False)

    def _recent(self, key: int, now: float) -> int:
        return sum(1 for time in self._failures.get(key, ()) if now - time < _WINDOW)
