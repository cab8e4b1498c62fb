"""The shapes of the HTTP API's bodies, as pydantic models: what comes in is checked against them, OpenAPI is made of them.

Only types are checked here; what a cell may say is `core.columns`' business, the same for files and for the API.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr
from pydantic.config import JsonDict

from gateway.core.columns import CLAIMABLE, COVERS, MAX_TEXT, MAX_WORDING
from gateway.core.record import Audience, Entity, RelationKind
from gateway.core.register import PRESENTATIONS
from gateway.flow.acts import Noted
from gateway.flow.claims import State

Answer = StrictStr | None
YesNo = StrictBool | StrictStr | None
_LONGEST: JsonDict = {"maxLength": MAX_TEXT}
_DATE: JsonDict = {"examples": ["2026-01-05T10:00:00+01:00"]}


def _text(says: str) -> Answer:
    return Field(default=None, description=says, json_schema_extra=_LONGEST)


def _date(says: str) -> Answer:
    return Field(default=None, description=f"{says} ISO 8601 with its offset.", json_schema_extra=_DATE)


def _one_of(says: str, words: tuple[str, ...]) -> Answer:
    return Field(default=None, description=f"{says} One of: {', '.join(words)}.")


def _yes(says: str) -> YesNo:
    return Field(default=None, description=says)


class Shape(BaseModel):
    """What all bodies share: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ConsentRow(Shape):
    """One record for the register; its fields are the columns of `gateway consent import`."""

    address: Annotated[StrictStr, Field(description="The person's address.", json_schema_extra={"maxLength": 320})]
    advertiser: Annotated[StrictStr, Field(description="To whom it was given.", json_schema_extra=_LONGEST)]
    audience: Annotated[StrictStr, Field(description=f"One of: {', '.join(Audience)}.")]
    basis: Annotated[StrictStr, Field(description=f"One of: {', '.join(CLAIMABLE)}.")]
    source: Annotated[
        StrictStr, Field(description="`direct`, a partner's name, or where the address came from.", json_schema_extra=_LONGEST)
    ]
    purpose: Answer = _text("What it was given for, as the stream's purpose says it.")
    collected_at: Answer = _date("When the person acted.")
    action: Answer = _text("What the person did: checkbox-ticked, doi-confirmed, api, manual, bulk...")
    wording: Answer = Field(
        default=None,
        description="The words as they were shown, to the character: they are kept and hashed.",
        json_schema_extra={"maxLength": MAX_WORDING},
    )
    wording_id: Answer = _text("Your name of that wording.")
    language: Answer = _text("The wording's language, such as fr or fr-CA.")
    form: Answer = _text("The page or paper it stood on.")
    writer: Answer = _text("The tool or operator that wrote it; the key's name where nothing is said.")
    batch: Answer = _text("The evidence of a mass change; `bulk` without it is unproven (R-FR-41).")
    covers: Answer = _one_of("Which box: `both` are two boxes ticked each, `combined` one box for both.", COVERS)
    partner_list_version: Answer = _text("The version of the partner list that was shown.")
    presentation: Answer = _one_of("How the partner list was shown.", PRESENTATIONS)
    prechecked: YesNo = _yes("The box was ticked beforehand: no consent (R-FR-05).")
    bundled_with_prize: YesNo = _yes("It was the price of a game: no consent (R-FR-05).")
    asked_at: Answer = _date("When the confirmation was asked.")
    confirmed_at: Answer = _date("When a double opt-in was confirmed.")
    withdrawn_at: Answer = _date("When it was withdrawn; kept as proof.")
    notice_sent_at: Answer = _date("When the person was told where the address came from.")
    acquired_at: Answer = _date("When an address that did not come from the person reached the advertiser.")
    last_contact_at: Answer = _date("When the person last did something themselves: an order, a reply; not an opening.")
    function: Answer = _text("A professional's function.")
    professional_proof: Answer = _text("What shows that the address is used for work.")
    product_family: Answer = _text("The kind of products.")
    relation: Answer = _one_of("The dealings the address was collected in.", tuple(RelationKind))
    relation_at: Answer = _date("When they last were.")
    relation_by: Answer = _text("With whom, where not with the advertiser.")
    relation_ended_at: Answer = _date("When they ended.")
    optout_offered: YesNo = _yes("Refusing was offered when the address was collected.")
    country: Answer = Field(default=None, description="ISO 3166-1 alpha-2.", examples=["FR"])
    entity: Answer = _one_of("What stands behind a professional address.", tuple(one for one in Entity if one))
    minor: YesNo = _yes("The person is below the pack's age.")
    parental_consent: YesNo = _yes("A holder of parental authority consented too.")
    explicit: YesNo = _yes("The consent was given in so many words.")
    published: YesNo = _yes("The holder published the address without refusing advertising.")


class Consents(Shape):
    """The body of a call: this member alone."""

    consents: Annotated[list[ConsentRow], Field(max_length=10_000)]


class RowVerdict(Shape):
    """What became of one row."""

    verdict: State
    missing: Annotated[list[str], Field(description="What its proof lacks; not usable for sending until it is there.")] = []
    reason: Annotated[str, Field(description="Why it was rejected, as a token.")] = ""
    field: Annotated[str, Field(description="The field at fault.")] = ""
    combined: Annotated[bool, Field(description="One box for both: kept for the advertiser alone (R-FR-21).")] = False


class ConsentsAnswer(Shape):
    """One verdict for each row, in order, and how many of each."""

    verdicts: list[RowVerdict]
    counts: dict[State, int]


class Act(Shape):
    """Something a person did themselves: an order, a reply; never an opening (R-FR-81)."""

    address: Annotated[StrictStr, Field(max_length=320)]
    advertiser: Annotated[StrictStr, Field(max_length=MAX_TEXT)]
    at: Annotated[StrictStr, Field(max_length=40, description="ISO 8601 with its offset.", examples=["2026-01-05T10:00:00+01:00"])]


class ActAnswer(Shape):
    """What became of an act."""

    verdict: Noted


class Problem(Shape):
    """Why a call was refused (RFC 9457); never a word of what was sent."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
