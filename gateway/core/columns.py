"""The columns of a consent import, and how one cell of them is read: a text, a choice, a yes or no, a date.

The HTTP API takes the same names. A cell that cannot be read gives a `RowFault`, which names the column and never quotes the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from gateway.core.record import Basis

REQUIRED: Final = ("address", "advertiser", "purpose", "audience", "basis", "source", "collected_at", "action", "wording")
OPTIONAL: Final = (
    "function",
    "notice_sent_at",
    "partner_list_version",
    "product_family",
    "professional_proof",
    "covers",
    "acquired_at",
    "confirmed_at",
    "withdrawn_at",
    "relation",
    "relation_at",
    "relation_by",
    "relation_ended_at",
    "country",
    "entity",
    "minor",
    "parental_consent",
    "explicit",
    "optout_offered",
    "published",
    "wording_id",
    "form",
    "writer",
    "batch",
    "presentation",
    "language",
    "asked_at",
    "prechecked",
    "bundled_with_prize",
    "last_contact_at",
)
TOLD_ONLY: Final = ("state", "recorded_at")
"""What an export adds for the reader's eyes; an import passes over it."""

PASSED_ONLY: Final = ("wording_sha256", "collector", "transferred_at")
"""What a collector's file for a partner adds for the reader's eyes (R-FR-23); an import passes over it too."""

_KNOWN = frozenset((*REQUIRED, *OPTIONAL, *TOLD_ONLY, *PASSED_ONLY))

ALIASES: Final = {"method": "action", "operator": "writer"}
"""Other names of columns, as tools call them (R-FR-05, R-FR-41)."""

CLAIMABLE: Final = (
    Basis.CONSENT,
    Basis.EXISTING_CUSTOMER,
    Basis.LEGITIMATE_INTEREST,
    Basis.NON_PROFIT,
    Basis.IMPLIED,
    Basis.OPT_OUT,
)
"""The grounds a row may claim; the others are what a verdict concludes."""

COVERS: Final = ("own", "partners", "both", "combined", "tracking")
"""`both` are two boxes, each ticked by itself; `combined` is one box for us and for partners (R-FR-21)."""

MAX_TEXT: Final = 200
MAX_WORDING: Final = 4000
EARLIEST_YEAR: Final = 1900

