"""`gateway task`: what waits, without addresses; reading it leaves a trace; ending it has consequences."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.address import Address, Identity, parse
from gateway.core.change import OpenTask, Oppose
from gateway.core.deadline import opened
from gateway.core.model import PersonKey
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.core.task import Task, TaskKind
from gateway.edges.keys import KeyRing
from gateway.edges.store.sqlite import open_store
from gateway.settings import load, to_streams
from tests.commands.conftest import House

CLAIRE = "claire@example.org"
MAIL = b"Return-Path: <claire@example.org>\r\nFrom: claire@example.org\r\n\r\nWas soll das?\r\n"


def waiting(house: House, kind: TaskKind, since: timedelta = timedelta(days=1)) -> Task:
    """A task of Claire's, as an answer of hers would have left it."""
    settings = load(house.folder / "gateway.toml", {})
    ring = KeyRing.open(settings.gateway.data_dir / "keys", may_create=True)
    address = parse(CLAIRE)
    assert isinstance(address, Address)
    person = Identity(ring.pepper).person(address)
    at = datetime.now(UTC) - since
    due = at + timedelta(days=3 if kind is TaskKind.UNCLEAR else 31)
    task = opened(b"once", kind, person, to_streams(settings)["news"], ("access",), "an answer", at, due, ring.vault.seal(MAIL))
    asyncio.run(_open(house, task, person))
    return task


async def _open(house: House, task: Task, person: PersonKey) -> None:
    store = open_store(house.folder / "var" / "gateway.db", "test")
    pause = Opposition(person, Block.PENDING, Scope.ADVERTISER, "acme", "", Door.REPLY, task.opened_at)
    changes = (OpenTask(task), Oppose(pause)) if task.kind is TaskKind.UNCLEAR else (OpenTask(task),)
    try:
        await store.book.commit((), changes)
    finally:
        await store.close()


def test_tasks_are_listed_by_date_without_addresses(house: House) -> None:
    """R-FR-58."""
    task = waiting(house, TaskKind.UNCLEAR)
    (row,) = house.json("task", "list")
    assert (row["task"], row["kind"], row["state"]) == (task.id, "unclear", "open")
    assert "@" not in str(row)


def test_an_overdue_task_makes_the_list_fail(house: House) -> None:
    """R-FR-61."""
    waiting(house, TaskKind.UNCLEAR, timedelta(days=4))
    (row,) = house.json("task", "list", code=1)
    assert row["state"] == "overdue"


def test_reading_needs_a_reason_and_leaves_a_trace(house: House) -> None:
    """R-DP-20."""
    task = waiting(house, TaskKind.UNCLEAR)
    shown = house.gateway("task", "show", task.id, "--reason", "to answer")
    assert shown.stdout.replace("\n", "\r\n").replace("\r\r\n", "\r\n").encode() == MAIL
    house.gateway("task", "show", task.id, code=2)
    house.gateway("task", "show", "nosuch", "--reason", "x", code=1)
    assert "look" in house.gateway("journal", "show", "--person", CLAIRE).stdout


@pytest.mark.parametrize(("outcome", "blocks"), [("refused", ["opposed"]), ("harmless", [])])
def test_closing_decides_what_the_answer_was(house: House, outcome: str, blocks: list[str]) -> None:
    """R-FR-58."""
    task = waiting(house, TaskKind.UNCLEAR)
    assert house.json("task", "close", task.id, "--outcome", outcome) == [{"task": task.id, "outcome": outcome}]
    assert [row["block"] for row in house.json("oppose", "list")] == blocks
    assert house.json("task", "list") == []
    assert [row["state"] for row in house.json("task", "list", "--closed")] == [outcome]
    house.gateway("task", "close", task.id, "--outcome", outcome, code=1)


def test_a_request_is_extended_once_and_in_time(house: House) -> None:
    """R-FR-61."""
    task = waiting(house, TaskKind.RIGHTS, timedelta(days=25))
    told = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    (longer,) = house.json("task", "extend", task.id, "--told", told)
    assert longer["due"] > task.due_at.date().isoformat()
    house.gateway("task", "extend", task.id, "--told", told, code=1)


def test_a_request_that_was_not_extended_in_time_cannot_be(house: House) -> None:
    """R-FR-61."""
    task = waiting(house, TaskKind.RIGHTS, timedelta(days=40))
    today = datetime.now(UTC).date().isoformat()
    house.gateway("task", "extend", task.id, "--told", today, code=1)


def test_reminders_are_counted(house: House) -> None:
    """R-FR-61."""
    waiting(house, TaskKind.RIGHTS, timedelta(days=25))
    assert house.json("task", "remind", "--dry-run") == [{"reminded": 1, "open": 1, "overdue": 0}]
    assert house.json("task", "remind") == [{"reminded": 1, "open": 1, "overdue": 0}]
    assert house.json("task", "remind") == [{"reminded": 0, "open": 1, "overdue": 0}]


def test_an_overdue_doubt_is_shown_in_the_period_s_report(house: House) -> None:
    """R-FR-58, R-FR-61."""
    waiting(house, TaskKind.UNCLEAR, timedelta(days=4))
    (told,) = house.json("report", "period", "--from", "2026-01-01")
    assert (told["tasks_open"], told["tasks_overdue"]) == ({"unclear": 1}, {"unclear": 1})
    (day,) = house.json("daily", "--dry-run")
    assert (day["counts"]["tasks-open"], day["counts"]["tasks-overdue"]) == (1, 1)
