"""`gateway demo --way-back`: the mail that was one too many, with another end.

Marc gets advertising whose way out is dead, answers in anger, and is heard: nothing more is sent, he is thanked, his complaint lies
on the DPO's desk, and the house that sold his address knows. Two gateways play, each with its own data.
"""

from __future__ import annotations

import asyncio
import json
import re
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid
from typing import TYPE_CHECKING

from gateway.commands.house import House

if TYPE_CHECKING:
    from gateway.edges.sink import Received

MARC = "marc@entreprise.example"
PATIENCE = 20.0

_HOUSE = """\
[gateway]
hostname = "{name}.example.com"
node = "{name}"

[submission]
listen = "127.0.0.1:0"

[inbound]
listen = "127.0.0.1:0"
domain = "retour.{name}.example"

[web]
listen = "127.0.0.1:{web}"

[upstream.provider]
host = "127.0.0.1"
port = {port}
tls = "none"

[advertiser.{name}]
legal_name = "{legal}"
postal_address = "1 rue de l'Exemple, 75001 Paris"
contact = "contact@{name}.example"
privacy_url = "https://{name}.example/confidentialite"
dpo = "dpo@{name}.example"
from_domains = ["{name}.example"]
dkim = [{{ selector = "s1", key_file = "s1.pem" }}]

[stream.lettre]
advertiser = "{name}"
purpose = "prospection"
upstream = "provider"
relates_to = ["purchasing"]
"""

_SELLER = """
[partner.voisin]
legal_name = "Voisin SARL"
privacy_url = "https://voisin.example/confidentialite"
contact = "donnees@voisin.example"
role = "provides"
webhook = "http://127.0.0.1:{web}/api/v1/oppositions"
secret_file = "shared.secret"
"""

_BUYER = """
[partner.maison]
legal_name = "Maison Exemple SAS"
privacy_url = "https://maison.example/confidentialite"
contact = "donnees@maison.example"
role = "receives"
secret_file = "shared.secret"
"""

_PEOPLE = """\
address,advertiser,purpose,audience,basis,source,collected_at,action,wording,function
{marc},{name},prospection,professional,legitimate-interest,{source},2026-09-03,manual,,purchasing
"""

_SECRET = "a secret both houses know, for this play only"  # noqa: S105 - nobody else's

_ANSWER = """\
C'est inadmissible. Votre lien de désinscription ne mène nulle part, j'ai cherché une adresse sur votre site, rien.
Je ne veux plus recevoir aucun message de votre part, et dites-moi donc où vous avez trouvé mon adresse.
Votre entreprise n'est pas conforme au RGPD et j'envisage une plainte auprès de la CNIL.

Marc
"""


def config(name: str, legal: str, provider: int, web: int, other: int) -> str:
    """The configuration of one of the two houses; `other` is the web port of the house it tells, 0 for none."""
    partner = _SELLER.format(web=other) if other else _BUYER
    return _HOUSE.format(name=name, legal=legal, port=provider, web=web) + partner


