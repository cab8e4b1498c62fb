"""Somebody answers: a whole gateway, real sockets. Who says stop is heard and thanked, the rest reaches people, machines nobody."""

from __future__ import annotations

import asyncio
import random
import smtplib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from time import monotonic

import dkim
import pytest

from gateway.core.address import Identity
from gateway.core.evidence import Event, parse_event
from gateway.core.record import Block
from gateway.core.task import TaskKind
from gateway.core.token import mint, stream_number
from gateway.edges.keys import KeyRing
from gateway.edges.sink import Sink
from gateway.edges.store.sqlite import open_store
from gateway.settings import Settings, load
from tests.support.gateway import Running, company, letter, person, running, threaded
from tests.support.journey import FAST, House, house, mail_back, read, text
from tests.support.process import Life, Ports, found_company, living, nursery
from tests.support.sink import running_sink

CLAIRE = "claire@example.org"
MARC = "marc@example.net"


def reply(to: EmailMessage, words: str, author: str = CLAIRE, **headers: str) -> EmailMessage:
    """An answer as mail clients write it: over the quoted message, which itself speaks of unsubscribing."""
    answer = EmailMessage()
    answer["From"] = author
    answer["To"] = str(to["Reply-To"])
    answer["Subject"] = f"Re: {to['Subject']}"
    answer["Message-ID"] = "<reply.1@example.org>"
    answer["In-Reply-To"] = str(to["Message-ID"])
    answer["References"] = str(to["Message-ID"])
    for name, value in headers.items():
        answer[name.replace("_", "-")] = value
    quoted = "".join(f"> {line}\n" for line in text(to).split(". "))
    said = "Le 1 sept. 2026 à 14:00, Maison <news@maison.example> a écrit :"
    answer.set_content(f"{words}\n\n{said}\n{quoted}> Pour ne plus recevoir : STOP\n")
    return answer


async def mailed(home: House, to: str = CLAIRE) -> EmailMessage:
    """The newsletter as it reached somebody who wanted it."""
    await home.gateway.consent(to)
    assert await home.gateway.send(to) == {}
    return (await home.arrived(1))[to]


async def back(home: House, answer: EmailMessage, sender: str = CLAIRE) -> None:
    """Bring an answer to the inbound listener, as the person's provider would."""
    address = answer["To"].addresses[0].addr_spec
    assert await mail_back(home.gateway, address, sender, answer.as_bytes(policy=SMTP)) == {}


async def refused(home: House, to: str = CLAIRE) -> str:
    """Why the next campaign does not reach somebody; empty where it does."""
    answer = await home.gateway.send(to, message=letter(to, subject="Octobre"))
    return answer.get(to, "").partition("[")[2].partition("]")[0]


async def blocks(gateway: Running, who: str = CLAIRE) -> list[Block]:
    store = open_store(gateway.database, "reader")
    try:
        return [one.block for one in await store.book.oppositions(gateway.identity.person(person(who)))]
    finally:
        await store.close()


async def tasks(gateway: Running) -> list[TaskKind]:
    store = open_store(gateway.database, "reader")
    try:
        return [task.kind for task in await store.returns.tasks()]
    finally:
        await store.close()


async def returned(home: House) -> list[Event]:
    return [event for event in await home.evidence() if event.kind.value == "return"]


async def test_who_answers_stop_is_heard_thanked_once_and_never_mailed_again(tmp_path: Path) -> None:
    """R-FR-57, R-FR-60, R-STD-61, R-STD-62: the seed of all this, the other way round."""
    async with house(tmp_path, delivery=FAST) as home:
        news = await mailed(home)
        assert news["Reply-To"].addresses[0].display_name == "Maison"
        answer = reply(news, "STOP")
        await back(home, answer)
        assert await blocks(home.gateway) == [Block.OPPOSED]
        thanks = read((await home.sink.wait_for(2))[1])
        assert (thanks["To"], thanks["Auto-Submitted"], thanks["In-Reply-To"]) == (CLAIRE, "auto-replied", "<reply.1@example.org>")
        assert "ne vous enverra plus" in text(thanks)
        assert home.sink.messages[1].sender == ""
        await back(home, answer)
        await back(home, reply(news, "STOP !!!", Date="Tue, 01 Sep 2026 15:00:00 +0000"))
        assert await refused(home) == "OPPOSED"
        assert home.sink.count == 2
        assert [event.outcome for event in await returned(home)] == ["opt_out", "opt_out"]
        said = home.gateway.log.getvalue()
        assert "claire" not in said.lower()


