"""Front desk: the command `gateway`. Each noun is one module of `gateway.commands`, which adds itself with `register`.

Nothing heavy is imported before a command runs, so that `gateway --help` is quick.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

COMMANDS = (
    "serve",
    "demo",
    "preview",
    "read",
    "check",
    "tool",
    "oppose",
    "consent",
    "enrol",
    "apikey",
    "policy",
    "stream",
    "sync",
    "adopting",
    "explain",
    "journal",
    "keys",
    "partner",
    "person",
    "task",
    "kept",
    "daily",
    "store",
    "node",
    "report",
    "sink",
    "certificate",
)
"""Modules of `gateway.commands`, in the order of the help."""


ADDITIONS = {"policy": ("adopting",)}
"""Modules that put commands of their own beside those of another."""
HELP = "Lets out only mail that is allowed to leave."


def build(only: str = "") -> typer.Typer:
    """The command line: all of it, or the one noun that is wanted, for a shell that waits."""
    app = typer.Typer(
        name="gateway",
        help=HELP,
        callback=_front_desk,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in (only, *ADDITIONS.get(only, ())) if only in COMMANDS else COMMANDS:
        import_module(f"gateway.commands.{name}").register(app)
    return app


def _front_desk() -> None:
    """Has nothing to do; that it exists keeps one noun alone from being taken for the whole program."""


def main() -> None:
    """Entry point of the installed command."""
    build(sys.argv[1] if len(sys.argv) > 1 else "")()
