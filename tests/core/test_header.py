"""Header fields are found strictly and written so that one never becomes two."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.header import BlockFault, Field, Unwritable, refolded, scan, unfold, written
from gateway.core.mime import Fault, Malformed, Message, parse
from gateway.core.originator import mailbox
from gateway.core.rewrite import CannotCarry, Edit, Obstacle, Rewritten, rewrite
from tests.support.letters import HEAD, leaves, sent, words
from tests.support.timing import within

BREAKS = ["\r", "\n", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


def test_fields_are_found_with_their_folds() -> None:
    raw = b"Subject: one\r\n two\r\nX-Empty:\r\nTo:a@example.com\r\n"
    fields = scan(raw, 0, len(raw))
    assert fields == (Field("subject", 0, 20), Field("x-empty", 20, 30), Field("to", 30, 48))
    assert [unfold(raw, field) for field in fields] == [b"one two", b"", b"a@example.com"]


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        (b"no colon\r\n", BlockFault.SYNTAX),
        (b"Name : x\r\n", BlockFault.SYNTAX),
        (b" begins folded\r\n", BlockFault.SYNTAX),
        (b"Subject: x\r\n \t\r\n", BlockFault.SYNTAX),
        (b"Subject: x\r\n \r\n y\r\n", BlockFault.SYNTAX),
        (b": x\r\n", BlockFault.SYNTAX),
        (b"N\xc3\xa9: x\r\n", BlockFault.SYNTAX),
        (b"Subject: a\x0bBcc: b\r\n", BlockFault.CONTROL),
        (b"Subject: a\x1b\r\n", BlockFault.CONTROL),
        (b"X: y\r\n" * 1001, BlockFault.LINES),
        (b"X: " + b"y" * 32_768 + b"\r\n", BlockFault.FIELD_SIZE),
        ((b"X: " + b"y" * 900 + b"\r\n") * 120, BlockFault.SIZE),
    ],
)
def test_a_block_two_parsers_could_read_differently_is_refused(block: bytes, fault: BlockFault) -> None:
    assert scan(block, 0, len(block)) == fault


@pytest.mark.parametrize(("count", "fits"), [(999, True), (1000, True), (1001, False)])
def test_header_lines_are_counted_to_their_limit(count: int, fits: bool) -> None:
    block = b"X: y\r\n" * count
    assert isinstance(scan(block, 0, len(block)), tuple) is fits


@pytest.mark.parametrize("mark", BREAKS)
def test_a_value_with_any_line_break_is_refused(mark: str) -> None:
    assert written("X-Note", f"a{mark}Bcc: b@example.com".encode()) is Unwritable.BREAK


def test_a_folded_value_is_folded_anew() -> None:
    assert written("X-Note", b"a\r\n b\r\n\tc") == b"X-Note: a b c\r\n"


@pytest.mark.parametrize("name", ["", "X Y", "X:", "X\r\nY", "É", "X" * 61])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    assert written(name, b"x") is Unwritable.NAME


@given(st.text(alphabet=st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=400))
@settings(max_examples=300)
def test_a_written_value_is_read_back_as_it_was(value: str) -> None:
    line = written("X-Note", value.encode())
    if line is Unwritable.EMPTY or line is Unwritable.LENGTH:
        return
    assert isinstance(line, bytes)
    assert isinstance(scan(line, 0, len(line)), tuple)
    raw = unfold(line, Field("x-note", 0, len(line))).decode("ascii")
    decoded = str(email.header.make_header(email.header.decode_header(raw))) if not value.isascii() else raw
    assert decoded == (value.strip(" \t") if value.isascii() else value.strip())


@given(st.lists(st.text(alphabet="ab,<>", min_size=1, max_size=120), min_size=1, max_size=30))
def test_folding_keeps_78_where_blanks_allow_it(tokens: list[str]) -> None:
    line = written("X-Long", " ".join(tokens).encode())
    assert isinstance(line, bytes)
    assert unfold(line, Field("x-long", 0, len(line))) == " ".join(tokens).encode()
    for piece in line.split(b"\r\n")[:-1]:
        assert len(piece) <= 78 or b" " not in piece.removeprefix(b"X-Long: ").lstrip(b" ")


def test_a_token_that_cannot_be_folded_is_refused_at_999() -> None:
    assert isinstance(written("X", b"y" * 995), bytes)
    assert written("X", b"y" * 996) is Unwritable.LENGTH


def test_a_line_over_998_is_folded_at_its_own_blanks() -> None:
    line = b"References: " + b"<0123456789@example.com> " * 60 + b"<end@example.com>\r\n"
    folded = refolded(line)
    assert isinstance(folded, bytes)
    assert folded.replace(b"\r\n", b"") == line.replace(b"\r\n", b"")
    assert max(map(len, folded.split(b"\r\n"))) <= 998
    out = leaves(HEAD + line + b"\r\nhi\r\n")
    assert folded in out
    assert sent(HEAD + b"X-Blob: " + b"y" * 2000 + b"\r\n\r\nhi\r\n") == CannotCarry(Obstacle.LONG_LINE)


def header_count(raw: bytes) -> int:
    return len(email.message_from_bytes(raw, policy=email.policy.compat32).items())


@pytest.mark.slow
@given(
    st.text(max_size=60)
    | st.binary(max_size=60)
    | st.builds(lambda a, b, c: a + b + c, st.text(max_size=9), st.sampled_from(BREAKS), st.just("Bcc: x@example.com"))
)
@settings(max_examples=10_000, deadline=None)
def test_no_value_ever_raises_the_number_of_fields(value: str | bytes) -> None:
    message = parse(HEAD + b"\r\nhi\r\n")
    assert isinstance(message, Message)
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    result = rewrite(message, Edit((("X-Hostile", raw),), frozenset(), None, eight_bit=True))
    if isinstance(result, CannotCarry):
        assert result.why is Obstacle.HEADER
        return
    out = b"".join(result.chunks)
    assert header_count(out) == header_count(HEAD + b"\r\n") + 1
    assert out.endswith(b"\r\n\r\nhi\r\n")


@pytest.mark.parametrize(
    ("value", "address", "domain"),
    [
        ("a@example.com", "a@example.com", "example.com"),
        ("Ann <a@Example.COM>", "a@Example.COM", "example.com"),
        ('"Doe, Ann" <a.b+c@example.com>', "a.b+c@example.com", "example.com"),
        ("a@example.com (Ann (the) one)", "a@example.com", "example.com"),
        ("=?utf-8?Q?Ann?= <a@example.com>", "a@example.com", "example.com"),
        ('<"odd name"@example.com>', '"odd name"@example.com', "example.com"),
        ("Élan <é@bücher.example>", "é@bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_one_mailbox_is_read(value: str, address: str, domain: str) -> None:
    assert mailbox(value.encode()) == (address, domain)


@pytest.mark.parametrize(
    "value",
    [
        *("", "a", "a@", "@example.com", "<>", "a@b@example.com", "a..b@example.com", "a @example.com", "x" * 65 + "@example.com"),
        *("a@example.com, b@example.com", "Team: a@example.com;", "<a@example.com> <b@example.com>", "Doe, Ann <a@example.com>"),
        *("a@example.com <b@example.net>", "<@relay.example:a@example.com>", "<a@[127.0.0.1]>", "a@example..com", "a@-example.com"),
        *("(a@example.com", "Ann <a@example.com", "a@example.com\x00"),
    ],
)
def test_what_is_not_exactly_one_mailbox_is_not_read(value: str) -> None:
    assert mailbox(value.encode()) is None


@pytest.mark.parametrize(
    ("head", "fault", "field"),
    [
        (b"To: x@example.com\r\n", Fault.FROM, "from"),
        (HEAD + b"From: b@acme.example\r\n", Fault.DUPLICATE, "from"),
        (HEAD + b"Subject: again\r\n", Fault.DUPLICATE, "subject"),
        (HEAD + b"Sender: nobody\r\n", Fault.SENDER, "sender"),
        (HEAD + b"Received: x\r\n" * 50, Fault.LOOP, "received"),
        (HEAD + "X-É: x\r\n".encode("latin-1"), Fault.SYNTAX, ""),
        (HEAD + "X: é\r\n".encode(), Fault.EIGHT_BIT, ""),
    ],
)
def test_a_header_that_lies_about_its_author_or_order_is_refused(head: bytes, fault: Fault, field: str) -> None:
    assert parse(head + b"\r\nhi\r\n") == Malformed(fault, field)


def test_eight_bit_headers_need_smtputf8_and_utf_8() -> None:
    good, bad, broken = (HEAD + b"X-Note: " + value + b"\r\n\r\nhi\r\n" for value in ("é".encode(), b"\xe9", "a\u2028b".encode()))
    assert isinstance(parse(good, smtputf8=True), Message)
    assert parse(bad, smtputf8=True) == Malformed(Fault.EIGHT_BIT)
    assert parse(broken, smtputf8=True) == Malformed(Fault.CONTROL)


def test_fifty_received_are_no_loop_yet() -> None:
    assert isinstance(parse(HEAD + b"Received: x\r\n" * 49 + b"\r\nhi\r\n"), Message)


def test_our_trace_stands_on_top_and_our_fields_above_the_tools() -> None:
    message = parse(HEAD + b"Bcc: hidden@example.com\r\nX-Tool: 1\r\n\r\nhi\r\n")
    assert isinstance(message, Message)
    put = (("Received", b"from a by b; now"), ("List-Unsubscribe", b"<https://optout.example/u/x>"), ("X-Ours", b"1"))
    result = rewrite(message, Edit(put, frozenset({"x-tool"}), words(), eight_bit=True))
    assert isinstance(result, Rewritten)
    names = [name for name, _ in email.message_from_bytes(bytes(result.chunks[0])).items()]
    assert names[:4] == ["Received", "Received", "List-Unsubscribe", "X-Ours"]
    assert names.count("List-Unsubscribe") == 1
    assert not {"Bcc", "X-Tool", "Return-Path"} & set(names)


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("block", [b"a" * 99_000, b"a:" * 49_000, b"a: b\r\n" + b" " * 90_000, b"\r\n a" * 24_000, b": " * 49_000])
def test_a_hostile_block_is_read_in_linear_time(block: bytes) -> None:
    within(0.05, lambda: parse(block + b"\r\n\r\nx\r\n"))
