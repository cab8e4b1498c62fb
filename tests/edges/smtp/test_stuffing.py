"""Bytes in are bytes out: only dots that begin a line are doubled, wherever the chunks are cut."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import example, given

from gateway.edges.smtp.stuffing import STEP, Stuffer, whole

bodies = st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\xe9", b"..", b"\r\n.\r\n", b"."]), max_size=40).map(b"".join)


def on_the_wire(chunks: list[bytes | memoryview]) -> bytes:
    stuffer = Stuffer()
    return b"".join([*stuffer.pieces(chunks), stuffer.last()])


def as_received(wire: bytes) -> bytes:
    """What a receiver of RFC 5321 4.5.2 makes of it, line by line."""
    *lines, dot, rest = wire.split(b"\r\n")
    assert (dot, rest) == (b".", b"")
    assert b"." not in lines
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


@given(bodies, st.lists(st.integers(0, 200), max_size=12))
@example(b"\r\n.a\r\n", [0, 1, 2, 3])
@example(b"..\r\n", [0, 1])
def test_any_body_in_any_chunks_arrives_identical(body: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    chunks: list[bytes | memoryview] = [body[a:b] for a, b in pairwise(at)]
    views: list[bytes | memoryview] = [memoryview(chunk) for chunk in chunks]
    wire = on_the_wire(chunks)
    assert wire == on_the_wire([body]) == on_the_wire(views) == whole(chunks) == whole(views)
    assert as_received(wire) == (body if not body or body.endswith(b"\r\n") else body + b"\r\n")


def test_a_dot_on_either_side_of_a_step_is_doubled() -> None:
    for shift in range(-3, 4):
        body = b"x" * (STEP + shift) + b"\r\n.dot\r\n"
        assert as_received(on_the_wire([body])) == body


def test_pieces_stay_small() -> None:
    stuffer = Stuffer()
    body = b"." * 99 + b"\r\n"
    sizes = [len(piece) for piece in stuffer.pieces([body * 10_000, body, memoryview(body * 5_000)])]
    assert max(sizes) <= STEP * 1.4
    assert len(stuffer.last()) <= STEP * 1.4