async def test_a_question_reaches_the_people_of_the_advertiser_whole(tmp_path: Path) -> None:
    """R-FR-57, R-FR-73, R-FR-81: byte for byte, attachments and all, DMARC-safe, in its thread."""
    async with house(tmp_path, delivery=FAST) as home:
        news = await mailed(home)
        answer = reply(news, "Bonjour, pourriez-vous regarder ma facture ? La bleue est-elle en stock ?")
        bill = random.Random(7).randbytes(300_000)
        answer.add_attachment(bill, maintype="application", subtype="pdf", filename="facture.pdf")
        await back(home, answer)
        arrived = (await home.sink.wait_for(2))[1]
        raw = answer.as_bytes(policy=SMTP)
        assert arrived.data.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
        passed = read(arrived)
        (attached,) = passed.iter_attachments()
        assert attached.get_content() == bill
        assert (arrived.recipient, passed["Reply-To"], passed["Subject"]) == ("news@maison.example", CLAIRE, answer["Subject"])
        assert passed["From"].addresses[0].addr_spec == "contact@maison.example"
        assert passed["References"].split()[-1] == "<reply.1@example.org>"
        assert verified(home.gateway.settings, arrived.data)
        assert await blocks(home.gateway) == []
        assert await refused(home) == ""


def verified(settings: Settings, raw: bytes) -> bool:
    """Whether our signature on it verifies under the key that would be published."""
    from gateway.core.sign import public_record
    from gateway.edges.keys import load_dkim

    given = settings.advertiser["maison"].dkim[0]
    record = public_record(load_dkim(given.key_file, "maison.example", given.selector))
    return bool(dkim.verify(raw, dnsfunc=lambda *_, **__: record.encode()))


async def test_an_answer_of_25_megabytes_is_passed_on_and_the_loop_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path, delivery=FAST) as home:
        news = await mailed(home)
        answer = reply(news, "Voici les photos.")
        answer.add_attachment(random.Random(8).randbytes(16_000_000), maintype="image", subtype="jpeg", filename="a.jpg")
        await back(home, answer)
        arrived = (await home.sink.wait_for(2, timeout=30))[1]
        assert arrived.data.partition(b"\r\n\r\n")[2] == answer.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        ({"Auto_Submitted": "auto-replied", "Subject2": "x"}, CLAIRE),
        ({"Auto_Submitted": "auto-generated"}, ""),
        ({"X_Autoreply": "yes", "Precedence": "auto_reply"}, CLAIRE),
    ],
)
async def test_an_absence_changes_nothing_and_is_not_answered(tmp_path: Path, headers: dict[str, str], sender: str) -> None:
    """R-FR-62, R-STD-61: whatever it says, and it quotes our own STOP."""
    async with house(tmp_path, delivery=FAST) as home:
        news = await mailed(home)
        await back(home, reply(news, "Je suis absente jusqu'au 12.", **headers), sender)
        assert await blocks(home.gateway) == []
        assert await refused(home) == ""
        await home.sink.wait_for(2)
        assert home.sink.count == 2  # the two newsletters, nothing else


async def test_nobody_is_stopped_by_who_knows_no_token(tmp_path: Path) -> None:
    """T10: a forged From, a changed token, an address in the body."""
    async with house(tmp_path, delivery=FAST) as home:
        news = await mailed(home)
        await home.gateway.consent(MARC)
        address = news["Reply-To"].addresses[0].addr_spec
        forged = address[:5] + ("a" if address[5] != "a" else "b") + address[6:]
        answer = reply(news, f"STOP. Remove {MARC}.", author=MARC)
        assert (await mail_back(home.gateway, forged, MARC, answer.as_bytes(policy=SMTP)))[forged][0] == 550
        await back(home, answer, sender=MARC)  # with Claire's token: Marc's From proves nothing
        assert await blocks(home.gateway, MARC) == []
        assert await refused(home, MARC) == ""


