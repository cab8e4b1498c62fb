"""The words of the house: people, streams, facts, verdicts, outcomes.

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


class Audience(StrEnum):
    """In which capacity a person is addressed."""

    CONSUMER = "consumer"
    PROFESSIONAL = "professional"
    LEGAL_PERSON = "legal-person"


class Basis(StrEnum):
    """The legal basis a consent record claims, or a verdict rests on."""

    CONSENT = "consent"
    EXISTING_CUSTOMER = "existing-customer"
    LEGITIMATE_INTEREST = "legitimate-interest"
    LEGAL_PERSON = "legal-person-address"
    SERVICE = "service"


class Door(StrEnum):
    """By which way an opposition came in (R-FR-56)."""

    ONE_CLICK = "one-click"
    LINK = "link"
    MAILTO = "mailto"
    REPLY = "reply"
    COMPLAINT = "complaint"
    BOUNCE = "bounce"
    PARTNER = "partner"
    API = "api"
    CLI = "cli"
    WEB = "web"
    IMPORT = "import"
    POST = "post"
    PHONE = "phone"


class Scope(StrEnum):
    """How far an opposition reaches; the default is the advertiser (R-FR-63)."""

    STREAM = "stream"
    ADVERTISER = "advertiser"
    ALL = "all"


class Block(StrEnum):
    """Why an address is suppressed: the person's will, a complaint, or a dead mailbox."""

    OPPOSED = "opposed"
    COMPLAINED = "complained"
    BOUNCED = "bounced"


class Reason(StrEnum):
    """The token of a refusal, the same in SMTP, API, CLI, pages and evidence (rules.md C6)."""

    OPPOSED = "OPPOSED"
    COMPLAINED = "COMPLAINED"
    BOUNCED = "BOUNCED"
    NO_CONSENT = "NO-CONSENT"
    CONSENT_WITHDRAWN = "CONSENT-WITHDRAWN"
    CONSENT_UNPROVEN = "CONSENT-UNPROVEN"
    PURPOSE = "PURPOSE"
    B2B_RELEVANCE = "B2B-RELEVANCE"
    UNKNOWN_RECIPIENT = "UNKNOWN-RECIPIENT"
    SOURCE_MISSING = "SOURCE-MISSING"
    PARTNER_NOT_NAMED = "PARTNER-NOT-NAMED"
    NOTICE_INCOMPLETE = "NOTICE-INCOMPLETE"
    IDENTITY = "IDENTITY"
    CATEGORY = "CATEGORY"
    STORE_DOWN = "STORE-DOWN"


@dataclass(frozen=True, slots=True)
class Advertiser:
    """The legal entity for whose account the mail is sent; empty strings are facts not configured."""

    name: str
    legal_name: str
    postal_address: str
    contact: str
    privacy_url: str
    dpo: str
    from_domains: tuple[str, ...]


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
class Who:
    """The keys under which facts about one recipient may be filed: the person, then its domain and foreign hashes."""

    person: PersonKey
    also: tuple[PersonKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """One record of the register: on what grounds an advertiser may write to a person for a purpose (R-FR-40).

    `missing` names the proof fields that lack (R-FR-04); a record is usable for sending only when it is empty.
    `source` is `direct`, a partner's name, or free text; empty or `unknown` means nobody knows (R-FR-28).
    """

    person: PersonKey
    advertiser: str
    purpose: str
    audience: Audience
    basis: Basis
    source: str
    collected_at: datetime | None
    action: str
    wording: str
    function: str = ""
    notice_sent_at: datetime | None = None
    partner_list_version: str = ""
    product_family: str = ""
    professional_proof: str = ""
    withdrawn_at: datetime | None = None
    missing: tuple[str, ...] = ()
    recorded_at: datetime | None = None

    @property
    def direct(self) -> bool:
        """Whether the address was obtained from the person."""
        return self.source == "direct"


@dataclass(frozen=True, slots=True)
class Opposition:
    """A person's refusal, or the suppression that follows from a complaint or a dead mailbox.

    `person` may also be the key of a domain or of a foreign hash; `advertiser` and `stream` are empty where `scope` needs none.
    """

    person: PersonKey
    block: Block
    scope: Scope
    advertiser: str
    stream: str
    door: Door
    at: datetime


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """A first-contact notice that the provider accepted for (person, advertiser, source) (R-FR-29, 33)."""

    person: PersonKey
    advertiser: str
    source: str
    at: datetime
    template: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is recorded about one recipient for one advertiser; oppositions include those of scope `all`."""

    consents: tuple[Consent, ...] = ()
    oppositions: tuple[Opposition, ...] = ()
    notices: tuple[NoticeGiven, ...] = ()


NOTHING_KNOWN = Facts()


class Due(StrEnum):
    """Which words about origin a permitted marketing message must carry besides identity and opt-out."""

    NONE = "none"
    SOURCE_LINE = "source-line"
    FULL_NOTICE = "full-notice"


@dataclass(frozen=True, slots=True)
class Allow:
    """The message may leave: on this basis, with these words due, for these rules."""

    basis: Basis
    rules: tuple[str, ...]
    due: Due
    source: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The message must not leave; `floor` marks a refusal that even monitor mode keeps (a recorded opposition)."""

    reason: Reason
    rules: tuple[str, ...]
    floor: bool


@dataclass(frozen=True, slots=True)
class Undecided:
    """The facts could not be read: nobody may guess (R-FR-01)."""

    reason: Reason
    rules: tuple[str, ...]


Verdict = Allow | Refuse | Undecided


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
