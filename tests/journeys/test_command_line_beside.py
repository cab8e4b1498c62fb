"""Commands work beside a running gateway: what they record counts at the very next recipient."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.edges.sink import Sink
from tests.support.gateway import Running, company, running
from tests.support.sink import running_sink

HEADER = "address,advertiser,purpose,audience,basis,source,collected_at,action,wording\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Running, Sink]]:
    async with running_sink() as (sink, port), running(company(tmp_path, port)) as gateway:
        yield gateway, sink


async def command(folder: Path, *words: str) -> str:
    """Run `gateway` in a process of its own; its stdout."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *words,
        "--config",
        str(folder / "gateway.toml"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return said.decode()


async def test_what_a_command_records_counts_at_the_next_recipient(house: tuple[Running, Sink], tmp_path: Path) -> None:
    gateway, sink = house
    people = [f"p{number}@example.org" for number in range(1500)]
    rows = "".join(f"{one},maison,newsletter,consumer,consent,direct,2026-01-01,checkbox-ticked,v1\n" for one in people)
    (tmp_path / "c.csv").write_text(HEADER + rows)
    assert "[UNKNOWN-RECIPIENT]" in (await gateway.send(people[0]))[people[0]]
    await command(tmp_path, "consent", "import", str(tmp_path / "c.csv"))
    assert await gateway.send(people[0]) == {}
    await sink.wait_for(1)
    await command(tmp_path, "oppose", "add", people[0])
    assert "[OPPOSED]" in (await gateway.send(people[0]))[people[0]]
    await command(tmp_path, "oppose", "add", "@example.org", "--scope", "all")
    assert "[OPPOSED]" in (await gateway.send(people[1]))[people[1]]
    await command(tmp_path, "journal", "verify")


async def test_a_reference_in_a_refusal_is_shown_by_the_journal(house: tuple[Running, Sink], tmp_path: Path) -> None:
    gateway, _ = house
    answer = (await gateway.send("nobody@example.org"))["nobody@example.org"]
    shown = await command(tmp_path, "journal", "show", answer.rpartition("ref=")[2])
    assert "decision refuse" in shown
    assert "reason=UNKNOWN-RECIPIENT" in shown


async def test_a_revoked_tool_is_shut_out_while_the_gateway_runs(house: tuple[Running, Sink], tmp_path: Path) -> None:
    gateway, _ = house
    await gateway.consent("claire@example.org")
    assert await gateway.send("claire@example.org") == {}
    await command(tmp_path, "tool", "revoke", "mautic")
    with pytest.raises(Exception, match=r"525"):
        await gateway.send("claire@example.org")
