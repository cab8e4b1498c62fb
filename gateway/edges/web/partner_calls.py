"""Takes what partners tell us over HTTP, signed as Standard Webhooks says (R-FR-37). Recorded first, then answered.

Which partner speaks is found by whose secret made the signature; an unknown one learns nothing and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from gateway.core.model import Partner
from gateway.core.propagation import Notice
from gateway.core.standard_webhook import ID, SIGNATURE, genuine
from gateway.edges.web.gate import HEADERS, problem, small_body
from gateway.edges.web.opposition_models import PartnerNotice, PartnerReceipt
from gateway.edges.web.public import Failures
from gateway.flow.administer import Refused
from gateway.flow.opposition_list import read_date
from gateway.flow.partner_door import PartnerDoor
from gateway.flow.ports import Clock, Unavailable
from gateway.flow.telling import Line

MAX_NOTICE = 8192
AT_ONCE = 8
PATIENCE = 10.0


class PartnerCalls:
    """The door for partners; `lines` are all configured ones, with their secrets."""

    def __init__(self, door: PartnerDoor, lines: Mapping[str, Line], clock: Clock) -> None:
        self._door = door
        self._lines = [line for line in lines.values() if line.keys]
        self._clock = clock
        self._failures = Failures(clock)
        self._slots = asyncio.Semaphore(AT_ONCE)

    def signed(self, request: Request) -> bool:
        """Whether a call claims to be a partner's."""
        return SIGNATURE in request.headers

    async def take(self, request: Request) -> Response:
        """One message."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._slots.acquire()
        except TimeoutError:
            return problem(503, "Too many calls at once, try again.")
        try:
            body = await small_body(request, MAX_NOTICE)
            return body if isinstance(body, Response) else await self._answer(request, body)
        except Unavailable:
            return problem(503, "It is not recorded, try again.")
        finally:
            self._slots.release()

    async def _answer(self, request: Request, body: bytes) -> Response:
        partner = self._who(request.headers, body)
        if partner is None:
            if self._failures.too_many(request.client.host if request.client else ""):
                return problem(429, "Too many wrong signatures.")
            return problem(401, "The signature is nobody's, or the message too old.", {"WWW-Authenticate": "Bearer"})
        try:
            told = PartnerNotice.model_validate_json(body)
        except ValidationError:
            return problem(422, "The body is no opposition: type, timestamp and data with scope and address or hmac_sha256.")
        at = read_date(told.timestamp, self._clock.now())
        data = told.data
        if bool(data.address) == bool(data.hmac_sha256):
            return problem(422, "Either address or hmac_sha256 is to be said.")
        notice = Notice(data.id, data.scope, data.advertiser, at, data.address, data.hmac_sha256)
        receipt = await self._door.take(partner, request.headers[ID], notice)
        if isinstance(receipt, Refused):
            return problem(422, receipt.sentence)
        return Response(PartnerReceipt(receipt=receipt).model_dump_json(), 200, HEADERS, "application/json")

    def _who(self, headers: Mapping[str, str], body: bytes) -> Partner | None:
        now = self._clock.now()
        found = [line.partner for line in self._lines if genuine(line.keys, headers, body, now)]
        return found[0] if found else None
