"""The HTTP API: consents with a verdict for each row, acts of people, keys, and nothing of a body said back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.routing import Route

from gateway.core.columns import OPTIONAL, REQUIRED
from gateway.core.evidence import Kind
from gateway.core.record import Covers
from gateway.edges.web.api import OPERATIONS, Api
from gateway.edges.web.api_models import ConsentRow
from gateway.edges.web.gate import CALLS_A_MINUTE
from gateway.edges.web.rows_body import MAX_BODY, MAX_ROWS
from tests.support.api import ROW, Caller, calling

CONSENTS, ACTS = "/api/v1/consents", "/api/v1/acts"


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with calling(tmp_path) as one:
        yield one


def row(**changes: object) -> dict[str, object]:
    return ROW | changes


# Verdicts


async def test_each_row_has_a_verdict_of_its_own_in_order(caller: Caller) -> None:
    """R-FR-04, R-FR-05, R-FR-28, R-FR-40."""
    await caller.oppose("zoe@example.com")
    verdicts = await caller.consents(
        row(),
        row(address="b@example.com", wording=""),
        row(address="zoe@example.com"),
        row(address="c@example.com", prechecked=True),
        row(address="d@example.com", source="unknown"),
        row(address="nonsense"),
        row(),
        row(address="e@example.com", advertiser="nobody"),
        row(address="f@example.com", covers="combined"),
    )
    assert verdicts == [
        {"verdict": "recorded"},
        {"verdict": "unproven", "missing": ["wording"]},
        {"verdict": "stays-opposed"},
        {"verdict": "rejected", "reason": "NO-CONSENT-ACT", "field": "prechecked"},
        {"verdict": "rejected", "reason": "SOURCE-MISSING", "field": "source"},
        {"verdict": "rejected", "reason": "BAD-ADDRESS", "field": "address"},
        {"verdict": "known"},
        {"verdict": "rejected", "reason": "UNKNOWN-ADVERTISER", "field": "advertiser"},
        {"verdict": "recorded", "combined": True},
    ]


async def test_who_wrote_a_record_is_on_record(caller: Caller) -> None:
    """R-FR-40: the key's name, where the row does not say it."""
    await caller.consents(row(), row(address="b@example.com", writer="operator 7"))
    assert [(await caller.records(name))[0].proof.writer for name in ("anne@example.com", "b@example.com")] == ["crm", "operator 7"]
    assert {event.tool for event in await caller.events() if event.kind is Kind.CONSENT} == {"crm"}


async def test_the_same_call_again_changes_nothing(caller: Caller) -> None:
    rows = [row(address=f"p{number}@example.com", form="page 3", covers="both") for number in range(120)]
    first = await caller.consents(*rows)
    before = len(await caller.events())
    again = await caller.consents(*rows)
    assert {one["verdict"] for one in first} == {"unproven"}
    assert {one["verdict"] for one in again} == {"known"}
    assert len(await caller.events()) == before
    assert len(await caller.records("p7@example.com")) == 2


async def test_an_idempotency_key_is_accepted_and_not_needed(caller: Caller) -> None:
    headers = {"Authorization": f"Bearer {caller.bearer}", "Idempotency-Key": "1"}
    answers = [await caller.client.post(CONSENTS, json={"consents": [row()]}, headers=headers) for _ in range(2)]
    assert [one.json()["counts"]["known"] for one in answers] == [0, 1]


async def test_an_opposed_person_is_never_resurrected_by_the_api(caller: Caller) -> None:
    """R-FR-64."""
    await caller.oppose("anne@example.com")
    assert await caller.consents(row(), row(collected_at="2026-02-01")) == [{"verdict": "stays-opposed"}] * 2
    answer = await caller.post(ACTS, {"address": "anne@example.com", "advertiser": "acme", "at": "2026-03-01"})
    assert answer.json() == {"verdict": "recorded"}
    assert len(await caller.store.book.oppositions(caller.person("anne@example.com"))) == 1


async def test_a_withdrawn_row_ends_the_record_on_file(caller: Caller) -> None:
    """R-FR-45: kept as proof with its end, and never live again by a repetition."""
    ended = row(withdrawn_at="2026-02-01T00:00:00+01:00")
    assert await caller.consents(row()) == [{"verdict": "recorded"}]
    assert await caller.consents(ended) == [{"verdict": "recorded"}]
    assert await caller.consents(ended, ended) == [{"verdict": "known"}] * 2
    assert await caller.consents(row()) == [{"verdict": "known"}]
    assert [one.withdrawn_at is None for one in await caller.records()] == [False]


async def test_rows_that_contradict_each_other_are_told(caller: Caller) -> None:
    """The withdrawal counts; the row that denies it is refused, whichever comes first."""
    ended = row(withdrawn_at="2026-02-01")
    for rows in ((row(), ended), (ended, row())):
        verdicts = await caller.consents(*rows)
        assert {"verdict": "rejected", "reason": "CONTRADICTION", "field": "withdrawn_at"} in verdicts
    assert all(one.withdrawn_at for one in await caller.records())


