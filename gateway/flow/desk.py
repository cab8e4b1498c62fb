"""What an SMTP session may ask of a journey: the same four questions for mail going out and for mail coming back.

The session knows the protocol and no rule; the desk knows the rules and no socket. Desks never raise for bad input: they answer a
`Reply` of the table. Anything a desk does raise is a fault of ours and becomes 451.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.core.model import RefusalMode, Stream
from gateway.core.reply import Reply


@dataclass(frozen=True, slots=True)
class Login:
    """An authenticated tool and the stream its login picked."""

    tool: str
    stream: Stream
    refusal: RefusalMode


@dataclass(frozen=True, slots=True)
class Peer:
    """The wire side of a session, for Received: `protocol` is the `with` keyword (ESMTPSA...), `tls` version and cipher."""

    helo: str
    protocol: str
    tls: str


@dataclass(frozen=True, slots=True)
class MailFrom:
    """MAIL's path (empty for `<>`) and its parameters; `size` is 0 where none was declared."""

    sender: str
    size: int = 0
    eight_bit: bool = False
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class RcptTo:
    """RCPT's path, undecoded and unfolded, and its DSN parameters."""

    recipient: str
    notify: str = ""
    orcpt: str = ""


class Transaction(Protocol):
    """One mail transaction between a positive MAIL and its end."""

    async def admit(self, to: RcptTo) -> Reply:
        """Answer one RCPT; a positive reply makes DATA possible, whatever becomes of the recipient."""

    async def send(self, data: bytes) -> Reply:
        """Answer the end of data; `data` is unstuffed, proven free of bare CR, LF and NUL, and ends with CRLF."""


class Desk(Protocol):
    """The journey behind a listener."""

    async def identify(self, login: str, secret: bytes) -> Login | Reply:
        """Who logs in: `tool` or `tool+stream`; AUTH_BAD, TOOL_DISABLED or AUTH_DOWN otherwise."""

    async def open(self, login: Login | None, mail: MailFrom, peer: Peer) -> Transaction | Reply:
        """Answer MAIL: a transaction when it may begin, else the refusal."""
