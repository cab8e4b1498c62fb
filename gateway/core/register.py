"""Reads one row of a consent import into a record of the register, or says why it is refused.

It reads every column but `address`, which the caller turns into a person key. A row that lacks proof is kept as unproven
(R-FR-04); a row that proves there was no consent (R-FR-05), or whose source nobody knows (R-FR-28), is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from gateway.core.decide import source_unknown
from gateway.core.model import PersonKey
from gateway.core.policy import Policy
from gateway.core.record import Audience, Basis, Consent

REQUIRED: Final = ("address", "advertiser", "purpose", "audience", "basis", "source", "collected_at", "action", "wording")
OPTIONAL: Final = ("function", "notice_sent_at", "partner_list_version", "product_family", "professional_proof")
CLAIMABLE: Final = (Basis.CONSENT, Basis.EXISTING_CUSTOMER, Basis.LEGITIMATE_INTEREST)
MAX_TEXT: Final = 200
MAX_WORDING: Final = 4000
EARLIEST_YEAR: Final = 1900

_TEXTS = ("advertiser", "purpose", "source", "action", "function", "partner_list_version", "product_family", "professional_proof")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_FRENCH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?: ([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?")

_Choice = TypeVar("_Choice", Audience, Basis)


class RowReason(StrEnum):
    """Why a header or a row is refused; the token of a rejects file."""

    UNKNOWN_COLUMN = "UNKNOWN-COLUMN"
    DUPLICATE_COLUMN = "DUPLICATE-COLUMN"
    MISSING_COLUMN = "MISSING-COLUMN"
    EMPTY = "EMPTY"
    TOO_LONG = "TOO-LONG"
    CHARACTER = "CHARACTER"
    NOT_A_CHOICE = "NOT-A-CHOICE"
    BAD_DATE = "BAD-DATE"
    NO_CONSENT_ACT = "NO-CONSENT-ACT"
    SOURCE_MISSING = "SOURCE-MISSING"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why and in which column; never quotes the value."""

    reason: RowReason
    field: str


def check_header(columns: Sequence[str]) -> RowFault | None:
    """Refuse a file with an unknown, doubled or missing column before its first row is read."""
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            return RowFault(RowReason.DUPLICATE_COLUMN, column)
        if column not in REQUIRED and column not in OPTIONAL:
            return RowFault(RowReason.UNKNOWN_COLUMN, _UNSEEN.sub("?", column[:MAX_TEXT]))
        seen.add(column)
    absent = next((column for column in REQUIRED if column not in seen), None)
    return RowFault(RowReason.MISSING_COLUMN, absent) if absent else None


def read_consent(policy: Policy, row: Mapping[str, str], person: PersonKey, now: datetime) -> Consent | RowFault:
    """One row as a record; `missing` names what its proof lacks."""
    texts = _texts(row)
    if isinstance(texts, RowFault):
        return texts
    audience = _choice(Audience, tuple(Audience), row.get("audience") or "", "audience")
    if isinstance(audience, RowFault):
        return audience
    basis = _choice(Basis, CLAIMABLE, row.get("basis") or "", "basis")
    if isinstance(basis, RowFault):
        return basis
    collected_at = _when(row.get("collected_at") or "", "collected_at", now)
    if isinstance(collected_at, RowFault):
        return collected_at
    notice_sent_at = _when(row.get("notice_sent_at") or "", "notice_sent_at", now)
    if isinstance(notice_sent_at, RowFault):
        return notice_sent_at
    return _ruled_out(policy, texts, basis) or _record(person, texts, (audience, basis), (collected_at, notice_sent_at, now))


def _record(
    person: PersonKey,
    texts: Mapping[str, str],
    claim: tuple[Audience, Basis],
    moments: tuple[datetime | None, datetime | None, datetime],
) -> Consent:
    audience, basis = claim
    collected_at, notice_sent_at, now = moments
    return Consent(
        person=person,
        advertiser=texts["advertiser"],
        purpose=texts["purpose"],
        audience=audience,
        basis=basis,
        source=texts["source"],
        collected_at=collected_at,
        action=texts["action"],
        wording=texts["wording"],
        function=texts["function"],
        notice_sent_at=notice_sent_at,
        partner_list_version=texts["partner_list_version"],
        product_family=texts["product_family"],
        professional_proof=texts["professional_proof"],
        missing=_lacking(texts, basis, collected_at),
        recorded_at=now,
    )


def read_moment(text: str, now: datetime) -> datetime | None:
    """A date or instant, ISO 8601 or `dd/mm/yyyy`, as UTC; None unless it lies between 1900 and tomorrow.

    What says no offset is taken as UTC: a few hours do not change what a consent is worth.
    """
    french = _FRENCH.fullmatch(text)
    if french:
        day, month, year, time = french.groups()
        text = f"{year}-{month}-{day}" + (f"T{time}" if time else "")
    elif not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year < EARLIEST_YEAR or moment.year > now.year + 1:
        return None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment <= now + timedelta(days=1) else None


def _texts(row: Mapping[str, str]) -> dict[str, str] | RowFault:
    texts: dict[str, str] = {}
    for field in (*_TEXTS, "wording"):
        text = (row.get(field) or "").strip()
        if len(text) > (MAX_WORDING if field == "wording" else MAX_TEXT):
            return RowFault(RowReason.TOO_LONG, field)
        if _UNSEEN.search(text):
            return RowFault(RowReason.CHARACTER, field)
        texts[field] = text
    if not texts["advertiser"]:
        return RowFault(RowReason.EMPTY, "advertiser")
    if texts["source"].casefold() == "direct":
        texts["source"] = "direct"
    return texts


def _choice(kind: type[_Choice], allowed: tuple[_Choice, ...], text: str, field: str) -> _Choice | RowFault:
    text = text.strip().lower()
    if not text:
        return RowFault(RowReason.EMPTY, field)
    return kind(text) if text in allowed else RowFault(RowReason.NOT_A_CHOICE, field)


def _when(text: str, field: str, now: datetime) -> datetime | RowFault | None:
    text = text.strip()
    if not text:
        return None
    return read_moment(text, now) or RowFault(RowReason.BAD_DATE, field)


def _ruled_out(policy: Policy, texts: Mapping[str, str], basis: Basis) -> RowFault | None:
    """R-FR-05: an act that is no consent; R-FR-28: an address out of nowhere."""
    act = re.sub(r"[\s_]+", "-", texts["action"].casefold())
    if basis is Basis.CONSENT and act in policy.rejected_actions:
        return RowFault(RowReason.NO_CONSENT_ACT, "action")
    if source_unknown(texts["source"]) and "R-FR-28" not in policy.off:
        return RowFault(RowReason.SOURCE_MISSING, "source")
    return None


def _lacking(texts: Mapping[str, str], basis: Basis, collected_at: datetime | None) -> tuple[str, ...]:
    """R-FR-04: what the proof of a consent lacks; other bases prove no consent."""
    if basis is not Basis.CONSENT:
        return ()
    proof = ("purpose", "source", "action", "wording")
    return tuple(field for field in proof if not texts[field]) + (() if collected_at else ("collected_at",))
