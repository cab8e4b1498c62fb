"""What is on record about people: consents with their proof, oppositions, notices, transfers; and about the partners named to them.

Nouns only, by person key. A record is never edited: its end is written beside it, and what replaced it stands after it (R-FR-40).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from gateway.core.model import PersonKey


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
    NON_PROFIT = "non-profit"
    IMPLIED = "implied-consent"
    OPT_OUT = "opt-out"
    SERVICE = "service"


class Covers(StrEnum):
    """What a consent permits; each is asked for, proven and withdrawn by itself (R-FR-21, R-FR-22, R-FR-76)."""

    OWN = "own"
    PARTNERS = "partners"
    TRACKING = "tracking"


class Entity(StrEnum):
    """What stands behind a professional address, where somebody recorded it."""

    UNSAID = ""
    COMPANY = "company"
    ASSOCIATION = "association"
    PUBLIC_BODY = "public-body"
    SOLE_TRADER = "sole-trader"
    PARTNERSHIP = "partnership"


class RelationKind(StrEnum):
    """The dealings in which a customer's address was collected (R-FR-06, R-PACK-04)."""

    PURCHASE = "purchase"
    CONTRACT = "contract"
    FREE_ACCOUNT = "free-account"
    NEGOTIATION = "negotiation"
    INQUIRY = "inquiry"
    DONATION = "donation"
    MEMBERSHIP = "membership"


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
    """Why an address is suppressed: the person's will, a complaint, a processing that is restricted, a dead mailbox.

    `pending` is an answer that may have been a refusal: nothing more is sent until a person has read it (R-FR-58).
    """

    OPPOSED = "opposed"
    COMPLAINED = "complained"
    RESTRICTED = "restricted"
    BOUNCED = "bounced"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Who:
    """The keys under which facts about one recipient may be filed: the person, then its domain and foreign hashes."""

    person: PersonKey
    also: tuple[PersonKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A customer's dealings: of which kind, last when, with whom (empty: the advertiser), and when they ended (R-FR-83)."""

    kind: RelationKind
    at: datetime | None = None
    by: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What else a verdict may turn on; many records share one value.

    `country` is an ISO 3166-1 alpha-2 code, upper case (R-PACK-01). `minor` is below the pack's age, `parental` a recorded joint
    consent (R-FR-17). `explicit` is a consent in so many words (R-FR-18). `optout_offered` says that refusing was offered when the
    address was collected (R-FR-06). `published` is an address its holder published without refusing advertising (R-PACK-04).
    """

    country: str = ""
    entity: Entity = Entity.UNSAID
    minor: bool = False
    parental: bool = False
    explicit: bool = False
    optout_offered: bool = False
    published: bool = False


NO_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a consent besides its wording, date and action (R-FR-40); facts for verdicts leave it out.

    `form` is the page or paper; `writer` the tool or operator that wrote it; `batch` the evidence of a mass change (R-FR-41);
    `presentation` whether the partner list was shown `full` or by `link` (R-FR-26); `language` that of the wording.
    """

    wording_id: str = ""
    form: str = ""
    writer: str = ""
    batch: str = ""
    presentation: str = ""
    language: str = ""
    asked_at: datetime | None = None


NO_PROOF = Proof()


@dataclass(frozen=True, slots=True)
class Consent:
    """One record of the register: on what grounds an advertiser may write to a person for a purpose (R-FR-40).

    `missing` names the proof fields that lack (R-FR-04); a record is usable for sending only when it is empty.
    `source` is `direct`, a partner's name, or free text; empty or `unknown` means nobody knows (R-FR-28).
    `wording` is the text as it was shown. `acquired_at` is when an address that did not come from the person reached the advertiser
    (R-FR-23, R-FR-32); `confirmed_at` when a double opt-in was confirmed (R-FR-42).
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
    covers: Covers = Covers.OWN
    acquired_at: datetime | None = None
    confirmed_at: datetime | None = None
    relation: Relation | None = None
    traits: Traits = NO_TRAITS
    proof: Proof = NO_PROOF

    @property
    def direct(self) -> bool:
        """Whether the address was obtained from the person."""
        return self.source == "direct"


@dataclass(frozen=True, slots=True)
class Opposition:
    """A person's refusal, or the suppression that follows from a complaint, a restriction or a dead mailbox.

    `person` may also be the key of a domain or of a foreign hash; `advertiser` and `stream` are empty where `scope` needs none.
    """

    person: PersonKey
    block: Block
    scope: Scope
    advertiser: str
    stream: str
    door: Door
    at: datetime


class NoticeKind(StrEnum):
    """What a person was told by a mail that left; `source` of the notice is the source, the list's version, or empty."""

    FIRST_CONTACT = "first-contact"
    PARTNER_LIST = "partner-list"
    STAY = "stay"


@dataclass(frozen=True, slots=True)
class NoticeGiven:
    """What the provider accepted for (person, advertiser, kind, source): a first-contact notice, a partner list, a question.

    R-FR-29, R-FR-33; R-FR-24; R-FR-82.
    """

    person: PersonKey
    advertiser: str
    source: str
    at: datetime
    template: str
    kind: NoticeKind = NoticeKind.FIRST_CONTACT


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is recorded about one recipient for one advertiser; oppositions include those of scope `all`.

    `last_act` is the person's own last act beyond the records themselves: a click, a reply, an order; never an opening (R-FR-81).
    """

    consents: tuple[Consent, ...] = ()
    oppositions: tuple[Opposition, ...] = ()
    notices: tuple[NoticeGiven, ...] = ()
    last_act: datetime | None = None


NOTHING_KNOWN = Facts()


@dataclass(frozen=True, slots=True)
class NamedPartner:
    """A partner as a published list shows it; `name` is the one of the configuration and of records."""

    name: str
    legal_name: str
    privacy_url: str


@dataclass(frozen=True, slots=True)
class PartnerList:
    """One immutable version of the list of partners a collector passes addresses to (R-FR-24).

    `collector` is an advertiser of ours, or a partner whose list we hold because its records name us.
    """

    collector: str
    version: str
    at: datetime
    partners: tuple[NamedPartner, ...]
    reason: str = ""

    def names(self, partner: str) -> bool:
        """Whether this version names the organisation, by its name here or by its legal name."""
        return any(partner in (one.name, one.legal_name) for one in self.partners)


@dataclass(frozen=True, slots=True)
class Arrangements:
    """What holds for every recipient alike and changes rarely: published partner lists, oldest first, and paused streams."""

    lists: Mapping[str, tuple[PartnerList, ...]] = field(default_factory=lambda: MappingProxyType({}))
    paused: frozenset[str] = frozenset()

    def current(self, collector: str) -> PartnerList | None:
        """The list a collector shows now."""
        return self.lists[collector][-1] if self.lists.get(collector) else None

    def version(self, collector: str, version: str) -> PartnerList | None:
        """The list as it was shown under that version."""
        return next((one for one in self.lists.get(collector, ()) if one.version == version), None)


NO_ARRANGEMENTS = Arrangements()


@dataclass(frozen=True, slots=True)
class Transfer:
    """One person's data passed to one partner, recorded before it left (R-FR-23, R-FR-35); `recorded` proof is in the journal."""

    person: PersonKey
    collector: str
    partner: str
    purpose: str
    list_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A sign-up that waits for its confirmation (R-FR-43); `id` is the digest of the random token in the link.

    `consents` are the records that confirming will file. They hold no address: that is sealed beside them.
    """

    id: bytes
    person: PersonKey
    stream: str
    consents: tuple[Consent, ...]
    sealed_address: bytes
    asked_at: datetime
    expires_at: datetime
    reminded_at: datetime | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A text that verdicts rest on, as it was adopted: a policy pack or a stream's configuration (R-FR-86).

    `label` is what verdicts quote; `text` is self-contained JSON from which the same verdict can be had again.
    """

    kind: str
    name: str
    label: str
    text: str
    at: datetime
    author: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the HTTP API: `secret_sha256` is the digest of its random secret, `may` what it is allowed to do."""

    name: str
    secret_sha256: bytes
    may: tuple[str, ...]
    advertisers: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
