"""The advertiser's own mailbox, a real Dovecot, watched by a running gateway: the person who wrote back is mailed no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from gateway.edges.store.sqlite import open_store
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot, needs_dovecot
from tests.support.gateway import letter, person
from tests.support.journey import FAST, House, house

pytestmark = needs_dovecot

CLAIRE, MARC, PAUL = "claire@example.org", "marc@example.net", "paul@example.org"
OURS = "mx.maison.example"


def settings(folder: Path, server: Dovecot, keyword: str = "$GatewayRead") -> str:
    """The stream's lines, and the table of the mailbox after them."""
    password = folder / "imap.password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    return f"""replies = "mailbox"
[mailbox.answers]
host = "127.0.0.1"
port = {server.port}
tls = "none"
username = "{USER}"
password_file = "imap.password"
streams = ["news"]
trusted_authserv = "{OURS}"
keyword = "{keyword}"
"""


@asynccontextmanager
async def watched(folder: Path, server: Dovecot, keyword: str = "$GatewayRead") -> AsyncIterator[House]:
    """A gateway that watches the mailbox."""
    async with house(folder, stream=settings(folder, server, keyword), delivery=FAST) as home:
        yield home


def answer(mail: EmailMessage, text: str, author: str, **headers: str) -> bytes:
    """What a mail client makes of "reply": the words, and the mail quoted below them."""
    back = EmailMessage()
    back["From"] = author
    back["To"] = USER
    back["Subject"] = f"Re: {mail['Subject']}"
    back["Message-ID"] = f"<{abs(hash((text, author)))}@home.example>"
    back["In-Reply-To"] = mail["Message-ID"]
    for name, value in headers.items():
        back[name.replace("_", "-")] = value
    body = mail.get_body(("plain",))
    assert body is not None
    quoted = "".join(f"> {line}\n" for line in str(body.get_content()).splitlines())
    back.set_content(f"{text}\n\nOn Tuesday Maison wrote:\n{quoted}")
    return back.as_bytes(policy=SMTP)


def plain(text: str, author: str, **headers: str) -> bytes:
    """A mail that quotes nothing."""
    mail = EmailMessage()
    for name, value in {"From": author, "To": USER, "Subject": "Hello", **headers}.items():
        mail[name.replace("_", "-")] = value
    mail["Message-ID"] = f"<{abs(hash((text, author)))}@home.example>"
    mail.set_content(text)
    return mail.as_bytes(policy=SMTP)


async def until_read(home: House, uid: int, validity: str = "") -> None:
    """Wait until the mailbox has been read up to that number."""
    store = open_store(home.gateway.database, "reader")
    try:
        async with asyncio.timeout(60):
            while True:
                words = (await store.returns.cursor("mailbox:answers")).split()
                if words and int(words[1]) >= uid and (not validity or words[0] == validity):
                    return
                await asyncio.sleep(0.05)
    finally:
        await store.close()


async def came_back(home: House) -> list[str]:
    """What every mail that was read told, in order."""
    return [event.outcome for event in await home.evidence() if event.kind.value == "return"]


async def oppositions(home: House) -> list[tuple[str, str]]:
    """(person, door) of every opposition on record."""
    return [(event.person, event.door) for event in await home.evidence() if event.kind.value == "opposition"]


def key(home: House, address: str) -> str:
    """The key of an address."""
    return home.gateway.identity.person(person(address)).hex()


def flags(lies: Mapping[str, bytes], word: bytes) -> list[str]:
    """The flags of the mails that say a word."""
    return [name.rpartition(":")[2] for name, data in lies.items() if word in data]


async def test_who_writes_back_is_heard_thanked_and_never_mailed_again(tmp_path: Path) -> None:
    """R-FR-56, R-FR-57, R-FR-60."""
    async with dovecot(tmp_path) as server, watched(tmp_path, server) as home:
        await home.gateway.consent(CLAIRE)
        assert await home.gateway.send(CLAIRE) == {}
        mail = (await home.arrived(1))[CLAIRE]
        server.put(answer(mail, "Arrêtez de m'écrire, retirez-moi de vos fichiers.", CLAIRE))
        thanks = (await home.arrived(2))[CLAIRE]
        assert thanks["Auto-Submitted"] == "auto-replied"
        assert await oppositions(home) == [(key(home, CLAIRE), "reply")]
        refused = await home.gateway.send(CLAIRE, message=letter(CLAIRE, subject="Octobre"))
        assert refused[CLAIRE].startswith("550")
        await until_read(home, 1)
        assert flags(server.lies(), b"fichiers") == ["a"]
    assert home.sink.count == 2


async def test_what_is_not_for_us_stays_exactly_as_it_lies(tmp_path: Path) -> None:
    """Unknown mail, other folders, mail that was read or flagged by people: the same before and after."""
    async with dovecot(tmp_path) as server:
        server.put(plain("The invoice is attached, thank you.", "supplier@else.example"), flags="S")
        server.put(plain("Shall we meet on Thursday?", PAUL), flags="FS")
        server.put(
            plain("Our offers of the week. Unsubscribe here.", "shop@else.example", List_Unsubscribe="<https://else.example>")
        )
        server.put(b"\x00\xff\xfe no mail at all")
        server.put(plain("Old", PAUL), folder="Archive")
        before = server.lies()
        async with watched(tmp_path, server) as home:
            await until_read(home, 4)
            assert await oppositions(home) == []
        assert server.lies() == before
        assert home.sink.count == 0


async def test_a_question_is_answered_by_people_and_passed_on_to_nobody(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server, watched(tmp_path, server) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.send(CLAIRE)
        mail = (await home.arrived(1))[CLAIRE]
        server.put(answer(mail, "Livrez-vous aussi le samedi ?", CLAIRE))
        await until_read(home, 1)
        assert await came_back(home) == ["human"]
        assert await oppositions(home) == []
    assert home.sink.count == 1


async def test_a_forged_sender_changes_nothing_for_anybody(tmp_path: Path) -> None:
    """T10: whoever writes in Claire's name, without a token and without proof, waits for a person."""
    async with dovecot(tmp_path) as server, watched(tmp_path, server) as home:
        await home.gateway.consent(CLAIRE)
        forged = {"Authentication_Results": "mx.else.example; dmarc=pass header.from=example.org"}
        failed = {"Authentication_Results": f"{OURS}; dmarc=fail header.from=example.org"}
        server.put(plain("STOP, unsubscribe me.", CLAIRE))
        server.put(plain("Stop. Remove me from your list.", CLAIRE, **forged))
        server.put(plain("Please unsubscribe me at once.", CLAIRE, **failed))
        await until_read(home, 3)
        assert await oppositions(home) == []
        tasks = [event for event in await home.evidence() if event.kind.value == "task"]
        assert [(one.outcome, one.person) for one in tasks] == [("opened", "")] * 3
        assert await home.gateway.send(CLAIRE) == {}
        await home.arrived(1)
    assert home.sink.count == 1  # nobody was thanked


