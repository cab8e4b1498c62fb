"""Looks at canaries: mail of a stream to an address of ours, as its provider delivered it. A way out that was replaced is reported.

Each stream has its address, which names the stream by a token nobody can make: a forged canary sets nobody to work.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from gateway.core.canary import Seen, seen
from gateway.core.change import OpenTask
from gateway.core.evidence import Event, Kind
from gateway.core.model import PersonKey, Stream
from gateway.core.task import Task, TaskKind
from gateway.core.token import TokenKeys, mint
from gateway.flow.back_ports import Returns
from gateway.flow.ports import Book, Clock, Log
from gateway.flow.way_back import WayBack

PREFIX = "c-"
"""Local part of a canary address: `c-TOKEN@inbound domain`."""

NOBODY = PersonKey(bytes(16))
"""Whom the token of a canary address names; no address has this key."""

WITHIN = timedelta(days=3)
_TASK_FOR = PersonKey(b"")
_NOTES = {
    Seen.LOST: "The provider delivers without List-Unsubscribe: people cannot stop the mail by their mail program.",
    Seen.REPLACED: "The provider puts its own List-Unsubscribe: people stop there, and not here. Switch its list management off.",
    Seen.JOINED: "The provider adds a List-Unsubscribe of its own: who uses it stops there, and not here. Switch it off.",
    Seen.NO_ONE_CLICK: "The provider drops or changes List-Unsubscribe-Post: mail programs offer no one-click stop (RFC 8058).",
}


def address_of(stream: Stream, keys: TokenKeys, inbound_domain: str) -> str:
    """The canary address of a stream."""
    return f"{PREFIX}{mint(keys, stream.number, NOBODY)}@{inbound_domain}"


class Canary:
    """Takes canaries; `public_url` is where our links lead, without a final slash."""

    def __init__(
        self, book: Book, returns: Returns, way_back: WayBack, public_url: str, inbound_domain: str, clock: Clock, log: Log
    ) -> None:
        self._book = book
        self._returns = returns
        self._way_back = way_back
        self._link = f"{public_url}/u/"
        self._mailto = "mailto:u-", f"@{inbound_domain.lower()}"
        self._clock = clock
        self._log = log

    def stream_of(self, token: str) -> Stream | None:
        """The stream whose canary address has this token; None for any other text, and for tokens of people."""
        holder = self._way_back.who_is(token)
        return holder.stream if holder and holder.person == NOBODY else None

    async def take(self, stream: Stream, data: bytes) -> Seen:
        """Record how it arrived; somebody is set to work once for each fault of a stream, until they say it is mended."""
        found, now = seen(data, self._ours), self._clock.now()
        task = _task_id(stream, found)
        known = await self._returns.task(task)
        event = Event(
            now,
            Kind.RETURN,
            "canary",
            stream=stream.name,
            advertiser=stream.advertiser.name,
            category=stream.category.value,
            rules=("R-STD-31",),
            detail=f"{found.value}; upstream={stream.upstream}",
        )
        if found is Seen.INTACT or (known is not None and known.open):
            await self._book.commit([event])
        else:
            asks = (found.value, stream.upstream)
            name, advertiser, due = stream.name, stream.advertiser.name, now + WITHIN
            opened = Task(task, TaskKind.PROVIDER, _TASK_FOR, advertiser, name, asks, _NOTES[found], now, due)
            await self._book.commit([event], [OpenTask(opened)])
        self._log.say("canary", stream=stream.name, upstream=stream.upstream, seen=found.value)
        return found

    def _ours(self, uri: str) -> bool:
        if uri.startswith(self._link):
            return self._way_back.who_is(uri.removeprefix(self._link)) is not None
        begin, end = self._mailto
        local, at, domain = uri.partition("?")[0].lower().removeprefix(begin).partition("@")
        return uri.lower().startswith(begin) and at + domain == end and self._way_back.who_is(local) is not None


def _task_id(stream: Stream, found: Seen) -> str:
    return hashlib.sha256(f"canary\0{stream.name}\0{found.value}".encode()).hexdigest()[:16]
