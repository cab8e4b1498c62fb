"""The acts of the demo: a sample company, a campaign, the mail that left, the opt-out, the proof.

It only uses what an operator has: the command line, SMTP and HTTP. Every person is made up, on reserved domains.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import smtplib
import sys
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

import dkim
import httpx
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from gateway.app import Addresses
    from gateway.edges.sink import Received, Sink

CONFIG = """\
[gateway]
hostname = "gateway.example.com"

[submission]
listen = "127.0.0.1:0"

[inbound]
listen = "127.0.0.1:0"
domain = "back.example.com"

[web]
listen = "127.0.0.1:0"

[upstream.provider]
host = "127.0.0.1"
port = {port}
tls = "none"

[advertiser.maison]
legal_name = "Maison Exemple SAS"
postal_address = "1 rue de l'Exemple, 75001 Paris"
contact = "contact@maison.example"
privacy_url = "https://maison.example/privacy"
dpo = "dpo@maison.example"
from_domains = ["maison.example"]
dkim = [{{ selector = "s1", key_file = "s1.pem" }}]

[stream.news]
advertiser = "maison"
purpose = "newsletter"
upstream = "provider"
relates_to = ["purchasing"]

[partner.voisin]
legal_name = "Voisin SARL"
privacy_url = "https://voisin.example/privacy"
role = "both"
"""

PEOPLE = """\
address,advertiser,purpose,audience,basis,source,collected_at,action,wording,function,partner_list_version
claire@example.org,maison,newsletter,consumer,consent,direct,2026-09-01T10:00:00+02:00,checkbox-ticked,I want the newsletter,,
marc@example.org,maison,newsletter,consumer,consent,direct,2026-09-01T10:00:00+02:00,checkbox-ticked,I want the newsletter,,
paul@example.net,maison,events,consumer,consent,direct,2026-09-02T10:00:00+02:00,checkbox-ticked,I want invitations,,
anne@example.net,maison,newsletter,consumer,consent,voisin,2026-09-02T10:00:00+02:00,checkbox-ticked,Offers of partners,,2026-07
luc@example.net,maison,newsletter,consumer,consent,voisin,2026-09-02T10:00:00+02:00,checkbox-ticked,Offers of partners,,
jeanne@company.example,maison,newsletter,professional,legitimate-interest,annuaire public,2026-09-03,manual,,purchasing,
hugo@company.example,maison,newsletter,professional,legitimate-interest,annuaire public,2026-09-03,manual,,,
"""

CAST = {
    "claire@example.org": "ticked the box",
    "marc@example.org": "ticked the box, then said stop",
    "nobody@example.net": "never heard of us",
    "paul@example.net": "agreed to something else",
    "anne@example.net": "comes from a partner who named us",
    "luc@example.net": "comes from a partner who did not",
    "jeanne@company.example": "a professional, concerned by her function",
    "hugo@company.example": "a professional, function unknown",
}


@dataclass
class Stage:
    """Where the demo plays: a folder, a sink, and after `prepare` a running gateway's addresses."""

    folder: Path
    sink: Sink
    mailbox_url: str
    secret: str = ""
    addresses: Addresses | None = None
    out: Console = field(default_factory=Console)

    async def prepare(self, sink_port: int) -> None:
        """A company, its keys, its tool, its people: by the commands an operator types."""
        self._title("1. A company, its key, its tool, its people")
        (self.folder / "gateway.toml").write_text(CONFIG.format(port=sink_port))
        (self.folder / "people.csv").write_text(PEOPLE)
        await self._command("keys", "new", "maison.example", "--selector", "s1", "--file", "s1.pem", quiet=True)
        enlisted = await self._command("tool", "add", "campaigns", "--stream", "news", "--json", quiet=True)
        self.secret = json.loads(enlisted.splitlines()[0])["secret"]
        learn = ("partner", "learn", "--collector", "voisin", "--version", "2026-07", "--name", "Maison Exemple SAS")
        await self._command(*learn)
        await self._command("consent", "import", "people.csv")
        await self._command("oppose", "add", "marc@example.org")

    async def campaign(self) -> None:
        """The tool sends to everybody; each refusal says why."""
        self._title("2. The tool sends its campaign (smtplib, one message a person)")
        table = Table("recipient", "who", "what the tool hears")
        for address, answer in (await asyncio.to_thread(self._send, list(CAST))).items():
            table.add_row(address, CAST[address], answer)
        self.out.print(table)
        await self._command("explain", "luc@example.net", "--stream", "news")

    async def what_left(self) -> None:
        """The mail that left: headers, notice, signature."""
        received = await self.sink.wait_for(3)
        self._title(f"3. What left: {len(received)} messages; this one to {received[-1].recipient}, a first contact")
        self.out.print(self._header(received[-1].data), highlight=False, markup=False, soft_wrap=True)
        parsed = message_from_bytes(received[-1].data, policy=policy.default)
        text = parsed.get_body(("plain",))
        assert isinstance(text, EmailMessage)  # noqa: S101 - the demo's own message has a text part
        self.out.rule("text part", style="dim")
        self.out.print(str(text.get_content()), highlight=False, markup=False, soft_wrap=True)
        for one in received:
            self.out.print(f"DKIM of the mail to {one.recipient}: {'valid' if self._verify(one) else 'INVALID'}")

    async def opt_out(self) -> None:
        """One click, and the next send is refused."""
        self._title("4. Claire presses unsubscribe (RFC 8058); the tool sends again")
        received = next(one for one in self.sink.messages if one.recipient == "claire@example.org")
        header = str(message_from_bytes(received.data, policy=policy.default)["List-Unsubscribe"])
        link = re.search(r"<(https?://[^>]+)>", header)
        assert link is not None  # noqa: S101 - what the demo is about
        async with httpx.AsyncClient(timeout=10) as browser:
            looked = await browser.get(link[1])
            pressed = await browser.post(link[1], data={"List-Unsubscribe": "One-Click"})
        self.out.print(f"GET shows a page ({looked.status_code}) and changes nothing; POST answers {pressed.status_code}.")
        answers = await asyncio.to_thread(self._send, ["claire@example.org"])
        self.out.print(f"The tool hears: {answers['claire@example.org']}", markup=False)

    async def proof(self) -> None:
        """The evidence holds, and says everything."""
        self._title("5. The proof")
        await self._command("journal", "verify")
        await self._command("oppose", "show", "claire@example.org")

    def leave_running(self) -> None:
        """Say where things are."""
        self._title("Running until Ctrl-C")
        assert self.addresses is not None  # noqa: S101 - called once the gateway serves
        host, port = self.addresses.submission
        self.out.print(f"SMTP for tools   {host}:{port}  login campaigns  secret {self.secret}", highlight=False)
        self.out.print(f"What left        {self.mailbox_url}/", highlight=False)
        self.out.print(f"Health           {self.addresses.public_url}/readyz  and /metrics", highlight=False)
        self.out.print(f"Configuration    {self.folder / 'gateway.toml'}", highlight=False)

    def _title(self, words: str) -> None:
        self.out.print()
        self.out.rule(f"[bold]{words}", align="left")

    async def _command(self, *words: str, quiet: bool = False) -> str:
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

    def _send(self, addresses: list[str]) -> dict[str, str]:
        """One message a person over one connection, as campaign tools do."""
        assert self.addresses is not None  # noqa: S101 - called once the gateway serves
        answers = {}
        with smtplib.SMTP(*self.addresses.submission, timeout=30) as tool:
            tool.login("campaigns", self.secret)
            for address in addresses:
                try:
                    tool.send_message(_newsletter(address))
                    answers[address] = "250 accepted"
                except smtplib.SMTPRecipientsRefused as refused:
                    code, text = refused.recipients[address]
                    answers[address] = f"{code} {text.decode()}"
        return answers

    def _header(self, raw: bytes) -> str:
        wanted = ("list-", "from", "to", "subject", "feedback-id")
        fields = re.findall(rb"^[^\s:]+:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", raw.partition(b"\r\n\r\n")[0], re.MULTILINE)
        return "\n".join(field.decode().replace("\r", "") for field in fields if field.decode().lower().startswith(wanted))

    def _verify(self, received: Received) -> bool:
        from gateway.core.sign import public_record
        from gateway.edges.keys import load_dkim

        record = public_record(load_dkim(self.folder / "s1.pem", "maison.example", "s1")).encode()
        return bool(dkim.verify(received.data, dnsfunc=lambda *_, **__: record))  # type: ignore[no-untyped-call]


def _newsletter(address: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Maison Exemple <news@maison.example>"
    message["To"] = address
    message["Subject"] = "Nos nouveautés de novembre"
    message.set_content("Bonjour,\n\nvoici nos nouveautés du mois.\n\nL'équipe\n")
    message.add_alternative("<html><body><h1>Bonjour</h1><p>Voici nos nouveautés du mois.</p></body></html>", subtype="html")
    return message
