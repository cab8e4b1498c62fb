"""The end of data: found exactly, whatever the chunking; stuffing undone exactly; strays never pass."""

from __future__ import annotations

import tracemalloc
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.edges.smtp.wire import Body, CountReader, DotReader, Spoiled, lines_fit
from tests.support.smtp import pieces
from tests.support.timing import bounded, grows, timed

BIG = 1 << 30


def read(octets: bytes, cuts: list[int], limit: int = BIG) -> tuple[bytes | Spoiled | None, bytes]:
    """What a DotReader makes of these octets cut at these places, and what it left over."""
    body = Body(limit, BIG)
    reader = DotReader(body)
    chunks = pieces(octets, cuts)
    for index, chunk in enumerate(chunks):
        rest = reader.feed(chunk)
        if rest is not None:
            return body.finish(), rest + b"".join(chunks[index + 1 :])
    return None, b""


def plain_reading(octets: bytes) -> tuple[bytes | Spoiled | None, bytes]:
    """The same, written as slowly and plainly as can be: the oracle."""
    stream = b"\r\n" + octets
    end = stream.find(b"\r\n.\r\n")
    if end < 0:
        return None, b""
    content, rest = stream[2 : end + 2], stream[end + 5 :]
    lines = content.split(b"\r\n")
    if any(c in line for line in lines for c in (b"\r", b"\n", b"\0")):
        return Spoiled.BARE_NEWLINE, rest
    unstuffed = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)
    return unstuffed or b"\r\n", rest


awkward = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"\r\n.", b"a", b" ", b"\0", b"\x85", b"text"]), max_size=40
)


@given(awkward.map(b"".join), st.lists(st.integers(0, 200), max_size=12))
@example(b"\r\n.\r\nrest", [1, 2, 3, 4])
@example(b".", [])
@example(b"a\r\r\n.\r\n", [2, 3])
def test_any_chunking_reads_like_the_plain_oracle(head: bytes, cuts: list[int]) -> None:
    octets = head + b"\r\n.\r\nQUIT\r\n"
    assert read(octets, cuts) == plain_reading(octets)


@given(st.lists(st.text("ab.c ", max_size=9).map(str.encode), max_size=30), st.lists(st.integers(0, 400), max_size=9))
def test_what_is_stuffed_comes_back_unstuffed(lines: list[bytes], cuts: list[int]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)
    assert read(stuffed + b".\r\n", cuts) == (content or b"\r\n", b"")


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
def test_size_is_of_the_unstuffed_message(size: int, fits: bool) -> None:
    content = b"." + b"x" * (size - 3) + b"\r\n"
    data, _ = read(b"." + content + b".\r\n", [7], limit=100)
    assert data == (content if fits else Spoiled.TOO_BIG)


def test_the_first_cause_stays_and_the_end_is_still_found() -> None:
    data, rest = read(b"x" * 200 + b"\n.\n\0\r\n.\r\nNOOP\r\n", [150], limit=100)
    assert (data, rest) == (Spoiled.TOO_BIG, b"NOOP\r\n")


@pytest.mark.parametrize(("length", "fits"), [(63, True), (64, True), (65, False)])
def test_line_limit_counts_crlf_wherever_the_line_stands(length: int, fits: bool) -> None:
    line = b"y" * (length - 2) + b"\r\n"
    for data in (line, b"a\r\n" * 50 + line, line + b"a\r\n" * 50, b"a\r\n" + line + b"b\r\n"):
        assert lines_fit(data, 64) is fits


@given(st.binary(max_size=60), st.integers(0, 60), st.lists(st.integers(0, 60), max_size=5))
def test_a_counted_chunk_takes_exactly_its_size(octets: bytes, size: int, cuts: list[int]) -> None:
    body = Body(BIG, BIG)
    reader = CountReader(body, size)
    chunks = pieces(octets, cuts)
    for index, chunk in enumerate(chunks):
        rest = reader.feed(chunk)
        if rest is not None:
            assert rest + b"".join(chunks[index + 1 :]) == octets[size:]
            assert body.size == size
            return
    assert len(octets) < size or not octets or size == 0


def test_a_crlf_may_straddle_two_chunks_and_a_last_line_gets_its_end() -> None:
    body = Body(BIG, BIG)
    CountReader(body, 2).feed(b"a\r")
    CountReader(body, 2).feed(b"\nb")
    assert body.finish() == b"a\r\nb\r\n"


def test_dripped_octets_do_not_multiply_in_memory() -> None:
    body = Body(BIG, BIG)
    reader = DotReader(body)
    tracemalloc.start()
    for _ in range(200_000):
        reader.feed(b"z")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 400_000
    reader.feed(b"\r\n.\r\n")
    assert body.finish() == b"z" * 200_000 + b"\r\n"


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.slow
@pytest.mark.parametrize("line", [b"\r\n", b"." * 70 + b"\r\n", b"..\r\n", b"x" * 76 + b"\r\n", b"\r" * 70, b"\n.\n"])
def test_time_is_linear_and_no_step_blocks_the_loop(line: bytes) -> None:
    chunk = (line * (262_144 // len(line) + 1))[:262_144]

    def steps(chunks: int) -> list[float]:
        reader = DotReader(Body(BIG, BIG))
        reader.feed(b"h: v\r\n\r\n")
        return [timed(partial(reader.feed, chunk))[0] for _ in range(chunks)]

    bounded(0.010, lambda: max(steps(20)))
    grows(lambda chunks: partial(steps, chunks), 20, 40, lambda small: 3 * small + 0.005)
