"""Whatever is written, in whatever order: each store tells the same of the papers and of what came back, in the same order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from gateway.core.change import (
    Accept,
    Adopt,
    Alarmed,
    Change,
    Count,
    Discard,
    Disenrol,
    Enlist,
    Enrol,
    Errand,
    Forget,
    IssueKey,
    KeepForPerson,
    KeepOwnUnsubscribe,
    KeepRoutes,
    Learn,
    MoveCursor,
    NoteDone,
    NotePassing,
    NoteSoft,
    OpenTask,
    Remember,
    Sweep,
    Tell,
    TryAgain,
)
from gateway.core.model import RefusalMode, Tool
from gateway.core.record import ApiKey, Enrolment, Ruling, Scope, Transfer
from gateway.core.task import SoftRun, Task, TaskKind
from gateway.edges.store.instant import instant
from gateway.flow.back_ports import Note
from tests.contract.conftest import STORES, Store
from tests.support.people import PARIS, at, consent, person
from tests.support.redis_servers import needs_redis

PEOPLE = [person(number) for number in range(4)]
NAMES = ["a", "B", "é", "\U0001f4eb", "z" * 40, "with space"]
"""They sort differently by letter, by byte and by UTF-16 unit; one is too long for the shortest form of a text."""
KEYS = [bytes([number]) * 16 for number in (0, 31, 32, 255)]
LABELS = ["fr@1", "fr@2"]
MINUTES = range(-5, 70, 5)
LONG_AGO = instant(-1)


def some(chance: Random) -> Change:
    """A change of any kind, of few people and names, so that most meet one before them."""

    def name() -> str:
        return chance.choice(NAMES)

    who, minute = chance.choice(PEOPLE), chance.choice(MINUTES)
    when = chance.choice([at(minute), at(minute), PARIS, LONG_AGO])
    later = when + timedelta(days=chance.choice([0, 1, 61, 101]))
    maybe = chance.choice([None, at(minute + 1)])
    digest, advertiser = chance.choice(KEYS), name()
    makers: list[Callable[[], Change]] = [
        lambda: Accept(digest, later),
        lambda: Remember(digest, later),
        lambda: Count(name(), name(), "delivered", later),
        lambda: KeepOwnUnsubscribe(who, name(), b"header %d" % minute, when),
        lambda: KeepRoutes(who, name(), b"routes %d" % minute, later),
        lambda: NotePassing(Transfer(who, name(), name(), "offers", "1", when)),
        lambda: Enrol(Enrolment(digest, who, name(), (consent(who, advertiser=advertiser),), b"s", when, at(99), maybe, None)),
        lambda: Disenrol(digest),
        lambda: Adopt(Ruling("pack", name(), chance.choice(LABELS), '{"a":"\\ud800"}', when, "dpo", "")),
        lambda: IssueKey(ApiKey(name(), digest, ("read",), (name(),), when, maybe)),
        lambda: Enlist(Tool(name(), digest, (name(), name()), chance.choice([None, RefusalMode.WITHHOLD]), when, maybe)),
        lambda: KeepForPerson(name(), b"mail %d" % minute, when),
        lambda: Sweep(at(minute), at(minute - 60)),
        lambda: Learn(consent(who, wording=name()), b"sealed %d" % minute),
        lambda: Tell(name(), who, "acme", Scope.ADVERTISER, when, chance.choice(list(Errand))),
        lambda: NoteDone(chance.randrange(1, 30), when, "receipt", done=chance.random() < 0.5),
        lambda: TryAgain(chance.randrange(1, 30), when, "503"),
        lambda: Alarmed(chance.randrange(1, 30), chance.choice([24, 72])),
        lambda: OpenTask(
            replace(
                Task(digest.hex()[:16], TaskKind.RIGHTS, who, advertiser, "", ("access",), name(), when, later, b"mail"),
                closed_at=maybe,
                told_at=maybe,
            )
        ),
        lambda: NoteSoft(who, advertiser, SoftRun(3, when, when) if maybe else None),
        lambda: MoveCursor(name(), name()),
        lambda: Forget(who, chance.choice(["", advertiser])),
    ]
    return chance.choice(makers)()


async def meant(store: Store, changes: list[Change]) -> list[Change]:
    """The changes with the store's own numbers for notes, which are counted from the oldest that waits."""
    numbers = [one.id for one in await store.outbox.pending()] or [1]

    def numbered(change: Change) -> Change:
        match change:
            case NoteDone() | TryAgain() | Alarmed():
                return replace(change, note=numbers[change.note % len(numbers)])
            case _:
                return change

    return [numbered(change) for change in changes]


