"""Who our own mail server vouches for; every field that anybody could have written proves nothing (R-STD-72, T10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.answered import read_answer
from gateway.core.authentication import aligned, proven_author, read_results

OURS = "mx.maison.example"
FROM = b"From: Anne <anne@home.example>\r\nTo: contact@maison.example\r\n\r\nStop\r\n"


def author(*fields: str, head: bytes = FROM, trusted: str = OURS) -> str:
    written = b"".join(f"Authentication-Results: {field}\r\n".encode() for field in fields)
    return proven_author(read_answer(written + head), trusted)


@pytest.mark.parametrize(
    "field",
    [
        f"{OURS}; dmarc=pass header.from=home.example",
        f"{OURS}; dmarc=pass (p=reject dis=none) header.from=Home.Example",
        f"{OURS} 1; spf=pass smtp.mailfrom=home.example;\r\n dkim=pass header.d=home.example; dmarc=pass header.from=home.example",
        "MX.Maison.Example;\r\n\tdkim=pass (2048-bit key; secure) header.d=home.example header.i=@home.example header.b=abc=",
        f"{OURS}; dkim=fail header.d=home.example; dkim=pass header.i=anne@home.example",
        f'"{OURS}"; dkim/1=pass reason="good; really" header.d="home.example"',
        f"(a (nested) remark) {OURS}; dkim = pass header.d = home.example",
    ],
)
def test_our_own_server_vouches_for_an_author(field: str) -> None:
    """R-STD-72."""
    assert author(field) == "anne@home.example"


@pytest.mark.parametrize(
    "field",
    [
        "",
        f"{OURS}; none",
        "mx.else.example; dmarc=pass header.from=home.example",
        f"mx.else.example; dmarc=pass header.from=home.example; x={OURS}",
        f"{OURS}.else.example; dmarc=pass header.from=home.example",
        f"{OURS}; dmarc=fail header.from=home.example",
        f"{OURS}; dmarc=pass",
        f"{OURS}; dmarc=pass header.from=else.example",
        f"{OURS}; dmarc=pass header.from=home.example header.from=else.example",
        f"{OURS}; spf=pass smtp.mailfrom=anne@home.example",
        f"{OURS}; dkim=pass header.d=else.example",
        f"{OURS}; dkim=pass header.d=news.home.example",
        f"{OURS}; dkim=pass header.d=example",
        f"{OURS}; dkim=pass header.d=home.example header.d=else.example header.i=@home.example",
        f"{OURS}; dkim=fail header.d=home.example",
        f"{OURS}; dkim=pass header.d=else.example; dmarc=none header.from=home.example",
        f'{OURS}; dkim=pass header.d="else.example; dmarc=pass header.from=home.example"',
        f'{OURS}; dkim=fail reason="; dkim=pass header.d=home.example"',
        f'{OURS}; dkim=pass reason="header.d=home.example" header.b=x',
        f"{OURS}; dkim=pass header.s=a=header.d=home.example",
        f"{OURS}; spf=fail (sender says ; dkim=pass header.d=home.example) smtp.mailfrom=x",
        f"{OURS}; dkim=pass header.d=home.example (left open",
        f'{OURS}; dkim=pass header.d=home.example reason="left open',
        f"{OURS}; dkim=passed header.d=home.example",
        f"; dkim=pass header.d=home.example x={OURS}",
        f"{OURS}; dkim=pass header.d=home.example" + " x.y=z" * 3000,
    ],
)
def test_nothing_else_proves_an_author(field: str) -> None:
    """T10: who could have written the field is not believed."""
    assert author(field) == ""


def test_a_false_field_below_the_true_one_proves_nothing() -> None:
    true, false = f"{OURS}; dmarc=fail header.from=home.example", f"{OURS}; dmarc=pass header.from=home.example"
    assert author(true, false) == author(false, true) == ""
    assert author(false, "mx.else.example; dmarc=fail header.from=home.example") == "anne@home.example"
    assert author(false, f"{OURS}; (left open") == ""


def test_without_a_named_server_nobody_is_proven() -> None:
    assert author("; dmarc=pass header.from=home.example", trusted="") == ""
    assert author(f"{OURS}; dmarc=pass header.from=home.example", trusted="") == ""


def test_two_authors_are_none() -> None:
    field = f"{OURS}; dmarc=pass header.from=home.example"
    assert author(field, head=b"From: marc@home.example\r\n" + FROM) == ""
    assert author(field, head=FROM.replace(b">\r\n", b">, marc@home.example\r\n", 1)) == ""


def test_a_domain_speaks_for_itself_and_those_below_it() -> None:
    assert aligned("home.example", "home.example")
    assert aligned("home.example", "team.home.example")
    assert not aligned("team.home.example", "home.example")
    assert not aligned("ome.example", "home.example")
    assert not aligned("example", "home.example")
    assert not aligned("", "home.example")


@given(st.text(alphabet=st.sampled_from('mxa.;=()"\\ \t1/@') | st.characters(), max_size=200))
def test_any_field_is_read_without_an_error(text: str) -> None:
    found = read_results(text)
    assert found is None or found[0] == found[0].lower()
    assert proven_author(read_answer(f"Authentication-Results: {text}\r\n".encode("utf-8", "surrogatepass") + FROM), OURS) == ""


@given(st.text(alphabet='a.;=()"\\ ', max_size=60))
def test_what_a_sender_may_have_put_into_quotes_proves_nothing(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert author(f'{OURS}; dkim=fail header.d="{quoted}; dkim=pass header.d=home.example"') == ""
