"""Front desk: the command `gateway`. Each noun is one module of `gateway.commands`, which adds itself with `register`.

Nothing heavy is imported before a command runs, so that `gateway --help` is quick.
"""

from __future__ import annotations

from importlib import import_module

import typer

COMMANDS = (
    "serve",
    "demo",
    "preview",
    "check",
    "tool",
    "oppose",
    "consent",
    "enrol",
    "apikey",
    "policy",
    "stream",
    "adopting",
    "explain",
    "journal",
    "keys",
    "partner",
    "person",
    "daily",
    "report",
    "sink",
    "certificate",
)
"""Modules of `gateway.commands`, in the order of the help."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="gateway",
        help="Lets out only mail that is allowed to leave.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in COMMANDS:
        import_module(f"gateway.commands.{name}").register(app)
    return app


def main() -> None:
    """Entry point of the installed command."""
    build()()
