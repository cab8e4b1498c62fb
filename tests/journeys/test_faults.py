"""Faults of provider and tool through the whole gateway: the right answer, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.house import LINK, RETURN, SPOOL, House, Raw, house, parcels, until
from tests.support.load import one_click
from tests.support.sink import FAULTS

STAGES = ("banner", "ehlo", "mail", "rcpt", "data", "body", "end")
OWN_FAULT = "451 4.3.5 "
DOWN = "451 4.4.1 "


def returned(stage: str, fault: str) -> str:
    """How the answer begins that the tool must hear when mail is handed back."""
    match fault:
        case "slow":
            return "250 "
        case "421":
            return "451 4.3.2 next-hop: "  # 421 would say that we, too, hang up
        case "451":
            return "451 4.7.1 next-hop: "
        case "550":
            return OWN_FAULT if stage in ("banner", "ehlo") else "550 5.7.1 next-hop: "
        case _:
            return DOWN


CELLS = [(stage, fault) for stage in STAGES for fault in FAULTS if not (stage == "body" and fault in ("garbage", "999"))]


async def fault_matrix(one: House, cells: Sequence[tuple[str, str]], kept: bool) -> list[str]:
    """Play each fault once on a fresh connection; what was answered otherwise than it must be."""
    wrong = []
    await one.know(*(f"{stage}.as.{fault}.x@example.org" for stage, fault in cells))
    for number, (stage, fault) in enumerate(cells):
        one.provider.hang_up()
        one.provider.plan = {stage: fault}
        answer = await one.send(number, f"{stage}.as.{fault}.x@example.org")
        one.provider.plan = {}
        wanted = returned(stage, fault)
        if kept and wanted.startswith("4") and wanted != OWN_FAULT:
            wanted = "250 2.0.0 Accepted for delivery"
        if not answer.startswith(wanted):
            wrong.append(f"{stage} {fault}: {answer!r}, not {wanted!r}")
        await until(lambda: not parcels(one.folder))
    return wrong


QUICK = [
    ("banner", "reset"),
    ("ehlo", "550"),
    ("mail", "close"),
    ("rcpt", "451"),
    ("data", "421"),
    ("end", "550"),
    ("end", "reset"),
]


@pytest.mark.parametrize(("delivery", "kept"), [(RETURN, False), (SPOOL, True)], ids=["return", "spool"])
async def test_tool_hears_the_right_answer_to_a_fault_of_the_provider(tmp_path: Path, delivery: str, kept: bool) -> None:
    async with house(tmp_path, delivery) as one:
        assert await fault_matrix(one, QUICK, kept) == []


@pytest.mark.slow
@pytest.mark.parametrize(("delivery", "kept"), [(RETURN, False), (SPOOL, True)], ids=["return", "spool"])
async def test_every_fault_at_every_stage_has_its_right_answer(tmp_path: Path, delivery: str, kept: bool) -> None:
    async with house(tmp_path, delivery) as one:
        assert await fault_matrix(one, CELLS, kept) == []


async def test_what_was_taken_is_taken_whatever_happens_at_quit(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await one.know("anna@example.org")
        one.provider.plan = {"quit": "reset"}
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
    assert one.provider.count == 1


# Several recipients


@pytest.mark.parametrize("bad", ["permerror", "permerror-data", "550-data"])
async def test_one_of_three_refused_by_the_provider_is_reported_alone(tmp_path: Path, bad: str) -> None:
    async with house(tmp_path, SPOOL) as one:
        people = ["anna@example.org", f"{bad}@example.org", "zoe@example.org"]
        await one.know(*people)
        assert (await one.send(1, *people)).startswith("250 ")
        messages = await one.provider.wait_for(3)
        (report,) = [message for message in messages if not message.sender]
        assert report.recipients == ("news@maison.example",)
        assert f"Final-Recipient: rfc822; {bad}@example.org".encode() in report.data
        assert b"anna@example.org" not in report.data
        assert {message.recipient for message in messages if message.sender} == {"anna@example.org", "zoe@example.org"}


async def test_one_of_three_deferred_by_the_provider_is_delivered_later_and_nobody_twice(tmp_path: Path) -> None:
    async with house(tmp_path, SPOOL) as one:
        people = ["anna@example.org", "ben@example.org", "zoe@example.org"]
        await one.know(*people)
        one.provider.plan = {"rcpt": [None, "451"]}
        assert (await one.send(1, *people)).startswith("250 ")
        await one.provider.wait_for(3)
    assert sorted(message.recipient for message in one.provider.messages) == people


async def test_opposed_while_kept_mail_waits_is_dropped_and_reported(tmp_path: Path) -> None:
    async with house(tmp_path, 'retry = ["1s"]') as one:
        await one.know("anna@example.org")
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
        (first,) = await one.provider.wait_for(1)
        one.provider.plan = {"rcpt": ["451"]}
        one.provider.seen["rcpt"] = 0
        assert "Accepted for delivery" in await one.send(2, "anna@example.org")
        link = LINK.search(first.data)
        assert link is not None
        assert await one_click(one.ports.web, link[1].decode()) == 200
        _, report = await one.provider.wait_for(2)
        assert not report.sender
        assert b"DROPPED-OPPOSED" in report.data


async def test_opposed_while_an_attempt_waits_for_a_connection_gets_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, 'on_defer = "return"\nbudget = "20s"') as one:
        await one.know("anna@example.org")
        assert (await one.send(1, "anna@example.org")).startswith("250 ")
        link = LINK.search((await one.provider.wait_for(1))[0].data)
        assert link is not None
        one.provider.hang_up()
        one.provider.plan, one.provider.slow = {"banner": ["slow"]}, 1.0
        one.provider.seen["banner"] = 0
        sending = asyncio.ensure_future(one.send(2, "anna@example.org"))
        await until(lambda: one.provider.seen["banner"])
        assert await one_click(one.ports.web, link[1].decode()) == 200
        assert "550 5.7.1 [OPPOSED]" in await sending
        assert one.provider.count == 1


# The tool leaves

POINTS = ("ehlo", "mail", "rcpt", "data", "body", "end", "answering")


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
async def test_a_tool_that_leaves_at_any_point_loses_and_doubles_nothing(tmp_path: Path, how: str) -> None:
    async with house(tmp_path) as one:
        await one.know(*(f"{point}@example.org" for point in POINTS))
        for number, point in enumerate(POINTS):
            begun = one.provider.count
            raw = await one.raw()
            await leave_at(one, raw, point, number, how)
            if point in ("end", "answering"):
                await one.provider.wait_for(begun + 1)
            await until(lambda: "smtp-fault" not in one.gateway.log.getvalue())
            assert (await one.send(number, f"{point}@example.org")).startswith("250 ")
            assert one.provider.count == begun + 1, point


async def leave_at(one: House, raw: Raw, point: str, number: int, how: str) -> None:
    """Go as far as the point, then leave."""
    _, message = one.letter(number)
    steps: Mapping[str, bytes] = {
        "ehlo": b"",
        "mail": b"MAIL FROM:<news@maison.example>\r\n",
        "rcpt": f"RCPT TO:<{point}@example.org>\r\n".encode(),
        "data": b"DATA\r\n",
        "body": message[: len(message) // 2],
        "end": message[len(message) // 2 :] + b".\r\n",
    }
    one.provider.reached.clear()
    if point == "answering":
        one.provider.gate.clear()
    for name, octets in steps.items():
        if name in ("body", "end"):
            raw.writer.write(octets)
        elif octets:
            assert (await raw.ask(octets))[:1] in b"23"
        if name == point:
            break
    if point == "answering":
        await one.provider.reached.wait()
    elif point == "end":
        await raw.writer.drain()
    raw.leave(how)
    if point == "answering":
        resend = asyncio.ensure_future(one.send(number, f"{point}@example.org"))
        await until(lambda: one.diary.tries[-1].ended_at)
        one.provider.gate.set()
        assert (await resend).startswith("250 2.0.0 Already accepted")
