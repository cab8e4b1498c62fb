"""What waits for a person: found by its date, read on record, ended with what follows, never forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.change import OpenTask
from gateway.core.deadline import Outcome, due_of, extended, opened, outcomes, overdue, task_id, to_remind
from gateway.core.evidence import Kind
from gateway.core.model import PersonKey
from gateway.core.record import Block
from gateway.core.signal import Effect, Right, Signal, Told
from gateway.core.task import Task, TaskKind
from gateway.flow.administer import Refused
from tests.support.answers import CLAIRE, MARC, NEWS, Answers
from tests.support.clock import START

UNCLEAR = (Signal(Told.UNCLEAR, Effect.PAUSE, "doubt"),)
RIGHTS = (Signal(Told.RIGHTS_REQUEST, Effect.REVIEW, "rule", rights=(Right.ACCESS,)),)
DAY = timedelta(days=1)
MONTH = timedelta(days=31)


async def waiting(kind: tuple[Signal, ...], text: str = "Hmm.", **headers: str) -> tuple[Answers, str]:
    one = Answers(signals=kind)
    await one.answer(text, **headers)
    return one, (await one.tasks.waiting())[0].id


async def test_a_mail_is_read_only_with_a_reason_and_that_is_on_record() -> None:
    """R-DP-20."""
    one, task = await waiting(UNCLEAR, "Is this about my order?")
    assert isinstance(await one.tasks.look(task, " "), Refused)
    assert isinstance(await one.tasks.look(task, "because marc@example.org asked"), Refused)
    looked = await one.tasks.look(task, "to answer it")
    assert not isinstance(looked, Refused)
    assert b"Is this about my order?" in looked.mail
    assert looked.mail.startswith(b"Return-Path: <claire@example.org>\r\n")
    (event,) = [event for event in one.book.events if event.kind is Kind.LOOK]
    assert (event.person, "to answer it" in event.detail) == (one.person().hex(), True)
    assert isinstance(await one.tasks.look("nosuchtask", "x"), Refused)


async def test_an_answer_that_was_a_refusal_becomes_an_opposition_in_one_commit() -> None:
    """R-FR-58, R-FR-56."""
    one, task = await waiting(UNCLEAR)
    writes = one.book.writes
    closed = await one.tasks.close(task, Outcome.REFUSED)
    assert isinstance(closed, Task)
    assert (closed.outcome, closed.sealed) == ("refused", b"")
    assert one.book.writes == writes + 1
    assert await one.oppositions() == [(Block.OPPOSED, "reply")]
    assert await one.tasks.waiting() == []


async def test_a_harmless_answer_lifts_the_pause_and_nothing_else() -> None:
    """R-FR-58."""
    one, task = await waiting(UNCLEAR)
    assert await one.oppositions() == [(Block.PENDING, "reply")]
    await one.tasks.close(task, Outcome.HARMLESS, "asked for the opening hours")
    assert await one.oppositions() == []
    again, task = await waiting(UNCLEAR)
    again.signals = (Signal(Told.OPT_OUT, Effect.SUPPRESS, "rule"),)
    await again.answer("STOP", Message_ID="<later@example.org>")
    await again.tasks.close(task, Outcome.HARMLESS)
    assert await again.oppositions() == [(Block.OPPOSED, "reply")]


async def test_the_pause_lasts_while_another_answer_waits_and_for_ever_if_nobody_reads() -> None:
    """R-FR-58: an overdue doubt is shown and stays paused."""
    one, first = await waiting(UNCLEAR)
    await one.answer("Hmm again.", Message_ID="<second@example.org>")
    await one.tasks.close(first, Outcome.HARMLESS)
    assert await one.oppositions() == [(Block.PENDING, "reply")]
    one.clock.advance(days=400)
    (task,) = await one.tasks.waiting()
    assert overdue(task, one.clock.now())
    assert await one.oppositions() == [(Block.PENDING, "reply")]
    await one.tasks.close(task.id, Outcome.HARMLESS)
    assert await one.oppositions() == []


async def test_another_person_s_doubt_does_not_hold_this_one() -> None:
    one, first = await waiting(UNCLEAR)
    await one.answer("Hmm.", MARC, to=MARC)
    await one.tasks.close(first, Outcome.HARMLESS)
    assert await one.oppositions(CLAIRE) == []
    assert await one.oppositions(MARC) == [(Block.PENDING, "reply")]


async def test_a_task_ends_once_and_as_its_kind_may() -> None:
    one, task = await waiting(UNCLEAR)
    assert isinstance(await one.tasks.close(task, Outcome.DONE), Refused)
    assert isinstance(await one.tasks.close(task, Outcome.HARMLESS, "call claire@example.org"), Refused)
    assert isinstance(await one.tasks.close(task, Outcome.HARMLESS), Task)
    assert isinstance(await one.tasks.close(task, Outcome.REFUSED), Refused)
    assert isinstance(await one.tasks.close("nosuchtask", Outcome.DONE), Refused)
    rights, task = await waiting(RIGHTS)
    assert isinstance(await rights.tasks.close(task, Outcome.REFUSED), Refused)
    closed = await rights.tasks.close(task, Outcome.ANSWERED)
    assert isinstance(closed, Task)
    assert closed.sealed  # what was asked is kept as proof of what was answered


async def test_a_request_takes_longer_only_where_the_person_was_told_in_time() -> None:
    """R-FR-61, GDPR 12(3)."""
    one, task = await waiting(RIGHTS)
    one.clock.advance(days=30)
    longer = await one.tasks.extend(task, START + 20 * DAY)
    assert isinstance(longer, Task)
    assert longer.due_at == START.replace(month=START.month + 3)
    assert isinstance(await one.tasks.extend(task, START + 20 * DAY), Refused)
    late, task = await waiting(RIGHTS)
    late.clock.advance(days=40)
    assert isinstance(await late.tasks.extend(task, START + 35 * DAY), Refused)
    assert isinstance(await late.tasks.extend(task, START + 41 * DAY), Refused)
    assert isinstance(await late.tasks.extend(task, START - DAY), Refused)
    assert isinstance(await late.tasks.extend(task, START + 30 * DAY), Task)
    doubt, task = await waiting(UNCLEAR)
    assert isinstance(await doubt.tasks.extend(task, START), Refused)


async def reminded(one: Answers) -> list[tuple[str, bool]]:
    told: list[tuple[str, bool]] = []

    async def tell(task: Task, late: bool) -> bool:
        told.append((task.kind.value, late))
        return True

    await one.tasks.remind(one.clock.now(), False, tell)
    return told


async def test_the_officer_is_reminded_after_twenty_days_and_when_it_is_late_and_once_each() -> None:
    """R-FR-61."""
    one, _ = await waiting(RIGHTS)
    told = []
    for _ in range(45):
        one.clock.advance(days=1)
        told += [(one.clock.now() - START, *each) for each in await reminded(one)]
    assert told == [(20 * DAY, "rights", False), (32 * DAY, "rights", True)]


async def test_a_dry_run_counts_and_tells_nobody() -> None:
    one, _ = await waiting(RIGHTS)
    one.clock.advance(days=25)

    async def tell(task: Task, late: bool) -> bool:
        raise AssertionError

    assert await one.tasks.remind(one.clock.now(), True, tell) == {"reminded": 1, "open": 1, "overdue": 0}
    one.clock.advance(days=25)
    assert await one.tasks.remind(one.clock.now(), True, tell) == {"reminded": 1, "open": 1, "overdue": 1}


async def test_what_tasks_say_names_nobody() -> None:
    one, task = await waiting(RIGHTS)
    await one.tasks.close(task, Outcome.ANSWERED, "sent by post")
    assert "example.org" not in str(one.book.events) + str(await one.tasks.waiting(closed=True))


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_request_is_due_within_the_calendar_month_and_never_later(at: datetime) -> None:
    due = due_of(TaskKind.RIGHTS, at)
    assert timedelta(days=28) <= due - at <= timedelta(days=31)
    assert due.day == at.day or (due + DAY).day == 1
    task = opened(b"x", TaskKind.RIGHTS, PersonKey(b"p" * 16), NEWS, ("access",), "note", at, due, b"")
    assert not overdue(task, due)
    assert overdue(task, due + timedelta(microseconds=1))
    assert to_remind(task, at + 20 * DAY)
    assert not to_remind(task, at + 20 * DAY - timedelta(microseconds=1))
    longer = extended(task, due, due)
    assert isinstance(longer, datetime)
    assert longer > due


def test_one_mail_has_one_task_of_a_kind() -> None:
    assert task_id(b"x", TaskKind.RIGHTS) == task_id(b"x", TaskKind.RIGHTS) != task_id(b"x", TaskKind.UNCLEAR)
    assert len(task_id(b"x", TaskKind.MAIL)) == 16
    assert all(outcomes(kind) for kind in TaskKind)


async def test_a_task_of_another_part_ends_too() -> None:
    one = Answers()
    task = opened(b"x", TaskKind.PARTNER, PersonKey(b"p" * 16), NEWS, (), "tell by hand", START, START + DAY, b"")
    await one.book.commit((), [OpenTask(task)])
    assert isinstance(await one.tasks.close(task.id, Outcome.DONE), Task)
    assert await one.book.oppositions() == []
