"""The shape of a policy pack's TOML file: every rule a table of its own, its parameters typed, its examples beside it.

Only shape: what the rules mean is `decide`'s business. An unknown key or rule, a missing one, and a floor that is switched off are
refused (R-PACK-02, R-PACK-03). A later rule is one more field of `RuleBook`, with a shape of its own where it has parameters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, field_validator

from gateway.core.address import AddressFault, parse
from gateway.core.model import Audience, Basis, Block, Category, Door, Due, Reason, Scope

Line = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]
Short = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Folded = Annotated[Line, StringConstraints(to_lower=True, strip_whitespace=True)]
Switch = Annotated[bool, Field(strict=True)]


class Table(BaseModel):
    """What all tables of a pack share: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class RuleTable(Table):
    """One rule: its plain sentence, its legal source, and whether this pack applies it."""

    says: Line
    source: Line
    enabled: Switch = True


class Floor(RuleTable):
    """A rule that no pack may switch off: opposition wins, the opt-out works, identity is true, evidence is kept."""

    @field_validator("enabled")
    @classmethod
    def _stays_on(cls, enabled: bool) -> bool:
        if not enabled:
            raise ValueError("this rule is a floor: no pack can switch it off (R-PACK-03)")
        return enabled


class RejectedActions(RuleTable):
    """R-FR-05: acts that are no consent, in the words an import would use."""

    actions: tuple[Folded, ...]


class FreeMail(RuleTable):
    """R-FR-10: domains where private people have their mailboxes."""

    domains: tuple[Folded, ...]


class BusinessMode(RuleTable):
    """R-FR-11: whether professionals may be written to until they object, or only with consent."""

    b2b_mode: Literal["opt-out", "strict"]


class RoleAddresses(RuleTable):
    """R-FR-12: local parts that name a function of an organisation and no person."""

    local_parts: tuple[Folded, ...]


class RuleBook(Table):
    """Every rule the gateway knows, by its id in the rule book; all must be there, switched off or on."""

    order: Floor = Field(alias="R-FR-01")
    unknown_is_marketing: Floor = Field(alias="R-FR-02")
    consumer_consent: Floor = Field(alias="R-FR-03")
    proof: RuleTable = Field(alias="R-FR-04")
    no_consent_at_all: RejectedActions = Field(alias="R-FR-05")
    existing_customer: RuleTable = Field(alias="R-FR-06")
    professional: RuleTable = Field(alias="R-FR-08")
    relevance: RuleTable = Field(alias="R-FR-09")
    free_mail: FreeMail = Field(alias="R-FR-10")
    business_mode: BusinessMode = Field(alias="R-FR-11")
    role_addresses: RoleAddresses = Field(alias="R-FR-12")
    named_at_company: RuleTable = Field(alias="R-FR-13")
    transactional: RuleTable = Field(alias="R-FR-15")
    purpose: RuleTable = Field(alias="R-FR-19")
    partner_named: RuleTable = Field(alias="R-FR-20")
    source_known: RuleTable = Field(alias="R-FR-28")
    first_contact: RuleTable = Field(alias="R-FR-29")
    notice_complete: RuleTable = Field(alias="R-FR-30")
    notice_bounced: RuleTable = Field(alias="R-FR-31")
    source_line: RuleTable = Field(alias="R-FR-33")
    withdrawal: Floor = Field(alias="R-FR-45")
    opt_out: Floor = Field(alias="R-FR-50")
    opt_out_tested: Floor = Field(alias="R-FR-52")
    scope: Floor = Field(alias="R-FR-63")
    no_revival: Floor = Field(alias="R-FR-64")
    spellings: Floor = Field(alias="R-FR-65")
    whole_domain: Floor = Field(alias="R-FR-66")
    identity: Floor = Field(alias="R-FR-70")
    footer: Floor = Field(alias="R-FR-71")
    evidence: Floor = Field(alias="R-FR-90")
    evidence_first: Floor = Field(alias="R-FR-91")
    dead_mailbox: Floor = Field(alias="R-MBX-14")


class Authority(Table):
    """The supervisory authority people can complain to (GDPR 77)."""

    name: Line
    url: HttpUrl


class CaseConsent(Table):
    """A consent record an example is given."""

    audience: Audience = Audience.CONSUMER
    basis: Basis = Basis.CONSENT
    purpose: Short = "newsletter"
    source: Short = "direct"
    collected_at: AwareDatetime | None = None
    action: Short = "checkbox-ticked"
    wording: Short = "v1"
    function: Short = ""
    notice_sent_at: AwareDatetime | None = None
    partner_list_version: Short = ""
    professional_proof: Short = ""
    withdrawn_at: AwareDatetime | None = None
    missing: tuple[Short, ...] = ()


class CaseOpposition(Table):
    """An opposition an example is given; `stream` other than the example's own is another stream."""

    block: Block = Block.OPPOSED
    scope: Scope = Scope.ADVERTISER
    advertiser: Short = "advertiser"
    stream: Short = "stream"
    door: Door = Door.LINK


class CaseNotice(Table):
    """A first-contact notice an example's recipient has had."""

    source: Line
    advertiser: Short = "advertiser"


class Expected(Table):
    """What a DPO expects: the verdict, and those rules that must be among the ones that counted."""

    verdict: Literal["allow", "refuse", "wait"]
    reason: Reason | None = None
    basis: Basis | None = None
    due: Due | None = None
    rules: tuple[str, ...] = ()


class Case(Table):
    """One example: what is on record about a recipient, what is to be sent, and what must come of it."""

    says: Line
    now: AwareDatetime = datetime(2026, 11, 21, 9, tzinfo=UTC)
    to: Line = "camille.martin@example.com"
    category: Category = Category.MARKETING
    purpose: Short = "newsletter"
    relates_to: tuple[Folded, ...] = ("*",)
    consents: tuple[CaseConsent, ...] = ()
    oppositions: tuple[CaseOpposition, ...] = ()
    notices: tuple[CaseNotice, ...] = ()
    missing_notice: tuple[Short, ...] = ()
    unreadable: Switch = False
    expect: Expected

    @field_validator("to")
    @classmethod
    def _is_an_address(cls, to: str) -> str:
        if isinstance(parse(to, smtputf8=True), AddressFault):
            raise ValueError("this is no address")
        return to


class Pack(Table):
    """A whole policy pack, as its file is written."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
    authority: Authority
    rule: RuleBook
    case: tuple[Case, ...] = ()
