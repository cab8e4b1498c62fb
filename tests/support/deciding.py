"""Made-up people, streams and packs for the tests of the decision; every value has a default."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.core.address import Address
from gateway.core.address import parse as parse_address
from gateway.core.decide import Question, decide
from gateway.core.model import Advertiser, Category, PersonKey, RefusalMode, Stream
from gateway.core.policy import Policy, parse
from gateway.core.record import (
    Arrangements,
    Audience,
    Basis,
    Block,
    Consent,
    Door,
    Facts,
    NamedPartner,
    NoticeGiven,
    Opposition,
    PartnerList,
    Relation,
    RelationKind,
    Scope,
    Traits,
)
from gateway.core.verdict import Allow, Due, Reason, Refuse, Verdict
from gateway.edges.files import read_policy

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PERSON = PersonKey(b"p" * 16)
SHOP = Advertiser("shop", "Shop SAS", "1 rue d'Exemple", "", "", "", ("shop.example",))
NEWS = Stream(
    "news", 7, SHOP, Category.MARKETING, "newsletter", "fr", "", RefusalMode.REJECT, "fr", ("achats", "logistique"), ("livres",)
)
ORDERS = replace(NEWS, name="orders", category=Category.TRANSACTIONAL, purpose="orders")
GIVEN = Consent(
    PERSON, "shop", "newsletter", Audience.CONSUMER, Basis.CONSENT, "direct", NOW - timedelta(days=90), "checkbox-ticked", "v3"
)
BOUGHT = replace(GIVEN, source="Salon Pro", partner_list_version="2026-03")
BUYER = replace(GIVEN, audience=Audience.PROFESSIONAL, basis=Basis.LEGITIMATE_INTEREST, function="Achats")
COMPANY = replace(BUYER, audience=Audience.LEGAL_PERSON, function="")
CUSTOMER = replace(
    GIVEN,
    basis=Basis.EXISTING_CUSTOMER,
    product_family="Livres",
    relation=Relation(RelationKind.PURCHASE),
    traits=Traits(optout_offered=True),
)
SALON = PartnerList("Salon Pro", "2026-03", NOW - timedelta(days=200), (NamedPartner("shop", "", ""), NamedPartner("x", "", "")))
LISTS = Arrangements({"Salon Pro": (SALON,)})
OPPOSED = Opposition(PERSON, Block.OPPOSED, Scope.ADVERTISER, "shop", "", Door.LINK, NOW)
TOLD = NoticeGiven(PERSON, "shop", "Salon Pro", NOW, "t")


def shipped_pack(name: str = "fr") -> Policy:
    """A pack that comes with the gateway."""
    policy = read_policy(name)
    assert isinstance(policy, Policy), policy
    return policy


FR, EU, DE, UK, US, CA = (shipped_pack(name) for name in ("fr", "eu", "de", "uk", "us", "ca"))


def pack_with(base: Policy = FR, **rules: dict[str, object]) -> Policy:
    """A shipped pack with some rules changed."""
    told = copy.deepcopy(json.loads(base.text))
    for rule, changes in rules.items():
        told["table"]["rule"][rule] |= changes
    policy = parse(told["table"], told["digest"])
    assert isinstance(policy, Policy), policy
    return policy


def mailbox(text: str = "camille@societe.example") -> Address:
    """A parsed address; the tests only write good ones."""
    address = parse_address(text)
    assert isinstance(address, Address)
    return address


def ask(
    *consents: Consent,
    to: str = "camille@societe.example",
    stream: Stream = NEWS,
    policy: Policy = FR,
    missing: tuple[str, ...] = (),
    oppositions: tuple[Opposition, ...] = (),
    notices: tuple[NoticeGiven, ...] = (),
    now: datetime = NOW,
    arrangements: Arrangements = LISTS,
    last_act: datetime | None = None,
) -> Verdict:
    """The verdict on a message to one person."""
    return decide(
        policy, Question(stream, mailbox(to), missing, now, arrangements), Facts(consents, oppositions, notices, last_act)
    )


def refusal(verdict: Verdict) -> Reason:
    """Why it was refused; and not for good."""
    assert isinstance(verdict, Refuse), verdict
    assert not verdict.floor
    return verdict.reason


def permission(verdict: Verdict) -> tuple[Basis, Due]:
    """On which basis it was allowed, with which words due."""
    assert isinstance(verdict, Allow), verdict
    return verdict.basis, verdict.due


def with_traits(consent: Consent, **traits: Any) -> Consent:
    """The record with some traits changed."""
    return replace(consent, traits=replace(consent.traits, **traits))
