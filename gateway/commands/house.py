"""A house of the demo: one folder with a gateway that runs in it, told what to do by the commands an operator types."""

from __future__ import annotations

import asyncio
import os
import re
import smtplib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from gateway.app import Addresses
    from gateway.edges.sink import Sink


@dataclass
class House:
    """A folder, the sink its mail goes to, and a running gateway's addresses once it serves."""

    folder: Path
    sink: Sink
    secret: str = ""
    addresses: Addresses | None = None
    out: Console = field(default_factory=Console)

    def title(self, words: str) -> None:
        """Begin an act."""
        self.out.print()
        self.out.rule(f"[bold]{words}", align="left")

    async def command(self, *words: str, quiet: bool = False, aside: bool = False) -> str:
        """Type one command in the house's folder, `aside` without showing it; what it said."""
        if not aside:
            self.out.print(f"[bold]$ gateway {' '.join(words)}", highlight=False)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *words,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},  # data and words in the order they were said
        )
        said, _ = await process.communicate()
        if not quiet:
            self.out.print(said.decode().rstrip(), highlight=False, markup=False, soft_wrap=True)
        return said.decode()

    def send(self, messages: Sequence[EmailMessage]) -> dict[str, str]:
        """One message a person over one connection, as campaign tools do; what the tool hears of each."""
        assert self.addresses is not None  # noqa: S101 - called once the gateway serves
        answers = {}
        with smtplib.SMTP(*self.addresses.submission, timeout=30) as tool:
            tool.login("campaigns", self.secret)
            for message in messages:
                address = str(message["To"])
                try:
                    tool.send_message(message)
                    answers[address] = "250 accepted"
                except smtplib.SMTPRecipientsRefused as refused:
                    code, text = refused.recipients[address]
                    answers[address] = f"{code} {text.decode()}"
        return answers

    def header(self, raw: bytes, *wanted: str) -> str:
        """These fields of a message, by the beginnings of their names."""
        fields = re.findall(rb"^[^\s:]+:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", raw.partition(b"\r\n\r\n")[0], re.MULTILINE)
        return "\n".join(field.decode().replace("\r", "") for field in fields if field.decode().lower().startswith(wanted))
