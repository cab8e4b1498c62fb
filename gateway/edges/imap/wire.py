"""The bytes of an IMAP conversation: lines with literals in, lines out, each wait bounded. Knows no command.

What breaks, stalls or grows too large ends as `Unavailable`; no word of the server's is kept in it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.flow.ports import Unavailable

PATIENCE = 60.0
"""Seconds that one answer, or one literal in it, may take."""

FAREWELL = 1.0
MAX_LINE = 2 * 1024 * 1024
"""Octets of a line: a search may answer with hundreds of thousands of numbers."""

MAX_PIECES = 64
_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}$")


@dataclass(frozen=True, slots=True)
class Said:
    """One response: `text` has `{}` in the place of each literal, in order."""

    text: bytes
    literals: tuple[bytes, ...] = ()


@asynccontextmanager
async def connected(host: str, port: int, tls: bool, ca_file: Path | None, most: int) -> AsyncIterator[Wire]:
    """A conversation, under TLS from the first octet (RFC 8314) or in clear; a literal may have `most` octets."""
    context = ssl.create_default_context(cafile=ca_file) if tls else None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=MAX_LINE)
    except (OSError, TimeoutError):
        raise Unavailable("mailbox server") from None
    try:
        yield Wire(reader, writer, most)
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await writer.wait_closed()


class Wire:
    """Both directions of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        self._reader = reader
        self._writer = writer
        self._most = most

    async def say(self, line: bytes) -> None:
        """Send one line."""
        try:
            self._writer.write(line + b"\r\n")
            async with asyncio.timeout(PATIENCE):
                await self._writer.drain()
        except (OSError, TimeoutError):
            raise Unavailable("mailbox connection") from None

    async def hear(self) -> Said:
        """The next response, with its literals."""
        pieces: list[bytes] = []
        literals: list[bytes] = []
        while len(pieces) < MAX_PIECES:
            line = await self.line(PATIENCE)
            found = _LITERAL.search(line)
            if found is None:
                return Said(b"".join([*pieces, line]), tuple(literals))
            pieces.append(line[: found.start()] + b"{}")
            literals.append(await self._octets(int(found[1])))
        raise Unavailable("mailbox answer")

    async def line(self, patience: float) -> bytes:
        """The next line without its end."""
        try:
            async with asyncio.timeout(patience):
                return (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise Unavailable("mailbox connection") from None

    async def heard_in(self, seconds: float) -> bytes | None:
        """The next line if one comes in so many seconds; one that carries a literal nobody asked for is an error."""
        try:
            async with asyncio.timeout(seconds):
                line = await self.line(seconds + PATIENCE)  # its own patience never ends first
        except TimeoutError:
            return None
        if _LITERAL.search(line):
            raise Unavailable("mailbox answer")
        return line

    async def _octets(self, size: int) -> bytes:
        if size > self._most:
            raise Unavailable("mailbox answer")
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._reader.readexactly(size)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            raise Unavailable("mailbox connection") from None
