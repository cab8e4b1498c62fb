"""`POST /api/v1/oppositions` over a real store: partners by signature, tools by key; recorded or said not to be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.change import Errand, KeepOwnUnsubscribe, Learn, NotePassing
from gateway.core.evidence import Kind
from gateway.core.propagation import Notice, write_notice
from gateway.core.record import Block, Door, Scope, Transfer
from gateway.core.standard_webhook import ID, SIGNATURE, TIMESTAMP, WINDOW, signed
from gateway.edges.web.opposition_models import read_oppositions
from gateway.edges.web.partner_calls import MAX_NOTICE
from tests.support.api import SECRETS, Caller, calling
from tests.support.doors import LETTER, OFFERS, PARTNERS
from tests.support.people import consent

PATH = "/api/v1/oppositions"
PARTNER, STRANGER = PARTNERS
((SECRET,),) = SECRETS.values()
ANNE = "anne@example.com"


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with calling(tmp_path) as one:
        yield one


def notice(caller: Caller, address: str = ANNE, scope: Scope = Scope.ADVERTISER) -> bytes:
    return write_notice(Notice("opp_1", scope, "Fichier Plus SARL", caller.clock.now(), address))


async def tell(caller: Caller, body: bytes, message: str = "opp_1", key: bytes = SECRET, **headers: str) -> httpx.Response:
    """One signed message."""
    stamped = {"Content-Type": "application/json", **signed(key, message, caller.clock.now(), body), **headers}
    return await caller.client.post(PATH, content=body, headers=stamped)


async def oppositions(caller: Caller, address: str = ANNE) -> list[tuple[Scope, str, Door]]:
    """What stands against somebody."""
    found = await caller.store.book.oppositions(caller.person(address))
    assert all(one.block is Block.OPPOSED for one in found)
    return [(one.scope, one.advertiser, one.door) for one in found]


async def know(caller: Caller, advertiser: str = "acme", source: str = "Fichier Plus SARL", address: str = ANNE) -> None:
    """Somebody's record, got from a partner."""
    record = consent(caller.person(address), advertiser=advertiser, source=source)
    await caller.store.book.commit((), [Learn(record, b"sealed")])


# Partners


async def test_a_partner_is_believed_by_its_signature_and_given_a_receipt(caller: Caller) -> None:
    """R-FR-35, R-FR-37: effective at once, origin on record."""
    await know(caller)
    answer = await tell(caller, notice(caller))
    assert answer.status_code == 200
    receipt = answer.json()["receipt"]
    assert receipt.startswith("rcp_")
    assert await oppositions(caller) == [(Scope.ADVERTISER, "acme", Door.PARTNER)]
    (event,) = [one for one in await caller.events() if one.kind is Kind.OPPOSITION]
    assert event.door == "partner"
    assert f"from={PARTNER.name}; receipt={receipt}" in event.detail
    assert "R-FR-56" in event.rules
    (record,) = await caller.records()
    assert record.withdrawn_at is not None


async def test_the_same_message_again_is_the_same_receipt_and_nothing_else(caller: Caller) -> None:
    """R-FR-37."""
    await know(caller)
    first = await tell(caller, notice(caller))
    before = (await caller.events(), await caller.store.outbox.pending(), await oppositions(caller))
    for _ in range(3):
        caller.clock.advance(3600)
        again = await tell(caller, notice(caller))
        assert (again.status_code, again.json()) == (200, first.json())
    assert (await caller.events(), await caller.store.outbox.pending(), await oppositions(caller)) == before


async def test_many_at_once_of_the_same_message_are_one(caller: Caller) -> None:
    """R-FR-37."""
    answers = await asyncio.gather(*(tell(caller, notice(caller)) for _ in range(10)))
    assert len({answer.text for answer in answers}) == 1
    assert len([one for one in await caller.events() if one.kind is Kind.OPPOSITION]) == 1


