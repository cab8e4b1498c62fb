"""Signing up as a person does it: the form, the mail, the link, and then the newsletter; over real sockets from end to end."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from gateway.core.record import Block, Opposition, Scope
from gateway.edges.store.sqlite import open_store
from tests.journeys.test_main_job import valid_dkim
from tests.support.gateway import letter, person
from tests.support.house import locked
from tests.support.journey import House, house, read, text

CLAIRE = "claire@example.org"
FORM = """
[stream.news.form]
enabled = true
wording_id = "2026-09"

[stream.news.form.fr]
wording_own = "Oui, la lettre de Maison Exemple."
purposes = ["vous envoyer notre lettre"]

[stream.news.form.en]
wording_own = "Yes, the letter of Maison Exemple."
purposes = ["send you our letter"]
"""


@asynccontextmanager
async def company(folder: Path, form: str = FORM, **parts: str) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """A gateway with a sign-up form, and a visitor who speaks French."""
    async with (
        house(folder, stream=form, **parts) as home,
        httpx.AsyncClient(base_url=home.gateway.addresses.public_url, headers={"Accept-Language": "fr"}) as visitor,
    ):
        yield home, visitor


async def sign_up(visitor: httpx.AsyncClient, address: str = CLAIRE) -> httpx.Response:
    """Fill in the form as it is shown, and send it."""
    mark = re.search(r'name="mark" value="([0-9a-f]+)"', (await visitor.get("/s/news")).text)
    assert mark is not None
    return await visitor.post("/s/news", data={"email": address, "own": "yes", "mark": mark[1]})


def link(mail: EmailMessage) -> str:
    """The confirmation's address, as the text of the mail has it."""
    found = re.search(r"http://127\.0\.0\.1:\d+/c/[a-z2-7]{26}\b", text(mail))
    assert found is not None
    return found[0]


async def explained(folder: Path, address: str) -> str:
    """What `gateway explain` says in one word, beside the running gateway."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "explain", address, "--stream", "news", "--json"),
        *("--config", str(folder / "gateway.toml")),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    found = re.search(r'"verdict": ?"([a-z]+)"', said.decode())
    assert found is not None, said
    return found[1]


async def test_from_the_form_to_the_newsletter(tmp_path: Path) -> None:
    """R-FR-42, R-FR-43: nothing before the button of the confirmation, everything after it."""
    async with company(tmp_path) as (home, visitor):
        assert (await sign_up(visitor)).status_code == 200
        (received,) = await home.sink.wait_for(1)
        mail = read(received)
        assert (received.sender, received.recipient) == ("contact@maison.example", CLAIRE)
        assert valid_dkim(received.data, tmp_path)
        assert mail["List-Unsubscribe"] is None
        assert "<img" not in text(mail, "html")
        for _ in range(3):
            assert (await visitor.get(link(mail))).status_code == 200
        assert (await home.gateway.send(CLAIRE))[CLAIRE].startswith("550 5.7.1 [UNKNOWN-RECIPIENT]")
        assert await explained(tmp_path, CLAIRE) == "refuse"
        first, again = await visitor.post(link(mail)), await visitor.post(link(mail))
        assert (first.status_code, again.content) == (200, first.content)
        assert await explained(tmp_path, CLAIRE) == "allow"
        assert await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Octobre")) == {}
        await home.sink.wait_for(2)
        told = [(event.kind.value, event.outcome) for event in await home.evidence() if event.person and event.kind.value != "look"]
        assert told[:7] == [
            ("enrolment", "asked"),
            ("notice", "doi"),
            ("attempt", "begin"),
            ("outcome", "delivered"),
            ("decision", "refuse"),
            ("enrolment", "confirmed"),
            ("consent", "confirmed"),
        ]
        assert CLAIRE not in home.gateway.log.getvalue()


async def test_somebody_opposed_comes_back_by_their_own_act_and_their_history_stays(tmp_path: Path) -> None:
    """R-FR-44."""
    async with company(tmp_path) as (home, visitor):
        await home.gateway.consent(CLAIRE)
        await home.gateway.oppose(CLAIRE)
        assert (await sign_up(visitor)).content == (await sign_up(visitor, "new@example.org")).content
        await sign_up(visitor)
        mails = await home.arrived(2)
        assert (await home.gateway.send(CLAIRE))[CLAIRE].startswith("550 5.7.1 [OPPOSED]")
        assert (await visitor.post(link(mails[CLAIRE]))).status_code == 200
        assert await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Octobre")) == {}
        assert home.sink.count == 3
        store = open_store(home.gateway.database, "reader")
        try:
            key = home.gateway.identity.person(person(CLAIRE))
            dossier, standing = await store.book.dossier(key), await store.book.oppositions(key)
        finally:
            await store.close()
        ended = [one.record for one in dossier.ended if isinstance(one.record, Opposition)]
        assert [(one.block, one.scope) for one in ended] == [(Block.OPPOSED, Scope.ADVERTISER)]
        assert [(one.scope, one.stream) for one in standing] == [(Scope.STREAM, "service")]
        assert [event.rules for event in await home.evidence() if event.kind.value == "lift"] == [("R-FR-44", "R-FR-64")]


async def test_a_dead_mailbox_is_answered_alike_and_gets_nothing(tmp_path: Path) -> None:
    """R-MBX-14."""
    async with company(tmp_path) as (home, visitor):
        await home.gateway.oppose(CLAIRE, block=Block.BOUNCED)
        dead = await sign_up(visitor)
        alive = await sign_up(visitor, "alive@example.org")
        assert (dead.status_code, dead.content) == (alive.status_code, alive.content)
        assert set(await home.arrived(1)) == {"alive@example.org"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway waits for another process's lock only shortly."""
    monkeypatch.setattr("gateway.edges.store.database.WRITE_PATIENCE", 0.3)


