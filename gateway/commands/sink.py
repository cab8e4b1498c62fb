"""`gateway sink`: plays the provider, keeps the last messages in memory and shows them on a page; nothing goes further."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.console import run, say, stop

if TYPE_CHECKING:
    from gateway.edges.sink import Offer

KEEP_MESSAGES = 1000
KEEP_BYTES = 64 * 1024 * 1024

Address = tuple[str, int]


def register(parent: typer.Typer) -> None:
    """Add this command."""
    parent.command("sink")(sink)


def sink(
    listen: Annotated[str, typer.Option(help="SMTP listener, host:port.")] = "127.0.0.1:2626",
    web: Annotated[str, typer.Option(help="Page that shows what arrived, host:port.")] = "127.0.0.1:8026",
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate, to offer STARTTLS.", dir_okay=False)] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key.", dir_okay=False)] = None,
) -> None:
    """For trying things out: play the provider, and show on a page what left."""
    run(_sink(_address(listen), _address(web), _offer(tls_cert, tls_key)))


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        stop(f'"{text}" must be host:port.', 2)
    return host.strip("[]"), int(port)


def _offer(certificate: Path | None, key: Path | None) -> Offer:
    import ssl

    from gateway.edges.sink import Offer
    from gateway.edges.smtp.listener import server_context

    if certificate is None and key is None:
        return Offer()
    if certificate is None or key is None:
        stop("--tls-cert and --tls-key come together.", 2)
    try:
        return Offer(tls=server_context(certificate, key))
    except (OSError, ssl.SSLError) as error:
        stop(f"{certificate}, {key}: {error.strerror or error}.")


async def _sink(listen: Address, web: Address, offer: Offer) -> None:
    from starlette.routing import Route

    from gateway.commands.serve import stop_signal
    from gateway.edges.sink import Sink
    from gateway.edges.web.mailbox import mailbox
    from gateway.edges.web.server import Web

    asked = stop_signal()
    provider = Sink(KEEP_MESSAGES, offer, KEEP_BYTES)
    try:
        host, port = await provider.start(*listen)
        page = Web([route for route in mailbox(provider).routes if isinstance(route, Route)], *web)
    except OSError as error:
        await provider.close()
        stop(f"Cannot listen: {error.strerror or error}.")
    say(f"Sink: SMTP at {host}:{port}, what arrived at http://{web[0]}:{page.port}/.")

    async def until_asked() -> None:
        await asked.wait()
        page.stop()

    await asyncio.gather(page.run(), until_asked())
    await provider.close()
