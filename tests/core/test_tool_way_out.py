"""The way out a tool had put into its mail: kept as it was, read with care, never opened by a GET."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tool_way_out import ONE_CLICK, MailOut, OneClick, as_kept, ways_out

URL = "https://tool.example/out?u=7&l=3"


def kept(field: str, offered: bool = True) -> bytes:
    return as_kept(field.encode(), (ONE_CLICK,) if offered else ())


def test_a_link_is_taken_only_where_one_click_was_offered() -> None:
    """R-FR-51, RFC 8058 3.1: a plain link is nobody's promise."""
    assert ways_out(kept(f"<{URL}>")) == (OneClick(URL),)
    assert ways_out(kept(f"<{URL}>", offered=False)) == ()
    assert ways_out(as_kept(f"<{URL}>".encode(), (b"One-Click",))) == ()
    assert ways_out(as_kept(f"<{URL}>".encode(), (b" list-unsubscribe=ONE-CLICK ",))) == (OneClick(URL),)


def test_nothing_kept_offers_nothing() -> None:
    assert kept("") == b""
    assert ways_out(b"") == ()


def test_one_click_comes_before_mail() -> None:
    ways = ways_out(kept(f"<mailto:out@tool.example?subject=leave%20list%203&body=u%3D7>, <{URL}>"))
    assert ways[0] == OneClick(URL)
    assert isinstance(ways[1], MailOut)
    assert (ways[1].to.wire, ways[1].subject, ways[1].text) == ("out@tool.example", "leave list 3", "u=7")


@pytest.mark.parametrize(
    "link",
    [
        "mailto:",
        "mailto:nobody",
        "mailto:a@tool.example,b@tool.example",
        "mailto:out@tool.example\r\nBcc: x@y.example",
        "mailto:out%0d%0aBcc:x@tool.example",
        "ftp://tool.example/out",
        "javascript:alert(1)",
        "data:text/html,out",
        "tel:+33123456789",
        "//tool.example/out",
    ],
)
def test_other_links_are_no_way_out(link: str) -> None:
    assert ways_out(kept(f"<{link}>")) == ()


def test_a_link_cannot_put_fields_into_our_mail() -> None:
    """Subject and text become one line each; other fields of the link are left alone (RFC 6068 7)."""
    (mail,) = ways_out(
        kept("<mailto:out@tool.example?subject=a%0d%0aBcc:%20x@y.example&body=b%0ac%E2%80%AEd&bcc=z@y.example&subject=last>", False)
    )
    assert isinstance(mail, MailOut)
    assert (mail.subject, mail.text) == ("last", "b c d")
    (mail,) = ways_out(kept("<mailto:out@tool.example?subject=a%0d%0aBcc:%20x@y.example>", False))
    assert isinstance(mail, MailOut)
    assert mail.subject == "a Bcc: x@y.example"


def test_a_field_of_many_links_is_read_to_a_bound() -> None:
    assert len(ways_out(kept(", ".join(f"<{URL}{number}>" for number in range(1000))))) == 8


@given(st.binary(max_size=200))
def test_any_field_is_read(field: bytes) -> None:
    for way in ways_out(as_kept(field, (ONE_CLICK,))):
        match way:
            case OneClick(url):
                assert url.lower().startswith(("https:", "http:"))
            case MailOut(_, subject, text):
                assert (subject + text).isprintable()
