"""Own mail from its writing to its end: on record first, delivered once, a notice given only when the provider took it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.core.evidence import Kind
from gateway.core.model import Fate, Ref
from gateway.core.own_mail import LETTERS, PLAIN, MailKind
from gateway.core.record import Block, NoticeKind, Who
from gateway.flow.ports import Unavailable
from tests.support.company import WAITS
from tests.support.signup import CLAIRE, LETTER, House, address, signing_up
from tests.support.spool import GREYLISTED, NO_MAILBOX, SILENT

WORDS = {"link": "https://optout.example/c/" + "a" * 26, "until": "demain", "source": "voisin"}
BLOCKS = (None, *Block)
WRITTEN = (*LETTERS, *PLAIN)
"""Every kind that has words of ours; what is passed on has its own tests beside `flow.incoming`."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with signing_up(tmp_path) as one:
        yield one


async def send(house: House, kind: MailKind = MailKind.DOI, to: str = CLAIRE) -> Ref:
    return await house.own_mail.send(kind, LETTER, house.person(to), address(to), WORDS, "fr")


async def notices(house: House) -> list[tuple[NoticeKind, str]]:
    (facts,) = await house.store.book.facts("maison", [Who(house.person())])
    return [(one.kind, one.source) for one in facts.notices]


async def outcomes(house: House) -> list[tuple[str, str]]:
    return [(event.outcome, event.detail) for event in await house.told(Kind.OUTCOME)]


async def test_own_mail_is_on_record_before_it_leaves_and_after(house: House) -> None:
    """R-FR-90, R-FR-91: person, kind, template and digest of the exact bytes."""
    ref = await send(house)
    (written,) = await house.told(Kind.NOTICE)
    assert (written.outcome, written.person) == ("doi", house.person().hex())
    assert house.provider.handed == []
    await house.carry()
    (handed,) = house.provider.handed
    (attempt,), (outcome,) = await house.told(Kind.ATTEMPT), await house.told(Kind.OUTCOME)
    assert (outcome.outcome, outcome.person, outcome.template) == ("delivered", written.person, written.template)
    assert outcome.body == attempt.body == written.body == sha256(handed.message).hexdigest()
    assert attempt.about == ref
    assert outcome.detail == "doi end 250 2.0.0"


async def test_own_mail_comes_from_the_advertiser_and_carries_no_slip_on_the_wire(house: House) -> None:
    await send(house)
    await house.carry()
    (handed,) = house.provider.handed
    assert (handed.sender, handed.to.address) == ("contact@maison.example", CLAIRE)
    assert (handed.envelope.slip, handed.envelope.ret, handed.envelope.envid) == ("", "", "")
    assert house.person().hex().encode() not in handed.message


async def test_own_mail_is_tried_again_and_delivered_once(house: House) -> None:
    house.provider.answers = [GREYLISTED, SILENT]
    await send(house)
    await house.carry()
    assert await house.carry() == 0
    for wait in WAITS:
        house.clock.advance(wait.total_seconds())
        await house.carry()
    assert [outcome for outcome, _ in await outcomes(house)] == ["deferred", "ambiguous", "delivered"]
    assert house.spool.rows == []


async def test_own_mail_that_was_delivered_before_a_crash_is_not_delivered_again(house: House) -> None:
    await send(house)
    house.spool.read_only = True
    with pytest.raises(Unavailable):
        await house.carry()
    house.spool.read_only = False
    house.spool.rows[0].leased = False
    await house.carry()
    assert len(house.provider.handed) == 1
    assert house.spool.rows == []


async def test_own_mail_is_given_up_at_the_end_of_its_life_and_that_is_on_record(house: House) -> None:
    house.provider.answers = [GREYLISTED] * 9
    await send(house)
    await house.carry()
    house.clock.advance(days=2)
    await house.carry()
    assert (await outcomes(house))[-1] == ("failed", "doi")
    assert house.spool.rows == []


async def test_what_cannot_be_put_on_record_does_not_leave(house: House) -> None:
    """R-FR-91."""
    await send(house)
    await house.store.close()
    with pytest.raises(Unavailable):
        await house.carry()
    assert house.provider.handed == []
    assert len(house.spool.rows) == 1


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (MailKind.DOI, []),
        (MailKind.DOI_REMINDER, []),
        (MailKind.STAY, [(NoticeKind.STAY, "")]),
        (MailKind.RIGHTS_NOTICE, [(NoticeKind.FIRST_CONTACT, "voisin")]),
    ],
)
async def test_a_delivered_notice_is_remembered_for_what_it_was(
    house: House, kind: MailKind, given: list[tuple[NoticeKind, str]]
) -> None:
    """R-FR-29, R-FR-32, R-FR-82."""
    await send(house, kind)
    assert await notices(house) == []
    await house.carry()
    assert await notices(house) == given


@pytest.mark.parametrize("answer", [NO_MAILBOX, GREYLISTED, SILENT])
async def test_a_notice_the_provider_did_not_take_was_not_given(house: House, answer: object) -> None:
    """R-FR-31."""
    house.provider.answers = [answer]  # type: ignore[list-item]
    await send(house, MailKind.RIGHTS_NOTICE)
    await house.carry()
    assert await notices(house) == []
    assert (house.spool.rows == []) is (answer.fate is Fate.REFUSED)  # type: ignore[attr-defined]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("kind", WRITTEN)
async def test_who_is_stopped_by_what(house: House, kind: MailKind, block: Block | None) -> None:
    """R-FR-32, R-FR-44, R-FR-58, R-MBX-14, R-DP-15: a dead mailbox gets nothing; what the law or the person asks for passes."""
    await send(house, kind)
    if block is not None:
        await house.oppose(block=block)
    await house.carry()
    passes = {
        MailKind.DOI: (None, Block.OPPOSED, Block.COMPLAINED, Block.RESTRICTED, Block.PENDING),
        MailKind.DOI_REMINDER: (None, Block.RESTRICTED),
        MailKind.STAY: (None,),
        MailKind.RIGHTS_NOTICE: (None, Block.OPPOSED, Block.COMPLAINED, Block.PENDING),
        MailKind.ACK: (None, Block.OPPOSED, Block.COMPLAINED, Block.RESTRICTED, Block.PENDING),
        MailKind.TASK: BLOCKS,
        MailKind.PARTNER: tuple(block for block in BLOCKS if block is not Block.BOUNCED),
        MailKind.UNTOLD: BLOCKS,
    }
    assert bool(house.provider.handed) is (block in passes[kind])
    assert house.spool.rows == []
    if block not in passes[kind]:
        assert await outcomes(house) == [("dropped", kind.value)]


@pytest.mark.parametrize("kind", WRITTEN)
async def test_mail_with_a_way_out_waits_while_that_does_not_work(house: House, kind: MailKind) -> None:
    """R-FR-52."""
    house.health.healthy = False
    await send(house, kind)
    await house.carry()
    waits = kind in (MailKind.STAY, MailKind.RIGHTS_NOTICE)
    assert bool(house.provider.handed) is not waits
    house.health.healthy = True
    house.clock.advance(WAITS[0].total_seconds())
    await house.carry()
    assert len(house.provider.handed) == 1


async def test_a_mail_may_be_kept_for_later(house: House) -> None:
    due = house.clock.now() + timedelta(hours=1)
    await house.own_mail.send(MailKind.DOI, LETTER, house.person(), address(CLAIRE), WORDS, "fr", due=due)
    assert await house.carry() == 0
    house.clock.advance(3600)
    assert await house.carry() == 1