async def test_a_new_message_about_what_stands_is_acknowledged_and_told_to_nobody(caller: Caller) -> None:
    """R-FR-35: so loops end."""
    await caller.oppose(ANNE)
    await know(caller)
    answer = await tell(caller, notice(caller))
    assert answer.status_code == 200
    assert await caller.store.outbox.pending() == []
    assert await oppositions(caller) == [(Scope.ADVERTISER, "acme", Door.LINK)]
    (event,) = [one for one in await caller.events() if one.kind is Kind.PROPAGATION]
    assert (event.outcome, event.rules) == ("heard-again", ("R-FR-37",))


async def test_who_told_us_is_not_told_back_and_every_other_holder_is(caller: Caller) -> None:
    """R-FR-35: the collector passes it on; the tool's own list too (R-FR-51)."""
    person, at = caller.person(ANNE), caller.clock.now()
    await know(caller)
    await caller.store.book.commit(
        (),
        [
            NotePassing(Transfer(person, "acme", STRANGER.name, "lettre mensuelle", "", at)),
            NotePassing(Transfer(person, "acme", PARTNER.name, "lettre mensuelle", "", at)),
            KeepOwnUnsubscribe(person, OFFERS.name, b"sealed", at),
        ],
    )
    await tell(caller, notice(caller))
    assert [(one.errand, one.partner) for one in await caller.store.outbox.pending()] == [(Errand.TOOL, OFFERS.name)]


async def test_only_the_advertisers_that_share_the_person_are_opposed(caller: Caller) -> None:
    await know(caller, "acme")
    await know(caller, "other", "direct")
    await tell(caller, notice(caller))
    assert await oppositions(caller) == [(Scope.ADVERTISER, "acme", Door.PARTNER)]


@pytest.mark.parametrize("scope", list(Scope))
async def test_somebody_nobody_has_on_record_is_opposed_everywhere(caller: Caller, scope: Scope) -> None:
    """R-FR-35: to stop too much is the safe reading; the same address imported later stays refused."""
    await tell(caller, notice(caller, "never.seen@example.org", scope))
    assert await oppositions(caller, "never.seen@example.org") == [(Scope.ALL, "", Door.PARTNER)]


async def test_an_opposition_to_everything_reaches_everything(caller: Caller) -> None:
    await know(caller)
    await tell(caller, notice(caller, scope=Scope.ALL))
    assert await oppositions(caller) == [(Scope.ALL, "", Door.PARTNER)]


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE: "v1,AAAA"},
        {SIGNATURE: ""},
        {ID: "another"},
        {TIMESTAMP: "1"},
        {ID: "x" * 200},
    ],
)
async def test_an_unknown_signature_is_401_and_changes_nothing(caller: Caller, headers: dict[str, str]) -> None:
    """R-FR-37."""
    answer = await tell(caller, notice(caller), **headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await oppositions(caller), await caller.store.outbox.pending()) == ([], [])
    assert not [one for one in await caller.events() if one.kind is Kind.OPPOSITION]


async def test_another_secret_and_a_changed_body_are_401(caller: Caller) -> None:
    """R-FR-37."""
    assert (await tell(caller, notice(caller), key=b"not the secret that is shared")).status_code == 401
    headers = {"Content-Type": "application/json", **signed(SECRET, "opp_1", caller.clock.now(), notice(caller))}
    assert (await caller.client.post(PATH, content=notice(caller, "zoe@example.com"), headers=headers)).status_code == 401
    assert await oppositions(caller) == []


async def test_what_was_overheard_cannot_be_said_again_later(caller: Caller) -> None:
    """R-FR-37: the replay window."""
    body = notice(caller)
    headers = {"Content-Type": "application/json", **signed(SECRET, "opp_1", caller.clock.now(), body)}
    caller.clock.advance(WINDOW.total_seconds() + 1)
    assert (await caller.client.post(PATH, content=body, headers=headers)).status_code == 401


