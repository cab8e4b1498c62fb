"""The client's half of SMTP over one connection: open it as far as it may be trusted, then one transaction after another.

Every status is checked, no body goes out without a 354 (R-STD-53), and a connection in doubt is ended, never reused.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from dataclasses import dataclass, field
from typing import Literal

from gateway.core.model import Fate, Outcome, Stage
from gateway.edges.smtp.answers import SHUTTING_DOWN, Announced, Answer, announced
from gateway.edges.smtp.link import Broken, Link
from gateway.edges.smtp.order import Order
from gateway.edges.smtp.stuffing import STEP, Stuffer, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How to reach a next hop and how far to trust it; seconds throughout."""

    host: str
    port: int
    tls: Literal["required", "opportunistic", "none"] = "required"
    implicit_tls: bool = False
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    hostname: str = "localhost"
    connect_timeout: float = 10.0
    command_timeout: float = 30.0


_STAGES = (Stage.MAIL, Stage.RCPT, Stage.DATA)
WITHDRAWN = Outcome(Fate.WITHDRAWN, Stage.DATA)


class Stopped(Exception):
    """A connection could not be opened; `outcome` says why in the journeys' words."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.stage.value)
        self.outcome = outcome


class Dialogue:
    """An open connection: `said` is what its EHLO announced, `body_begun` whether the last transaction got as far as its body."""

    def __init__(self, link: Link, route: Route) -> None:
        self.link = link
        self.said: Announced
        self.served = 0
        self.idle_since: float | None = None
        self.body_begun = False
        self._route = route
        self._stage = Stage.CONNECT
        self._owed = 0
        self._loop = asyncio.get_running_loop()

    @property
    def usable(self) -> bool:
        """Whether the next transaction may start here: alive, and nothing was said that was not asked for."""
        return self.link.alive and self.link.pending <= self._owed

    # opening

    async def greet(self, context: ssl.SSLContext | None, deadline: float) -> None:
        """Banner, EHLO, STARTTLS, AUTH as the route asks; raises Stopped, and the connection is ended then."""
        try:
            await self._ask(Stage.CONNECT, b"", deadline)
            self.said = await self._hello(deadline)
            if context is not None and not self._route.implicit_tls:
                await self._encrypt(context, deadline)
            if self._route.username:
                await self._authenticate(deadline)
        except Broken as broken:
            raise Stopped(Outcome(Fate.UNREACHABLE, self._stage, text=broken.why)) from broken
        except BaseException:
            self.link.abort()
            raise

    async def _hello(self, deadline: float) -> Announced:
        return announced(await self._ask(Stage.HELLO, b"EHLO " + self._route.hostname.encode() + b"\r\n", deadline))

    async def _encrypt(self, context: ssl.SSLContext, deadline: float) -> None:
        self._stage = Stage.TLS
        must = self._route.tls == "required" or bool(self._route.username)
        if not self.said.starttls:
            if must:
                raise Stopped(Outcome(Fate.UNREACHABLE, Stage.TLS, text="STARTTLS is not offered"))
            return
        answer = await self._say(b"STARTTLS\r\n", deadline)
        if answer.code != 220:
            if must or answer.code == SHUTTING_DOWN:
                raise Stopped(answer.as_outcome(Fate.UNREACHABLE, Stage.TLS))
            return
        try:
            await self.link.start_tls(context, self._route.host, self._soon(deadline))
        except OSError as error:
            raise Stopped(Outcome(Fate.UNREACHABLE, Stage.TLS, text=type(error).__name__)) from error
        self.said = await self._hello(deadline)

    async def _authenticate(self, deadline: float) -> None:
        user, secret = self._route.username.encode(), self._route.password.encode()
        if "PLAIN" in self.said.mechanisms:
            steps = [b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + secret)]
        elif "LOGIN" in self.said.mechanisms:
            steps = [b"AUTH LOGIN", base64.b64encode(user), base64.b64encode(secret)]
        else:
            raise Stopped(Outcome(Fate.OURS, Stage.AUTH, text="No known AUTH mechanism is offered"))
        self._stage = Stage.AUTH
        for step in steps[:-1]:
            answer = await self._say(step + b"\r\n", deadline)
            if answer.code != 334:
                raise Stopped(answer.refusal(Stage.AUTH))
        await self._ask(Stage.AUTH, steps[-1] + b"\r\n", deadline)

    async def _ask(self, stage: Stage, command: bytes, deadline: float) -> Answer:
        """Say a command whose 2xx is needed to go on."""
        self._stage = stage
        answer = await self._say(command, deadline)
        if not answer.positive:
            raise Stopped(answer.refusal(stage))
        return answer

    async def _say(self, command: bytes, deadline: float) -> Answer:
        if command:
            self.link.put(command)
        return await self.link.answer(self._soon(deadline))

    def _soon(self, deadline: float) -> float:
        return min(deadline, self._loop.time() + self._route.command_timeout)

    # transactions

    async def transact(self, order: Order, deadline: float) -> Outcome:
        """One message for one recipient; afterwards the connection is either clean or ended."""
        self.served += 1
        self.body_begun = False
        clean = False
        try:
            refused = await self._envelope(order, deadline)
            outcome = refused or await self._message(order, deadline)
            clean = outcome.code != SHUTTING_DOWN and outcome.fate not in (Fate.UNREACHABLE, Fate.AMBIGUOUS)
        except Broken as broken:
            outcome = Outcome(Fate.AMBIGUOUS if self._stage is Stage.END else Fate.UNREACHABLE, self._stage, text=broken.why)
        finally:
            if not clean:
                self.link.abort()
        return outcome

    async def _envelope(self, order: Order, deadline: float) -> Outcome | None:
        """MAIL, RCPT and DATA up to the 354; in one write where PIPELINING is announced (RFC 2920).

        The journey's last word is asked when nothing more can be waited for before DATA is said.
        """
        features, together = self.said.features, self.said.pipelining
        commands = (order.mail(features), order.rcpt(features), b"DATA\r\n")
        self._stage = Stage.MAIL
        if together:
            if order.still is not None and not await order.still():
                return WITHDRAWN
            self.link.put(b"".join(commands))
        if self._owed:
            await self._settle(deadline)
        for done, stage in enumerate(_STAGES, 1):
            self._stage = stage
            if not together:
                if stage is Stage.DATA and order.still is not None and not await order.still():
                    await self._abandon(WITHDRAWN, 0, deadline)
                    return WITHDRAWN
                self.link.put(commands[done - 1])
            answer = self.link.take() or await self.link.answer(self._soon(deadline))
            if not (answer.code == 354 if stage is Stage.DATA else answer.positive):
                refusal = answer.refusal(stage)
                await self._abandon(refusal, len(_STAGES) - done if together else 0, deadline)
                return refusal
        return None

    async def _abandon(self, refusal: Outcome, unread: int, deadline: float) -> None:
        """Leave no half transaction behind: RSET, whose answer is read before the next one's, or the end of the connection."""
        if refusal.code == SHUTTING_DOWN:
            self.link.abort()
            return
        try:
            answers = [await self.link.answer(self._soon(deadline)) for _ in range(unread)]
            if answers and answers[-1].code < 400:
                self.link.abort()  # a 354 though nobody is to be written to: not even an empty message goes out
            else:
                self.link.put(b"RSET\r\n")
                self._owed += 1
        except Broken:
            return  # the verdict stands; the connection is dead already

    async def _settle(self, deadline: float) -> None:
        while self._owed:
            if not (await self.link.answer(self._soon(deadline))).positive:
                raise Broken("garbage")
            self._owed -= 1

    async def _message(self, order: Order, deadline: float) -> Outcome:
        """The body, then the verdict. All but the end of a large body is written with flow control."""
        self.body_begun = True
        if order.size <= STEP:
            last = whole(order.body)
        else:
            stuffer = Stuffer()
            for piece in stuffer.pieces(order.body):
                if early := self._early():
                    return early
                await self.link.send(piece, deadline)
            last = stuffer.last()
        if early := self._early():
            return early
        self.link.put(last)
        self._stage = Stage.END
        answer = await self.link.answer(deadline)
        return answer.as_outcome(Fate.DELIVERED, Stage.END) if answer.positive else answer.refusal(Stage.END)

    def _early(self) -> Outcome | None:
        """A verdict from before the end of data: a refusal counts, anything else is no SMTP; the connection ends either way."""
        answer = self.link.take()
        if answer is None:
            return None
        self.link.abort()
        return answer.refusal(Stage.END) if answer.code >= 400 else Outcome(Fate.UNREACHABLE, Stage.DATA, text="garbage")
