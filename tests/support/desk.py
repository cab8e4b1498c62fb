"""A scripted desk: a second implementation of `flow.desk.Desk` that records what it was given and answers what it was told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.model import Advertiser, Category, RefusalMode, Stream
from gateway.core.reply import AUTH_BAD, INBOUND_UNKNOWN, QUEUED, RECIPIENT_OK, STORE_DOWN, Reply
from gateway.flow.desk import Login, MailFrom, Peer, RcptTo

STREAM = Stream(
    name="news",
    number=7,
    advertiser=Advertiser(
        "acme", "Acme SARL", "1 rue Exemple", "contact@acme.example", "https://acme.example/p", "", ("acme.example",)
    ),
    category=Category.MARKETING,
    purpose="newsletter",
    policy="fr",
    upstream="main",
    refusal=RefusalMode.REJECT,
    language="fr",
    relates_to=(),
)
LOGIN, SECRET = "crm", b"correct horse"


@dataclass
class Letter:
    """One transaction as the desk saw it."""

    login: Login | None
    mail: MailFrom
    peer: Peer
    to: list[RcptTo] = field(default_factory=list)
    data: bytes | None = None


@dataclass
class ScriptedDesk:
    """Accepts what is sensible; recipients `refused-*` and `later-*` are not, and `answer` overrides the end of data.

    `hold` makes `send` wait, `raises` makes every method but `identify` fail, `guesses` are the logins that were tried.
    """

    answer: Reply = QUEUED
    opened: Reply | None = None
    raises: Exception | None = None
    hold: asyncio.Event | None = None
    letters: list[Letter] = field(default_factory=list)
    sent: list[Letter] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)
    sending: int = 0
    keep: bool = True
    on_send: Callable[[bytes], None] | None = None

    async def identify(self, login: str, secret: bytes) -> Login | Reply:
        """See `flow.desk.Desk`."""
        self.guesses.append(login)
        if login.partition("+")[0] == LOGIN and secret == SECRET:
            return Login(LOGIN, STREAM, RefusalMode.REJECT)
        return AUTH_BAD

    async def open(self, login: Login | None, mail: MailFrom, peer: Peer) -> ScriptedTransaction | Reply:
        """See `flow.desk.Desk`."""
        if self.raises is not None:
            raise self.raises
        if self.opened is not None:
            return self.opened
        letter = Letter(login, mail, peer)
        if self.keep:
            self.letters.append(letter)
        return ScriptedTransaction(self, letter)


@dataclass
class ScriptedTransaction:
    """See `flow.desk.Transaction`."""

    desk: ScriptedDesk
    letter: Letter

    async def admit(self, to: RcptTo) -> Reply:
        """See `flow.desk.Transaction`."""
        if self.desk.raises is not None:
            raise self.desk.raises
        if to.recipient.startswith("refused"):
            return INBOUND_UNKNOWN
        if to.recipient.startswith("later"):
            return STORE_DOWN
        self.letter.to.append(to)
        return RECIPIENT_OK

    async def send(self, data: bytes) -> Reply:
        """See `flow.desk.Transaction`."""
        self.desk.sending += 1
        try:
            if self.desk.raises is not None:
                raise self.desk.raises
            if self.desk.hold is not None:
                await asyncio.shield(self.desk.hold.wait())
            if self.desk.on_send is not None:
                self.desk.on_send(data)
            if self.desk.keep:
                self.letter.data = data
                self.desk.sent.append(self.letter)
            return self.desk.answer
        finally:
            self.desk.sending -= 1


@dataclass
class Lines:
    """A `ports.Log` that keeps what was said."""

    said: list[tuple[str, dict[str, str | int | float | bool]]] = field(default_factory=list)

    def say(self, what: str, **facts: str | int | float | bool) -> None:
        """See `ports.Log`."""
        self.said.append((what, facts))
