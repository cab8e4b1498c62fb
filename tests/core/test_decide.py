"""The decision on both sides of each rule, and what holds whatever is on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.decide import Question, decide
from gateway.core.policy import Policy
from gateway.core.question import NEAREST
from gateway.core.record import (
    Arrangements,
    Basis,
    Block,
    Consent,
    Scope,
)
from gateway.core.verdict import Allow, Due, Reason, Refuse, Undecided
from tests.support.deciding import (
    BOUGHT,
    BUYER,
    CA,
    COMPANY,
    FR,
    GIVEN,
    NEWS,
    NOW,
    OPPOSED,
    ORDERS,
    SALON,
    SHOP,
    TOLD,
    US,
    ask,
    mailbox,
    pack_with,
    permission,
    refusal,
)


def test_unreadable_facts_are_never_guessed() -> None:
    for stream in (NEWS, ORDERS):
        verdict = decide(FR, Question(stream, mailbox(), (), NOW), None)
        assert verdict == Undecided(Reason.STORE_DOWN, ("R-FR-01",))


@pytest.mark.parametrize(
    ("changes", "reached"),
    [
        ({}, True),
        ({"advertiser": "other"}, False),
        ({"scope": Scope.ALL, "advertiser": ""}, True),
        ({"scope": Scope.STREAM, "stream": "news"}, True),
        ({"scope": Scope.STREAM, "stream": "orders"}, False),
    ],
)
def test_an_opposition_reaches_its_scope_and_no_further(changes: dict[str, Any], reached: bool) -> None:
    verdict = ask(GIVEN, oppositions=(replace(OPPOSED, **changes),))
    assert isinstance(verdict, Refuse if reached else Allow)


@pytest.mark.parametrize(
    ("block", "reason", "stops_service"),
    [
        (Block.OPPOSED, Reason.OPPOSED, False),
        (Block.COMPLAINED, Reason.COMPLAINED, False),
        (Block.RESTRICTED, Reason.RESTRICTED, False),
        (Block.BOUNCED, Reason.BOUNCED, True),
    ],
)
def test_service_mail_stops_only_for_dead_mailboxes(block: Block, reason: Reason, stops_service: bool) -> None:
    """R-FR-15, R-FR-63, R-MBX-14, R-DP-15."""
    opposition = replace(OPPOSED, block=block)
    marketing, service = ask(GIVEN, oppositions=(opposition,)), ask(stream=ORDERS, oppositions=(opposition,))
    assert isinstance(marketing, Refuse)
    assert (marketing.reason, marketing.floor) == (reason, True)
    assert isinstance(service, Refuse) is stops_service


def test_the_persons_will_is_told_before_anything_else() -> None:
    blocks = tuple(replace(OPPOSED, block=block) for block in (Block.BOUNCED, Block.COMPLAINED, Block.OPPOSED))
    verdict = ask(GIVEN, oppositions=blocks)
    assert isinstance(verdict, Refuse)
    assert verdict.reason is Reason.OPPOSED


def test_service_mail_needs_no_record_and_no_words() -> None:
    assert ask(stream=ORDERS) == Allow(Basis.SERVICE, ("R-FR-01", "R-FR-02", "R-FR-15"), Due.NONE, "")


REFUSED = [
    ("no record", (), {}, Reason.UNKNOWN_RECIPIENT),
    ("another advertiser's record", (replace(GIVEN, advertiser="other"),), {}, Reason.UNKNOWN_RECIPIENT),
    ("consumer, legitimate interest", (replace(GIVEN, basis=Basis.LEGITIMATE_INTEREST),), {}, Reason.NO_CONSENT),
    ("consumer, existing customer", (replace(GIVEN, basis=Basis.EXISTING_CUSTOMER),), {}, Reason.NO_CONSENT),
    ("professional, existing customer", (replace(BUYER, basis=Basis.EXISTING_CUSTOMER),), {}, Reason.NO_CONSENT),
    ("unproven", (replace(GIVEN, missing=("wording",)),), {}, Reason.CONSENT_UNPROVEN),
    ("other purpose", (replace(GIVEN, purpose="survey"),), {}, Reason.PURPOSE),
    ("withdrawn", (replace(GIVEN, withdrawn_at=NOW),), {}, Reason.CONSENT_WITHDRAWN),
    ("source empty", (replace(BOUGHT, source=""),), {}, Reason.SOURCE_MISSING),
    ("source unknown", (replace(BOUGHT, source=" Unknown "),), {}, Reason.SOURCE_MISSING),
    ("partner did not name us", (replace(BOUGHT, partner_list_version=""),), {}, Reason.PARTNER_NOT_NAMED),
    ("notice lacks a field", (BOUGHT,), {"missing": ("dpo",)}, Reason.NOTICE_INCOMPLETE),
    (
        "notice of another source",
        (BOUGHT,),
        {"missing": ("dpo",), "notices": (replace(TOLD, source="X"),)},
        Reason.NOTICE_INCOMPLETE,
    ),
    ("unrelated function", (replace(BUYER, function="paie"),), {}, Reason.B2B_RELEVANCE),
    ("no function, any stream", (replace(BUYER, function=""),), {"stream": replace(NEWS, relates_to=("*",))}, Reason.B2B_RELEVANCE),
    ("function, stream for none", (BUYER,), {"stream": replace(NEWS, relates_to=())}, Reason.B2B_RELEVANCE),
    ("professional at a free mailbox", (BUYER,), {"to": "camille@freemail.example"}, Reason.NO_CONSENT),
    ("professional, unproven consent", (replace(BUYER, basis=Basis.CONSENT, missing=("action",)),), {}, Reason.CONSENT_UNPROVEN),
    ("professional, consent for other", (replace(BUYER, basis=Basis.CONSENT, purpose="survey"),), {}, Reason.PURPOSE),
    ("professional, withdrawn", (replace(BUYER, withdrawn_at=NOW),), {}, Reason.CONSENT_WITHDRAWN),
    ("company, named person", (COMPANY,), {}, Reason.B2B_RELEVANCE),
    ("company, free mailbox", (replace(COMPANY, function="achats"),), {"to": "camille@freemail.example"}, Reason.NO_CONSENT),
    ("company, withdrawn", (replace(COMPANY, withdrawn_at=NOW),), {"to": "contact@societe.example"}, Reason.CONSENT_WITHDRAWN),
    ("person at a generic address", (replace(BUYER, function=""),), {"to": "contact@societe.example"}, Reason.B2B_RELEVANCE),
]


@pytest.mark.parametrize(("consents", "how", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_mail_without_a_valid_basis_is_refused(consents: tuple[Consent, ...], how: dict[str, Any], reason: Reason) -> None:
    assert refusal(ask(*consents, **how)) is reason


ALLOWED = [
    ("consent", (GIVEN,), {}, Basis.CONSENT, Due.NONE),
    ("partner, first contact", (BOUGHT,), {}, Basis.CONSENT, Due.FULL_NOTICE),
    ("partner, told before", (BOUGHT,), {"notices": (TOLD,), "missing": ("dpo",)}, Basis.CONSENT, Due.SOURCE_LINE),
    ("partner, told by import", (replace(BOUGHT, notice_sent_at=NOW),), {"missing": ("dpo",)}, Basis.CONSENT, Due.SOURCE_LINE),
    ("professional", (BUYER,), {"missing": ("dpo",)}, Basis.LEGITIMATE_INTEREST, Due.NONE),
    ("professional, all functions", (BUYER,), {"stream": replace(NEWS, relates_to=("*",))}, Basis.LEGITIMATE_INTEREST, Due.NONE),
    ("professional, not told", (replace(BUYER, wording=""),), {}, Basis.LEGITIMATE_INTEREST, Due.FULL_NOTICE),
    ("professional, found", (replace(BUYER, source="Annuaire"),), {}, Basis.LEGITIMATE_INTEREST, Due.FULL_NOTICE),
    ("professional, direct, told", (replace(BUYER, wording="", notice_sent_at=NOW),), {}, Basis.LEGITIMATE_INTEREST, Due.NONE),
    ("professional with consent", (replace(BUYER, basis=Basis.CONSENT, function=""),), {}, Basis.CONSENT, Due.NONE),
    ("professional, partner consent", (replace(BUYER, basis=Basis.CONSENT, source="P"),), {}, Basis.CONSENT, Due.FULL_NOTICE),
    (
        "free mailbox, proven",
        (replace(BUYER, professional_proof="site"),),
        {"to": "c@freemail.example"},
        Basis.LEGITIMATE_INTEREST,
        Due.NONE,
    ),
    ("company", (COMPANY,), {"to": "Contact@societe.example"}, Basis.LEGAL_PERSON, Due.NONE),
    ("company, tagged", (COMPANY,), {"to": "contact+web@societe.example"}, Basis.LEGAL_PERSON, Due.NONE),
    ("company, free mailbox", (COMPANY,), {"to": "contact@freemail.example"}, Basis.LEGAL_PERSON, Due.NONE),
    ("company, named buyer", (replace(COMPANY, function="achats"),), {}, Basis.LEGITIMATE_INTEREST, Due.NONE),
    ("one of several", (replace(GIVEN, purpose="survey"), replace(GIVEN, missing=("action",)), GIVEN), {}, Basis.CONSENT, Due.NONE),
    ("fewest words", (BOUGHT, GIVEN), {}, Basis.CONSENT, Due.NONE),
]


@pytest.mark.parametrize(("consents", "how", "basis", "due"), [row[1:] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_mail_with_a_valid_basis_leaves_with_the_words_due(
    consents: tuple[Consent, ...], how: dict[str, Any], basis: Basis, due: Due
) -> None:
    assert permission(ask(*consents, **how)) == (basis, due)


WITHDRAWN = replace(GIVEN, collected_at=NOW - timedelta(days=60), withdrawn_at=NOW - timedelta(days=30))


@pytest.mark.parametrize(
    ("later", "lives"),
    [
        (replace(GIVEN, collected_at=NOW - timedelta(days=29)), True),
        (replace(GIVEN, collected_at=NOW - timedelta(days=30)), False),
        (replace(GIVEN, collected_at=NOW - timedelta(days=31)), False),
        (replace(GIVEN, collected_at=None), False),
        (replace(BUYER, purpose="other", collected_at=NOW - timedelta(days=31)), False),
        (replace(BUYER, purpose="other", collected_at=NOW - timedelta(days=29)), True),
    ],
)
def test_only_a_consent_newer_than_the_withdrawal_lives(later: Consent, lives: bool) -> None:
    for consents in ((WITHDRAWN, later), (later, WITHDRAWN)):
        verdict = ask(*consents)
        assert isinstance(verdict, Allow) if lives else refusal(verdict) is Reason.CONSENT_WITHDRAWN


def test_withdrawing_another_purpose_leaves_this_one() -> None:
    assert isinstance(ask(replace(WITHDRAWN, purpose="survey"), GIVEN), Allow)


def test_the_refusal_nearest_to_a_permission_is_told() -> None:
    lacking = [
        (replace(GIVEN, basis=Basis.EXISTING_CUSTOMER), Reason.NO_CONSENT),
        (replace(BOUGHT, source=""), Reason.SOURCE_MISSING),
        (replace(GIVEN, purpose="survey"), Reason.PURPOSE),
        (replace(BUYER, function=""), Reason.B2B_RELEVANCE),
        (replace(GIVEN, missing=("wording",)), Reason.CONSENT_UNPROVEN),
        (replace(GIVEN, purpose="survey", withdrawn_at=NOW - timedelta(days=900)), Reason.CONSENT_WITHDRAWN),
        (replace(BOUGHT, partner_list_version=""), Reason.PARTNER_NOT_NAMED),
        (BOUGHT, Reason.NOTICE_INCOMPLETE),
    ]
    for count in range(1, len(lacking) + 1):
        records = [consent for consent, _ in lacking[:count]]
        assert refusal(ask(*records, missing=("dpo",))) is lacking[count - 1][1]


def test_rules_are_named_in_the_order_they_counted() -> None:
    verdict = ask(BOUGHT)
    consent, partner = ("R-FR-03", "R-FR-04", "R-FR-19", "R-FR-45"), ("R-FR-20", "R-FR-23")
    assert verdict.rules == ("R-FR-01", "R-FR-28", *consent, *partner, "R-FR-29", "R-FR-32", "R-FR-30", "R-FR-80")


def test_strict_packs_ask_professionals_for_consent() -> None:
    strict = pack_with(**{"R-FR-11": {"b2b_mode": "strict"}})
    assert refusal(ask(BUYER, policy=strict)) is Reason.NO_CONSENT
    assert isinstance(ask(replace(BUYER, basis=Basis.CONSENT), policy=strict), Allow)
    assert isinstance(ask(COMPANY, policy=strict, to="contact@societe.example"), Allow)


@pytest.mark.parametrize(
    ("rule", "consent", "how"),
    [
        ("R-FR-04", replace(GIVEN, missing=("wording",)), {}),
        ("R-FR-09", replace(BUYER, function=""), {}),
        ("R-FR-10", BUYER, {"to": "camille@freemail.example"}),
        ("R-FR-13", COMPANY, {}),
        ("R-FR-19", replace(GIVEN, purpose="survey"), {}),
        ("R-FR-20", replace(BOUGHT, partner_list_version=""), {}),
        ("R-FR-28", replace(BOUGHT, source=""), {"arrangements": Arrangements({"": (replace(SALON, collector=""),)})}),
        ("R-FR-29", BOUGHT, {"missing": ("dpo",)}),
        ("R-FR-30", BOUGHT, {"missing": ("dpo",)}),
    ],
)
def test_a_rule_switched_off_stops_nothing_and_is_not_named(rule: str, consent: Consent, how: dict[str, Any]) -> None:
    assert isinstance(ask(consent, **how), Refuse)
    verdict = ask(consent, policy=pack_with(**{rule: {"enabled": False}}), **how)
    assert isinstance(verdict, Allow)
    assert rule not in verdict.rules


@pytest.mark.parametrize(
    ("rule", "consent", "how"),
    [("R-FR-08", BUYER, {}), ("R-FR-12", COMPANY, {"to": "contact@societe.example"}), ("R-FR-15", GIVEN, {"stream": ORDERS})],
)
def test_a_permission_switched_off_permits_nothing(rule: str, consent: Consent, how: dict[str, Any]) -> None:
    assert isinstance(ask(consent, **how), Allow)
    assert isinstance(ask(consent, policy=pack_with(**{rule: {"enabled": False}}), **how), Refuse)


POOR = replace(NEWS, advertiser=replace(SHOP, postal_address=" "))


def test_a_paused_stream_waits_unless_the_person_opposed() -> None:
    """R-MBX-10: an opposition is final and told first; service mail is not held back."""
    paused = Arrangements(paused=frozenset({"news", "orders"}))
    assert ask(GIVEN, arrangements=paused) == Undecided(Reason.STREAM_PAUSED, ("R-FR-01", "R-MBX-10"))
    assert ask(arrangements=paused) == Undecided(Reason.STREAM_PAUSED, ("R-FR-01", "R-MBX-10"))
    verdict = ask(GIVEN, oppositions=(OPPOSED,), arrangements=paused)
    assert isinstance(verdict, Refuse)
    assert verdict.reason is Reason.OPPOSED
    assert isinstance(ask(stream=ORDERS, arrangements=paused), Allow)
    assert isinstance(ask(GIVEN, arrangements=Arrangements(paused=frozenset({"other"}))), Allow)


@pytest.mark.parametrize("pack", [US, CA], ids=lambda pack: pack.name)
def test_without_a_postal_address_nothing_leaves_where_the_law_asks_for_one(pack: Policy) -> None:
    """R-PACK-05: about the stream, so told before anything about records; France only recommends it."""
    assert refusal(ask(stream=POOR, policy=pack)) is Reason.POSTAL_ADDRESS
    assert refusal(ask(GIVEN, stream=POOR, policy=pack)) is Reason.POSTAL_ADDRESS
    assert isinstance(ask(GIVEN, policy=pack), Allow)
    assert isinstance(ask(GIVEN, stream=POOR), Allow)


def test_every_reason_has_its_place() -> None:
    """Those of records are ordered by how near a permission is, the others end the judgement by themselves."""
    elsewhere = {
        *(
            Reason.OPPOSED,
            Reason.COMPLAINED,
            Reason.RESTRICTED,
            Reason.BOUNCED,
            Reason.PENDING,
            Reason.STREAM_PAUSED,
            Reason.STORE_DOWN,
        ),
        *(Reason.POSTAL_ADDRESS, Reason.UNKNOWN_RECIPIENT, Reason.MINOR, Reason.INACTIVE, Reason.IDENTITY, Reason.CATEGORY),
    }
    assert set(NEAREST) | elsewhere == set(Reason)
    assert not set(NEAREST) & elsewhere
    assert len(set(NEAREST)) == len(NEAREST)
