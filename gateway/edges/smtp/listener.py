"""A listening socket for SMTP and the life of its sessions: start, caps, orderly end. Knows no command and no rule."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from gateway.core.proxy_header import Network
from gateway.edges.smtp.auth import Throttle
from gateway.edges.smtp.limits import Limits
from gateway.edges.smtp.porch import Lodge, Porch, Spawn
from gateway.edges.smtp.session import Session
from gateway.edges.smtp.terms import Kind, Roster, Terms
from gateway.flow.desk import Desk
from gateway.flow.ports import Log, Unavailable

_BACKLOG = 512


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A TLS context for listeners: TLS 1.2 or later, no client certificates (R-STD-13)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(certificate, key)
    return context


class Listener:
    """Serves one desk on one address.

    `submission` offers STARTTLS where `tls` is given, `submissions` needs it, `inbound` never offers AUTH. `clear_auth` allows AUTH
    without TLS: for loopback only. `slots` and `throttle` may be shared by the listeners of a process; otherwise each has its own.
    Connections from `proxy_from` must begin with a PROXY header and are whose it says; they never AUTH in clear. There,
    `spawn` starts what ends by itself: the beginning of TLS with each client that comes directly.
    """

    def __init__(
        self,
        kind: Kind | str,
        desk: Desk,
        limits: Limits,
        log: Log,
        tls: ssl.SSLContext | None,
        hostname: str,
        clear_auth: bool = False,
        auth_required: bool = True,
        reuse_port: bool = False,
        *,
        slots: asyncio.Semaphore | None = None,
        throttle: Throttle | None = None,
        proxy_from: tuple[Network, ...] = (),
        spawn: Spawn,
    ) -> None:
        kind = Kind(kind)
        if tls is not None and tls.minimum_version < ssl.TLSVersion.TLSv1_2:
            raise ValueError("a listener speaks TLS 1.2 or later")
        if kind is Kind.SUBMISSIONS and tls is None:
            raise ValueError("implicit TLS needs a certificate")
        if kind is Kind.SUBMISSION and auth_required and tls is None and not clear_auth:
            raise ValueError("nobody could log in: AUTH needs TLS or a loopback listener that allows it in clear")
        self._reuse_port = reuse_port
        self._proxy_from = proxy_from
        self._spawn = spawn
        self._lodge: Lodge | None = None
        self._server: asyncio.Server | None = None
        self._terms = Terms(
            kind=kind,
            desk=desk,
            limits=limits,
            log=log,
            tls=tls,
            hostname=hostname,
            clear_auth=clear_auth,
            auth_required=auth_required and kind is not Kind.INBOUND,
            roster=Roster(limits),
            slots=slots or asyncio.Semaphore(limits.large_slots),
            throttle=throttle or Throttle(limits),
        )

    @property
    def sessions(self) -> int:
        """How many clients are connected."""
        return len(self._terms.roster)

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address really bound (port 0 lets the system choose)."""
        loop, terms = asyncio.get_running_loop(), self._terms
        tls = terms.tls if terms.kind is Kind.SUBMISSIONS and not self._proxy_from else None
        try:
            self._server = await loop.create_server(
                self._reception(loop),
                host,
                port,
                backlog=_BACKLOG,
                reuse_port=self._reuse_port or None,
                ssl=tls,
                ssl_handshake_timeout=terms.limits.tls_handshake if tls else None,
                ssl_shutdown_timeout=terms.limits.linger if tls else None,
            )
        except OSError as error:
            raise Unavailable(f"{host}:{port} cannot be listened on: {os.strerror(error.errno or 0)}") from error
        bound = self._server.sockets[0].getsockname()
        return str(bound[0]), int(bound[1])

    def _reception(self, loop: asyncio.AbstractEventLoop) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the first protocol of each connection: the session itself, or the porch where some come by a balancer."""
        terms = self._terms
        if not self._proxy_from:
            return lambda: Session(terms, loop)
        lodge = self._lodge = Lodge(terms, self._proxy_from, loop, self._spawn)
        return lambda: Porch(lodge)

    async def close(self, grace: float) -> None:
        """Accept no more; idle sessions hear 421, messages being received or judged have `grace` seconds to end."""
        if self._server is not None:
            self._server.close()
        if self._lodge is not None:
            self._lodge.close()
        await self._terms.roster.dismiss(grace)
