"""What is done in steps comes out as if it were done at once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core import steps

MARK = re.compile(rb"-->|b?c{1,2}|\r\n")
CONTENT = st.lists(st.sampled_from([b"a", b"\r\n", b"\r", b"\n", b" ", b"-->", b"abc" * 5]), max_size=30).map(b"".join)


@given(CONTENT, st.integers(2, 20), st.integers(0, 40), st.integers(0, 80))
@settings(max_examples=1000)
def test_steps_of_any_length_give_what_the_whole_gives(content: bytes, step: int, start: int, end: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "STEP", step)
        pieces = list(steps.lines(content))
        assert b"".join(pieces) == content
        assert all(piece.endswith(b"\r\n") for piece in pieces[:-1])
        for what in (b"\r\n", b"\n", b"a"):
            assert steps.count(content, what) == content.count(what)
        end = min(end, len(content))
        assert steps.find(content, b"-->", start, end) == content.find(b"-->", start, end)
        assert steps.without(content, b"a\r") == content.translate(None, b"a\r")
        assert steps.lower(content.upper()) == content.lower()
        found = [one.span() for one in steps.matches(MARK, content, 4)]
        assert found == [one.span() for one in MARK.finditer(content)]
        assert steps.end_of(content, b"\r\n") == len(content.rstrip(b"\r\n"))
