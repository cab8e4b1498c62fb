"""Takes the way out that a tool itself had offered, for the person who opposed, so that its own list agrees with ours (R-FR-51)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.core.model import PersonKey, Stream
from gateway.core.tool_way_out import ONE_CLICK, MailOut, OneClick, WayOut, ways_out
from gateway.flow.back_ports import Forbidden, Note, Outside
from gateway.flow.ports import Book, Unavailable, Vault
from gateway.flow.telling import Acknowledged, Again, Came, Impossible

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Writer(Protocol):
    """What sends the mail that a mailto link asks for."""

    async def way_out(self, stream: Stream, person: PersonKey, mail: MailOut) -> str:
        """Own that mail durably; its journal reference."""


class ToolErrand:
    """Tells tools; `streams` by name."""

    def __init__(self, book: Book, streams: Mapping[str, Stream], outside: Outside, writer: Writer, vault: Vault) -> None:
        self._book = book
        self._streams = streams
        self._outside = outside
        self._writer = writer
        self._vault = vault

    async def run(self, note: Note) -> Came:
        """Take the best way out once; a link that must not be asked is passed over for the next one (T17)."""
        stream = self._streams.get(note.partner)
        if stream is None:
            return Impossible("stream-gone")
        why = "no-way-out"
        try:
            sealed = await self._book.own_unsubscribe(note.person, note.partner)
            for way in ways_out(self._vault.open(sealed)) if sealed else ():
                try:
                    return await self._take(stream, note.person, way)
                except Forbidden as refusal:
                    why = f"forbidden-{refusal.what}"
        except Unavailable as failure:
            return Again(failure.what)
        return Impossible(why)

    async def _take(self, stream: Stream, person: PersonKey, way: WayOut) -> Came:
        match way:
            case OneClick(url):
                answer = await self._outside.post(url, ONE_CLICK, _FORM)
                good = 200 <= answer.status < 300
                return Acknowledged(f"one-click {answer.status}") if good else Again(f"status-{answer.status}")
            case MailOut():
                return Acknowledged(f"mail {await self._writer.way_out(stream, person, way)}")
