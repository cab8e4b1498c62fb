"""Reads one row of a consent import into records of the register, or says why it is refused.

It reads every column but `address`, which the caller turns into a person key. A row that lacks proof is kept as unproven (R-FR-04,
R-FR-26, R-FR-41); a row that proves there was no consent (R-FR-05), contradicts itself, or has a source nobody knows (R-FR-28) is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from gateway.core.columns import CLAIMABLE, COVERS, Cells, RowFault, RowReason
from gateway.core.columns import read_moment as read_moment
from gateway.core.decide import source_unknown
from gateway.core.model import PersonKey
from gateway.core.policy import Policy
from gateway.core.record import NO_PROOF, NO_TRAITS, Audience, Basis, Consent, Covers, Entity, Proof, Relation, RelationKind, Traits

BULK = frozenset({"bulk", "bulk-update", "bulk-import", "mass-update", "mass", "masse", "en-masse", "modification-en-masse"})
"""Actions that wrote many records at once: each wants its batch as evidence (R-FR-41)."""

PRESENTATIONS = ("full", "link")
_AUDIENCES = {one.value: one for one in Audience}
_BASES = {one.value: one for one in CLAIMABLE}
_ENTITIES = {one.value: one for one in Entity if one}
_RELATIONS = {one.value: one for one in RelationKind}
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_SPACES = re.compile(r"[\s_]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one row comes to: one record, or two where two boxes were ticked; `combined` where one box stood for both (R-FR-21).

    `last_act` is when the person last did something themselves (R-FR-80).
    """

    consents: tuple[Consent, ...]
    combined: bool = False
    last_act: datetime | None = None


def read_claim(policy: Policy, row: Mapping[str, str], person: PersonKey, now: datetime, writer: str = "") -> Claim | RowFault:
    """One row as records; `missing` names what their proof lacks, `writer` is who wrote it where the row does not say."""
    cells = Cells(row, now)
    consent = _record(cells, person, now, writer)
    covers = cells.word("covers", COVERS)
    prechecked, bundled = cells.yes("prechecked"), cells.yes("bundled_with_prize")
    last_act = cells.moment("last_contact_at")
    fault = (
        cells.fault
        or _empty(consent)
        or _ruled_out(policy, consent, prechecked, bundled)
        or _at_odds(consent, covers, bool((row.get("relation") or "").strip()), row)
    )
    if fault:
        return fault
    combined = covers == "combined" and "R-FR-21" not in policy.off
    return Claim(tuple(_weighed(policy, consent, one) for one in _covered(covers, combined)), combined, last_act)


def _record(cells: Cells, person: PersonKey, now: datetime, writer: str) -> Consent:
    source = cells.text("source")
    return Consent(
        person=person,
        advertiser=cells.text("advertiser"),
        purpose=cells.text("purpose"),
        audience=cells.needed("audience", _AUDIENCES, Audience.CONSUMER),
        basis=cells.needed("basis", _BASES, Basis.CONSENT),
        source="direct" if source.casefold() == "direct" else source,
        collected_at=cells.moment("collected_at"),
        action=cells.text("action"),
        wording=cells.wording(),
        function=cells.text("function"),
        notice_sent_at=cells.moment("notice_sent_at"),
        partner_list_version=cells.text("partner_list_version"),
        product_family=cells.text("product_family"),
        professional_proof=cells.text("professional_proof"),
        withdrawn_at=cells.moment("withdrawn_at"),
        recorded_at=now,
        acquired_at=cells.moment("acquired_at"),
        confirmed_at=cells.moment("confirmed_at"),
        relation=_relation(cells),
        traits=_traits(cells),
        proof=_proof(cells, writer),
    )


def _relation(cells: Cells) -> Relation | None:
    at, by, ended_at = cells.moment("relation_at"), cells.text("relation_by"), cells.moment("relation_ended_at")
    if not cells.text("relation"):
        return None
    return Relation(cells.choice("relation", _RELATIONS, RelationKind.PURCHASE), at, by, ended_at)


def _traits(cells: Cells) -> Traits:
    traits = Traits(
        country=cells.shaped("country", _COUNTRY).upper(),
        entity=cells.choice("entity", _ENTITIES, Entity.UNSAID),
        minor=cells.yes("minor"),
        parental=cells.yes("parental_consent"),
        explicit=cells.yes("explicit"),
        optout_offered=cells.yes("optout_offered"),
        published=cells.yes("published"),
    )
    return NO_TRAITS if traits == NO_TRAITS else traits


