"""Each legal basis and each of its conditions: taken away alone, the verdict changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.policy import Policy
from gateway.core.record import (
    Audience,
    Basis,
    Consent,
    Covers,
    Entity,
    NoticeGiven,
    NoticeKind,
    Relation,
    RelationKind,
)
from gateway.core.verdict import Allow, Due, Reason, Refuse
from tests.support.deciding import (
    BOUGHT,
    BUYER,
    CA,
    COMPANY,
    CUSTOMER,
    DE,
    EU,
    GIVEN,
    NEWS,
    NOW,
    OPPOSED,
    PERSON,
    SHOP,
    UK,
    US,
    ask,
    pack_with,
    permission,
    refusal,
    with_traits,
)

DAY = timedelta(days=1)
GROUP = Relation(RelationKind.PURCHASE, by="Shop Group Holding")


def test_a_customer_needs_no_consent_for_similar_products() -> None:
    """R-FR-06."""
    assert permission(ask(CUSTOMER)) == (Basis.EXISTING_CUSTOMER, Due.NONE)
    for by in ("", "shop", "Shop SAS"):
        assert isinstance(ask(replace(CUSTOMER, relation=Relation(RelationKind.CONTRACT, by=by))), Allow)


MISSING = [
    ("not from the person", replace(CUSTOMER, source="Annuaire"), {}),
    ("no dealings", replace(CUSTOMER, relation=None), {}),
    ("only an inquiry", replace(CUSTOMER, relation=Relation(RelationKind.INQUIRY)), {}),
    ("another company", replace(CUSTOMER, relation=GROUP), {}),
    ("no product family", replace(CUSTOMER, product_family=" "), {}),
    ("another product family", replace(CUSTOMER, product_family="vins"), {}),
    ("stream names no products", CUSTOMER, {"stream": replace(NEWS, product_families=())}),
    ("refusing was not offered", with_traits(CUSTOMER, optout_offered=False), {}),
]


@pytest.mark.parametrize(("consent", "how"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_one_condition_less_and_a_customer_is_anybody(consent: Consent, how: dict[str, Any]) -> None:
    """R-FR-06, R-FR-07: each condition alone changes the verdict, back to R-FR-03."""
    verdict = ask(consent, **how)
    assert refusal(verdict) is Reason.NO_CONSENT
    assert verdict.rules[-2:] == ("R-FR-06", "R-FR-03")


def test_a_customer_who_opposed_is_not_written_to() -> None:
    """R-FR-06, R-FR-07: the last of the conditions."""
    verdict = ask(CUSTOMER, oppositions=(OPPOSED,))
    assert isinstance(verdict, Refuse)
    assert verdict.reason is Reason.OPPOSED


def test_an_unproven_customer_is_none() -> None:
    """R-FR-04."""
    assert refusal(ask(replace(CUSTOMER, missing=("source",)))) is Reason.CONSENT_UNPROVEN


def test_what_counts_as_dealings_is_the_packs() -> None:
    """R-FR-06: negotiations count in the United Kingdom only."""
    negotiating = replace(CUSTOMER, relation=Relation(RelationKind.NEGOTIATION))
    assert refusal(ask(negotiating)) is Reason.NO_CONSENT
    assert permission(ask(negotiating, policy=UK))[0] is Basis.EXISTING_CUSTOMER
    account = replace(CUSTOMER, relation=Relation(RelationKind.FREE_ACCOUNT))
    assert permission(ask(account))[0] is Basis.EXISTING_CUSTOMER
    assert refusal(ask(account, policy=DE)) is Reason.NO_CONSENT


def test_no_other_basis_is_slipped_under_a_consent() -> None:
    """R-FR-07: a withdrawn, unproven or foreign consent is not saved by being a customer's."""
    for broken in ({"missing": ("wording",)}, {"purpose": "survey"}, {"withdrawn_at": NOW - DAY}, {"action": "silence"}):
        assert isinstance(ask(replace(CUSTOMER, basis=Basis.CONSENT, **broken)), Refuse)  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ["prechecked", " Terms-Accepted", "silence", "prize-draw"])
