"""Signs and checks messages between houses as Standard Webhooks says: `webhook-id`, `webhook-timestamp`, `webhook-signature`.

HMAC-SHA-256 over `id.timestamp.body`, so neither a body nor its time can be exchanged. Pure: the instant comes in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
WINDOW = timedelta(minutes=5)
"""How far a message's time may be from ours, either way: what was overheard cannot be said again later (R-FR-37)."""

LEAST = 24
"""Octets of a secret, at least."""

_PREFIX = b"whsec_"
_ID = re.compile(r"[\x21-\x7e]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST = 10
"""Signatures that are looked at in one message."""


def read_secrets(text: bytes) -> tuple[bytes, ...] | None:
    """The keys of a secret file, one a line, the one that signs first; `whsec_` is followed by base64. None for an unfit line.

    More than one is for the time while a secret is exchanged: each of them is believed.
    """
    keys = [_secret(line.strip()) for line in text.splitlines() if line.strip()]
    return tuple(key for key in keys if key is not None) if all(keys) else None


def _secret(line: bytes) -> bytes | None:
    try:
        key = base64.b64decode(line.removeprefix(_PREFIX), validate=True) if line.startswith(_PREFIX) else line
    except binascii.Error:
        return None
    return key if len(key) >= LEAST else None


def signed(key: bytes, message: str, now: datetime, body: bytes) -> Mapping[str, str]:
    """The three headers of a message."""
    seconds = str(int(now.timestamp()))
    return {ID: message, TIMESTAMP: seconds, SIGNATURE: f"v1,{_mac(key, message, seconds, body)}"}


def genuine(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether one of the keys signed this message, and its time is near; as much work whichever of them it was."""
    message, seconds = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not _ID.fullmatch(message) or not _SECONDS.fullmatch(seconds):
        return False
    given = [one.partition(",") for one in headers.get(SIGNATURE, "").split(" ", _MOST)[:_MOST]]
    macs = [mac.encode("utf-8", "replace") for version, _, mac in given if version == "v1"]
    same = [hmac.compare_digest(_mac(key, message, seconds, body).encode(), mac) for key in keys for mac in macs]
    return any(same) and abs(now.timestamp() - int(seconds)) <= WINDOW.total_seconds()


def _mac(key: bytes, message: str, seconds: str, body: bytes) -> str:
    said = f"{message}.{seconds}.".encode() + body
    return base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()
