"""The same journey with the clients tools are built on: refusals are seen for each recipient, and the session goes on after one.

Each client sends to Claire, who consented, and to Marc, who opposed: first to both, then to Marc alone, then to Claire alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.policy import SMTP
from functools import partial
from pathlib import Path

import pytest

from tests.support.corpora import ROOT
from tests.support.gateway import SECRET, letter, threaded
from tests.support.journey import House, doors, house, text

HERE = ROOT / "tests" / "journeys"
CLAIRE, MARC = "claire@example.org", "marc@example.org"
MESSAGES = (([CLAIRE, MARC], "Un"), ([MARC], "Deux"), ([CLAIRE], "Trois"))
PHPMAILER = Path("/usr/share/php/libphp-phpmailer/autoload.php")
HAS_NODEMAILER = shutil.which("node") is not None and (HERE / "node_modules" / "nodemailer").is_dir()
HAS_PHPMAILER = shutil.which("php") is not None and PHPMAILER.exists()


@dataclass
class Said:
    """What a client told its tool about one message: who was refused with which words."""

    refused: dict[str, str] = field(default_factory=dict)
    end: str = ""


Client = Callable[[tuple[str, int], str], Awaitable[list[Said]]]


async def output(*command: str, expect: Sequence[int] = (0,), **environment: str) -> str:
    """What a program prints; its own log where it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=HERE,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode in expect, err.decode()
    return out.decode()


def job(address: tuple[str, int], method: str) -> str:
    """The task of a client written in another language."""
    messages = [{"to": to, "subject": subject} for to, subject in MESSAGES]
    host, port = address
    return json.dumps({"host": host, "port": port, "user": "mautic", "secret": SECRET, "method": method, "messages": messages})


def answers(printed: str) -> list[Said]:
    """What such a client printed, one line a message."""
    return [Said(dict(told["refused"]), told["end"]) for told in map(json.loads, printed.splitlines())]


async def by_smtplib(address: tuple[str, int], method: str) -> list[Said]:
    return await threaded(partial(_by_smtplib, address, method))


def _by_smtplib(address: tuple[str, int], method: str) -> list[Said]:
    said = []
    with smtplib.SMTP(*address, timeout=15) as session:
        session.ehlo()
        session.user, session.password = "mautic", SECRET
        session.auth(method, session.auth_plain if method == "PLAIN" else session.auth_login)
        for to, subject in MESSAGES:
            try:
                refused = session.sendmail("news@maison.example", to, letter(to[0], subject).as_bytes(policy=SMTP))
            except smtplib.SMTPRecipientsRefused as all_refused:
                refused = all_refused.recipients
            said.append(Said({one: f"{code} {words.decode()}" for one, (code, words) in refused.items()}))
    return said


async def by_nodemailer(address: tuple[str, int], method: str) -> list[Said]:
    if not HAS_NODEMAILER:
        pytest.skip("nodemailer is not installed: that Node tools see refusals is unproven")
    return answers(await output("node", "send.mjs", job(address, method)))


async def by_phpmailer(address: tuple[str, int], method: str) -> list[Said]:
    if not HAS_PHPMAILER:
        pytest.skip("php-cli or libphp-phpmailer is not installed: that PHP tools see refusals is unproven")
    return answers(await output("php", "send.php", job(address, method), PHPMAILER=str(PHPMAILER)))


async def by_swaks(address: tuple[str, int], method: str) -> list[Said]:
    """One connection a message: swaks knows no other way."""
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed: that its transcript shows refusals is unproven")
    said = []
    for to, subject in MESSAGES:
        target = ["--server", address[0], "--port", str(address[1])]
        login = ["--auth", method, "--auth-user", "mautic", "--auth-password", SECRET]
        mail = ["--from", "news@maison.example", "--to", ",".join(to), "--header", f"Subject: {subject}", "--body", "Bonjour"]
        transcript = await output("swaks", *target, *login, *mail, expect=(0, 24))
        lines = transcript.splitlines()
        asked = [line.partition("<")[2].rstrip(">") for line in lines if " -> RCPT TO:" in line]
        replies = [lines[number + 1] for number, line in enumerate(lines) if " -> RCPT TO:" in line]
        said.append(Said({one: line[4:] for one, line in zip(asked, replies, strict=True) if line.startswith("<** ")}))
    return said


