"""Turns rows of the book's tables back into the words of the house; `changes` writes what this reads."""

from __future__ import annotations

import json
from datetime import datetime

from gateway.core.model import PersonKey, RefusalMode, Tool
from gateway.core.record import Audience, Basis, Block, Consent, Door, NoticeGiven, Opposition, Scope
from gateway.edges.store.database import Row
from gateway.edges.store.instant import instant, parsed

CONSENT_COLUMNS = (
    "person, advertiser, purpose, audience, basis, source, collected_at, action, wording, function, notice_sent_at,"
    " partner_list_version, product_family, professional_proof, withdrawn_at, missing, recorded_at"
)
NOTICE_COLUMNS = "person, advertiser, source, at, template"
OPPOSITION_COLUMNS = "person, block, scope, advertiser, stream, door, at"
"""What `consent`, `notice` and `opposition` below read from the left of a row; columns to the right of them are left alone."""

CONSENT = f"SELECT {CONSENT_COLUMNS}, sealed_address, id FROM consent"  # noqa: S608 our own words
OPPOSITION = f"SELECT {OPPOSITION_COLUMNS} FROM opposition"  # noqa: S608 our own words
TOOL = "SELECT name, secret_sha256, streams, refusal, created_at, revoked_at FROM tool"
"""What each reader below expects; a query adds its WHERE."""

# Ten times quicker than calling the enum, and a campaign reads a million rows.
_AUDIENCE = {one.value: one for one in Audience}
_BASIS = {one.value: one for one in Basis}
_BLOCK = {one.value: one for one in Block}
_SCOPE = {one.value: one for one in Scope}
_DOOR = {one.value: one for one in Door}


def consent(row: Row) -> Consent:
    """A row of `CONSENT`, its sealed address and number left alone."""
    return Consent(
        person=PersonKey(row[0]),
        advertiser=row[1],
        purpose=row[2],
        audience=_AUDIENCE[row[3]],
        basis=_BASIS[row[4]],
        source=row[5],
        collected_at=parsed(row[6]),
        action=row[7],
        wording=row[8],
        function=row[9],
        notice_sent_at=parsed(row[10]),
        partner_list_version=row[11],
        product_family=row[12],
        professional_proof=row[13],
        withdrawn_at=parsed(row[14]),
        missing=tuple(json.loads(row[15])) if row[15] else (),
        recorded_at=parsed(row[16]),
    )


def notice(row: Row) -> NoticeGiven:
    """A row that begins with `NOTICE_COLUMNS`."""
    person, advertiser, source, at, template = row[:5]
    return NoticeGiven(PersonKey(person), advertiser, source, instant(at), template)


def opposition(row: Row) -> Opposition:
    """A row that begins with `OPPOSITION_COLUMNS`."""
    person, block, scope, advertiser, stream, door, at = row[:7]
    return Opposition(PersonKey(person), _BLOCK[block], _SCOPE[scope], advertiser, stream, _DOOR[door], instant(at))


def tool(row: Row) -> Tool:
    """A row of `TOOL`."""
    name, secret, streams, refusal, created, revoked = row
    mode = None if refusal is None else RefusalMode(refusal)
    return Tool(name, secret, tuple(json.loads(streams)), mode, datetime.fromisoformat(created), parsed(revoked))
