"""Partner data on both sides: what a partner may do with an address, what a collector may pass on and must tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from gateway.core.decide import Question
from gateway.core.partners import Passing, may_pass
from gateway.core.policy import Policy
from gateway.core.record import (
    Arrangements,
    Audience,
    Basis,
    Block,
    Consent,
    Covers,
    Facts,
    NamedPartner,
    NoticeGiven,
    NoticeKind,
    Opposition,
    PartnerList,
    Scope,
)
from gateway.core.verdict import Allow, Due, Reason, Refuse
from tests.support.any_record import FACTS, PACKS, QUESTIONS
from tests.support.deciding import (
    BOUGHT,
    BUYER,
    DE,
    FR,
    GIVEN,
    LISTS,
    NEWS,
    NOW,
    OPPOSED,
    PERSON,
    SALON,
    SHOP,
    TOLD,
    US,
    ask,
    mailbox,
    pack_with,
    permission,
    refusal,
    with_traits,
)

DAY = timedelta(days=1)


def listed(collector: str, *versions: tuple[str, ...]) -> Arrangements:
    """Versions 1, 2, 3... of one collector's list, each the names it holds."""
    lists = (
        PartnerList(collector, str(number), NOW - DAY, tuple(NamedPartner(name, "", "") for name in names))
        for number, names in enumerate(versions, 1)
    )
    return Arrangements({collector: tuple(lists)})


# --- An address that a partner collected -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop", "Shop SAS"])
def test_the_list_shown_names_the_advertiser_by_either_name(name: str) -> None:
    """R-FR-20."""
    bought = replace(BOUGHT, partner_list_version="1")
    assert permission(ask(bought, arrangements=listed("Salon Pro", (name,)))) == (Basis.CONSENT, Due.FULL_NOTICE)
    by_law = PartnerList("Salon Pro", "1", NOW, (NamedPartner("x", name, ""),))
    assert isinstance(ask(bought, arrangements=Arrangements({"Salon Pro": (by_law,)})), Allow)


@pytest.mark.parametrize(
    ("consent", "lists", "rules"),
    [
        (replace(BOUGHT, partner_list_version=""), LISTS, ("R-FR-20", "R-FR-26")),
        (BOUGHT, Arrangements(), ("R-FR-20",)),
        (replace(BOUGHT, partner_list_version="2026-04"), LISTS, ("R-FR-20", "R-FR-24")),
        (replace(BOUGHT, source="Broker"), LISTS, ("R-FR-20",)),
        (replace(BOUGHT, partner_list_version="1"), listed("Salon Pro", ("other", "")), ("R-FR-20",)),
        (replace(BOUGHT, partner_list_version="1"), listed("Salon Pro", ("other",), ("other", "shop")), ("R-FR-20", "R-FR-24")),
    ],
    ids=["no version", "no list", "unknown version", "another collector", "others named", "named later"],
)
def test_an_advertiser_the_person_was_not_shown_may_not_write(
    consent: Consent, lists: Arrangements, rules: tuple[str, ...]
) -> None:
    """R-FR-20, R-FR-24, R-FR-26."""
    verdict = ask(consent, arrangements=lists)
    assert refusal(verdict) is Reason.PARTNER_NOT_NAMED
    assert verdict.rules[-len(rules) :] == rules


def test_an_advertiser_without_a_legal_name_is_not_named_by_an_empty_one() -> None:
    """R-FR-20."""
    nameless = replace(NEWS, advertiser=replace(SHOP, legal_name=""))
    shown = Arrangements({"Salon Pro": (replace(SALON, partners=(NamedPartner("x", "", ""),)),)})
    assert refusal(ask(BOUGHT, stream=nameless, arrangements=shown)) is Reason.PARTNER_NOT_NAMED


@pytest.mark.parametrize(("late", "good"), [(-DAY, False), (timedelta(0), True), (DAY, True)])
def test_an_address_passed_on_before_its_holder_agreed_is_useless(late: timedelta, good: bool) -> None:
    """R-FR-23: the day of filing stands for an unknown day of arrival."""
    consent = replace(BOUGHT, collected_at=NOW - 20 * DAY)
    for passed in (replace(consent, acquired_at=NOW - 20 * DAY + late), replace(consent, recorded_at=NOW - 20 * DAY + late)):
        verdict = ask(passed)
        assert isinstance(verdict, Allow) if good else refusal(verdict) is Reason.TRANSFER_BEFORE_CONSENT
        assert "R-FR-23" in verdict.rules


