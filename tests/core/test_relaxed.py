"""The relaxed canonical form: the same hash however the body is cut, in linear time."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import relaxed
from gateway.core.relaxed import body_hash, collapse, fields
from tests.support.timing import within

EMPTY = hashlib.sha256().digest()

bodies = st.lists(st.sampled_from([b" ", b"  ", b"\t", b"\r\n", b"\r", b"\n", b"x", b"yz", b"\xe9", b"."]), max_size=40).map(
    b"".join
)


def plain(body: bytes) -> bytes:
    """RFC 6376 3.4.4, word by word."""
    lines = [re.sub(rb"[ \t]+", b" ", line.rstrip(b" \t")) for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return hashlib.sha256(b"".join(line + b"\r\n" for line in lines)).digest()


@given(bodies, st.lists(st.integers(0, 80)))
def test_any_chunking_gives_the_hash_of_the_plain_rule(body: bytes, cuts: list[int]) -> None:
    marks = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [memoryview(body)[start:end] for start, end in pairwise(marks)]
    assert body_hash([body]) == body_hash(chunks) == plain(body)


@given(bodies)
def test_byte_by_byte_gives_the_hash_of_the_plain_rule(body: bytes) -> None:
    assert body_hash([body[i : i + 1] for i in range(len(body))]) == plain(body)


@pytest.mark.parametrize("unit", [b" ", b"\t ", b"\r\n", b" \r\n", b"\r\r\n", b"x\r\n", b"\n"])
def test_steps_inside_one_chunk_make_no_difference(unit: bytes) -> None:
    body = b"a" + unit * (relaxed.STEP // len(unit) + 7) + b"b" + unit * 3
    assert body_hash([body]) == plain(body) == body_hash([b"a", memoryview(body)[1:]])


@given(bodies)
def test_a_body_of_many_steps_hashes_by_the_same_rule_as_a_small_one(body: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relaxed, "STEP", 5)
        stepped = body_hash([body])
    assert stepped == body_hash([body]) == plain(body)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n\t\r\n", b" "])
def test_body_without_text_is_empty(body: bytes) -> None:
    assert body_hash([body]) == EMPTY
    assert body_hash([]) == EMPTY


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "body", [b" " * (8 << 20) + b"x", b" x" * (1 << 20), (b" " * 990 + b"x\r\n") * 8000, b"\r\n" * (4 << 20), b"\r" * (4 << 20)]
)
def test_hostile_white_space_costs_linear_time(body: bytes) -> None:
    within(1.5, lambda: body_hash([body]))


def test_collapse_leaves_other_white_space() -> None:
    assert collapse(b"a \t  b\x0b\x0cc") == b"a b\x0b\x0cc"


def test_fields_are_unfolded_and_collapsed() -> None:
    block = b"SubJect \t: \tone\r\n\t two  \r\n \r\n\tx\r\nTo:a\r\n\r\n b"
    assert fields(block) == [b"SubJect : one two x", b"To:a", b" b"]
