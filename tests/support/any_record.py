"""Whatever can be on record about a person and asked about them: hypothesis strategies for the tests of the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from gateway.core.decide import Question
from gateway.core.record import (
    NO_TRAITS,
    Arrangements,
    Audience,
    Basis,
    Block,
    Consent,
    Covers,
    Door,
    Entity,
    Facts,
    NamedPartner,
    NoticeGiven,
    NoticeKind,
    Opposition,
    PartnerList,
    Relation,
    RelationKind,
    Scope,
    Traits,
)
from tests.support.deciding import (
    CA,
    DE,
    EU,
    FR,
    NEWS,
    ORDERS,
    PERSON,
    SHOP,
    UK,
    US,
    mailbox,
)

POOR = replace(NEWS, advertiser=replace(SHOP, postal_address=" "))
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
    missing=st.sampled_from([(), ("wording",), ("batch",)]),
    recorded_at=st.none() | MOMENTS,
    covers=st.sampled_from([Covers.OWN, Covers.OWN, *Covers]),
    acquired_at=st.none() | MOMENTS,
    confirmed_at=st.none() | MOMENTS,
    product_family=st.sampled_from(["", "livres", "LIVRES", "vins"]),
    relation=st.none()
    | st.builds(
        Relation, st.sampled_from(RelationKind), st.none() | MOMENTS, st.sampled_from(["", "shop", "x"]), st.none() | MOMENTS
    ),
    traits=st.just(NO_TRAITS)
    | st.builds(
        Traits,
        st.sampled_from(["", "FR", "US", "ZZ"]),
        st.sampled_from(Entity),
        *[st.booleans()] * 5,
    ),
)
OPPOSITIONS = st.builds(
    Opposition, st.just(PERSON), st.sampled_from(Block), st.sampled_from(Scope), WORDS, WORDS, st.sampled_from(Door), MOMENTS
)
NOTICES = st.builds(NoticeGiven, st.just(PERSON), WORDS, WORDS, MOMENTS, st.just(""), st.sampled_from(NoticeKind))
FACTS = st.builds(
    Facts,
    st.lists(CONSENTS, max_size=4).map(tuple),
    st.lists(OPPOSITIONS, max_size=4).map(tuple),
    st.lists(NOTICES, max_size=3).map(tuple),
    st.none() | MOMENTS,
)
LISTED = st.builds(
    PartnerList,
    WORDS,
    WORDS,
    MOMENTS,
    st.lists(st.builds(NamedPartner, WORDS, WORDS, st.just("")), max_size=2).map(tuple),
)
ARRANGEMENTS = st.builds(
    Arrangements,
    st.lists(LISTED, max_size=3).map(
        lambda lists: {one.collector: tuple(o for o in lists if o.collector == one.collector) for one in lists}
    ),
    st.sampled_from([frozenset(), frozenset(), frozenset({"orders"})]),
)
PACKS = st.sampled_from([FR, EU, DE, UK, US, CA])
ADDRESSES = st.sampled_from(
    ["camille@societe.example", "contact@societe.example", "camille@freemail.example", "contact@freemail.example"]
).map(mailbox)
STRICT = replace(NEWS, sensitive=True, double_optin=True)
CHARITY = replace(NEWS, advertiser=replace(SHOP, nonprofit=True))
QUESTIONS = st.builds(
    Question,
    st.sampled_from([NEWS, ORDERS, POOR, STRICT, CHARITY]),
    ADDRESSES,
    st.sampled_from([(), ("dpo",)]),
    MOMENTS,
    ARRANGEMENTS,
)
