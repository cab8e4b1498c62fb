"""The reader of a call's rows: what JSON says, in whatever pieces it comes; nothing else, and nothing slow."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edges.web.rows_json import MAX_ROW, Malformed, RowsReader, TooMany

CELL = st.one_of(st.text(max_size=30), st.booleans(), st.none(), st.integers(), st.lists(st.text(max_size=3), max_size=2))
ROWS = st.lists(st.dictionaries(st.text(max_size=8), CELL, max_size=6), max_size=8)


def read(body: bytes, *cuts: int, most: int = 100) -> list[dict[str, object]]:
    """The rows of a body that comes in pieces; small ones are not waited for, as a reader of larger bodies would."""
    reader = RowsReader(most)
    places = sorted({0, *(cut % (len(body) + 1) for cut in cuts), len(body)})
    for start, end in itertools.pairwise(places):
        reader.feed(body[start:end])
        reader._advance(last=False)
    reader.end()
    return reader.rows


@given(ROWS, st.lists(st.integers(0, 5000), max_size=12), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_rows_are_what_json_says_however_they_are_cut(
    rows: list[dict[str, object]], cuts: list[int], indent: int | str | None, plain: bool
) -> None:
    body = json.dumps({"consents": rows}, ensure_ascii=plain, indent=indent).encode("utf-8", "surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    assert read(body, *cuts) == rows


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_no_octets_break_the_reader(octets: bytes, cuts: list[int]) -> None:
    for body in (octets, b'{"consents": [' + octets, b'{"consents": [{"a": "' + octets + b'"}]}'):
        try:
            rows = read(body, *cuts)
        except (Malformed, TooMany):
            continue
        assert json.loads(body) == {"consents": rows}


@pytest.mark.parametrize("more", [b"", b",", b"]", b"]}}", b'], "a": 1}', b"]} x", b" " * 9000 + b"]" + b" " * 9000 + b"x"])
def test_what_is_not_one_list_of_rows_is_refused(more: bytes) -> None:
    with pytest.raises(Malformed):
        read(b'{"consents": [{}' + more)


def test_a_row_too_many_or_too_long_is_refused() -> None:
    with pytest.raises(TooMany):
        read(b'{"consents": [{},{},{}]}', most=2)
    assert len(read(b'{"consents": [{},{}]}', most=2)) == 2
    with pytest.raises(Malformed):
        read(b'{"consents": [{"a": "' + b"x" * MAX_ROW + b'"}]}')
    with pytest.raises(Malformed):
        read(b'{"consents": [' + b'{"a":' * 20_000)
