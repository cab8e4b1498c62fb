"""uvicorn inside our loop: bind first, then serve until told to stop. Installs no signal handler, writes no access log."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.core.proxy_header import Network
from gateway.flow.ports import Unavailable

BACKLOG = 512
CONNECTIONS = 1000
DRAIN_SECONDS = 10
HEADER_SECONDS = 10.0


class Web:
    """One HTTP listener. The port is open, and known, as soon as the object exists; who comes before `run` waits.

    What `proxy_from` says of its clients (`X-Forwarded-For`, `X-Forwarded-Proto`) is believed, what others say is not.
    """

    def __init__(
        self, routes: Sequence[Route], host: str, port: int, reuse_port: bool = False, proxy_from: tuple[Network, ...] = ()
    ) -> None:
        self._socket = _bind(host, port, reuse_port)
        self.port: int = self._socket.getsockname()[1]
        self._app = _app(routes)
        self._server = _Quiet(
            uvicorn.Config(
                self._app,
                http=_Impatient,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxy_from),
                forwarded_allow_ips=_trusted(proxy_from),
                backlog=BACKLOG,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                h11_max_incomplete_event_size=16384,
            )
        )

    def add(self, routes: Sequence[Route]) -> None:
        """Serve these too: for what must know the port before it can be made; to be called before `run`."""
        self._app.router.routes.extend(routes)

    async def run(self) -> None:
        """Serve until `stop`."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Take no new connection, finish the running requests, then let `run` return."""
        self._server.should_exit = True


class _Quiet(uvicorn.Server):
    """uvicorn's server without its signal handlers: stopping is `app.py`'s business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Impatient(H11Protocol):
    """Closes a connection whose request line and headers do not come: idle peers must not use up the opt-out's places (T24)."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        """Start the clock on the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Start or stop the clock as headers are incomplete or not."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        super().connection_lost(exc)
        self._stop()

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _trusted(networks: tuple[Network, ...]) -> list[str]:
    """The networks as uvicorn compares them: a listener on `::` sees IPv4 peers as mapped addresses."""
    mapped = [IPv6Network((f"::ffff:{one[0]}", 96 + one.prefixlen)) for one in networks if isinstance(one, IPv4Network)]
    return [str(one) for one in (*networks, *mapped)]


def _app(routes: Sequence[Route]) -> Starlette:
    """The routes as they are: no redirect to another spelling of a path, and a fault of ours is always 'try again'."""
    app = Starlette(routes=list(routes), exception_handlers={Exception: _fault})
    app.router.redirect_slashes = False
    return app


async def _fault(_: Request, __: Exception) -> Response:
    return PlainTextResponse("Not recorded, try again\n", 503, {"Retry-After": "60", "Cache-Control": "no-store"})


def _bind(host: str, port: int, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sets TCP_NODELAY only then: without it every answer waits 40 ms for an ACK
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)  # from here on clients wait instead of being turned away
    except OSError as error:
        listener.close()
        raise Unavailable(f"{host}:{port} cannot be listened on: {error.strerror}") from error
    listener.setblocking(False)
    return listener
