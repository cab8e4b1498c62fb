"""The provider: hands one finished message to the configured next hop and says what became of it (`flow.ports.Provider`).

Never raises: each failure is an Outcome by the table of reliability 1.3. Changes no byte of the message and logs nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.core.model import Fate, Features, Outcome, Stage
from gateway.edges.smtp.answers import SHUTTING_DOWN
from gateway.edges.smtp.dialogue import Dialogue, Route, Stopped
from gateway.edges.smtp.link import Link
from gateway.edges.smtp.order import Order, order
from gateway.edges.smtp.pool import Limits, Pool
from gateway.flow.ports import Addressee, Envelope, Meter, Still


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamConfig(Route):
    """One next hop; `attempt_budget` bounds a whole attempt, from the wait for a connection to the last answer."""

    name: str
    ca_file: Path | None = None
    pool_size: int = 20
    idle_seconds: float = 60.0
    max_messages: int = 100
    attempt_budget: float = 60.0


class Upstream:
    """Pooled, pipelined client of one next hop."""

    def __init__(self, config: UpstreamConfig, meter: Meter) -> None:
        self._config = config
        self._meter = meter
        self._context = tls_context(config)
        self._features: Features | None = None
        self._pool = Pool(self._open, Limits(config.pool_size, config.idle_seconds, config.max_messages))

    async def features(self) -> Features | Outcome:
        """What the last EHLO announced; connects if there was none yet."""
        if self._features is None:
            taken = await self._acquire(asyncio.get_running_loop().time() + self._config.attempt_budget)
            if isinstance(taken, Outcome):
                return taken
            self._pool.release(taken)
            return taken.said.features
        return self._features

    async def deliver(
        self,
        sender: str,
        addressee: Addressee,
        envelope: Envelope,
        body: Sequence[bytes | memoryview],
        still: Still | None = None,
    ) -> Outcome:
        """One transaction for one recipient within the attempt's budget."""
        began = asyncio.get_running_loop().time()
        message = order(sender, addressee, envelope, body, still)
        outcome = message.fault() or await self._attempt(message, began + self._config.attempt_budget)
        self._meter.delivered(self._config.name, outcome.fate.value, asyncio.get_running_loop().time() - began)
        return outcome

    async def close(self) -> None:
        """QUIT every idle connection; one that is in use quits when its transaction has ended."""
        await self._pool.close()

    async def _attempt(self, message: Order, deadline: float) -> Outcome:
        """One transaction; once more on a fresh connection when a pooled one turns out to be stale before its 354."""
        fresh = False
        while True:
            dialogue = await self._acquire(deadline, fresh=fresh)
            if isinstance(dialogue, Outcome):
                return dialogue
            pooled = dialogue.idle_since is not None
            try:
                outcome = message.unfit(dialogue.said.features) or await dialogue.transact(message, deadline)
            finally:
                self._pool.release(dialogue)
            stale = outcome.fate is Fate.UNREACHABLE or outcome.code == SHUTTING_DOWN
            if not (pooled and stale) or dialogue.body_begun:
                return outcome
            fresh = True

    async def _acquire(self, deadline: float, *, fresh: bool = False) -> Dialogue | Outcome:
        try:
            return await self._pool.acquire(deadline, fresh=fresh)
        except Stopped as stopped:
            return stopped.outcome
        except TimeoutError:
            return Outcome(Fate.UNREACHABLE, Stage.CONNECT, text="No free connection in time")

    async def _open(self, deadline: float) -> Dialogue:
        """Connect, greet, encrypt, log in; raises Stopped."""
        config, loop = self._config, asyncio.get_running_loop()
        implicit = self._context if config.implicit_tls else None
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + config.connect_timeout)):
                _, link = await loop.create_connection(Link, config.host, config.port, ssl=implicit)
        except OSError as error:
            stage = Stage.TLS if isinstance(error, ssl.SSLError) else Stage.CONNECT
            raise Stopped(Outcome(Fate.UNREACHABLE, stage, text=type(error).__name__)) from error
        dialogue = Dialogue(link, config)
        await dialogue.greet(self._context, deadline)
        self._features = dialogue.said.features
        return dialogue


def tls_context(config: UpstreamConfig) -> ssl.SSLContext | None:
    """The TLS settings of a next hop, None for clear text; raises ValueError where clear text would leave the machine (R-MBX-09).

    Certificates are checked wherever TLS is required or a password is to be sent (R-STD-54).
    """
    if config.tls == "none":
        if not is_loopback(config.host):
            raise ValueError("tls = none is for a next hop on loopback only")
        if config.implicit_tls:
            raise ValueError("tls = none contradicts implicit TLS")
        return None
    context = ssl.create_default_context(cafile=config.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.tls == "opportunistic" and not config.username:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def is_loopback(host: str) -> bool:
    """Whether a configured host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