@dataclass
class Story:
    """Both houses, in the order of the play."""

    maison: House
    voisin: House

    async def prepare(self, provider: int, ports: tuple[int, int]) -> None:
        """Two companies; one sold the other an address."""
        self.maison.title("1. Voisin SARL has passed Marc's address on to Maison Exemple SAS")
        ours, theirs = ports
        await self._furnish(self.voisin, config("voisin", "Voisin SARL", provider, theirs, 0), "annuaire public", quiet=True)
        await self._furnish(self.maison, config("maison", "Maison Exemple SAS", provider, ours, theirs), "voisin", quiet=False)
        enlisted = await self.maison.command("tool", "add", "campaigns", "--stream", "lettre", "--json", quiet=True)
        self.maison.secret = json.loads(enlisted.splitlines()[0])["secret"]

    async def play(self) -> None:
        """From the dead link to the refusal."""
        received = await self._campaign()
        await self._answer(received)
        await self._heard()
        await self._partner_knows()
        self.maison.title("6. The next campaign")
        answers = await asyncio.to_thread(self.maison.send, [_campaign()])
        self.maison.out.print(f"The tool hears: {answers[MARC]}", markup=False)
        await self.maison.command("journal", "verify")

    async def _campaign(self) -> Received:
        house = self.maison
        house.title("2. The tool sends a mail whose way out is dead")
        out = _campaign()
        house.out.print(house.header(out.as_bytes(policy=policy.SMTP), "list-", "reply-to"), highlight=False, markup=False)
        answers = await asyncio.to_thread(house.send, [out])
        house.out.print(f"The tool hears: {answers[MARC]}. What left has a way out that works, and an address that is read:")
        received = await self._mail(lambda one: one.recipient == MARC)
        house.out.print(house.header(received.data, "list-", "reply-to"), highlight=False, markup=False, soft_wrap=True)
        return received

    async def _answer(self, received: Received) -> None:
        house = self.maison
        house.title("3. Marc answers")
        house.out.print(_ANSWER, highlight=False, markup=False, soft_wrap=True)
        mail = _reply(received)
        assert house.addresses is not None  # noqa: S101 - called once the gateway serves
        assert house.addresses.inbound is not None  # noqa: S101 - it is configured
        where = house.addresses.inbound
        await asyncio.to_thread(_hand_in, where, mail)
        await asyncio.to_thread((house.folder / "answer.eml").write_bytes, mail.as_bytes(policy=policy.SMTP))
        await house.command("read", "answer.eml")

    async def _heard(self) -> None:
        house = self.maison
        house.title("4. He is heard: opposed, thanked, and his complaint is on the DPO's desk")
        await house.command("oppose", "show", MARC)
        thanks = await self._mail(lambda one: one.recipient == MARC and b"auto-replied" in one.data)
        house.out.rule("what Marc gets, once", style="dim")
        house.out.print(_text(thanks), highlight=False, markup=False, soft_wrap=True)
        await house.command("task", "list")

    async def _partner_knows(self) -> None:
        self.maison.title("5. The house that sold his address has acknowledged")
        await self._until(self.maison, ("partner", "receipts"), "voisin")
        self.voisin.out.print("At Voisin SARL, with its own data:")
        await self.voisin.command("oppose", "show", MARC)

    async def _furnish(self, house: House, configuration: str, source: str, quiet: bool) -> None:
        name = house.folder.name
        (house.folder / "gateway.toml").write_text(configuration)
        (house.folder / "people.csv").write_text(_PEOPLE.format(marc=MARC, name=name, source=source))
        secret = house.folder / "shared.secret"
        secret.touch(mode=0o600)
        secret.write_text(_SECRET + "\n")
        await house.command("keys", "new", f"{name}.example", "--selector", "s1", "--file", "s1.pem", quiet=True)
        await house.command("consent", "import", "people.csv", quiet=quiet)

    async def _mail(self, fits: Callable[[Received], bool]) -> Received:
        """The first mail at the provider that fits, as soon as it is there."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = next((one for one in self.maison.sink.messages if fits(one)), None)
                if found is not None:
                    return found
                await self.maison.sink.wait_for(len(self.maison.sink.messages) + 1)

    async def _until(self, house: House, words: tuple[str, ...], shown: str) -> None:
        """Type a command until it shows this, then once for the audience."""
        async with asyncio.timeout(PATIENCE):
            while shown not in await house.command(*words, quiet=True, aside=True):
                pass  # each look is a command that takes its time
        await house.command(*words)


def _campaign() -> EmailMessage:
    """A mail as a bad tool writes it: its links lead nowhere."""
    message = EmailMessage()
    message["From"] = "Maison Exemple <lettre@maison.example>"
    message["To"] = MARC
    message["Subject"] = "Vos achats de bureau, moins chers"
    message["Message-ID"] = make_msgid(domain="maison.example")
    message["List-Unsubscribe"] = "<https://maison.example/desinscription-disparue?id=4711>"
    message["Reply-To"] = "ne-pas-repondre@maison.example"
    message.set_content("Bonjour,\n\nnos offres du mois.\n")
    message.add_alternative(
        '<html><body><p>Nos offres du mois.</p><p><a href="https://maison.example/desinscription-disparue">Se désinscrire</a></p>'
        "</body></html>",
        subtype="html",
    )
    return message


def _reply(received: Received) -> EmailMessage:
    """Marc's answer, with the quotation his mail program adds."""
    got = message_from_bytes(received.data, policy=policy.default)
    quoted = "\n".join(f"> {line}" for line in _text(received).splitlines())
    message = EmailMessage()
    message["From"] = f"Marc <{MARC}>"
    message["To"] = str(got["Reply-To"])
    message["Subject"] = f"Re: {got['Subject']}"
    message["Message-ID"] = make_msgid(domain="entreprise.example")
    message["In-Reply-To"] = str(got["Message-ID"])
    message.set_content(f"{_ANSWER}\nLe jeudi 5 novembre 2026, Maison Exemple <lettre@maison.example> a écrit :\n{quoted}\n")
    return message


def _hand_in(where: tuple[str, int], mail: EmailMessage) -> None:
    to = re.search(r"[^\s<>]+@[^\s<>]+", str(mail["To"]))
    assert to is not None  # noqa: S101 - the gateway put it there
    with smtplib.SMTP(*where, timeout=30) as exchanger:
        exchanger.send_message(mail, from_addr=MARC, to_addrs=[to[0]])


def _text(received: Received) -> str:
    parsed = message_from_bytes(received.data, policy=policy.default)
    part = parsed.get_body(("plain",))
    return str(part.get_content()).strip() if isinstance(part, EmailMessage) else ""