def test_professionals_are_passed_on_without_consent() -> None:
    """R-FR-39: no list is asked for, the notice is."""
    found = replace(BUYER, source="Salon Pro", partner_list_version="")
    assert permission(ask(found, arrangements=Arrangements())) == (Basis.LEGITIMATE_INTEREST, Due.FULL_NOTICE)


@pytest.mark.parametrize("rule", ["R-FR-20", "R-FR-23"])
def test_a_partner_condition_switched_off_stops_nothing(rule: str) -> None:
    off = pack_with(**{rule: {"enabled": False}})
    broken = {"R-FR-20": replace(BOUGHT, partner_list_version=""), "R-FR-23": replace(BOUGHT, acquired_at=NOW - 91 * DAY)}[rule]
    assert isinstance(ask(broken), Refuse)
    verdict = ask(replace(broken, notice_sent_at=NOW), policy=off)
    assert isinstance(verdict, Allow)
    assert rule not in verdict.rules


# --- What a collector tells in its own mail ----------------------------------------------------------------------------------

SHARED = replace(GIVEN, covers=Covers.PARTNERS, partner_list_version="1")
SHOWN = NoticeGiven(PERSON, "shop", "2", NOW, "t", NoticeKind.PARTNER_LIST)
TWO = listed("shop", ("voisin",), ("voisin", "nouveau"))
THREE = listed("shop", ("voisin",), ("voisin", "nouveau"), ("nouveau", "dernier"))


@pytest.mark.parametrize(
    ("consents", "notices", "lists", "version", "news"),
    [
        ((GIVEN, SHARED), (), TWO, "2", ("nouveau",)),
        ((GIVEN, SHARED), (), THREE, "3", ("nouveau", "dernier")),
        ((GIVEN, SHARED), (SHOWN,), THREE, "3", ("dernier",)),
        ((GIVEN, SHARED), (SHOWN,), TWO, "", ()),
        ((GIVEN, replace(SHARED, partner_list_version="2")), (), TWO, "", ()),
        ((GIVEN, replace(SHARED, partner_list_version="")), (), TWO, "2", ("voisin", "nouveau")),
        ((GIVEN, SHARED), (replace(SHOWN, kind=NoticeKind.FIRST_CONTACT),), TWO, "2", ("nouveau",)),
        ((GIVEN, SHARED), (replace(SHOWN, advertiser="other"),), TWO, "2", ("nouveau",)),
        ((GIVEN, SHARED), (), listed("shop", ("voisin",), ()), "2", ()),
        ((GIVEN,), (), TWO, "", ()),
        ((GIVEN, replace(SHARED, withdrawn_at=NOW)), (), TWO, "", ()),
        ((GIVEN, replace(SHARED, missing=("wording",))), (), TWO, "", ()),
        ((GIVEN, SHARED), (), listed("other", ("voisin",)), "", ()),
    ],
)
def test_the_next_mail_tells_who_is_new_among_the_partners(
    consents: tuple[Consent, ...], notices: tuple[NoticeGiven, ...], lists: Arrangements, version: str, news: tuple[str, ...]
) -> None:
    """R-FR-24, R-FR-25: only to people whose consent for partners stands, and once."""
    verdict = ask(*consents, notices=notices, arrangements=lists)
    assert isinstance(verdict, Allow)
    assert (verdict.list_version, verdict.news) == (version, news)
    assert ("R-FR-24" in verdict.rules) is bool(version)
    assert ("R-FR-25" in verdict.rules) is ("shop" in lists.lists)


# --- What a collector may pass on ----------------------------------------------------------------------------------------------


def passing(
    *consents: Consent,
    partner: str = "voisin",
    policy: Policy = FR,
    lists: Arrangements = TWO,
    oppositions: tuple[Opposition, ...] = (),
    notices: tuple[NoticeGiven, ...] = (),
    to: str = "camille@example.com",
    **how: Any,
) -> Passing | Refuse:
    question = Question(replace(NEWS, **how), mailbox(to), (), NOW, lists)
    return may_pass(policy, question, Facts(consents, oppositions, notices), partner)


