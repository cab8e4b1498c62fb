"""The decision on both sides of each rule, and what holds whatever is on record."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.address import Address
from gateway.core.address import parse as parse_address
from gateway.core.decide import Question, decide
from gateway.core.explain import explain
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
    Scope,
)
from gateway.core.verdict import Allow, Due, Reason, Refuse, Undecided, Verdict
from gateway.edges.files import read_policy, shipped

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PERSON = PersonKey(b"p" * 16)
SHOP = Advertiser("shop", "Shop SAS", "", "", "", "", ("shop.example",))
NEWS = Stream("news", 7, SHOP, Category.MARKETING, "newsletter", "fr", "", RefusalMode.REJECT, "fr", ("achats", "logistique"))
ORDERS = replace(NEWS, name="orders", category=Category.TRANSACTIONAL, purpose="orders")
GIVEN = Consent(
    PERSON, "shop", "newsletter", Audience.CONSUMER, Basis.CONSENT, "direct", NOW - timedelta(days=90), "checkbox-ticked", "v3"
)
BOUGHT = replace(GIVEN, source="Salon Pro", partner_list_version="2026-03")
BUYER = replace(GIVEN, audience=Audience.PROFESSIONAL, basis=Basis.LEGITIMATE_INTEREST, function="Achats")
COMPANY = replace(BUYER, audience=Audience.LEGAL_PERSON, function="")
SALON = PartnerList(
    "Salon Pro", "2026-03", NOW - timedelta(days=200), (NamedPartner("shop", "Shop SAS", ""), NamedPartner("x", "", ""))
)
LISTS = Arrangements({"Salon Pro": (SALON,)})
OPPOSED = Opposition(PERSON, Block.OPPOSED, Scope.ADVERTISER, "shop", "", Door.LINK, NOW)
TOLD = NoticeGiven(PERSON, "shop", "Salon Pro", NOW, "t")


def shipped_pack() -> Policy:
    policy = read_policy("fr")
    assert isinstance(policy, Policy), policy
    return policy


FR = shipped_pack()


def pack_with(**rules: dict[str, object]) -> Policy:
    table: dict[str, Any] = tomllib.loads((shipped("policies") / "fr.toml").read_text(encoding="utf-8"))
    for rule, changes in rules.items():
        table["rule"][rule] |= changes
    policy = parse(table, "0" * 64)
    assert isinstance(policy, Policy), policy
    return policy


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
    address = parse_address(to)
    assert isinstance(address, Address)
    return decide(policy, Question(stream, address, missing, now, arrangements), Facts(consents, oppositions, notices, last_act))


def refusal(verdict: Verdict) -> Reason:
    assert isinstance(verdict, Refuse), verdict
    assert not verdict.floor
    return verdict.reason


def permission(verdict: Verdict) -> tuple[Basis, Due]:
    assert isinstance(verdict, Allow), verdict
    return verdict.basis, verdict.due


def test_unreadable_facts_are_never_guessed() -> None:
    address = parse_address("a@example.com")
    assert isinstance(address, Address)
    for stream in (NEWS, ORDERS):
        verdict = decide(FR, Question(stream, address, (), NOW), None)
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
        (Block.BOUNCED, Reason.BOUNCED, True),
    ],
)
def test_service_mail_stops_only_for_dead_mailboxes(block: Block, reason: Reason, stops_service: bool) -> None:
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
    assert verdict.rules == ("R-FR-01", "R-FR-28", "R-FR-03", "R-FR-04", "R-FR-19", "R-FR-45", "R-FR-20", "R-FR-29")


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
        ("R-FR-28", replace(BOUGHT, source=""), {}),
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


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WORDS = st.sampled_from(["", "shop", "other", "news", "orders", "newsletter", "survey", "Achats", "*", "unknown", "direct", "v1"])
CONSENTS = st.builds(
    Consent,
    st.just(PERSON),
    st.sampled_from(["shop", "other"]),
    WORDS,
    st.sampled_from(Audience),
    st.sampled_from(Basis),
    WORDS,
    st.none() | MOMENTS,
    WORDS,
    WORDS,
    function=WORDS,
    notice_sent_at=st.none() | MOMENTS,
    partner_list_version=WORDS,
    professional_proof=WORDS,
    withdrawn_at=st.none() | MOMENTS,
    missing=st.sampled_from([(), ("wording",)]),
)
OPPOSITIONS = st.builds(
    Opposition, st.just(PERSON), st.sampled_from(Block), st.sampled_from(Scope), WORDS, WORDS, st.sampled_from(Door), MOMENTS
)
NOTICES = st.builds(NoticeGiven, st.just(PERSON), WORDS, WORDS, MOMENTS, st.just(""))
FACTS = st.builds(
    Facts,
    st.lists(CONSENTS, max_size=4).map(tuple),
    st.lists(OPPOSITIONS, max_size=4).map(tuple),
    st.lists(NOTICES, max_size=3).map(tuple),
)
ADDRESSES = st.sampled_from(
    ["camille@societe.example", "contact@societe.example", "camille@freemail.example", "contact@freemail.example"]
).map(parse_address)
QUESTIONS = st.builds(Question, st.sampled_from([NEWS, ORDERS]), ADDRESSES, st.sampled_from([(), ("dpo",)]), MOMENTS)


@given(QUESTIONS, st.none() | FACTS)
def test_every_question_has_an_answer_that_can_be_told(question: Question, facts: Facts | None) -> None:
    verdict = decide(FR, question, facts)
    assert isinstance(verdict, Allow | Refuse | Undecided)
    assert verdict.rules[0] == "R-FR-01"
    assert all(FR.rule(rule).says for rule in verdict.rules)
    assert len(set(verdict.rules)) == len(verdict.rules)
    told = "\n".join(explain(FR, question, facts).lines())
    assert question.address.wire not in told
    assert all(rule in told for rule in verdict.rules)


@given(QUESTIONS, FACTS, st.sampled_from(Block), st.sampled_from(Scope), st.integers(0, 4))
def test_opposition_outranks_everything(question: Question, facts: Facts, block: Block, scope: Scope, place: int) -> None:
    opposition = Opposition(PERSON, block, scope, "shop", question.stream.name, Door.REPLY, NOW)
    oppositions = (*facts.oppositions[:place], opposition, *facts.oppositions[place:])
    question = replace(question, stream=NEWS if scope is not Scope.STREAM else replace(NEWS, name=question.stream.name))
    verdict = decide(FR, question, replace(facts, oppositions=oppositions))
    assert isinstance(verdict, Refuse)
    assert verdict.floor
    assert verdict.reason in (Reason.OPPOSED, Reason.COMPLAINED, Reason.BOUNCED)


@given(QUESTIONS, FACTS)
def test_marketing_never_leaves_without_a_record_of_this_advertiser(question: Question, facts: Facts) -> None:
    verdict = decide(FR, replace(question, stream=NEWS), facts)
    if isinstance(verdict, Allow):
        assert any(consent.advertiser == "shop" and consent.withdrawn_at is None for consent in facts.consents)
        assert verdict.basis is not Basis.SERVICE


def test_an_explanation_tells_the_law_the_record_and_the_remedy() -> None:
    address = parse_address("camille@societe.example")
    assert isinstance(address, Address)
    facts = Facts((BOUGHT, replace(BUYER, function="paie")), (OPPOSED,), (TOLD,))
    told = explain(FR, Question(NEWS, address, (), NOW), facts)
    text = "\n".join(told.lines())
    assert told.reason == "OPPOSED"
    assert told.headline.startswith("REFUSED [OPPOSED]: marketing mail of stream news (Shop SAS)")
    assert "RGPD art. 21(3)" in text
    assert "came in by link on 2026-11-21" in text
    assert "source Salon Pro" in text
    assert "Alone it leads to B2B-RELEVANCE." in text
    assert "It would do." in text
    assert "fresh act of the person" in text
    assert "camille" not in text


def test_a_permission_is_explained_with_the_words_due() -> None:
    address = parse_address("camille@societe.example")
    assert isinstance(address, Address)
    told = explain(FR, Question(NEWS, address, (), NOW), Facts((BOUGHT,)))
    assert told.headline.startswith("ALLOWED")
    assert told.reason == ""
    assert any("first-contact notice" in sentence for sentence in told.to_change)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in (Reason.IDENTITY, Reason.CATEGORY)])
def test_every_refusal_says_what_would_change_it(reason: Reason) -> None:
    address = parse_address("camille@societe.example")
    assert isinstance(address, Address)
    question = Question(NEWS, address, ("dpo",), NOW)
    cases: dict[Reason, Facts | None] = {row[3]: Facts(row[1], (), row[2].get("notices", ())) for row in REFUSED}
    cases |= {Reason(block.name): Facts((), (replace(OPPOSED, block=block),)) for block in Block}
    cases[Reason.STORE_DOWN] = None
    cases[Reason.NO_CONSENT] = Facts((replace(GIVEN, basis=Basis.EXISTING_CUSTOMER),))
    cases[Reason.B2B_RELEVANCE] = Facts((replace(BUYER, function=""),))
    cases[Reason.CONSENT_WITHDRAWN] = Facts((WITHDRAWN,))
    told = explain(FR, question, cases[reason])
    assert told.reason == reason.value
    assert told.to_change