def test_an_act_that_is_no_consent_never_counts_as_one(action: str) -> None:
    """R-FR-05: also where a laxer pack let the record in."""
    verdict = ask(replace(GIVEN, action=action))
    assert refusal(verdict) is Reason.NO_CONSENT
    assert verdict.rules[-1] == "R-FR-05"
    assert isinstance(ask(replace(GIVEN, action=action), policy=US), Allow)


@pytest.mark.parametrize(
    ("missing", "rules"),
    [(("wording",), ("R-FR-04",)), (("batch",), ("R-FR-04", "R-FR-41")), (("wording", "batch"), ("R-FR-04", "R-FR-41"))],
)
def test_an_unproven_consent_names_the_rule_it_breaks(missing: tuple[str, ...], rules: tuple[str, ...]) -> None:
    """R-FR-04, R-FR-41."""
    verdict = ask(replace(GIVEN, missing=missing))
    assert refusal(verdict) is Reason.CONSENT_UNPROVEN
    assert verdict.rules == ("R-FR-01", "R-FR-03", *rules)


def test_a_mass_change_counts_without_evidence_only_where_the_pack_says_so() -> None:
    """R-FR-41."""
    lax = pack_with(**{"R-FR-41": {"enabled": False}})
    assert isinstance(ask(replace(GIVEN, missing=("batch",)), policy=lax), Allow)
    assert refusal(ask(replace(GIVEN, missing=("wording", "batch")), policy=lax)) is Reason.CONSENT_UNPROVEN


CONFIRMED = replace(GIVEN, confirmed_at=NOW - 80 * DAY)


@pytest.mark.parametrize(
    ("consent", "how"),
    [
        (GIVEN, {"stream": replace(NEWS, double_optin=True)}),
        (GIVEN, {"policy": DE}),
        (replace(GIVEN, action="Trade-Fair"), {}),
        (replace(GIVEN, source="business-card"), {}),
    ],
    ids=["stream", "pack", "action", "source"],
)
def test_what_must_be_confirmed_waits_for_the_confirmation(consent: Consent, how: dict[str, Any]) -> None:
    """R-FR-42: asked for by the stream, by the pack, or because of where the address comes from."""
    verdict = ask(consent, **how)
    assert refusal(verdict) is Reason.DOI_PENDING
    assert verdict.rules[-1] == "R-FR-42"
    confirmed = ask(replace(consent, confirmed_at=CONFIRMED.confirmed_at), **how)
    assert permission(confirmed)[0] is Basis.CONSENT
    assert "R-FR-42" in confirmed.rules


def test_confirming_is_for_consents_only() -> None:
    """R-FR-42."""
    careful = replace(NEWS, double_optin=True)
    assert permission(ask(BUYER, stream=careful))[0] is Basis.LEGITIMATE_INTEREST
    assert permission(ask(CUSTOMER, policy=DE))[0] is Basis.EXISTING_CUSTOMER


def test_a_card_handed_over_is_no_partners_address() -> None:
    """R-FR-42, R-FR-20: once confirmed it needs no list; where it comes from must still be told (R-FR-29)."""
    assert permission(ask(replace(CONFIRMED, source="Salon"))) == (Basis.CONSENT, Due.FULL_NOTICE)


MINOR = with_traits(GIVEN, minor=True)


def test_minors_are_written_to_only_with_a_parents_consent() -> None:
    """R-FR-17: whichever record says so; service mail goes."""
    assert refusal(ask(MINOR)) is Reason.MINOR
    assert refusal(ask(GIVEN, replace(MINOR, purpose="survey"))) is Reason.MINOR
    assert refusal(ask(replace(MINOR, withdrawn_at=NOW))) is Reason.MINOR
    joint = ask(with_traits(MINOR, parental=True))
    assert permission(joint)[0] is Basis.CONSENT
    assert "R-FR-17" in joint.rules
    assert "R-FR-17" not in ask(GIVEN).rules
    assert isinstance(ask(MINOR, policy=pack_with(**{"R-FR-17": {"enabled": False}})), Allow)


