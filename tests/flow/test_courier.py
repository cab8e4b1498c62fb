"""The courier: each partner is told until it has acknowledged; failures wait, alarm, and end with a person, never in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.change import Errand
from gateway.core.standard_webhook import ID, genuine
from gateway.core.task import TaskKind
from gateway.edges.outward import Outward
from gateway.flow.courier import A_LANE
from gateway.flow.ports import Unavailable
from tests.support.doors import LETTER
from tests.support.telling import HASH_KEY, SECRET, VOISIN, Ear, Telling, ear

DAY = timedelta(days=1)


@pytest.fixture
async def voisin() -> AsyncIterator[Ear]:
    async with ear() as one:
        yield one


@pytest.fixture
async def telling(voisin: Ear) -> Telling:
    one = Telling()
    one.connect(voisin)
    await one.know()
    return one


# Told


async def test_a_partner_is_told_and_its_receipt_is_on_record(telling: Telling, voisin: Ear) -> None:
    """R-FR-35, R-DP-24."""
    await telling.note()
    await telling.rounds()
    ((headers, body),) = voisin.heard
    assert genuine((SECRET,), headers, body, telling.clock.now())
    (data,) = voisin.told()
    assert data == {
        "id": headers[ID],
        "scope": "advertiser",
        "advertiser": "Acme Outillage SAS",
        "address": "claire@example.org",
    }
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert (note.done, note.receipt, note.told_at) == (True, "200 rcp_of_voisin", telling.clock.now())
    (event,) = telling.events("acknowledged")
    assert (event.person, event.rules) == (telling.person().hex(), ("R-FR-35",))
    assert "partner=voisin; receipt=200 rcp_of_voisin; attempts=1" in event.detail
    assert "claire" not in repr(telling.book.events)
    assert "claire" not in repr(telling.log.said)


async def test_where_a_key_for_hashes_is_shared_no_address_travels(telling: Telling, voisin: Ear) -> None:
    """R-DP-24."""
    telling.connect(voisin, hash_key=HASH_KEY)
    await telling.note()
    await telling.rounds()
    (data,) = voisin.told()
    assert "address" not in data
    assert len(data["hmac_sha256"]) == 64
    assert b"claire" not in voisin.heard[0][1]


async def test_a_partner_that_gives_no_receipt_has_acknowledged_with_its_status(telling: Telling, voisin: Ear) -> None:
    voisin.body, voisin.answers = b"", [204]
    await telling.note()
    await telling.rounds()
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert note.receipt == f"204 {voisin.heard[0][0][ID]}"


async def test_nothing_is_told_twice(telling: Telling, voisin: Ear) -> None:
    await telling.note()
    for _ in range(3):
        await telling.rounds()
    assert len(voisin.heard) == 1


async def test_one_note_at_a_time_to_each_partner_and_several_partners_at_once(telling: Telling, voisin: Ear) -> None:
    async with ear() as jardin:
        telling.connect(jardin, replace(VOISIN, name="jardin"))
        for number in range(5):
            await telling.know(f"p{number}@example.org")
            for partner in ("voisin", "jardin"):
                await telling.note(f"p{number}@example.org", partner)
        for one in (voisin, jardin):
            one.gate.clear()
        round_ = asyncio.ensure_future(telling.courier().round())
        async with asyncio.timeout(5):
            while not (voisin.at_once and jardin.at_once):  # noqa: ASYNC110 - both wait at the same time
                await asyncio.sleep(0.01)
        for one in (voisin, jardin):
            one.gate.set()
        await round_
        assert [len(one.heard) for one in (voisin, jardin)] == [5, 5]
        assert [one.most_at_once for one in (voisin, jardin)] == [1, 1]


async def test_a_partner_with_much_to_hear_does_not_keep_another_waiting(telling: Telling, voisin: Ear) -> None:
    async with ear() as jardin:
        telling.connect(jardin, replace(VOISIN, name="jardin"))
        for number in range(A_LANE + 50):
            await telling.know(f"p{number}@example.org")
            await telling.note(f"p{number}@example.org")
        await telling.note(partner="jardin")
        await telling.courier().round()
        assert (len(voisin.heard), len(jardin.heard)) == (A_LANE, 1)
        await telling.rounds()
        assert len(voisin.heard) == A_LANE + 50


# Again


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 410, 422, 429, 500, 503])
async def test_an_answer_that_is_no_acknowledgement_is_told_again(telling: Telling, voisin: Ear, status: int) -> None:
    """R-FR-35; a redirect is none either, and is not followed (T17)."""
    voisin.answers = [status, 200]
    await telling.note()
    await telling.rounds()
    (note,) = await telling.book.pending()
    assert (note.attempts, note.said, note.done) == (1, f"status-{status}", False)
    assert telling.events() == []
    telling.clock.advance(15)
    await telling.rounds()
    assert await telling.book.pending() == []
    first, second = (headers[ID] for headers, _ in voisin.heard)
    assert first == second


async def test_a_partner_that_was_down_for_a_day_is_told_within_an_hour_of_its_return(telling: Telling, voisin: Ear) -> None:
    """R-FR-35."""
    telling.outside = Outward(loopback=False)  # nothing on this machine can be reached
    for number in range(20):
        await telling.know(f"p{number}@example.org")
        await telling.note(f"p{number}@example.org")
    await telling.live(DAY, timedelta(minutes=30))
    assert {note.said for note in await telling.book.pending()} == {"forbidden-scheme"}
    telling.outside = Outward(loopback=True)
    await telling.live(timedelta(hours=1, minutes=1))
    assert await telling.book.pending() == []
    assert len({headers[ID] for headers, _ in voisin.heard}) == 20


async def test_a_partner_that_does_not_answer_costs_one_attempt_a_round(telling: Telling, voisin: Ear) -> None:
    """The others wait with it: they would wait for the same silence."""
    voisin.answers = [503]
    for number in range(20):
        await telling.know(f"p{number}@example.org")
        await telling.note(f"p{number}@example.org")
    await telling.rounds()
    assert len(voisin.heard) == 1
    assert {note.attempts for note in await telling.book.pending()} == {1}


async def test_a_notice_that_a_partner_cannot_read_does_not_stop_the_others(telling: Telling, voisin: Ear) -> None:
    voisin.answers = [422, 200]
    for number in range(3):
        await telling.know(f"p{number}@example.org")
        await telling.note(f"p{number}@example.org")
    await telling.rounds()
    assert len(await telling.book.pending()) == 1
    assert len(voisin.heard) == 3


async def test_a_receipt_that_cannot_be_recorded_is_asked_for_again(telling: Telling, voisin: Ear) -> None:
    """At least once, never less: the partner sees the same message under the same name."""
    await telling.note()
    telling.book.read_only = True
    with pytest.raises(Unavailable):
        await telling.courier().round()
    telling.book.read_only = False
    await telling.rounds()
    assert [headers[ID] for headers, _ in voisin.heard] == [voisin.heard[0][0][ID]] * 2
    assert len(telling.events("acknowledged")) == 1


# Alarms


async def test_the_administrator_is_alarmed_after_a_day_and_the_officer_after_three(telling: Telling, voisin: Ear) -> None:
    """R-FR-36."""
    voisin.answers = [500]
    await telling.note()
    await telling.live(timedelta(hours=23))
    assert telling.events() == []
    await telling.live(timedelta(hours=3))
    assert [event.outcome for event in telling.events()] == ["alarm-24h"]
    assert telling.desk.officers == []
    assert telling.counts["partner", "alarm-24h"] == 1
    assert ("partner-untold", {"partner": "voisin", "hours": 24}) in telling.log.said
    await telling.live(timedelta(hours=48))
    assert [event.outcome for event in telling.events()] == ["alarm-24h", "alarm-72h"]
    assert telling.desk.officers == [("voisin", "acme", 72)]
    (note,) = await telling.book.pending()
    assert note.alarmed == 72
    await telling.live(10 * DAY, timedelta(hours=1))
    assert len(telling.events()) == 2


async def test_many_late_notes_are_one_letter_a_day(telling: Telling, voisin: Ear) -> None:
    """R-FR-36."""
    voisin.answers = [500]
    for number in range(10):
        await telling.know(f"p{number}@example.org")
        await telling.note(f"p{number}@example.org")
        telling.clock.advance(60)
    await telling.live(4 * DAY, timedelta(minutes=30))
    assert len(telling.events("alarm-72h")) == 10
    assert telling.desk.officers == [("voisin", "acme", 72)]


async def test_after_thirty_days_a_person_takes_over(telling: Telling, voisin: Ear) -> None:
    """R-FR-35, R-FR-36: never dropped in silence."""
    voisin.answers = [500]
    await telling.note()
    await telling.live(31 * DAY, timedelta(hours=1))
    assert await telling.book.pending() == []
    (note,) = await telling.book.receipts(telling.clock.now() - 2 * DAY)
    assert (note.done, note.receipt) == (False, "given up after 30 days: status-500")
    (task,) = await telling.book.tasks()
    assert (task.kind, task.person, task.sealed) == (TaskKind.PARTNER, telling.person(), b"claire@example.org"[::-1])
    assert "voisin" in task.note
    assert telling.events("given-up")
    heard = len(voisin.heard)
    await telling.live(2 * DAY)
    assert len(voisin.heard) == heard


# By hand


async def test_a_partner_that_is_not_connected_becomes_one_task_and_one_letter_a_day(telling: Telling) -> None:
    """R-FR-38."""
    for number in range(30):
        await telling.know(f"p{number}@example.org")
        await telling.note(f"p{number}@example.org", "papier")
    await telling.live(timedelta(hours=23))
    (task,) = await telling.book.tasks()
    assert (task.kind, task.asks, task.due_at - task.opened_at) == (TaskKind.PARTNER, ("not-connected",), timedelta(hours=72))
    assert "gateway partner tell papier" in task.note
    assert telling.desk.partners == ["papier"]
    assert {note.said for note in await telling.book.pending("papier")} == {"not-connected"}
    await telling.live(3 * DAY, timedelta(hours=1))
    assert len(telling.events("alarm-72h")) == 30
    assert telling.desk.partners == ["papier"] * 4
    assert len(await telling.book.tasks(closed=True)) == 1


async def test_a_contact_that_cannot_be_written_to_is_tried_again_and_the_task_stands(telling: Telling) -> None:
    telling.desk.reachable = False
    await telling.know()
    await telling.note(partner="papier")
    await telling.live(timedelta(hours=3))
    assert len(telling.desk.partners) == 3
    assert len(await telling.book.tasks()) == 1


async def test_somebody_without_an_address_on_record_becomes_a_task_and_others_go_on(telling: Telling, voisin: Ear) -> None:
    """R-FR-35: nobody vanishes because nobody knows where they live."""
    await telling.note("unknown@example.org")
    await telling.note()
    await telling.rounds()
    assert len(voisin.heard) == 1
    (note,) = await telling.book.pending()
    assert (note.person, note.said) == (telling.person("unknown@example.org"), "no-address")
    (task,) = await telling.book.tasks()
    assert task.asks == ("no-address",)
    await telling.know("unknown@example.org")
    await telling.note("unknown@example.org")
    await telling.live(timedelta(hours=2))
    assert await telling.book.pending() == []


# Tools


async def test_a_tools_one_click_is_taken_as_its_header_offered_it(telling: Telling, voisin: Ear) -> None:
    """R-FR-51, RFC 8058 3.1."""
    await telling.keep_way_out(f"<mailto:out@tool.example>, <{voisin.url}/out?u=7>")
    await telling.note(partner=LETTER.name, errand=Errand.TOOL)
    await telling.rounds()
    ((headers, body),) = voisin.heard
    assert (body, headers["content-type"]) == (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
    assert "cookie" not in headers
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert (note.errand, note.done, note.receipt) == (Errand.TOOL, True, "one-click 200")
    (event,) = telling.events("acknowledged")
    assert (event.stream, event.rules) == (LETTER.name, ("R-FR-51",))


async def test_a_tools_link_is_never_opened_where_it_offered_no_one_click(telling: Telling, voisin: Ear) -> None:
    """R-FR-51: what a GET does is nobody's promise."""
    await telling.keep_way_out(f"<{voisin.url}/out>", offered=False)
    await telling.note(partner=LETTER.name, errand=Errand.TOOL)
    await telling.rounds()
    assert voisin.heard == []
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert (note.done, note.receipt) == (False, "no-way-out")