def _proof(cells: Cells, writer: str) -> Proof:
    proof = Proof(
        wording_id=cells.text("wording_id"),
        form=cells.text("form"),
        writer=cells.text("writer") or writer,
        batch=cells.text("batch"),
        presentation=cells.word("presentation", PRESENTATIONS),
        language=cells.shaped("language", _LANGUAGE),
        asked_at=cells.moment("asked_at"),
    )
    return NO_PROOF if proof == NO_PROOF else proof


def _covered(covers: str, combined: bool) -> tuple[Covers, ...]:
    """R-FR-21, R-FR-22: two boxes are two records; one box for us and for partners is good for us alone."""
    if covers == "both" or (covers == "combined" and not combined):
        return Covers.OWN, Covers.PARTNERS
    return (Covers.OWN,) if combined or not covers else (Covers(covers),)


def _empty(consent: Consent) -> RowFault | None:
    return None if consent.advertiser else RowFault(RowReason.EMPTY, "advertiser")


@lru_cache(maxsize=1024)
def plain_action(action: str) -> str:
    """An action as lists of actions spell it: folded, words joined by hyphens."""
    return _SPACES.sub("-", action.casefold())


def _ruled_out(policy: Policy, consent: Consent, prechecked: bool, bundled: bool) -> RowFault | None:
    """R-FR-05: an act that is no consent; R-FR-28: an address out of nowhere."""
    if consent.basis is Basis.CONSENT and "R-FR-05" not in policy.off:
        if prechecked:
            return RowFault(RowReason.NO_CONSENT_ACT, "prechecked")
        if bundled:
            return RowFault(RowReason.NO_CONSENT_ACT, "bundled_with_prize")
        if plain_action(consent.action) in policy.rejected_actions:
            return RowFault(RowReason.NO_CONSENT_ACT, "action")
    if source_unknown(consent.source) and "R-FR-28" not in policy.off:
        return RowFault(RowReason.SOURCE_MISSING, "source")
    return None


def _at_odds(consent: Consent, covers: str, relates: bool, row: Mapping[str, str]) -> RowFault | None:
    """A row that contradicts itself; nobody may guess which half is true."""
    if covers == "tracking" and consent.basis is not Basis.CONSENT:
        return RowFault(RowReason.CONTRADICTION, "covers", "tracking needs consent")
    if not relates and any((row.get(name) or "").strip() for name in ("relation_at", "relation_by", "relation_ended_at")):
        return RowFault(RowReason.EMPTY, "relation")
    relation = consent.relation
    orders = (
        ("withdrawn_at", consent.collected_at, consent.withdrawn_at),
        ("confirmed_at", consent.proof.asked_at, consent.confirmed_at),
        ("relation_ended_at", relation and relation.at, relation and relation.ended_at),
    )
    late = next((field for field, first, then in orders if first and then and then < first), None)
    return RowFault(RowReason.CONTRADICTION, late, "before it began") if late else None


def _weighed(policy: Policy, consent: Consent, covers: Covers) -> Consent:
    """The record for this box, with what its proof lacks; copied at most once, as a copy is the dearest step of a row."""
    missing = tuple(_lacking(policy, consent, covers))
    return replace(consent, covers=covers, missing=missing) if missing or covers is not consent.covers else consent


def _lacking(policy: Policy, consent: Consent, covers: Covers) -> Iterator[str]:
    """What the proof of a consent lacks; other grounds prove no consent (R-FR-04, R-FR-26, R-FR-41)."""
    if consent.basis is not Basis.CONSENT:
        return
    for field in ("purpose", "source", "action", "wording"):
        if not getattr(consent, field):
            yield field
    if consent.collected_at is None:
        yield "collected_at"
    if covers is Covers.PARTNERS and "R-FR-26" not in policy.off:
        if not consent.partner_list_version:
            yield "partner_list_version"
        if not consent.proof.presentation:
            yield "presentation"
    if "R-FR-41" not in policy.off and not consent.proof.batch and plain_action(consent.action) in BULK:
        yield "batch"
