"""The rules a policy pack holds, each a table of its own with its typed parameters, by its id in the rule book.

Only shape: what the rules mean is `decide`'s business. A floor that is switched off is refused (R-PACK-03). A later rule is one
more field of `RuleBook`, with a shape of its own where it has parameters.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, StringConstraints, field_validator

from gateway.core.duration import Duration, parse_duration
from gateway.core.record import Entity, RelationKind

Line = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]
Short = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Folded = Annotated[Line, StringConstraints(to_lower=True, strip_whitespace=True)]
Switch = Annotated[bool, Field(strict=True)]


def _calendar(text: object) -> object:
    return text if not isinstance(text, str) else parse_duration(text) or text


Calendar = Annotated[InstanceOf[Duration], BeforeValidator(_calendar)]
"""A calendar duration such as `P3Y` (ISO 8601 without a time part)."""


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


class ConsumerRegime(Floor):
    """R-FR-03: whether private people are written to only with consent, or until they refuse. Without a record nobody is."""

    consumer: Literal["opt-in", "opt-out"]


class RejectedActions(RuleTable):
    """R-FR-05: acts that are no consent, in the words an import would use."""

    actions: tuple[Folded, ...]


class ExistingCustomer(RuleTable):
    """R-FR-06: in which dealings an address must have been collected."""

    relations: tuple[RelationKind, ...]


class FreeMail(RuleTable):
    """R-FR-10: domains where private people have their mailboxes."""

    domains: tuple[Folded, ...]


class BusinessMode(RuleTable):
    """R-FR-11: whether professionals may be written to until they object, or only with consent; `individuals` count as consumers.

    The latter are what national law treats as natural persons (R-PACK-07).
    """

    b2b_mode: Literal["opt-out", "strict"]
    individuals: tuple[Entity, ...] = ()


class RoleAddresses(RuleTable):
    """R-FR-12: local parts that name a function of an organisation and no person."""

    local_parts: tuple[Folded, ...]


class CategoryGuard(RuleTable):
    """R-FR-16: when mail that claims to be transactional is treated as marketing, or refused."""

    recipients_per_hour: Annotated[int, Field(strict=True, ge=1)]
    promotional: tuple[Folded, ...]
    then: Literal["reclassify", "refuse"]


class Minors(RuleTable):
    """R-FR-17: below which age a consent needs a holder of parental authority; records say whether a person is below it."""

    age: Annotated[int, Field(strict=True, ge=0, le=18)]


class NewPartner(RuleTable):
    """R-FR-24: what a partner added after a person's consent must wait for."""

    new_partner_requires: Literal["notice", "consent"]


class NoticeTerm(RuleTable):
    """R-FR-32: within which time a first-contact notice is due, and from when on it is listed."""

    within: Calendar
    warn_before: Calendar


class DoubleOptIn(RuleTable):
    """R-FR-42: whether every consent must be confirmed, or only those from these sources."""

    double_optin: Literal["optional", "required"]
    sources: tuple[Folded, ...]


class Confirmation(RuleTable):
    """R-FR-43: how long a confirmation link lives, and when its one reminder goes (empty: never)."""

    expires: Calendar
    remind_after: Calendar | Literal[""]


class SubjectRule(RuleTable):
    """R-FR-72: what becomes of a subject that is empty, or pretends to answer."""

    then: Literal["refuse", "tag", "allow"]


class ReplyRule(RuleTable):
    """R-FR-73: what becomes of a reply address that cannot be written to."""

    then: Literal["set", "refuse", "allow"]


class AdLabel(RuleTable):
    """R-FR-74: the word that marks advertising, in front of the subject; empty for none."""

    ad_label: Short


class TrackerRule(RuleTable):
    """R-FR-75: what becomes of open trackers without consent; `hosts` are known to serve nothing else."""

    then: Literal["strip", "refuse", "allow"]
    hosts: tuple[Folded, ...]


class ClickRule(RuleTable):
    """R-FR-79: what becomes of links that pass through a click tracker; `hosts` are known ones."""

    click_tracking: Literal["allow", "consent", "strip"]
    hosts: tuple[Folded, ...]


class Term(RuleTable):
    """A rule of time: after so long, or for so long."""

    after: Calendar


class StayQuestion(RuleTable):
    """R-FR-82: how long an inactive person has to say that they want to stay."""

    answer_within: Calendar


class ImpliedConsent(RuleTable):
    """R-PACK-04: how long dealings imply consent, by their kind; `published` whether a published address does."""

    purchase: Calendar
    contract: Calendar
    inquiry: Calendar
    donation: Calendar
    membership: Calendar
    published: Switch


class BusinessDays(RuleTable):
    """R-PACK-09: within how many business days the law wants an opt-out honoured; 0 is at once."""

    business_days: Annotated[int, Field(strict=True, ge=0, le=60)]


