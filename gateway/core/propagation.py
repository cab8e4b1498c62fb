"""What one house tells another of an opposition, and when it is told again: the words, the waits, the alarms. Pure.

Minimal on purpose (R-DP-24): whom, how far, since when; a keyed hash of the address where both houses share a key, else the
address itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.core.record import Scope

TYPE = "opposition"
LIFE = timedelta(days=30)
"""How long a partner is told again before a person must see to it (R-FR-35)."""

ALARMS = (24, 72)
"""After how many hours without a receipt the administrator, then the data protection officer, is alarmed (R-FR-36)."""

_WAITS = tuple(timedelta(seconds=one) for one in (15, 60, 300, 900, 1800, 3600))
_RECEIPT = re.compile(r"[A-Za-z0-9._:-]{1,80}")
_MAX_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Notice:
    """One opposition on its way between houses: either `address` or `digest` (the keyed hash, hexadecimal) is set.

    `advertiser` is the legal name of the organisation whose advertising is opposed, empty for everybody's.
    """

    id: str
    scope: Scope
    advertiser: str
    at: datetime
    address: str = ""
    digest: str = ""


def write_notice(notice: Notice) -> bytes:
    """The body of the message."""
    data = {"id": notice.id, "scope": notice.scope.value, "advertiser": notice.advertiser}
    data |= {"hmac_sha256": notice.digest} if notice.digest else {"address": notice.address}
    at = notice.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return json.dumps({"type": TYPE, "timestamp": at, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()


def notice_id(*parts: str | bytes | int) -> str:
    """The name of a message, the same at every attempt and at no other gateway."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return f"opp_{digest.hexdigest()[:32]}"


def receipt_id(partner: str, message: str) -> str:
    """What a house answers to a partner's message: the same whenever the same message comes again (R-FR-37)."""
    digest = hashlib.sha256(f"{len(partner)}:{partner}:{message}".encode("utf-8", "replace"))
    return f"rcp_{digest.hexdigest()[:32]}"


def read_receipt(body: bytes) -> str:
    """The receipt in another house's answer; empty where it gave none that can be kept."""
    try:
        told = json.loads(body) if len(body) <= _MAX_ANSWER else None
    except (ValueError, RecursionError):
        return ""
    receipt = told.get("receipt") if isinstance(told, dict) else None
    return receipt if isinstance(receipt, str) and _RECEIPT.fullmatch(receipt) else ""


def next_try(attempts: int, now: datetime) -> datetime:
    """When to tell again after so many attempts before this one; never more than an hour later, so that a house that was down for
    a day is up to date an hour after its return."""
    return now + _WAITS[min(attempts, len(_WAITS) - 1)]


def alarm(age: timedelta, alarmed: int) -> int:
    """The alarm that is due now, in hours; 0 for none. `alarmed` is the last one given."""
    passed = [hours for hours in ALARMS if age >= timedelta(hours=hours)]
    return passed[-1] if passed and passed[-1] > alarmed else 0
