"""A client of the test sink, configured for loopback and short waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.core.model import Outcome
from gateway.edges.smtp.upstream import Upstream, UpstreamConfig
from gateway.flow.ports import Addressee, Envelope

MESSAGE = b"Subject: hello\r\n\r\n.dot\r\nlast\r\n"


class CountingMeter:
    """Keeps what was counted."""

    def __init__(self) -> None:
        self.fates: list[tuple[str, str]] = []

    def decided(self, stream: str, reason: str) -> None: ...

    def delivered(self, upstream: str, fate: str, seconds: float) -> None:
        self.fates.append((upstream, fate))

    def opposed(self, door: str, seconds: float) -> None: ...

    def answered(self, code: int, seconds: float) -> None: ...


def config(port: int, **changes: object) -> UpstreamConfig:
    """A route to a sink on loopback."""
    settings: dict[str, object] = {
        "name": "main",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "command_timeout": 0.5,
        "attempt_budget": 2.0,
    }
    return UpstreamConfig(**(settings | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def provider(port: int, **changes: object) -> AsyncIterator[Upstream]:
    """A provider that is closed in the end."""
    upstream = Upstream(config(port, **changes), CountingMeter())
    try:
        yield upstream
    finally:
        await upstream.close()


def envelope(**changes: object) -> Envelope:
    """An envelope as a tool without extensions gives it."""
    settings: dict[str, object] = {
        "tool": "t",
        "stream": "s",
        "sender": "news@shop.example",
        "smtputf8": False,
        "eight_bit": False,
    }
    return Envelope(**(settings | changes))  # type: ignore[arg-type]


async def deliver(
    upstream: Upstream, to: str = "anna@example.org", body: Sequence[bytes | memoryview] = (MESSAGE,), **changes: object
) -> Outcome:
    """One message from the usual sender."""
    return await upstream.deliver("news@shop.example", Addressee(to), envelope(**changes), body)