async def test_a_tools_mailto_is_taken_by_a_mail_of_ours(telling: Telling, voisin: Ear) -> None:
    """R-FR-51."""
    await telling.keep_way_out(f"<{voisin.url}/out>, <mailto:out@tool.example?subject=leave%207>", offered=False)
    await telling.note(partner=LETTER.name, errand=Errand.TOOL)
    await telling.rounds()
    ((stream, mail),) = telling.desk.mails
    assert (stream, mail.to.wire, mail.subject) == (LETTER.name, "out@tool.example", "leave 7")
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert note.receipt == "mail memory-1"


async def test_a_tools_link_into_our_own_network_is_passed_over_for_its_mail(telling: Telling) -> None:
    """R-FR-51, T17."""
    telling.outside = Outward()
    await telling.keep_way_out("<https://169.254.169.254/out>, <mailto:out@tool.example>")
    await telling.note(partner=LETTER.name, errand=Errand.TOOL)
    await telling.rounds()
    assert len(telling.desk.mails) == 1


async def test_a_tools_link_into_our_own_network_alone_is_given_up_at_once(telling: Telling) -> None:
    """T17."""
    telling.outside = Outward()
    await telling.keep_way_out("<https://127.0.0.1/out>")
    await telling.note(partner=LETTER.name, errand=Errand.TOOL)
    await telling.rounds()
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert (note.done, note.receipt) == (False, "forbidden-address")


