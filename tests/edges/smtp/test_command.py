"""Paths and parameters: what parses, parses whole; what does not is refused with the right reply."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.reply import BAD_ARGUMENTS, BAD_RECIPIENT, BAD_SENDER, TOO_BIG, UNKNOWN_PARAMETER, UTF8_NEEDED, Reply
from gateway.edges.smtp import command
from gateway.edges.smtp.limits import Limits
from gateway.flow.desk import MailFrom, RcptTo

LIMITS = Limits()


def mail(argument: str | bytes) -> MailFrom | Reply:
    return command.mail(argument.encode() if isinstance(argument, str) else argument, LIMITS, auth_offered=True)


def rcpt(argument: str | bytes, utf8: bool = False) -> RcptTo | Reply:
    return command.rcpt(argument.encode() if isinstance(argument, str) else argument, LIMITS, utf8)


@pytest.mark.parametrize(
    ("argument", "sender"),
    [
        ("FROM:<a@b.example>", "a@b.example"),
        ("from:<a@b.example>", "a@b.example"),
        ("FROM: <a@b.example>", "a@b.example"),
        ("FROM:<>", ""),
        ('FROM:<"a b"@b.example>', '"a b"@b.example'),
        (r'FROM:<"a\"@>b"@b.example>', r'"a\"@>b"@b.example'),
        ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("FROM:<a+b=c/d@b.example>", "a+b=c/d@b.example"),
        ("FROM:<a%b@c.example>", "a%b@c.example"),
    ],
)
def test_path_is_handed_on_as_it_was_spelled(argument: str, sender: str) -> None:
    assert mail(argument) == MailFrom(sender)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a@b.example",
        "<a@b.example",
        "a@b.example>",
        "<pepe>",
        "<@relay.example:a@b.example>",
        "<a(comment)@b.example>",
        "<a@b.example(comment)>",
        "<a b@c.example>",
        "<a@b@c.example>",
        "<.a@b.example>",
        "<a..b@c.example>",
        "<a@b.example>x",
        "<a@b.example>> SIZE=1",
        "<a@>",
        "<@b.example>",
        "<a\x01b@c.example>",
        '<"a\x7fb"@c.example>',
        '<"a\tb"@c.example>',
        '<"a@c.example>',
        "<a@-b.example>",
        "<a@[1.2.3.4>",
        "<a@b.ex ample>",
        "<" + "l" * 65 + "@b.example>",
        "<a@" + "d" * 256 + ">",
        "< a@b.example>",
        "<<a@b.example>>",
        "<\x85a@b.example>",
    ],
)
def test_malformed_path_is_refused(path: str) -> None:
    assert rcpt(f"TO:{path}", utf8=True) in (BAD_RECIPIENT, BAD_ARGUMENTS)
    assert mail(f"FROM:{path} SMTPUTF8") in (BAD_SENDER, BAD_ARGUMENTS)


@pytest.mark.parametrize("keyword", ["", "FROM", "TO:", "LALA: ", "FROM :"])
def test_mail_wants_its_keyword(keyword: str) -> None:
    assert mail(f"{keyword}<a@b.example>") is BAD_SENDER


def test_null_path_is_a_sender_and_never_a_recipient() -> None:
    assert mail("FROM:<>") == MailFrom("")
    assert rcpt("TO:<>") is BAD_RECIPIENT


def test_postmaster_needs_no_domain() -> None:
    assert rcpt("TO:<Postmaster>") == RcptTo("Postmaster")
    assert mail("FROM:<Postmaster>") is BAD_SENDER


@pytest.mark.parametrize(("length", "fits"), [(63, True), (64, True), (65, False)])
def test_local_part_limit(length: int, fits: bool) -> None:
    assert isinstance(rcpt("TO:<" + "l" * length + "@b.example>"), RcptTo) is fits
    assert isinstance(rcpt("TO:<" + "é" * (length // 2) + "x" * (length % 2) + "@b.example>", utf8=True), RcptTo) is fits


@pytest.mark.parametrize(("length", "fits"), [(254, True), (255, True), (256, False)])
def test_domain_limit(length: int, fits: bool) -> None:
    assert isinstance(rcpt("TO:<a@" + "d" * length + ">"), RcptTo) is fits


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (" SIZE=1000", MailFrom("a@b.example", size=1000)),
        (" BODY=8BITMIME", MailFrom("a@b.example", eight_bit=True)),
        (" body=7bit", MailFrom("a@b.example")),
        (" SMTPUTF8", MailFrom("a@b.example", smtputf8=True)),
        (" RET=full ENVID=QQ314159", MailFrom("a@b.example", ret="FULL", envid="QQ314159")),
        (" ENVID=a+2Bb", MailFrom("a@b.example", envid="a+2Bb")),
        (" AUTH=<>", MailFrom("a@b.example")),
        ("  SIZE=1  ", MailFrom("a@b.example", size=1)),
        (" SIZE=26214400", MailFrom("a@b.example", size=26_214_400)),
        (" SIZE=26214401", TOO_BIG),
        (" SIZE=99999999999999999999", TOO_BIG),
        (" SIZE=-1", BAD_ARGUMENTS),
        (" SIZE=", BAD_ARGUMENTS),
        (" SIZE", BAD_ARGUMENTS),
        (" SIZE=1 SIZE=1", BAD_ARGUMENTS),
        (" SIZE=1 size=1", BAD_ARGUMENTS),
        (" BODY=9BIT", BAD_ARGUMENTS),
        (" BODY=BINARYMIME", UNKNOWN_PARAMETER),
        (" RET=BODY", BAD_ARGUMENTS),
        (" RET=FULL RET=HDRS", BAD_ARGUMENTS),
        (" ENVID=" + "x" * 100, MailFrom("a@b.example", envid="x" * 100)),
        (" ENVID=" + "x" * 101, BAD_ARGUMENTS),
        (" ENVID=a+2b", BAD_ARGUMENTS),
        (" ENVID=", BAD_ARGUMENTS),
        (" SMTPUTF8=yes", BAD_ARGUMENTS),
        (" FOO=1", UNKNOWN_PARAMETER),
        (" =1", BAD_ARGUMENTS),
        (" SIZE=1=2", BAD_ARGUMENTS),
    ],
)
def test_mail_parameters(parameters: str, expected: MailFrom | Reply) -> None:
    assert mail("FROM:<a@b.example>" + parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (" NOTIFY=never", RcptTo("a@b.example", notify="NEVER")),
        (" NOTIFY=SUCCESS,FAILURE,DELAY", RcptTo("a@b.example", notify="SUCCESS,FAILURE,DELAY")),
        (" ORCPT=rfc822;a+2Bb@c.example", RcptTo("a@b.example", orcpt="rfc822;a+2Bb@c.example")),
        (" NOTIFY=NEVER,SUCCESS", BAD_ARGUMENTS),
        (" NOTIFY=SUCCESS,SUCCESS", BAD_ARGUMENTS),
        (" NOTIFY=", BAD_ARGUMENTS),
        (" NOTIFY", BAD_ARGUMENTS),
        (" NOTIFY=NEVER NOTIFY=NEVER", BAD_ARGUMENTS),
        (" ORCPT=a@b.example", BAD_ARGUMENTS),
        (" ORCPT=rfc822;", BAD_ARGUMENTS),
        (" ORCPT=rfc822;a+zz", BAD_ARGUMENTS),
        (" ORCPT=rfc822;" + "x" * 493, RcptTo("a@b.example", orcpt="rfc822;" + "x" * 493)),
        (" ORCPT=rfc822;" + "x" * 494, BAD_ARGUMENTS),
        (" SIZE=1", UNKNOWN_PARAMETER),
    ],
)
def test_rcpt_parameters(parameters: str, expected: RcptTo | Reply) -> None:
    assert rcpt("TO:<a@b.example>" + parameters) == expected


def test_non_ascii_needs_smtputf8() -> None:
    assert mail("FROM:<é@b.example>") is UTF8_NEEDED
    assert mail("FROM:<é@b.example> SMTPUTF8") == MailFrom("é@b.example", smtputf8=True)
    assert rcpt("TO:<henryⅣ@b.example>") is UTF8_NEEDED
    assert rcpt("TO:<henryⅣ@b.example>", utf8=True) == RcptTo("henryⅣ@b.example")
    assert rcpt("TO:<é@b.example>".encode("latin-1")) is UTF8_NEEDED
    assert rcpt("TO:<é@b.example>".encode("latin-1"), utf8=True) is BAD_RECIPIENT
    assert mail("FROM:<é@b.example>".encode("latin-1")) is UTF8_NEEDED
    assert mail("FROM:<é@b.example> SMTPUTF8".encode("latin-1")) is BAD_SENDER


def test_auth_parameter_is_known_only_where_auth_is_offered() -> None:
    assert command.mail(b"FROM:<a@b.example> AUTH=<>", LIMITS, auth_offered=False) is UNKNOWN_PARAMETER


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (b"10", command.Chunk(10, False)),
        (b"0 LAST", command.Chunk(0, True)),
        (b"5 last", command.Chunk(5, True)),
        (b"", None),
        (b"-1", None),
        (b"5 FIRST", None),
        (b"LAST", None),
        (b"5LAST", None),
        (b"1e3", None),
        ("٣".encode(), None),
    ],
)
def test_bdat_arguments(argument: bytes, expected: command.Chunk | None) -> None:
    assert command.bdat(argument) == expected


near_valid = st.lists(
    st.sampled_from(
        ["TO:", "FROM:", "<", ">", "a", "@", "b.example", '"', "\\", " ", "SIZE=1", "NOTIFY=NEVER", "é", "\x01", ".", "["]
    ),
    max_size=14,
).map("".join)


@given(st.one_of(near_valid.map(str.encode), st.binary(max_size=60)), st.booleans())
def test_nothing_raises_and_nothing_dangerous_parses(argument: bytes, utf8: bool) -> None:
    for given_ in (b"FROM:" + argument, argument):
        parsed = mail(given_)
        assert isinstance(parsed, Reply | MailFrom)
        if isinstance(parsed, MailFrom):
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", parsed.sender)
    for given_ in (b"TO:" + argument, argument):
        to = rcpt(given_, utf8)
        assert isinstance(to, Reply | RcptTo)
        if isinstance(to, RcptTo):
            assert to.recipient
            assert not re.search(r"[\x00-\x1f\x7f-\x9f]", to.recipient)
            assert utf8 or to.recipient.isascii()
    command.bdat(argument)
    assert re.fullmatch(r"[A-Za-z0-9.:_\-\[\]?]*", command.hello(argument))


@given(st.from_regex(r"[a-z.+\-]{1,70}@[a-z0-9.\-_]{0,20}", fullmatch=True), st.sampled_from(["<", "< ", "", "<<"]), st.booleans())
def test_the_short_way_to_read_a_plain_path_reads_what_the_long_way_reads(address: str, opening: str, upper: bool) -> None:
    path = f":{opening}{address}>"
    for keyword, read in (("FROM", mail), ("TO", rcpt)):
        argument = (keyword if upper else keyword.title()) + path
        assert read(argument) == read(argument + " ")  # a space after the path takes the long way
