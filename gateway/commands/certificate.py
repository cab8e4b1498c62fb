"""`gateway certificate`: a self-signed certificate, so that the container example can demand TLS from its first start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.console import say, stop


def register(parent: typer.Typer) -> None:
    """Add this command."""
    parent.command("certificate")(certificate)


def certificate(
    names: Annotated[list[str], typer.Argument(help="Host names and addresses it is for.")],
    folder: Annotated[Path, typer.Option(help="Where to write certificate.pem and key.pem.", file_okay=False)] = Path("tls"),
) -> None:
    """For trying things out: make a self-signed certificate unless there is one."""
    from gateway.edges.certificate import make_certificate
    from gateway.edges.clock import SystemClock

    try:
        made = make_certificate(folder, names, SystemClock().now())
    except OSError as error:
        stop(f"{folder}: {error.strerror}.")
    except ValueError as error:
        stop(f"{error}.", 2)
    say(f"{folder}: self-signed certificate for {', '.join(names)}." if made else f"{folder}: there is one already.")
