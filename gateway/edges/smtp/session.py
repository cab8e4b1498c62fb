"""The commands of an SMTP session, server side: which may come when, and what is answered; knows the protocol and no rule.

Everything about senders, recipients and content is asked of the desk. Says nothing that is not in `core.reply`, save the greeting
and EHLO's list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.core.reply import (
    AUTH_OK,
    AUTH_REQUIRED,
    AUTH_TOO_MANY,
    BAD_ARGUMENTS,
    BAD_SEQUENCE,
    BYE,
    CANNOT_VERIFY,
    CHUNK_OK,
    GO_AHEAD,
    HELP,
    LINE_TOO_LONG,
    NO_RECIPIENTS_NOW,
    NO_VALID_RECIPIENTS,
    NOT_IMPLEMENTED,
    NOT_SMTP,
    NOTED,
    RESET,
    SENDER_OK,
    SESSION_OVER,
    START_TLS,
    TLS_REQUIRED,
    TOO_EARLY,
    TOO_MANY_RECIPIENTS,
    UNKNOWN_COMMAND,
    Reply,
)
from gateway.edges.smtp import command
from gateway.edges.smtp.auth import Credentials, credentials
from gateway.edges.smtp.conversation import Conversation
from gateway.edges.smtp.intake import Intake
from gateway.edges.smtp.stream import Over
from gateway.edges.smtp.terms import Terms
from gateway.flow.desk import Login, MailFrom, Peer, RcptTo, Transaction

_HTTP = {b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH", b"TRACE"}
_AUTH_VERB = len("AUTH LOGIN \r\n")


@dataclass(slots=True)
class _Mail:
    """The open transaction and what became of its recipients so far."""

    transaction: Transaction
    smtputf8: bool
    accepted: int = 0
    refused: int = 0
    deferred: int = 0
    intake: Intake | None = None

    @property
    def hopeless(self) -> bool:
        """Whether recipients were named and none was accepted."""
        return not self.accepted and bool(self.refused or self.deferred)

    def note(self, reply: Reply) -> None:
        """Count one RCPT's answer."""
        if reply.positive:
            self.accepted += 1
        elif reply.code < 500:
            self.deferred += 1
        else:
            self.refused += 1


