"""An opposition on its way in."""

from __future__ import annotations

import pytest

from gateway.core.change import Learn
from gateway.core.record import Audience, Basis, Consent, Door, Scope, Who
from gateway.core.token import mint
from gateway.flow.ports import Unavailable
from tests.support.clock import START
from tests.support.doors import ANNE, GONE_TOKEN, KEYS, LETTER, PROBE_TOKEN, TOKEN, Doors

CONSENT = Consent(
    ANNE, "acme", "lettre mensuelle", Audience.CONSUMER, Basis.CONSENT, "direct", START, "ticked box", "I want the letter"
)


async def test_opposition_is_in_the_book_before_the_answer() -> None:
    doors = Doors()
    done = await doors.way_back().oppose(TOKEN, None, Door.ONE_CLICK)
    assert done is not None
    assert done.scope is Scope.ADVERTISER
    (facts,) = await doors.book.facts("acme", [Who(ANNE)])
    assert [one.scope for one in facts.oppositions] == [Scope.ADVERTISER]
    assert [note.partner for note in await doors.book.pending()] == ["Fichier+"]
    assert doors.tally.doors == ["one-click"]


async def test_repeats_get_the_same_answer_and_add_nothing() -> None:
    doors = Doors()
    first = await doors.way_back().oppose(TOKEN, None, Door.ONE_CLICK)
    doors.clock.advance(days=400)
    for door in (Door.LINK, Door.MAILTO, Door.ONE_CLICK):
        assert await doors.way_back().oppose(TOKEN.upper(), None, door) == first
    assert len(doors.book.events) == 1
    assert len(await doors.book.pending()) == 1
    assert [one.at for one in await doors.book.oppositions(ANNE)] == [START]


async def test_opposing_again_after_a_newer_consent_withdraws_it() -> None:
    doors = Doors()
    await doors.way_back().oppose(TOKEN, None, Door.LINK)
    await doors.book.commit([], [Learn(CONSENT, b"sealed")])
    await doors.way_back().oppose(TOKEN, None, Door.LINK)
    (facts,) = await doors.book.facts("acme", [Who(ANNE)])
    assert [consent.withdrawn_at for consent in facts.consents] == [START]
    assert len(doors.book.events) == 2


async def test_a_second_and_wider_choice_is_recorded_too() -> None:
    doors = Doors()
    await doors.way_back().oppose(TOKEN, Scope.STREAM, Door.LINK)
    await doors.way_back().oppose(TOKEN, Scope.ADVERTISER, Door.LINK)
    assert {one.scope for one in await doors.book.oppositions(ANNE)} == {Scope.STREAM, Scope.ADVERTISER}


@pytest.mark.parametrize("fault", ["down", "read_only"])
async def test_what_is_not_recorded_is_never_answered_as_done(fault: str) -> None:
    doors = Doors()
    setattr(doors.book, fault, True)
    with pytest.raises(Unavailable):
        await doors.way_back().oppose(TOKEN, None, Door.ONE_CLICK)
    assert doors.tally.doors == []


async def test_forged_tokens_oppose_nobody() -> None:
    doors = Doors()
    for text in ("", "x", TOKEN[:-1], TOKEN + "a", TOKEN[:-1] + ("b" if TOKEN[-1] != "b" else "c"), "é" * 56):
        assert doors.way_back().who_is(text) is None
        assert await doors.way_back().oppose(text, None, Door.LINK) is None
    assert doors.book.changes == []


async def test_tokens_made_with_an_older_key_still_stop_the_mail() -> None:
    doors = Doors()
    old = mint(type(KEYS)(0, KEYS.secrets), LETTER.number, ANNE)
    assert old != TOKEN
    assert await doors.way_back().oppose(old, None, Door.LINK) is not None
    assert len(await doors.book.oppositions(ANNE)) == 1


async def test_a_link_of_a_stream_that_is_gone_still_stops_the_mail() -> None:
    doors = Doors()
    done = await doors.way_back().oppose(GONE_TOKEN, Scope.STREAM, Door.LINK)
    assert done is not None
    assert (done.scope, done.stream) == (Scope.ALL, None)
    (facts,) = await doors.book.facts("any", [Who(ANNE)])
    assert len(facts.oppositions) == 1


async def test_the_probe_writes_durably_and_opposes_nobody() -> None:
    doors = Doors()
    done = await doors.way_back().oppose(PROBE_TOKEN, None, Door.ONE_CLICK)
    assert done is not None
    assert done.probe
    assert doors.book.probes == [START]
    assert doors.book.changes == []
    assert doors.book.events == []
