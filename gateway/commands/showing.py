"""The acts of the demo: a sample company, a campaign, the mail that left, the opt-out, the proof.

It only uses what an operator has: the command line, SMTP and HTTP. Every person is made up, on reserved domains.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING

import dkim
import httpx
from rich.table import Table

from gateway.commands.house import House

if TYPE_CHECKING:
    from gateway.edges.sink import Received

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

FIELDS = ("list-", "from", "to", "subject", "feedback-id")

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
class Stage(House):
    """Where the demo plays: the house, and a page that shows what left it."""

    mailbox_url: str = ""

    async def prepare(self, sink_port: int) -> None:
        """A company, its keys, its tool, its people: by the commands an operator types."""
        self.title("1. A company, its key, its tool, its people")
        (self.folder / "gateway.toml").write_text(CONFIG.format(port=sink_port))
        (self.folder / "people.csv").write_text(PEOPLE)
        await self.command("keys", "new", "maison.example", "--selector", "s1", "--file", "s1.pem", quiet=True)
        enlisted = await self.command("tool", "add", "campaigns", "--stream", "news", "--json", quiet=True)
        self.secret = json.loads(enlisted.splitlines()[0])["secret"]
        learn = ("partner", "learn", "--collector", "voisin", "--version", "2026-07", "--name", "Maison Exemple SAS")
        await self.command(*learn)
        await self.command("consent", "import", "people.csv")
        await self.command("oppose", "add", "marc@example.org")

    async def campaign(self) -> None:
        """The tool sends to everybody; each refusal says why."""
        self.title("2. The tool sends its campaign (smtplib, one message a person)")
        table = Table("recipient", "who", "what the tool hears")
        for address, answer in (await asyncio.to_thread(self.send, [_newsletter(one) for one in CAST])).items():
            table.add_row(address, CAST[address], answer)
        self.out.print(table)
        await self.command("explain", "luc@example.net", "--stream", "news")

    async def what_left(self) -> None:
        """The mail that left: headers, notice, signature."""
        received = await self.sink.wait_for(3)
        self.title(f"3. What left: {len(received)} messages; this one to {received[-1].recipient}, a first contact")
        self.out.print(self.header(received[-1].data, *FIELDS), highlight=False, markup=False, soft_wrap=True)
        parsed = message_from_bytes(received[-1].data, policy=policy.default)
        text = parsed.get_body(("plain",))
        assert isinstance(text, EmailMessage)  # noqa: S101 - the demo's own message has a text part
        self.out.rule("text part", style="dim")
        self.out.print(str(text.get_content()), highlight=False, markup=False, soft_wrap=True)
        for one in received:
            self.out.print(f"DKIM of the mail to {one.recipient}: {'valid' if self._verify(one) else 'INVALID'}")

    async def opt_out(self) -> None:
        """One click, and the next send is refused."""
        self.title("4. Claire presses unsubscribe (RFC 8058); the tool sends again")
        received = next(one for one in self.sink.messages if one.recipient == "claire@example.org")
        header = str(message_from_bytes(received.data, policy=policy.default)["List-Unsubscribe"])
        link = re.search(r"<(https?://[^>]+)>", header)
        assert link is not None  # noqa: S101 - what the demo is about
        async with httpx.AsyncClient(timeout=10) as browser:
            looked = await browser.get(link[1])
            pressed = await browser.post(link[1], data={"List-Unsubscribe": "One-Click"})
        self.out.print(f"GET shows a page ({looked.status_code}) and changes nothing; POST answers {pressed.status_code}.")
        answers = await asyncio.to_thread(self.send, [_newsletter("claire@example.org")])
        self.out.print(f"The tool hears: {answers['claire@example.org']}", markup=False)

    async def proof(self) -> None:
        """The evidence holds, and says everything."""
        self.title("5. The proof")
        await self.command("journal", "verify")
        await self.command("oppose", "show", "claire@example.org")

    def leave_running(self) -> None:
        """Say where things are."""
        self.title("Running until Ctrl-C")
        assert self.addresses is not None  # noqa: S101 - called once the gateway serves
        host, port = self.addresses.submission
        self.out.print(f"SMTP for tools   {host}:{port}  login campaigns  secret {self.secret}", highlight=False)
        self.out.print(f"What left        {self.mailbox_url}/", highlight=False)
        self.out.print(f"Health           {self.addresses.public_url}/readyz  and /metrics", highlight=False)
        self.out.print(f"Configuration    {self.folder / 'gateway.toml'}", highlight=False)

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