async def test_two_boxes_are_two_records(caller: Caller) -> None:
    """R-FR-22, R-FR-26."""
    await caller.consents(row(covers="both", partner_list_version="7", presentation="link"))
    assert [(one.covers, one.missing) for one in await caller.records()] == [(Covers.OWN, ()), (Covers.PARTNERS, ())]


async def test_a_row_with_wrong_types_is_refused_by_field_and_others_go_on(caller: Caller) -> None:
    verdicts = await caller.consents(
        row(minor=3), row(wording=["x"]), row(colour="red"), {"address": "a@example.com"}, row(form="\ud800"), row()
    )
    assert [(one["verdict"], one.get("reason"), one.get("field")) for one in verdicts] == [
        ("rejected", "NOT-A-TEXT", "minor"),
        ("rejected", "NOT-A-TEXT", "wording"),
        ("rejected", "UNKNOWN-COLUMN", "colour"),
        ("rejected", "EMPTY", "advertiser"),
        ("rejected", "CHARACTER", "form"),
        ("recorded", None, None),
    ]


def test_the_api_takes_the_columns_of_an_import() -> None:
    assert set(ConsentRow.model_fields) == {*REQUIRED, *OPTIONAL}


# Keys


@pytest.mark.parametrize(
    "bearer", ["crm", "crm.", "crm.wrong", "nobody.secret-of-crm", "crm.secret-of-crm2", "é.é".encode().decode("latin-1")]
)
async def test_a_wrong_key_opens_nothing_and_all_look_alike(caller: Caller, bearer: str) -> None:
    answer = await caller.client.post(
        CONSENTS, json={"consents": [row()]}, headers={"Authorization": f"Bearer {bearer}".encode("latin-1")}
    )
    missing = await caller.client.post(CONSENTS, json={"consents": [row()]})
    assert answer.status_code == missing.status_code == 401
    assert answer.text == missing.text
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert await caller.records() == []


async def test_a_key_does_what_it_may_and_nothing_else(caller: Caller) -> None:
    acts = await caller.key("shop", "acts")
    assert (await caller.post(CONSENTS, {"consents": [row()]}, acts)).status_code == 403
    ours = await caller.key("ours", "consents", "acts", advertisers=("other",))
    answer = await caller.post(CONSENTS, {"consents": [row()]}, ours)
    assert answer.json()["verdicts"] == [{"verdict": "rejected", "reason": "UNKNOWN-ADVERTISER", "field": "advertiser"}]
    act = {"address": "anne@example.com", "advertiser": "acme", "at": "2026-03-01"}
    assert (await caller.post(ACTS, act, ours)).status_code == 403


async def test_an_ended_key_opens_nothing(caller: Caller) -> None:
    await caller.keys.revoke("crm")
    assert (await caller.post(CONSENTS, {"consents": []})).status_code == 401


async def test_a_key_that_calls_too_often_is_told_to_wait(caller: Caller) -> None:
    body = {"address": "x@example.com", "advertiser": "acme", "at": "2026-03-01"}
    for _ in range(CALLS_A_MINUTE):
        last = await caller.post(ACTS, body)
    assert last.status_code == 200
    answer = await caller.post(ACTS, body)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    caller.clock.advance(seconds=60)
    assert (await caller.post(ACTS, body)).status_code == 200