_BOOLEANS = {"": False, **dict.fromkeys(("yes", "true", "1", "oui"), True), **dict.fromkeys(("no", "false", "0", "non"), False)}
# What a reader cannot see, or what shows a text in another order than it is written (CVE-2021-42574); U+FFFD stands for octets
# that were not in the file's encoding. Marks that Arabic, Hebrew, Persian and emoji need are a wording's own business.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSEEN_IN_WORDING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd\ud800-\udfff\U000e0000-\U000e007f]"
)
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_FRENCH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?: ([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?")
_AHEAD = timedelta(days=1)

_Choice = TypeVar("_Choice", bound=StrEnum)


class RowReason(StrEnum):
    """Why a header or a row is refused; the token of a rejects file and of the API."""

    UNKNOWN_COLUMN = "UNKNOWN-COLUMN"
    DUPLICATE_COLUMN = "DUPLICATE-COLUMN"
    MISSING_COLUMN = "MISSING-COLUMN"
    EMPTY = "EMPTY"
    TOO_LONG = "TOO-LONG"
    CHARACTER = "CHARACTER"
    NOT_A_CHOICE = "NOT-A-CHOICE"
    NOT_YES_OR_NO = "NOT-YES-OR-NO"
    NOT_A_TEXT = "NOT-A-TEXT"
    BAD_DATE = "BAD-DATE"
    BAD_ADDRESS = "BAD-ADDRESS"
    UNKNOWN_ADVERTISER = "UNKNOWN-ADVERTISER"
    NO_CONSENT_ACT = "NO-CONSENT-ACT"
    SOURCE_MISSING = "SOURCE-MISSING"
    CONTRADICTION = "CONTRADICTION"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why and in which column; `more` is a closed word of ours. Never quotes the value."""

    reason: RowReason
    field: str
    more: str = ""

    def __str__(self) -> str:
        """As a rejects file says it."""
        return f"{self.reason.value} {self.field}" + (f" ({self.more})" if self.more else "")


def proper(columns: Sequence[str]) -> tuple[str, ...]:
    """The header's names as we call them."""
    return tuple(ALIASES.get(column, column) for column in columns)


def check_header(columns: Sequence[str]) -> RowFault | None:
    """Refuse a file with an unknown, doubled or missing column before its first row is read."""
    seen: set[str] = set()
    for column in proper(columns):
        if column in seen:
            return RowFault(RowReason.DUPLICATE_COLUMN, column)
        if column not in _KNOWN:
            return RowFault(RowReason.UNKNOWN_COLUMN, _UNSEEN.sub("?", column[:MAX_TEXT]))
        seen.add(column)
    absent = next((column for column in REQUIRED if column not in seen), None)
    return RowFault(RowReason.MISSING_COLUMN, absent) if absent else None


def read_moment(text: str, now: datetime) -> datetime | None:
    """A date or instant, ISO 8601 or `dd/mm/yyyy`; None unless it lies between 1900 and tomorrow.

    It keeps the offset it came with (R-FR-40). What says no offset is taken, and kept, as UTC (decision 0013).
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
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if moment <= now + _AHEAD else None


class Cells:
    """One row's cells: each reader gives its value, and the first fault is kept; ask for it before using any of them."""

    __slots__ = ("_now", "_row", "fault")

    def __init__(self, row: Mapping[str, str], now: datetime) -> None:
        self._row = row
        self._now = now
        self.fault: RowFault | None = None

    def text(self, field: str) -> str:
        """A short text without the white space around it."""
        given = self._row.get(field)
        if not given:
            return ""
        text = given.strip()
        if len(text) > MAX_TEXT:
            self._wrong(RowReason.TOO_LONG, field)
        elif not (text.isascii() and text.isprintable()) and _UNSEEN.search(text):
            self._wrong(RowReason.CHARACTER, field)
        return text

    def wording(self) -> str:
        """The words as they were shown: not a character is changed, because their hash is proof (R-FR-40)."""
        text = self._row.get("wording") or ""
        if len(text) > MAX_WORDING:
            self._wrong(RowReason.TOO_LONG, "wording")
        elif _UNSEEN_IN_WORDING.search(text):
            self._wrong(RowReason.CHARACTER, "wording")
        return text if text.strip() else ""

    def choice(self, field: str, allowed: Mapping[str, _Choice], otherwise: _Choice) -> _Choice:
        """One of a few words, in any case; `otherwise` where nothing is said."""
        given = self._row.get(field)
        if not given or not (text := given.strip().lower()):
            return otherwise
        found = allowed.get(text)
        if found is None:
            self._wrong(RowReason.NOT_A_CHOICE, field)
            return otherwise
        return found

    def needed(self, field: str, allowed: Mapping[str, _Choice], otherwise: _Choice) -> _Choice:
        """`choice` of a column that must say something."""
        if not (self._row.get(field) or "").strip():
            self._wrong(RowReason.EMPTY, field)
        return self.choice(field, allowed, otherwise)

    def word(self, field: str, allowed: Sequence[str]) -> str:
        """`choice` among words that have no type of their own."""
        text = (self._row.get(field) or "").strip().lower()
        if text and text not in allowed:
            self._wrong(RowReason.NOT_A_CHOICE, field)
        return text

    def shaped(self, field: str, shape: re.Pattern[str]) -> str:
        """A code of a known shape."""
        text = (self._row.get(field) or "").strip()
        if text and not shape.fullmatch(text):
            self._wrong(RowReason.NOT_A_CHOICE, field)
        return text

    def yes(self, field: str) -> bool:
        """A yes or no in English, French or digits; blank is no."""
        given = self._row.get(field)
        if not given:
            return False
        found = _BOOLEANS.get(given.strip().lower())
        if found is None:
            self._wrong(RowReason.NOT_YES_OR_NO, field)
        return bool(found)

    def moment(self, field: str) -> datetime | None:
        """A date or instant; see `read_moment`."""
        given = self._row.get(field)
        if not given or not (text := given.strip()):
            return None
        found = read_moment(text, self._now)
        if found is None:
            self._wrong(RowReason.BAD_DATE, field)
        return found

    def _wrong(self, reason: RowReason, field: str) -> None:
        self.fault = self.fault or RowFault(reason, field)
