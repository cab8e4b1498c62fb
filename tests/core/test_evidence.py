"""Evidence: one form for an event, and no tampering that goes unseen."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.evidence import GENESIS, Break, Event, Kind, canonical, link, parse_event, verify, written

AT = datetime(2026, 6, 1, 10, 0, 0, 123456, tzinfo=UTC)
texts = st.text(max_size=12)
events = st.builds(
    Event,
    at=st.datetimes(timezones=st.just(UTC)),
    kind=st.sampled_from(Kind),
    rules=st.lists(texts, max_size=3).map(tuple),
    **{field.name: texts for field in fields(Event) if field.type == "str"},
)


@dataclass(frozen=True)
class Row:
    writer: str
    seq: int
    body: bytes
    hash: bytes


def chain(writer: str, length: int) -> list[Row]:
    rows, last = [], GENESIS
    for seq in range(1, length + 1):
        body = canonical(Event(AT + timedelta(seconds=seq), Kind.DECISION, "allowed", stream=f"s{seq % 3}"))
        last = link(last, writer, seq, body)
        rows.append(Row(writer, seq, body, last))
    return rows


@given(events)
def test_event_survives_its_canonical_form(event: Event) -> None:
    assert parse_event(canonical(event)) == event


@given(events, st.binary(max_size=16))
def test_time_and_person_can_be_read_from_a_body_alone(event: Event, person: bytes) -> None:
    body = canonical(replace(event, person=person.hex()))
    assert (written(body, "at").decode(), written(body, "person").decode()) == (json.loads(body)["at"], person.hex())


@given(events)
def test_canonical_form_is_sorted_json_without_empty_fields(event: Event) -> None:
    loaded = json.loads(canonical(event))
    assert list(loaded) == sorted(loaded)
    assert all(loaded.values())
    assert loaded["at"].endswith("Z")


def test_canonical_form_is_pinned() -> None:
    event = Event(AT, Kind.DECISION, 'refusé "x"\n', rules=("R-FR-01",), stream="a\ud800")
    want = '{"at":"2026-06-01T10:00:00.123456Z","kind":"decision","outcome":"refusé \\"x\\"\\n",'
    want += '"rules":["R-FR-01"],"stream":"a\\ud800"}'
    assert canonical(event) == want.encode()
    assert parse_event(canonical(event)) == event


def test_same_instant_in_another_zone_has_the_same_form() -> None:
    paris = AT.astimezone(timezone(timedelta(hours=2)))
    assert canonical(Event(paris, Kind.LOOK, "x")) == canonical(Event(AT, Kind.LOOK, "x"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"at":1,"kind":"look","outcome":"x"}',
        b'{"at":"2026-06-01T10:00:00.123456","kind":"look","outcome":"x"}',
        b'{"at":"2026-06-01T10:00:00.123456Z","kind":"nothing","outcome":"x"}',
        b'{"at":"2026-06-01T10:00:00.123456Z","kind":"look","outcome":"x","unknown":"y"}',
        b'{"at":"2026-06-01T10:00:00.123456Z","kind":"look","outcome":5}',
        b'{"at":"2026-06-01T10:00:00.123456Z","kind":"look","outcome":""}',
        b'{"at":"0001-01-01T00:00:00.000000+14:00","kind":"look","outcome":"x"}',
        b'{"at":"2026-06-01T10:00:00.123456Z","kind":"look","outcome":"x","rules":"ab"}',
        b'{"kind":"look","at":"2026-06-01T10:00:00.123456Z","outcome":"x"}',
    ],
)
def test_what_is_no_canonical_event_is_none(body: bytes) -> None:
    assert parse_event(body) is None


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | texts | st.integers(), lambda inner: st.dictionaries(texts, inner)).map(
        lambda x: json.dumps(x).encode()
    )
)
def test_no_body_raises(body: bytes) -> None:
    assert parse_event(body) is None


def test_links_cannot_be_read_two_ways() -> None:
    assert (
        len(
            {
                link(GENESIS, *rest)
                for rest in (("a", 12, b"x"), ("a1", 2, b"x"), ("a:1", 2, b"x"), ("a", 1, b"2:x"), ("a", 1, b"2x"))
            }
        )
        == 5
    )


lengths = st.integers(2, 30)
places = st.integers(0, 10_000)


def honest(length: int) -> list[Row]:
    return chain("n1", length) + chain("n2", 3)


@given(lengths)
def test_honest_journal_verifies_with_its_heads(length: int) -> None:
    rows = honest(length)
    heads = [("n1", length, rows[length - 1].hash), ("n1", 1, rows[0].hash), ("n2", 3, rows[-1].hash), ("n3", 0, GENESIS)]
    assert verify(rows, heads) == []
    assert verify([], []) == []


@given(lengths, places, st.sampled_from(["body", "hash", "seq", "writer"]), st.integers(0, 255))
def test_an_edit_of_any_column_is_found(length: int, place: int, column: str, flip: int) -> None:
    rows = honest(length)
    at = place % length
    row = rows[at]
    changes = {
        "body": {"body": row.body[:5] + bytes([row.body[5] ^ (flip or 1)]) + row.body[6:]},
        "hash": {"hash": bytes([row.hash[0] ^ (flip or 1)]) + row.hash[1:]},
        "seq": {"seq": row.seq + (flip or 1)},
        "writer": {"writer": "n9"},
    }
    rows[at] = replace(row, **changes[column])
    assert verify(rows, [("n1", length, honest(length)[length - 1].hash)])


@given(lengths, places)
def test_an_edit_with_its_own_hash_made_anew_is_found(length: int, place: int) -> None:
    rows = honest(length)
    at = place % length
    before = rows[at - 1].hash if at else GENESIS
    body = canonical(Event(AT, Kind.DECISION, "refused"))
    rows[at] = Row("n1", at + 1, body, link(before, "n1", at + 1, body))
    assert verify(rows, [("n1", length, honest(length)[length - 1].hash)])


@given(lengths, places)
def test_a_deletion_is_found_even_when_the_rest_is_renumbered(length: int, place: int) -> None:
    at = place % (length - 1)
    rows = chain("n1", length)
    gone = rows[:at] + rows[at + 1 :]
    assert verify(gone)
    assert verify([replace(row, seq=number) for number, row in enumerate(gone, 1)])


@given(lengths, places, places)
def test_a_swap_is_found_even_when_renumbered(length: int, one: int, other: int) -> None:
    a, b = one % length, other % length
    if a == b:
        b = (a + 1) % length
    rows = chain("n1", length)
    rows[a], rows[b] = rows[b], rows[a]
    assert verify(rows)
    assert verify([replace(row, seq=number) for number, row in enumerate(rows, 1)])


@given(lengths, places)
def test_an_insertion_is_found(length: int, place: int) -> None:
    at = place % length
    rows = chain("n1", length)
    before = rows[at - 1].hash if at else GENESIS
    body = canonical(Event(AT, Kind.DECISION, "allowed"))
    forged = Row("n1", at + 1, body, link(before, "n1", at + 1, body))
    grown = [*rows[:at], forged, *rows[at:]]
    assert verify(grown)
    assert verify([replace(row, seq=number) for number, row in enumerate(grown, 1)])
    assert verify([*rows[:at], rows[at], *rows[at:]])


@given(lengths, places)
def test_a_cut_tail_is_found_against_the_exported_head(length: int, place: int) -> None:
    rows = chain("n1", length)
    head = ("n1", length, rows[-1].hash)
    assert verify(rows[: place % length], [head]) == [Break("n1", length, "cut off: an exported head names it")]


@given(lengths)
def test_a_chain_written_anew_is_found_against_the_exported_head(length: int) -> None:
    head = ("n1", length, chain("n1", length)[-1].hash)
    rows, last = [], GENESIS
    for seq in range(1, length + 5):
        body = canonical(Event(AT, Kind.DECISION, "forged"))
        last = link(last, "n1", seq, body)
        rows.append(Row("n1", seq, body, last))
    assert verify(rows) == []
    assert [found.seq for found in verify(rows, [head])] == [length]


def test_one_edit_is_one_break_at_its_place() -> None:
    rows = chain("n1", 9)
    rows[4] = replace(rows[4], body=b"{}")
    assert [found.seq for found in verify(rows)] == [5]
