"""One event per decision, outcome and change of a person's state, chained by hash; no address, no content (R-FR-90).

An entry's hash is `sha256(previous hash || writer || seq || body)`, the body being the event's canonical JSON. Pure: who numbers
and stores entries is the journal's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What an event tells."""

    DECISION = "decision"
    ATTEMPT = "attempt"
    OUTCOME = "outcome"
    OPPOSITION = "opposition"
    LIFT = "lift"
    CONSENT = "consent"
    WITHDRAWAL = "withdrawal"
    TOOL = "tool"
    POLICY = "policy"
    IMPORT = "import"
    EXPORT = "export"
    LOOK = "look"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, in words that name no one: `person` is a key in hex, `message` and `body` are SHA-256 in hex.

    `about` is the reference of an earlier entry; `policy` is `pack@version#hash8`; `template` a template hash.
    """

    at: datetime
    kind: Kind
    outcome: str
    tool: str = ""
    stream: str = ""
    advertiser: str = ""
    category: str = ""
    person: str = ""
    reason: str = ""
    rules: tuple[str, ...] = ()
    basis: str = ""
    policy: str = ""
    template: str = ""
    message: str = ""
    body: str = ""
    door: str = ""
    about: str = ""
    detail: str = ""