def test_own_and_partner_consents_are_each_judged_for_themselves() -> None:
    """R-FR-21, R-FR-22: the four cells."""
    for own in (True, False):
        for partners in (True, False):
            records = (*((GIVEN,) if own else ()), *((SHARED,) if partners else ()))
            assert isinstance(ask(*records, arrangements=TWO), Allow) is own
            passed = passing(*records)
            assert isinstance(passed, Passing) is partners
            if isinstance(passed, Refuse):
                assert {"R-FR-22"} <= set(passed.rules)
                assert passed.reason is (Reason.NO_CONSENT if own else Reason.UNKNOWN_RECIPIENT)


def test_a_partner_named_at_collection_may_be_given_the_person() -> None:
    """R-FR-20."""
    assert passing(SHARED) == Passing(SHARED, "1")
    assert passing(GIVEN, SHARED) == Passing(SHARED, "1")


def test_a_partner_added_later_waits_until_the_person_was_told() -> None:
    """R-FR-24: where the pack wants a new consent, telling is not enough."""
    waiting = passing(SHARED, partner="nouveau")
    assert isinstance(waiting, Refuse)
    assert waiting.reason is Reason.PARTNER_NOT_NAMED
    assert waiting.rules[-2:] == ("R-FR-20", "R-FR-24")
    assert passing(SHARED, partner="nouveau", notices=(SHOWN,)) == Passing(SHARED, "2")
    for notice in (replace(SHOWN, source="1"), replace(SHOWN, kind=NoticeKind.STAY), replace(SHOWN, advertiser="other")):
        assert isinstance(passing(SHARED, partner="nouveau", notices=(notice,)), Refuse)
    strict = pack_with(**{"R-FR-24": {"new_partner_requires": "consent"}})
    assert isinstance(passing(SHARED, partner="nouveau", notices=(SHOWN,), policy=strict), Refuse)
    assert isinstance(passing(replace(SHARED, partner_list_version="2"), partner="nouveau", policy=strict), Passing)


def test_a_partner_who_left_the_list_is_given_nobody() -> None:
    """R-FR-25: the list says to whom data go."""
    gone = passing(SHARED, lists=listed("shop", ("voisin",), ("nouveau",)))
    assert isinstance(gone, Refuse)
    assert gone.reason is Reason.PARTNER_NOT_NAMED
    assert gone.rules[-1] == "R-FR-25"


@pytest.mark.parametrize(
    ("consent", "reason", "rule"),
    [
        (replace(SHARED, partner_list_version=""), Reason.PARTNER_NOT_NAMED, "R-FR-26"),
        (replace(SHARED, partner_list_version="0"), Reason.PARTNER_NOT_NAMED, "R-FR-24"),
        (replace(SHARED, withdrawn_at=NOW), Reason.CONSENT_WITHDRAWN, "R-FR-45"),
        (replace(SHARED, missing=("wording",)), Reason.CONSENT_UNPROVEN, "R-FR-04"),
        (replace(SHARED, action="prechecked"), Reason.NO_CONSENT, "R-FR-05"),
        (replace(SHARED, purpose="survey"), Reason.PURPOSE, "R-FR-19"),
        (replace(SHARED, source="Salon Pro"), Reason.NO_CONSENT, "R-FR-27"),
        (replace(SHARED, source=""), Reason.SOURCE_MISSING, "R-FR-28"),
        (replace(SHARED, basis=Basis.LEGITIMATE_INTEREST), Reason.NO_CONSENT, "R-FR-22"),
        (replace(SHARED, action="business-card"), Reason.DOI_PENDING, "R-FR-42"),
        (with_traits(SHARED, minor=True), Reason.MINOR, "R-FR-17"),
        (replace(SHARED, collected_at=NOW - 1200 * DAY), Reason.INACTIVE, "R-FR-80"),
    ],
)
def test_a_consent_that_does_not_stand_passes_nobody_on(consent: Consent, reason: Reason, rule: str) -> None:
    """R-FR-17, R-FR-19, R-FR-26, R-FR-27, R-FR-28, R-FR-42, R-FR-45, R-FR-80."""
    refused = passing(consent)
    assert isinstance(refused, Refuse)
    assert (refused.reason, refused.rules[-1]) == (reason, rule)