SENSITIVE = replace(NEWS, sensitive=True)


@pytest.mark.parametrize("consent", [GIVEN, BUYER, CUSTOMER, with_traits(BUYER, explicit=True)])
def test_sensitive_data_need_an_explicit_consent(consent: Consent) -> None:
    """R-FR-18: no other basis carries them."""
    assert refusal(ask(consent, stream=SENSITIVE)) is Reason.SENSITIVE
    assert isinstance(ask(consent), Allow)


def test_an_explicit_consent_carries_sensitive_data() -> None:
    """R-FR-18: a legal person has none."""
    verdict = ask(with_traits(GIVEN, explicit=True), stream=SENSITIVE)
    assert permission(verdict)[0] is Basis.CONSENT
    assert "R-FR-18" in verdict.rules
    assert isinstance(ask(COMPANY, to="contact@societe.example", stream=SENSITIVE), Allow)


CHARITY = replace(NEWS, advertiser=replace(SHOP, nonprofit=True))
DONOR = with_traits(replace(GIVEN, basis=Basis.NON_PROFIT), optout_offered=True)
HEARD = NoticeGiven(PERSON, "shop", "direct", NOW, "t")


def test_a_charity_writes_to_informed_people_who_could_refuse() -> None:
    """R-FR-14."""
    assert permission(ask(DONOR, stream=CHARITY)) == (Basis.NON_PROFIT, Due.NONE)
    assert permission(ask(replace(DONOR, basis=Basis.LEGITIMATE_INTEREST), stream=CHARITY))[0] is Basis.NON_PROFIT
    assert permission(ask(replace(DONOR, wording=""), stream=CHARITY, notices=(HEARD,)))[0] is Basis.NON_PROFIT


@pytest.mark.parametrize(
    ("consent", "how"),
    [
        (DONOR, {"stream": NEWS}),
        (with_traits(DONOR, optout_offered=False), {}),
        (replace(DONOR, wording=""), {}),
        (replace(DONOR, wording=""), {"notices": (replace(HEARD, kind=NoticeKind.PARTNER_LIST),)}),
        (DONOR, {"policy": pack_with(**{"R-FR-14": {"enabled": False}})}),
    ],
    ids=["no charity", "refusing not offered", "not informed", "informed of something else", "switched off"],
)
def test_one_condition_less_and_a_charity_needs_consent(consent: Consent, how: dict[str, Any]) -> None:
    """R-FR-14."""
    assert refusal(ask(consent, **{"stream": CHARITY, **how})) is Reason.NO_CONSENT


def test_rented_addresses_need_the_list_for_a_charity_too() -> None:
    """R-FR-14, R-FR-20."""
    assert refusal(ask(replace(DONOR, source="Broker"), stream=CHARITY)) is Reason.PARTNER_NOT_NAMED


@pytest.mark.parametrize("entity", [Entity.SOLE_TRADER, Entity.PARTNERSHIP])
def test_a_sole_trader_is_no_legal_person_whatever_the_address(entity: Entity) -> None:
    """R-FR-13."""
    verdict = ask(with_traits(COMPANY, entity=entity), to="contact@societe.example")
    assert refusal(verdict) is Reason.B2B_RELEVANCE
    assert "R-FR-13" in verdict.rules
    assert permission(ask(with_traits(COMPANY, entity=Entity.COMPANY), to="contact@societe.example"))[0] is Basis.LEGAL_PERSON


@pytest.mark.parametrize("policy", [DE, US, CA, EU], ids=lambda policy: policy.name)
def test_generic_addresses_are_exempt_only_where_the_pack_says_so(policy: Policy) -> None:
    """R-FR-12 switched off frees nobody."""
    verdict = ask(COMPANY, to="contact@societe.example", policy=policy)
    assert "R-FR-12" not in verdict.rules
    assert not (isinstance(verdict, Allow) and verdict.basis is Basis.LEGAL_PERSON)


