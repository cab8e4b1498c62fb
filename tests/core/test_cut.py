"""A cut takes out exactly its span, whatever the encoding; lines it does not fall into stay as they came."""

from __future__ import annotations

import binascii
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.cut import Cut, applied, in_body, shifted
from gateway.core.transfer import Encoding, decode, encode
from tests.support.timing import grows

PIECES = [b"<img src=x>", b"Bonjour ", b"=", b"==", b"--", b"\r\n", b" ", b"\t", "é".encode(), b".", b"From ", b"a" * 70, b"=3D"]
CODED = [b"<img>", b"=3D", b"=", b"==", b"=\r\n", b"\r\n", b" ", b"a", b"-", b"--", b"=C3=A9", b"0", b"A", b"x" * 40]


@st.composite
def cut_up(draw: st.DrawFn, pieces: list[bytes]) -> tuple[list[bytes], list[int], list[bytes]]:
    parts = draw(st.lists(st.sampled_from(pieces), max_size=20))
    new = st.lists(st.sampled_from([b"", b"http://x.example/"]), min_size=4, max_size=4)
    return parts, draw(st.lists(st.integers(0, 25), max_size=4)), draw(new)


def some_cuts(content: bytes, seeds: list[int], new: list[bytes]) -> list[Cut]:
    places = sorted({seed * len(content) // 25 for seed in seeds})
    pairs = zip(places[::2], places[1::2], strict=False)
    return [Cut(start, end, new[number % len(new)]) for number, (start, end) in enumerate(pairs) if end > start]


@example(([b"a" * 70, b"From ", b"\r\n"], [], [b""] * 4))
@example(([b"a" * 70, b"From\t"], [], [b""] * 4))
@example(([b"==", *[b"From "] * 4, b"a" * 70, b"\r\n", b"a" * 70, b"a" * 70], [0, 10], [b""] * 4))  # the cut ends between CR and LF
@given(cut_up(PIECES))
@settings(max_examples=600)
def test_a_quoted_printable_body_says_the_same_but_for_the_cuts(given_: tuple[list[bytes], list[int], list[bytes]]) -> None:
    parts, seeds, new = given_
    content = b"".join(parts)
    body = encode(content, Encoding.QP)
    cuts = some_cuts(content, seeds, new)
    made = applied(body, in_body(body, Encoding.QP, cuts))
    assert decode(made, Encoding.QP) == applied(content, cuts)
    assert max(map(len, made.replace(b"\r\n", b"\n").split(b"\n"))) <= 76


@given(cut_up(CODED))
@settings(max_examples=600)
def test_even_a_badly_encoded_body_says_the_same_but_for_the_cuts(given_: tuple[list[bytes], list[int], list[bytes]]) -> None:
    parts, seeds, new = given_
    body = b"".join(parts)
    content = binascii.a2b_qp(body)
    cuts = some_cuts(content, seeds, new)
    made = applied(body, in_body(body, Encoding.QP, cuts))
    assert binascii.a2b_qp(made) == applied(content, cuts)


@pytest.mark.parametrize(
    ("body", "start", "end", "made"),
    [
        (b"a<img>b\r\n", 1, 6, b"ab\r\n"),
        (b"a=\r\n<img>=\r\nb\r\n", 1, 6, b"a=\r\n=\r\nb\r\n"),
        (b"abc <img>\r\nx", 4, 9, b"abc =\r\n\r\nx"),
        (b"<img>--b\r\n", 0, 5, b"=2D-b\r\n"),
        (b"a=<img>41\r\n", 2, 7, b"a=3D41\r\n"),
        (b"x" * 60 + b"<img>=\r\n" + b"y" * 60, 60, 65, b"x" * 60 + b"=\r\n" + b"y" * 60),
    ],
)
def test_lines_join_where_they_fit(body: bytes, start: int, end: int, made: bytes) -> None:
    cut = in_body(body, Encoding.QP, [Cut(start, end, b"")])
    assert applied(body, cut) in (made, made.replace(b"=\r\n=\r\n", b"=\r\n"))


def test_lines_without_a_cut_stay_as_they_came() -> None:
    lines = [b"one=20line=\r\n", b" two <img> more\r\n", b"three=\r\n", b"=E9t=e9\r\n"]
    body = b"".join(lines)
    at = binascii.a2b_qp(body).index(b"<img>")
    made = applied(body, in_body(body, Encoding.QP, [Cut(at, at + 5, b"")]))
    assert made == b"one=20line=\r\n two  more\r\nthree=\r\n=E9t=e9\r\n"


def test_cutting_plain_text_never_leaves_a_line_that_ends_the_part() -> None:
    body = b"x\r\n<img>--boundary--\r\n"
    assert applied(body, in_body(body, Encoding.PLAIN, [Cut(3, 8, b"")])) == b"x\r\n --boundary--\r\n"


def test_an_offset_moves_with_what_was_cut_before_it() -> None:
    cuts = [Cut(2, 4, b""), Cut(6, 7, b"long")]
    assert [shifted(at, cuts) for at in (0, 2, 4, 6, 7, 9)] == [0, 2, 2, 4, 8, 10]


@pytest.mark.usefixtures("undisturbed")
def test_many_cuts_take_time_linear_in_the_body() -> None:
    def cutting(count: int) -> Callable[[], bytes]:
        content = b"<img src=https://x.example/1?u=1 width=1>words\r\n" * count
        body = encode(content, Encoding.QP)
        cuts = [Cut(at * 47, at * 47 + 40, b"") for at in range(count)]

        def cut() -> bytes:
            return applied(body, in_body(body, Encoding.QP, cuts))

        assert decode(cut(), Encoding.QP) == applied(content, cuts)
        return cut

    grows(cutting, 1000, 4000, lambda small: 8 * max(small, 0.005))
