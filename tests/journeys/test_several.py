"""Several recipients of one message: each is judged, gets a copy and a way out of their own, and fails alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gateway import letter
from tests.support.journey import FAST, doors, house, one_click, text
from tests.support.smtp import until

PEOPLE = [f"person{number}@example.org" for number in range(12)]
CLAIRE, MARC = "claire@example.org", "marc@example.org"


async def test_everyone_gets_one_copy_with_a_token_of_their_own_and_sees_nobody_else(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for one in PEOPLE:
            await home.gateway.consent(one)
        letters = letter("undisclosed@maison.example")
        assert await home.gateway.send(PEOPLE, message=letters) == {}
        arrived = await home.arrived(len(PEOPLE))
        assert sorted(arrived) == sorted(PEOPLE)
        assert home.sink.count == len(PEOPLE)
        assert {len(received.recipients) for received in home.sink.messages} == {1}
        assert len({doors(message) for message in arrived.values()}) == len(PEOPLE)
        assert len({message["Message-ID"] for message in arrived.values()}) == 1
        for one, message in arrived.items():
            assert not any(other in message.as_string() for other in PEOPLE if other != one)


async def test_one_persons_way_out_stops_that_person_only(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for one in (CLAIRE, MARC):
            await home.gateway.consent(one)
        await home.gateway.send([CLAIRE, MARC])
        assert await one_click((await home.arrived(2))[MARC]) == 200
        refused = await home.gateway.send([CLAIRE, MARC], message=letter(CLAIRE, "Octobre"))
        assert set(refused) == {MARC}
        assert sorted(await home.arrived(3)) == [CLAIRE, MARC]
        assert home.sink.messages[-1].recipient == CLAIRE


async def test_the_refused_are_named_at_rcpt_and_the_rest_is_delivered(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for one in PEOPLE:
            await home.gateway.consent(one)
        for one in PEOPLE[::3]:
            await home.gateway.oppose(one)
        refused = await home.gateway.send(PEOPLE)
        assert sorted(refused) == sorted(PEOPLE[::3])
        assert all(said.startswith("550 5.7.1 [OPPOSED]") for said in refused.values())
        allowed = [one for one in PEOPLE if one not in refused]
        assert sorted(await home.arrived(len(allowed))) == sorted(allowed)


@pytest.mark.parametrize("wrong", ["permerror@example.org", "550-data@example.org"])
async def test_whom_the_provider_refuses_is_reported_and_the_others_are_delivered(tmp_path: Path, wrong: str) -> None:
    async with house(tmp_path, delivery=FAST) as home:
        people = [CLAIRE, wrong, MARC]
        for one in people:
            await home.gateway.consent(one)
        assert await home.gateway.send(people) == {}
        (report,) = await home.reports(1, mails=2)
        assert f"Final-Recipient: rfc822; {wrong}" in report
        assert "Action: failed" in report
        assert "voici les nouvelles" not in report
        assert sorted(one.recipient for one in home.sink.messages if one.sender) == [CLAIRE, MARC]


async def test_whom_the_provider_defers_is_tried_again_and_nobody_gets_two(tmp_path: Path) -> None:
    async with house(tmp_path, plan={"rcpt": ["451", None, "451"]}, delivery=FAST) as home:
        for one in PEOPLE:
            await home.gateway.consent(one)
        assert await home.gateway.send(PEOPLE) == {}
        assert sorted(await home.arrived(len(PEOPLE))) == sorted(PEOPLE)
        assert home.sink.count == len(PEOPLE)


async def test_mail_that_is_never_taken_ends_in_a_report(tmp_path: Path) -> None:
    async with house(tmp_path, delivery='retry = ["50ms"]\nlife = "400ms"') as home:
        people = [CLAIRE, "temperror@example.org"]
        for one in people:
            await home.gateway.consent(one)
        await home.gateway.send(people)
        (report,) = await home.reports(1, mails=1)
        assert "Status: 5.4.7" in report


async def test_an_opposition_while_mail_waits_drops_it_and_the_tool_is_told(tmp_path: Path) -> None:
    async with house(tmp_path, plan={"mail": ["451"] * 4}, delivery='retry = ["300ms"]') as home:
        for one in (CLAIRE, MARC):
            await home.gateway.consent(one)
        await home.gateway.send([CLAIRE, MARC])
        await until(lambda: home.sink.seen["mail"] >= 2)
        await home.gateway.oppose(MARC)
        (report,) = await home.reports(1, mails=1)
        assert "[DROPPED-OPPOSED]" in report
        assert f"rfc822; {MARC}" in report
        assert [one.recipient for one in home.sink.messages if one.sender] == [CLAIRE]
        told = [(event.kind.value, event.outcome, event.reason) for event in await home.evidence()]
        assert ("decision", "drop", "OPPOSED") in told


async def test_words_and_trace_are_in_every_copy(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for one in (CLAIRE, MARC):
            await home.gateway.consent(one)
        await home.gateway.send([CLAIRE, MARC])
        for message in (await home.arrived(2)).values():
            assert "Maison Exemple SAS" in text(message)
            (trace,) = message.get_all("Received")
            assert "with ESMTPA" in trace
            assert "@" not in trace
