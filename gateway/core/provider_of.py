"""Which mailbox provider an address lies at, for complaint rates: a small closed table, everything else is `other` (R-MBX-10)."""

from __future__ import annotations

import re

OTHER = "other"
UNKNOWN = "unknown"
"""Where only a person's key is known: complaints that come in by token name no address."""

_COUNTRY = r"(?:com|(?:co\.|com\.)?[a-z]{2})"
_PROVIDERS = (
    ("google", r"gmail\.com|googlemail\.com|google\.com"),
    ("microsoft", rf"(?:outlook|hotmail|live)\.{_COUNTRY}|msn\.com|passport\.com|windowslive\.com"),
    ("yahoo", rf"(?:yahoo|ymail|rocketmail|aol|aim)\.{_COUNTRY}"),
    ("apple", r"icloud\.com|me\.com|mac\.com"),
    ("orange", r"orange\.fr|wanadoo\.fr|voila\.fr"),
    ("laposte", r"laposte\.net"),
)
_TABLE = re.compile("|".join(f"(?P<{name}>{domains})" for name, domains in _PROVIDERS))


def provider_of(domain: str) -> str:
    """The provider of a lower-case domain."""
    found = _TABLE.fullmatch(domain)
    return found.lastgroup or OTHER if found else OTHER
