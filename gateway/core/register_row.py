"""Writes a record of the register as the row that an import would read: what `read_claim` does, backwards."""

from __future__ import annotations

from datetime import datetime

from gateway.core.receipt import state
from gateway.core.record import Consent, Relation


def as_row(consent: Consent, last_act: datetime | None = None) -> dict[str, str]:
    """Every column but `address`; a cell that says nothing is empty."""
    proof = consent.proof
    return {
        "advertiser": consent.advertiser,
        "purpose": consent.purpose,
        "audience": consent.audience.value,
        "basis": consent.basis.value,
        "source": consent.source,
        "collected_at": said(consent.collected_at),
        "action": consent.action,
        "wording": consent.wording,
        "function": consent.function,
        "notice_sent_at": said(consent.notice_sent_at),
        "partner_list_version": consent.partner_list_version,
        "product_family": consent.product_family,
        "professional_proof": consent.professional_proof,
        "covers": consent.covers.value,
        "acquired_at": said(consent.acquired_at),
        "confirmed_at": said(consent.confirmed_at),
        "withdrawn_at": said(consent.withdrawn_at),
        **_relation(consent.relation),
        **_traits(consent),
        "wording_id": proof.wording_id,
        "form": proof.form,
        "writer": proof.writer,
        "batch": proof.batch,
        "presentation": proof.presentation,
        "language": proof.language,
        "asked_at": said(proof.asked_at),
        "prechecked": "",
        "bundled_with_prize": "",
        "last_contact_at": said(last_act),
        "state": state(consent),
        "recorded_at": said(consent.recorded_at),
    }


def _relation(relation: Relation | None) -> dict[str, str]:
    if relation is None:
        return dict.fromkeys(("relation", "relation_at", "relation_by", "relation_ended_at"), "")
    return {
        "relation": relation.kind.value,
        "relation_at": said(relation.at),
        "relation_by": relation.by,
        "relation_ended_at": said(relation.ended_at),
    }


def _traits(consent: Consent) -> dict[str, str]:
    traits = consent.traits
    return {
        "country": traits.country,
        "entity": traits.entity.value,
        "minor": _yes(traits.minor),
        "parental_consent": _yes(traits.parental),
        "explicit": _yes(traits.explicit),
        "optout_offered": _yes(traits.optout_offered),
        "published": _yes(traits.published),
    }


def _yes(told: bool) -> str:
    return "yes" if told else ""


def said(at: datetime | None) -> str:
    """A date as files say it, with its offset; empty for none."""
    return at.isoformat() if at else ""
