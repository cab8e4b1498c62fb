"""A consent receipt: everything that proves one person's consents, so that somebody else can check it (GDPR 7(1), R-FR-40).

The wording is there to the character, with the SHA-256 of its UTF-8 octets; so are the journal's references and hashes, to be held
against exported heads. Versions stand in order, withdrawn ones included: nothing is left out and nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from gateway.core.evidence import Event, Kind
from gateway.core.record import Consent, Relation, Traits

ALGORITHM = "SHA-256"
HASH_OF = "the UTF-8 octets of `wording`, exactly as they stand here"
TELLING = (Kind.CONSENT, Kind.WITHDRAWAL, Kind.OPPOSITION, Kind.LIFT, Kind.ENROLMENT, Kind.ERASURE)
"""The journal's entries that belong to the history of a consent."""

Cell = str | bool | int | None | list[str]


@lru_cache(maxsize=1024)
def wording_sha256(wording: str) -> str:
    """The hash of a wording in hex; empty where there is no wording."""
    return sha256(wording.encode("utf-8", "surrogatepass")).hexdigest() if wording else ""


@dataclass(frozen=True, slots=True)
class Trace:
    """One entry of the journal: its reference, its chained hash in hex, and what it tells."""

    ref: str
    hash: str
    event: Event


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one person's receipt says: records oldest first, each with the entries that recorded it, and the whole history."""

    address: str
    person: str
    made_at: datetime
    records: tuple[tuple[Consent, tuple[Trace, ...]], ...]
    history: tuple[Trace, ...]
    legal_names: Mapping[str, str]


def make_receipt(
    address: str, made_at: datetime, consents: Sequence[Consent], journal: Sequence[Trace], legal_names: Mapping[str, str]
) -> Receipt | None:
    """The receipt of these records of one person; None where there are none. Entries of other advertisers are left out."""
    if not consents:
        return None
    advertisers = {one.advertiser for one in consents}
    told = tuple(
        one for one in journal if one.event.kind in TELLING and (not one.event.advertiser or one.event.advertiser in advertisers)
    )
    records = tuple((one, tuple(trace for trace in told if _recorded(one, trace.event))) for one in consents)
    return Receipt(address, consents[0].person.hex(), made_at, records, told, legal_names)


def _recorded(consent: Consent, event: Event) -> bool:
    """Whether an entry is the one that filed this very record: same instant, same grounds, same wording."""
    return (
        event.kind is Kind.CONSENT
        and event.at == consent.recorded_at
        and event.advertiser == consent.advertiser
        and event.basis in ("", consent.basis.value)
        and event.body in ("", wording_sha256(consent.wording))
    )


def as_table(receipt: Receipt) -> dict[str, object]:
    """The receipt as JSON would say it; every date with its offset."""
    return {
        "document": "consent receipt",
        "made_at": _said(receipt.made_at),
        "address": receipt.address,
        "person": receipt.person,
        "hash_algorithm": ALGORITHM,
        "hash_of": HASH_OF,
        "records": [
            {
                "advertiser_legal_name": receipt.legal_names.get(consent.advertiser, ""),
                **record_table(consent),
                "journal": [_entry(trace) for trace in traces],
            }
            for consent, traces in receipt.records
        ],
        "history": [_entry(trace) for trace in receipt.history],
    }


def record_table(consent: Consent) -> dict[str, Cell]:
    """Every field of a record by name, with the hash of its wording (R-FR-40)."""
    return {
        "advertiser": consent.advertiser,
        "channel": "email",
        "purpose": consent.purpose,
        "covers": consent.covers.value,
        "audience": consent.audience.value,
        "basis": consent.basis.value,
        "source": consent.source,
        "collected_at": _said(consent.collected_at),
        "action": consent.action,
        **_wording(consent),
        "confirmed_at": _said(consent.confirmed_at),
        "function": consent.function,
        "professional_proof": consent.professional_proof,
        "product_family": consent.product_family,
        "notice_sent_at": _said(consent.notice_sent_at),
        "acquired_at": _said(consent.acquired_at),
        **_relation(consent.relation),
        **_traits(consent.traits),
        "withdrawn_at": _said(consent.withdrawn_at),
        "recorded_at": _said(consent.recorded_at),
        "missing": list(consent.missing),
        "state": state(consent),
    }


def _wording(consent: Consent) -> dict[str, Cell]:
    proof = consent.proof
    return {
        "wording": consent.wording,
        "wording_sha256": wording_sha256(consent.wording),
        "wording_octets": len(consent.wording.encode("utf-8", "surrogatepass")),
        "wording_id": proof.wording_id,
        "language": proof.language,
        "form": proof.form,
        "writer": proof.writer,
        "batch": proof.batch,
        "partner_list_version": consent.partner_list_version,
        "presentation": proof.presentation,
        "asked_at": _said(proof.asked_at),
    }


def _traits(traits: Traits) -> dict[str, Cell]:
    return {
        "country": traits.country,
        "entity": traits.entity.value,
        "minor": traits.minor,
        "parental_consent": traits.parental,
        "explicit": traits.explicit,
        "optout_offered": traits.optout_offered,
        "published": traits.published,
    }


def _relation(relation: Relation | None) -> dict[str, Cell]:
    if relation is None:
        return {"relation": "", "relation_at": "", "relation_by": "", "relation_ended_at": ""}
    return {
        "relation": relation.kind.value,
        "relation_at": _said(relation.at),
        "relation_by": relation.by,
        "relation_ended_at": _said(relation.ended_at),
    }


def state(consent: Consent) -> str:
    """One word for whether a record counts; verdicts look at more than that."""
    if consent.withdrawn_at:
        return "withdrawn"
    return "unproven" if consent.missing else "usable"


def _entry(trace: Trace) -> dict[str, str]:
    event = trace.event
    told = {
        "reference": trace.ref,
        "hash": trace.hash,
        "at": _said(event.at),
        "kind": event.kind.value,
        "outcome": event.outcome,
        "door": event.door,
        "wording_sha256": event.body if event.kind is Kind.CONSENT else "",
        "detail": event.detail,
    }
    return {name: value for name, value in told.items() if value}


def _said(at: datetime | None) -> str:
    return at.isoformat() if at else ""
