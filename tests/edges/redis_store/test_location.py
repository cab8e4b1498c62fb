"""A store URL names a place or is told why not; no text of any kind brings a command down."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.edges.store.redis.location import Layout, Location, NoLocation, read_location

BEGINNINGS = ("redis://", "rediss://", "redis+sentinel://", "redis+cluster://", "rediss+cluster://", "sqlite", "")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("redis://store.example", Location(Layout.SINGLE, (("store.example", 6379),))),
        ("rediss://store.example:7000/3", Location(Layout.SINGLE, (("store.example", 7000),), tls=True, database=3)),
        ("redis://[::1]:7000", Location(Layout.SINGLE, (("::1", 7000),))),
        (
            "redis+sentinel://a.example,b.example:7001/gw/2",
            Location(Layout.SENTINEL, (("a.example", 26379), ("b.example", 7001)), service="gw", database=2),
        ),
        ("rediss+cluster://a.example:1,b.example", Location(Layout.CLUSTER, (("a.example", 1), ("b.example", 6379)), tls=True)),
    ],
)
def test_a_url_names_its_servers(text: str, place: Location) -> None:
    assert read_location(text) == place


@pytest.mark.parametrize(
    "text",
    [
        "redis://[::1",
        "redis://[abc]:1",
        "redis://a\u2100b",
        "redis://::1]",
        "redis://a.example:x",
        "redis://a.example:70000",
        "redis://",
        "redis://a.example,b.example",
        "redis://tool:secret@a.example",
        "redis://a.example/x",
        "redis://a.example/0?x=1",
        "redis+cluster://a.example/1",
        "redis+sentinel://a.example",
        "http://a.example",
    ],
)
def test_what_names_no_server_is_told_in_a_sentence_that_repeats_nothing_of_it(text: str) -> None:
    read = read_location(text)
    assert isinstance(read, NoLocation)
    assert "a.example" not in read.why
    assert "secret" not in read.why


@given(st.tuples(st.sampled_from(BEGINNINGS), st.text(st.characters() | st.sampled_from("[]@:/,%?#.\u2100"))).map("".join))
@example("redis://[v1.x]")
def test_any_text_is_read(text: str) -> None:
    match read_location(text):
        case Location(layout, hosts, _, service, database):
            assert hosts
            assert all(host and 0 < port < 65536 for host, port in hosts)
            assert (layout is Layout.SENTINEL) == bool(service)
            assert 0 <= database < 1000
        case NoLocation(why):
            assert why.endswith((".", "TLS"))
