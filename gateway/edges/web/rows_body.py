"""Takes the body of a call with many rows, whole or not at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.core.columns import RowFault, RowReason
from gateway.edges.web.gate import BODY_PATIENCE, problem
from gateway.edges.web.rows_json import PIECE, Malformed, RowsReader, TooMany

MAX_ROWS = 10_000
MAX_BODY = 16 * 1024 * 1024
_FIELD = re.compile(r"[a-z_]{1,40}")


async def read_rows(request: Request, member: str) -> Sequence[dict[str, object]] | Response:
    """Every row of the body, or the refusal; nothing is recorded of a body that is not whole."""
    reader, size = RowsReader(MAX_ROWS, member), 0
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    return problem(413, f"The body is longer than {MAX_BODY} octets.")
                # What came in at once may be hundreds of rows: they are read a few at a time.
                for start in range(0, len(chunk), PIECE):
                    reader.feed(chunk[start : start + PIECE])
                    await asyncio.sleep(0)
        reader.end()
    except TooMany:
        return problem(413, f"A call holds {MAX_ROWS} rows at most.")
    except Malformed as fault:
        return problem(422, fault.detail)
    except TimeoutError:
        return problem(408, "The body did not come in time.")
    except ClientDisconnect:
        return problem(400, "The body broke off.")
    return reader.rows


def fault_of(fault: ValidationError) -> RowFault:
    """What is wrong with a row's shape, and in which field."""
    first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    reasons = {"missing": RowReason.EMPTY, "extra_forbidden": RowReason.UNKNOWN_COLUMN, "string_too_long": RowReason.TOO_LONG}
    return RowFault(reasons.get(first["type"], RowReason.NOT_A_TEXT), field if _FIELD.fullmatch(field) else "")
