"""A next hop's bytes become answers or garbage, whatever they are and however they are cut."""

from __future__ import annotations

import re
from collections import deque

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gateway.core.model import Fate, Features, Outcome, Stage
from gateway.core.reply import for_outcome
from gateway.edges.smtp.answers import MAX_LINE, Answer, AnswerReader, Garbage, announced

pieces = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"250 2.0.0 OK\r\n", b"550-5.7.1 a\r\n", b"550 5.7.1 b\r\n", b"\r\n", b"354", b"\n"]),
    ),
    max_size=12,
)


def read(chunks: list[bytes]) -> tuple[list[Answer], bool]:
    """Every answer understood, and whether garbage ended it."""
    reader, answers = AnswerReader(), deque[Answer]()
    try:
        for chunk in chunks:
            reader.feed(chunk, answers)
    except Garbage:
        return list(answers), True
    return list(answers), False


@given(pieces)
def test_cutting_the_stream_differently_changes_nothing(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert read([whole]) == read(chunks) == read([bytes([octet]) for octet in whole])


@given(pieces, st.sampled_from(Stage))
def test_any_answer_makes_a_valid_reply_and_no_wrong_5xx(chunks: list[bytes], stage: Stage) -> None:
    for answer in read(chunks)[0]:
        assert 200 <= answer.code <= 559
        reply = for_outcome(answer.refusal(stage))
        assert re.fullmatch(rb"[245]\d\d (?:[245]\.\d{1,3}\.\d{1,3} )?[ -~]*\r\n", reply.line())
        assert len(reply.line()) <= 512
        if reply.code >= 500:
            assert answer.code >= 500
            assert stage not in (Stage.CONNECT, Stage.HELLO, Stage.AUTH)


@pytest.mark.parametrize(
    "stream",
    [
        b"199 x\r\n",
        b"560 x\r\n",
        b"25O x\r\n",
        b"250x\r\n",
        b"hello\r\n",
        b"\r\n",
        b"250-a\r\n251 b\r\n",
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"x" * (MAX_LINE + 1),
        b"250-" + b"x" * 1000 + b"\r\n" + (b"250-" + b"x" * 1000 + b"\r\n") * 70,
    ],
)
def test_what_is_no_reply_is_garbage(stream: bytes) -> None:
    assert read([stream]) == ([], True)


def test_what_came_before_the_garbage_is_still_understood() -> None:
    assert read([b"421 4.3.2 Bye\r\n\x00\r\n"]) == ([Answer(421, (b"4.3.2 Bye",))], True)


def test_text_is_joined_cleaned_and_stripped_of_its_enhanced_codes() -> None:
    answer = Answer(550, (b"5.7.1 Not wanted\r\n550 2.0.0 evil", b"5.7.1 caf\xc3\xa9 \x1b[31m"))
    assert answer.as_outcome(Fate.REFUSED, Stage.RCPT) == Outcome(
        Fate.REFUSED, Stage.RCPT, 550, "5.7.1", "Not wanted 550 2.0.0 evil caf   [31m"
    )
    assert Answer(550, (b"4.7.1 odd",)).as_outcome(Fate.REFUSED, Stage.RCPT).enhanced == ""


def test_ehlo_is_read_case_blind_and_nonsense_in_it_is_no_size() -> None:
    said = announced(Answer(250, (b"PIPELINING.example", b"size 1000", b"8bitmime", b"Auth PLAIN login", b"XFOO", b"DSN ")))
    assert said.features == Features(eight_bit=True, smtputf8=False, dsn=True, size=1000)
    assert (said.pipelining, said.starttls, said.mechanisms) == (False, False, {"PLAIN", "LOGIN"})
    assert announced(Answer(250, (b"x", b"SIZE -5"))).features.size == 0
