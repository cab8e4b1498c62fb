"""Several workers share the listeners and the store: each keeps its own chain, and one that dies is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import time
from email.policy import SMTP
from pathlib import Path

from gateway.core.address import Identity
from gateway.core.change import Change, Learn
from gateway.core.evidence import verify
from gateway.core.record import Audience, Basis, Consent
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import open_store
from tests.support.gateway import SECRET, WHEN, letter, person, threaded
from tests.support.process import PATIENCE, Plain, found_company, living
from tests.support.sink import running_sink

PEOPLE = [f"person{number}@example.org" for number in range(24)]


async def consents(folder: Path) -> None:
    """Everybody's consent on record."""
    ring = KeyRing.load(folder / "keys")
    identity = Identity(ring.pepper)
    store = open_store(folder / "gateway.db", "cli")
    learned: list[Change] = [
        Learn(
            Consent(
                identity.person(person(one)),
                "maison",
                "newsletter",
                Audience.CONSUMER,
                Basis.CONSENT,
                "direct",
                WHEN,
                "checkbox-ticked",
                "I want the newsletter",
            ),
            ring.vault.seal(one.encode()),
        )
        for one in PEOPLE
    ]
    await store.book.commit((), learned)
    await store.close()


def deliver(port: int, to: str) -> None:
    """One message over one connection of its own, again while the connection breaks or, the other still starting, there is none."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=15) as tool:
                tool.login("mautic", SECRET)
                tool.sendmail("news@maison.example", [to], letter(to).as_bytes(policy=SMTP))
        except (OSError, smtplib.SMTPServerDisconnected):
            time.sleep(0.01)
            continue
        return
    raise AssertionError("no worker answered")


def children(pid: int) -> list[int]:
    """The workers of a supervisor."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def until_two_workers(pid: int, without: int = 0) -> list[int]:
    async with asyncio.timeout(PATIENCE):
        while len(found := [child for child in children(pid) if child != without]) < 2:  # noqa: ASYNC110 another process's affair
            await asyncio.sleep(0.05)
    return found


async def test_two_workers_share_the_work_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    async with running_sink() as (sink, port):
        config, ports = await found_company(tmp_path, port, gateway="workers = 2")
        async with living(Plain(tmp_path / "log"), config, ports) as life:
            await consents(tmp_path / "var")
            first, _ = await until_two_workers(life.pid)
            await asyncio.gather(*(threaded(lambda to=to: deliver(ports.submission, to)) for to in PEOPLE[:12]))
            os.kill(first, signal.SIGKILL)
            await asyncio.gather(*(threaded(lambda to=to: deliver(ports.submission, to)) for to in PEOPLE[12:]))
            await until_two_workers(life.pid, without=first)
            assert await life.terminate() == 0
        assert {message.recipient for message in sink.messages} == set(PEOPLE)
        store = open_store(tmp_path / "var" / "gateway.db", "reader")
        entries = [entry async for entry in store.journal.entries()]
        heads = await store.journal.heads()
        await store.close()
        assert verify(entries, heads) == []
        assert {"gw0", "gw1"} >= {entry.writer for entry in entries if entry.writer.startswith("gw")} != set()