@pytest.mark.parametrize("entity", [Entity.SOLE_TRADER, Entity.PARTNERSHIP])
def test_individual_subscribers_are_consumers_in_the_united_kingdom(entity: Entity) -> None:
    """R-PACK-07: also at an address that looks generic."""
    corporate = with_traits(BUYER, entity=Entity.COMPANY)
    assert permission(ask(corporate, policy=UK))[0] is Basis.LEGITIMATE_INTEREST
    for consent in (with_traits(BUYER, entity=entity), with_traits(COMPANY, entity=entity)):
        verdict = ask(consent, to="info@societe.example", policy=UK)
        assert refusal(verdict) is Reason.NO_CONSENT
        assert "R-FR-11" in verdict.rules
    assert permission(ask(with_traits(BUYER, entity=entity)))[0] is Basis.LEGITIMATE_INTEREST


def test_germany_wants_consent_of_professionals_too() -> None:
    """R-PACK-06, R-FR-11."""
    verdict = ask(BUYER, policy=DE)
    assert refusal(verdict) is Reason.NO_CONSENT
    assert "R-FR-11" in verdict.rules
    assert permission(ask(replace(CONFIRMED, audience=Audience.PROFESSIONAL), policy=DE))[0] is Basis.CONSENT


@pytest.mark.parametrize(
    "consent",
    [
        replace(GIVEN, basis=Basis.OPT_OUT),
        replace(GIVEN, basis=Basis.LEGITIMATE_INTEREST),
        replace(GIVEN, purpose="survey", basis=Basis.LEGITIMATE_INTEREST),
        replace(BUYER, basis=Basis.EXISTING_CUSTOMER),
        replace(BUYER, function=""),
        replace(BOUGHT, basis=Basis.OPT_OUT, partner_list_version=""),
        CUSTOMER,
    ],
)
def test_where_the_law_asks_no_consent_a_record_suffices(consent: Consent) -> None:
    """R-FR-03 as the United States have it: consumers and professionals alike, until they refuse."""
    assert permission(ask(consent, policy=US))[0] in (Basis.OPT_OUT, Basis.LEGITIMATE_INTEREST)
    assert refusal(ask(policy=US)) is Reason.UNKNOWN_RECIPIENT
    assert isinstance(ask(consent, policy=US, oppositions=(OPPOSED,)), Refuse)
    assert refusal(ask(replace(consent, withdrawn_at=NOW), policy=US)) is Reason.CONSENT_WITHDRAWN


def test_even_there_the_source_must_be_known() -> None:
    """R-FR-28."""
    assert refusal(ask(replace(GIVEN, source="unknown"), policy=US)) is Reason.SOURCE_MISSING


def dealt(kind: RelationKind, days: int, **changed: Any) -> Consent:
    return replace(CUSTOMER, basis=Basis.IMPLIED, relation=Relation(kind, NOW - days * DAY, **changed))


@pytest.mark.parametrize(
    ("kind", "last"),
    [(RelationKind.PURCHASE, 730), (RelationKind.DONATION, 730), (RelationKind.INQUIRY, 183)],
)
@pytest.mark.parametrize("claim", [Basis.IMPLIED, Basis.EXISTING_CUSTOMER, Basis.LEGITIMATE_INTEREST])
def test_implied_consent_ends_with_its_term(kind: RelationKind, last: int, claim: Basis) -> None:
    """R-PACK-04: on the last day it stands, the day after it does not."""
    for days, lives in ((last - 1, True), (last, True), (last + 1, False)):
        verdict = ask(replace(dealt(kind, days), basis=claim), policy=CA)
        if lives:
            assert permission(verdict)[0] is Basis.IMPLIED
        else:
            assert refusal(verdict) is Reason.IMPLIED_EXPIRED
        assert "R-PACK-04" in verdict.rules