class Complaints(RuleTable):
    """R-MBX-10: from which share of complaints in 24 hours a stream is warned about or paused, after `least` deliveries."""

    warn: Annotated[float, Field(gt=0, lt=1)]
    pause: Annotated[float, Field(gt=0, lt=1)]
    least: Annotated[int, Field(strict=True, ge=1)]


class RuleBook(Table):
    """Every rule the gateway knows, by its id in the rule book; all must be there, switched off or on."""

    order: Floor = Field(alias="R-FR-01")
    unknown_is_marketing: Floor = Field(alias="R-FR-02")
    consumer_consent: ConsumerRegime = Field(alias="R-FR-03")
    proof: RuleTable = Field(alias="R-FR-04")
    no_consent_at_all: RejectedActions = Field(alias="R-FR-05")
    existing_customer: ExistingCustomer = Field(alias="R-FR-06")
    professional: RuleTable = Field(alias="R-FR-08")
    relevance: RuleTable = Field(alias="R-FR-09")
    free_mail: FreeMail = Field(alias="R-FR-10")
    business_mode: BusinessMode = Field(alias="R-FR-11")
    role_addresses: RoleAddresses = Field(alias="R-FR-12")
    named_at_company: RuleTable = Field(alias="R-FR-13")
    nonprofit: RuleTable = Field(alias="R-FR-14")
    transactional: RuleTable = Field(alias="R-FR-15")
    category_guard: CategoryGuard = Field(alias="R-FR-16")
    minors: Minors = Field(alias="R-FR-17")
    sensitive: RuleTable = Field(alias="R-FR-18")
    purpose: RuleTable = Field(alias="R-FR-19")
    partner_named: RuleTable = Field(alias="R-FR-20")
    one_box: RuleTable = Field(alias="R-FR-21")
    own_and_partners: RuleTable = Field(alias="R-FR-22")
    transfer_after_consent: RuleTable = Field(alias="R-FR-23")
    new_partner: NewPartner = Field(alias="R-FR-24")
    partner_list: RuleTable = Field(alias="R-FR-25")
    list_presented: RuleTable = Field(alias="R-FR-26")
    no_passing_on: RuleTable = Field(alias="R-FR-27")
    source_known: RuleTable = Field(alias="R-FR-28")
    first_contact: RuleTable = Field(alias="R-FR-29")
    notice_complete: RuleTable = Field(alias="R-FR-30")
    notice_bounced: RuleTable = Field(alias="R-FR-31")
    notice_term: NoticeTerm = Field(alias="R-FR-32")
    source_line: RuleTable = Field(alias="R-FR-33")
    business_transfer: RuleTable = Field(alias="R-FR-39")
    bulk_evidence: RuleTable = Field(alias="R-FR-41")
    double_optin: DoubleOptIn = Field(alias="R-FR-42")
    confirmation: Confirmation = Field(alias="R-FR-43")
    opposed_may_return: Floor = Field(alias="R-FR-44")
    withdrawal: Floor = Field(alias="R-FR-45")
    opt_out: Floor = Field(alias="R-FR-50")
    opt_out_tested: Floor = Field(alias="R-FR-52")
    unclear_answer: Floor = Field(alias="R-FR-58")
    scope: Floor = Field(alias="R-FR-63")
    no_revival: Floor = Field(alias="R-FR-64")
    spellings: Floor = Field(alias="R-FR-65")
    whole_domain: Floor = Field(alias="R-FR-66")
    identity: Floor = Field(alias="R-FR-70")
    footer: Floor = Field(alias="R-FR-71")
    subject: SubjectRule = Field(alias="R-FR-72")
    reply_address: ReplyRule = Field(alias="R-FR-73")
    ad_label: AdLabel = Field(alias="R-FR-74")
    trackers: TrackerRule = Field(alias="R-FR-75")
    tracking_consent: RuleTable = Field(alias="R-FR-76")
    click_tracking: ClickRule = Field(alias="R-FR-79")
    inactive: Term = Field(alias="R-FR-80")
    openings: Floor = Field(alias="R-FR-81")
    stay: StayQuestion = Field(alias="R-FR-82")
    former_customer: Term = Field(alias="R-FR-83")
    oppositions_kept: Floor = Field(alias="R-FR-84")
    proof_kept: Term = Field(alias="R-FR-85")
    evidence: Floor = Field(alias="R-FR-90")
    evidence_first: Floor = Field(alias="R-FR-91")
    implied: ImpliedConsent = Field(alias="R-PACK-04")
    postal_address: RuleTable = Field(alias="R-PACK-05")
    never_passed_on: RuleTable = Field(alias="R-PACK-08")
    honour_within: BusinessDays = Field(alias="R-PACK-09")
    complaints: Complaints = Field(alias="R-MBX-10")
    dead_mailbox: Floor = Field(alias="R-MBX-14")
    restriction: Floor = Field(alias="R-DP-15")
