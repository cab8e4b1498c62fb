"""A TCP relay in the process of the test, between a client and a server, that misbehaves on request.

    async with slow_link("127.0.0.1", redis.port) as link:   # the client goes to link.host, link.port
        link.there = link.back = 1.5                         # from now on each octet is that many seconds under way, in order
        link.stall()                                         # connections are kept and taken, and nothing passes any more
        link.cut()                                           # every connection is reset, and every new one
        link.answer(b"-ERR wrong\r\n")                       # whatever is asked gets this answer; the server hears nothing
        link.heal()                                          # as at first

What a stalled link holds back passes when it is healed, as with a network that was lost for a while.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto

from tests.support.peer import free_port

_PIECE = 65536
_BOUND = 1024


class Mood(Enum):
    """What the link does."""

    PASSES = auto()
    STALLS = auto()
    CUTS = auto()
    LIES = auto()


class SlowLink:
    """One relay. Delays hold for what comes in from now on, the moods at once."""

    def __init__(self, host: str, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.there = 0.0
        self.back = 0.0
        self.taken = 0
        """Connections taken so far."""
        self._target = (host, port)
        self._mood = Mood.PASSES
        self._lie = b""
        self._moves = asyncio.Event()
        self._moves.set()
        self._open: set[asyncio.StreamWriter] = set()

    def stall(self) -> None:
        """Take connections and octets, and pass nothing."""
        self._become(Mood.STALLS)

    def cut(self) -> None:
        """Reset every connection, and every one to come as soon as it is taken."""
        self._become(Mood.CUTS)
        for writer in tuple(self._open):
            _reset(writer)

    def answer(self, lie: bytes) -> None:
        """Answer each piece that comes from the client with this, and keep it from the server."""
        self._lie = lie
        self._become(Mood.LIES)

    def heal(self) -> None:
        """Pass at once what comes, and what was stalled; what a delay holds is due when it was."""
        self.there = self.back = 0.0
        self._become(Mood.PASSES)

    def _become(self, mood: Mood) -> None:
        self._mood = mood
        if mood is Mood.STALLS:
            self._moves.clear()
        else:
            self._moves.set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection of a client until both sides have ended it."""
        self.taken += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        ends = {writer, far_writer}
        self._open |= ends
        if self._mood is Mood.CUTS:
            self.cut()
        there, back = _Way(asyncio.Queue(_BOUND), forth=True), _Way(asyncio.Queue(_BOUND), forth=False)
        try:
            async with asyncio.TaskGroup() as four:
                four.create_task(self._gather(reader, there))
                four.create_task(self._gather(far_reader, back))
                four.create_task(self._release(there, far_writer, writer))
                four.create_task(self._release(back, writer, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.close()

    async def _gather(self, reader: asyncio.StreamReader, way: _Way) -> None:
        """Note when each piece is due: they wait in a queue, so that a delay costs latency and no throughput."""
        clock, piece = asyncio.get_running_loop().time, b"-"
        while piece:
            try:
                piece = await reader.read(_PIECE)
            except OSError:
                piece = b""
            await way.pieces.put((clock() + (self.there if way.forth else self.back), piece))

    async def _release(self, way: _Way, onward: asyncio.StreamWriter, client: asyncio.StreamWriter) -> None:
        """Write each piece when it is due, or the lie in its place; nothing is the end."""
        clock, piece = asyncio.get_running_loop().time, b"-"
        while piece:
            due, piece = await way.pieces.get()
            await asyncio.sleep(max(0.0, due - clock()))
            await self._moves.wait()
            lies = self._mood is Mood.LIES and piece and way.forth
            with suppress(OSError):
                await _write(client if lies else onward, self._lie if lies else piece)


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction of one connection: what is under way, and when it is due."""

    pieces: asyncio.Queue[tuple[float, bytes]]
    forth: bool


async def _write(writer: asyncio.StreamWriter, piece: bytes) -> None:
    if piece:
        writer.write(piece)
        await writer.drain()
    else:
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST in place of an end in good order."""
    one = writer.get_extra_info("socket")
    if one.fileno() < 0:  # it has ended meanwhile
        return
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def slow_link(host: str, port: int) -> AsyncIterator[SlowLink]:
    """A relay to one server; it starts by passing everything at once."""
    link, running = SlowLink(host, port), set[asyncio.Task[None]]()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        task.add_done_callback(running.discard)
        await link.take(reader, writer)

    server = await asyncio.start_server(taken, link.host, free_port())
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        ending = tuple(running)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
