"""Records survive their trip through JSON whatever they say, and text that is no record is no record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import PersonKey
from gateway.core.record import (
    NO_PROOF,
    NO_TRAITS,
    Audience,
    Basis,
    Consent,
    Covers,
    Entity,
    NamedPartner,
    Proof,
    Relation,
    RelationKind,
    Traits,
)
from gateway.core.record_json import (
    consent_text,
    consents_text,
    parse_consent,
    parse_consents,
    parse_partners,
    parse_proof,
    parse_relation,
    parse_traits,
    parse_words,
    partners_text,
    proof_text,
    relation_text,
    traits_text,
    words_text,
)

words = st.text(st.characters(), max_size=12)
zones = st.integers(-24 * 3600 + 1, 24 * 3600 - 1).map(lambda seconds: timezone(timedelta(seconds=seconds)))
times = st.none() | st.datetimes(timezones=st.just(UTC) | zones)
traits = st.builds(Traits, words, st.sampled_from(Entity), *[st.booleans()] * 5)
relations = st.builds(Relation, st.sampled_from(RelationKind), times, words, times)
proofs = st.builds(Proof, words, words, words, words, words, words, times)
partners = st.lists(st.builds(NamedPartner, words, words, words), max_size=3).map(tuple)
consents = st.builds(
    Consent,
    st.binary(max_size=20).map(PersonKey),
    words,
    words,
    st.sampled_from(Audience),
    st.sampled_from(Basis),
    words,
    times,
    words,
    words,
    words,
    times,
    words,
    words,
    words,
    times,
    st.lists(words, max_size=3).map(tuple),
    times,
    st.sampled_from(Covers),
    times,
    times,
    st.none() | relations,
    traits,
    proofs,
)
BARE = Consent(PersonKey(b"k" * 16), "", "", Audience.CONSUMER, Basis.CONSENT, "", None, "", "")
PARSERS = (parse_consent, parse_consents, parse_traits, parse_relation, parse_proof, parse_partners, parse_words)


def offsets(one: Consent) -> list[timedelta | None]:
    return [at.utcoffset() if at else None for at in (one.collected_at, one.recorded_at, one.acquired_at)]


@given(consents)
def test_a_record_comes_back_as_it_was_with_the_offsets_it_came_with(one: Consent) -> None:
    text = consent_text(one)
    again = parse_consent(text)
    assert again == one
    assert again is not None
    assert offsets(again) == offsets(one)
    assert text.isascii()
    assert "\n" not in text


@given(st.lists(consents, max_size=3).map(tuple))
def test_records_come_back_in_order(several: tuple[Consent, ...]) -> None:
    assert parse_consents(consents_text(several)) == several


@given(traits, relations, proofs, partners, st.lists(words, max_size=3).map(tuple))
def test_parts_come_back_as_they_were(
    some: Traits, relation: Relation, proof: Proof, named: tuple[NamedPartner, ...], several: tuple[str, ...]
) -> None:
    assert parse_traits(traits_text(some)) == some
    assert parse_relation(relation_text(relation)) == relation
    assert parse_proof(proof_text(proof)) == proof
    assert parse_partners(partners_text(named)) == named
    assert parse_words(words_text(several)) == several


def test_what_says_nothing_is_nothing() -> None:
    assert (traits_text(NO_TRAITS), proof_text(NO_PROOF), relation_text(None), words_text(())) == ("", "", "", "")
    assert (parse_traits(""), parse_proof(""), parse_words("")) == (NO_TRAITS, NO_PROOF, ())
    assert (parse_relation(""), parse_consent(""), parse_partners("")) == (None, None, None)
    assert json.loads(consent_text(BARE)) == {"person": "6b" * 16, "audience": "consumer", "basis": "consent"}


@given(
    st.text()
    | st.recursive(st.none() | st.booleans() | st.floats() | words, lambda of: st.lists(of) | st.dictionaries(words, of)).map(
        json.dumps
    )
)
def test_hostile_text_is_never_an_error(text: str) -> None:
    for parse in PARSERS:
        parse(text)


FIELDS = json.loads(
    consent_text(
        Consent(*[PersonKey(b"k"), "a", "p", Audience.CONSUMER, Basis.CONSENT, "s", datetime(2026, 1, 1, tzinfo=UTC), "a", "w"])
    )
)


@given(
    st.sampled_from(sorted(FIELDS)),
    st.none() | st.integers() | st.floats() | st.booleans() | st.lists(st.none(), max_size=1) | st.just({}),
)
def test_a_field_of_the_wrong_kind_makes_it_no_record(name: str, wrong: object) -> None:
    assert parse_consent(json.dumps({**FIELDS, name: wrong})) is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "1" * 10_000,
        '{"person":"zz","audience":"consumer","basis":"consent"}',
        '{"person":"00","audience":"martian","basis":"consent"}',
        '{"person":"00","audience":"consumer","basis":"consent","traits":{"minor":1}}',
        '{"person":"00","audience":"consumer","basis":"consent","relation":{"kind":"purchase","at":"yesterday"}}',
        '{"person":"00","audience":"consumer","basis":"consent","relation":null}',
        '{"audience":"consumer","basis":"consent"}',
        '"person"',
        "NaN",
    ],
)
def test_text_that_is_no_record_is_none(text: str) -> None:
    assert parse_consent(text) is None