@pytest.mark.usefixtures("impatient")
async def test_while_the_store_cannot_be_written_nobody_is_thanked_and_nothing_is_lost(tmp_path: Path) -> None:
    """R-FR-91."""
    async with company(tmp_path) as (home, visitor):
        with locked(tmp_path):
            assert (await sign_up(visitor)).status_code == 503
        assert (await sign_up(visitor)).status_code == 200
        url = link((await home.arrived(1))[CLAIRE])
        with locked(tmp_path):
            assert (await visitor.post(url)).status_code == 503
        assert (await home.gateway.send(CLAIRE))[CLAIRE].startswith("550 ")
        assert (await visitor.post(url)).status_code == 200
        assert await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Octobre")) == {}


async def test_a_provider_that_defers_gets_the_question_later(tmp_path: Path) -> None:
    async with (
        house(tmp_path, plan={"rcpt": ["451", None]}, stream=FORM, delivery='retry = ["50ms"]') as home,
        httpx.AsyncClient(base_url=home.gateway.addresses.public_url) as visitor,
    ):
        assert (await sign_up(visitor)).status_code == 200
        assert set(await home.arrived(1)) == {CLAIRE}


async def test_a_question_asked_on_the_command_line_is_sent_by_the_running_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-FR-42: the command keeps the mail, the gateway sends it."""
    monkeypatch.setattr("gateway.flow.deliver.IDLE", 0.05)
    async with company(tmp_path, "double_optin = true\n" + FORM) as (home, visitor):
        await home.gateway.consent(CLAIRE)
        assert (await home.gateway.send(CLAIRE))[CLAIRE].startswith("550 5.7.1 [DOI-PENDING]")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "enrol", "ask", "-", "--stream", "news", "--config", str(tmp_path / "gateway.toml")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            said, _ = await process.communicate(CLAIRE.encode())
        assert process.returncode == 0
        assert b"sent" in said
        mail = (await home.arrived(1))[CLAIRE]
        token = re.search(r"/c/[a-z2-7]{26}\b", text(mail))
        assert token is not None
        assert (await visitor.post(token[0])).status_code == 200
        assert await home.gateway.send(CLAIRE, message=letter(CLAIRE, "Octobre")) == {}