@dataclass
class Wire:
    """A loopback relay in front of the gateway that counts connections."""

    address: tuple[str, int] = ("", 0)
    connections: int = 0


@asynccontextmanager
async def counted(target: tuple[str, int]) -> AsyncIterator[Wire]:
    """Pass bytes on, both ways."""
    wire = Wire()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        back, forth = await asyncio.open_connection(*target)
        await asyncio.gather(pump(reader, forth), pump(back, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire.address = server.sockets[0].getsockname()[:2]
    async with server:
        yield wire


# nodemailer hangs up itself when every recipient of a message was refused.
CLIENTS = [(by_smtplib, 1), (by_nodemailer, 2), (by_phpmailer, 1), (by_swaks, 3)]


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("client", "connections"), CLIENTS, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_tool_sees_each_refusal_and_goes_on(tmp_path: Path, client: Client, connections: int, method: str) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.oppose(MARC)
        async with counted(home.gateway.addresses.submission) as wire:
            first, second, third = await client(wire.address, method)
        assert wire.connections == connections
        for said in (first, second):
            assert list(said.refused) == [MARC], said
            # Token and reference are in the text: PHPMailer shows its tool nothing else.
            assert "[OPPOSED] Recipient has opposed this mail ref=gw0-" in said.refused[MARC]
        assert third.refused == {}, third
        await only_claire_got_mail(home)


async def only_claire_got_mail(home: House) -> None:
    """Two whole messages, completed by us."""
    await home.sink.wait_for(2)
    assert [received.recipients for received in home.sink.messages] == [(CLAIRE,), (CLAIRE,)]
    message = (await home.arrived(2))[CLAIRE]
    assert message["Subject"] == "Trois"
    assert "Maison Exemple SAS" in text(message)
    assert doors(message)[0].startswith(home.gateway.addresses.public_url)


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
async def test_a_client_that_forgets_rset_is_not_stuck_after_a_refusal(tmp_path: Path, method: str) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.oppose(MARC)
        codes = await threaded(partial(forgetful, home.gateway.addresses.submission, method))
        assert codes == [250, 550, 250, 250, 250]
        assert home.sink.count == 1


def forgetful(address: tuple[str, int], method: str) -> list[int]:
    """Have the only recipient refused, then begin the next message at once."""
    with smtplib.SMTP(*address, timeout=15) as session:
        session.ehlo()
        session.user, session.password = "mautic", SECRET
        session.auth(method, session.auth_plain if method == "PLAIN" else session.auth_login)
        codes = [session.mail("news@maison.example")[0], session.rcpt(MARC)[0]]
        codes += [session.mail("news@maison.example")[0], session.rcpt(CLAIRE)[0]]
        return [*codes, session.data(letter(CLAIRE).as_bytes(policy=SMTP))[0]]


async def test_a_client_that_ignores_the_refusal_and_sends_data_gets_no_message_through(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.oppose(MARC)
        codes = await threaded(partial(stubborn, home.gateway.addresses.submission))
        assert codes == [250, 550, 554, 250, 250, 250]
        assert [received.recipients for received in home.sink.messages] == [(CLAIRE,)]


def stubborn(address: tuple[str, int]) -> list[int]:
    """Say DATA although nobody was accepted, then send another message."""
    with smtplib.SMTP(*address, timeout=15) as session:
        session.login("mautic", SECRET)
        codes = [session.mail("news@maison.example")[0], session.rcpt(MARC)[0], session.docmd("DATA")[0]]
        codes += [session.mail("news@maison.example")[0], session.rcpt(CLAIRE)[0]]
        return [*codes, session.data(letter(CLAIRE).as_bytes(policy=SMTP))[0]]


async def test_a_wrong_secret_is_told_as_such_and_a_right_one_works_after_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.gateway.consent(CLAIRE)
        assert await threaded(partial(retried_login, home.gateway.addresses.submission)) == [535, 235]


def retried_login(address: tuple[str, int]) -> list[int]:
    with smtplib.SMTP(*address, timeout=15) as session:
        session.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            session.login("mautic", "wrong")
        return [refused.value.smtp_code, session.login("mautic", SECRET)[0]]