async def test_a_proven_sender_is_heard_without_any_quotation(tmp_path: Path) -> None:
    """R-STD-72."""
    async with dovecot(tmp_path) as server, watched(tmp_path, server) as home:
        await home.gateway.consent(CLAIRE)
        proof = f"{OURS}; dkim=pass header.d=example.org; dmarc=pass header.from=example.org"
        server.put(plain("STOP, unsubscribe me.", CLAIRE, Authentication_Results=proof))
        await home.arrived(1)
        assert await oppositions(home) == [(key(home, CLAIRE), "reply")]
        await until_read(home, 1)


async def test_an_oversized_refusal_is_heard_from_its_beginning(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server, watched(tmp_path, server) as home:
        await home.gateway.consent(CLAIRE)
        await home.gateway.send(CLAIRE)
        raw = answer((await home.arrived(1))[CLAIRE], "STOP, unsubscribe me please.", CLAIRE, Content_Language="en")
        head, _, body = raw.partition(b"\r\n\r\n")
        kept = [
            line for line in head.split(b"\r\n") if not line.lower().startswith((b"content-type", b"mime-version", b"content-tr"))
        ]
        kind = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type"))
        coding = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-transfer"))
        photo = b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + (b"QUJD" * 19 + b"\r\n") * 60_000
        parts = kind + b"\r\n" + coding + b"\r\n\r\n" + body + b"\r\n--x\r\n" + photo
        whole = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + parts + b"--x--\r\n"
        server.put(b"\r\n".join(kept) + b"\r\n" + whole)
        await until_read(home, 1)
        assert await oppositions(home) == [(key(home, CLAIRE), "reply")]


async def test_a_mailbox_that_breaks_off_and_is_numbered_anew_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server, watched(tmp_path, server) as home:
        for person in (CLAIRE, MARC):
            await home.gateway.consent(person)
            await home.gateway.send(person)
        mails = await home.arrived(2)
        server.put(answer(mails[CLAIRE], "STOP", CLAIRE))
        await until_read(home, 1)
        await home.arrived(3)
        await server.kill()
        server.put(answer(mails[MARC], "STOP", MARC))
        server.renumber()
        await server.start()
        await until_read(home, 2, "1999999999")
        await home.arrived(4)
        server.put(answer(mails[MARC], "STOP", MARC))  # the very same again, in another place
        await until_read(home, 3)
        assert sorted(await oppositions(home)) == sorted([(key(home, CLAIRE), "reply"), (key(home, MARC), "reply")])
        assert len(await came_back(home)) == 2
    assert home.sink.count == 4  # two newsletters, two acknowledgements


async def test_a_gateway_that_starts_again_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        async with watched(tmp_path, server, "") as home:
            server.put(plain("Hello, a first question?", PAUL))
            await until_read(home, 1)
        server.put(plain("And a second one?", PAUL))
        before = server.lies()
        async with watched(tmp_path, server, "") as home:
            await until_read(home, 2)
            assert len(await came_back(home)) == 2
        assert server.lies() == before


@pytest.mark.slow
async def test_a_thousand_mails_are_read_and_the_refusals_among_them_heard(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as server:
        async with watched(tmp_path, server) as home:
            await home.gateway.consent(CLAIRE)
            await home.gateway.send(CLAIRE)
            mail = (await home.arrived(1))[CLAIRE]
        for number in range(1000):
            stop = number == 777
            server.put(answer(mail, "STOP", CLAIRE) if stop else plain(f"Order {number} has arrived, thank you.", PAUL))
        async with watched(tmp_path, server) as home:
            await until_read(home, 1000)
            assert await oppositions(home) == [(key(home, CLAIRE), "reply")]
            assert len(await came_back(home)) == 1000
        assert sorted(name.rpartition(":")[2] for name in server.lies()).count("a") == 1
