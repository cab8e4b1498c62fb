"""The words of the house: people, streams, tools, outcomes; `record` holds what is known of people, `verdict` what is decided.

Nouns only. Nothing here decides, reads or writes; addresses appear only where mail must carry them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

PersonKey = NewType("PersonKey", bytes)
"""HMAC-SHA-256(pepper, canonical address) cut to 16 bytes: the only name a person has in state, journal and logs."""

Ref = NewType("Ref", str)
"""The reference of one journal entry, as quoted in replies: `writer-seq`."""


class Category(StrEnum):
    """What a message is for; unknown means marketing (R-FR-02)."""

    MARKETING = "marketing"
    TRANSACTIONAL = "transactional"


class RefusalMode(StrEnum):
    """How a tool wants to hear a refusal (design 4)."""

    REJECT = "reject"
    WITHHOLD = "withhold"
    MONITOR = "monitor"


class Replies(StrEnum):
    """How answers of people reach the gateway: at an address of its own, in the advertiser's mailbox, or not at all."""

    CAPTURE = "capture"
    MAILBOX = "mailbox"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Advertiser:
    """The legal entity for whose account the mail is sent; empty strings are facts not configured.

    `sender` is the address that mail of the gateway's own comes from.
    """

    name: str
    legal_name: str
    postal_address: str
    contact: str
    privacy_url: str
    dpo: str
    from_domains: tuple[str, ...]
    nonprofit: bool = False
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation that gave us an address or receives one from us."""

    name: str
    legal_name: str
    privacy_url: str
    contact: str
    provides: bool
    receives: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """One list or purpose of one advertiser: what a credential sends into.

    `number` is the 16-bit id inside tokens: the first two bytes of SHA-256(name), never 0 (the probe's).
    `relates_to` are the professional functions the stream concerns, lower case; `*` means every function (R-FR-08).
    `product_families` are the kinds of products it advertises (R-FR-06); `sensitive` says that sensitive data aim it
    (R-FR-18); `double_optin` that only confirmed sign-ups count (R-FR-42). An empty `policy` means the strictest pack (R-PACK-01).
    `replies`, `capture_bounces` and `mailbox` say how mail comes back; `mailbox` is where answers of people are passed on to, empty
    where the message itself asked for them.
    """

    name: str
    number: int
    advertiser: Advertiser
    category: Category
    purpose: str
    policy: str
    upstream: str
    refusal: RefusalMode
    language: str
    relates_to: tuple[str, ...]
    product_families: tuple[str, ...] = ()
    sensitive: bool = False
    double_optin: bool = False
    replies: Replies = Replies.OFF
    capture_bounces: bool = False
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """An authenticated SMTP client: `secret_sha256` is the digest of its random secret, `streams[0]` its default stream."""

    name: str
    secret_sha256: bytes
    streams: tuple[str, ...]
    refusal: RefusalMode | None
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """What the next hop announced at EHLO; `size` is 0 where it named none."""

    eight_bit: bool
    smtputf8: bool
    dsn: bool
    size: int


class Stage(StrEnum):
    """Where in the upstream transaction an answer came."""

    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"


class Fate(StrEnum):
    """What became of one attempt at the provider (reliability 1.3).

    `ambiguous`: all bytes were sent, no answer came: the provider may have it. `ours`: a fault of our own configuration or
    credentials, never the message's. `unreachable`: no transaction could be begun or finished, the message was not taken.
    `withdrawn`: we took it back before DATA, because it might no longer leave; the provider has nothing.
    """

    DELIVERED = "delivered"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNREACHABLE = "unreachable"
    AMBIGUOUS = "ambiguous"
    OURS = "ours"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's end: the provider's code, enhanced code (may be empty) and text cleaned to printable ASCII."""

    fate: Fate
    stage: Stage
    code: int = 0
    enhanced: str = ""
    text: str = ""