# Bodies


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"consents": 3}',
        b'{"consents": [3]}',
        b'{"consents": [{}',
        b'{"consents": [{}] ',
        b'{"consents": [{}], "more": 1}',
        b'{"consents": [{} {}]}',
        b'{"consents": [{"a": ]}',
        b'{"consents": ["secret@example.com"]}',
        b'{"consents": [{"address": "\xff"}]}',
        b'{"consents": [' + b'{"a":' * 50_000 + b"]}",
        b'{"consents": [{"wording": "' + b"x" * 200_000 + b'"}]}',
    ],
)
async def test_a_body_that_is_not_whole_records_nothing_and_is_not_said_back(caller: Caller, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {caller.bearer}", "Content-Type": "application/json"}
    answer = await caller.client.post(CONSENTS, content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    assert "secret" not in answer.text
    assert not [event for event in await caller.events() if event.kind is Kind.CONSENT]


async def test_a_body_cut_after_good_rows_records_none_of_them(caller: Caller) -> None:
    headers = {"Authorization": f"Bearer {caller.bearer}", "Content-Type": "application/json"}
    whole = json.dumps({"consents": [row(address=f"p{n}@example.com") for n in range(200)]}).encode()
    for cut in (len(whole) - 1, len(whole) - 2, len(whole) // 2):
        assert (await caller.client.post(CONSENTS, content=whole[:cut], headers=headers)).status_code == 422
    assert await caller.records("p0@example.com") == []
    spaced = whole.replace(b"}, {", b" } \n , \t { ").replace(b"[", b" [ ") + b"\n "
    answer = await caller.client.post(CONSENTS, content=_pieces(spaced), headers=headers)
    assert answer.json()["counts"]["recorded"] == 200


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    """The body in small pieces that cut characters and rows in two."""
    for start in range(0, len(body), 777):
        yield body[start : start + 777]


async def test_more_rows_or_octets_than_allowed_are_refused_whole(caller: Caller) -> None:
    answer = await caller.post(CONSENTS, {"consents": [{}] * (MAX_ROWS + 1)})
    assert answer.status_code == 413
    headers = {"Authorization": f"Bearer {caller.bearer}", "Content-Type": "application/json"}
    big = b'{"consents": [' + b",".join([b'{"wording": "' + b"x" * 60_000 + b'"}'] * (MAX_BODY // 60_000 + 1)) + b"]}"
    assert (await caller.client.post(CONSENTS, content=big, headers=headers)).status_code == 413


async def test_another_kind_of_body_is_refused(caller: Caller) -> None:
    headers = {"Authorization": f"Bearer {caller.bearer}", "Content-Type": "text/csv"}
    assert (await caller.client.post(CONSENTS, content=b"a,b", headers=headers)).status_code == 415


async def test_a_store_that_is_away_is_told_as_503(caller: Caller) -> None:
    await caller.store.close()
    answer = await caller.post(CONSENTS, {"consents": [row()]})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


# Acts


async def test_an_act_of_a_known_person_is_remembered_and_the_latest_counts(caller: Caller) -> None:
    """R-FR-80."""
    await caller.consents(row())
    told = []
    for at in ("2026-02-01T10:00:00+01:00", "2026-01-01", "2026-02-01T10:00:00+01:00", "2026-03-01"):
        told.append((await caller.post(ACTS, {"address": "anne@example.com", "advertiser": "acme", "at": at})).json()["verdict"])
    assert told == ["recorded", "known", "known", "recorded"]
    dossier = await caller.store.book.dossier(caller.person("anne@example.com"))
    assert [(name, at.isoformat()) for name, at in dossier.acts] == [("acme", "2026-03-01T00:00:00+00:00")]


async def test_of_somebody_unknown_no_act_is_kept(caller: Caller) -> None:
    answer = await caller.post(ACTS, {"address": "new@example.com", "advertiser": "acme", "at": "2026-03-01"})
    assert answer.json() == {"verdict": "unknown-person"}
    assert (await caller.store.book.dossier(caller.person("new@example.com"))).acts == ()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"address": "a", "advertiser": "acme", "at": "2026-03-01"},
        {"address": "a@example.com", "advertiser": "acme", "at": "9999-03-01"},
        {"address": "a@example.com", "advertiser": "acme", "at": "2026-03-01", "opened": True},
    ],
)
async def test_what_is_no_act_is_refused(caller: Caller, body: dict[str, object]) -> None:
    assert (await caller.post(ACTS, body)).status_code == 422


# Description


async def test_every_door_is_described_and_every_reference_leads_somewhere(caller: Caller) -> None:
    answer = await caller.client.get("/api/v1/openapi.json")
    told = answer.json()
    assert told["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(told["info"])
    served = {
        (one.path, method.lower())
        for one in Api.routes(_bare())
        if isinstance(one, Route)
        for method in one.methods or ()
        if method != "HEAD"
    }
    assert {(path, method) for path, methods in told["paths"].items() for method in methods} == served
    for reference in re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', json.dumps(told)):
        assert reference in told["components"]["schemas"]
    for path, methods in told["paths"].items():
        doors = [["key"], ["partner"]] if path == "/api/v1/oppositions" else [["key"]]
        for operation in methods.values():
            assert operation["operationId"]
            assert operation["summary"]
            assert "200" in operation["responses"]
            assert all(set(one) >= {"description", "content"} for one in operation["responses"].values())
            assert [list(need) for need in operation["security"]] == (doors if "requestBody" in operation else [])


def _bare() -> Api:
    """The routes alone: they need no state."""
    return object.__new__(Api)


async def test_what_the_api_answers_is_what_it_says(caller: Caller) -> None:
    schemas = (await caller.client.get("/api/v1/openapi.json")).json()["components"]["schemas"]
    answer = (await caller.post(CONSENTS, {"consents": [row(), row(address="x")]})).json()
    assert set(answer) == set(schemas["ConsentsAnswer"]["properties"])
    assert all(set(one) <= set(schemas["RowVerdict"]["properties"]) for one in answer["verdicts"])
    assert {one["verdict"] for one in answer["verdicts"]} <= set(schemas["State"]["enum"])
    assert set((await caller.post(ACTS, {})).json()) == set(schemas["Problem"]["properties"])
    assert len(OPERATIONS) == 4


# Load


async def test_many_calls_at_once_end_in_one_record_each(caller: Caller) -> None:
    rows = [row(address=f"p{number}@example.com") for number in range(100)]
    answers = await asyncio.gather(*(caller.post(CONSENTS, {"consents": rows}) for _ in range(6)))
    assert {one.status_code for one in answers} == {200}
    assert {len(await caller.records(f"p{number}@example.com")) for number in range(100)} == {1}
