"""No room, no journal, no facts, no opt-out: the gateway refuses for now, never says 250, and heals."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.house import LINK, SPOOL, beside, house, locked, parcels, until
from tests.support.load import one_click


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway waits for another process's lock only shortly, so that the test need not wait the full five seconds."""
    monkeypatch.setattr("gateway.edges.store.database.WRITE_PATIENCE", 0.3)


@pytest.mark.usefixtures("impatient")
async def test_unwritable_journal_refuses_for_now_and_sends_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        with locked(tmp_path):
            assert (await one.send(1, "anna@example.org")).startswith("451 4.3.0 [EVIDENCE-DOWN]")
        assert one.provider.count == 0
        assert (await one.send(1, "anna@example.org")).startswith("250 ")


@pytest.mark.usefixtures("impatient")
async def test_journal_lost_between_rcpt_and_data_sends_nothing_now(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org", "zoe@example.org")
        answers = []
        for number, people in enumerate((["anna"], ["anna", "zoe"])):
            raw = await one.raw()
            assert (await raw.ask(b"MAIL FROM:<news@maison.example>\r\n")).startswith(b"250")
            for name in people:
                assert (await raw.ask(f"RCPT TO:<{name}@example.org>\r\n".encode())).startswith(b"250")
            assert (await raw.ask(b"DATA\r\n")).startswith(b"354")
            with locked(tmp_path):
                answers.append(await raw.ask(one.letter(number)[1] + b".\r\n"))
                assert one.provider.count == 0
            raw.leave("close")
        assert answers[0].startswith(b"451 4.3.0 [EVIDENCE-DOWN]")
        assert answers[1].startswith(b"250 2.0.0 Accepted for delivery")  # the spool is another file: ours, and sent once on record
        assert len(await one.provider.wait_for(2)) == 2


@pytest.mark.usefixtures("impatient")
async def test_provider_that_spoke_is_believed_though_the_outcome_cannot_be_written(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        one.provider.gate.clear()
        sending = asyncio.ensure_future(one.send(1, "anna@example.org"))
        await one.provider.reached.wait()
        with locked(tmp_path):
            one.provider.gate.set()
            assert (await sending).startswith("250 2.0.0 Accepted by the next hop")
        assert "outcome-not-recorded" in one.gateway.log.getvalue()
    assert one.provider.count == 1


async def test_unreadable_facts_refuse_for_now_and_say_which(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        with beside(tmp_path) as other:
            other.execute("ALTER TABLE consent RENAME TO lost")
            assert (await one.send(1, "anna@example.org")).startswith("451 4.4.3 [STORE-DOWN]")
            other.execute("ALTER TABLE lost RENAME TO consent")
        assert one.provider.count == 0
        assert (await one.send(1, "anna@example.org")).startswith("250 ")


async def test_full_disk_is_never_answered_250_and_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.rooms.SPOOL_RESERVE", 0)  # else MAIL is refused long before the disk is full
    with small_disk(tmp_path / "var", "4m") as grow:
        async with house(tmp_path, SPOOL) as one:
            await one.know("anna@example.org", "zoe@example.org")
            one.provider.plan = {"banner": "421"}
            answers = [await one.send(number, "anna@example.org", "zoe@example.org", size=900_000) for number in range(8)]
            assert answers[0].startswith("250 ")
            assert answers[-1].startswith(("451 ", "452 "))
            assert all(answer.startswith(("250 ", "451 ", "452 ")) for answer in answers), answers
            assert one.provider.count == 0
            one.provider.plan = {}
            grow("64m")
            await until(lambda: not parcels(tmp_path), patience=20)
            assert one.provider.count == 2 * sum(answer.startswith("250 ") for answer in answers)


async def test_too_little_room_is_said_before_data(tmp_path: Path) -> None:
    with small_disk(tmp_path / "var", "16m"):
        async with house(tmp_path) as one:
            raw = await one.raw()
            assert (await raw.ask(b"MAIL FROM:<news@maison.example>\r\n")).startswith(b"452 4.3.1 ")
            raw.leave("close")


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of its own under this folder; yields how to make it larger."""
    folder.mkdir()

    def mount(*options: str) -> int:
        return subprocess.run(["mount", *options, str(folder)], check=False, capture_output=True).returncode

    if mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs"):
        pytest.skip("unproven here: what a full disk does (no right to mount a small file system)")

    def grow(to: str) -> None:
        assert mount("-o", f"remount,size={to}") == 0

    try:
        yield grow
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


# The opt-out


async def test_marketing_waits_while_the_opt_out_does_not_answer_and_service_mail_flows(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as nobody:
        dead = f'public_url = "http://127.0.0.1:{nobody.getsockname()[1]}"'
    async with house(tmp_path, gateway=dead) as one:
        await one.know("anna@example.org")
        refused = await one.gateway.send("anna@example.org")
        assert refused[""].startswith("451 4.3.0 [OPTOUT-DOWN]")
        assert one.provider.count == 0
        assert await one.gateway.send("anna@example.org", "mautic+service") == {}
        (service,) = await one.provider.wait_for(1)
        assert b"List-Unsubscribe" not in service.data


@pytest.mark.usefixtures("impatient")
async def test_an_opt_out_that_cannot_be_recorded_is_never_confirmed(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
        link = LINK.search((await one.provider.wait_for(1))[0].data)
        assert link is not None
        with locked(tmp_path):
            assert await one_click(one.ports.web, link[1].decode()) == 503
        assert (await one.send(2, "anna@example.org")).startswith(("250 ", "550 5.7.1 [OPPOSED]"))
        assert await one_click(one.ports.web, link[1].decode()) == 200
        assert (await one.send(3, "anna@example.org")).startswith("550 5.7.1 [OPPOSED]")
