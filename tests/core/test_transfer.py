"""Words go between two encoded bytes; the lines before and after keep every octet."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.transfer import Encoding, decode, encode, insert, long_line, shortened
from tests.support.timing import grows

QP_ATOMS = st.sampled_from(
    [b"a", b"=3D", b"=C3=A9", b"=\r\n", b"\r\n", b" ", b"=", b"==", b"=0A", b"\t\r\n", b"=0D=0A", b"bc. ", b"=e9"]
)


@given(
    st.lists(QP_ATOMS, max_size=30),
    st.integers(0, 60),
    st.sampled_from([b"\r\nw\xc3\xa9=x\r\n", b"w\r\n", b"\r\n" + b"long " * 40 + b"\r\n"]),
)
@example([b"a", b"=", b"a"], 2, b"\r\nw\r\n")
@settings(max_examples=1500)
def test_quoted_printable_takes_words_at_any_place_and_changes_nothing_else(atoms: list[bytes], place: int, words: bytes) -> None:
    body = b"".join(atoms)
    content = binascii.a2b_qp(body)
    at = min(place, len(content))
    start, end, new = insert(body, content, Encoding.QP, at, words)
    assert start == end
    if body.endswith(b"=") and at == len(content):
        new = new.removeprefix(b"\r\n") if binascii.a2b_qp(body + new) != content + words else new
    assert binascii.a2b_qp(body[:start] + new + body[end:]) == content[:at] + words + content[at:]


@given(
    st.binary(max_size=300),
    st.integers(0, 300),
    st.sampled_from([4, 60, 64, 72, 76]),
    st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]),
    st.integers(0, 3),
)
@settings(max_examples=1500)
def test_base64_takes_words_at_any_place_and_keeps_its_other_lines(
    content: bytes, place: int, width: int, tail: bytes, extra: int
) -> None:
    code = base64.b64encode(content)
    body = b"\r\n".join(code[at : at + width] for at in range(0, len(code), width)) + tail
    at = min(place, len(content))
    words = b"some words" + b"!" * extra
    start, end, new = insert(body, content, Encoding.BASE64, at, words)
    after = body[:start] + new + body[end:]
    assert base64.b64decode(after) == content[:at] + words + content[at:]
    assert all(len(line) <= 76 for line in after.split(b"\r\n"))
    if len(words) % 3 == 0 and content:
        assert start >= 4 * (at // 3)
        assert end - start <= 4


@pytest.mark.parametrize("body", [b"QUJ\r\nDQUJD", b"QUJD\r\n\r\nQUJD", b"QU JD", b"QUJD\r\nQUJDQUJD"])
def test_base64_of_an_unusual_layout_is_encoded_as_a_whole(body: bytes) -> None:
    content = base64.b64decode(body)
    start, end, new = insert(body, content, Encoding.BASE64, 2, b"words!")
    assert (start, end) == (0, len(body))
    assert base64.b64decode(new) == content[:2] + b"words!" + content[2:]


def test_text_after_the_end_of_base64_cannot_be_read() -> None:
    assert decode(b"QUI=\r\nmailing list footer\r\n", Encoding.BASE64) is None
    assert decode(b"QUJDR", Encoding.BASE64) is None


@given(st.lists(st.integers(0, 1200), min_size=1, max_size=12), st.booleans())
def test_a_long_line_is_found_wherever_it_is(lengths: list[int], ended: bool) -> None:
    raw = b"\r\n".join(b"x" * length for length in lengths) + (b"\r\n" if ended else b"")
    expected = next((sum(lengths[:at]) + 2 * at for at, length in enumerate(lengths) if length > 998), -1)
    assert long_line(raw, 0, len(raw)) == expected


def test_long_encoded_lines_are_broken_without_changing_what_they_say() -> None:
    content = "é=x".encode() * 900
    one_line = b"".join(b"=%02X" % byte for byte in content)
    broken = shortened(b"short\r\n" + one_line + b"=\r\nend", Encoding.QP)
    assert broken.startswith(b"short\r\n")
    assert max(map(len, broken.split(b"\r\n"))) <= 76
    assert binascii.a2b_qp(broken) == b"short\r\n" + content + b"end"
    assert base64.b64decode(shortened(base64.b64encode(content), Encoding.BASE64)) == content


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("atom", [b"=\r\n", b"\r\n", b"a", b"=3D", b"=", b" \r\n"])
def test_quoted_printable_insertion_is_linear(atom: bytes) -> None:
    def inserting(times: int) -> Callable[[], object]:
        body = atom * times
        content = binascii.a2b_qp(body)
        return lambda: [insert(body, content, Encoding.QP, 0, b"words\r\n") for _ in range(3)]

    grows(inserting, 100_000, 200_000, lambda small: 2.5 * small + 0.02)


LINES = st.lists(
    st.sampled_from([b"ab", b" ", b"\xc3\xa9", b"\r\n", b"=", b".", b"x" * 70, b"\t", b"z" * 300, b"q" * 3000]), max_size=40
)


@given(LINES, st.sampled_from([1024, 1500]))
@settings(max_examples=500)
def test_the_length_of_a_step_changes_nothing(pieces: list[bytes], step: int) -> None:
    def everything() -> list[object]:
        made: list[object] = [encode(content, how) for how in Encoding]
        coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
        made += [decode(coded + end, Encoding.BASE64) for end in (b"", b"=", b" = \r\n", b"!", b"Q", b"=Q")]
        body = encode(content, Encoding.QP)
        read = decode(body, Encoding.QP)
        assert read == content
        return [*made, *(insert(body, content, Encoding.QP, at, b"w\r\n") for at in range(0, len(content), 501))]

    content = b"".join(pieces)
    expected = everything()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.core.transfer.STEP", step)
        patch.setattr("gateway.core.steps.STEP", step)
        assert everything() == expected


def test_a_text_of_one_line_gets_no_bare_newline() -> None:
    for size in (200, 600_000):
        coded = encode(b"a" * size, Encoding.QP)
        assert b"\n" not in coded.replace(b"\r\n", b"")
        assert max(map(len, coded.split(b"\r\n"))) <= 76
        assert binascii.a2b_qp(coded) == b"a" * size
