"""Instants and frames of records come back from Redis as they went in, whatever they hold."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.record import Audience, Basis, Consent, Covers, Entity, Proof, Relation, RelationKind, Traits
from gateway.edges.store.redis.frames import frame_of, parsed_frame
from gateway.edges.store.redis.moments import moment, parsed_moment
from gateway.edges.store.redis.pack import packed, unpacked
from gateway.flow.ports import Unavailable
from tests.support.people import consent, person

offsets = st.timedeltas(-timedelta(hours=23, minutes=59), timedelta(hours=23, minutes=59))
whole = offsets.map(lambda one: timedelta(seconds=one // timedelta(seconds=1)))
zones = st.none() | st.just(UTC) | st.builds(timezone, offsets | whole)
# Python reads an offset below one second, which nobody has, as none: such an instant has no text that comes back.
instants = st.datetimes(timezones=zones).filter(lambda one: datetime.fromisoformat(one.isoformat()).isoformat() == one.isoformat())
texts = st.text(st.characters(), max_size=20)

CONSENTS = st.builds(
    Consent,
    st.just(person(1)),
    texts,
    texts,
    st.sampled_from(Audience),
    st.sampled_from(Basis),
    texts,
    st.none(),
    texts,
    texts,
    partner_list_version=texts,
    product_family=texts,
    missing=st.lists(texts, max_size=3).map(tuple),
    covers=st.sampled_from(Covers),
    relation=st.none() | st.builds(Relation, st.sampled_from(RelationKind), by=texts),
    traits=st.builds(Traits, texts, st.sampled_from(Entity), minor=st.booleans(), explicit=st.booleans()),
    proof=st.builds(Proof, texts, texts, texts, texts, texts, texts),
)
DATED = {"collected_at", "notice_sent_at", "withdrawn_at", "recorded_at", "acquired_at", "confirmed_at"}
PERSONAL = DATED | {"person", "function", "professional_proof", "relation"}


@given(instants)
def test_an_instant_comes_back_with_its_own_offset(at: datetime) -> None:
    back = parsed_moment(unpacked(packed(moment(at))))
    assert back is not None
    assert back.isoformat() == at.isoformat()


@given(instants, instants)
def test_instants_are_packed_alike_where_they_are_written_alike(one: datetime, other: datetime) -> None:
    """What a script compares is what the embedded store compares."""
    assert (packed(moment(one)) == packed(moment(other))) == (one.isoformat() == other.isoformat())


def test_no_instant_stays_none() -> None:
    assert moment(None) is False
    assert parsed_moment(False) is None


@given(CONSENTS)
def test_a_frame_holds_all_that_is_nobodys_own(one: Consent) -> None:
    frame = parsed_frame(frame_of(one)[1])
    for name in {field.name for field in fields(one)} - PERSONAL:
        assert getattr(frame, name) == getattr(one, name)
    assert (frame.relation, frame.by) == ((one.relation.kind, one.relation.by) if one.relation else (None, ""))


@given(CONSENTS, CONSENTS)
def test_two_records_share_a_frame_only_where_they_say_the_same(one: Consent, other: Consent) -> None:
    assert (frame_of(one)[0] == frame_of(other)[0]) == (frame_of(one)[1] == frame_of(other)[1])


@pytest.mark.parametrize("text", [b"", b"\xc1", packed([b"a"]), packed([b""] * 20), packed([1] * 20), packed(b"x" * 20)])
def test_a_frame_that_cannot_be_read_is_said_to_be_so(text: bytes) -> None:
    with pytest.raises(Unavailable):
        parsed_frame(text)


def test_a_list_of_people_quotes_one_frame() -> None:
    assert len({frame_of(consent(person(number)))[0] for number in range(9)}) == 1
