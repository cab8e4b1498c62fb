"""The shapes of `POST /api/v1/oppositions`: rows of a tool, the message of a partner, and both answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictStr, ValidationError

from gateway.core.columns import MAX_TEXT, RowFault
from gateway.core.record import Scope
from gateway.edges.web.api_models import Shape
from gateway.edges.web.rows_body import fault_of
from gateway.flow.opposition_rows import OppositionRow, Verdict

Cell = StrictStr | None


class OppositionShape(Shape):
    """One person, one address's hash, or a whole @domain that must not be mailed."""

    address: Annotated[
        StrictStr,
        Field(max_length=320, description="An address, its MD5 or SHA-256 in hexadecimal, or `@domain`."),
    ]
    scope: Annotated[Cell, Field(max_length=40, description=f"One of: {', '.join(Scope)}. The advertiser by default.")] = None
    advertiser: Annotated[Cell, Field(max_length=MAX_TEXT, description="Whose mail; needed where there are several.")] = None
    stream: Annotated[Cell, Field(max_length=MAX_TEXT, description="Only this stream.")] = None
    at: Annotated[Cell, Field(max_length=40, description="Since when, ISO 8601; today by default.")] = None


def read_oppositions(rows: Sequence[dict[str, object]]) -> list[OppositionRow | RowFault]:
    """Rows of that shape, or what is wrong with their types."""
    read: list[OppositionRow | RowFault] = []
    for row in rows:
        try:
            one = OppositionShape.model_validate(row)
        except ValidationError as fault:
            read.append(fault_of(fault))
        else:
            rest = ((cell or "").strip() for cell in (one.scope, one.advertiser, one.stream, one.at))
            read.append(OppositionRow(one.address, *rest))
    return read


class Oppositions(Shape):
    """The body of a tool's call: this member alone."""

    oppositions: Annotated[list[OppositionShape], Field(max_length=10_000)]


class OppositionVerdict(Shape):
    """What became of one row."""

    verdict: Verdict
    reason: Annotated[str, Field(description="Why it was rejected, as a token.")] = ""
    field: Annotated[str, Field(description="The field at fault.")] = ""


class OppositionsAnswer(Shape):
    """One verdict for each row, in order, and how many of each."""

    verdicts: list[OppositionVerdict]
    counts: dict[Verdict, int]


class Lenient(BaseModel):
    """What other houses write: what we do not know is left alone."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class NoticeData(Lenient):
    """Whom, how far: `address`, or `hmac_sha256` where a key for hashes is shared."""

    id: Annotated[StrictStr, Field(max_length=128)] = ""
    scope: Scope
    advertiser: Annotated[StrictStr, Field(max_length=MAX_TEXT, description="Legal name of whose advertising is opposed.")] = ""
    address: Annotated[StrictStr, Field(max_length=320)] = ""
    hmac_sha256: Annotated[StrictStr, Field(pattern=r"^(?:[0-9A-Fa-f]{64})?$")] = ""


class PartnerNotice(Lenient):
    """A partner's message, signed as Standard Webhooks says: `timestamp` is when the person opposed."""

    type: Literal["opposition"]
    timestamp: Annotated[StrictStr, Field(max_length=40)]
    data: NoticeData


class PartnerReceipt(Shape):
    """What a partner may show for it: the same for the same `webhook-id`."""

    receipt: str


class OppositionsBody(RootModel[Oppositions | PartnerNotice]):
    """Rows with a key, or a partner's signed message."""


class OppositionsGiven(RootModel[OppositionsAnswer | PartnerReceipt]):
    """Verdicts, or a receipt."""