class Session(Conversation):
    """Serves one client's commands."""

    def __init__(self, terms: Terms, loop: asyncio.AbstractEventLoop, client: str = "") -> None:
        super().__init__(terms, loop, client)
        self.longest_line = max(self._limit_of(verb) for verb in (b"NOOP", b"MAIL", b"AUTH"))
        self._helo = ""
        self._extended = False
        self._login: Login | None = None
        self._mail: _Mail | None = None
        self._peers: dict[bool, Peer] = {}
        self._sender: tuple[bytes, MailFrom] | None = None
        self._failed_logins = 0
        self._transactions = 0

    @property
    def patience(self) -> float:
        """Short before a login that is due, and while an unfinished BDAT message holds memory."""
        if self._mail is not None and self._mail.intake is not None:
            return self.limits.command
        return self.limits.idle_before_auth if self.terms.auth_required and self._login is None else self.limits.idle

    def obey(self, line: bytes) -> Reply | Awaitable[Reply | None]:
        """Find the verb, hold the line to its limit, serve it."""
        verb, _, argument = line.partition(b" ")
        serve = _VERBS.get(verb) or _VERBS.get(verb := verb.upper())
        if serve is None:
            return NOT_SMTP if verb in _HTTP else UNKNOWN_COMMAND
        if len(line) + 2 > self.limits.command_line and len(line) + 2 > self._limit_of(verb):
            return LINE_TOO_LONG
        return serve(self, argument.rstrip(b" "))

    def _limit_of(self, verb: bytes) -> int:
        match verb:
            case b"MAIL" | b"RCPT":
                return self.limits.path_line + self.limits.parameters
            case b"AUTH":
                return self.limits.auth_answer + _AUTH_VERB
            case _:
                return self.limits.command_line

    def forget_mail(self) -> None:
        """Drop the open transaction; a large message gives its slot back."""
        if self._mail is not None and self._mail.intake is not None:
            self._mail.intake.release()
        self._mail = None

    # Hello, TLS, AUTH

    async def _helo_only(self, argument: bytes) -> Reply | None:
        return self._hello(argument, extended=False) or self.terms.hello

    async def _ehlo(self, argument: bytes) -> Reply | None:
        if refusal := self._hello(argument, extended=True):
            return refusal
        self.answer_lines(self.terms.extensions(secured=self.tls is not None))
        return None

    def _hello(self, argument: bytes, *, extended: bool) -> Reply | None:
        self.count_idle()
        if self.waiting:
            return TOO_EARLY  # RFC 2920 3.1: what follows depends on our answer
        name = command.hello(argument)
        if not name:
            return BAD_ARGUMENTS
        self.forget_mail()
        self._helo, self._extended = name, extended
        self._peers.clear()
        return None

    async def _starttls(self, argument: bytes) -> Reply | None:
        context = self.terms.tls
        if argument:
            return BAD_ARGUMENTS
        if context is None:
            return NOT_IMPLEMENTED
        if self.tls is not None:
            return BAD_SEQUENCE
        self.forget_mail()
        self._helo, self._extended, self._login = "", False, None
        self.answer(START_TLS)
        await self.secure(context)
        return None

    async def _auth(self, argument: bytes) -> Reply | None:
        terms = self.terms
        if not terms.auth_offered:
            return NOT_IMPLEMENTED
        if refusal := self._wants_tls():
            return refusal
        if not self._extended or self._login is not None or self._mail is not None:
            return BAD_SEQUENCE
        claim = await credentials(self, argument)
        if isinstance(claim, Credentials):
            return await self._verify(claim)
        return self._failed(claim) if claim.code == 535 else claim

    async def _verify(self, claim: Credentials) -> Reply:
        throttle, address = self.terms.throttle, self.address
        if not throttle.allows(claim.login, address, self.loop.time()):
            raise Over(AUTH_TOO_MANY)
        login = await self.ask(self.terms.desk.identify(claim.login, claim.secret))
        if isinstance(login, Login):
            self._login = login
            self._peers.clear()
            return AUTH_OK
        if login.code >= 500:
            throttle.failed(claim.login, address, self.loop.time())
            return self._failed(login)
        return login

    def _failed(self, reply: Reply) -> Reply:
        """A failed login is answered always, the last one allowed with a goodbye after it."""
        self._failed_logins += 1
        if self._failed_logins >= self.limits.auth_failures:
            self.answer(reply)
            raise Over(AUTH_TOO_MANY)
        return reply

    def _wants_tls(self) -> Reply | None:
        return TLS_REQUIRED if self.tls is None and not self.terms.clear_auth else None

    # A transaction

    def _locked(self) -> Reply | None:
        """Why no mail command may be given yet (R-STD-11)."""
        if not self.terms.auth_required or self._login is not None:
            return None
        return self._wants_tls() or AUTH_REQUIRED

    async def _mail_from(self, argument: bytes) -> Reply | None:
        self.count_idle()
        if refusal := self._locked():
            return refusal
        if not self._helo or (self._mail is not None and not self._mail.hopeless):
            return BAD_SEQUENCE
        self.forget_mail()
        mail = self._mail_command(argument)
        if isinstance(mail, Reply):
            return mail
        self.count_progress()
        self._transactions += 1
        if self._transactions > self.limits.messages:
            raise Over(SESSION_OVER)
        transaction = await self.ask(self.terms.desk.open(self._login, mail, self._peer(mail.smtputf8)))
        if isinstance(transaction, Reply):
            return transaction
        self._mail = _Mail(transaction, mail.smtputf8)
        return SENDER_OK

    def _mail_command(self, argument: bytes) -> MailFrom | Reply:
        """A campaign says the same MAIL each time: the last one is not read again."""
        if self._sender is not None and self._sender[0] == argument:
            return self._sender[1]
        mail = command.mail(argument, self.limits, self.terms.auth_offered)
        if isinstance(mail, MailFrom):
            self._sender = argument, mail
        return mail

    def _peer(self, smtputf8: bool) -> Peer:
        """Who speaks, in the words of Received; built once after each hello and login."""
        peer = self._peers.get(smtputf8)
        if peer is None:
            peer = self._peers[smtputf8] = self._described(smtputf8)
        return peer

    def _described(self, smtputf8: bool) -> Peer:
        """The `with` keyword of RFC 3848 and RFC 6531 4.3, and TLS version and cipher (R-STD-13)."""
        tls = self.tls
        suffix = ("S" if tls is not None else "") + ("A" if self._login is not None else "")
        protocol = f"UTF8SMTP{suffix}" if smtputf8 else f"ESMTP{suffix}" if self._extended else "SMTP"
        cipher = tls.cipher() if tls is not None else None
        return Peer(self._helo, protocol, f"{tls.version()} {cipher[0]}" if tls is not None and cipher else "")

    async def _rcpt_to(self, argument: bytes) -> Reply | None:
        if refusal := self._locked():
            self.count_idle()
            return refusal
        mail = self._mail
        if mail is None or mail.intake is not None:
            return BAD_SEQUENCE
        to = self._recipient(mail, argument)
        reply = await self.ask(mail.transaction.admit(to)) if isinstance(to, RcptTo) else to
        mail.note(reply)
        return reply

    def _recipient(self, mail: _Mail, argument: bytes) -> RcptTo | Reply:
        limits = self.limits
        if mail.accepted >= limits.recipients or mail.refused + mail.deferred >= limits.recipients_refused:
            return TOO_MANY_RECIPIENTS
        return command.rcpt(argument, limits, mail.smtputf8)

    async def _data(self, argument: bytes) -> Reply | None:
        if refusal := self._locked():
            self.count_idle()
            return refusal
        if argument:
            return BAD_ARGUMENTS
        mail = self._mail
        if mail is None or mail.intake is not None or not (mail.accepted or mail.hopeless):
            return BAD_SEQUENCE
        if self.waiting:
            return TOO_EARLY  # the message may only follow our 354
        if mail.hopeless:
            return self._no_recipients(mail)
        self.answer(GO_AHEAD)
        mail.intake = Intake(self, self.terms.slots)
        await mail.intake.read_dots()
        return await self._send(mail, mail.intake)

    def _no_recipients(self, mail: _Mail) -> Reply:
        self.forget_mail()
        return NO_RECIPIENTS_NOW if mail.deferred else NO_VALID_RECIPIENTS

    async def _bdat(self, argument: bytes) -> Reply | None:
        chunk = command.bdat(argument)
        if chunk is None:
            return replace(BAD_ARGUMENTS, close=True)  # where the chunk ends cannot be known
        mail = self._mail
        if mail is None or not mail.accepted:
            await Intake(self, self.terms.slots).skip(chunk.size)
            self.count_idle()
            return self._locked() or (self._no_recipients(mail) if mail is not None and mail.hopeless else BAD_SEQUENCE)
        intake = mail.intake = mail.intake or Intake(self, self.terms.slots)
        await intake.read_chunk(chunk.size)
        if intake.spoiled is not None:
            self.forget_mail()
            return intake.spoiled
        return await self._send(mail, intake) if chunk.last else CHUNK_OK

    async def _send(self, mail: _Mail, intake: Intake) -> Reply:
        try:
            data = intake.finish()
            if isinstance(data, Reply):
                return data
            await self.flush()
            return await self.ask(mail.transaction.send(data))
        finally:
            self.forget_mail()

    # The rest

    async def _rset(self, argument: bytes) -> Reply | None:
        self.count_idle()
        if argument:
            return BAD_ARGUMENTS
        self.forget_mail()
        return RESET

    async def _noop(self, _: bytes) -> Reply | None:
        self.count_idle()
        return NOTED

    async def _vrfy(self, _: bytes) -> Reply | None:
        self.count_idle()
        return CANNOT_VERIFY  # tells nothing of anybody (RFC 5321 7.3)

    async def _help(self, _: bytes) -> Reply | None:
        self.count_idle()
        return HELP

    async def _refuse(self, _: bytes) -> Reply | None:
        return NOT_IMPLEMENTED

    async def _quit(self, argument: bytes) -> Reply | None:
        return BAD_ARGUMENTS if argument else BYE


_Verb = Callable[[Session, bytes], Awaitable[Reply | None]]
_UNSERVED: dict[bytes, _Verb] = dict.fromkeys((b"EXPN", b"ETRN", b"TURN", b"SEND", b"SOML", b"SAML"), Session._refuse)
_VERBS: dict[bytes, _Verb] = _UNSERVED | {
    b"HELO": Session._helo_only,
    b"EHLO": Session._ehlo,
    b"STARTTLS": Session._starttls,
    b"AUTH": Session._auth,
    b"MAIL": Session._mail_from,
    b"RCPT": Session._rcpt_to,
    b"DATA": Session._data,
    b"BDAT": Session._bdat,
    b"RSET": Session._rset,
    b"NOOP": Session._noop,
    b"VRFY": Session._vrfy,
    b"HELP": Session._help,
    b"QUIT": Session._quit,
}
