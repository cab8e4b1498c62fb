"""Where a connection waits until it is known whose it is: a balancer announces its client by a PROXY header before anything else.

Reads not one octet beyond the header, so that TLS or SMTP begins on an untouched socket. Knows no command, logs no address.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import cast

from gateway.core.proxy_header import HeaderFault, Incomplete, Introduced, Network, listed, read_header
from gateway.edges.smtp.session import Session
from gateway.edges.smtp.terms import Kind, Terms

Spawn = Callable[[Coroutine[None, None, None]], object]
"""Starts a task that nobody waits for."""


class Lodge:
    """Keeps the porch of one listener: its terms, the balancers it believes, and who waits there."""

    def __init__(self, terms: Terms, balancers: tuple[Network, ...], loop: asyncio.AbstractEventLoop, spawn: Spawn) -> None:
        self.terms = terms
        self.relayed = replace(terms, clear_auth=False)
        """For who comes by a balancer: AUTH in clear is for this machine alone, and they may be far away."""
        self.loop = loop
        self.waiting: set[Porch] = set()
        self._balancers = balancers
        self._spawn = spawn
        self._arriving: set[socket.socket] = set()

    def believes(self, peer: str) -> bool:
        """Whether this peer is a balancer; what others say of themselves is never believed."""
        return listed(peer, self._balancers)

    @property
    def full(self) -> bool:
        """Whether as many wait as the listener would serve."""
        return len(self.waiting) >= self.terms.limits.connections

    def refused(self, why: str) -> None:
        """Note that a balancer's connection was not served."""
        self.terms.log.say("smtp-proxy-header", listener=self.terms.kind, why=why)

    def close(self) -> None:
        """Send away who still waits."""
        for porch in list(self.waiting):
            porch.leave()
        for plug in self._arriving:
            with suppress(OSError):  # gone by itself
                plug.shutdown(socket.SHUT_RDWR)

    def receive(self, plug: socket.socket) -> None:
        """Serve who is no balancer where TLS is due: TLS first, then the session, as a listener that believes nobody does."""
        if len(self._arriving) >= self.terms.limits.connections:
            plug.close()
            return
        self._arriving.add(plug)
        self._spawn(self._secure(plug))

    async def _secure(self, plug: socket.socket) -> None:
        terms = self.terms
        try:
            await self.loop.connect_accepted_socket(
                partial(Session, terms, self.loop),
                plug,
                ssl=terms.tls,
                ssl_handshake_timeout=terms.limits.tls_handshake,
                ssl_shutdown_timeout=terms.limits.linger,
            )
        except OSError:
            pass  # they left, or speak no TLS: the transport has closed the socket
        finally:
            self._arriving.discard(plug)


class Porch(asyncio.BufferedProtocol):
    """One connection until its client is known; from then on the transport is a session's."""

    def __init__(self, lodge: Lodge) -> None:
        self._lodge = lodge
        self._transport: asyncio.Transport
        self._read = b""
        self._reading = read_header(b"")
        self._buffer = bytearray()
        self._alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let in at once who is no balancer; give a balancer a few seconds to say for whom it comes."""
        lodge, self._transport = self._lodge, cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not lodge.believes(str(peer[0]) if peer else ""):
            self._let_in()
        elif lodge.full:
            self._refuse("full")
        else:
            lodge.waiting.add(self)
            self._alarm = lodge.loop.call_later(lodge.terms.limits.proxy_header, self._refuse, "missing")

    def get_buffer(self, _: int) -> bytearray:
        """Room for what surely belongs to the header, and for no octet more."""
        self._buffer = bytearray(self._reading.least if isinstance(self._reading, Incomplete) else 1)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read on, let in, or hang up without a word (proxy-protocol.txt 2: nothing is served before a whole header)."""
        self._read += self._buffer[:nbytes]
        self._reading = read_header(self._read)
        match self._reading:
            case Introduced(client):
                self._admit(self._lodge.relayed, client)
            case HeaderFault() as fault:
                self._refuse(fault)
            case Incomplete():
                pass

    def connection_lost(self, _: Exception | None) -> None:
        """A balancer that only looks whether the port is open is nothing to write down; half a header is."""
        if self._read and self in self._lodge.waiting:
            self._lodge.refused("cut")
        self._forget()

    def leave(self) -> None:
        """Hang up."""
        self._forget()
        self._transport.abort()

    def _refuse(self, why: str) -> None:
        self._lodge.refused(why)
        self.leave()

    def _forget(self) -> None:
        self._lodge.waiting.discard(self)
        if self._alarm is not None:
            self._alarm.cancel()

    def _let_in(self) -> None:
        """Who is no balancer. Where TLS is due, this transport must not read an octet of it, and uvloop's begins to read as soon as
        it is made, paused or not: the socket goes on without it."""
        if self._lodge.terms.kind is not Kind.SUBMISSIONS:
            self._admit(self._lodge.terms, "")
            return
        try:
            plug = self._transport.get_extra_info("socket").dup()
        except OSError:
            pass  # no descriptor is left for it
        else:
            self._lodge.receive(plug)
        self._transport.abort()

    def _admit(self, terms: Terms, client: str) -> None:
        self._forget()
        if terms.kind is Kind.SUBMISSIONS:
            self._transport.pause_reading()  # what follows is TLS, and the session has yet to begin it
        session = Session(terms, self._lodge.loop, client)
        self._transport.set_protocol(session)
        session.connection_made(self._transport)
