"""The shape of a policy pack's TOML file: its rules, its authority, and its own examples.

Only shape: what the rules mean is `decide`'s business. An unknown key or rule and a missing one are refused (R-PACK-02).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, HttpUrl, StringConstraints, field_validator

from gateway.core.address import AddressFault, parse
from gateway.core.model import Category
from gateway.core.record import Audience, Basis, Block, Covers, Door, Entity, NoticeKind, RelationKind, Scope
from gateway.core.rulebook import Folded, Line, RuleBook, Short, Switch, Table
from gateway.core.verdict import Due, Reason


class Authority(Table):
    """The supervisory authority people can complain to (GDPR 77)."""

    name: Line
    url: HttpUrl


class CaseRelation(Table):
    """The dealings in which a customer's address was collected; `by` other than empty is another company."""

    kind: RelationKind
    at: AwareDatetime | None = None
    by: Short = ""
    ended_at: AwareDatetime | None = None


class CaseConsent(Table):
    """A consent record an example is given; `advertiser` is the one who writes unless it says otherwise."""

    audience: Audience = Audience.CONSUMER
    basis: Basis = Basis.CONSENT
    purpose: Short = "newsletter"
    source: Short = "direct"
    collected_at: AwareDatetime | None = datetime(2026, 3, 1, 9, tzinfo=UTC)
    action: Short = "checkbox-ticked"
    wording: Short = "v1"
    function: Short = ""
    notice_sent_at: AwareDatetime | None = None
    partner_list_version: Short = ""
    product_family: Short = ""
    professional_proof: Short = ""
    withdrawn_at: AwareDatetime | None = None
    missing: tuple[Short, ...] = ()
    recorded_at: AwareDatetime | None = datetime(2026, 11, 1, 9, tzinfo=UTC)
    covers: Covers = Covers.OWN
    acquired_at: AwareDatetime | None = None
    confirmed_at: AwareDatetime | None = None
    relation: CaseRelation | None = None
    country: Short = ""
    entity: Entity = Entity.UNSAID
    minor: Switch = False
    parental: Switch = False
    explicit: Switch = False
    optout_offered: Switch = False
    published: Switch = False


class CaseOpposition(Table):
    """An opposition an example is given; `stream` other than the example's own is another stream."""

    block: Block = Block.OPPOSED
    scope: Scope = Scope.ADVERTISER
    advertiser: Short = "advertiser"
    stream: Short = "stream"
    door: Door = Door.LINK


class CaseNotice(Table):
    """What an example's recipient has been told: a first-contact notice for a source, or a version of the partner list."""

    source: Line
    advertiser: Short = "advertiser"
    kind: NoticeKind = NoticeKind.FIRST_CONTACT


class CaseList(Table):
    """A published partner list; `collector` is a source of the records, or `advertiser` where the writer itself passes data on."""

    collector: Line
    version: Line
    partners: tuple[Line, ...]


class Expected(Table):
    """What a DPO expects: the verdict, and those rules that must be among the ones that counted."""

    verdict: Literal["allow", "refuse", "wait"]
    reason: Reason | None = None
    basis: Basis | None = None
    due: Due | None = None
    tracking: Switch | None = None
    news: tuple[Short, ...] | None = None
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
    product_families: tuple[Folded, ...] = ()
    sensitive: Switch = False
    double_optin: Switch = False
    nonprofit: Switch = False
    postal_address: Short = "1 Example Street, 75000 Example"
    lists: tuple[CaseList, ...] = ()
    paused: Switch = False
    last_act: AwareDatetime | None = None
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
    countries: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")], ...] = ()
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
    authority: Authority
    rule: RuleBook
    case: tuple[Case, ...] = ()
