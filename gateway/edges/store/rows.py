"""Turns rows of the tables that facts rest on back into records; `records` writes what this reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from gateway.core.model import PersonKey
from gateway.core.record import (
    NO_PROOF,
    NO_TRAITS,
    Arrangements,
    Audience,
    Basis,
    Block,
    Consent,
    Covers,
    Door,
    NoticeGiven,
    NoticeKind,
    Opposition,
    PartnerList,
    Proof,
    Scope,
)
from gateway.core.record_json import parse_partners, parse_proof, parse_relation, parse_traits, parse_words
from gateway.edges.store.database import Row
from gateway.edges.store.instant import instant, parsed
from gateway.flow.ports import Unavailable

CONSENT_COLUMNS = (
    "person, advertiser, purpose, audience, basis, source, collected_at, action,"
    " (SELECT text FROM wording WHERE wording.id = consent.wording), function, notice_sent_at, partner_list_version,"
    " product_family, professional_proof, withdrawn_at, missing, recorded_at, covers, acquired_at, confirmed_at, relation, traits"
)
NOTICE_COLUMNS = "person, advertiser, source, at, template, kind"
OPPOSITION_COLUMNS = "person, block, scope, advertiser, stream, door, at"
"""What `consent`, `notice` and `opposition` below read from the left of a row; columns to the right of them are left alone."""

CONSENT = f"SELECT {CONSENT_COLUMNS}, proof, sealed_address, id FROM consent"  # noqa: S608 our own words
OPPOSITION = f"SELECT {OPPOSITION_COLUMNS} FROM opposition"  # noqa: S608 our own words
"""What each reader expects; a query adds its WHERE."""

# Ten times quicker than calling the enum, and a campaign reads a million rows.
_AUDIENCE = {one.value: one for one in Audience}
_BASIS = {one.value: one for one in Basis}
_COVERS = {one.value: one for one in Covers}
_KIND = {one.value: one for one in NoticeKind}
_BLOCK = {one.value: one for one in Block}
_SCOPE = {one.value: one for one in Scope}
_DOOR = {one.value: one for one in Door}

T = TypeVar("T")


def sound(read: T | None) -> T:
    """What was read from a column; a column that something else wrote into makes the store unusable, not the record empty."""
    if read is None:
        raise Unavailable("store")
    return read


def consent(row: Row, proof: Proof = NO_PROOF) -> Consent:
    """A row that begins with `CONSENT_COLUMNS`."""
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
        missing=sound(parse_words(row[15])) if row[15] else (),
        recorded_at=parsed(row[16]),
        covers=_COVERS[row[17]],
        acquired_at=parsed(row[18]),
        confirmed_at=parsed(row[19]),
        relation=sound(parse_relation(row[20])) if row[20] else None,
        traits=sound(parse_traits(row[21])) if row[21] else NO_TRAITS,
        proof=proof,
    )


def whole_consent(row: Row) -> tuple[Consent, bytes]:
    """A row of `CONSENT`: the record with its proof, and its sealed address."""
    return consent(row, sound(parse_proof(row[-3]))), row[-2]


def notice(row: Row) -> NoticeGiven:
    """A row that begins with `NOTICE_COLUMNS`."""
    person, advertiser, source, at, template, kind = row[:6]
    return NoticeGiven(PersonKey(person), advertiser, source, instant(at), template, _KIND[kind])


def opposition(row: Row) -> Opposition:
    """A row that begins with `OPPOSITION_COLUMNS`."""
    person, block, scope, advertiser, stream, door, at = row[:7]
    return Opposition(PersonKey(person), _BLOCK[block], _SCOPE[scope], advertiser, stream, _DOOR[door], instant(at))


def arrangements(rows: list[Row]) -> Arrangements:
    """Rows of (collector, version, at, partners, reason, number), oldest first; of (None, stream, ...) for a paused stream."""
    lists: dict[str, tuple[PartnerList, ...]] = {}
    for collector, version, at, partners, reason, _ in rows:
        if collector is not None:
            one = PartnerList(collector, version, instant(at), sound(parse_partners(partners)), reason)
            lists[collector] = (*lists.get(collector, ()), one)
    known: Mapping[str, tuple[PartnerList, ...]] = MappingProxyType(lists)
    return Arrangements(known, frozenset(row[1] for row in rows if row[0] is None))