async def test_guessing_is_slowed_down_and_the_right_signature_still_heard(caller: Caller) -> None:
    statuses = [(await tell(caller, notice(caller), **{SIGNATURE: "v1,AAAA"})).status_code for _ in range(80)]
    assert set(statuses) == {401, 429}
    assert (await tell(caller, notice(caller))).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'"opposition"',
        b'{"type":"consent","timestamp":"2026-03-02","data":{"scope":"all","address":"a@example.com"}}',
        b'{"type":"opposition","timestamp":"2026-03-02","data":{"scope":"all"}}',
        b'{"type":"opposition","timestamp":"2026-03-02","data":{"scope":"some","address":"a@example.com"}}',
        b'{"type":"opposition","timestamp":"2026-03-02","data":{"scope":"all","address":"nonsense"}}',
        b'{"type":"opposition","timestamp":"2026-03-02","data":{"scope":"all","address":"@example.com"}}',
        b'{"type":"opposition","timestamp":"2026-03-02","data":{"scope":"all","hmac_sha256":"xyz"}}',
        b'{"type":"opposition","timestamp":"2026-03-02","data":{"scope":"all","hmac_sha256":"' + b"a" * 64 + b'"}}',
        b'{"type":"opposition","timestamp":"x","data":{"scope":"all","address":"a@example.com","hmac_sha256":"'
        + b"a" * 64
        + b'"}}',
        b"\xff\xfe",
    ],
)
async def test_a_signed_body_that_says_nothing_is_422_and_changes_nothing(caller: Caller, body: bytes) -> None:
    answer = await tell(caller, body)
    assert answer.status_code == 422
    assert "example.com" not in answer.text
    assert await caller.store.book.oppositions() == []


async def test_a_body_that_is_too_long_is_refused(caller: Caller) -> None:
    assert (await tell(caller, b" " * (MAX_NOTICE + 1))).status_code == 413


async def test_what_is_not_recorded_is_503(caller: Caller) -> None:
    """R-FR-37: the partner comes again."""
    await caller.store.close()
    answer = await tell(caller, notice(caller))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_a_date_that_lies_ahead_is_today(caller: Caller) -> None:
    body = write_notice(Notice("opp_1", Scope.ALL, "", caller.clock.now() + timedelta(days=300), ANNE))
    await tell(caller, body)
    (one,) = await caller.store.book.oppositions(caller.person(ANNE))
    assert one.at == caller.clock.now()


async def test_what_we_do_not_know_in_a_message_is_left_alone(caller: Caller) -> None:
    told = json.loads(notice(caller))
    told["more"], told["data"]["more"] = 1, {"x": 2}
    assert (await tell(caller, json.dumps(told).encode())).status_code == 200


# Tools, by key


async def rows(caller: Caller, *given: dict[str, object], bearer: str | None = None) -> list[dict[str, object]]:
    """Verdicts on these rows."""
    answer = await caller.post(PATH, {"oppositions": given}, bearer)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert sum(told["counts"].values()) == len(given)
    verdicts: list[dict[str, object]] = told["verdicts"]
    return verdicts