def notes(found: Sequence[Note]) -> list[Note]:
    """Without their numbers."""
    return [replace(one, id=0) for one in found]


async def told(store: Store) -> dict[str, object]:
    """All that can be read of these tables."""
    book, outbox, returns = store.book, store.outbox, store.returns
    found: dict[str, object] = {
        "accepted": await book.accepted(KEYS, at(0)),
        "remembered": await returns.remembered(KEYS, at(0)),
        "tools": (await book.tools(), [await book.tool(name) for name in NAMES]),
        "keys": (await book.api_keys(), [await book.api_key(name) for name in NAMES]),
        "rulings": (await book.rulings(), await book.rulings("pack"), [await book.ruling(label) for label in LABELS]),
        "transfers": (await book.transfers(), [await book.transfers(partner=name) for name in NAMES]),
        "enrolments": (await book.enrolments(), [await book.enrolment(digest) for digest in KEYS]),
        "tallies": [await book.tallies(since) for since in (LONG_AGO, at(0), at(60))],
        "leftovers": [await book.leftovers(at(minute), at(minute)) for minute in MINUTES],
        "pending": [notes(await outbox.pending(name)) for name in ("", *NAMES)],
        "due": (await outbox.next_due(), [notes(await outbox.due(at(minute), 5)) for minute in MINUTES]),
        "receipts": [notes(await outbox.receipts(since, name)) for since in (LONG_AGO, PARIS, at(5)) for name in ("", *NAMES)],
        "tasks": (await returns.tasks(), await returns.tasks(closed=True), await returns.task(KEYS[0].hex()[:16])),
        "cursors": [await returns.cursor(name) for name in NAMES],
        "kept": [[(one.mailbox, one.sealed_mail, one.at) for one in await returns.kept(name)] for name in ("", *NAMES)],
    }
    for number, who in enumerate(PEOPLE):
        found[f"dossier {number}"] = await book.dossier(who)
        found[f"beside {number}"] = (
            [await book.own_unsubscribe(who, name) for name in NAMES],
            [await returns.routes(who, name) for name in NAMES],
            [await returns.soft_run(who, name) for name in NAMES],
            [await book.transfers(who), *[await book.transfers(who, name) for name in NAMES]],
            await book.enrolments(who),
        )
    return found


@needs_redis
@pytest.mark.parametrize("seed", range(3))
async def test_both_stores_tell_the_same_after_the_same(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    async with STORES["sqlite"](tmp_path) as one, STORES["redis"](tmp_path) as other, one() as here, other() as there:
        for _ in range(8):
            changes = [some(chance) for _ in range(40)]
            for store in (here, there):
                await store.book.commit([], await meant(store, changes))
                await store.book.commit([], [Discard(kept.id) for kept in (await store.returns.kept())[::3]])
            expected, found = await told(here), await told(there)
            for what, value in expected.items():
                assert found[what] == value, what


async def test_a_name_that_is_no_text_is_nobody_and_spoils_nothing_beside_it(store: Store) -> None:
    """What a client says comes as it is, into the same round trip as others' questions."""
    await store.book.commit([], [Enlist(Tool("crm", KEYS[0], ("news",), None, PARIS))])
    asked = [store.book.tool("crm"), store.book.tool("\udcff"), store.book.api_key("\udcff"), store.returns.cursor("\udcff")]
    assert [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, Tool)] != []
