"""The HTTP API for tools: `POST /api/v1/consents`, `/acts` and `/oppositions`, and what describes them, `GET /api/v1/openapi.json`.

Rows are read, judged and committed in small groups, so that a call of ten thousand holds nobody up; every call may be repeated, and
then changes nothing. No opposition is ever lifted here (R-FR-64).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.core.address import Identity
from gateway.core.columns import RowFault
from gateway.core.record import ApiKey
from gateway.edges.web.api_models import Act, ActAnswer, ConsentRow, Consents, ConsentsAnswer
from gateway.edges.web.gate import HEADERS, Gate, problem, small_body
from gateway.edges.web.openapi import Operation, describe
from gateway.edges.web.opposition_models import OppositionsBody, OppositionsGiven, read_oppositions
from gateway.edges.web.partner_calls import PartnerCalls
from gateway.edges.web.rows_body import fault_of, read_rows
from gateway.flow.acts import note_act
from gateway.flow.api_keys import ApiKeys, May
from gateway.flow.claims import Finding, State
from gateway.flow.filing import Clerk, commit
from gateway.flow.opposition_rows import OppositionRows, Verdict
from gateway.flow.ports import Book, Clock, Compute, Unavailable

MAX_ACT = 8192
GROUP = 30
"""Rows that are read, judged and committed together."""

AT_ONCE = 2
PATIENCE = 10.0

OPERATIONS = (
    Operation(
        path="/api/v1/consents",
        method="post",
        name="record_consents",
        says="Record consents and other grounds, up to 10,000 a call; repeating it changes nothing.",
        may=May.CONSENTS,
        takes=Consents,
        gives=ConsentsAnswer,
        refuses=(400, 401, 403, 408, 413, 415, 422, 429, 503),
    ),
    Operation(
        path="/api/v1/acts",
        method="post",
        name="record_act",
        says="Note that a person did something themselves: an order, a reply; never an opening.",
        may=May.ACTS,
        takes=Act,
        gives=ActAnswer,
        refuses=(400, 401, 403, 408, 413, 415, 422, 429, 503),
    ),
    Operation(
        path="/api/v1/oppositions",
        method="post",
        name="record_oppositions",
        says="Record oppositions, up to 10,000 a call; or the one that a partner tells and signs. Repeating it changes nothing.",
        may=May.OPPOSITIONS,
        takes=OppositionsBody,
        gives=OppositionsGiven,
        refuses=(400, 401, 403, 408, 413, 415, 422, 429, 503),
        signed=True,
    ),
    Operation("/api/v1/openapi.json", "get", "openapi", "This description.", None, None, None, ()),
)


class Api:
    """The routes; `clerk` judges consents, `opposing` takes oppositions, `keys` says who calls, `partners` answers partners."""

    def __init__(
        self,
        book: Book,
        identity: Identity,
        clerk: Clerk,
        opposing: OppositionRows,
        partners: PartnerCalls,
        keys: ApiKeys,
        compute: Compute,
        clock: Clock,
    ) -> None:
        self._book = book
        self._identity = identity
        self._clerk = clerk
        self._opposing = opposing
        self._partners = partners
        self._gate = Gate(keys, clock)
        self._compute = compute
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._described = json.dumps(describe(OPERATIONS), ensure_ascii=False).encode()

    def routes(self) -> list[Route]:
        """One for each of `OPERATIONS`."""
        doors = {
            "record_consents": self.consents,
            "record_act": self.act,
            "record_oppositions": self.oppositions,
            "openapi": self.openapi,
        }
        return [Route(one.path, doors[one.name], methods=[one.method.upper()]) for one in OPERATIONS]

    async def openapi(self, _: Request) -> Response:
        """OpenAPI 3.1, made of the very models that check the bodies."""
        return Response(self._described, 200, HEADERS, "application/json")

    async def act(self, request: Request) -> Response:
        """One act of one person (R-FR-80)."""
        try:
            key = await self._admitted(request, May.ACTS)
            if isinstance(key, Response):
                return key
            body = await small_body(request, MAX_ACT)
            return body if isinstance(body, Response) else await self._act(key, body)
        except Unavailable:
            return problem(503, "It cannot be recorded now, try again.")

    async def _act(self, key: ApiKey, body: bytes) -> Response:
        try:
            act = Act.model_validate_json(body)
        except ValidationError:
            return problem(422, "The body is no act: address, advertiser and at, each a text.")
        if not self._clerk.serves(act.advertiser, key.advertisers):
            return problem(403, "This key does not speak for that advertiser.")
        done = await note_act(self._book, self._identity, self._clock, act.address, act.advertiser, act.at, key.name)
        if isinstance(done, RowFault):
            return problem(422, f"{done.reason.value} {done.field}")
        return Response(ActAnswer(verdict=done).model_dump_json(), 200, HEADERS, "application/json")

    async def consents(self, request: Request) -> Response:
        """Many rows, each with a verdict of its own, in their order."""
        return await self._many(request, May.CONSENTS, self._consent)

    async def oppositions(self, request: Request) -> Response:
        """Many rows with a key; or one message, signed by a partner (R-FR-37)."""
        if self._partners.signed(request):
            return await self._partners.take(request)
        return await self._many(request, May.OPPOSITIONS, self._oppose)

    async def _many(self, request: Request, may: May, work: Callable[[Request, ApiKey], Awaitable[Response]]) -> Response:
        try:
            key = await self._admitted(request, may)
            if isinstance(key, Response):
                return key
            async with asyncio.timeout(PATIENCE):
                await self._slots.acquire()
        except TimeoutError:
            return problem(503, "Too many calls at once, try again.")
        except Unavailable:
            return problem(503, "It cannot be recorded now, try again.")
        try:
            return await work(request, key)
        except Unavailable:
            return problem(503, "Not all rows could be recorded, send them again.")
        finally:
            self._slots.release()

    async def _admitted(self, request: Request, may: May) -> ApiKey | Response:
        key = await self._gate.admit(request, may)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if isinstance(key, ApiKey) and kind != "application/json":
            return problem(415, "The body is to be application/json.")
        return key

    async def _consent(self, request: Request, key: ApiKey) -> Response:
        rows = await read_rows(request, "consents")
        if isinstance(rows, Response):
            return rows
        told: list[str] = []
        counts = dict.fromkeys(State, 0)
        for start in range(0, len(rows), GROUP):
            cells = await self._compute.apart(partial(_cells, rows[start : start + GROUP]))
            filed = await self._clerk.weigh(await self._clerk.scan(cells, self._clock.now(), key.advertisers, key.name))
            await asyncio.sleep(0)
            await commit(self._book, filed)
            for finding in filed.findings:
                told.append(_verdict(finding))
                counts[finding.state] += 1
        return _answer(told, counts)

    async def _oppose(self, request: Request, key: ApiKey) -> Response:
        rows = await read_rows(request, "oppositions")
        if isinstance(rows, Response):
            return rows
        told: list[str] = []
        counts = dict.fromkeys(Verdict, 0)
        for start in range(0, len(rows), GROUP):
            read = await self._compute.apart(partial(read_oppositions, rows[start : start + GROUP]))
            for judged in await self._opposing.take(read, key):
                counts[judged.verdict] += 1
                told.append(json.dumps({"verdict": judged.verdict.value, **(_why(judged.fault) if judged.fault else {})}))
            await asyncio.sleep(0)
        return _answer(told, counts)


def _cells(rows: Sequence[dict[str, object]]) -> list[dict[str, str] | RowFault]:
    """Rows as an import would read them, or what is wrong with their types."""
    return [_row(row) for row in rows]


def _row(row: dict[str, object]) -> dict[str, str] | RowFault:
    try:
        whole = ConsentRow.model_validate(row)
    except ValidationError as fault:
        return fault_of(fault)
    return {name: _cell(value) for name, value in whole if value is not None}


def _cell(value: str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def _verdict(finding: Finding) -> str:
    told: dict[str, object] = {"verdict": finding.state.value}
    if finding.missing:
        told["missing"] = finding.missing
    if finding.fault:
        told |= _why(finding.fault)
    if finding.combined:
        told["combined"] = True
    return json.dumps(told)


def _why(fault: RowFault) -> dict[str, str]:
    return {"reason": fault.reason.value, "field": fault.field}


def _answer(told: Sequence[str], counts: Mapping[State, int] | Mapping[Verdict, int]) -> Response:
    """One verdict for each row, each encoded when it was made: encoding ten thousand at once would hold the loop."""
    body = f'{{"verdicts":[{",".join(told)}],"counts":{json.dumps(counts)}}}'
    return Response(body, 200, HEADERS, "application/json")
