"""Writes what a partner is given about one person: the record that permits it, in the columns the partner's gateway imports.

The partner's own record it becomes covers the partner's own mail, names the collector as its source and the transfer as the day
the address was acquired (R-FR-20, R-FR-23, R-FR-29). Nothing goes along that proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.core.columns import PASSED_ONLY, REQUIRED
from gateway.core.partners import Passing
from gateway.core.receipt import wording_sha256
from gateway.core.record import Audience, Basis, Consent, Covers
from gateway.core.register_row import as_row, said

PROOF = ("wording_id", "form", "batch", "presentation", "language", "asked_at", "confirmed_at", "partner_list_version")
TRAITS = ("country", "entity", "minor", "parental_consent", "explicit", "optout_offered", "function", "professional_proof")
COLUMNS = (*REQUIRED, *PROOF, *TRAITS, "covers", "acquired_at", *PASSED_ONLY)


@dataclass(frozen=True, slots=True)
class Names:
    """Who is who in a file: the collector's legal name, and what the partner's gateway calls the collector and itself."""

    collector: str
    source: str
    advertiser: str


def passed_row(address: str, passing: Passing, names: Names, at: datetime) -> Mapping[str, str]:
    """One person's row, by the names of `COLUMNS`."""
    consent = passing.consent
    row = as_row(consent) | {
        "address": address,
        "advertiser": names.advertiser,
        "source": names.source,
        "basis": _basis(consent).value,
        "partner_list_version": passing.list_version,
        "covers": Covers.OWN.value,
        "acquired_at": said(at),
        "wording_sha256": wording_sha256(consent.wording),
        "collector": names.collector,
        "transferred_at": said(at),
    }
    return {column: row[column] for column in COLUMNS}


def _basis(consent: Consent) -> Basis:
    """Dealings with the collector are none with the partner: what is left is the work of a professional, or the right to refuse."""
    if consent.basis is Basis.CONSENT:
        return Basis.CONSENT
    return Basis.OPT_OUT if consent.audience is Audience.CONSUMER else Basis.LEGITIMATE_INTEREST
