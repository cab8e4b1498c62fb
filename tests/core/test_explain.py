"""What an explanation tells: the law, the record, the remedy; and nothing a terminal would obey."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.decide import Question
from gateway.core.explain import Explanation, explain
from gateway.core.policy import Policy
from gateway.core.record import (
    Arrangements,
    Basis,
    Block,
    Covers,
    Entity,
    Facts,
    NamedPartner,
    NoticeGiven,
    NoticeKind,
    PartnerList,
    Relation,
    RelationKind,
    Traits,
)
from gateway.core.verdict import Reason
from tests.support.deciding import (
    BOUGHT,
    BUYER,
    CA,
    CUSTOMER,
    FR,
    GIVEN,
    LISTS,
    NEWS,
    NOW,
    OPPOSED,
    PERSON,
    SHOP,
    TOLD,
    US,
    mailbox,
    with_traits,
)

DAY = timedelta(days=1)


def told(
    facts: Facts | None, policy: Policy = FR, missing: tuple[str, ...] = (), lists: Arrangements = LISTS, **stream: Any
) -> Explanation:
    return explain(policy, Question(replace(NEWS, **stream), mailbox(), missing, NOW, lists), facts)


def text(explanation: Explanation) -> str:
    return "\n".join(explanation.lines())


def test_an_explanation_tells_the_law_the_record_and_the_remedy() -> None:
    """R-FR-92."""
    found = told(Facts((BOUGHT, replace(BUYER, function="paie")), (OPPOSED,), (TOLD,)))
    assert found.reason == "OPPOSED"
    assert found.headline.startswith("REFUSED [OPPOSED]: marketing mail of stream news (Shop SAS)")
    for words in (
        "RGPD art. 21(3)",
        "came in by link on 2026-11-21",
        "source Salon Pro",
        "Alone it leads to B2B-RELEVANCE.",
        "It would do.",
        "fresh act of the person",
        "First-contact notice given for source Salon Pro on 2026-11-21.",
        "Partner list 2026-03 of Salon Pro names this advertiser.",
    ):
        assert words in text(found)
    assert "camille" not in text(found)


def test_a_permission_is_explained_with_the_words_due() -> None:
    found = told(Facts((BOUGHT,)))
    assert found.headline.startswith("ALLOWED")
    assert found.reason == ""
    assert any("first-contact notice" in sentence for sentence in found.to_change)


def test_the_partners_that_are_new_are_named() -> None:
    """R-FR-24."""
    lists = Arrangements({"shop": (PartnerList("shop", "1", NOW, (NamedPartner("voisin", "Voisin SARL", ""),)),)})
    shared = replace(GIVEN, covers=Covers.PARTNERS, partner_list_version="0")
    found = told(Facts((GIVEN, shared)), lists=lists)
    assert "The partners that are new to this person: voisin." in found.to_change
    assert "It permits passing the address to partners, no mail of our own." in text(found)


def test_everything_on_record_is_told() -> None:
    """R-FR-92: dealings, what stands behind an address, country, confirmation, lists, notices, the last act and its term."""
    consent = replace(
        CUSTOMER,
        audience=BUYER.audience,
        confirmed_at=NOW - 80 * DAY,
        acquired_at=NOW - 70 * DAY,
        relation=Relation(RelationKind.CONTRACT, NOW - 90 * DAY, "Shop SAS", NOW - 10 * DAY),
        traits=Traits("FR", Entity.COMPANY, minor=True, parental=True, explicit=True, optout_offered=True, published=True),
    )
    tracking = replace(GIVEN, covers=Covers.TRACKING)
    notices = (
        NoticeGiven(PERSON, "shop", "2026-03", NOW, "t", NoticeKind.PARTNER_LIST),
        NoticeGiven(PERSON, "shop", "", NOW, "t", NoticeKind.STAY),
    )
    story = text(told(Facts((consent, tracking), (replace(OPPOSED, block=Block.RESTRICTED),), notices, NOW - DAY)))
    for words in (
        "dealings contract on 2026-08-23 with Shop SAS ended 2026-11-11",
        "product family Livres",
        "confirmed 2026-09-02",
        "acquired 2026-09-12",
        "country FR",
        "entity company",
        "minor yes",
        "parental yes",
        "explicit yes",
        "optout offered yes",
        "published yes",
        "It permits trackers, no mail by itself.",
        "Suppression: restricted (advertiser shop)",
        "Partner list 2026-03 shown by a mail on 2026-11-21.",
        "Asked whether to stay on 2026-11-21.",
        "Last act of the person: 2026-11-20; mail may go until 2029-11-20 (R-FR-80, R-FR-83).",
        "Judged by pack fr; country on record: FR.",
    ):
        assert words in story, words


def test_a_list_that_names_nobody_here_is_said_so() -> None:
    """R-FR-20."""
    assert "is not known here: it names nobody." in text(told(Facts((BOUGHT,)), lists=Arrangements()))
    later = PartnerList("Salon Pro", "2026-06", NOW, (NamedPartner("shop", "", ""),))
    first = PartnerList("Salon Pro", "2026-03", NOW, ())
    found = told(Facts((BOUGHT,)), lists=Arrangements({"Salon Pro": (first, later)}))
    assert "Partner list 2026-03 of Salon Pro does not name this advertiser." in text(found)
    assert "its collector must tell the person first" in text(found)


def test_a_paused_stream_is_said_so() -> None:
    """R-MBX-10."""
    found = told(Facts((GIVEN,)), lists=Arrangements(paused=frozenset({"news"})))
    assert found.headline.startswith("WAITS [STREAM-PAUSED]")
    assert "The stream is paused." in text(found)


def test_a_lapsed_person_is_told_when_it_ended() -> None:
    """R-FR-80."""
    found = told(Facts((replace(GIVEN, collected_at=NOW - 1200 * DAY),)))
    assert found.reason == "INACTIVE-3Y"
    assert "mail may go until 2026-08-09 (R-FR-80)" in text(found)


def test_what_a_customer_lacks_is_listed() -> None:
    """R-FR-06."""
    assert "A customer needs none if" in text(told(Facts((replace(CUSTOMER, product_family=""),))))
    assert "A consent for partners" in text(told(Facts((replace(GIVEN, covers=Covers.PARTNERS),))))


HOSTILE = "\x1b[2J\x1b]0;owned\x07 a\r\nb\u202e\u200bc\x9b31m"


def test_no_text_on_record_can_steer_a_terminal_or_flood_it() -> None:
    hostile = replace(
        BOUGHT,
        purpose=HOSTILE,
        source=HOSTILE,
        action=HOSTILE,
        wording="w" * 4000,
        function=HOSTILE,
        partner_list_version=HOSTILE,
        product_family=HOSTILE,
        professional_proof=HOSTILE,
        missing=(HOSTILE,),
        relation=Relation(RelationKind.PURCHASE, by=HOSTILE),
        traits=Traits(HOSTILE),
    )
    notice = replace(TOLD, source=HOSTILE)
    opposition = replace(OPPOSED, advertiser=HOSTILE)
    found = told(Facts((hostile,), (opposition,), (notice,)))
    for line in found.lines():
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u202e]", line)
        assert len(line) < 2000


@given(st.text(max_size=300))
def test_any_text_on_record_stays_on_its_line(words: str) -> None:
    found = told(Facts((replace(BOUGHT, source=words, function=words),)))
    assert all(len(line.splitlines()) <= 1 for line in found.lines())


REFUSED: dict[Reason, Facts | None] = {
    **{Reason(block.name): Facts((GIVEN,), (replace(OPPOSED, block=block),)) for block in Block},
    Reason.MINOR: Facts((with_traits(GIVEN, minor=True),)),
    Reason.NO_CONSENT: Facts((replace(GIVEN, basis=Basis.EXISTING_CUSTOMER),)),
    Reason.CONSENT_WITHDRAWN: Facts((replace(GIVEN, withdrawn_at=NOW),)),
    Reason.CONSENT_UNPROVEN: Facts((replace(GIVEN, missing=("wording",)),)),
    Reason.DOI_PENDING: Facts((replace(GIVEN, action="business-card"),)),
    Reason.PURPOSE: Facts((replace(GIVEN, purpose="survey"),)),
    Reason.B2B_RELEVANCE: Facts((replace(BUYER, function=""),)),
    Reason.UNKNOWN_RECIPIENT: Facts(),
    Reason.SOURCE_MISSING: Facts((replace(BOUGHT, source=""),)),
    Reason.PARTNER_NOT_NAMED: Facts((replace(BOUGHT, partner_list_version=""),)),
    Reason.TRANSFER_BEFORE_CONSENT: Facts((replace(BOUGHT, acquired_at=NOW - 91 * DAY),)),
    Reason.NOTICE_OVERDUE: Facts((replace(BOUGHT, acquired_at=NOW - 60 * DAY),)),
    Reason.NOTICE_INCOMPLETE: Facts((BOUGHT,)),
    Reason.INACTIVE: Facts((replace(GIVEN, collected_at=NOW - 1200 * DAY),)),
    Reason.STORE_DOWN: None,
}
OTHERWISE: dict[Reason, Explanation] = {
    Reason.IMPLIED_EXPIRED: told(
        Facts((replace(CUSTOMER, basis=Basis.IMPLIED, relation=Relation(RelationKind.PURCHASE, NOW - 999 * DAY)),)), CA
    ),
    Reason.SENSITIVE: told(Facts((GIVEN,)), sensitive=True),
    Reason.POSTAL_ADDRESS: told(Facts((GIVEN,)), US, advertiser=replace(SHOP, postal_address="")),
    Reason.STREAM_PAUSED: told(Facts((GIVEN,)), lists=Arrangements(paused=frozenset({"news"}))),
}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in (Reason.IDENTITY, Reason.CATEGORY)])
def test_every_refusal_says_what_would_change_it(reason: Reason) -> None:
    """The two left out are said of messages, not of people."""
    found = OTHERWISE.get(reason) or told(REFUSED[reason], missing=("dpo",))
    assert found.reason == reason.value
    assert found.to_change