@pytest.mark.parametrize("kind", [RelationKind.CONTRACT, RelationKind.MEMBERSHIP])
def test_a_lasting_relation_implies_consent_until_two_years_after_its_end(kind: RelationKind) -> None:
    """R-PACK-04."""
    assert permission(ask(dealt(kind, 4000), policy=CA))[0] is Basis.IMPLIED
    assert permission(ask(dealt(kind, 4000, ended_at=NOW - 729 * DAY), policy=CA))[0] is Basis.IMPLIED
    assert refusal(ask(dealt(kind, 4000, ended_at=NOW - 731 * DAY), policy=CA)) is Reason.IMPLIED_EXPIRED


def test_dealings_that_imply_nothing_are_no_consent() -> None:
    """R-PACK-04: other kinds, other companies, and every other country."""
    for consent in (
        dealt(RelationKind.FREE_ACCOUNT, 1),
        dealt(RelationKind.PURCHASE, 1, by="Holding"),
        replace(CUSTOMER, relation=None),
    ):
        assert refusal(ask(replace(consent, basis=Basis.IMPLIED), policy=CA)) is Reason.NO_CONSENT
    assert refusal(ask(replace(dealt(RelationKind.INQUIRY, 1), basis=Basis.IMPLIED))) is Reason.NO_CONSENT
    assert refusal(ask(replace(dealt(RelationKind.PURCHASE, 1), missing=("source",)), policy=CA)) is Reason.CONSENT_UNPROVEN


PUBLISHED = with_traits(replace(BUYER, source="societe.example/contact"), published=True)


def test_a_published_address_is_written_to_about_its_holders_work() -> None:
    """R-PACK-04."""
    assert permission(ask(PUBLISHED, policy=CA))[0] is Basis.IMPLIED
    assert refusal(ask(replace(PUBLISHED, function="paie"), policy=CA)) is Reason.B2B_RELEVANCE
    assert refusal(ask(with_traits(PUBLISHED, published=False), policy=CA)) is Reason.NO_CONSENT
    old = replace(PUBLISHED, relation=Relation(RelationKind.PURCHASE, NOW - 731 * DAY))
    assert permission(ask(old, policy=CA))[0] is Basis.IMPLIED


def test_each_consent_is_judged_by_what_it_covers() -> None:
    """R-FR-22, R-FR-45, R-FR-76: one for partners or trackers permits no mail, and withdrawing it withdraws no other."""
    for covers in (Covers.PARTNERS, Covers.TRACKING):
        other = replace(GIVEN, covers=covers)
        verdict = ask(other)
        assert refusal(verdict) is Reason.NO_CONSENT
        assert "R-FR-22" in verdict.rules
        assert isinstance(ask(GIVEN, replace(other, withdrawn_at=NOW)), Allow)
        assert refusal(ask(replace(GIVEN, withdrawn_at=NOW), other)) is Reason.CONSENT_WITHDRAWN


TRACKED = replace(GIVEN, covers=Covers.TRACKING)


@pytest.mark.parametrize(
    ("consent", "tracked"),
    [
        (TRACKED, True),
        (replace(TRACKED, withdrawn_at=NOW), False),
        (replace(TRACKED, missing=("wording",)), False),
        (replace(TRACKED, action="prechecked"), False),
        (replace(TRACKED, basis=Basis.LEGITIMATE_INTEREST), False),
        (replace(TRACKED, purpose="survey"), False),
        (replace(TRACKED, covers=Covers.PARTNERS), False),
    ],
)
def test_trackers_need_a_standing_proven_consent_of_their_own(consent: Consent, tracked: bool) -> None:
    """R-FR-76."""
    verdict = ask(GIVEN, consent)
    assert isinstance(verdict, Allow)
    assert verdict.tracking is tracked
    assert ("R-FR-76" in verdict.rules) is tracked
