"""A sign-up over its whole life, on a clock the test owns and a real store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.change import Oppose
from gateway.core.decide import Question, decide
from gateway.core.evidence import Kind
from gateway.core.model import Stream
from gateway.core.record import Audience, Block, Covers, Door, Opposition, Scope
from gateway.core.verdict import Allow, Reason
from gateway.flow.enrol import Asked
from gateway.flow.ports import Unavailable
from tests.support.company import FR
from tests.support.signup import CLAIRE, ELSEWHERE, FORM, LETTER, OFFERS, OFFERS_FORM, House, address, signing_up

MONTH = 30.0
HOUR = 3600.0
SECOND = 1 / 86400


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with signing_up(tmp_path) as one:
        yield one


async def verdict(house: House, stream: Stream = LETTER, to: str = CLAIRE) -> str:
    """What `decide` says: `allow`, or the reason."""
    who = house.identity.who(address(to), await house.store.book.has_hashes())
    (facts,) = await house.store.book.facts(stream.advertiser.name, (who,))
    judged = decide(FR, Question(stream, address(to), (), house.clock.now()), facts)
    return "allow" if isinstance(judged, Allow) else judged.reason.value


# Asking and confirming


async def test_signing_up_allows_nothing_and_confirming_does(house: House) -> None:
    """R-FR-42, R-FR-43."""
    assert await house.sign_up() is Asked.SENT
    assert await verdict(house) == Reason.UNKNOWN_RECIPIENT
    token = await house.token()
    assert await house.consents() == []
    house.clock.advance(days=2)
    question = await house.confirming.confirm(token)
    assert question is not None
    assert question.done
    assert await verdict(house) == "allow"
    (record,) = await house.consents()
    assert (record.action, record.confirmed_at) == ("doi-confirmed", house.clock.now())
    assert record.proof.asked_at == house.clock.now() - timedelta(days=2)
    assert record.proof.form == "https://optout.example/s/news"


async def test_looking_at_a_confirmation_changes_nothing(house: House) -> None:
    """R-FR-43, R-FR-54: a scanner that opens every link confirms nothing."""
    await house.sign_up()
    token = await house.token()
    before = len(await house.told(Kind.ENROLMENT))
    for _ in range(5):
        question = await house.confirming.look(token)
        assert question is not None
        assert not question.done
        assert [one.wording for one in question.consents] == ["Oui, la lettre de Maison."]
    assert await house.consents() == []
    assert len(await house.told(Kind.ENROLMENT)) == before


async def test_confirming_again_answers_the_same_and_changes_nothing(house: House) -> None:
    """R-FR-43: single use."""
    await house.sign_up()
    token = await house.token()
    first = await house.confirming.confirm(token)
    records, events = await house.consents(), len(await house.told(Kind.CONSENT))
    await house.oppose()
    house.clock.advance(days=1)
    assert await house.confirming.confirm(token.upper()) == first
    assert len(await house.consents()) == len(records)
    assert len(await house.told(Kind.CONSENT)) == events
    assert await verdict(house) == Reason.OPPOSED  # a used link lifts nothing that came after it


@pytest.mark.parametrize("token", ["", "a", "a" * 26, "b" * 25, "é" * 26, "a" * 27, "1" * 26, "=" * 26])
async def test_forged_tokens_are_nobodys(house: House, token: str) -> None:
    await house.sign_up()
    assert await house.confirming.look(token) is None
    assert await house.confirming.confirm(token) is None


async def test_the_store_holds_no_token_and_no_address_in_clear(house: House, tmp_path: Path) -> None:
    await house.sign_up()
    token = await house.token()
    (enrolment,) = await house.enrolments()
    raw = b"".join(await asyncio.to_thread(stored, tmp_path))
    assert CLAIRE.encode() not in raw
    assert token.encode() not in raw
    assert enrolment.id.hex() not in token


def stored(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("gateway.db*")]


async def test_each_tick_is_a_consent_of_its_own(house: House) -> None:
    """R-FR-21, R-FR-22, R-FR-26, R-FR-76."""
    await house.publish("2026-03")
    await house.sign_up(CLAIRE, Covers.PARTNERS, Covers.TRACKING)
    await house.confirming.confirm(await house.token())
    found = {one.covers: one for one in await house.consents()}
    assert set(found) == {Covers.PARTNERS, Covers.TRACKING}
    assert found[Covers.PARTNERS].partner_list_version == "2026-03"
    assert found[Covers.PARTNERS].proof.presentation == "full"
    assert await verdict(house) != "allow"


# Nobody learns what is on record, nobody is flooded


@pytest.mark.parametrize("block", [None, *Block])
async def test_the_same_is_asked_of_everybody_but_the_dead(house: House, block: Block | None) -> None:
    """R-FR-44, R-MBX-14."""
    if block is not None:
        await house.oppose(block=block)
    asked = await house.sign_up()
    assert asked is (Asked.DEAD if block is Block.BOUNCED else Asked.SENT)
    assert len(await house.mails()) == (block is not Block.BOUNCED)


async def test_a_second_sign_up_within_the_hour_sends_nothing_and_later_ones_three_a_day(house: House) -> None:
    """R-FR-43."""
    assert await house.sign_up() is Asked.SENT
    house.clock.advance(HOUR - 1)
    assert await house.sign_up() is Asked.ASKED_ALREADY
    house.clock.advance(1)
    assert await house.sign_up() is Asked.SENT
    house.clock.advance(HOUR)
    assert await house.sign_up() is Asked.SENT
    house.clock.advance(HOUR)
    assert await house.sign_up() is Asked.TOO_OFTEN
    assert len(await house.mails()) == 3


async def test_signing_up_for_two_lists_at_once_asks_an_hour_apart(house: House) -> None:
    assert await house.sign_up() is Asked.SENT
    assert await house.sign_up(CLAIRE, form=OFFERS_FORM) is Asked.SENT
    assert len(await house.mails()) == 1
    house.clock.advance(HOUR)
    assert len(await house.mails()) == 2


async def test_a_sign_up_that_sends_nothing_is_on_record_all_the_same(house: House) -> None:
    await house.oppose(block=Block.BOUNCED)
    await house.sign_up()
    (event,) = await house.told(Kind.ENROLMENT)
    assert (event.outcome, event.detail) == ("not-asked", "covers=own; dead-mailbox")
    assert await house.enrolments() == []


async def test_a_sign_up_whose_mail_cannot_be_kept_is_told_and_may_come_again_at_once(house: House) -> None:
    house.spool.read_only = True
    with pytest.raises(Unavailable):
        await house.sign_up()
    assert await house.enrolments() == []
    house.spool.read_only = False
    assert await house.sign_up() is Asked.SENT
    assert len(await house.mails()) == 1


async def test_a_sign_up_that_cannot_be_recorded_sends_nothing(house: House) -> None:
    """R-FR-91."""
    shown = await house.enrolling.offer(FORM, "fr")
    await house.store.close()
    with pytest.raises(Unavailable):
        await house.enrolling.sign_up(shown, {Covers.OWN}, address(CLAIRE))
    assert house.spool.rows == []


# Opposed people


@pytest.mark.parametrize("block", [Block.OPPOSED, Block.COMPLAINED])
@pytest.mark.parametrize("scope", list(Scope))
async def test_an_opposed_person_who_signs_up_again_is_asked_once_and_then_written_to(
    house: House, scope: Scope, block: Block
) -> None:
    """R-FR-44: one question after their own act, a new consent, and the history of their opposition."""
    await house.oppose(scope=scope, block=block)
    assert await verdict(house) == ("OPPOSED" if block is Block.OPPOSED else "COMPLAINED")
    house.clock.advance(days=1)
    assert await house.sign_up() is Asked.SENT
    for _ in range(3):
        house.clock.advance(days=2)
        assert await house.sign_up() is Asked.ASKED_ALREADY
        assert await house.daily() == (0, 0)  # no reminder either
    assert len(await house.mails()) == 1
    assert await verdict(house) in ("OPPOSED", "COMPLAINED")
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == "allow"
    dossier = await house.store.book.dossier(house.person())
    assert [one.record.block for one in dossier.ended if isinstance(one.record, Opposition)] == [block]
    (lift,) = await house.told(Kind.LIFT)
    assert "R-FR-44" in lift.rules


async def test_a_fresh_act_for_one_list_leaves_every_other_opposed(house: House) -> None:
    """R-FR-44, R-FR-63."""
    await house.oppose(scope=Scope.ALL)
    await house.sign_up()
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == "allow"
    assert await verdict(house, OFFERS) == Reason.OPPOSED
    assert await verdict(house, ELSEWHERE) == Reason.OPPOSED


async def test_agreeing_only_to_partners_lifts_no_opposition_to_our_own_mail(house: House) -> None:
    """R-FR-22, R-FR-44."""
    await house.publish()
    await house.oppose()
    await house.sign_up(CLAIRE, Covers.PARTNERS)
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == Reason.OPPOSED


async def test_the_opposition_of_a_whole_domain_is_not_one_person_s_to_lift(house: House) -> None:
    """R-FR-66."""
    domain = house.identity.domain("example.org")
    await house.change(Oppose(Opposition(domain, Block.OPPOSED, Scope.ADVERTISER, "maison", "", Door.CLI, house.clock.now())))
    await house.sign_up()
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == Reason.OPPOSED


async def test_an_opposition_that_came_as_a_hash_is_lifted_by_the_person_behind_it(house: House) -> None:
    """R-FR-44, R-DP-02."""
    key = house.identity.foreign("md5", hashlib.md5(CLAIRE.encode(), usedforsecurity=False).hexdigest())
    one = Opposition(key, Block.OPPOSED, Scope.ADVERTISER, "maison", "", Door.IMPORT, house.clock.now())
    await house.change(Oppose(one, foreign_hash=True))
    assert await verdict(house) == Reason.OPPOSED
    await house.sign_up()
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == "allow"
    assert await verdict(house, OFFERS) == Reason.OPPOSED


async def test_a_restriction_stands_whatever_is_signed(house: House) -> None:
    """R-DP-15."""
    await house.oppose(block=Block.RESTRICTED)
    await house.sign_up()
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == Reason.RESTRICTED


async def test_opposing_after_signing_up_stops_the_mail_until_confirmed(house: House) -> None:
    await house.sign_up()
    token = await house.token()
    house.clock.advance(60)
    await house.oppose()
    assert await verdict(house) == Reason.OPPOSED
    house.clock.advance(60)
    await house.confirming.confirm(token)
    assert await verdict(house) == "allow"


# The days


async def test_what_is_not_confirmed_in_thirty_days_is_forgotten_to_the_day(house: House) -> None:
    """R-FR-43: the link ends and the sign-up goes, address and all; not a moment earlier."""
    await house.sign_up()
    token = await house.token()
    house.clock.advance(days=MONTH - 1)
    assert (await house.daily())[1] == 0
    assert await house.confirming.look(token) is not None
    house.clock.advance(days=1 - SECOND)
    assert (await house.daily())[1] == 0
    assert await house.confirming.look(token) is not None
    house.clock.advance(1)
    assert await house.confirming.look(token) is None
    assert await house.confirming.confirm(token) is None
    assert await house.daily(dry=True) == (0, 2)
    assert len(await house.enrolments()) == 2
    assert await house.daily() == (0, 2)  # the first link, and that of its reminder
    assert await house.enrolments() == []
    assert await house.daily() == (0, 0)
    house.clock.advance(days=1)
    assert await house.confirming.look(token) is None


async def test_a_confirmed_sign_up_is_closed_in_its_time_and_its_proof_stays(house: House) -> None:
    """R-FR-40."""
    await house.sign_up()
    await house.confirming.confirm(await house.token())
    house.clock.advance(days=MONTH)
    assert await house.daily() == (0, 1)
    assert await house.enrolments() == []
    assert len(await house.consents()) == 1


async def test_there_is_one_reminder_and_never_a_second(house: House) -> None:
    """R-FR-43."""
    await house.sign_up()
    first = await house.token()
    house.clock.advance(days=7 - SECOND)
    assert await house.daily() == (0, 0)
    house.clock.advance(1)
    assert await house.daily(dry=True) == (1, 0)
    assert await house.daily() == (1, 0)
    second = await house.token()
    for _ in range(21):
        assert await house.daily() == (0, 0)
        house.clock.advance(days=1)
    mails = await house.mails()
    assert [mail["Subject"].startswith("Rappel") for mail in mails] == [False, True]
    assert first != second
    assert await house.confirming.confirm(first) is not None
    found = await house.confirming.look(second)
    assert found is not None
    assert found.done  # either link confirms, and both know
    assert len(await house.consents()) == 1


@pytest.mark.parametrize("block", [Block.OPPOSED, Block.COMPLAINED, Block.BOUNCED])
async def test_nobody_who_said_stop_and_no_dead_mailbox_is_reminded(house: House, block: Block) -> None:
    """R-FR-44."""
    await house.sign_up()
    await house.oppose(block=block)
    house.clock.advance(days=8)
    assert await house.daily() == (0, 0)


async def test_who_confirmed_or_asked_again_is_not_reminded_of_the_first(house: House) -> None:
    await house.sign_up()
    house.clock.advance(days=1)
    await house.sign_up()
    house.clock.advance(days=6)
    assert await house.daily() == (0, 0)
    await house.mails()
    await house.confirming.confirm(await house.token())
    house.clock.advance(days=7)
    assert await house.daily() == (0, 0)


# Records that wait, and people who may stay


async def test_a_record_that_waits_is_confirmed_by_its_own_question(house: House) -> None:
    """R-FR-42: a card from a fair, an import."""
    await house.imported(source="carte de visite", audience=Audience.PROFESSIONAL)
    assert await verdict(house) == Reason.DOI_PENDING
    assert await house.enrolling.ask(LETTER, address(CLAIRE)) is Asked.SENT
    await house.confirming.confirm(await house.token())
    assert await verdict(house) == "allow"
    assert (await house.consents())[-1].confirmed_at == house.clock.now()


async def test_nothing_is_asked_where_nothing_waits(house: House) -> None:
    assert await house.enrolling.ask(LETTER, address(CLAIRE)) is Asked.NOTHING_WAITS
    await house.imported(confirmed_at=house.clock.now())
    await house.imported("b@example.org", missing=("wording",))
    await house.imported("c@example.org", purpose="autre")
    for who in (CLAIRE, "b@example.org", "c@example.org"):
        assert await house.enrolling.ask(LETTER, address(who)) is Asked.NOTHING_WAITS
    assert await house.mails() == []


async def test_nobody_opposed_is_asked_on_somebody_else_s_word(house: House) -> None:
    """R-FR-44: only if the person just acted on the form."""
    await house.imported()
    await house.oppose()
    assert await house.enrolling.ask(LETTER, address(CLAIRE)) is Asked.OPPOSED
    assert await house.mails() == []


async def test_the_question_to_stay_is_asked_once_and_its_yes_is_an_act(house: House) -> None:
    """R-FR-80, R-FR-82."""
    await house.imported()
    assert await house.enrolling.ask_to_stay(LETTER, address(CLAIRE)) is Asked.SENT
    token = await house.token()
    assert await house.enrolling.ask_to_stay(LETTER, address(CLAIRE)) is Asked.ASKED_ALREADY
    house.clock.advance(days=29)
    assert await house.enrolling.ask_to_stay(LETTER, address(CLAIRE)) is Asked.ASKED_ALREADY
    assert await house.daily() == (0, 0)
    records = await house.consents()
    question = await house.confirming.confirm(token)
    assert question is not None
    assert question.consents == ()
    dossier = await house.store.book.dossier(house.person())
    assert dossier.acts == (("maison", house.clock.now()),)
    assert await house.consents() == records


async def test_the_question_to_stay_ends_with_its_term(house: House) -> None:
    """R-FR-82."""
    await house.imported()
    await house.enrolling.ask_to_stay(LETTER, address(CLAIRE))
    token = await house.token()
    house.clock.advance(days=30)
    assert await house.confirming.confirm(token) is None


async def test_nobody_opposed_is_asked_whether_they_want_to_stay(house: House) -> None:
    await house.imported()
    await house.oppose(scope=Scope.STREAM, stream="offers")
    assert await house.enrolling.ask_to_stay(LETTER, address(CLAIRE)) is Asked.OPPOSED