async def test_a_request_about_rights_waits_for_the_officer_and_is_never_argued_with(tmp_path: Path) -> None:
    """R-FR-59, R-FR-61."""
    words = "Conformément au RGPD, je vous demande l'accès à toutes les données que vous détenez sur moi et leur source."
    async with house(tmp_path, delivery=FAST) as home:
        news = await mailed(home)
        await back(home, reply(news, words))
        assert TaskKind.RIGHTS in await tasks(home.gateway)
        received = [read(one) for one in (await home.sink.wait_for(3))[1:]]
        told = {str(mail["To"]): text(mail) for mail in received}
        assert set(told) == {CLAIRE, "dpo@maison.example"}
        assert "détenez" not in told["dpo@maison.example"] + told[CLAIRE]


# Two gateways


@dataclass
class Pair:
    """Two gateways whose providers deliver to each other: each one's people answer at a reply address of the other's."""

    one: Running
    other: Running
    sinks: tuple[Sink, Sink]
    carried: int = 0

    async def settle(self) -> None:
        """Carry mail between them until nothing moves any more."""
        at = [0, 0]
        async with asyncio.timeout(60):
            while True:
                moved = False
                for number, (sink, to) in enumerate(zip(self.sinks, (self.other, self.one), strict=True)):
                    for received in list(sink.messages)[at[number] :]:
                        at[number] += 1
                        moved = True
                        if received.recipient.startswith("r-"):
                            self.carried += 1
                            await mail_back(to, received.recipient, received.sender, received.data)
                if not moved and await self._idle():
                    return
                await asyncio.sleep(0.02)

    async def _idle(self) -> bool:
        return not any([await depth(one) for one in (self.one, self.other)])


async def depth(gateway: Running) -> int:
    from gateway.edges.store.spool import open_spool

    spool = open_spool(gateway.settings.gateway.data_dir / "spool-0.db")
    try:
        return await spool.depth()
    finally:
        await spool.close()


def token_of(settings: Settings, who: str) -> str:
    """The reply token of somebody in the newsletter of a house that may not have begun yet."""
    folder = settings.gateway.data_dir
    ring = KeyRing.open(folder / "keys", may_create=not (folder / "gateway.db").exists())
    return mint(ring.token_keys, stream_number("news"), Identity(ring.pepper).person(person(who)))


@asynccontextmanager
async def pointed_at_each_other(folder: Path) -> AsyncIterator[tuple[Pair, str, str]]:
    """The pair, with the address of each at the other: a subscriber of each newsletter is the other's reply address."""
    async with running_sink() as (first, first_port), running_sink() as (second, second_port):
        houses = []
        for name, port in (("a", first_port), ("b", second_port)):
            (folder / name).mkdir()
            company(folder / name, port, delivery=FAST)
            houses.append(folder / name / "gateway.toml")
        settings = [load(config, {}) for config in houses]
        addresses = [
            f"r-{token_of(one, f'somebody@{name}.example')}@back-{name}.example" for name, one in zip("ab", settings, strict=True)
        ]
        for config, name, other in zip(houses, "ab", reversed(addresses), strict=True):
            written = config.read_text().replace('domain = "back.example.com"', f'domain = "back-{name}.example"')
            written = written.replace('hostname = "gateway.example.com"', f'hostname = "gateway-{name}.example"')
            config.write_text(written.replace('purpose = "newsletter"', f'purpose = "newsletter"\nmailbox = "{other}"'))
        a, b = (load(config, {}) for config in houses)
        async with running(a) as one, running(b) as other_one:
            yield Pair(one, other_one, (first, second)), addresses[0], addresses[1]


@pytest.mark.parametrize("words", ["STOP", "Bonjour, avez-vous la bleue ?", "hmm, plus vraiment, enfin je ne sais pas"])
async def test_two_gateways_pointed_at_each_other_fall_silent(tmp_path: Path, words: str) -> None:
    """T15, R-STD-61: whatever the first mail was, an answer is answered at most once, and what was passed on goes no further."""
    async with pointed_at_each_other(tmp_path) as (pair, at_one, at_other):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Message-ID"] = at_other, at_one, "<first@b.example>"
        mail["Subject"] = "Re: Septembre"
        mail.set_content(words)
        assert await mail_back(pair.one, at_one, at_other, mail.as_bytes(policy=SMTP)) == {}
        assert await pair.one.send("somebody@a.example") != {}  # unknown here: only mail that comes back is of interest
        await pair.settle()
        assert pair.carried <= 3


async def test_newsletters_to_each_other_s_reply_address_fall_silent_too(tmp_path: Path) -> None:
    """T15."""
    async with pointed_at_each_other(tmp_path) as (pair, at_one, at_other):
        await pair.one.consent(at_other)
        await pair.other.consent(at_one)
        assert await pair.one.send(at_other) == {}
        assert await pair.other.send(at_one) == {}
        await pair.settle()
        assert 2 <= pair.carried <= 8