async def test_each_row_has_a_verdict_of_its_own(caller: Caller) -> None:
    """R-FR-56, R-FR-63, R-FR-66."""
    verdicts = await rows(
        caller,
        {"address": ANNE, "advertiser": "acme", "at": "2026-01-05"},
        {"address": ANNE, "advertiser": "acme"},
        {"address": ANNE, "stream": LETTER.name},
        {"address": ANNE, "scope": "all"},
        {"address": "@example.net", "advertiser": "acme"},
        {"address": "0" * 64, "advertiser": "acme"},
        {"address": "nonsense", "advertiser": "acme"},
        {"address": ANNE},
        {"address": ANNE, "advertiser": "nobody"},
        {"address": ANNE, "stream": "nothing"},
        {"address": ANNE, "scope": "everything"},
        {"address": 7},
        {"address": ANNE, "advertiser": "acme", "colour": "red"},
        {"address": "b@example.com", "advertiser": "acme", "at": "some day"},
    )
    assert [(one["verdict"], one.get("reason"), one.get("field")) for one in verdicts] == [
        ("recorded", None, None),
        ("known", None, None),
        ("recorded", None, None),
        ("recorded", None, None),
        ("recorded", None, None),
        ("recorded", None, None),
        ("rejected", "BAD-ADDRESS", "address"),
        ("rejected", "UNKNOWN-ADVERTISER", "advertiser"),
        ("rejected", "UNKNOWN-ADVERTISER", "advertiser"),
        ("rejected", "NOT-A-CHOICE", "stream"),
        ("rejected", "NOT-A-CHOICE", "scope"),
        ("rejected", "NOT-A-TEXT", "address"),
        ("rejected", "UNKNOWN-COLUMN", "colour"),
        ("recorded", None, None),
    ]
    assert {one[0] for one in await oppositions(caller)} == {Scope.ADVERTISER, Scope.STREAM, Scope.ALL}
    assert await caller.store.book.has_hashes()


async def test_the_same_rows_again_change_nothing(caller: Caller) -> None:
    await know(caller)
    given = [{"address": f"p{number}@example.com", "advertiser": "acme"} for number in range(70)]
    assert {one["verdict"] for one in await rows(caller, *given)} == {"recorded"}
    before = len(await caller.events()), len(await caller.store.outbox.pending())
    assert {one["verdict"] for one in await rows(caller, *given)} == {"known"}
    assert (len(await caller.events()), len(await caller.store.outbox.pending())) == before


async def test_a_row_is_told_to_partners_and_says_which_key_wrote_it(caller: Caller) -> None:
    """R-FR-35."""
    await know(caller)
    await rows(caller, {"address": ANNE, "advertiser": "acme", "at": "2020-01-05"})
    (note,) = await caller.store.outbox.pending()
    assert (note.partner, note.at) == (PARTNER.name, caller.clock.now())
    (event,) = [one for one in await caller.events() if one.kind is Kind.OPPOSITION]
    assert (event.door, "key=crm" in event.detail) == ("api", True)
    (one,) = await caller.store.book.oppositions(caller.person(ANNE))
    assert one.at.year == 2020


async def test_a_key_speaks_for_its_advertisers_only(caller: Caller) -> None:
    bearer = await caller.key("shop", "oppositions", advertisers=("acme",))
    verdicts = await rows(
        caller,
        {"address": ANNE},
        {"address": ANNE, "advertiser": "other"},
        {"address": ANNE, "scope": "all"},
        bearer=bearer,
    )
    assert [(one["verdict"], one.get("field")) for one in verdicts] == [
        ("recorded", None),
        ("rejected", "advertiser"),
        ("rejected", "scope"),
    ]


async def test_a_key_for_other_things_opens_nothing_here(caller: Caller) -> None:
    bearer = await caller.key("shop", "consents", "acts")
    assert (await caller.post(PATH, {"oppositions": [{"address": ANNE}]}, bearer)).status_code == 403
    assert (await caller.post(PATH, {"oppositions": [{"address": ANNE}]}, "nobody.at-all")).status_code == 401


@pytest.mark.parametrize("body", [{"consents": []}, {"oppositions": {}}, {"oppositions": [7]}, {"oppositions": [], "x": 1}, [], {}])
async def test_a_body_of_another_shape_records_nothing(caller: Caller, body: object) -> None:
    assert (await caller.post(PATH, body)).status_code == 422
    assert await caller.store.book.oppositions() == []


@given(
    st.lists(st.dictionaries(st.sampled_from(["address", "scope", "advertiser", "at", "x"]), st.none() | st.text() | st.integers()))
)
def test_rows_of_any_shape_are_read_or_refused(given_rows: list[dict[str, object]]) -> None:
    assert len(read_oppositions(given_rows)) == len(given_rows)