@pytest.mark.parametrize("block", list(Block))
@pytest.mark.parametrize("pack", [FR, US, DE], ids=lambda pack: pack.name)
def test_who_opposed_anything_is_passed_to_nobody(block: Block, pack: Policy) -> None:
    """R-PACK-08: an opposition to another stream of the collector counts too."""
    elsewhere = replace(OPPOSED, block=block, scope=Scope.STREAM, stream="other")
    for opposition in (replace(OPPOSED, block=block), elsewhere):
        refused = passing(GIVEN, SHARED, oppositions=(opposition,), policy=pack)
        assert isinstance(refused, Refuse)
        assert refused.floor
        assert refused.rules[-1] == "R-PACK-08"
    off = pack_with(pack, **{"R-PACK-08": {"enabled": False}})
    confirmed = replace(SHARED, confirmed_at=NOW - DAY)
    assert isinstance(passing(confirmed, oppositions=(elsewhere,), policy=off), Passing)
    assert isinstance(passing(confirmed, oppositions=(OPPOSED,), policy=off), Refuse)


TOLD_BUYER = with_traits(BUYER, optout_offered=True)


def test_professionals_who_were_informed_and_could_refuse_are_passed_on() -> None:
    """R-FR-39: their consent is not needed, except where the pack asks professionals for consent."""
    to = "camille@societe.example"
    assert passing(TOLD_BUYER, to=to) == Passing(TOLD_BUYER, "2")
    assert passing(TOLD_BUYER, to=to, partner="unlisted") == Passing(TOLD_BUYER, "")
    assert isinstance(passing(replace(TOLD_BUYER, wording="", notice_sent_at=NOW), to=to), Passing)
    for consent in (BUYER, replace(TOLD_BUYER, wording="")):
        refused = passing(consent, to=to)
        assert isinstance(refused, Refuse)
        assert (refused.reason, refused.rules[-1]) == (Reason.NO_CONSENT, "R-FR-39")
    assert isinstance(passing(TOLD_BUYER, to="camille@freemail.example"), Refuse)
    assert isinstance(passing(TOLD_BUYER, to=to, policy=DE), Refuse)
    assert isinstance(passing(replace(TOLD_BUYER, source="Annuaire"), to=to), Refuse)


def test_where_the_law_asks_no_consent_none_is_asked_for_passing_on() -> None:
    """R-FR-03, R-PACK-08: until the person refuses."""
    assert isinstance(passing(GIVEN, policy=US), Passing)
    assert isinstance(passing(GIVEN, policy=US, oppositions=(OPPOSED,)), Refuse)


def test_where_the_pack_asks_for_no_list_the_consent_suffices() -> None:
    off = pack_with(**{"R-FR-20": {"enabled": False}})
    assert passing(SHARED, policy=off, lists=Arrangements()) == Passing(SHARED, "")
    assert passing(SHARED, policy=off) == Passing(SHARED, "2")


@given(PACKS, QUESTIONS, FACTS)
def test_nobody_who_opposed_is_ever_passed_on(pack: Policy, question: Question, facts: Facts) -> None:
    """R-PACK-08: whatever is on record, and every refusal names rules of the pack."""
    found = may_pass(pack, question, facts, "x")
    if isinstance(found, Refuse):
        assert found.rules[0] == "R-FR-01"
        assert all(pack.rule(rule).says for rule in found.rules)
    else:
        assert not facts.oppositions
        assert found.consent.withdrawn_at is None
        assert found.consent.advertiser == question.stream.advertiser.name


def test_a_notice_of_where_the_address_came_from_is_not_one_of_partners() -> None:
    """R-FR-29, R-FR-24: a list shown under the very name of a source tells nothing about the source."""
    shown = replace(TOLD, kind=NoticeKind.PARTNER_LIST)
    assert permission(ask(BOUGHT, notices=(shown,)))[1] is Due.FULL_NOTICE
    assert permission(ask(BOUGHT, notices=(TOLD,)))[1] is Due.SOURCE_LINE


def test_only_professionals_escape_the_partner_conditions() -> None:
    """R-FR-20, R-FR-39."""
    pro = replace(BOUGHT, audience=Audience.PROFESSIONAL, partner_list_version="")
    assert permission(ask(pro))[0] is Basis.CONSENT
    assert refusal(ask(pro, to="camille@freemail.example")) is Reason.PARTNER_NOT_NAMED
