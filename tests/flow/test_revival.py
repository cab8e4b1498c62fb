"""A mailbox reported dead is written to again on fresh proof only: a consent given after the report, or a confirmation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.change import NoteSoft, Oppose
from gateway.core.evidence import Kind
from gateway.core.record import Block, Door, Opposition, Scope
from gateway.core.task import SoftRun
from tests.support.api import ROW, Caller, calling
from tests.support.signup import CLAIRE, LETTER, address, signing_up


async def dead(caller: Caller) -> None:
    """Anne's mailbox is reported dead, now."""
    now = caller.clock.now()
    one = Opposition(caller.person("anne@example.com"), Block.BOUNCED, Scope.ADVERTISER, "acme", "", Door.BOUNCE, now)
    await caller.store.book.commit((), [Oppose(one), NoteSoft(one.person, "acme", SoftRun(2, now, now))])


async def blocks(caller: Caller) -> list[str]:
    return [one.block.value for one in await caller.store.book.oppositions(caller.person("anne@example.com"))]


async def test_a_consent_given_after_the_report_lifts_it(tmp_path: Path) -> None:
    """R-MBX-14: with the evidence, and the run of failures begins anew."""
    async with calling(tmp_path) as caller:
        await dead(caller)
        caller.clock.advance(days=10)
        given = (caller.clock.now() - timedelta(days=1)).isoformat()
        await caller.consents(ROW | {"collected_at": given})
        assert await blocks(caller) == []
        assert await caller.store.returns.soft_run(caller.person("anne@example.com"), "acme") is None
        assert [event.outcome for event in await caller.events() if event.kind is Kind.LIFT] == ["bounced"]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"wording": ""},
        {"source": "Fichier+"},
        {"basis": "legitimate-interest"},
        {"withdrawn_at": "2026-03-12T08:00:00+00:00"},
    ],
)
async def test_an_old_list_brought_in_again_lifts_nothing(tmp_path: Path, changed: dict[str, str]) -> None:
    async with calling(tmp_path) as caller:
        await dead(caller)
        caller.clock.advance(days=10)
        given = (caller.clock.now() - timedelta(days=1)).isoformat() if changed else ROW["collected_at"]
        await caller.consents(ROW | {"collected_at": given} | changed)
        assert await blocks(caller) == ["bounced"]


async def test_fresh_proof_lifts_no_opposition(tmp_path: Path) -> None:
    """R-FR-64: a dead mailbox is one thing, what its owner said another."""
    async with calling(tmp_path) as caller:
        await dead(caller)
        await caller.oppose("anne@example.com")
        caller.clock.advance(days=10)
        await caller.consents(ROW | {"collected_at": (caller.clock.now() - timedelta(days=1)).isoformat()})
        assert await blocks(caller) == ["opposed"]


async def test_who_answers_a_mail_has_a_mailbox(tmp_path: Path) -> None:
    """R-MBX-14: the confirmation was in a mail to that very address, whatever was reported meanwhile."""
    async with signing_up(tmp_path) as house:
        await house.sign_up()
        token = await house.token()
        person = house.identity.person(address(CLAIRE))
        filed = Opposition(person, Block.BOUNCED, Scope.ADVERTISER, LETTER.advertiser.name, "", Door.BOUNCE, house.clock.now())
        await house.store.book.commit((), [Oppose(filed)])
        assert await house.confirming.confirm(token) is not None
        assert await house.store.book.oppositions(person) == []
        assert [event.outcome for event in await house.told(Kind.LIFT)] == ["bounced"]