async def test_a_tool_that_fails_is_asked_again_and_one_bad_link_does_not_stop_the_others(telling: Telling, voisin: Ear) -> None:
    """R-FR-51."""
    voisin.answers = [500, 200]
    for number in range(3):
        await telling.keep_way_out(f"<{voisin.url}/{number}>", text=f"p{number}@example.org")
        await telling.note(f"p{number}@example.org", LETTER.name, Errand.TOOL)
    await telling.rounds()
    assert len(await telling.book.pending()) == 1
    telling.clock.advance(15)
    await telling.rounds()
    assert await telling.book.pending() == []
    assert len(voisin.heard) == 4


async def test_a_stream_that_has_left_the_configuration_ends_its_errands(telling: Telling) -> None:
    await telling.note(partner="gone", errand=Errand.TOOL)
    await telling.rounds()
    (note,) = await telling.book.receipts(telling.clock.now() - DAY)
    assert (note.done, note.receipt) == (False, "stream-gone")


async def test_a_courier_goes_on_when_the_book_comes_back(telling: Telling, voisin: Ear) -> None:
    await telling.note()
    telling.book.down = True
    running = asyncio.ensure_future(telling.courier().run())
    try:
        async with asyncio.timeout(5):
            while not telling.log.said:  # noqa: ASYNC110 - any line
                await asyncio.sleep(0.01)
        assert telling.log.said[0] == ("courier-waits", {"outside": "book"})
        telling.book.down = False
        async with asyncio.timeout(10):
            while not voisin.heard:  # noqa: ASYNC110 - the next look
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