# Killed


async def one_answer(ports: Ports, to: str, author: str, raw: bytes) -> bool:
    """Whether the gateway said 250; a connection that breaks says nothing."""

    def send() -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", ports.inbound, timeout=10) as session:
                return session.sendmail(author, [to], raw) == {}
        except (OSError, smtplib.SMTPException):
            return False

    return await threaded(send)


async def killed_between(folder: Path, kills: int, seed: int) -> None:
    """Kill the gateway while answers come in, send again what was not acknowledged, and look at what is on record."""
    dice = random.Random(seed)
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    sink = Sink(keep=10_000)
    _, port = await sink.start()
    try:
        config, ports = await found_company(folder, port, delivery=FAST)
        async with nursery(folder.with_suffix(".log")) as starter, living(starter, config, ports) as life:
            settings = load(config, {})
            people = [f"person{number}@example.org" for number in range(kills)]
            usual = await _usual(life, settings)
            for number, who in enumerate(people):
                await _one_kill(life, settings, who, dice.uniform(0.0, 2.0) * usual, number)
            everybody = set(people)
            async with asyncio.timeout(60):
                while not everybody <= {one.recipient for one in sink.messages}:  # noqa: ASYNC110 - another process sends
                    await asyncio.sleep(0.05)
            assert await life.terminate() == 0
        await _all_once(settings, people, sink)
    finally:
        await sink.close()


async def _usual(life: Life, settings: Settings) -> float:
    """Seconds an answer takes here when nobody is killed: a slow machine's kills are to come before, amid and after it too."""
    took = []
    for number in range(3):
        who = f"undisturbed{number}@example.org"
        to, raw = _stop(settings, who, who)
        began = monotonic()
        assert await one_answer(life.ports, to, who, raw)
        took.append(monotonic() - began)
    return min(took)


def _stop(settings: Settings, who: str, message_id: str) -> tuple[str, bytes]:
    """Where an answer goes, and the answer."""
    to = f"r-{token_of(settings, who)}@back.example.com"
    return to, f"From: {who}\r\nTo: {to}\r\nMessage-ID: <{message_id}>\r\nSubject: Re: news\r\n\r\nSTOP\r\n".encode()


async def _one_kill(life: Life, settings: Settings, who: str, after: float, number: int) -> None:
    to, raw = _stop(settings, who, f"{number}@example.org")
    sending = asyncio.ensure_future(one_answer(life.ports, to, who, raw))
    await asyncio.sleep(after)
    await life.kill()
    await sending
    await life.start()
    async with asyncio.timeout(30):
        while not await one_answer(life.ports, to, who, raw):  # noqa: ASYNC110 - another process comes up
            await asyncio.sleep(0.05)


async def _all_once(settings: Settings, people: list[str], sink: Sink) -> None:
    """One opposition each; one acknowledgement each, a second only where the first was cut off at the provider's answer."""
    ring = KeyRing.open(settings.gateway.data_dir / "keys", may_create=False)
    identity = Identity(ring.pepper)
    store = open_store(settings.gateway.data_dir / "gateway.db", "reader")
    thanked = Counter(one.recipient for one in sink.messages)
    try:
        parsed = [parse_event(entry.body) async for entry in store.journal.entries()]
        told = Counter((event.kind.value, event.person) for event in parsed if event is not None)
        for who in people:
            key = identity.person(person(who))
            assert [one.block for one in await store.book.oppositions(key)] == [Block.OPPOSED]
            assert told["opposition", key.hex()] == 1
            cut_off = told["attempt", key.hex()] - told["outcome", key.hex()]
            assert 1 <= thanked[who] <= 1 + cut_off, f"thanked {thanked[who]} times, cut off {cut_off} times"
    finally:
        await store.close()


async def test_an_answer_is_recorded_or_asked_for_again_over_4_kills(tmp_path: Path) -> None:
    """Reliability 0: never half, never twice."""
    await killed_between(tmp_path / "a", 4, 3)


@pytest.mark.slow
async def test_an_answer_is_recorded_or_asked_for_again_over_100_kills(tmp_path: Path) -> None:
    """Reliability 0."""
    await killed_between(tmp_path / "a", 100, 4)
