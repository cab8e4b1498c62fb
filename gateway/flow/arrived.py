"""A mail that came back, before and after it was read. Nouns of the way back's journeys; nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.core.answered import Answer
from gateway.core.model import Stream
from gateway.core.record import Door
from gateway.core.signal import Signals
from gateway.flow.way_back import Holder


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as it came in: `sender` is the envelope's (empty: null, None: unknown), `holder` whom its address names.

    `mailbox` is the advertiser's own mailbox it lies in already, empty where it came to us; `stream` one of that advertiser's.
    `at` is when it came, where that was before now.
    """

    data: bytes
    sender: str | None
    holder: Holder | None
    door: Door
    mailbox: str = ""
    stream: Stream | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """The same, read: `digest` is SHA-256 of its bytes, `key` what it is remembered under, with whom it is about and since when."""

    arrived: Arrived
    answer: Answer
    signals: Signals
    digest: bytes
    key: bytes
    holder: Holder | None
    at: datetime | None = None

    @property
    def stream(self) -> Stream | None:
        """In which stream's name it is answered."""
        return self.holder.stream if self.holder else self.arrived.stream

    @property
    def whole(self) -> bytes:
        """The mail as it is kept, with the envelope's sender on top (RFC 5321 4.4)."""
        sender = (self.arrived.sender or "").encode("utf-8", "replace")
        return b"Return-Path: <" + sender + b">\r\n" + self.arrived.data
