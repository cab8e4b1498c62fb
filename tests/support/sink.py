"""The provider of the tests: the product's sink, with faults injected by plan (reliability 4.4).

`plan` maps a stage to one fault (always) or to a list of them (one per occurrence; None, and what follows the list, is no fault).
Stages: banner ehlo starttls auth mail rcpt data body end quit. Faults: reset close hang 421 451 550 garbage 999 slow stall long
inject desync.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from gateway.edges.sink import Left, Offer, Received, Session, Sink

__all__ = ["FaultySink", "Offer", "Received", "Sink", "running_sink"]

STAGES = ("banner", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body", "end", "quit")
FAULTS = ("reset", "close", "hang", "421", "451", "550", "garbage", "999", "slow")

REPLIES = {
    "421": b"421 4.3.2 Going down\r\n",
    "451": b"451 4.7.1 Try later, caf\xc3\xa9\r\n",
    "550": b"550-5.7.1 Not wanted\r\n550 5.7.1 at all\r\n",
    "garbage": b"\x00\xffhello there\r\n",
    "999": b"999 9.9.9 What\r\n",
    "long": b"250 " + b"x" * 9000 + b"\r\n",
    "desync": b"354 Go ahead\r\n250 2.0.0 Taken\r\n",
    "inject": b"220 2.0.0 Go ahead\r\n250-evil.example\r\n250 AUTH PLAIN\r\n",
}


class FaultySink(Sink):
    """A sink that misbehaves by plan; `seen` counts how often each stage was reached."""

    def __init__(
        self, keep: int = 1000, offer: Offer | None = None, plan: Mapping[str, str | Sequence[str | None]] | None = None
    ) -> None:
        super().__init__(keep, offer)
        self.plan = dict(plan or {})
        self.slow = 0.1
        self.seen: dict[str, int] = dict.fromkeys(STAGES, 0)

    def fault(self, stage: str) -> str | None:
        """The fault due now."""
        planned, nth = self.plan.get(stage), self.seen[stage]
        self.seen[stage] += 1
        if planned is None or isinstance(planned, str):
            return planned
        return planned[nth] if nth < len(planned) else None

    async def interfere(self, stage: str, session: Session, /) -> bytes | None:
        fault = self.fault(stage)
        match fault:
            case None:
                return None
            case "reset":
                reset(session)
                raise Left
            case "close":
                raise Left
            case "hang":
                await session.silence()
            case "stall":
                await asyncio.Event().wait()
            case "slow":
                await asyncio.sleep(self.slow)
            case "421":
                session.put(REPLIES["421"])
                await session.writer.drain()
                raise Left
        return REPLIES.get(fault)


def reset(session: Session) -> None:
    """End the connection with RST."""
    session.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    session.writer.transport.abort()


@asynccontextmanager
async def running_sink(
    plan: Mapping[str, str | Sequence[str | None]] | None = None, offer: Offer | None = None, keep: int = 1000
) -> AsyncIterator[tuple[FaultySink, int]]:
    """A listening sink on loopback and its port."""
    sink = FaultySink(keep, offer, plan)
    _, port = await sink.start()
    try:
        yield sink, port
    finally:
        await sink.close()
